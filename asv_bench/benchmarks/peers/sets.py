"""A dict of sets: who is where, in plain Python."""

from __future__ import annotations

from benchmarks.base import Draw, Side
from benchmarks.worlds import N_PLACES, places_of


class Sets:
    """Place to entities, and entity to place.

    Attributes
    ----------
    place_of : dict of int to int
    members : dict of int to set of int
    """

    def __init__(self, places: list[int]) -> None:
        self.place_of = dict(enumerate(places))
        self.members: dict[int, set[int]] = {place: set() for place in range(N_PLACES)}
        for entity, place in self.place_of.items():
            self.members[place].add(entity)

    def move(self, entities: list[int], places: list[int]) -> None:
        """Move each entity to its place."""
        place_of, members = self.place_of, self.members
        for entity, place in zip(entities, places, strict=True):
            members[place_of[entity]].remove(entity)
            members[place].add(entity)
            place_of[entity] = place


class Moving:
    """Moves of a share of the entities, in lists."""

    def __init__(self, n: int, parts: int = 10) -> None:
        self.draw = Draw(n, parts)
        self.sets = Sets(places_of(n).tolist())
        self.side = Side(self.do, self.next, self.draw.n_chosen)
        self.next()

    def do(self) -> None:
        self.sets.move(self.movers, self.places)

    def next(self) -> None:
        self.draw.next()
        self.movers = self.draw.chosen.tolist()
        self.places = self.draw.rng.integers(0, N_PLACES, self.draw.n_chosen).tolist()


def moves(n: int, parts: int = 10) -> Side:
    """Move a share of ``n`` entities, given as lists of int."""
    return Moving(n, parts).side
