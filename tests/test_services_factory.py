"""All services of a world, as a configuration wires them: what each key does."""

from __future__ import annotations

import errno
import itertools
import json
import logging
import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import ecs_columnar as ecs
from ecs_columnar.services.call import BatchCall
from ecs_columnar.services.creation import Creation
from ecs_columnar.services.factory import Services, create_default_services_with_config
from ecs_columnar.services.memory_monitor import MemoryMonitor
from tests.services_world import DEFINITIONS, SCHEMAS, add, create


def services(config: dict[str, Any] | None = None, **options: Any) -> Services:
    made = create_default_services_with_config(config, **options)
    for type_id, schema in SCHEMAS.items():
        made.components.register({"id": type_id, "dataSchema": schema})
    for definition_id, components in DEFINITIONS.items():
        made.definitions.register({"id": definition_id, "components": components})
    return made


def performance(**values: Any) -> dict[str, Any]:
    return {"performance": values}


def batches(**values: Any) -> dict[str, Any]:
    return {"batchOperations": values}


def creations(n: int) -> list[Any]:
    return [create(i) for i in range(n)]


def bad(n: int) -> list[Any]:
    return [create(i, "core:unknown") for i in range(n)]


def at(i: int, place: str = "inn") -> dict[str, Any]:
    return {"entity_id": f"e{i}", "location_id": place}


# --- wiring --------------------------------------------------------------------------


def test_everything_is_wired_so_that_batches_are_vectorised() -> None:
    made = services()

    created = made.entity_lifecycle_manager.batch_create_entities(creations(20))
    added = made.entity_lifecycle_manager.batch_add_components(
        [add(i, "health", {"points": i}) for i in range(20)]
    )
    removed = made.entity_lifecycle_manager.batch_remove_components(
        [{"instance_id": f"e{i}", "component_type_id": "core:health"} for i in range(20)]
    )
    placed = made.spatial_index_manager.batch_add([at(i) for i in range(20)])
    despawned = made.entity_lifecycle_manager.batch_remove_entities([f"e{i}" for i in range(20)])

    for result in (created, added, removed, placed, despawned):
        assert (result.path, result.success_count) == ("batch", 20)


def test_a_world_can_be_given() -> None:
    world = ecs.World()
    world.spawn(1, ids=["x"])

    made = services(world=world)
    again = create_default_services_with_config(world=world)

    assert made.world is world
    assert made.entity_lifecycle_manager.get_entity("x").id == "x"
    again.components.register({"id": "x", "dataSchema": {}})
    assert made.components == again.components


def test_the_place_can_be_another_component() -> None:
    made = create_default_services_with_config(position_component="my:place", position_field="in")
    made.definitions.register({"id": "x", "components": {"my:place": {"in": "inn"}}})

    assert made.entity_lifecycle_manager.create_entity_instance("x").location_id == "inn"
    assert "core:position" not in made.components
    with pytest.raises(ecs.InvalidArgumentError, match=r"my:place\.in"):
        create_default_services_with_config(world=made.world)


@pytest.mark.parametrize("option", [{"clock": 5}, {"sleep": 0.5}, {"position_field": " "}])
def test_what_would_first_fail_when_it_is_used_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ecs.InvalidArgumentError) as caught:
        create_default_services_with_config(**option)

    assert caught.value.parameter == next(iter(option))


def test_a_complete_configuration_is_taken() -> None:
    config = ecs.EntityConfig({"performance": {"DEFAULT_BATCH_SIZE": 7}})

    made = services(config)  # type: ignore[arg-type]

    assert made.batch_operation_manager.get_stats()["default_batch_size"] == 7


@pytest.mark.parametrize("config", [5, [], object()])
def test_what_is_no_configuration_is_refused(config: Any) -> None:
    with pytest.raises(ecs.InvalidArgumentError) as caught:
        create_default_services_with_config(config)

    assert caught.value.parameter == "config"


# --- performance ---------------------------------------------------------------------


def test_default_batch_size_is_the_size_of_batches() -> None:
    seen: list[int] = []
    made = services(performance(DEFAULT_BATCH_SIZE=7))

    made.batch_operation_manager.batch_create_entities(
        creations(20), on_progress=lambda *numbers: seen.append(numbers[2])
    )

    assert seen == [7, 14, 20]


