"""One entity at a time: a thousand calls a round."""

from __future__ import annotations

import ecs_columnar as ecs
from benchmarks.base import Contest, Draw, Operation, Side
from benchmarks.peers import esper_world
from benchmarks.peers.esper_world import N_CALLS
from benchmarks.worlds import N_PLACES, Position, Velocity, moving, places_of
from ecs_columnar import kernels


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


def bare_births(n: int) -> Side:
    """Spawn one with all at hand: two components, made, checked and written, and one call."""
    world = OneByOne(n)
    world.spawn()  # so that there is room, and a writer
    world.despawn()
    storage = world.world._storage
    (table,), entities = storage.tables, storage.entities
    plain = storage.registry.plain_set([Position(0.0, 0.0), Velocity(0.0, 0.0)])
    assert plain is not None
    write, bear_one = plain.write, kernels.entities.bear_one.direct
    records, free, counters = entities.records, entities.free, entities.counters
    n_rows, handles, clock = table.count, table.handles.data, storage.clock
    made: list[int] = []

    def do() -> None:
        for _ in range(N_CALLS):
            write(table, n_rows.item(), (Position(1.0, 2.0), Velocity(3.0, 4.0)))
            made.append(bear_one(table.number, records, free, counters, n_rows, handles, clock))

    def undo() -> None:
        world.world.despawn(made)
        made.clear()

    return Side(do, undo, N_CALLS)


def bare_moves(n: int) -> Side:
    """Move one with all at hand: a look-up in a dict, and one call."""
    world = OneByOne(n)
    world.place(everybody=True)
    storage, index = world.world._storage, world.world._storage.locations
    codes = {place: storage.places.code(place) for place in world.places}
    handles = [entity.handle for entity in world.some]
    entities, records, groups = storage.entities.records, index.records, index.groups
    members, counters, clock = index.members, index.counters, storage.clock
    place_one = kernels.groups.place_one.direct

    def do() -> None:
        for handle, place in zip(handles, world.places, strict=True):
            place_one(handle, codes[place], entities, records, groups, members, counters, clock)

    return Side(do, world.places.reverse, N_CALLS)


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


class MoveOneAgainstIndexedEsper(Contest):
    """Move one, against a field written in esper and a dict of sets, of who is where."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = moves(n), esper_world.indexed_moves(n)


class BareSpawnAgainstEsper(Contest):
    """The least that it takes to spawn one, against esper."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = bare_births(n), esper_world.births(n)


class BareMoveAgainstEsper(Contest):
    """The least that it takes to move one, against a field written in esper."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = bare_moves(n), esper_world.moves(n)


class MoveOneInThinPlacesAgainstEsper(Contest):
    """Move one of a thousand in ten thousand places, which have no room to spare."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = moves(n, everybody=False), esper_world.moves(n)
