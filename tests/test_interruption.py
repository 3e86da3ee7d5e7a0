"""An operation that is broken off anywhere has been done or has not.

Here at every line of a call alone, once for each stack of calls that leads there, and
in other settings at some of them; and at some bytecodes. `tests/stress` does it at
every one, each time that it is come by.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import ecs_columnar as ecs
from tests.interrupted_journals import ENDS_OF_LOGS, break_off_journal, steps_of_journal
from tests.interruption import Kind, Outcomes, Stage, distinct, on_the_way_out
from tests.scene import CASES, REFUSED, WITH_A_JOURNAL

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"
    or os.environ.get("NUMBA_BOUNDSCHECK", "0") != "0",
    reason="a kernel is one step only when it is compiled, and no other one with bounds checks",
)
STRIDES = {"alone": 1} | dict.fromkeys(WITH_A_JOURNAL, 7)


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have all kernels loaded, so that none is compiled while it is interrupted."""
    ecs.warmup()
    for name, setting in CASES:
        Stage(name, setting, tmp_path_factory.mktemp("warm")).call()


@pytest.mark.parametrize(("name", "setting"), CASES)
def test_an_exception_at_a_line_leaves_the_old_world_or_the_new_one(
    name: str, setting: str, tmp_path: Path
) -> None:
    outcomes = Outcomes(name, setting, tmp_path)
    steps = distinct(outcomes.steps("line"))[:: STRIDES.get(setting, 3)]

    assert outcomes.break_off_at("line", steps) == len(steps) > 0


@pytest.mark.parametrize(("name", "setting"), [c for c in CASES if c[1] != WITH_A_JOURNAL[1]])
def test_an_interrupt_at_a_bytecode_leaves_the_old_world_or_the_new_one(
    name: str, setting: str, tmp_path: Path
) -> None:
    outcomes = Outcomes(name, setting, tmp_path)
    steps = outcomes.steps("opcode")

    outcomes.break_off_at("opcode", steps[:: -(1 + len(steps) // 9)])


@pytest.mark.parametrize(
    ("name", "setting"), [(name, setting) for name, setting in CASES if name in REFUSED]
)
def test_an_interrupt_after_a_refusal_leaves_the_old_world(
    name: str, setting: str, tmp_path: Path
) -> None:
    """At every bytecode from the refusal on, also where Python has not begun to end the block."""
    outcomes = Outcomes(name, setting, tmp_path)
    steps = on_the_way_out(outcomes.steps("opcode"))

    assert outcomes.break_off_at("opcode", steps) == len(steps) > 0


@pytest.mark.parametrize("kind", ["line", "opcode"])
@pytest.mark.parametrize("name", ENDS_OF_LOGS)
def test_a_journal_that_is_broken_off_lets_the_world_and_its_folder_be_used(
    name: str, kind: Kind, tmp_path: Path
) -> None:
    steps = steps_of_journal(name, tmp_path, kind)

    break_off_journal(name, tmp_path, kind, steps[:: -(1 + len(steps) // 30)])
