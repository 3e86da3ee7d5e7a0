"""Blocks, deadlines and memory: how items are worked on, whatever the batches."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ecs_columnar.services import asked_ids, call
from ecs_columnar.services.adaptive_block import LEAST, AdaptiveBlock
from ecs_columnar.services.batch_service import Surroundings
from ecs_columnar.services.call import BLOCK, Deadline
from ecs_columnar.services.identities import repeated
from ecs_columnar.services.threads import run_all
from tests.services_world import create, new_world, operations, state


def test_a_block_halves_under_pressure_and_grows_back() -> None:
    readings = [True] * 12 + [False] * 3
    block = AdaptiveBlock(lambda: readings.pop(0))

    sizes = [block() for _ in range(15)]

    assert sizes[:2] == [BLOCK // 2, BLOCK // 4]
    assert sizes[11] == LEAST
    assert sizes[12:] == [2 * LEAST, 4 * LEAST, 8 * LEAST]


def test_a_block_never_grows_beyond_its_size() -> None:
    block = AdaptiveBlock(lambda: False)

    assert [block() for _ in range(3)] == [BLOCK] * 3


@pytest.mark.parametrize("size", [1, 3, 64, 1000])
def test_any_size_of_blocks_does_the_same(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    items: list[Any] = [create(i % 70, health={"points": i % 5 - 1}) for i in range(200)]
    expected, world = new_world(), new_world()
    whole = operations(expected).batch_create_entities(items, batch_size=7)

    around = Surroundings(max_block=lambda: size)
    result = operations(world, surroundings=around).batch_create_entities(items, batch_size=7)

    assert state(world) == state(expected)
    assert [e.id for e in result.successes] == [e.id for e in whole.successes]
    assert [(f.index, f.item, type(f.error)) for f in result.failures] == [
        (f.index, f.item, type(f.error)) for f in whole.failures
    ]
    assert result.handles.tolist() == whole.handles.tolist()


def test_blocks_are_of_whole_batches_and_leave_no_few_items_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    run_block = call.BatchCall._run_block

    def remember(self: Any, start: int, stop: int) -> None:
        sizes.append(stop - start)
        run_block(self, start, stop)

    monkeypatch.setattr(call.BatchCall, "_run_block", remember)
    monkeypatch.setattr(call, "BLOCK", 64)
    world = new_world()

    operations(world).batch_create_entities([create(i) for i in range(140)], batch_size=5)
    operations(world).batch_create_entities([create(i) for i in range(140, 280)], batch_size=40)

    assert sizes == [65, 65, 10, 40, 40, 40, 20]


def looks_for_duplicates(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often ids of a block are looked at before they are put in."""
    calls: list[int] = []

    def count(ids: Any) -> Any:
        calls.append(ids.n_strings)
        return repeated(ids)

    monkeypatch.setattr(asked_ids, "repeated", count)
    return calls


def test_ids_are_looked_for_only_when_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    world, calls = new_world(), looks_for_duplicates(monkeypatch)
    service = operations(world)

    fine = service.batch_create_entities([create(i) for i in range(20)])
    assert fine.failure_count == 0
    assert calls == []
    taken = service.batch_create_entities([create(i) for i in range(15, 35)])

    assert [failure.index for failure in taken.failures] == [0, 1, 2, 3, 4]
    assert calls == [20]
    assert len(world.query()) == 35


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(-1, 3)), min_size=1, max_size=30),
    st.sampled_from([1, 3, 100]),
    st.sampled_from([False, True, "item"]),
    st.booleans(),
)
def test_to_try_all_of_a_block_first_changes_no_result(
    numbers: list[tuple[int, int]], block: int, stop_on_error: Any, atomic: bool
) -> None:
    items: list[Any] = [create(i, health={"points": points}) for i, points in numbers]
    options: Any = {"batch_size": 3, "stop_on_error": stop_on_error, "atomic": atomic}
    worlds, results = [new_world(), new_world()], []

    for world, tries in zip(worlds, (True, False), strict=True):
        with pytest.MonkeyPatch.context() as patch:
            if not tries:
                patch.setattr(call.BatchCall, "_apply_all", lambda *_: None)
            around = Surroundings(max_block=lambda: block)
            service = operations(world, surroundings=around)
            service.batch_create_entities([create(7), create(8)])
            results.append(service.batch_create_entities(items, **options))

    first, second = results
    assert state(worlds[0]) == state(worlds[1])
    assert worlds[0].digest() == worlds[1].digest()
    assert first.handles.tolist() == second.handles.tolist()
    assert (first.skipped, first.rolled_back, first.stopped_by) == (
        second.skipped,
        second.rolled_back,
        second.stopped_by,
    )
    assert [(f.index, str(f.error)) for f in first.failures] == [
        (f.index, str(f.error)) for f in second.failures
    ]


def test_the_first_block_makes_room_for_all_that_follow() -> None:
    world, around = new_world(), Surroundings(max_block=lambda: 500)
    items = [create(i) for i in range(4000)]

    operations(world, surroundings=around).batch_create_entities(items)

    (table,) = world.stats().tables
    assert table.n_rows == 4000
    assert table.capacity <= 4000 * 33 / 32


def test_a_short_deadline_begins_with_small_blocks() -> None:
    def clock() -> float:
        return 0.0

    assert Deadline(None, clock).first_block(50) == BLOCK
    assert Deadline(1.0, clock).first_block(50) == 50
    assert Deadline(100.0, clock).first_block(50) == 500
    assert Deadline(1e9, clock).first_block(50) == BLOCK


def test_blocks_double_until_they_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    run_block = call.BatchCall._run_block

    def remember(self: Any, start: int, stop: int) -> None:
        sizes.append(stop - start)
        run_block(self, start, stop)

    monkeypatch.setattr(call.BatchCall, "_run_block", remember)
    around = Surroundings(clock=lambda: 0.0)
    items = [create(i) for i in range(75)]

    operations(new_world(), surroundings=around).batch_create_entities(
        items, batch_size=10, timeout_ms=1
    )

    assert sizes == [10, 20, 40, 5]


@pytest.mark.parametrize("in_threads", [False, True])
def test_results_come_in_order(in_threads: bool) -> None:
    calls = [lambda i=i: i * i for i in range(5)]  # type: ignore[misc]

    assert run_all(calls, in_threads=in_threads) == [0, 1, 4, 9, 16]
