"""Reading a component of a random tenth."""

from __future__ import annotations

from benchmarks.base import Contest, Draw, Operation, Side
from benchmarks.peers import arrays
from benchmarks.worlds import Position, moving


def reads(n: int) -> Side:
    """Copy Position of a random tenth."""
    draw = Draw(n)
    world, entities = moving(n)
    some = entities[draw.chosen]
    return Side(lambda: world.get(some, Position), n_items=len(some))


class GetTenth(Operation):
    """Get from a random tenth."""

    def setup(self, n: int) -> None:
        self.ours = reads(n)


class GetTenthAgainstGather(Contest):
    """Get from a random tenth, against NumPy with the rows at hand."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = reads(n), arrays.reads(n, Draw(n).chosen)
