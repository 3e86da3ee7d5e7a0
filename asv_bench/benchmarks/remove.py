"""Removing a component of one float32 from a random tenth."""

from __future__ import annotations

from benchmarks.base import Contest, Operation
from benchmarks.peers import esper_world
from benchmarks.transfer import removals


class RemoveFromTenth(Operation):
    """Remove from a random tenth."""

    def setup(self, n: int) -> None:
        self.ours = removals(n)


class RemoveFromTenthAgainstEsper(Contest):
    """Remove from a random tenth, against esper."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = removals(n), esper_world.removals(n)
