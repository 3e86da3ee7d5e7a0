"""What programs are written against: names, defaults, attributes and values, as specified.

How things behave is tested elsewhere; this says what they are called.
"""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import services as modules
from ecs_columnar.services.factory import Services
from tests.services_world import DEFINITIONS, SCHEMAS, add, create
from tests.test_config import SPECIFIED

OPTIONS = {
    "batch_size": None,
    "stop_on_error": False,
    "enable_parallel": False,
    "atomic": False,
    "max_failures": None,
    "timeout_ms": None,
    "on_progress": None,
    "progress": False,
    "allow_empty": False,
}


def new_services(config: Any = None, **options: Any) -> Services:
    made = ecs.create_default_services_with_config(config, **options)
    for type_id, schema in SCHEMAS.items():
        made.components.register({"id": type_id, "dataSchema": schema})
    for definition_id, components in DEFINITIONS.items():
        made.definitions.register({"id": definition_id, "components": components})
    return made


def at(entity_id: str, location_id: str) -> dict[str, str]:
    return {"entity_id": entity_id, "location_id": location_id}


def move(entity_id: str, new_location_id: str) -> dict[str, str]:
    return {"entity_id": entity_id, "new_location_id": new_location_id}


# --- 1. words and data ---------------------------------------------------------------


