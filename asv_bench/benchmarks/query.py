"""A step of a simulation over all entities."""

from __future__ import annotations

from typing import Final

import ecs_columnar as ecs
from benchmarks.base import Contest, Operation, Side
from benchmarks.peers import arrays
from benchmarks.worlds import Position, Velocity, moving

DT: Final = 0.1


def steps(n: int) -> Side:
    """Advance positions by velocities, in NumPy."""
    world, _ = moving(n)

    def do() -> None:
        for rows in world.query(ecs.Mut[Position], Velocity):
            rows[Position].x += rows[Velocity].dx * DT

    return Side(do, n_items=n)


class Step(Operation):
    """Advance all."""

    def setup(self, n: int) -> None:
        self.ours = steps(n)


class StepAgainstArrays(Contest):
    """Advance all, against bare arrays."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = steps(n), arrays.steps(n, DT)
