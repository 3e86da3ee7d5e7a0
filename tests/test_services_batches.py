"""Batches are arithmetic on a mask: the same, however the items are cut into blocks."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from ecs_columnar.services.batches import Batches, StopOnError
from tests.reference import batches as reference

masks = st.lists(st.booleans(), min_size=1, max_size=40)
stops = st.sampled_from([False, True, "item"])
limits = st.one_of(st.none(), st.integers(1, 5))


@given(masks, st.integers(1, 9), stops, limits, st.lists(st.integers(1, 12), max_size=40))
def test_what_runs_is_what_the_loop_runs_whatever_the_blocks(
    is_bad: list[bool],
    batch_size: int,
    stop_on_error: StopOnError,
    max_failures: int | None,
    cuts: list[int],
) -> None:
    batches = Batches(
        len(is_bad), batch_size, stop_on_error=stop_on_error, max_failures=max_failures
    )
    mask, progress, sizes = np.array(is_bad), [], iter(cuts)

    while not batches.is_over:
        start = batches.position
        block = mask[start : start + next(sizes, len(is_bad))]
        n_run = batches.admit(block)
        progress += [tuple(p) for p in batches.passed(block[:n_run], start)]

    n_run, stopped_by, expected = reference.run(is_bad, batch_size, stop_on_error, max_failures)
    assert (batches.position, batches.stopped_by) == (n_run, stopped_by)
    assert progress == expected
    assert batches.n_failed == sum(is_bad[:n_run])


def test_a_failure_in_the_last_batch_stops_although_nothing_is_left() -> None:
    batches = Batches(4, 2, stop_on_error=True)

    n_run = batches.admit(np.array([False, False, True, False]))

    assert n_run == 4
    assert batches.stopped_by == "error"


@pytest.mark.parametrize("batch_size", [1, 50, 200, 10**6])
def test_a_million_items_are_one_piece_of_arithmetic(batch_size: int) -> None:
    mask = np.zeros(10**6, np.bool_)
    mask[-1] = True
    batches = Batches(10**6, batch_size, max_failures=1)

    assert batches.admit(mask) == 10**6
    assert batches.stopped_by == "max_failures"
