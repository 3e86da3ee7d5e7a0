"""All monitoring of a set of services: times, memory, circuit breakers, and a score."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ecs_columnar.config.provider import EntityConfigProvider
from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.services.circuit_breaker import CircuitBreaker
from ecs_columnar.services.clocks import Clock
from ecs_columnar.services.health import health_score
from ecs_columnar.services.memory_monitor import MemoryMonitor
from ecs_columnar.services.performance_monitor import FIGURES, PerformanceMonitor

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

# Looking at memory takes about 50 microseconds: more than a small call.
_MEMORY_INTERVAL_S: Final = 1.0
_CRITICAL_SHARE: Final = 0.85


class MonitoringCoordinator:
    """All monitoring of a set of services: times, memory, circuit breakers, and a score.

    It follows its configuration: what is set there is in force at the next call.

    Parameters
    ----------
    config : EntityConfigProvider, optional
        Says whether anything is recorded, what is slow, when memory is short, and
        when breakers open and for how long.
    memory : MemoryMonitor, optional
        One with a budget or a reader of its own; its levels are those of the
        configuration.
    history : int
        The last calls that are kept one by one.
    clock : callable
        Returns monotonic seconds.
    logger : logging.Logger, optional

    Examples
    --------
    >>> monitoring = MonitoringCoordinator()
    >>> monitoring.monitor("greet", lambda: "ahoy")
    'ahoy'
    >>> monitoring.get_stats()["operations"]["greet"]["count"]
    1
    """

    def __init__(
        self,
        config: EntityConfigProvider | None = None,
        *,
        memory: MemoryMonitor | None = None,
        history: int = 1000,
        clock: Clock = time.perf_counter,
        logger: logging.Logger | None = None,
    ) -> None:
        self._config: Final = EntityConfigProvider() if config is None else config
        self._clock: Final = clock
        self._logger: Final = logger
        self._memory: Final = MemoryMonitor(logger=logger) if memory is None else memory
        self._performance: Final = PerformanceMonitor(history=history, clock=clock, logger=logger)
        self._breakers: Final[dict[str, CircuitBreaker]] = {}
        self._looked_at: float | None = None
        self._version = -1
        self._follow()

    @property
    def is_enabled(self) -> bool:
        """Whether anything is recorded."""
        self._follow()
        return self._performance.is_enabled

    @property
    def performance(self) -> PerformanceMonitor:
        """How long calls take."""
        self._follow()
        return self._performance

    @property
    def memory(self) -> MemoryMonitor:
        """How much memory there is."""
        self._follow()
        return self._memory

    def breaker(self, name: str) -> CircuitBreaker:
        """Return the circuit breaker of a name; it is made when first asked for.

        Raises
        ------
        InvalidArgumentError
            When the name is blank or not a string.
        """
        self._follow()
        found = self._breakers.get(name) if isinstance(name, str) else None
        if found is None:
            found = self._breakers[name] = self._make_breaker(name)
        return found

    def monitor(
        self, operation: str, fn: Callable[[], T], *, items: int = 1, breaker: str | None = None
    ) -> T:
        """Call a function under a circuit breaker, and keep how long it took.

        Parameters
        ----------
        operation : str
            What the figures call it.
        fn : callable
            Without arguments.
        items : int
            How many things it works on.
        breaker : str, optional
            Name of its circuit breaker; that of the operation by default.

        Raises
        ------
        CircuitOpenError
            When its breaker is open; the function was not called, and nothing is
            recorded.
        Exception
            What the function raises.
        """
        guard = self.breaker(operation if breaker is None else breaker)
        if not self._performance.is_enabled:
            return guard.call(fn)
        guard.check()
        try:
            return self._performance.time(operation, lambda: guard.call(fn), items=items)
        finally:
            self._look_at_memory()

    def record(
        self, operation: str, items: int, ms: float, path: str = "", failed: bool = False
    ) -> None:
        """Keep a call that was timed elsewhere; no breaker hears of it."""
        self._follow()
        if self._performance.is_enabled:
            self._performance.record(operation, items, ms, path, failed)
            self._look_at_memory()

    @property
    def health_score(self) -> float:
        """How well all is, from 0 to 100; see `get_stats`."""
        self._follow()
        return health_score(
            self._performance.history,
            self._performance.slow_threshold_ms,
            [breaker.state for breaker in self._breakers.values()],
            self._memory.level,
        )

    def get_stats(self) -> dict[str, Any]:
        """Return all figures.

        Returns
        -------
        dict
            ``enabled``; ``health_score``, 100 less 50 times the share of calls in the
            history that failed, 20 times the share that was slow, 20 for each open
            and 10 for each half-open breaker, and 10 for a memory warning or 30 where
            it is critical; ``operations``, ``breakers`` by name; ``memory``, None if
            nothing is recorded.
        """
        memory = self.memory.get_stats() if self.is_enabled else None
        return {
            "enabled": self.is_enabled,
            "health_score": self.health_score,
            "operations": self._performance.get_stats(),
            "breakers": {name: found.get_stats() for name, found in self._breakers.items()},
            "memory": memory,
        }

    def reset(self) -> None:
        """Forget all calls, alerts and failures; breakers are closed."""
        self._performance.reset()
        self._memory.reset()
        self._looked_at = None
        for breaker in self._breakers.values():
            breaker.reset()

    def to_frame(self) -> pd.DataFrame:
        """Return the figures of each operation as a DataFrame, indexed by operation."""
        import pandas as pd

        stats = self._performance.get_stats()
        index = pd.Index(list(stats), name="operation", dtype=object)
        return pd.DataFrame(list(stats.values()), index=index, columns=list(FIGURES))

    def _make_breaker(self, name: str) -> CircuitBreaker:
        if not isinstance(name, str) or not name.strip():
            raise InvalidArgumentError(
                "name", name, f"cannot name a circuit breaker {name!r}; give text, not blank"
            )
        return CircuitBreaker(name, clock=self._clock, logger=self._logger, **self._bounds())

    def _bounds(self) -> dict[str, Any]:
        settings = self._config.config.error_handling
        return {
            "failure_threshold": settings["CIRCUIT_BREAKER_THRESHOLD"],
            "timeout_ms": settings["CIRCUIT_BREAKER_TIMEOUT"],
        }

    def _follow(self) -> None:
        """Take over what was set in the configuration since the last call."""
        if self._version == self._config.version:
            return
        settings = self._config.config.performance
        warning = settings["MEMORY_WARNING_THRESHOLD"]
        self._performance.configure(
            enabled=settings["ENABLE_MONITORING"],
            slow_threshold_ms=settings["SLOW_OPERATION_THRESHOLD"],
        )
        self._memory.configure(warning=warning, critical=max(warning, _CRITICAL_SHARE))
        for breaker in self._breakers.values():
            breaker.configure(**self._bounds())
        self._version = self._config.version

    def _look_at_memory(self) -> None:
        now = self._clock()
        if self._looked_at is None or now - self._looked_at >= _MEMORY_INTERVAL_S:
            self._looked_at = now
            self._memory.check()

    def __repr__(self) -> str:
        n_open = sum(breaker.state == "open" for breaker in self._breakers.values())
        return (
            f"<MonitoringCoordinator: health {self.health_score:.0f}, "
            f"{n_open} of {len(self._breakers)} circuits open>"
        )
