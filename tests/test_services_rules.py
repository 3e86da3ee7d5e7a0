"""The rules of every batch call, by number."""

from __future__ import annotations

import dataclasses
import logging
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ecs_columnar as ecs
from ecs_columnar.services import (
    BatchComponentSpec,
    BatchCreateSpec,
    BatchOperationManager,
    BatchSpatialIndexManager,
    LocationUpdate,
    SpatialIndexManager,
)
from ecs_columnar.services.batch_service import Surroundings
from tests.fingerprint import assert_unchanged, fingerprint
from tests.services_world import (
    add,
    catalogue,
    create,
    lifecycle,
    members,
    new_world,
    operations,
    populated,
    spatial,
    state,
)

BATCH_METHODS: list[tuple[type, str, str, Any]] = [
    (BatchOperationManager, "batch_create_entities", "items", create(90)),
    (BatchOperationManager, "batch_add_components", "items", add(0, "hidden", {})),
    (
        BatchOperationManager,
        "batch_remove_components",
        "items",
        {"instance_id": "e0", "component_type_id": "core:health"},
    ),
    (BatchOperationManager, "batch_remove_entities", "items", "e0"),
    (BatchSpatialIndexManager, "batch_add", "additions", {"entity_id": "e0", "location_id": "inn"}),
    (BatchSpatialIndexManager, "batch_remove", "entity_ids", "e0"),
    (
        BatchSpatialIndexManager,
        "batch_move",
        "updates",
        {"entity_id": "e0", "new_location_id": "inn"},
    ),
    (
        BatchSpatialIndexManager,
        "rebuild",
        "entity_locations",
        {"entity_id": "e0", "location_id": "inn"},
    ),
    (BatchSpatialIndexManager, "batch_validate_locations", "location_ids", "inn"),
]
METHODS = pytest.mark.parametrize(
    ("manager", "method", "parameter", "item"), BATCH_METHODS, ids=[m[1] for m in BATCH_METHODS]
)
BAD_SIZES = [0, -1, math.nan, 2.5, 5.0, "5", True, 201, 10**9, [5]]


def bad(i: int) -> dict[str, Any]:
    """Return an item that cannot be created."""
    return create(i, "core:unknown")


def names(result: Any) -> list[str]:
    return [entity.id for entity in result.successes]


def errors(result: Any) -> list[tuple[int, str]]:
    return [(failure.index, type(failure.error).__name__) for failure in result.failures]


class Ticks:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


# --- 1: arguments --------------------------------------------------------------------


@METHODS
@pytest.mark.parametrize("given", [None, 5, "e0", {1, 2}, object(), iter([])])
def test_rule_1_refuses_what_is_no_batch_by_its_name(
    manager: type, method: str, parameter: str, item: Any, given: Any
) -> None:
    world = populated(2)
    before = fingerprint(world)

    with pytest.raises(ecs.InvalidArgumentError) as caught:
        getattr(manager(world), method)(given)

    assert caught.value.parameter == parameter
    assert_unchanged(before, world)


@METHODS
@pytest.mark.parametrize("empty", [[], (), np.array([]), {}, pd.DataFrame({"definition_id": []})])
def test_rule_1_refuses_an_empty_batch_unless_it_is_allowed(
    manager: type, method: str, parameter: str, item: Any, empty: Any
) -> None:
    call = getattr(manager(populated(1)), method)

    with pytest.raises(ecs.InvalidArgumentError) as caught:
        call(empty)
    result = call(empty, allow_empty=True)

    assert caught.value.parameter == parameter
    assert (result.total_processed, result.skipped, len(result.handles)) == (0, 0, 0)
    assert result.processing_time > 0


@METHODS
@pytest.mark.parametrize("size", BAD_SIZES, ids=repr)
def test_rule_1_refuses_a_bad_batch_size_before_anything_happens(
    manager: type, method: str, parameter: str, item: Any, size: Any
) -> None:
    world = populated(2)
    before = fingerprint(world)

    with pytest.raises(ecs.InvalidArgumentError) as caught:
        getattr(manager(world), method)([item], batch_size=size)

    assert caught.value.parameter == "batch_size"
    assert_unchanged(before, world)