NAMES = [
    "BatchComponentSpec",
    "BatchCreateSpec",
    "BatchErrorHandler",
    "BatchFailure",
    "BatchIndexResult",
    "BatchOperationManager",
    "BatchOperationResult",
    "BatchSpatialIndexManager",
    "BatchTransactionManager",
    "CircuitBreaker",
    "ComponentMutationService",
    "EntityConfig",
    "EntityConfigProvider",
    "EntityLifecycleManager",
    "LocationUpdate",
    "MemoryMonitor",
    "MonitoringCoordinator",
    "PerformanceMonitor",
    "RollbackResult",
    "Services",
    "SpatialIndexManager",
    "WorldLoadingResult",
    "WorldLoadingService",
    "create_default_services_with_config",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_in_the_package(name: str) -> None:
    assert name in ecs.__all__
    assert name in dir(ecs)
    assert callable(getattr(ecs, name))


POSITIONAL = {
    "batch_operation_manager.batch_create_entities": ["items"],
    "batch_operation_manager.set_default_batch_size": ["n"],
    "batch_operation_manager.set_transactions_enabled": ["flag"],
    "batch_spatial_index_manager.batch_add": ["additions"],
    "batch_spatial_index_manager.batch_remove": ["entity_ids"],
    "batch_spatial_index_manager.batch_move": ["updates"],
    "batch_spatial_index_manager.rebuild": ["entity_locations"],
    "batch_spatial_index_manager.batch_validate_locations": ["location_ids"],
    "batch_spatial_index_manager.synchronize": ["entity_provider"],
    "entity_lifecycle_manager.create_entity_instance": ["definition_id"],
    "entity_lifecycle_manager.remove_entity_instance": ["instance_id"],
    "entity_lifecycle_manager.reconstruct": ["serialized"],
    "entity_lifecycle_manager.preload_definitions": ["ids"],
    "component_mutation_service.add_component": ["instance_id", "type_id", "data"],
    "component_mutation_service.remove_component": ["instance_id", "type_id"],
    "spatial_index_manager.build_index": ["world"],
    "world_loading_service.load_world": ["world_data"],
    "error_handler.classify_error": ["error"],
    "error_handler.should_continue_batch": ["error_type", "error_count"],
    "monitoring.monitor": ["operation", "fn"],
    "events.on": ["kind", "fn"],
    "events.off": ["token"],
}


@pytest.mark.parametrize("path", POSITIONAL)
def test_arguments_are_called_what_is_specified(path: str) -> None:
    service, method = path.split(".")

    found = inspect.signature(getattr(getattr(new_services(), service), method)).parameters

    keywords = inspect.Parameter.KEYWORD_ONLY
    assert [name for name, p in found.items() if p.kind is not keywords] == POSITIONAL[path]


def test_the_modules_of_services_are_an_attribute_of_the_package() -> None:
    program = (
        "import ecs_columnar as ecs; print(ecs.services.BatchCreateSpec is ecs.BatchCreateSpec)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "True\n"
    assert ecs.__getattr__("services") is sys.modules["ecs_columnar.services"]


def test_an_entity_says_what_is_specified() -> None:
    made = new_services()

    entity = made.entity_lifecycle_manager.create_entity_instance(
        "core:actor",
        instance_id="ann",
        component_overrides={"core:hidden": {}, "core:health": {"points": 1}},
    )

    assert (entity.id, entity.definition_id, entity.is_alive) == ("ann", "core:actor", True)
    assert entity.handle == made.world.ids["ann"]
    assert [*entity.component_type_ids] == ["core:name", "core:health", "core:hidden"]
    assert entity.has_component("core:name")
    assert not entity.has_component("core:position")
    assert not entity.has_component_override("core:name")
    assert entity.has_component_override("core:health")
    assert entity.get_component_data("core:health") == {"points": 1}
    assert entity.get_component_data("core:position") is None
    assert entity.location_id is None
    assert made.entity_lifecycle_manager.get_entity("ann") == entity


@pytest.mark.parametrize("registry", ["components", "definitions"])
def test_registries_have_get_ids_in_and_len(registry: str) -> None:
    found = getattr(new_services(), registry)

    ids = found.ids()

    assert len(ids) == len(found) > 0
    assert all(i in found and found.get(i) is not None for i in ids)
    assert "core:nothing" not in found


def test_the_place_is_registered_from_the_start() -> None:
    made = ecs.create_default_services_with_config()
    other = ecs.create_default_services_with_config(
        position_component="my:place", position_field="at"
    )

    assert made.components.ids() == ["core:position"]
    assert other.components.ids() == ["my:place"]


# --- 2. results ----------------------------------------------------------------------


def test_a_result_of_operations_has_what_is_specified() -> None:
    manager = new_services().batch_operation_manager
    items = [create("ann"), None, create("ben")]

    result = manager.batch_create_entities(items)

    assert isinstance(result, ecs.BatchOperationResult)
    assert (result.success_count, result.failure_count, result.total_processed) == (2, 1, 3)
    assert (result.skipped, result.rolled_back, result.stopped_by) == (0, 0, None)
    assert result.path == "batch"
    assert result.processing_time > 0
    assert result.handles.dtype == np.int64
    assert [entity.id for entity in result.successes] == ["ann", "ben"]
    assert result.entities == result.successes
    assert result.errors == result.failures
    (failure,) = result.failures
    assert isinstance(failure, ecs.BatchFailure)
    assert (failure.item, failure.index) == (None, 1)
    assert isinstance(failure.error, ecs.InvalidArgumentError)


def test_successes_are_entities_true_and_ids() -> None:
    manager = new_services().batch_operation_manager
    manager.batch_create_entities([create("ann")])
    gone = {"instance_id": "ann", "component_type_id": "core:hidden"}

    assert manager.batch_add_components([add("ann", "hidden", {})]).successes == [True]
    assert manager.batch_remove_components([gone]).successes == [True]
    assert manager.batch_remove_entities(["ann"]).successes == ["ann"]


def test_a_result_of_the_index_has_what_is_specified() -> None:
    made = new_services()
    made.batch_operation_manager.batch_create_entities([create("ann"), create("ben")])
    index = made.batch_spatial_index_manager

    added = index.batch_add([at("ann", "inn"), at("ben", " inn ")])
    moved = index.batch_move([move("ann", "mill"), move("ann", "mill")])
    seen = index.batch_validate_locations(["mill"])
    removed = index.batch_remove(["ann", "ann"])
    rebuilt = index.rebuild([at("ben", "mill")])

    assert isinstance(added, ecs.BatchIndexResult)
    assert (added.total_processed, added.index_size, added.entity_count) == (2, 1, 2)
    assert (list(added.failed), added.path) == ([], "batch")
    assert added.processing_time > 0
    assert added.successful == [
        {"entity_id": name, "location_id": "inn", "operation": "add"} for name in ("ann", "ben")
    ]
    assert moved.successful == [
        {
            "entity_id": "ann",
            "old_location_id": old,
            "new_location_id": "mill",
            "moved": old != "mill",
            "operation": "move",
        }
        for old in ("inn", "mill")
    ]
    assert seen.successful == [
        {"location_id": "mill", "entity_count": 1, "entities": ["ann"], "operation": "validate"}
    ]
    assert seen.total_entities == 1
    assert removed.successful == [
        {"entity_id": "ann", "removed": was_there, "operation": "remove"}
        for was_there in (True, False)
    ]
    assert rebuilt.successful == [
        {"entity_id": "ben", "location_id": "mill", "operation": "rebuild"}
    ]


# --- 3. options ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manager", "methods"),
    [
        (
            manager,
            [
                "batch_create_entities",
                "batch_add_components",
                "batch_remove_components",
                "batch_remove_entities",
            ],
        )
        for manager in (ecs.BatchOperationManager, ecs.EntityLifecycleManager)
    ]
    + [
        (manager, ["batch_add", "batch_remove", "batch_move", "rebuild"])
        for manager in (ecs.BatchSpatialIndexManager, ecs.SpatialIndexManager)
    ],
)
def test_every_batch_method_has_all_options_by_keyword(manager: type, methods: list[str]) -> None:
    for method in methods:
        parameters = inspect.signature(getattr(manager, method)).parameters
        by_keyword = {
            name: parameter.default
            for name, parameter in parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        }
        assert by_keyword.items() >= OPTIONS.items()


@pytest.mark.parametrize(
    ("method", "parameter"),
    [
        ("batch_add", "additions"),
        ("batch_remove", "entity_ids"),
        ("batch_move", "updates"),
        ("rebuild", "entity_locations"),
        ("batch_validate_locations", "location_ids"),
        ("synchronize", "entity_provider"),
    ],
)
def test_errors_name_the_argument_of_a_spatial_call(method: str, parameter: str) -> None:
    index = new_services().batch_spatial_index_manager

    with pytest.raises(ecs.InvalidArgumentError) as caught:
        getattr(index, method)(None)

    assert (caught.value.parameter, caught.value.value) == (parameter, None)
    assert next(iter(inspect.signature(getattr(index, method)).parameters)) == parameter


# --- 4. services ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "defaults"),
    [
        (
            ecs.BatchOperationManager,
            {"default_batch_size": 50, "max_batch_size": 200, "enable_transactions": True},
        ),
        (ecs.BatchSpatialIndexManager, {"default_batch_size": 100, "max_batch_size": 200}),
        (
            ecs.EntityLifecycleManager,
            {"batch_operation_manager": None, "enable_batch_operations": False},
        ),
        (ecs.BatchTransactionManager, {"enable_rollback": True}),
    ],
)
def test_services_are_made_of_a_world_with_these_defaults(
    service: Any, defaults: dict[str, Any]
) -> None:
    parameters = inspect.signature(service).parameters

    assert next(iter(parameters)) == "world"
    for name, default in defaults.items():
        assert (parameters[name].default, parameters[name].kind) == (
            default,
            inspect.Parameter.KEYWORD_ONLY,
        )
    service(ecs.World(), **defaults)