def test_max_batch_size_is_the_greatest() -> None:
    made = services(performance(DEFAULT_BATCH_SIZE=7, MAX_BATCH_SIZE=9))

    made.batch_operation_manager.batch_create_entities(creations(1), batch_size=9)
    with pytest.raises(ecs.InvalidArgumentError):
        made.batch_operation_manager.batch_create_entities(creations(1), batch_size=10)


def test_spatial_index_batch_size_is_that_of_places() -> None:
    seen: list[int] = []
    made = services(performance(SPATIAL_INDEX_BATCH_SIZE=300))
    made.batch_operation_manager.batch_create_entities(creations(1))

    made.batch_spatial_index_manager.batch_add(
        [at(0)] * 400, on_progress=lambda *numbers: seen.append(numbers[2])
    )

    assert seen == [300, 400]


def test_enable_batch_operations_turns_all_of_them_off() -> None:
    made = services(performance(ENABLE_BATCH_OPERATIONS=False))

    created = made.entity_lifecycle_manager.batch_create_entities(creations(20))
    placed = made.spatial_index_manager.batch_add([at(i) for i in range(20)])
    loaded = made.world_loading_service.load_world({"locations": [at(i) for i in range(20)]})

    assert (created.path, placed.path) == ("sequential", "sequential")
    assert loaded.optimization_used == "sequential"


@pytest.mark.parametrize(
    ("key", "off"),
    [
        ("ENABLE_BATCH_ENTITY_CREATION", {"batch_create_entities"}),
        ("ENABLE_BATCH_ENTITY_REMOVAL", {"batch_remove_entities"}),
        ("ENABLE_BATCH_COMPONENTS", {"batch_add_components", "batch_remove_components"}),
        ("ENABLE_BATCH_SPATIAL_INDEX", {"batch_add", "batch_remove", "batch_move", "rebuild"}),
    ],
)
def test_each_operation_has_a_switch(key: str, off: set[str]) -> None:
    made = services(performance(**{key: False}))
    lifecycle, index = made.entity_lifecycle_manager, made.spatial_index_manager
    ids = [f"e{i}" for i in range(10)]
    removals = [{"instance_id": i, "component_type_id": "core:health"} for i in ids]
    moves = [{"entity_id": i, "new_location_id": "mill"} for i in ids]

    paths = {
        "batch_create_entities": lifecycle.batch_create_entities(creations(10)),
        "batch_add_components": lifecycle.batch_add_components(
            [add(i, "hidden", {}) for i in range(10)]
        ),
        "batch_remove_components": lifecycle.batch_remove_components(removals),
        "batch_add": index.batch_add([at(i) for i in range(10)]),
        "batch_move": index.batch_move(moves),
        "rebuild": index.rebuild([at(i) for i in range(10)]),
        "batch_remove": index.batch_remove(ids),
        "batch_remove_entities": lifecycle.batch_remove_entities(ids),
    }

    assert {name for name, result in paths.items() if result.path == "sequential"} == off
    assert {result.success_count for result in paths.values()} == {10}


def test_enable_parallel_batch_processing_is_the_default_of_calls() -> None:
    on, off = services(), services(performance(ENABLE_PARALLEL_BATCH_PROCESSING=False))

    assert on.batch_operation_manager.get_stats()["enable_parallel"] is True
    assert off.batch_operation_manager.get_stats()["enable_parallel"] is False
    assert off.batch_operation_manager._options({}).enable_parallel is False


def test_batch_operation_threshold_is_where_batches_begin() -> None:
    made = services(performance(BATCH_OPERATION_THRESHOLD=3))
    manager = made.entity_lifecycle_manager

    assert manager.batch_create_entities(creations(2)).path == "sequential"
    assert manager.batch_remove_entities(["a", "b", "c"]).path == "batch"


def test_batch_timeout_ms_stops_calls() -> None:
    ticks = iter(range(10**6))
    made = services(performance(BATCH_TIMEOUT_MS=1), clock=lambda: float(next(ticks)))

    result = made.batch_operation_manager.batch_create_entities(creations(200))

    assert result.stopped_by == "timeout"


