"""The suite in the other two modes, in processes that run beside the suite itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import pytest

ROOT = Path(__file__).parent.parent

# Set in the runs that are started here, which must not start others.
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


class Runs:
    """Runs in other modes, one after the other where there are two cores.

    They are stopped when the block ends before they do.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The suite itself takes a core as well.
        self._pool = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1))
        self._found: dict[str, Future[None]] = {}
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Runs:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.terminate()
        self._pool.shutdown()

    def begin(self, name: str, run: Callable[[Runs, Path], None]) -> None:
        """Have a run done, with a folder for what it writes."""
        folder = self.folder / name
        folder.mkdir()
        self._found[name] = self._pool.submit(run, self, folder)

    def result(self, name: str) -> None:
        """Wait for a run, and fail if it failed."""
        self._found[name].result()

    def start(self, *arguments: str, folder: Path, **variables: str) -> None:
        """Run a Python module in the root, and fail with its output if it fails."""
        inner = {
            INNER: "1",
            "HYPOTHESIS_PROFILE": "ci",
            "COVERAGE_FILE": str(folder / "coverage"),
            "NUMBA_DISABLE_JIT": "0",
            "NUMBA_BOUNDSCHECK": "0",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=os.environ | inner | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._processes.append(process)
        with process:
            output, _ = process.communicate()
        if process.returncode:
            pytest.fail(f"python -m {' '.join(arguments)}\n{output}", pytrace=False)


def core_tests() -> list[str]:
    ignored = [
        f"--ignore-glob=tests/{prefix}{name}*"
        for name in NOT_CORE_TESTS
        for prefix in ("test_", "")
    ]
    return ["pytest", "tests", "-q", "-rN", "-p", "no:cacheprovider", *ignored]


def run_without_the_jit(runs: Runs, folder: Path) -> None:
    coverage = ("coverage", "run", "--branch", "--source=ecs_columnar")

    runs.start(*coverage, "-m", *core_tests(), folder=folder, NUMBA_DISABLE_JIT="1")
    # What chooses Numba's options runs only with the JIT.
    jit = "-m", "pytest", "tests/test_jit.py", "-q"
    runs.start(*coverage, "--append", *jit, folder=folder)

    omitted = ",".join(f"ecs_columnar/{name}{end}" for name in NOT_CORE for end in (".py", "/*"))
    runs.start("coverage", "report", f"--omit={omitted}", "--fail-under=100", folder=folder)


def run_with_bounds_checks(runs: Runs, folder: Path) -> None:
    runs.start(*core_tests(), folder=folder, NUMBA_BOUNDSCHECK="1")
