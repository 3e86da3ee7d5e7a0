"""All services of a world, wired together as a configuration says."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ecs_columnar.config.entity_config import EntityConfig
from ecs_columnar.config.provider import EntityConfigProvider
from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.services.adaptive_block import AdaptiveBlock
from ecs_columnar.services.batch_operation_manager import BatchOperationManager
from ecs_columnar.services.batch_service import Surroundings
from ecs_columnar.services.batch_spatial_index_manager import BatchSpatialIndexManager
from ecs_columnar.services.call import BLOCK
from ecs_columnar.services.catalogue import Catalogue, catalogue_of
from ecs_columnar.services.checks import check_callable
from ecs_columnar.services.clocks import Clock, Sleep
from ecs_columnar.services.component_mutation_service import ComponentMutationService
from ecs_columnar.services.component_types import ComponentTypes
from ecs_columnar.services.definitions import DefinitionTypes
from ecs_columnar.services.entity_lifecycle_manager import EntityLifecycleManager
from ecs_columnar.services.error_handler import BatchErrorHandler
from ecs_columnar.services.events import Events
from ecs_columnar.services.memory_monitor import MemoryMonitor
from ecs_columnar.services.monitoring import MonitoringCoordinator
from ecs_columnar.services.place_codec import PlaceCodec
from ecs_columnar.services.retries import Retries
from ecs_columnar.services.settings import ReadSettings, Settings
from ecs_columnar.services.spatial_index_manager import SpatialIndexManager
from ecs_columnar.services.world_loading_service import WorldLoadingService
from ecs_columnar.world import World

Value = TypeVar("Value")

_SWITCHES: Final = {
    "batch_create_entities": "ENABLE_BATCH_ENTITY_CREATION",
    "batch_remove_entities": "ENABLE_BATCH_ENTITY_REMOVAL",
    "batch_add_components": "ENABLE_BATCH_COMPONENTS",
    "batch_remove_components": "ENABLE_BATCH_COMPONENTS",
    "batch_add": "ENABLE_BATCH_SPATIAL_INDEX",
    "batch_remove": "ENABLE_BATCH_SPATIAL_INDEX",
    "batch_move": "ENABLE_BATCH_SPATIAL_INDEX",
    "rebuild": "ENABLE_BATCH_SPATIAL_INDEX",
}


@dataclass(frozen=True, kw_only=True)
class Services:
    """The services of one world.

    Attributes
    ----------
    world : World
    components : ComponentTypes
    definitions : DefinitionTypes
    events : Events
    config : EntityConfigProvider
        What is set here holds from the next call on.
    entity_lifecycle_manager : EntityLifecycleManager
    component_mutation_service : ComponentMutationService
    spatial_index_manager : SpatialIndexManager
    batch_operation_manager : BatchOperationManager
    batch_spatial_index_manager : BatchSpatialIndexManager
    world_loading_service : WorldLoadingService
    error_handler : BatchErrorHandler
    monitoring : MonitoringCoordinator
    """

    world: World
    components: ComponentTypes
    definitions: DefinitionTypes
    events: Events
    config: EntityConfigProvider
    entity_lifecycle_manager: EntityLifecycleManager
    component_mutation_service: ComponentMutationService
    spatial_index_manager: SpatialIndexManager
    batch_operation_manager: BatchOperationManager
    batch_spatial_index_manager: BatchSpatialIndexManager
    world_loading_service: WorldLoadingService
    error_handler: BatchErrorHandler
    monitoring: MonitoringCoordinator


def create_default_services_with_config(
    config: EntityConfigProvider
    | EntityConfig
    | Mapping[str, Any]
    | str
    | os.PathLike[str]
    | None = None,
    *,
    world: World | None = None,
    logger: logging.Logger | None = None,
    clock: Clock | None = None,
    sleep: Sleep | None = None,
    memory: MemoryMonitor | None = None,
    position_component: str = "core:position",
    position_field: str = "locationId",
) -> Services:
    """Make the services of a world.

    Parameters
    ----------
    config : EntityConfigProvider, EntityConfig, mapping or path, optional
        Nested values, or a TOML or JSON file; the defaults otherwise.
    world : World, optional
        A new one otherwise. Entities that are in it stay.
    logger : logging.Logger, optional
        "ecs_columnar" otherwise.
    clock, sleep : callable, optional
        Return monotonic seconds, and take seconds; for tests.
    memory : MemoryMonitor, optional
        One with a budget of its own.
    position_component, position_field : str
        The component type, and its field, that say where an entity is.

    Returns
    -------
    Services

    Raises
    ------
    ConfigurationError
        When a value makes no sense; it names the key.
    InvalidArgumentError
        When an argument is of no use.

    Examples
    --------
    >>> services = create_default_services_with_config({"performance": {"DEFAULT_BATCH_SIZE": 20}})
    >>> services.batch_operation_manager.get_stats()["default_batch_size"]
    20
    """
    clock = check_callable(clock or time.perf_counter, "clock")
    sleep = check_callable(sleep or time.sleep, "sleep")
    provider = _to_provider(config)
    catalogue = _to_catalogue(world, position_component, position_field)
    catalogue.read_defaults = _while_unchanged(provider, lambda: provider.config.defaults)
    if logger is not None:
        catalogue.events.logger = logger
    monitoring = MonitoringCoordinator(provider, memory=memory, clock=clock, logger=logger)
    around = Surroundings(
        logger=logger or logging.getLogger("ecs_columnar"),
        clock=clock,
        record=monitoring.record,
        breaker=monitoring.breaker,
        retries=_while_unchanged(provider, lambda: _retries(provider, sleep, logger)),
        max_block=_max_block(provider, monitoring),
    )
    return _wire(catalogue, provider, around, monitoring)


def _wire(
    catalogue: Catalogue,
    config: EntityConfigProvider,
    around: Surroundings,
    monitoring: MonitoringCoordinator,
) -> Services:
    world = catalogue.world
    operations = BatchOperationManager(
        world, settings=_read_settings(config, "DEFAULT_BATCH_SIZE"), surroundings=around
    )
    spatial = BatchSpatialIndexManager(
        world, settings=_read_settings(config, "SPATIAL_INDEX_BATCH_SIZE"), surroundings=around
    )
    return Services(
        world=world,
        components=catalogue.components,
        definitions=catalogue.definitions,
        events=catalogue.events,
        config=config,
        entity_lifecycle_manager=EntityLifecycleManager(
            world,
            batch_operation_manager=operations,
            settings=_read_settings(config, "DEFAULT_BATCH_SIZE"),
            surroundings=around,
        ),
        component_mutation_service=ComponentMutationService(world, surroundings=around),
        spatial_index_manager=SpatialIndexManager(
            world,
            batch_spatial_index_manager=spatial,
            settings=_read_settings(config, "SPATIAL_INDEX_BATCH_SIZE"),
            surroundings=around,
        ),
        batch_operation_manager=operations,
        batch_spatial_index_manager=spatial,
        world_loading_service=WorldLoadingService(
            world, settings=_read_loading_settings(config), surroundings=around
        ),
        error_handler=BatchErrorHandler(),
        monitoring=monitoring,
    )


def _to_provider(config: Any) -> EntityConfigProvider:
    if isinstance(config, EntityConfigProvider):
        return config
    if isinstance(config, (str, os.PathLike)):
        return EntityConfigProvider(file=config)
    if config is None or isinstance(config, Mapping):
        return EntityConfigProvider(config)
    if isinstance(config, EntityConfig):
        return EntityConfigProvider(config.to_dict())
    raise InvalidArgumentError(
        "config", config, f"cannot use {config!r} as config; give a provider, a mapping or a path"
    )


def _to_catalogue(world: World | None, type_id: str, field: str) -> Catalogue:
    if not isinstance(field, str) or not field.strip():
        raise InvalidArgumentError(
            "position_field", field, f"cannot name a field {field!r}; give text, not blank"
        )
    world = World() if world is None else world
    found = catalogue_of(world, place=PlaceCodec(type_id, field))
    if (found.place.type_id, found.place.field) != (type_id, field):
        raise InvalidArgumentError(
            "position_component",
            type_id,
            f"cannot use {type_id}.{field} as the place: the services of this world use "
            f"{found.place.type_id}.{found.place.field}",
        )
    return found


def _read_settings(config: EntityConfigProvider, size_key: str) -> ReadSettings:
    def read() -> Settings:
        performance, batches = config.config.performance, config.config.batch_operations
        return Settings(
            default_batch_size=performance[size_key],
            max_batch_size=performance["MAX_BATCH_SIZE"],
            is_default_bounded=False,
            enable_transactions=batches["ENABLE_TRANSACTION_ROLLBACK"],
            defaults={
                "stop_on_error": batches["STOP_ON_ERROR"],
                "max_failures": batches["MAX_FAILURES_PER_BATCH"],
                "enable_parallel": performance["ENABLE_PARALLEL_BATCH_PROCESSING"],
                "timeout_ms": performance["BATCH_TIMEOUT_MS"],
            },
            enable_batch_operations=performance["ENABLE_BATCH_OPERATIONS"],
            threshold=performance["BATCH_OPERATION_THRESHOLD"],
            is_on={name: performance[key] for name, key in _SWITCHES.items()},
        )

    return _while_unchanged(config, read)


def _read_loading_settings(config: EntityConfigProvider) -> ReadSettings:
    def read() -> Settings:
        performance = config.config.performance
        return Settings(
            default_batch_size=performance["WORLD_LOADING_BATCH_SIZE"],
            max_batch_size=performance["MAX_BATCH_SIZE"],
            is_default_bounded=False,
            defaults={
                "enable_parallel": performance["ENABLE_PARALLEL_BATCH_PROCESSING"],
                "timeout_ms": performance["BATCH_TIMEOUT_MS"],
            },
            enable_batch_operations=performance["ENABLE_BATCH_OPERATIONS"]
            and performance["ENABLE_WORLD_LOADING_OPTIMIZATION"],
            threshold=performance["WORLD_LOADING_BATCH_THRESHOLD"],
        )

    return _while_unchanged(config, read)


def _while_unchanged(
    config: EntityConfigProvider, read: Callable[[], Value]
) -> Callable[[], Value]:
    """Keep what was read until the configuration changes."""
    kept: dict[int, Value] = {}

    def recall() -> Value:
        if config.version not in kept:
            kept.clear()
            kept[config.version] = read()
        return kept[config.version]

    return recall


def _retries(config: EntityConfigProvider, sleep: Sleep, logger: logging.Logger | None) -> Retries:
    batches = config.config.batch_operations
    return Retries(
        batches["BATCH_RETRY_ATTEMPTS"],
        batches["BATCH_RETRY_DELAY_MS"],
        sleep=sleep,
        logger=logger,
    )


def _max_block(
    config: EntityConfigProvider, monitoring: MonitoringCoordinator
) -> Callable[[], int]:
    adaptive = AdaptiveBlock(lambda: monitoring.memory.check().level != "normal")

    def read() -> int:
        if config.get_value("performance.ENABLE_ADAPTIVE_BATCH_SIZE"):
            return adaptive()
        return BLOCK

    return read
