"""Removing a random tenth."""

from __future__ import annotations

from benchmarks.base import Contest, Draw, Operation, Side
from benchmarks.peers import esper_world
from benchmarks.worlds import born, moving


class Despawning:
    """Deaths of a random tenth; as many are born after each."""

    def __init__(self, n: int) -> None:
        self.draw = Draw(n)
        self.world, self.entities = moving(n)
        self.some = self.entities[self.draw.chosen]
        self.side = Side(self.do, self.undo, self.draw.n_chosen)

    def do(self) -> None:
        self.world.despawn(self.some)

    def undo(self) -> None:
        self.entities[self.draw.chosen] = born(self.world, self.draw.n_chosen)
        self.draw.next()
        self.some = self.entities[self.draw.chosen]


class DespawnTenth(Operation):
    """Despawn a random tenth."""

    def setup(self, n: int) -> None:
        self.ours = Despawning(n).side


class DespawnTenthAgainstEsper(Contest):
    """Despawn a random tenth, against esper."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = Despawning(n).side, esper_world.deaths(n)
