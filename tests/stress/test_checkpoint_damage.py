"""The tests of `tests/test_checkpoint_damage.py` in large: every bit, every call, many losses.

Takes a quarter of an hour, half of it for the bits::

    pytest tests/stress/test_checkpoint_damage.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checkpoints import (
    Recorder,
    a_small_world,
    fail_each_call,
    fails,
    files_of,
    is_short_then_fails,
    on_disk,
    power_losses,
)
from tests.kills import kill_while_saving
from tests.test_checkpoint_damage import flip, loads


@pytest.mark.parametrize("is_mapped", [False, True])
def test_every_single_flipped_bit_is_found(tmp_path: Path, is_mapped: bool) -> None:
    a_small_world().save(tmp_path)
    n_missed = n_flipped = 0

    for path in files_of(tmp_path):
        data = path.read_bytes()
        for bit in range(8 * len(data)):
            path.write_bytes(flip(data, bit))
            n_missed += loads(tmp_path, mmap=is_mapped)
            n_flipped += 1
        path.write_bytes(data)

    print(f"{n_flipped} bits")
    assert n_flipped > 50_000
    assert n_missed == 0


@pytest.mark.parametrize("fault", [fails, is_short_then_fails], ids=lambda f: f.__name__)
@pytest.mark.parametrize("durable", [True, False])
def test_each_single_call_may_fail(tmp_path: Path, durable: bool, fault: Any) -> None:
    n_told, n_runs = fail_each_call(tmp_path, fault, durable=durable, stride=1)

    print(f"{n_runs} calls failed")
    assert n_told == n_runs > 60


def test_a_thousand_kills_in_the_middle_of_a_save_leave_the_last_checkpoint(
    tmp_path: Path,
) -> None:
    n_saving = seed = 0
    while n_saving < 1000:
        n_saving, seed = n_saving + kill_while_saving(tmp_path / "world", 100, seed=seed), seed + 1
    print(f"{n_saving} killed in the middle of a save, of {100 * seed}")


def test_ten_thousand_losses_of_power_leave_the_last_checkpoint(tmp_path: Path) -> None:
    n_bad, n_states = power_losses(tmp_path, 25)

    print(f"{n_states} losses of power")
    assert n_states > 10_000
    assert n_bad == 0


def test_a_save_that_leaves_out_any_one_sync_is_caught_by_a_loss_of_power(tmp_path: Path) -> None:
    recorder = Recorder()
    with on_disk(recorder):
        a_small_world().save(tmp_path / "count")

    caught = [
        power_losses(tmp_path / f"{skipped}", 20, skipped, stride=9, until_bad=True)[0]
        for skipped in range(recorder.n_syncs)
    ]

    print(f"{len(caught)} syncs")
    assert caught == [1] * len(caught)
    assert len(caught) > 20
