"""The tests of `tests/test_checkpoint_damage.py` in large: every bit, every call, many losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checkpoints import (
    a_small_world,
    fail_each_call,
    fails,
    files_of,
    is_short_then_fails,
    power_losses,
)
from tests.kills import kill_while_saving
from tests.test_checkpoint_damage import flip, loads


def test_every_single_flipped_bit_is_found(tmp_path: Path) -> None:
    a_small_world().save(tmp_path)
    n_missed = 0

    for path in files_of(tmp_path):
        data = path.read_bytes()
        for bit in range(8 * len(data)):
            path.write_bytes(flip(data, bit))
            n_missed += loads(tmp_path)
        path.write_bytes(data)

    assert n_missed == 0


@pytest.mark.parametrize("fault", [fails, is_short_then_fails], ids=lambda f: f.__name__)
@pytest.mark.parametrize("durable", [True, False])
def test_each_single_call_may_fail(tmp_path: Path, durable: bool, fault: Any) -> None:
    n_told, n_runs = fail_each_call(tmp_path, fault, durable=durable, stride=1)

    assert n_told == n_runs > 60


def test_a_thousand_kills_in_the_middle_of_a_save_leave_the_last_checkpoint(
    tmp_path: Path,
) -> None:
    n_saving = seed = 0
    while n_saving < 1000:
        n_saving, seed = n_saving + kill_while_saving(tmp_path / "world", 100, seed=seed), seed + 1


def test_ten_thousand_losses_of_power_leave_the_last_checkpoint(tmp_path: Path) -> None:
    n_bad, n_states = power_losses(tmp_path, 25)

    assert n_states > 10_000
    assert n_bad == 0