@pytest.mark.parametrize("manager", [BatchOperationManager, BatchSpatialIndexManager])
@pytest.mark.parametrize("size", BAD_SIZES, ids=repr)
def test_rule_1_holds_for_the_default_too(manager: type, size: Any) -> None:
    service = manager(new_world())

    with pytest.raises(ecs.InvalidArgumentError):
        service.set_default_batch_size(size)
    with pytest.raises(ecs.InvalidArgumentError):
        manager(new_world(), default_batch_size=size)
    service.set_default_batch_size(np.int64(7))

    assert service.get_stats()["default_batch_size"] == 7


def test_rule_1_takes_numbers_and_booleans_of_numpy() -> None:
    result = operations(new_world()).batch_create_entities(
        [create(0), create(1)],
        batch_size=np.int64(1),
        stop_on_error=np.bool_(False),
        atomic=np.bool_(True),
        max_failures=np.int32(3),
        timeout_ms=np.float32(1e6),
    )

    assert result.success_count == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_failures", 0),
        ("max_failures", True),
        ("max_failures", 1.5),
        ("stop_on_error", "batch"),
        ("atomic", 1),
        ("timeout_ms", 0),
        ("timeout_ms", math.nan),
        ("timeout_ms", True),
        ("on_progress", 5),
        ("progress", None),
        ("enable_parallel", "yes"),
        ("batchsize", 5),
    ],
)
def test_rule_1_refuses_options_that_make_no_sense(option: str, value: Any) -> None:
    with pytest.raises(ecs.InvalidArgumentError) as caught:
        operations(new_world()).batch_create_entities([create(0)], **{option: value})

    assert caught.value.parameter == option


def test_rule_1_refuses_columns_of_different_lengths() -> None:
    columns = {"definition_id": ["core:actor"] * 2, "instance_id": ["a"]}

    with pytest.raises(ecs.InvalidArgumentError, match="of one length"):
        operations(new_world()).batch_create_entities(columns)


def test_rule_1_refuses_a_column_that_is_no_field_and_no_component() -> None:
    world = new_world()
    columns = {"definition_id": ["core:actor"], "notes": ["x"]}

    with pytest.raises(ecs.InvalidArgumentError, match="'notes'"):
        operations(world).batch_create_entities(columns)

    assert len(world) == 0


def test_rule_1_refuses_one_item_that_is_not_in_a_list() -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="of one length"):
        operations(new_world()).batch_create_entities({"definition_id": "core:actor"})
    with pytest.raises(ecs.InvalidArgumentError, match="give a mapping of names to arrays, or a"):
        operations(new_world()).batch_create_entities(create(0))


# --- 2 and 3: items ------------------------------------------------------------------


@pytest.mark.parametrize("item", [None, 5, math.nan, "e1", [], {}, {"definition_id": None}])
def test_rule_2_makes_a_malformed_item_its_own_failure(item: Any) -> None:
    result = operations(new_world()).batch_create_entities([create(0), item, create(1)])

    assert names(result) == ["e0", "e1"]
    assert errors(result) == [(1, "InvalidArgumentError")]
    assert result.failures[0].item is item


@pytest.mark.parametrize("type_id", [None, "", "  ", 5, []])
@pytest.mark.parametrize("method", ["batch_add_components", "batch_remove_components"])
def test_rule_2_names_the_component_type_that_is_none(method: str, type_id: Any) -> None:
    item = {"instance_id": "e0", "component_type_id": type_id, "component_data": {}}

    result = getattr(operations(populated(1)), method)([item])

    (failure,) = result.failures
    assert failure.error.parameter == "component_type_id"
    assert f"{type_id!r} is no component type id" in str(failure.error)


