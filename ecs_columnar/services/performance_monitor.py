"""How long calls take, by operation."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from ecs_columnar.services.checks import check_count, check_number
from ecs_columnar.services.clocks import Clock

T = TypeVar("T")

_LOGGER: Final = logging.getLogger("ecs_columnar.performance")


class CallRecord(NamedTuple):
    """What is kept of one call.

    Attributes
    ----------
    operation : str
    items : int
    ms : float
    path : str
        "batch" or "sequential", where there are two; empty otherwise.
    failed : bool
    """

    operation: str
    items: int
    ms: float
    path: str = ""
    failed: bool = False


FIGURES: Final = ("count", "total", "mean", "min", "max", "slow", "failed", "items")


@dataclass(slots=True)
class _Totals:
    """What the calls of one operation add up to."""

    count: int = 0
    total: float = 0.0
    min: float = float("inf")
    max: float = 0.0
    slow: int = 0
    failed: int = 0
    items: int = 0

    @property
    def mean(self) -> float:
        """Milliseconds a call."""
        return self.total / self.count

    def add(self, record: CallRecord, *, is_slow: bool) -> None:
        """Add a call."""
        self.count += 1
        self.total += record.ms
        self.min = min(self.min, record.ms)
        self.max = max(self.max, record.ms)
        self.slow += is_slow
        self.failed += record.failed
        self.items += record.items

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name."""
        return {name: getattr(self, name) for name in FIGURES}


class PerformanceMonitor:
    """How long calls take, by operation.

    Calls that fail are timed as well. Times are in milliseconds.

    Parameters
    ----------
    enabled : bool
        Whether anything is recorded.
    slow_threshold_ms : float
        A call that takes longer is slow: counted, and logged as a warning.
    history : int
        The last calls that are kept one by one; totals are of all calls.
    clock : callable
        Returns monotonic seconds.
    logger : logging.Logger, optional

    Raises
    ------
    InvalidArgumentError
        When the threshold is no number from 0, or the history no integer from 1.

    Examples
    --------
    >>> monitor = PerformanceMonitor()
    >>> monitor.time("count", lambda: sum(range(10)), items=10)
    45
    >>> monitor.get_stats()["count"]["items"]
    10
    """

    def __init__(
        self,
        *,
        enabled: bool = True,
        slow_threshold_ms: float = 100,
        history: int = 1000,
        clock: Clock = time.perf_counter,
        logger: logging.Logger | None = None,
    ) -> None:
        self._clock: Final = clock
        self._logger: Final = _LOGGER if logger is None else logger
        self._history: Final[deque[CallRecord]] = deque(maxlen=check_count(history, "history"))
        self._totals: Final[dict[str, _Totals]] = {}
        self.configure(enabled=enabled, slow_threshold_ms=slow_threshold_ms)

    def configure(self, *, enabled: bool, slow_threshold_ms: float) -> None:
        """Set what is recorded from now on.

        Raises
        ------
        InvalidArgumentError
            When the threshold is no number from 0.
        """
        self.slow_threshold_ms = check_number(slow_threshold_ms, "slow_threshold_ms")
        self.is_enabled = bool(enabled)

    @property
    def history(self) -> tuple[CallRecord, ...]:
        """The last calls, oldest first."""
        return tuple(self._history)

    def record(
        self, operation: str, items: int, ms: float, path: str = "", failed: bool = False
    ) -> None:
        """Keep a call that was timed elsewhere. Nothing if it is off."""
        if not self.is_enabled:
            return
        record = CallRecord(operation, items, ms, path, failed)
        is_slow = ms > self.slow_threshold_ms
        self._history.append(record)
        totals = self._totals.get(operation)
        if totals is None:
            totals = self._totals[operation] = _Totals()
        totals.add(record, is_slow=is_slow)
        if is_slow:
            self._logger.warning(
                "%s took %.1f ms for %d items, more than %g ms",
                operation,
                ms,
                items,
                self.slow_threshold_ms,
            )

    def time(self, operation: str, fn: Callable[[], T], *, items: int = 1, path: str = "") -> T:
        """Call a function and keep how long it took; its errors come through."""
        if not self.is_enabled:
            return fn()
        started = self._clock()
        failed = True
        try:
            result = fn()
            failed = False
        finally:
            self.record(operation, items, (self._clock() - started) * 1000.0, path, failed)
        return result

    def get_stats(self) -> dict[str, dict[str, Any]]:
        """Return the figures of each operation: of all calls since the last reset."""
        return {operation: totals.to_dict() for operation, totals in self._totals.items()}

    def reset(self) -> None:
        """Forget all calls."""
        self._history.clear()
        self._totals.clear()

    def __repr__(self) -> str:
        n_calls = sum(totals.count for totals in self._totals.values())
        state = "" if self.is_enabled else ", off"
        return f"<PerformanceMonitor: {n_calls} calls of {len(self._totals)} operations{state}>"