@pytest.mark.parametrize(
    ("service", "names"),
    {
        "batch_operation_manager": "get_stats set_default_batch_size set_transactions_enabled",
        "batch_spatial_index_manager": "get_stats set_default_batch_size synchronize",
        "entity_lifecycle_manager": "create_entity_instance remove_entity_instance reconstruct "
        "get_entity preload_definitions set_batch_operation_manager dangling_locations",
        "component_mutation_service": "add_component remove_component",
        "spatial_index_manager": "add remove move update_entity_location build_index clear "
        "get_entities_in_location",
        "world_loading_service": "load_world validate_references",
        "error_handler": "classify_error should_continue_batch",
        "monitoring": "monitor get_stats reset to_frame breaker",
        "config": "get_value is_feature_enabled get_section set_value enable_feature reload "
        "validate_batch_operation_config",
        "events": "on off",
        "components": "register get ids",
        "definitions": "register get ids",
    }.items(),
)
def test_the_factory_makes_services_with_these_methods(service: str, names: str) -> None:
    made = getattr(ecs.create_default_services_with_config(), service)

    assert all(callable(getattr(made, name)) for name in names.split())


def test_stats_have_what_is_specified() -> None:
    made = new_services()

    operations = made.batch_operation_manager.get_stats()
    index = made.batch_spatial_index_manager.get_stats()

    assert operations["default_batch_size"] == 50
    assert operations["enable_transactions"] is True
    assert (index["default_batch_size"], index["index_size"]) == (100, 0)