@pytest.mark.parametrize("more", [[], [add(1, "hidden", {})]])
def test_rule_2_takes_booleans_for_tags_in_columns_only(more: list[Any]) -> None:
    world = populated(2)
    items = [add(0, "hidden", True), *more]

    result = operations(world).batch_add_components(items)
    of_columns = operations(world).batch_add_components(
        {"instance_id": ["e0", "e1"], "core:hidden": [True, {}]}
    )

    assert errors(result) == [(0, "ValidationError")]
    assert result.success_count == len(more)
    assert of_columns.successes == [True, True]


def test_rule_2_makes_an_id_that_is_not_a_number_a_failure() -> None:
    items = [create(0), {"definition_id": "core:actor", "opts": {"instance_id": math.nan}}]

    result = operations(new_world()).batch_create_entities(items)

    assert errors(result) == [(1, "InvalidInstanceIdError")]


def test_rule_2_gives_the_row_of_columns_as_the_item() -> None:
    frame = pd.DataFrame(
        {"definition_id": ["core:actor", "core:unknown"], "instance_id": ["a", "b"]}
    )

    result = operations(new_world()).batch_create_entities(frame)

    assert result.failures[0].item == {"definition_id": "core:unknown", "instance_id": "b"}


def test_rule_3_reports_the_fault_that_comes_first() -> None:
    world = populated(1)
    broken = {"health": {"points": -1}, "name": {"text": ""}}
    nothing = {"definition_id": None, "opts": {"instance_id": "", "component_overrides": {"x": 1}}}
    items = [
        nothing,
        create("", "core:unknown", **broken),
        create("", **broken),
        create(0, **broken),
        create(5, **broken),
        create(6, name={"text": ""}, health={"points": -1}),
    ]

    result = operations(world).batch_create_entities(items)

    assert [name for _, name in errors(result)] == [
        "InvalidArgumentError",
        "DefinitionNotFoundError",
        "InvalidInstanceIdError",
        "DuplicateEntityError",
        "ValidationError",
        "ValidationError",
    ]
    assert [failure.error.component_type_id for failure in result.failures[-2:]] == [
        "core:health",
        "core:name",
    ]


@pytest.mark.parametrize("i", range(6))
def test_rule_3_reports_what_the_scalar_call_raises(i: int) -> None:
    items = [
        create("", "core:unknown"),
        create(""),
        create(0),
        create(5, health={"points": "x", "more": 1}),
        create(6, unknown={}),
        create(7, position={"locationId": 5.5}),
    ]
    item = items[i]

    failure = operations(populated(1)).batch_create_entities([item]).failures[0]
    with pytest.raises(ecs.EcsColumnarError) as caught:
        lifecycle(populated(1)).create_entity_instance(item["definition_id"], **item["opts"])

    assert type(failure.error) is type(caught.value)
    assert str(failure.error) == str(caught.value)


# --- 4 and 5: stopping ---------------------------------------------------------------


def test_rule_4_finishes_the_batch_that_holds_the_failure() -> None:
    items = [create(0), create(1), bad(2), create(3), create(4), create(5)]

    result = operations(new_world()).batch_create_entities(items, batch_size=2, stop_on_error=True)

    assert names(result) == ["e0", "e1", "e3"]
    assert (result.skipped, result.stopped_by) == (2, "error")
    assert result.total_processed == 4


def test_rule_4_stops_at_the_item_when_asked_to() -> None:
    items = [create(0), bad(1), create(2)]

    result = operations(new_world()).batch_create_entities(items, stop_on_error="item")

    assert names(result) == ["e0"]
    assert (result.skipped, result.stopped_by) == (1, "error")


def test_rule_4_goes_on_by_default() -> None:
    result = operations(new_world()).batch_create_entities(
        [bad(0), bad(1), create(2)], batch_size=1
    )

    assert names(result) == ["e2"]
    assert (result.skipped, result.stopped_by) == (0, None)


def test_rule_5_starts_no_batch_after_one_with_too_many_failures() -> None:
    items = [bad(0), create(1), bad(2), bad(3), create(4), create(5)]

    result = operations(new_world()).batch_create_entities(items, batch_size=2, max_failures=2)

    assert names(result) == ["e1"]
    assert (result.skipped, result.stopped_by) == (2, "max_failures")


