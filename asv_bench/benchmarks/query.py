"""A step of a simulation over all entities."""

from __future__ import annotations

from typing import Final

import ecs_columnar as ecs
from benchmarks.base import Contest, Operation, Side
from benchmarks.peers import arrays
from benchmarks.worlds import Position, Velocity, moving

DT: Final = 0.1
N_STEPS_BEFORE: Final = 100


def steps(world: ecs.World) -> Side:
    """Advance positions by velocities, in NumPy."""

    def do() -> None:
        for rows in world.query(ecs.Mut[Position], Velocity):
            rows[Position].x += rows[Velocity].dx * DT

    return Side(do, n_items=world.query(Position).count())


def bare_steps(world: ecs.World) -> Side:
    """Do the same to the columns, which are at hand."""
    (rows,) = world.query(ecs.Mut[Position], Velocity)
    return arrays.steps(rows[Position].x, rows[Velocity].dx, DT)


class Step(Operation):
    """Advance all."""

    def setup(self, n: int) -> None:
        self.ours = steps(moving(n)[0])


class ToPandas(Operation):
    """Copy all into a frame."""

    def setup(self, n: int) -> None:
        query = moving(n)[0].query(Position, Velocity)
        self.ours = Side(query.to_pandas, n_items=n)


class ToArrow(Operation):
    """Copy all into an Arrow table."""

    def setup(self, n: int) -> None:
        query = moving(n)[0].query(Position, Velocity)
        self.ours = Side(query.to_arrow, n_items=n)


class StepAgainstArrays(Contest):
    """Advance all, against the same arrays without a world.

    The same, because where arrays lie in memory makes more of a difference. Both
    have been done before, in a small world: Python adapts a function to its use in
    its first dozens of calls, and a simulation takes thousands of steps.
    """

    def setup(self, n: int) -> None:
        small, _ = moving(10)
        for side in (steps(small), bare_steps(small)):
            for _ in range(N_STEPS_BEFORE):
                side.do()
        world, _ = moving(n)
        self.ours, self.theirs = steps(world), bare_steps(world)