def test_an_id_that_is_made_up_is_a_uuid4() -> None:
    entity = new_services().entity_lifecycle_manager.create_entity_instance("core:actor")

    assert uuid.UUID(entity.id).version == 4


def test_a_loading_has_what_is_specified() -> None:
    made = new_services()

    result = made.world_loading_service.load_world(
        {
            "entities": [
                {
                    "instanceId": name,
                    "definitionId": "core:actor",
                    "components": {"core:health": {"points": 3}},
                }
                for name in "abcde"
            ]
            + [None],
            "locations": [{"entityId": "a", "locationId": "inn"}],
        }
    )

    assert isinstance(result, ecs.WorldLoadingResult)
    assert (result.instantiated_count, result.failed_count, result.total_processed) == (5, 1, 6)
    assert isinstance(result.entities, ecs.BatchOperationResult)
    assert isinstance(result.spatial, ecs.BatchIndexResult)
    assert isinstance(result.components, ecs.BatchOperationResult)
    assert (result.optimization_used, result.fallback_reason) == ("batch", None)
    assert result.total_processing_time > 0
    report = made.world_loading_service.validate_references()
    assert (report.dangling_locations, report.dangling_definitions) == (["inn"], [])


def test_world_files_are_laid_out_as_specified(tmp_path: Path) -> None:
    files = {
        "game.json": {"mods": ["town", "core"], "startWorld": "town:morning"},
        "mods/core/mod-manifest.json": {
            "$schema": "manifest",
            "id": "core",
            "version": "1.2.0",
            "name": "Core",
            "dependencies": [],
            "conflicts": [],
            "content": {
                "components": ["health.component.json"],
                "entities": {"definitions": ["actor.json"], "instances": []},
                "worlds": [],
            },
        },
        "mods/core/components/health.component.json": {
            "$schema": "component",
            "id": "core:health",
            "description": "How well somebody is.",
            "dataSchema": SCHEMAS["core:health"],
        },
        "mods/core/entities/definitions/actor.json": {
            "$schema": "definition",
            "id": "core:actor",
            "components": {"core:health": {"points": 100}},
        },
        "mods/town/mod-manifest.json": {
            "id": "town",
            "version": "0.1.0",
            "name": "Town",
            "dependencies": [{"id": "core", "version": "^1.0.0"}],
            "content": {"entities": {"instances": ["ann.json"]}, "worlds": ["m.world.json"]},
        },
        "mods/town/entities/instances/ann.json": {
            "$schema": "instance",
            "instanceId": "town:ann",
            "definitionId": "core:actor",
            "componentOverrides": {"core:position": {"locationId": "inn"}},
        },
        "mods/town/worlds/m.world.json": {
            "$schema": "world",
            "id": "town:morning",
            "name": "Morning",
            "instances": [{"instanceId": "town:ann"}],
        },
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(data), encoding="utf-8")
    made = ecs.create_default_services_with_config()

    result = made.world_loading_service.load_world(tmp_path)

    assert (result.instantiated_count, list(result.problems)) == (1, [])
    ann = made.entity_lifecycle_manager.get_entity("town:ann")
    assert (ann.location_id, ann.get_component_data("core:health")) == ("inn", {"points": 100})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ecs.ValidationError("core:health", ["bad"]), "validation"),
        (ecs.EntityNotFoundError("ann"), "not_found"),
        (ecs.DefinitionNotFoundError("core:actor"), "not_found"),
        (ecs.RepositoryConsistencyError("wrong"), "consistency"),
        (ecs.BatchTimeoutError("late"), "timeout"),
        (TimeoutError(), "timeout"),
        (RuntimeError("request timeout"), "timeout"),
        (RuntimeError("else"), "unknown"),
    ],
)
def test_errors_are_of_these_kinds(error: Exception, kind: str) -> None:
    handler = ecs.BatchErrorHandler()

    assert handler.classify_error(error) == kind
    is_fatal = kind in ("consistency", "timeout")
    assert handler.should_continue_batch(kind, 4) is not is_fatal  # type: ignore[arg-type]
    assert not handler.should_continue_batch(kind, 5)  # type: ignore[arg-type]
    assert not handler.should_continue_batch(kind, 0, stop_on_error=True)  # type: ignore[arg-type]


