"""Looking up a tenth of the string ids, given as a list."""

from __future__ import annotations

import ecs_columnar as ecs
from benchmarks.base import Contest, Draw, Operation, Side, compile_kernels
from benchmarks.worlds import names_of


class LookingUp:
    """Look-ups of a random tenth, drawn anew for each round.

    Parameters
    ----------
    fresh : bool
        Whether what is asked for are strings made anew, as those that come from
        a file, and not the objects that were stored, whose hashes Python keeps.
    """

    def __init__(self, names: list[str], *, fresh: bool = False) -> None:
        compile_kernels()
        self.draw = Draw(len(names))
        self.names = names
        self.fresh = fresh
        self.next()

    def next(self) -> None:
        self.draw.next()
        self.asked = [self.names[i] for i in self.draw.chosen.tolist()]
        if self.fresh:
            self.asked = [name.encode().decode() for name in self.asked]

    def in_world(self) -> Side:
        """Find handles."""
        world = ecs.World()
        world.spawn(len(self.names), ids=self.names)
        return Side(lambda: world.ids[self.asked], self.next, len(self.asked))

    def in_dict(self) -> Side:
        """Find numbers in a dict that is there already, into a list."""
        ready = dict(zip(self.names, range(len(self.names)), strict=True))
        return Side(lambda: [ready[name] for name in self.asked], self.next, len(self.asked))


class LookUpTenth(Operation):
    """Look up a tenth."""

    def setup(self, n: int) -> None:
        self.ours = LookingUp(names_of(n)).in_world()


class LookUpTenthAgainstDict(Contest):
    """Look up a tenth, against a dict."""

    def setup(self, n: int) -> None:
        names = names_of(n)
        self.ours, self.theirs = LookingUp(names).in_world(), LookingUp(names).in_dict()


class LookUpFreshTenthAgainstDict(Contest):
    """Look up a tenth, in strings made anew, against a dict."""

    def setup(self, n: int) -> None:
        names = names_of(n)
        self.ours = LookingUp(names, fresh=True).in_world()
        self.theirs = LookingUp(names, fresh=True).in_dict()
