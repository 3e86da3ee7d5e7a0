"""The suite in the other two modes: without the JIT, and with bounds checks.

The suite itself runs with the JIT. What compiled kernels do is not visible to
a coverage tool, so coverage of the core is measured without the JIT; and a
compiled kernel that reads past an array is only seen with bounds checks.

Both begin with the first test of all, and these tests come last and wait for them.
"""

from __future__ import annotations

import os

import pytest

from tests.runs import INNER, Runs

pytestmark = [
    pytest.mark.runs,
    pytest.mark.skipif(INNER in os.environ, reason="this is a run in another mode"),
]


def test_the_core_works_without_the_jit_and_its_tests_reach_every_branch(runs: Runs) -> None:
    runs.result("jit")


def test_the_core_stays_within_bounds(runs: Runs) -> None:
    runs.result("bounds")