def test_rule_5_counts_the_failures_of_one_batch_only() -> None:
    items = [bad(0), create(1), bad(2), create(3)]

    result = operations(new_world()).batch_create_entities(items, batch_size=2, max_failures=2)

    assert (result.success_count, result.stopped_by) == (2, None)


# --- 6: atomic -----------------------------------------------------------------------


@METHODS
def test_rule_6_changes_nothing_at_all_when_an_item_fails(
    manager: type, method: str, parameter: str, item: Any
) -> None:
    world = populated(5)
    spatial(world).batch_add([{"entity_id": f"e{i}", "location_id": "harbour"} for i in range(5)])
    before, heard = fingerprint(world), []
    for kind in ("entity_created", "entity_removed", "entity_moved", "component_added"):
        manager(world)._catalogue.events.on(kind, heard.append)

    result = getattr(manager(world), method)([item, None], atomic=True)

    assert_unchanged(before, world)
    assert (result.rolled_back, result.failure_count, result.success_count) == (1, 1, 0)
    assert result.successes == []
    assert heard == []


def test_rule_6_changes_nothing_in_any_batch() -> None:
    world = populated(1)
    before = fingerprint(world)
    items = [create(i) for i in range(1, 40)] + [bad(40)]

    result = operations(world).batch_create_entities(items, batch_size=5, atomic=True)

    assert_unchanged(before, world)
    assert result.rolled_back == 39
    assert result.total_processed == result.failure_count == 1


def test_rule_6_stands_when_nothing_fails() -> None:
    result = operations(new_world()).batch_create_entities([create(0), create(1)], atomic=True)

    assert names(result) == ["e0", "e1"]
    assert result.rolled_back == 0


def test_rule_6_is_not_to_be_had_when_transactions_are_off() -> None:
    manager = operations(new_world(), enable_transactions=False)

    with pytest.raises(ecs.InvalidArgumentError, match="transactions are off"):
        manager.batch_create_entities([create(0)], atomic=True)
    manager.set_transactions_enabled(True)

    assert manager.batch_create_entities([create(0), bad(1)], atomic=True).rolled_back == 1


def test_rule_6_is_not_turned_on_by_the_flag() -> None:
    result = operations(new_world(), enable_transactions=True).batch_create_entities(
        [create(0), bad(1)]
    )

    assert names(result) == ["e0"]


# --- 7: sequential meaning -----------------------------------------------------------


def test_rule_7_lets_the_first_of_two_creations_win() -> None:
    items = [create(0, health={"points": 1}), create(0, health={"points": 2}), create(0)]

    world = new_world()
    result = operations(world).batch_create_entities(items)

    assert names(result) == ["e0"]
    assert errors(result) == [(1, "DuplicateEntityError"), (2, "DuplicateEntityError")]
    assert result.successes[0].get_component_data("core:health") == {"points": 1}


def test_rule_7_gives_an_id_to_the_first_that_can_be_created() -> None:
    items = [
        create(0, health={"points": -1}),
        create(0, "core:unknown"),
        create(0, health={"points": 3}),
        create(0, health={"points": -1}),
    ]

    result = operations(new_world()).batch_create_entities(items)

    assert [name for _, name in errors(result)] == [
        "ValidationError",
        "DefinitionNotFoundError",
        "DuplicateEntityError",
    ]
    assert result.successes[0].get_component_data("core:health") == {"points": 3}


def test_rule_7_does_not_find_what_was_removed_before() -> None:
    result = operations(populated(2)).batch_remove_entities(["e0", "e1", "e0"])

    assert result.successes == ["e0", "e1"]
    assert errors(result) == [(2, "EntityNotFoundError")]


