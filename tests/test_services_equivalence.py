"""Whatever way a batch goes, it does what the plain reference does item by item."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import hypothesis.strategies as st
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.services import SpatialIndexManager, alike, place_codec
from ecs_columnar.services.json_schema import texts
from tests.reference.services import ReferenceServices
from tests.services_world import (
    OPERATIONS,
    calls,
    facts,
    in_column_order,
    lifecycle,
    members,
    new_world,
    operations,
    spatial,
    to_columns,
    to_frame,
)

METHODS = {
    "create": "batch_create_entities",
    "add": "batch_add_components",
    "remove": "batch_remove_components",
    "despawn": "batch_remove_entities",
    "place": "batch_add",
    "move": "batch_move",
    "unplace": "batch_remove",
}
SIZES = (1, 7, 50, 200)


def batched(world: ecs.World, operation: str, items: Any, **options: Any) -> Any:
    manager = (spatial if operation in ("place", "move", "unplace") else operations)(world)
    return getattr(manager, METHODS[operation])(items, **options)


def one_by_one(world: ecs.World, operation: str, items: Any, **options: Any) -> Any:
    is_spatial = operation in ("place", "move", "unplace")
    manager = SpatialIndexManager(world) if is_spatial else lifecycle(world)
    return getattr(manager, METHODS[operation])(items, **options)


def outcome(result: Any) -> tuple[list[Any], list[tuple[int, str]]]:
    successes = [getattr(success, "id", success) for success in result.successes]
    failures = [(failure.index, type(failure.error).__name__) for failure in result.failures]
    return successes, failures


def assert_same_world(world: ecs.World, reference: ReferenceServices) -> None:
    world.check()
    manager = lifecycle(world)
    assert set(world.ids) == set(reference.entities)
    for name, expected in reference.entities.items():
        entity = manager.get_entity(name)
        found = facts(entity)
        types = dict.fromkeys((*expected.defined, *expected.overrides, "core:position"))
        assert found["definition"] == expected.definition_id
        assert found["location"] == expected.place
        assert sorted(found["components"], key=repr) == sorted(
            [(t, expected.data(t), expected.has_override(t)) for t in types if expected.has(t)],
            key=repr,
        )
        order = [t for t, _, _ in found["components"] if t != "core:position"]
        assert order == [t for t in types if t != "core:position"]
    placed: dict[str, set[str]] = {}
    for name, expected in reference.entities.items():
        if expected.place is not None:
            placed.setdefault(expected.place, set()).add(name)
    assert members(world) == placed


def assert_same(
    run: Callable[..., Any], sequence: list[tuple[str, list[Any]]], **options: Any
) -> None:
    world, reference = new_world(), ReferenceServices()
    for operation, items in sequence:
        result = run(world, operation, items, **options)
        successes, failures = reference.run(operation, items)
        assert outcome(result) == (successes, failures)
        assert result.success_count + result.failure_count == result.total_processed
        assert result.total_processed + result.skipped == len(items)
    assert_same_world(world, reference)


@given(st.lists(calls(), max_size=6), st.sampled_from(SIZES), st.booleans())
def test_a_batch_does_what_the_reference_does(
    sequence: list[tuple[str, list[Any]]], batch_size: int, parallel: bool
) -> None:
    assert_same(batched, sequence, batch_size=batch_size, enable_parallel=parallel)


@given(st.lists(calls(), max_size=6), st.sampled_from(SIZES), st.sampled_from([1, 2, 512]))
def test_a_batch_that_is_read_some_dicts_at_a_time_does_what_the_reference_does(
    sequence: list[tuple[str, list[Any]]], batch_size: int, at_once: int
) -> None:
    with (
        patch.object(alike, "_FEW", 1),
        patch.object(alike, "_AT_ONCE", at_once),
        patch.object(place_codec, "_FEW", 1),
        patch.object(texts, "_MANY", 2),
    ):
        assert_same(batched, sequence, batch_size=batch_size)


@given(st.lists(calls(), max_size=6), st.sampled_from(SIZES))
def test_item_by_item_does_what_the_reference_does(
    sequence: list[tuple[str, list[Any]]], batch_size: int
) -> None:
    assert_same(one_by_one, sequence, batch_size=batch_size)


@pytest.mark.parametrize("form", [to_columns, to_frame])
@given(st.lists(calls(bad=False), max_size=6), st.sampled_from(SIZES))
def test_columns_do_what_the_list_does(
    form: Callable[[str, list[Any]], Any],
    sequence: list[tuple[str, list[Any]]],
    batch_size: int,
) -> None:
    def run(world: ecs.World, operation: str, items: list[Any], **options: Any) -> Any:
        return batched(world, operation, form(operation, items), **options)

    ordered = [(operation, in_column_order(operation, items)) for operation, items in sequence]
    assert_same(run, ordered, batch_size=batch_size)


@given(st.lists(calls(), min_size=1, max_size=4), st.data())
def test_a_stop_at_the_item_is_the_same_in_a_batch_and_item_by_item(
    sequence: list[tuple[str, list[Any]]], data: st.DataObject
) -> None:
    batch, scalar = new_world(), new_world()
    size = data.draw(st.sampled_from(SIZES))
    for operation, items in sequence:
        options = {"batch_size": size, "stop_on_error": "item"}
        a = batched(batch, operation, items, **options)
        b = one_by_one(scalar, operation, items, **options)

        assert outcome(a) == outcome(b)
        assert (a.skipped, a.stopped_by) == (b.skipped, b.stopped_by)
    assert members(batch) == members(scalar)


def test_every_operation_has_a_method() -> None:
    assert set(METHODS) == set(OPERATIONS)


@given(st.lists(calls(), min_size=1, max_size=5))
def test_neither_batch_size_nor_threads_leave_a_trace(
    sequence: list[tuple[str, list[Any]]],
) -> None:
    digests = set()

    for size, parallel in ((1, False), (7, True), (200, False), (200, True)):
        world = new_world()
        for operation, items in sequence:
            batched(world, operation, items, batch_size=size, enable_parallel=parallel)
        digests.add(world.digest())

    assert len(digests) == 1


@given(st.lists(calls(), min_size=1, max_size=5), st.sampled_from(SIZES))
def test_an_atomic_batch_happens_as_a_whole_or_not_at_all(
    sequence: list[tuple[str, list[Any]]], batch_size: int
) -> None:
    world, reference = new_world(), ReferenceServices()
    for operation, items in sequence:
        before, trial = world.digest(), copy.deepcopy(reference)
        successes, failures = trial.run(operation, items)
        result = batched(world, operation, items, batch_size=batch_size, atomic=True)

        if failures:
            assert world.digest() == before
            assert outcome(result) == ([], failures)
            assert result.rolled_back == len(successes)
        else:
            reference = trial
            assert outcome(result) == (successes, [])
    assert_same_world(world, reference)