def test_world_loading_has_a_size_and_a_threshold_of_its_own() -> None:
    seen: list[int] = []
    made = services(performance(WORLD_LOADING_BATCH_SIZE=4, WORLD_LOADING_BATCH_THRESHOLD=6))
    entities = [{"instanceId": f"e{i}", "definitionId": "core:actor"} for i in range(11)]
    service = made.world_loading_service

    small = service.load_world({"entities": entities[:5]})
    large = service.load_world(
        {"entities": entities[5:]}, on_progress=lambda *numbers: seen.append(numbers[2])
    )

    assert (small.optimization_used, large.optimization_used) == ("sequential", "batch")
    assert seen == [4, 6]


def test_world_loading_optimization_can_be_turned_off() -> None:
    made = services(performance(ENABLE_WORLD_LOADING_OPTIMIZATION=False))
    entities = [{"instanceId": f"e{i}", "definitionId": "core:actor"} for i in range(11)]

    assert made.world_loading_service.load_world({"entities": entities}).optimization_used == (
        "sequential"
    )


def test_loading_goes_on_after_failures() -> None:
    made = services(batches(STOP_ON_ERROR=True, MAX_FAILURES_PER_BATCH=1))
    entities: list[Any] = [None] * 8
    entities += [{"instanceId": f"e{i}", "definitionId": "core:actor"} for i in range(200)]

    result = made.world_loading_service.load_world({"entities": entities})

    assert (result.instantiated_count, result.failed_count) == (200, 8)


# --- batch operations ----------------------------------------------------------------


def test_enable_transaction_rollback_makes_atomic_calls_available() -> None:
    on, off = services(), services(batches(ENABLE_TRANSACTION_ROLLBACK=False))

    assert on.batch_operation_manager.batch_create_entities(bad(1), atomic=True).failure_count == 1
    with pytest.raises(ecs.InvalidArgumentError):
        off.batch_operation_manager.batch_create_entities(bad(1), atomic=True)


def test_stop_on_error_is_the_default_of_calls() -> None:
    made = services(batches(STOP_ON_ERROR=True))

    result = made.batch_operation_manager.batch_create_entities(
        [*bad(1), *creations(3)], batch_size=2
    )
    going = made.batch_operation_manager.batch_create_entities(bad(9), stop_on_error=False)

    assert (result.stopped_by, result.skipped) == ("error", 2)
    assert going.failure_count == 9


def test_max_failures_per_batch_is_the_default_of_calls() -> None:
    made = services(batches(MAX_FAILURES_PER_BATCH=3))

    result = made.batch_operation_manager.batch_create_entities(
        [*bad(3), *creations(9)], batch_size=4
    )
    all_of_them = made.batch_operation_manager.batch_create_entities(bad(9), max_failures=None)

    assert (result.stopped_by, result.skipped, result.success_count) == ("max_failures", 8, 1)
    assert all_of_them.failure_count == 9


# --- defaults ------------------------------------------------------------------------


def test_defaults_are_given_to_entities_with_a_tag() -> None:
    made = services({"defaults": {"core:hidden": {"core:health": {"points": 1}}}})
    manager = made.entity_lifecycle_manager

    place = manager.create_entity_instance("core:place")
    hidden = manager.create_entity_instance("core:place", component_overrides={"core:hidden": {}})
    actor = manager.create_entity_instance("core:actor", component_overrides={"core:hidden": {}})

    assert not place.has_component("core:health")
    assert hidden.component_type_ids == ("core:hidden", "core:health")
    assert hidden.get_component_data("core:health") == {"points": 1}
    assert hidden.has_component_override("core:health")
    assert actor.get_component_data("core:health") == {"points": 100}


@pytest.mark.parametrize("n", [2, 12])
@pytest.mark.parametrize("form", ["list", "columns", "files"])
def test_defaults_are_given_to_entities_that_are_loaded_with_a_tag(
    tmp_path: Path, n: int, form: str
) -> None:
    config = {
        "core:hidden": {"core:health": {"points": 1}, "core:name": {"text": "x"}},
        "core:health": {"core:name": {"text": "y"}},
    }
    made = services({"defaults": config})
    ids = [f"e{i}" for i in range(n)]
    entities: Any = [
        {"instanceId": i, "definitionId": "core:place", "components": {"core:hidden": {}}}
        for i in ids
    ]
    if form == "columns":
        entities = {"instance_id": ids, "definition_id": "core:place", "core:hidden": [True] * n}
    world: Any = {"entities": entities}
    if form == "files":
        world = tmp_path / "w.json"
        world.write_text(json.dumps({"entities": entities}))
    created = made.entity_lifecycle_manager.create_entity_instance(
        "core:place", component_overrides={"core:hidden": {}}
    )

    result = made.world_loading_service.load_world(world)

    assert result.components.success_count == n
    for entity in result.entities.successes:
        assert entity.component_type_ids == created.component_type_ids
        for type_id in created.component_type_ids:
            assert entity.get_component_data(type_id) == created.get_component_data(type_id)
            assert entity.has_component_override(type_id)


