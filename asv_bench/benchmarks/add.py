"""Adding a component of one float32."""

from __future__ import annotations

from benchmarks.base import Contest, Operation, Side
from benchmarks.peers import arrays, esper_world
from benchmarks.transfer import additions
from benchmarks.worlds import Health, Position, moving


def additions_to_all(n: int) -> Side:
    """Add Health to all of a query."""
    world, _ = moving(n)
    everybody = world.query(Position)
    return Side(
        lambda: world.add(everybody, Health(100.0)),
        lambda: world.remove(everybody, Health),
        n,
    )


def additions_to_all_handles(n: int) -> Side:
    """Add Health to all, given as an array."""
    world, entities = moving(n)
    return Side(
        lambda: world.add(entities, Health(100.0)),
        lambda: world.remove(entities, Health),
        n,
    )


class AddToAll(Operation):
    """Add to a query that finds all."""

    def setup(self, n: int) -> None:
        self.ours = additions_to_all(n)


class AddToTenth(Operation):
    """Add to a random tenth."""

    def setup(self, n: int) -> None:
        self.ours = additions(n)


class AddToAllAgainstFill(Contest):
    """Add to a query that finds all, against filling a new array."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = additions_to_all(n), arrays.fills(n)


class AddToAllHandlesAgainstFill(Contest):
    """Add to all, given as handles, against filling a new array."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = additions_to_all_handles(n), arrays.fills(n)


class CompareAgainstFill(Contest):
    """The floor of it: to see that these are all handles, and fill an array."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = arrays.comparisons(n), arrays.fills(n)


class AddToTenthAgainstEsper(Contest):
    """Add to a random tenth, against esper."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = additions(n), esper_world.additions(n)
