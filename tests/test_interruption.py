"""An operation that is broken off anywhere has been done or has not.

Here at every line, once for each stack of calls that leads there, and at some
bytecodes; `tests/stress` does it at every one, each time that it is come by.
"""

from __future__ import annotations

import os

import pytest

import ecs_columnar as ecs
from tests.interruption import Outcomes, Stage, distinct, on_the_way_out
from tests.scene import ENDS, OPERATIONS, REFUSED, SETTINGS

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
    steps = distinct(outcomes.steps("line"))

    assert outcomes.break_off_at("line", steps) == len(steps) > 0


@pytest.mark.parametrize(("name", "setting"), CASES)
def test_an_interrupt_at_a_bytecode_leaves_the_old_world_or_the_new_one(
    name: str, setting: str
) -> None:
    outcomes = Outcomes(name, setting)
    steps = outcomes.steps("opcode")

    outcomes.break_off_at("opcode", steps[:: -(1 + len(steps) // 9)])


@pytest.mark.parametrize(
    ("name", "setting"), [(name, setting) for name, setting in CASES if name in REFUSED]
)
def test_an_interrupt_after_a_refusal_leaves_the_old_world(name: str, setting: str) -> None:
    """At every bytecode from the refusal on, also where Python has not begun to end the block."""
    outcomes = Outcomes(name, setting)
    steps = on_the_way_out(outcomes.steps("opcode"))

    assert outcomes.break_off_at("opcode", steps) == len(steps) > 0
