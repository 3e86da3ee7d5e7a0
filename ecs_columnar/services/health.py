"""One number for how well all is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecs_columnar.services.circuit_breaker import CircuitState
from ecs_columnar.services.memory_monitor import MemoryLevel
from ecs_columnar.services.performance_monitor import CallRecord

_FAILED: Final = 50.0
_SLOW: Final = 20.0
_BREAKERS: Final[dict[CircuitState, float]] = {"closed": 0.0, "half-open": 10.0, "open": 20.0}
_MEMORY: Final[dict[MemoryLevel, float]] = {"normal": 0.0, "warning": 10.0, "critical": 30.0}


def health_score(
    calls: Sequence[CallRecord],
    slow_threshold_ms: float,
    breakers: Sequence[CircuitState],
    memory: MemoryLevel,
) -> float:
    """Return how well all is, from 0 to 100: 100 less what each trouble costs.

    Failed calls cost 50 times their share, slow ones 20 times; an open breaker 20, a
    half-open one 10; a memory warning 10, critical memory 30.

    Examples
    --------
    >>> health_score(
    ...     [CallRecord("add", 1, 5.0), CallRecord("add", 1, 5.0, failed=True)], 100, [], "normal"
    ... )
    75.0
    """
    n_calls = max(len(calls), 1)
    n_failed = sum(call.failed for call in calls)
    n_slow = sum(call.ms > slow_threshold_ms for call in calls)
    cost = (_FAILED * n_failed + _SLOW * n_slow) / n_calls
    cost += sum(_BREAKERS[state] for state in breakers) + _MEMORY[memory]
    return max(0.0, 100.0 - cost)
