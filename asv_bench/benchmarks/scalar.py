"""One entity at a time: a thousand calls a round."""

from __future__ import annotations

import ecs_columnar as ecs
from benchmarks.base import Contest, Draw, Operation, Side
from benchmarks.peers import esper_world
from benchmarks.peers.esper_world import N_CALLS
from benchmarks.worlds import N_PLACES, Position, Velocity, moving, places_of


class OneByOne:
    """A world, and a thousand of its entities as objects."""

    def __init__(self, n: int) -> None:
        self.world, self.entities = moving(n)
        some = self.entities[Draw(n).chosen[:N_CALLS]]
        self.some = [self.world.entity(handle) for handle in some.tolist()]
        self.born: list[ecs.Entity] = []

    def write(self) -> None:
        for entity in self.some:
            entity[Position].x = 3.0

    def spawn(self) -> None:
        spawn = self.world.spawn_one
        self.born = [spawn(Position(1.0, 2.0), Velocity(3.0, 4.0)) for _ in range(N_CALLS)]

    def despawn(self) -> None:
        for entity in self.born:
            entity.despawn()
        self.born = []  # freed after the clock

    def move(self) -> None:
        for entity, place in zip(self.some, self.places, strict=True):
            entity.move(place)

    def place(self, *, everybody: bool) -> None:
        """Put all, or the thousand alone, into places; name those that they move to."""
        spots = [f"place-{i}" for i in range(N_PLACES)]
        self.world.spawn(N_PLACES, ids=spots)
        movers = self.entities if everybody else [entity.handle for entity in self.some]
        numbers = places_of(len(movers)).tolist()
        self.world.move(movers, [spots[number] for number in numbers])
        self.places = spots[:N_CALLS]


def writes(n: int) -> Side:
    """Set one field of one entity."""
    return Side(OneByOne(n).write, n_items=N_CALLS)


def births(n: int) -> Side:
    """Spawn one entity."""
    world = OneByOne(n)
    return Side(world.spawn, world.despawn, N_CALLS)


def moves(n: int, *, everybody: bool = True) -> Side:
    """Move one entity to a place given as a string."""
    world = OneByOne(n)
    world.place(everybody=everybody)
    return Side(world.move, world.places.reverse, N_CALLS)


class SetOne(Operation):
    """Set a field of one."""

    def setup(self, n: int) -> None:
        self.ours = writes(n)


class SpawnOne(Operation):
    """Spawn one."""

    def setup(self, n: int) -> None:
        self.ours = births(n)


class MoveOne(Operation):
    """Move one."""

    def setup(self, n: int) -> None:
        self.ours = moves(n)


class SetOneAgainstEsper(Contest):
    """Set a field of one, against esper."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = writes(n), esper_world.writes(n)


class SpawnOneAgainstEsper(Contest):
    """Spawn one, against esper."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = births(n), esper_world.births(n)


class MoveOneAgainstEsper(Contest):
    """Move one, against a field written in esper, which keeps no index."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = moves(n), esper_world.moves(n)


class MoveOneInThinPlacesAgainstEsper(Contest):
    """Move one of a thousand in ten thousand places, which have no room to spare."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = moves(n, everybody=False), esper_world.moves(n)
