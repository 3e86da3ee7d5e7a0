"""Every operation, broken off at every line and at every bytecode. Takes hours."""

from __future__ import annotations

import pytest

from tests.interruption import Outcomes, Step, count_steps
from tests.test_interruption import CASES, warm  # noqa: F401 - a fixture


@pytest.mark.parametrize("step", ["line", "opcode"])
@pytest.mark.parametrize(("name", "setting"), CASES)
def test_every_step_leaves_the_old_world_or_the_new_one(
    name: str, setting: str, step: Step
) -> None:
    outcomes = Outcomes(name, setting)

    for at in range(1, count_steps(name, setting, step) + 1):
        outcomes.break_off(step, at)
