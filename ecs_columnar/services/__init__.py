"""Policy over the core: one specified service a file."""

from __future__ import annotations

from ecs_columnar.services.circuit_breaker import CircuitBreaker
from ecs_columnar.services.error_handler import BatchErrorHandler
from ecs_columnar.services.memory_monitor import MemoryMonitor, MemoryReading
from ecs_columnar.services.monitoring import MonitoringCoordinator
from ecs_columnar.services.performance_monitor import CallRecord, PerformanceMonitor
from ecs_columnar.services.retries import Retries

__all__ = [
    "BatchErrorHandler",
    "CallRecord",
    "CircuitBreaker",
    "MemoryMonitor",
    "MemoryReading",
    "MonitoringCoordinator",
    "PerformanceMonitor",
    "Retries",
]
