"""esper: a dict of components for each entity, and a set of entities for each component."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import esper

from benchmarks.base import Draw, Side

N_CALLS = 1000


@dataclass(slots=True)
class Position:
    """As in `worlds`."""

    x: float
    y: float


@dataclass(slots=True)
class Velocity:
    """As in `worlds`."""

    dx: float
    dy: float


@dataclass(slots=True)
class Health:
    """As in `worlds`."""

    points: float


@dataclass(slots=True)
class Place:
    """Where an entity is. esper has no index of places."""

    number: int


class EsperWorld:
    """Entities with Position and Velocity, of which a random tenth is at hand.

    Attributes
    ----------
    some : list of int
        The tenth.
    """

    def __init__(self, n: int) -> None:
        # esper has one world at a time, for all; each of ours begins anew.
        esper.clear_database()
        self.draw = Draw(n)
        self.entities = [born() for _ in range(n)]
        self.next()

    def next(self) -> None:
        """Draw another tenth."""
        self.draw.next()
        self.some = [self.entities[i] for i in self.draw.chosen.tolist()]

    def add(self) -> None:
        for entity in self.some:
            esper.add_component(entity, Health(100.0))

    def remove(self) -> None:
        for entity in self.some:
            esper.remove_component(entity, Health)

    def despawn(self) -> None:
        for entity in self.some:
            esper.delete_entity(entity, immediate=True)

    def replace(self) -> None:
        """Bear as many as have died."""
        for i in self.draw.chosen.tolist():
            self.entities[i] = born()


def born() -> int:
    """Create one entity."""
    return int(esper.create_entity(Position(1.0, 2.0), Velocity(3.0, 4.0)))


def copies(n: int) -> Side:
    """Copy the whole world deeply: what there is to go back to."""
    EsperWorld(n)
    return Side(lambda: copy.deepcopy(esper._entities), n_items=1)


def additions(n: int) -> Side:
    """Add Health to a random tenth."""
    world = EsperWorld(n)
    return Side(world.add, lambda: (world.remove(), world.next()), world.draw.n_chosen)


def removals(n: int) -> Side:
    """Remove Health from a random tenth."""
    world = EsperWorld(n)
    world.add()
    return Side(world.remove, lambda: (world.next(), world.add()), world.draw.n_chosen)


def deaths(n: int) -> Side:
    """Delete a random tenth."""
    world = EsperWorld(n)
    return Side(world.despawn, lambda: (world.replace(), world.next()), world.draw.n_chosen)


def writes(n: int) -> Side:
    """Set one field of one entity, many times."""
    entities = EsperWorld(n).some[:N_CALLS]

    def do() -> None:
        for entity in entities:
            esper.component_for_entity(entity, Position).x = 3.0

    return Side(do, n_items=len(entities))


def births(n: int) -> Side:
    """Create one entity, many times."""
    EsperWorld(n)
    made: list[int] = []

    def do() -> None:
        nonlocal made
        made = [esper.create_entity(Position(1.0, 2.0), Velocity(3.0, 4.0)) for _ in range(N_CALLS)]

    def undo() -> None:
        nonlocal made
        for entity in made:
            esper.delete_entity(entity, immediate=True)
        made = []  # freed after the clock

    return Side(do, undo, N_CALLS)


def moves(n: int) -> Side:
    """Write the place of one entity, many times."""
    entities = EsperWorld(n).some[:N_CALLS]
    for entity in entities:
        esper.add_component(entity, Place(0))

    def do() -> None:
        for i, entity in enumerate(entities):
            esper.component_for_entity(entity, Place).number = i

    return Side(do, n_items=len(entities))


def indexed_moves(n: int) -> Side:
    """Write the place of one entity, and keep who is where in a dict of sets."""
    entities = EsperWorld(n).some[:N_CALLS]
    numbers = list(range(len(entities)))
    members: dict[int, set[int]] = {number: set() for number in numbers}
    for number, entity in zip(numbers, entities, strict=True):
        esper.add_component(entity, Place(number))
        members[number].add(entity)

    def do() -> None:
        for entity, number in zip(entities, numbers, strict=True):
            place = esper.component_for_entity(entity, Place)
            members[place.number].remove(entity)
            members[number].add(entity)
            place.number = number

    return Side(do, numbers.reverse, n_items=len(entities))
