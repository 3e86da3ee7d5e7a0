"""Writing a component of a random tenth."""

from __future__ import annotations

from benchmarks.base import Contest, Draw, Operation, Side, floats
from benchmarks.peers import arrays
from benchmarks.worlds import Position, moving


def writes(n: int) -> Side:
    """Overwrite Position of a random tenth."""
    draw = Draw(n)
    world, entities = moving(n)
    some, values = entities[draw.chosen], floats(draw.n_chosen)
    return Side(lambda: world.set(some, Position(x=values, y=values)), n_items=len(some))


class SetTenth(Operation):
    """Set for a random tenth."""

    def setup(self, n: int) -> None:
        self.ours = writes(n)


class SetTenthAgainstScatter(Contest):
    """Set for a random tenth, against NumPy with the rows at hand."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = writes(n), arrays.writes(n, Draw(n).chosen)