def test_a_rollback_has_what_is_specified() -> None:
    transaction = ecs.BatchTransactionManager(ecs.World())
    kinds = [
        "createEntity",
        "addComponent",
        "removeComponent",
        "removeEntity",
        "spatialIndexAdd",
        "spatialIndexMove",
        "spatialIndexRemove",
        "other",
    ]

    nothing = transaction.rollback()
    with transaction:
        for kind in kinds:
            transaction.record_operation(kind, {"of": kind}, True)
        result = transaction.rollback()

    assert (nothing.rolled_back, nothing.failed, [*nothing.operations]) == (0, 0, [])
    assert isinstance(result, ecs.RollbackResult)
    assert (result.rolled_back, result.failed) == (7, 1)
    assert [operation["operation_type"] for operation in result.operations] == kinds[::-1]


# --- 5. configuration ----------------------------------------------------------------


def test_the_configuration_has_these_keys_and_defaults() -> None:
    config = ecs.EntityConfigProvider()

    assert ecs.EntityConfig().to_dict() == SPECIFIED
    for section, entries in SPECIFIED.items():
        assert config.get_section(section) == entries
        for name, value in entries.items():
            assert config.get_value(f"{section}.{name}") == value
            assert config.is_feature_enabled(f"{section}.{name}") is (value is True)
    assert config.get_value("performance.NOTHING") is None
    assert config.validate_batch_operation_config() is True


# --- 6. errors -----------------------------------------------------------------------

ERRORS: dict[type[ecs.EcsColumnarError], tuple[type[Exception], dict[str, Any]]] = {
    ecs.InvalidArgumentError: (ValueError, {"parameter": "items", "value": 5}),
    ecs.ValidationError: (ValueError, {"component_type_id": "core:x", "errors": ("bad",)}),
    ecs.EntityNotFoundError: (LookupError, {"instance_id": "ann"}),
    ecs.DefinitionNotFoundError: (LookupError, {"definition_id": "core:actor"}),
    ecs.ComponentNotFoundError: (LookupError, {}),
    ecs.DuplicateEntityError: (ValueError, {"entity_id": "ann"}),
    ecs.DuplicateContentError: (ValueError, {}),
    ecs.InvalidInstanceIdError: (ValueError, {}),
    ecs.SerializedEntityError: (ValueError, {}),
    ecs.RepositoryConsistencyError: (RuntimeError, {}),
    ecs.WorldInitializationError: (RuntimeError, {}),
    ecs.BatchTimeoutError: (TimeoutError, {}),
    ecs.CircuitOpenError: (RuntimeError, {}),
    ecs.ConfigurationError: (ValueError, {}),
    ecs.StaleHandleError: (LookupError, {}),
    ecs.CheckpointError: (ValueError, {}),
}


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_errors_are_built_in_ones_too_carry_facts_and_pickle(kind: Any) -> None:
    built_in, facts = ERRORS[kind]

    error = kind(**facts) if facts else kind("why")
    back = pickle.loads(pickle.dumps(error))

    assert issubclass(kind, ecs.EcsColumnarError)
    assert issubclass(kind, built_in)
    for each in (error, back):
        assert type(each) is kind
        assert {name: getattr(each, name) for name in facts} == facts
        assert str(each) == str(error)
    assert isinstance(error.code, str)
    assert isinstance(error.severity, str)
    assert isinstance(error.recoverable, bool)