def test_rule_7_lets_the_last_of_two_components_win() -> None:
    world = populated(1)

    result = operations(world).batch_add_components(
        [add(0, "health", {"points": 1}), add(0, "health", {"points": 2})]
    )

    assert result.successes == [True, True]
    assert lifecycle(world).get_entity("e0").get_component_data("core:health") == {"points": 2}


@pytest.mark.parametrize("manager", [operations, lifecycle])
def test_rule_7_orders_components_by_the_first_of_two(manager: Any) -> None:
    world = new_world()
    manager(world).batch_create_entities([create(0, "core:place")])

    manager(world).batch_add_components(
        [
            add(0, "health", {"points": 1}),
            add(0, "name", {"text": "Ann"}),
            add(0, "health", {"points": 2}),
        ]
    )

    entity = lifecycle(world).get_entity("e0")
    assert entity.component_type_ids == ("core:health", "core:name")
    assert entity.get_component_data("core:health") == {"points": 2}


def test_rule_7_chains_the_moves_of_one_entity() -> None:
    updates = [{"entity_id": "e0", "new_location_id": place} for place in ("a", "b", "b", "c")]

    result = spatial(populated(1)).batch_move(updates)

    assert [(m["old_location_id"], m["new_location_id"]) for m in result.successful] == [
        (None, "a"),
        ("a", "b"),
        ("b", "b"),
        ("b", "c"),
    ]
    assert [m["moved"] for m in result.successful] == [True, True, False, True]


# --- 8: parallel ---------------------------------------------------------------------


@METHODS
def test_rule_8_makes_no_difference(manager: type, method: str, parameter: str, item: Any) -> None:
    worlds = populated(3), populated(3)

    plain, parallel = (
        getattr(manager(world), method)([item, None, item], enable_parallel=flag)
        for world, flag in zip(worlds, (False, True), strict=True)
    )

    assert errors(plain) == errors(parallel)
    assert fingerprint(worlds[0]) == fingerprint(worlds[1])


# --- 9: timeout ----------------------------------------------------------------------


def test_rule_9_skips_what_is_left_when_the_time_is_over() -> None:
    world = new_world()
    manager = operations(world, surroundings=Surroundings(clock=Ticks()))

    result = manager.batch_create_entities([create(i) for i in range(100)], timeout_ms=1500)
    short = manager.batch_create_entities([create(i) for i in range(100, 200)], timeout_ms=1)

    assert result.stopped_by is None
    assert (short.stopped_by, short.success_count, short.skipped) == ("timeout", 50, 50)
    assert isinstance(short.error, ecs.BatchTimeoutError)
    assert "50 of 100 items are left" in str(short.error)
    assert len(world) == 150


def test_rule_9_does_one_batch_when_to_validate_a_block_took_too_long() -> None:
    world = new_world()
    manager = operations(world, surroundings=Surroundings(clock=Ticks()))
    items = [create(i) for i in range(20)]

    result = manager.batch_create_entities(items, batch_size=5, timeout_ms=100)
    undone = manager.batch_create_entities(
        [create(i) for i in range(5, 25)], batch_size=5, timeout_ms=100, atomic=True
    )

    assert (result.stopped_by, result.success_count, result.skipped) == ("timeout", 5, 15)
    assert "15 of 20 items are left" in str(result.error)
    assert (undone.stopped_by, undone.rolled_back, undone.skipped) == ("timeout", 5, 15)
    assert [*world.ids] == [f"e{i}" for i in range(5)]


def test_rule_9_is_checked_between_the_items_of_a_sequence() -> None:
    manager = lifecycle(new_world(), surroundings=Surroundings(clock=Ticks()))

    result = manager.batch_create_entities([create(i) for i in range(10)], timeout_ms=2500)

    assert result.stopped_by == "timeout"
    assert 0 < result.success_count < 10
    assert result.success_count + result.skipped == 10


# --- 10: progress --------------------------------------------------------------------


