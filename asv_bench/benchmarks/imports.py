"""What a process waits for before its first result; each round is a process.

With the byte code of Python modules on disk, as after an installation.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import ecs_columnar as ecs

IMPORT: Final = """
import time
import numpy
start = time.perf_counter()
import ecs_columnar
print(time.perf_counter() - start)
"""

FIRST_BATCH: Final = """
import time
import numpy as np
import ecs_columnar as ecs

class Position(ecs.Component):
    x: ecs.f4

values = np.zeros(1000, np.float32)
start = time.perf_counter()
world = ecs.World()  # which imports Numba
world.spawn(1000, Position(x=values))
print(time.perf_counter() - start)
"""


# The least that there is to do: Numba, and one loop that it has on disk.
NUMBA_LOOP: Final = """
import numba

@numba.njit("int64(int64)", cache=True)
def loop(n):
    total = 0
    for i in range(n):
        total += i
    return total
"""

FIRST_LOOP: Final = """
import time
import numpy
start = time.perf_counter()
import numba_loop
numba_loop.loop(1000)
print(time.perf_counter() - start)
"""


class Import:
    """Import, and the first batch operation."""

    n_rounds = 5
    timeout = 600

    def track_import(self) -> float:
        """Measure seconds above importing NumPy."""
        return min(seconds(IMPORT) for _ in range(self.n_rounds))

    def track_first_batch_cold(self) -> float:
        """Measure seconds with nothing in the cache of compiled code."""
        with tempfile.TemporaryDirectory() as cache:
            return seconds(FIRST_BATCH, cache)

    def track_first_batch_warm(self) -> float:
        """Measure seconds with compiled code in the cache."""
        with tempfile.TemporaryDirectory() as cache:
            seconds(FIRST_BATCH, cache)
            return min(seconds(FIRST_BATCH, cache) for _ in range(self.n_rounds))

    def track_first_loop_warm(self) -> float:
        """Measure seconds that Numba alone takes for one loop that is in its cache."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "numba_loop.py").write_text(NUMBA_LOOP, encoding="utf-8")
            seconds(FIRST_LOOP, path=folder)
            return min(seconds(FIRST_LOOP, path=folder) for _ in range(self.n_rounds))

    track_first_loop_warm.unit = "s"  # type: ignore[attr-defined]
    track_import.unit = "s"  # type: ignore[attr-defined]
    track_first_batch_cold.unit = "s"  # type: ignore[attr-defined]
    track_first_batch_warm.unit = "s"  # type: ignore[attr-defined]


def seconds(program: str, cache: str | None = None, path: str | None = None) -> float:
    """Run a program that prints seconds, on the package that is imported here."""
    package = Path(ecs.__file__).parent.parent
    folders = os.pathsep.join(filter(None, [str(package), path, os.environ.get("PYTHONPATH")]))
    variables = {"PYTHONPATH": folders} | ({"ECS_COLUMNAR_CACHE_DIR": cache} if cache else {})
    with_bytecode = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=with_bytecode | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(result.stdout)
