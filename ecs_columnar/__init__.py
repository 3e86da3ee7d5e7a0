"""An entity-component-system data layer on columnar arrays.

>>> import ecs_columnar as ecs
>>> class Position(ecs.Component):
...     x: ecs.f4
...     y: ecs.f4 = 0.0
>>> world = ecs.World()
>>> ships = world.spawn(1_000_000, Position(x=0.0), at="harbour")
>>> world.move(ships[::2], "open sea")
>>> world.locations.count("harbour")
500000
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ecs_columnar.checkpoint.journal import Journal
from ecs_columnar.checkpoint.saving import Saving
from ecs_columnar.definitions import Definition, Definitions
from ecs_columnar.dtypes import NO_ENTITY, NOWHERE
from ecs_columnar.entity import Entity
from ecs_columnar.errors import (
    BatchTimeoutError,
    CheckpointError,
    CircuitOpenError,
    ComponentNotFoundError,
    ConfigurationError,
    DefinitionNotFoundError,
    DuplicateContentError,
    DuplicateEntityError,
    EcsColumnarError,
    EntityNotFoundError,
    InvalidArgumentError,
    InvalidInstanceIdError,
    LocationNotFoundError,
    ReadOnlyError,
    RepositoryConsistencyError,
    SchemaError,
    SerializedEntityError,
    SnapshotError,
    StaleHandleError,
    StructuralChangeError,
    SynchronisationError,
    TransactionError,
    ValidationError,
    WorldInitializationError,
)
from ecs_columnar.events import Event, Events
from ecs_columnar.fields import (
    array,
    bool_,
    datetime,
    f2,
    f4,
    f8,
    field,
    i1,
    i2,
    i4,
    i8,
    number,
    object_,
    ref,
    str_,
    timedelta,
    u1,
    u2,
    u4,
    u8,
)
from ecs_columnar.generators import Generators
from ecs_columnar.history import History
from ecs_columnar.ids import Ids
from ecs_columnar.locations import Groups, Locations
from ecs_columnar.names import format_handle
from ecs_columnar.operations.spawn import Group
from ecs_columnar.query import Mut, Query, TableView
from ecs_columnar.schema import Component, make_component
from ecs_columnar.snapshot import Snapshot
from ecs_columnar.stats import Stats
from ecs_columnar.testing import SyncTest, synctest
from ecs_columnar.transaction import Transaction
from ecs_columnar.warmup import warmup
from ecs_columnar.world import World

if TYPE_CHECKING:
    from ecs_columnar.config.entity_config import EntityConfig
    from ecs_columnar.config.provider import EntityConfigProvider
    from ecs_columnar.services import (
        BatchComponentSpec,
        BatchCreateSpec,
        BatchErrorHandler,
        BatchFailure,
        BatchIndexResult,
        BatchOperationManager,
        BatchOperationResult,
        BatchSpatialIndexManager,
        BatchTransactionManager,
        CallRecord,
        CircuitBreaker,
        ComponentMutationService,
        EntityLifecycleManager,
        LocationUpdate,
        MemoryMonitor,
        MemoryReading,
        MonitoringCoordinator,
        PerformanceMonitor,
        ReferenceReport,
        Retries,
        RollbackResult,
        Services,
        SpatialIndexManager,
        WorldLoadingResult,
        WorldLoadingService,
        create_default_services_with_config,
    )

__version__ = "0.1.0"

__all__ = [
    "NOWHERE",
    "NO_ENTITY",
    "BatchComponentSpec",
    "BatchCreateSpec",
    "BatchErrorHandler",
    "BatchFailure",
    "BatchIndexResult",
    "BatchOperationManager",
    "BatchOperationResult",
    "BatchSpatialIndexManager",
    "BatchTimeoutError",
    "BatchTransactionManager",
    "CallRecord",
    "CheckpointError",
    "CircuitBreaker",
    "CircuitOpenError",
    "Component",
    "ComponentMutationService",
    "ComponentNotFoundError",
    "ConfigurationError",
    "Definition",
    "DefinitionNotFoundError",
    "Definitions",
    "DuplicateContentError",
    "DuplicateEntityError",
    "EcsColumnarError",
    "Entity",
    "EntityConfig",
    "EntityConfigProvider",
    "EntityLifecycleManager",
    "EntityNotFoundError",
    "Event",
    "Events",
    "Generators",
    "Group",
    "Groups",
    "History",
    "Ids",
    "InvalidArgumentError",
    "InvalidInstanceIdError",
    "Journal",
    "LocationNotFoundError",
    "LocationUpdate",
    "Locations",
    "MemoryMonitor",
    "MemoryReading",
    "MonitoringCoordinator",
    "Mut",
    "PerformanceMonitor",
    "Query",
    "ReadOnlyError",
    "ReferenceReport",
    "RepositoryConsistencyError",
    "Retries",
    "RollbackResult",
    "Saving",
    "SchemaError",
    "SerializedEntityError",
    "Services",
    "Snapshot",
    "SnapshotError",
    "SpatialIndexManager",
    "StaleHandleError",
    "Stats",
    "StructuralChangeError",
    "SyncTest",
    "SynchronisationError",
    "TableView",
    "Transaction",
    "TransactionError",
    "ValidationError",
    "World",
    "WorldInitializationError",
    "WorldLoadingResult",
    "WorldLoadingService",
    "array",
    "bool_",
    "create_default_services_with_config",
    "datetime",
    "f2",
    "f4",
    "f8",
    "field",
    "format_handle",
    "i1",
    "i2",
    "i4",
    "i8",
    "make_component",
    "number",
    "object_",
    "ref",
    "str_",
    "synctest",
    "timedelta",
    "u1",
    "u2",
    "u4",
    "u8",
    "warmup",
]

# What is not imported above comes from the services, when it is first asked for:
# they bring modules that a program without them does not wait for.
_CONFIGURATION: Final = {
    "EntityConfig": "ecs_columnar.config.entity_config",
    "EntityConfigProvider": "ecs_columnar.config.provider",
}


def __getattr__(name: str) -> Any:
    """Import a service, or the module of all."""
    if name == "services":
        return import_module("ecs_columnar.services")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_CONFIGURATION.get(name, "ecs_columnar.services"))
    found = globals()[name] = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
