"""The tests of `tests/test_journal.py` in large: every length, bit and sync, many losses."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import ecs_columnar as ecs
from tests.checkpoints import fails, is_short_then_fails, load
from tests.journals import an_eventful_log, power_losses_of_a_log, syncs_of_a_log
from tests.test_journal import (
    Recorded,
    fail_each_call,
    flip_bits,
    kill_while_it_writes,
    log_in,
    records_in,
)


def test_every_length_leads_to_the_last_whole_record(tmp_path: Path) -> None:
    moments = an_eventful_log(tmp_path)
    data, digests = log_in(tmp_path).read_bytes(), {m.size: m.digest for m in moments}
    ends, known = records_in(data), dict[int, str]()

    for size in range(len(data) + 1):
        log_in(tmp_path).write_bytes(data[:size])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = load(tmp_path).digest()
        last = max((end for end in ends if end <= size), default=64)
        assert bool(caught) == (size not in ends)
        assert found == digests.get(last, known.setdefault(last, found))


def test_every_flipped_bit_is_found_and_said(tmp_path: Path) -> None:
    flip_bits(ecs.World(), tmp_path, stride=1)


@pytest.mark.parametrize("fault", [fails, is_short_then_fails], ids=lambda f: f.__name__)
@pytest.mark.parametrize("durable", [True, False])
def test_each_single_call_may_fail(tmp_path: Path, durable: bool, fault: Any) -> None:
    assert fail_each_call(tmp_path, fault, durable=durable, stride=1)


@pytest.mark.parametrize("seed", range(100, 130))
def test_random_operations_are_done_again(tmp_path: Path, seed: int) -> None:
    driver = Recorded(seed, tmp_path)

    driver.run(4000, compare_every=200)

    driver.journal._storage.journal = None


@pytest.mark.parametrize("n_lines", range(1, 300, 7))
def test_a_process_that_is_killed_has_recorded_what_it_did(tmp_path: Path, n_lines: int) -> None:
    kill_while_it_writes(tmp_path, n_lines)


@pytest.mark.parametrize("durable", [True, False])
def test_ten_thousand_losses_of_power_leave_what_was_acknowledged(
    tmp_path: Path, durable: bool
) -> None:
    n_bad, n_states = power_losses_of_a_log(tmp_path, 25, durable=durable)

    print(f"{n_states} losses of power")
    assert n_states > 5000
    assert n_bad == 0


@pytest.mark.parametrize("durable", [True, False])
def test_leaving_out_any_one_sync_is_caught_by_a_loss_of_power(
    tmp_path: Path, durable: bool
) -> None:
    syncs = syncs_of_a_log(tmp_path / "count", durable=durable)

    missed = [
        k
        for k in syncs
        if not power_losses_of_a_log(
            tmp_path / f"{k}", 20, k, durable=durable, stride=7, until_bad=True
        )[0]
    ]

    print(f"{len(syncs)} syncs")
    assert len(syncs) > 60
    assert missed == []
