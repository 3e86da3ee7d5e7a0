"""An operation that is broken off anywhere has been done or has not.

Here at some lines and bytecodes; `tests/stress` does it at every one.
"""

from __future__ import annotations

import os

import pytest

import ecs_columnar as ecs
from tests.interruption import Outcomes, Stage, count_steps
from tests.scene import ENDS, OPERATIONS, SETTINGS

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"
    or os.environ.get("NUMBA_BOUNDSCHECK", "0") != "0",
    reason="a kernel is one step only when it is compiled, and no other one with bounds checks",
)

CASES = [
    (name, setting)
    for name in OPERATIONS
    for setting in SETTINGS
    if not (name in ENDS and setting == "in a transaction")
]


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Have all kernels loaded, so that none is compiled while it is interrupted."""
    ecs.warmup()
    for name, setting in CASES:
        Stage(name, setting).call()


@pytest.mark.parametrize(("name", "setting"), CASES)
def test_an_exception_at_a_line_leaves_the_old_world_or_the_new_one(
    name: str, setting: str
) -> None:
    outcomes = Outcomes(name, setting)
    n_lines = count_steps(name, setting, "line")

    # The first ones, some in the middle, and the last ones, where it is done.
    for at in {1, *range(7, n_lines, 1 + n_lines // 12), *range(n_lines - 6, n_lines + 1)}:
        if at > 0:
            outcomes.break_off("line", at)


@pytest.mark.parametrize(("name", "setting"), CASES)
def test_an_interrupt_at_a_bytecode_leaves_the_old_world_or_the_new_one(
    name: str, setting: str
) -> None:
    outcomes = Outcomes(name, setting)
    n_opcodes = count_steps(name, setting, "opcode")

    for at in range(n_opcodes, 0, -(1 + n_opcodes // 9)):
        outcomes.break_off("opcode", at)