# --- 8. monitoring -------------------------------------------------------------------


def test_monitoring_keeps_what_is_specified() -> None:
    monitoring = ecs.MonitoringCoordinator()

    assert monitoring.monitor("add up", lambda: 3) == 3
    figures = monitoring.get_stats()["operations"]["add up"]

    assert figures.keys() >= {"count", "total", "mean", "min", "max", "slow", "items"}
    assert monitoring.to_frame().loc["add up", "count"] == 1
    assert monitoring.breaker("add up").state == "closed"
    assert monitoring.health_score == 100
    monitoring.reset()
    assert monitoring.get_stats()["operations"] == {}


def test_a_breaker_is_closed_open_half_open_and_closed() -> None:
    now = [0.0]
    breaker = ecs.CircuitBreaker("radio", clock=lambda: now[0])
    states = [breaker.state]

    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            breaker.call(lambda: 1 / 0)
    states.append(breaker.state)
    with pytest.raises(ecs.CircuitOpenError):
        breaker.call(int)
    now[0] = 60.0
    for _ in range(2):
        states.append(breaker.state)
        breaker.call(int)

    assert [*states, breaker.state] == ["closed", "open", "half-open", "half-open", "closed"]


def test_memory_is_normal_warning_or_critical() -> None:
    levels = [
        ecs.MemoryMonitor(100, read_rss=lambda rss=rss: rss).check().level  # type: ignore[misc]
        for rss in (69, 70, 84, 85)
    ]

    assert levels == ["normal", "warning", "warning", "critical"]


# --- 9. events -----------------------------------------------------------------------

KINDS = [
    "entity_created",
    "component_added",
    "component_removed",
    "entity_moved",
    "entity_removed",
    "world_loaded",
]


def test_events_have_what_is_specified() -> None:
    made = new_services()
    heard: list[Any] = []

    def hear(event: Any) -> None:
        event.settle()  # as it will be asked for when the entity is gone
        heard.append(event)

    tokens = [made.events.on(kind, hear) for kind in KINDS]  # type: ignore[arg-type]
    gone = {"instance_id": "ann", "component_type_id": "core:health"}

    made.batch_operation_manager.batch_create_entities([create("ann")])
    made.batch_operation_manager.batch_add_components([add("ann", "health", {"points": 1})])
    made.batch_operation_manager.batch_remove_components([gone])
    made.batch_spatial_index_manager.batch_move([move("ann", "inn")])
    made.batch_operation_manager.batch_remove_entities(["ann"])
    made.world_loading_service.load_world({"entities": []})
    for token in tokens:
        made.events.off(token)
    made.batch_operation_manager.batch_create_entities([create("ben")])

    created, added, removed, moved, despawned, loaded = heard
    assert [event.kind for event in heard] == KINDS
    for event in (created, added, removed, moved, despawned):
        assert event.handles.dtype == np.int64
        assert event.instance_ids.tolist() == ["ann"]
    assert created.definition_ids.tolist() == ["core:actor"]
    assert not created.was_reconstructed
    assert added.component_type_id == removed.component_type_id == "core:health"
    assert (added.old, added.new) == ([{"points": 100}], [{"points": 1}])
    assert (removed.old, removed.new) == ([{"points": 1}], [{"points": 100}])
    assert (moved.old_location_ids.tolist(), moved.new_location_ids.tolist()) == ([None], ["inn"])
    assert loaded.handles.shape == (0,)


def test_the_modules_of_the_services_are_one_name_a_file() -> None:
    named = {
        name: Path(inspect.getfile(getattr(modules, name))).stem
        for name in ("BatchOperationManager", "EntityLifecycleManager", "WorldLoadingService")
    }

    assert named == {
        "BatchOperationManager": "batch_operation_manager",
        "EntityLifecycleManager": "entity_lifecycle_manager",
        "WorldLoadingService": "world_loading_service",
    }
