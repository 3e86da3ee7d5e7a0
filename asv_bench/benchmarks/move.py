"""Moving a random share among ten thousand places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ecs_columnar as ecs
from benchmarks.base import Contest, Draw, Operation, Side, compile_kernels
from benchmarks.peers import frames, groups, sets
from benchmarks.worlds import N_PLACES, names_of, places_of


class Moving:
    """Moves of a random share to random places; others to other places each time.

    Parameters
    ----------
    names : list of str, optional
        Ids of the entities. With them entities and places are given as lists of
        str, without them both as arrays of handles.
    """

    def __init__(self, n: int, parts: int = 10, names: Sequence[str] | None = None) -> None:
        compile_kernels()
        self.draw = Draw(n, parts)
        self.names = names
        self.world = ecs.World()
        spots = [f"place-{i}" for i in range(N_PLACES)]
        self.places: Any = spots if names else self.world.spawn(N_PLACES, ids=spots)
        self.entities = self.world.spawn(n, ids=names, at=self.pick(self.places, places_of(n)))
        self.side = Side(self.do, self.next, self.draw.n_chosen)
        self.next()

    def pick(self, things: Any, chosen: Any) -> Any:
        """Return some, as a list if they are in a list."""
        if isinstance(things, list):
            return [things[i] for i in chosen.tolist()]
        return things[chosen]

    def do(self) -> None:
        self.world.move(self.movers, self.targets)

    def next(self) -> None:
        self.draw.next()
        self.movers = self.pick(self.names or self.entities, self.draw.chosen)
        targets = self.draw.rng.integers(0, N_PLACES, self.draw.n_chosen)
        self.targets = self.pick(self.places, targets)


class MoveTenth(Operation):
    """Move a tenth, given as handles."""

    def setup(self, n: int) -> None:
        self.ours = Moving(n).side


class MoveHundredth(Operation):
    """Move a hundredth, given as handles."""

    def setup(self, n: int) -> None:
        self.ours = Moving(n, parts=100).side


class MoveTenthByName(Operation):
    """Move a tenth, given as string ids, to places given as strings."""

    def setup(self, n: int) -> None:
        self.ours = Moving(n, names=names_of(n)).side


class MoveTenthAgainstSets(Contest):
    """Move a tenth, against a dict of sets."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = Moving(n).side, sets.moves(n)


class MoveTenthAgainstLoop(Contest):
    """Move a tenth, against a bare loop over the same records."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = Moving(n).side, groups.moves(n)


class LoopAgainstSets(Contest):
    """The floor of it: a bare loop, against a dict of sets."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = groups.moves(n), sets.moves(n)


class MoveHundredthAgainstTenth(Contest):
    """Move a hundredth, against moving a tenth; the cost of a move."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = Moving(n, parts=100).side, Moving(n).side


class HundredthOfLoopAgainstTenth(Contest):
    """The floor of it: a bare loop over a hundredth, against one over a tenth."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = groups.moves(n, parts=100), groups.moves(n)


class MoveTenthByNameAgainstPolars(Contest):
    """Move a tenth by strings, against polars, which keeps no index."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = Moving(n, names=names_of(n)).side, frames.moves(n)
