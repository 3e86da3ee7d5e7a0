"""Snapshots, what the first write after one costs, and going back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import ecs_columnar as ecs
from benchmarks.base import Contest, Operation, Side
from benchmarks.peers import arrays, esper_world
from benchmarks.worlds import Body, bodies


def first_snapshots(n: int) -> Side:
    """Take a snapshot of a world of which every column has been written since the last."""
    world, entities = bodies(n)
    return Side(world.snapshot, lambda: touch(world, entities, 8))


def touch(world: ecs.World, entities: NDArray[np.int64], n_columns: int) -> None:
    """Write into some of the columns, so that snapshots share them no more."""
    names = [field.name for field in Body.__schema__.fields[:n_columns]]
    world.set(entities[:1], Body, **dict.fromkeys(names, 1.0))


class FirstSnapshotAgainstCopy(Contest):
    """A snapshot when everything is new, against copying all columns into mapped memory."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = first_snapshots(n), arrays.copies_over(n)


def rewritten(n: int) -> Side:
    """Write one row of every column after a snapshot: they are copied then."""
    world, entities = bodies(n)
    kept = [world.snapshot()]

    def undo() -> None:
        kept[0] = world.snapshot()

    return Side(lambda: world.set(entities[:1], Body(*[1.0] * 8)), undo)


class FirstWriteAfterSnapshotAgainstCopy(Contest):
    """The first write to all columns after a snapshot, against copying them into new memory."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = rewritten(n), arrays.new_copies(n)


class SnapshotOfNothingNew(Operation):
    """A snapshot when nothing has changed since the last."""

    def setup(self, n: int) -> None:
        world, _ = bodies(n)
        self.ours = Side(world.snapshot)


def restores(n: int) -> Side:
    """Go back to a snapshot after all columns have been written."""
    world, entities = bodies(n)
    before = world.snapshot()
    touch(world, entities, 8)
    return Side(lambda: world.restore(before), lambda: touch(world, entities, 8))


class SnapshotOfOneColumnAgainstFull(Contest):
    """A snapshot and the write that copies, of one column, against all eight."""

    n_rounds = 21  # until both have been given memory that was used before

    def setup(self, n: int) -> None:
        self.ours, self.theirs = snapshot_and_write(n, 1), snapshot_and_write(n, 8)


def snapshot_and_write(n: int, n_columns: int) -> Side:
    """Take a snapshot, and write into some columns, which copies them."""
    world, entities = bodies(n)
    kept: list[ecs.Snapshot] = []

    def do() -> None:
        kept[:] = [world.snapshot()]
        touch(world, entities, n_columns)

    return Side(do)


class RestoreAgainstCopy(Contest):
    """Going back, against copying all columns into mapped memory."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = restores(n), arrays.copies_over(n)


class SnapshotAgainstDeepCopy(Contest):
    """A snapshot, against a deep copy of the same world in esper."""

    params = (10_000, 100_000)
    n_rounds = 3

    def setup(self, n: int) -> None:
        self.ours, self.theirs = first_snapshots(n), esper_world.copies(n)
