"""Every operation, broken off at every line and at every bytecode.

The lines take a quarter of an hour of one core, and the bytecodes an hour::

    pytest tests/stress/test_interruption.py -k line
    pytest tests/stress/test_interruption.py -k opcode

``ECS_STRESS_ONCE=1`` does a step once for each stack of calls that leads there, in
place of each time that it is come by: half of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.interrupted_journals import ENDS_OF_LOGS, break_off_journal, steps_of_journal
from tests.interruption import Kind, Outcomes, distinct
from tests.scene import CASES
from tests.test_interruption import warm  # noqa: F401 - a fixture

IS_ONCE = os.environ.get("ECS_STRESS_ONCE", "0") != "0"


@pytest.mark.parametrize("kind", ["line", "opcode"])
@pytest.mark.parametrize(("name", "setting"), CASES)
def test_every_step_leaves_the_old_world_or_the_new_one(
    name: str, setting: str, kind: Kind, tmp_path: Path
) -> None:
    outcomes = Outcomes(name, setting, tmp_path)
    steps = outcomes.steps(kind)
    if IS_ONCE:
        steps = distinct(steps)

    assert outcomes.break_off_at(kind, steps) == len(steps) > 0
    print(f"{name}, {setting}: {len(steps)} steps")


@pytest.mark.parametrize("kind", ["line", "opcode"])
@pytest.mark.parametrize("name", ENDS_OF_LOGS)
def test_a_journal_that_is_broken_off_lets_the_world_and_its_folder_be_used(
    name: str, kind: Kind, tmp_path: Path
) -> None:
    steps = steps_of_journal(name, tmp_path, kind)

    assert break_off_journal(name, tmp_path, kind, steps) == len(steps) > 100
    print(f"{name}: {len(steps)} steps")
