"""Have allocations fail in the middle of an operation, and see that nothing is half done.

Run as a program, with the library of `starve.c` loaded before all others::

    LD_PRELOAD=starve.so python -m tests.starvation starve.so <stride> <operation> ...
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import ecs_columnar as ecs
from tests.fingerprint import differences, fingerprint
from tests.scene import OPERATIONS, Scene, a_scene

SCALE = 200  # so that a column of a field is larger than what is left alone
SOURCE = Path(__file__).with_name("starve.c")
# Those of more than one change may stop between two of them, as they say.
STARVED = [name for name, operation in OPERATIONS.items() if operation.is_one] + [
    "commit",
    "roll back",
    "a broken transaction",
]


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

    def call(self, call: object, at: int, *, for_good: bool) -> tuple[bool, int]:
        """Call with the ``at``-th large allocation failing, 0 for none.

        Returns
        -------
        is_done : bool
        n_allocations : int
        """
        starve, feed = self._starve, self._feed
        starve(at, for_good)
        try:
            call()  # type: ignore[operator]
        except MemoryError:
            return False, feed()
        finally:
            feed()
        return True, feed()


def a_stage(name: str) -> tuple[Scene, object]:
    scene = a_scene(SCALE)
    return scene, OPERATIONS[name].prepare(scene)


def try_all(shim: Shim, name: str, stride: int) -> int:
    """Let one allocation after the other fail; return how many there are."""
    scene, call = a_stage(name)
    _, n_allocations = shim.call(call, 0, for_good=False)
    new, digest = fingerprint(scene.world), scene.world.digest()
    for for_good in (False, True):
        for at in range(1, n_allocations + 1, stride):
            scene, call = a_stage(name)
            old = fingerprint(scene.world)
            is_done, _ = shim.call(call, at, for_good=for_good)
            found = fingerprint(scene.world)
            changed = differences(new if is_done else old, found)
            # Strings that could not be compacted are waste, which decides nothing.
            is_the_same = is_done and scene.world.digest() == digest
            assert is_the_same or not changed, (
                f"{name}, allocation {at} of {n_allocations}: {changed[:6]}"
            )
            scene.world.check()
    return n_allocations


def main(path: str, stride: str, *names: str) -> None:
    shim = Shim(path)
    ecs.warmup()
    for name in names or STARVED:
        _, call = a_stage(name)
        call()  # type: ignore[operator]  # so that all is loaded and typed
        print(f"{name}: {try_all(shim, name, int(stride))} allocations", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
