"""Have allocations fail in the middle of an operation, and see that nothing is half done.

Run as a program, with the library of `starve.c` loaded before all others::

    LD_PRELOAD=starve.so python -m tests.starvation starve.so <stride> <operation> ...
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ecs_columnar as ecs
from tests.fingerprint import differences, fingerprint
from tests.memento import Memento
from tests.scene import OPERATIONS, Call, Scene, a_scene
from tests.strategies import Bag, Burning, Label, Position, Shape

SCALE = 200  # so that a column of a field is larger than what is left alone
SOURCE = Path(__file__).with_name("starve.c")
# Those of more than one change may stop between two of them, as they say.
CHANGES = [name for name, operation in OPERATIONS.items() if operation.is_one] + [
    "commit",
    "roll back",
    "a broken transaction",
]


def _compare(world: ecs.World, before: ecs.Snapshot) -> bool:
    return world.snapshot() == before


# What only looks raises MemoryError as well, and nothing else.
READS: dict[str, Callable[[Scene], Call]] = {
    "get": lambda s: lambda: s.world.get(s.crew[::-1], Position),
    "get strings": lambda s: lambda: s.world.get(s.crew[::-1], Label),
    "get objects": lambda s: lambda: s.world.get(s.crew[::-1], Bag),
    "get what is rare": lambda s: lambda: s.world.get(s.crew[::2], Burning),
    "query": lambda s: lambda: (s.world.query(Position).handles(), s.world.query(Burning).count()),
    "add up": lambda s: lambda: s.world.locations.sum(Position, "x"),
    "add up arrays": lambda s: lambda: s.world.locations.sum(Shape, "matrix"),
    "group": lambda s: s.world.locations.groups,
    "where are they": lambda s: lambda: s.world.locations.of(s.crew),
    "find ids": lambda s: partial(s.world.ids.find, [f"crew-{i}" for i in range(len(s.crew))]),
    "name them": lambda s: lambda: s.world.ids.names(s.crew),
    "hash": lambda s: s.world.digest,
    "take a snapshot and compare": lambda s: partial(_compare, s.world, s.world.snapshot()),
}
STARVED = [*CHANGES, *READS]


def build(folder: Path) -> Path | None:
    """Compile the shim, if there is a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        return None
    out = folder / "starve.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(out), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False)
    return out if done.returncode == 0 else None


class Shim:
    """The switch of the library that makes allocations fail."""

    def __init__(self, path: str) -> None:
        shim = ctypes.CDLL(path)
        self._starve, self._feed = shim.starve, shim.feed
        self._starve.argtypes = [ctypes.c_long, ctypes.c_int]
        self._feed.restype = ctypes.c_long

    def call(self, call: Call, at: int, *, for_good: bool) -> tuple[bool, int]:
        """Call with the ``at``-th large allocation failing, 0 for none.

        Returns
        -------
        is_done : bool
        n_allocations : int
        """
        starve, feed = self._starve, self._feed
        starve(at, for_good)
        try:
            call()
        except MemoryError:
            return False, feed()
        finally:
            feed()
        return True, feed()


def a_stage(name: str) -> tuple[Scene, Call]:
    scene = a_scene(SCALE)
    prepare = READS[name] if name in READS else OPERATIONS[name].prepare
    return scene, prepare(scene)


class Starving:
    """An operation whose allocations fail, one after the other."""

    def __init__(self, shim: Shim, name: str) -> None:
        self.shim, self.name = shim, name
        scene, self.call = a_stage(name)
        self.world = scene.world
        self.memento = Memento(scene, self.call)
        self.old = fingerprint(self.world)
        _, self.n_allocations = shim.call(self.call, 0, for_good=False)
        self.new, self.digest = fingerprint(self.world), self.world.digest()
        self.memento.put_back(self.memento.changed())

    def fail_each(self, stride: int) -> int:
        """Let every ``stride``-th allocation fail, once and from then on; return how many."""
        n_runs = 0
        for for_good in (False, True):
            for at in range(1, self.n_allocations + 1, stride):
                is_done, n_seen = self.shim.call(self.call, at, for_good=for_good)
                assert n_seen >= at, f"{self.name}: {n_seen} allocations, and not {at}"
                self.judge(is_done, f"{self.name}, allocation {at} of {self.n_allocations}")
                n_runs += 1
        return n_runs

    def judge(self, is_done: bool, what: str) -> None:
        """See that the world is the old one or the new one, and put the old one back."""
        found = fingerprint(self.world)
        changed = differences(self.new if is_done else self.old, found)
        # Strings that could not be compacted are waste, which decides nothing.
        is_the_same = is_done and self.world.digest() == self.digest
        assert is_the_same or not changed, f"{what}: {changed[:6]}"
        self.world.check()
        self.memento.put_back(self.memento.changed())


def main(path: str, stride: str, *names: str) -> None:
    shim = Shim(path)
    ecs.warmup()
    for name in names or STARVED:
        _, call = a_stage(name)
        call()  # so that all is loaded and typed
        starving = Starving(shim, name)
        n_runs = starving.fail_each(int(stride))
        print(f"{name}: {n_runs} failures of {starving.n_allocations} allocations", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