def test_rule_10_tells_after_each_batch_where_the_call_stands() -> None:
    seen: list[tuple[int, ...]] = []
    items = [create(0), bad(1), create(2), create(3), bad(4)]

    operations(new_world()).batch_create_entities(
        items, batch_size=2, on_progress=lambda *numbers: seen.append(numbers)
    )

    assert seen == [(0, 3, 2, 5, 1, 1), (1, 3, 4, 5, 3, 1), (2, 3, 5, 5, 3, 2)]


def test_rule_10_is_the_same_item_by_item() -> None:
    seen: list[tuple[int, ...]] = []
    items = [create(0), bad(1), create(2), create(3), bad(4)]

    lifecycle(new_world()).batch_create_entities(
        items, batch_size=2, on_progress=lambda *numbers: seen.append(numbers)
    )

    assert seen == [(0, 3, 2, 5, 1, 1), (1, 3, 4, 5, 3, 1), (2, 3, 5, 5, 3, 2)]


def test_rule_10_logs_what_a_callback_raises(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*numbers: int) -> None:
        raise RuntimeError("no")

    with caplog.at_level(logging.ERROR, "ecs_columnar"):
        result = operations(new_world()).batch_create_entities([create(0)], on_progress=fail)

    assert result.success_count == 1
    assert "on_progress failed" in caplog.text


def test_rule_10_shows_a_bar_when_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    seen: list[int] = []

    operations(new_world()).batch_create_entities(
        [create(0), create(1)],
        batch_size=1,
        progress=True,
        on_progress=lambda *n: seen.append(n[2]),
    )

    assert "2/2" in capsys.readouterr().err
    assert seen == [1, 2]


# --- 12: paths -----------------------------------------------------------------------


@pytest.mark.parametrize("n", [9, 10])
def test_rule_12_goes_item_by_item_below_the_threshold(n: int) -> None:
    world = new_world()
    manager = lifecycle(
        world, batch_operation_manager=operations(world), enable_batch_operations=True
    )

    result = manager.batch_create_entities([create(i) for i in range(n)])

    assert result.path == ("sequential" if n < 10 else "batch")
    assert result.success_count == n


@pytest.mark.parametrize("n", [3, 4])
def test_rule_12_has_a_threshold_that_can_be_set(n: int) -> None:
    world = populated(5)
    manager = SpatialIndexManager(
        world,
        batch_spatial_index_manager=spatial(world),
        enable_batch_operations=True,
        batch_operation_threshold=4,
    )

    result = manager.batch_add([{"entity_id": f"e{i}", "location_id": "inn"} for i in range(n)])

    assert result.path == ("sequential" if n < 4 else "batch")


# --- 13: monitoring ------------------------------------------------------------------


@METHODS
def test_rule_13_records_a_call_once(manager: type, method: str, parameter: str, item: Any) -> None:
    records: list[tuple[Any, ...]] = []
    around = Surroundings(record=lambda *facts: records.append(facts))

    getattr(manager(populated(1), surroundings=around), method)([item] * 30, batch_size=7)

    ((name, n, elapsed, path, has_failed),) = records
    assert method in name
    assert (n, path, has_failed) == (30, "batch", False)
    assert elapsed > 0


# --- forms of items ------------------------------------------------------------------

CREATIONS: dict[str, Callable[[], Any]] = {
    "mappings": lambda: [create("a", health={"points": 7}, position={"locationId": "inn"})],
    "camelCase": lambda: [
        {
            "definitionId": "core:actor",
            "opts": {
                "instanceId": "a",
                "componentOverrides": {
                    "core:health": {"points": 7},
                    "core:position": {"locationId": "inn"},
                },
            },
        }
    ],
    "dataclasses": lambda: (
        BatchCreateSpec(**create("a", health={"points": 7}, position={"locationId": "inn"})),
    ),
    "flat": lambda: [
        {
            "definition_id": "core:actor",
            "instance_id": "a",
            "component_overrides": {
                "core:health": {"points": 7},
                "core:position": {"locationId": "inn"},
            },
        }
    ],
    "arrays": lambda: {
        "definition_id": "core:actor",
        "instance_id": np.array(["a"]),
        "core:health.points": np.array([7]),
        "core:position.locationId": ["inn"],
    },
    "frame": lambda: pd.DataFrame(
        {
            "definitionId": pd.Categorical(["core:actor"]),
            "opts.instance_id": ["a"],
            "opts.component_overrides.core:health.points": [7],
            "core:position.locationId": ["inn"],
        }
    ),
    "records": lambda: np.array(
        [("core:actor", "a", 7, "inn")],
        [
            ("definition_id", "U16"),
            ("instance_id", "U8"),
            ("core:health.points", "i4"),
            ("core:position.locationId", "U8"),
        ],
    ),
}