@pytest.mark.parametrize(
    "components", [{"core:nothing": {}}, {"core:health": {"points": -1}}, {"core:position": {}}]
)
def test_defaults_that_fit_no_type_are_an_error_of_the_configuration(
    components: dict[str, Any],
) -> None:
    made = services({"defaults": {"core:hidden": components}})

    with pytest.raises(ecs.ConfigurationError, match="mend defaults"):
        made.entity_lifecycle_manager.create_entity_instance(
            "core:place", component_overrides={"core:hidden": {}}
        )


# --- monitoring ----------------------------------------------------------------------


def test_every_call_is_recorded_once() -> None:
    made = services()

    made.entity_lifecycle_manager.batch_create_entities(creations(20), batch_size=3)
    made.entity_lifecycle_manager.batch_create_entities(bad(3))
    made.batch_spatial_index_manager.batch_add([at(i) for i in range(20)])
    made.world_loading_service.load_world({"entities": []})

    assert [record[:2] + record[3:] for record in made.monitoring.performance.history] == [
        ("batch_create_entities", 20, "batch", False),
        ("batch_create_entities", 3, "sequential", False),
        ("spatial_batch_add", 20, "batch", False),
        ("load_world", 0, "sequential", False),
    ]


@pytest.mark.parametrize("n", [2, 20])
def test_rule_13_records_the_loading_of_a_world_once(n: int) -> None:
    made = services()
    world = {
        "entities": [
            {
                "instanceId": f"e{i}",
                "definitionId": "core:actor",
                "components": {"core:health": {"points": i}},
            }
            for i in range(n)
        ],
        "locations": [{"entityId": "e0", "locationId": "inn"}],
    }

    result = made.world_loading_service.load_world(world)

    (record,) = made.monitoring.performance.history
    assert record.operation == "load_world"
    assert (record.items, record.path) == (result.total_processed, result.optimization_used)


def test_rule_13_records_files_once_with_the_time_that_reading_takes(tmp_path: Path) -> None:
    ticks = itertools.count()
    made = services(clock=lambda: float(next(ticks)))
    path = tmp_path / "world.json"
    path.write_text('{"entities": [{"instanceId": "ann", "definitionId": "core:actor"}]}')

    result = made.world_loading_service.load_world(path)

    (record,) = made.monitoring.performance.history
    assert (record.operation, record.items, record.failed) == ("load_world", 1, False)
    assert record.ms > result.total_processing_time


def test_files_that_make_no_world_are_recorded_as_failed_and_open_no_circuit(
    tmp_path: Path,
) -> None:
    made = services()
    path = tmp_path / "world.json"
    path.write_text('{"startWorld": "none", "entities": {}}')

    for _ in range(6):
        with pytest.raises(ecs.WorldInitializationError):
            made.world_loading_service.load_world(path)

    assert [record.failed for record in made.monitoring.performance.history] == [True] * 6
    assert made.monitoring.breaker("load_world").state == "closed"


