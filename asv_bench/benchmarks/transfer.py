"""Components that some entities have for a while."""

from __future__ import annotations

from benchmarks.base import Draw, Side
from benchmarks.worlds import Health, moving


class Transfers:
    """A random tenth of a world, which gets Health and loses it again."""

    def __init__(self, n: int) -> None:
        self.draw = Draw(n)
        self.world, self.entities = moving(n)
        self.some = self.entities[self.draw.chosen]

    def add(self) -> None:
        self.world.add(self.some, Health(100.0))

    def remove(self) -> None:
        self.world.remove(self.some, Health)

    def next(self) -> None:
        self.draw.next()
        self.some = self.entities[self.draw.chosen]


def additions(n: int) -> Side:
    """Add Health to a random tenth."""
    world = Transfers(n)
    return Side(world.add, lambda: (world.remove(), world.next()), world.draw.n_chosen)


def removals(n: int) -> Side:
    """Remove Health from a random tenth."""
    world = Transfers(n)
    world.add()
    return Side(world.remove, lambda: (world.next(), world.add()), world.draw.n_chosen)