@pytest.mark.parametrize("form", CREATIONS)
def test_the_same_entity_comes_of_every_form(form: str) -> None:
    world = new_world()

    result = operations(world).batch_create_entities(CREATIONS[form]())

    assert result.failures == []
    assert state(world) == {
        "a": {
            "definition": "core:actor",
            "components": [
                ("core:name", {"text": "?"}, False),
                ("core:health", {"points": 7}, True),
                ("core:position", {"locationId": "inn"}, True),
            ],
            "location": "inn",
        }
    }


@pytest.mark.parametrize("form", ["frame", "chunked"])
def test_arrow_tables_are_columns(form: str) -> None:
    pa = pytest.importorskip("pyarrow")
    half = pa.table(
        {
            "definition_id": pa.array(["core:actor", "core:item"]).dictionary_encode(),
            "instance_id": ["a", None],
            "core:health.points": pa.array([1, None], pa.int32()),
            "core:position.locationId": ["inn", None],
        }
    )
    table = half if form == "frame" else pa.concat_tables([half.slice(0, 1), half.slice(1, 1)])

    result = operations(new_world()).batch_create_entities(table)

    assert result.failures == []
    a, b = result.successes
    assert (a.id, a.get_component_data("core:health"), a.location_id) == ("a", {"points": 1}, "inn")
    assert (len(b.id), b.has_component("core:health"), b.location_id) == (36, False, "shop")


def test_polars_frames_are_columns() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "definition_id": ["core:actor", "core:actor"],
            "instance_id": ["a", None],
            "core:health.points": [3, None],
        }
    )
    world = new_world()

    result = operations(world).batch_create_entities(frame)
    removed = operations(world).batch_remove_entities(pl.Series(["a"]))

    assert result.failures == []
    assert result.successes[1].get_component_data("core:health") == {"points": 100}
    assert removed.successes == ["a"]


@pytest.mark.parametrize("form", ["series", "index", "arrow", "array"])
def test_ids_come_in_every_form(form: str) -> None:
    forms: dict[str, Callable[[], Any]] = {
        "series": lambda: pd.Series(["e0", "e9"]),
        "index": lambda: pd.Index(["e0", "e9"]),
        "arrow": lambda: pytest.importorskip("pyarrow").array(["e0", "e9"]),
        "array": lambda: np.array(["e0", "e9"]),
    }

    result = operations(populated(2)).batch_remove_entities(forms[form]())

    assert result.successes == ["e0"]
    assert result.failures[0].item == "e9"


def test_components_come_in_every_form() -> None:
    forms: list[Any] = [
        [add(0, "health", {"points": 7})],
        [BatchComponentSpec("e0", "core:health", {"points": 7})],
        [{"instanceId": "e0", "componentTypeId": "core:health", "componentData": {"points": 7}}],
        {"instance_id": ["e0"], "core:health.points": [7]},
        {"instance_id": ["e0"], "component_type_id": "core:health", "component_data.points": [7]},
        pd.DataFrame(
            {
                "instance_id": ["e0"],
                "component_type_id": ["core:health"],
                "component_data": [{"points": 7}],
            }
        ),
    ]

    for form in forms:
        world = populated(1)
        result = operations(world).batch_add_components(form)
        entity = lifecycle(world).get_entity("e0")
        assert (result.successes, result.failures) == ([True], [])
        assert entity.get_component_data("core:health") == {"points": 7}