def test_a_synchronization_is_recorded_once_also_when_the_provider_fails() -> None:
    made = services()

    made.batch_spatial_index_manager.synchronize(list)
    with pytest.raises(ZeroDivisionError):
        made.batch_spatial_index_manager.synchronize(lambda: [1 // 0])

    assert [record[:2] + record[3:] for record in made.monitoring.performance.history] == [
        ("spatial_synchronize", 0, "batch", False),
        ("spatial_synchronize", 0, "batch", True),
    ]


def test_emptying_the_index_is_recorded_once() -> None:
    made = services()
    made.batch_operation_manager.batch_create_entities(creations(3))
    made.batch_spatial_index_manager.batch_add([at(i) for i in range(3)])
    made.monitoring.reset()

    made.spatial_index_manager.clear()

    (record,) = made.monitoring.performance.history
    assert record[:2] + record[3:] == ("spatial_clear", 3, "batch", False)


def test_a_synchronization_with_a_bad_option_asks_no_provider() -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="batch_size"):
        services().batch_spatial_index_manager.synchronize(pytest.fail, batch_size=0)


def test_a_logger_that_is_handed_in_hears_all(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [ConnectionError(), []]
    made = services(
        performance(SLOW_OPERATION_THRESHOLD=1e-6),
        logger=logging.getLogger("game"),
        sleep=lambda seconds: None,
    )

    def fail(*arguments: Any) -> None:
        raise RuntimeError

    def provide() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    made.events.on("entity_created", fail)
    made.batch_operation_manager.batch_create_entities(creations(1), on_progress=fail)
    made.batch_spatial_index_manager.synchronize(provide)

    for said in ("on_progress failed", "a listener to", "more than 1e-06 ms", "try 2 of 3"):
        assert said in caplog.text
    assert {record.name for record in caplog.records} == {"game"}


@pytest.mark.parametrize("name", ["SPATIAL_INDEX_BATCH_SIZE", "MAX_BATCH_SIZE"])
def test_rule_1_refuses_a_batch_size_above_max_batch_size_whatever_the_default(name: str) -> None:
    values = {"SPATIAL_INDEX_BATCH_SIZE": 80, "MAX_BATCH_SIZE": 60} | {name: 70}
    made = services(performance(**values))
    made.batch_operation_manager.batch_create_entities(creations(1))
    asked, largest = values["MAX_BATCH_SIZE"] + 1, values["MAX_BATCH_SIZE"]

    for manager in (made.batch_spatial_index_manager, made.spatial_index_manager):
        with pytest.raises(ecs.InvalidArgumentError, match="batch_size"):
            manager.batch_add([at(0)], batch_size=asked)
        assert manager.batch_add([at(0)], batch_size=largest).success_count == 1
        assert manager.batch_add([at(0)]).success_count == 1
        assert manager.get_stats()["default_batch_size"] == values["SPATIAL_INDEX_BATCH_SIZE"]


def test_a_call_about_one_entity_is_recorded_once() -> None:
    made = services()

    made.entity_lifecycle_manager.create_entity_instance("core:actor", instance_id="ann")
    made.spatial_index_manager.move("ann", None, "inn")
    made.component_mutation_service.remove_component("ann", "core:hidden")
    made.entity_lifecycle_manager.remove_entity_instance("ann")

    assert [record[:2] + record[3:] for record in made.monitoring.performance.history] == [
        ("batch_create_entities", 1, "sequential", False),
        ("spatial_batch_move", 1, "sequential", False),
        ("batch_remove_components", 1, "sequential", False),
        ("batch_remove_entities", 1, "sequential", False),
    ]


def test_a_call_whose_one_item_is_refused_has_not_failed() -> None:
    made = services()

    with pytest.raises(ecs.DefinitionNotFoundError):
        made.entity_lifecycle_manager.create_entity_instance("core:nobody")

    (record,) = made.monitoring.performance.history
    assert (record.operation, record.failed) == ("batch_create_entities", False)


def test_a_call_about_one_entity_that_breaks_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = services()
    monkeypatch.setattr(ecs.World, "spawn_groups", Mock(side_effect=OSError("no")))

    with pytest.raises(OSError, match="no"):
        made.entity_lifecycle_manager.create_entity_instance("core:actor")

    assert [record.failed for record in made.monitoring.performance.history] == [True]


def test_enable_monitoring_turns_recording_off() -> None:
    made = services(performance(ENABLE_MONITORING=False))

    made.batch_operation_manager.batch_create_entities(creations(20))

    assert made.monitoring.performance.history == ()


def fail_always(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Creation, items: Any) -> Any:
        raise OSError("no")

    monkeypatch.setattr(Creation, "prepare", fail)


def test_the_circuit_of_calls_that_keep_failing_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    made = services(
        {"errorHandling": {"CIRCUIT_BREAKER_THRESHOLD": 2, "CIRCUIT_BREAKER_TIMEOUT": 1000}},
        clock=lambda: now[0],
    )
    manager = made.batch_operation_manager
    fail_always(monkeypatch)

    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            manager.batch_create_entities(creations(1))
    with pytest.raises(ecs.CircuitOpenError):
        manager.batch_create_entities(creations(1))
    manager.batch_remove_entities(["x"])
    now[0] = 1.5
    monkeypatch.undo()

    assert manager.batch_create_entities(creations(1)).success_count == 1
    assert [record.failed for record in made.monitoring.performance.history] == [
        True,
        True,
        False,
        False,
    ]


def test_items_and_arguments_that_are_wrong_open_no_circuit() -> None:
    made = services({"errorHandling": {"CIRCUIT_BREAKER_THRESHOLD": 1}})
    manager = made.batch_operation_manager

    for _ in range(3):
        manager.batch_create_entities(bad(4))
        with pytest.raises(ecs.InvalidArgumentError):
            manager.batch_create_entities(5)
        with pytest.raises(ecs.InvalidArgumentError):
            manager.batch_create_entities({"notes": ["x"]})

    assert manager.batch_create_entities(creations(1)).success_count == 1


def load_a_busy_file(n_failures: int, folder: Path, waited: list[float]) -> int:
    """Load a file that is busy some times; return how many instances there are then."""
    path = folder / "ann.ndjson"
    path.write_text('{"instanceId": "ann", "definitionId": "core:actor"}')
    failing = [OSError(errno.EBUSY, "busy")] * n_failures
    real = os.open

    def busy(name: Any, *arguments: Any, **options: Any) -> int:
        if failing and str(name) == str(path):
            raise failing.pop()
        return real(name, *arguments, **options)

    made = services(sleep=waited.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", busy)
        return made.world_loading_service.load_world(path).instantiated_count


def test_rule_11_asks_the_system_again_for_a_file_that_is_busy(tmp_path: Path) -> None:
    waited: list[float] = []

    assert load_a_busy_file(2, tmp_path, waited) == 1
    assert waited == [1.0, 1.0]


def test_rule_11_gives_up_a_file_that_stays_busy(tmp_path: Path) -> None:
    waited: list[float] = []

    with pytest.raises(ecs.WorldInitializationError, match=r"ann\.ndjson: .* cannot be read: busy"):
        load_a_busy_file(3, tmp_path, waited)
    assert waited == [1.0, 1.0]


def test_rule_11_asks_a_provider_again_that_fails_for_a_moment() -> None:
    slept: list[float] = []
    answers: list[Any] = [ConnectionError(), TimeoutError(), []]
    made = services(batches(BATCH_RETRY_ATTEMPTS=2, BATCH_RETRY_DELAY_MS=250), sleep=slept.append)

    def provide() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    made.batch_spatial_index_manager.synchronize(provide)

    assert slept == [0.25, 0.25]
    made.config.set_value("batchOperations.BATCH_RETRY_ATTEMPTS", 0)
    answers[:] = [ConnectionError()]
    with pytest.raises(ConnectionError):
        made.batch_spatial_index_manager.synchronize(provide)


@pytest.mark.parametrize("adaptive", [False, True])
def test_blocks_shrink_when_memory_is_short(
    adaptive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    run_block = BatchCall._run_block

    def remember(self: BatchCall, start: int, stop: int) -> None:
        sizes.append(stop - start)
        run_block(self, start, stop)

    monkeypatch.setattr(BatchCall, "_run_block", remember)
    monkeypatch.setattr("ecs_columnar.services.adaptive_block.BLOCK", 64)
    monkeypatch.setattr("ecs_columnar.services.adaptive_block.LEAST", 8)
    made = services(
        performance(ENABLE_ADAPTIVE_BATCH_SIZE=adaptive),
        memory=MemoryMonitor(1000, read_rss=lambda: 900),
    )

    made.batch_operation_manager.batch_create_entities(creations(70), batch_size=4)

    assert sizes == ([32, 16, 8, 8, 6] if adaptive else [70])


# --- live ----------------------------------------------------------------------------


def test_what_is_set_holds_from_the_next_call_on() -> None:
    made = services()
    manager = made.batch_operation_manager
    assert manager.get_stats()["default_batch_size"] == 50

    made.config.set_value("performance.DEFAULT_BATCH_SIZE", 5)
    assert manager.get_stats()["default_batch_size"] == 5
    manager.set_default_batch_size(6)
    made.config.set_value("performance.DEFAULT_BATCH_SIZE", 7)

    assert manager.get_stats()["default_batch_size"] == 6
