"""A history keeps the last snapshots, and goes back to one of them."""

from __future__ import annotations

from typing import Any

import pytest

import ecs_columnar as ecs
from tests.strategies import Health, Mass, new_world


def a_history(n: int, n_records: int) -> tuple[ecs.World, Any, ecs.History]:
    world = new_world()
    ships = world.spawn(100, Health(0), Mass(1.0))
    history = world.history(n)
    for i in range(n_records):
        history.record()
        world.set(ships, Health(i + 1))
    return world, ships, history


def test_the_oldest_snapshots_are_forgotten() -> None:
    _, _, history = a_history(3, 5)

    assert len(history) == 3
    assert [snapshot.tick for snapshot in history] == [3, 4, 5]
    assert history[0].tick == 3 and history[-1].tick == 5
    assert repr(history) == "<History of 3 of 3 snapshots: ticks 3, 4, 5>"


def test_what_is_recorded_is_returned_and_goes_back_by_one_where_nobody_says_more() -> None:
    world, ships, history = a_history(3, 2)

    recorded = history.record()
    world.set(ships, Health(9))
    history.rollback()

    assert recorded is history[-1]
    assert world.get(ships[0], Health).points == 2


def test_a_history_of_one_keeps_the_last() -> None:
    _, _, history = a_history(1, 2)

    assert [snapshot.tick for snapshot in history] == [2]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_world_goes_back_and_later_snapshots_are_forgotten(k: int) -> None:
    world, ships, history = a_history(3, 3)

    history.rollback(k)

    assert world.get(ships[0], Health).points == 3 - k
    assert len(history) == 4 - k
    assert history[-1] == world.snapshot()


@pytest.mark.parametrize("k", [0, -1, 4, 1.0, True, None])
def test_it_goes_back_to_what_there_is(k: Any) -> None:
    _, _, history = a_history(3, 3)

    with pytest.raises(ecs.SnapshotError, match="there are 3, of which 1 is the last"):
        history.rollback(k)

    assert len(history) == 3


@pytest.mark.parametrize("n", [0, -1, 2.0, True, None, "3"])
def test_a_history_is_of_one_snapshot_or_more(n: Any) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match=r"cannot keep .* snapshots"):
        new_world().history(n)


def test_shared_arrays_are_counted_once() -> None:
    _, _, history = a_history(5, 1)
    for _ in range(3):
        history.record()

    # Of four snapshots the last three are of the same world; one column differs.
    one_column = 100 * 4
    assert history.nbytes < 2 * history[0].nbytes
    assert history.nbytes >= history[0].nbytes + one_column


def test_a_refused_rollback_forgets_nothing() -> None:
    world, _, history = a_history(3, 3)

    with world.transaction(), pytest.raises(ecs.TransactionError):
        history.rollback(3)

    assert len(history) == 3
