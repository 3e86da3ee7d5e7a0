"""Every operation, broken off at every line and at every bytecode.

The lines take three minutes of one core, the bytecodes a quarter of an hour::

    pytest tests/stress/test_interruption.py -k line
    pytest tests/stress/test_interruption.py -k opcode

``ECS_STRESS_STRIDE=2`` does every second step: first the first of each stack of calls.
"""

from __future__ import annotations

import pytest

from tests.interruption import Kind, Outcomes
from tests.test_interruption import CASES, warm  # noqa: F401 - a fixture


@pytest.mark.parametrize("kind", ["line", "opcode"])
@pytest.mark.parametrize(("name", "setting"), CASES)
def test_every_step_leaves_the_old_world_or_the_new_one(
    name: str, setting: str, kind: Kind
) -> None:
    outcomes = Outcomes(name, setting)
    steps = outcomes.steps(kind)

    assert outcomes.break_off_at(kind, steps) == len(steps) > 0
