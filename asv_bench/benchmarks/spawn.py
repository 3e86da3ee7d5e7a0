"""Bringing entities to life, into capacity that is there."""

from __future__ import annotations

import ecs_columnar as ecs
from benchmarks.base import Contest, Operation, Side, compile_kernels, floats
from benchmarks.peers import arrays
from benchmarks.worlds import Position, Velocity, names_of


class Spawning:
    """Spawns of ``n``, with four columns given as arrays."""

    def __init__(self, n: int) -> None:
        compile_kernels()
        self.world = ecs.World()
        self.n = n
        self.values = floats(n)
        self.side = Side(self.do, self.undo, n)

    def do(self) -> None:
        values = self.values
        self.entities = self.world.spawn(
            self.n, Position(x=values, y=values), Velocity(dx=values, dy=values)
        )

    def undo(self) -> None:
        self.world.despawn(self.entities)


class SpawningNamed:
    """Spawns of ``n``, with a string id each, and no component."""

    def __init__(self, n: int, names: list[str]) -> None:
        compile_kernels()
        self.world = ecs.World()
        self.names = names
        self.side = Side(self.do, self.undo, n)

    def do(self) -> None:
        self.entities = self.world.spawn(len(self.names), ids=self.names)

    def undo(self) -> None:
        self.world.despawn(self.entities)


class Spawn(Operation):
    """Spawn all."""

    def setup(self, n: int) -> None:
        self.ours = Spawning(n).side


class SpawnNamed(Operation):
    """Spawn all, with string ids."""

    def setup(self, n: int) -> None:
        self.ours = SpawningNamed(n, names_of(n)).side


class SpawnAgainstCopies(Contest):
    """Spawn all, against writing the same bytes."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = Spawning(n).side, arrays.copies(n)


class BareSpawnAgainstCopies(Contest):
    """The least that is written of entities, against their values and handles alone."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = arrays.copies_with_records(n), arrays.copies(n)


class SpawnNamedAgainstDict(Contest):
    """Spawn all with string ids, against making a dict of them."""

    def setup(self, n: int) -> None:
        names = names_of(n)
        self.ours = SpawningNamed(n, names).side
        self.theirs = Side(lambda: dict(zip(names, range(n), strict=True)), n_items=n)
