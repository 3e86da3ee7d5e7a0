"""The suite in the other two modes: without the JIT, and with bounds checks.

The suite itself runs with the JIT. What compiled kernels do is not visible to
a coverage tool, so coverage of the core is measured without the JIT; and a
compiled kernel that reads past an array is only seen with bounds checks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Set in the runs that this module starts, which must not start others.
INNER = "ECS_COLUMNAR_INNER_RUN"

# Policy and interfaces, which have their own measure; and the tests of those.
NOT_CORE = (
    *("services", "io", "checkpoint", "config"),
    *("bench", "commands", "demo", "cli", "__main__"),
)
NOT_CORE_TESTS = (
    *("services", "error_handler", "monitoring", "config"),
    *("io", "world_files", "broken_files", "checkpoint", "bench", "commands", "demo", "cli"),
    *("runs", "style", "snippets", "documents", "notebooks", "benchmarks", "examples"),
)

pytestmark = [
    pytest.mark.runs,
    pytest.mark.skipif(INNER in os.environ, reason="this is a run in another mode"),
]


def start(*arguments: str, folder: Path, **variables: str) -> None:
    """Run a Python module in the root, and fail with its output if it fails."""
    inner = {
        INNER: "1",
        "HYPOTHESIS_PROFILE": "ci",
        "COVERAGE_FILE": str(folder / "coverage"),
        "NUMBA_DISABLE_JIT": "0",
        "NUMBA_BOUNDSCHECK": "0",
    }
    result = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=os.environ | inner | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode:
        pytest.fail(f"python -m {' '.join(arguments)}\n{result.stdout}", pytrace=False)


def core_tests() -> list[str]:
    ignored = [
        f"--ignore-glob=tests/{prefix}{name}*"
        for name in NOT_CORE_TESTS
        for prefix in ("test_", "")
    ]
    return ["pytest", "tests", "-q", "-rN", "-p", "no:cacheprovider", *ignored]


def run_without_the_jit(folder: Path) -> None:
    coverage = ("coverage", "run", "--branch", "--source=ecs_columnar")

    start(*coverage, "-m", *core_tests(), folder=folder, NUMBA_DISABLE_JIT="1")
    # What chooses Numba's options runs only with the JIT.
    start(*coverage, "--append", "-m", "pytest", "tests/test_jit.py", "-q", folder=folder)

    omitted = ",".join(f"ecs_columnar/{name}{end}" for name in NOT_CORE for end in (".py", "/*"))
    start("coverage", "report", f"--omit={omitted}", "--fail-under=100", folder=folder)


def run_with_bounds_checks(folder: Path) -> None:
    start(*core_tests(), folder=folder, NUMBA_BOUNDSCHECK="1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """Start both runs, side by side."""
    found = {"jit": run_without_the_jit, "bounds": run_with_bounds_checks}
    with ThreadPoolExecutor() as pool:
        yield {name: pool.submit(run, tmp_path_factory.mktemp(name)) for name, run in found.items()}


def test_the_core_works_without_the_jit_and_its_tests_reach_every_branch(
    runs: dict[str, Future[None]],
) -> None:
    runs["jit"].result()


def test_the_core_stays_within_bounds(runs: dict[str, Future[None]]) -> None:
    runs["bounds"].result()