def test_moves_come_in_every_form() -> None:
    forms: list[Any] = [
        [{"entity_id": "e0", "old_location_id": None, "new_location_id": "inn"}],
        [LocationUpdate("e0", None, "inn")],
        [{"entityId": "e0", "newLocationId": "inn"}],
        {"entity_id": ["e0"], "new_location_id": "inn"},
        pd.DataFrame({"entity_id": ["e0"], "new_location_id": pd.Categorical(["inn"])}),
    ]

    for form in forms:
        world = populated(1)
        assert spatial(world).batch_move(form).failed == []
        assert members(world) == {"inn": {"e0"}}


def test_handles_are_ids_and_places() -> None:
    world = populated(3)
    handles = world.ids[["e0", "e1", "e2"]]
    manager = operations(world)

    placed = spatial(world).batch_add({"entity_id": handles[:2], "location_id": handles[[2, 2]]})
    added = manager.batch_add_components(
        {"instance_id": handles, "core:health.points": np.array([1, 2, 3])}
    )
    removed = manager.batch_remove_entities(handles[1:])

    assert placed.successful[0] == {
        "entity_id": int(handles[0]),
        "location_id": "e2",
        "operation": "add",
    }
    assert added.handles.tolist() == handles.tolist()
    assert removed.successes == handles[1:].tolist()
    assert lifecycle(world).get_entity(int(handles[0])).id == "e0"


def test_a_dead_handle_is_a_failure_of_its_item() -> None:
    world = populated(2)
    handles = world.ids[["e0", "e1"]]
    world.despawn(handles[:1])

    place = spatial(world).batch_add([{"entity_id": "e1", "location_id": int(handles[0])}])
    result = operations(world).batch_remove_entities(handles)

    assert errors(result) == [(0, "StaleHandleError")]
    assert errors(place) == [(0, "StaleHandleError")]


def test_results_are_sequences_that_make_objects_when_looked_at() -> None:
    result = operations(new_world()).batch_create_entities([create(i) for i in range(5)] + [bad(9)])

    assert result.entities is result.successes
    assert result.errors is result.failures
    assert result.successes[0] is result.successes[0]
    assert [entity.id for entity in result.successes[1:3]] == ["e1", "e2"]
    assert result.failures[-1].error is result.failures[0].error
    assert "5 succeeded, 1 failed" in repr(result)
    with pytest.raises(IndexError):
        result.successes[5]


def test_a_failure_keeps_its_item_when_the_list_is_emptied() -> None:
    item = bad(0)
    items = [item]

    result = operations(new_world()).batch_create_entities(items)
    items.clear()

    assert result.failures[0].item is item


def test_surroundings_can_be_given() -> None:
    around = Surroundings(clock=Ticks())

    result = operations(new_world(), surroundings=around).batch_create_entities([create(0)])

    assert result.processing_time == pytest.approx(1000.0)
    assert dataclasses.replace(around, clock=Ticks()) != around


def test_reading_a_generator_is_refused() -> None:
    def items() -> Iterator[Any]:
        yield create(0)

    with pytest.raises(ecs.InvalidArgumentError, match="generator"):
        operations(new_world()).batch_create_entities(items())


def test_rule_8_uses_threads_when_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    world = new_world()
    threads: list[str] = []
    codec = catalogue(world).components["core:health"]
    to_columns = type(codec).to_columns

    def remember(self: Any, items: Any) -> Any:
        threads.append(threading.current_thread().name)
        return to_columns(self, items)

    monkeypatch.setattr(type(codec), "to_columns", remember)
    items = [create(i, health={"points": 1}, name={"text": "x"}) for i in range(5000)]

    operations(world).batch_create_entities(items[:10], enable_parallel=True)
    assert not any(name.startswith("ecs_columnar") for name in threads)  # not worth it
    threads.clear()
    operations(world).batch_create_entities(items[10:], enable_parallel=True)
    assert len(threads) >= 2
    assert {name.startswith("ecs_columnar") for name in threads} == {True}
