"""Policy over the core: one specified service a file."""

from __future__ import annotations

from ecs_columnar.services.batch_operation_manager import BatchOperationManager
from ecs_columnar.services.batch_spatial_index_manager import BatchSpatialIndexManager
from ecs_columnar.services.batch_transaction_manager import BatchTransactionManager
from ecs_columnar.services.circuit_breaker import CircuitBreaker
from ecs_columnar.services.component_mutation_service import ComponentMutationService
from ecs_columnar.services.entity import Entity
from ecs_columnar.services.entity_lifecycle_manager import EntityLifecycleManager
from ecs_columnar.services.error_handler import BatchErrorHandler
from ecs_columnar.services.events import Event, Events
from ecs_columnar.services.factory import Services, create_default_services_with_config
from ecs_columnar.services.files_result import WorldFilesResult
from ecs_columnar.services.memory_monitor import MemoryMonitor, MemoryReading
from ecs_columnar.services.monitoring import MonitoringCoordinator
from ecs_columnar.services.performance_monitor import CallRecord, PerformanceMonitor
from ecs_columnar.services.results import (
    BatchFailure,
    BatchIndexResult,
    BatchOperationResult,
    RollbackResult,
    WorldLoadingResult,
)
from ecs_columnar.services.retries import Retries
from ecs_columnar.services.spatial_index_manager import SpatialIndexManager
from ecs_columnar.services.specs import BatchComponentSpec, BatchCreateSpec, LocationUpdate
from ecs_columnar.services.world_loading_service import ReferenceReport, WorldLoadingService

__all__ = [
    "BatchComponentSpec",
    "BatchCreateSpec",
    "BatchErrorHandler",
    "BatchFailure",
    "BatchIndexResult",
    "BatchOperationManager",
    "BatchOperationResult",
    "BatchSpatialIndexManager",
    "BatchTransactionManager",
    "CallRecord",
    "CircuitBreaker",
    "ComponentMutationService",
    "Entity",
    "EntityLifecycleManager",
    "Event",
    "Events",
    "LocationUpdate",
    "MemoryMonitor",
    "MemoryReading",
    "MonitoringCoordinator",
    "PerformanceMonitor",
    "ReferenceReport",
    "Retries",
    "RollbackResult",
    "Services",
    "SpatialIndexManager",
    "WorldFilesResult",
    "WorldLoadingResult",
    "WorldLoadingService",
    "create_default_services_with_config",
]
