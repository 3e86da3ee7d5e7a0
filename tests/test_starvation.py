"""Where memory runs out, a call raises MemoryError and nothing has changed.

Here at some allocations, of the operations that allocate most; `tests/stress`
does it at every one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.starvation import CHANGES, READS, build

ROOT = Path(__file__).parent.parent
IS_COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"

pytestmark = pytest.mark.skipif(
    not IS_COMPILED or "ECS_COLUMNAR_INNER_RUN" in os.environ,
    reason="kernels that are not compiled allocate in Python",
)


def starve(folder: Path, stride: int, *names: str) -> None:
    shim = build(folder)
    if shim is None:
        pytest.skip("no compiler, or not Linux")
    done = subprocess.run(
        [sys.executable, "-m", "tests.starvation", str(shim), str(stride), *names],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(shim)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)


# All in one process each, because to start one takes as long as a thousand failures.
@pytest.mark.parametrize("names", [CHANGES, list(READS)], ids=["changes", "reads"])
def test_a_failed_allocation_leaves_the_world_as_it_was(names: list[str], tmp_path: Path) -> None:
    starve(tmp_path, 3, *names)
