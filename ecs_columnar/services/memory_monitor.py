"""How much memory this process has, against what it may have."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.services.checks import check_count, check_number

MemoryLevel = Literal["normal", "warning", "critical"]

_ORDER: Final[tuple[MemoryLevel, ...]] = ("normal", "warning", "critical")
_LOGGER: Final = logging.getLogger("ecs_columnar.memory")


class MemoryReading(NamedTuple):
    """One look at the memory of this process.

    Attributes
    ----------
    rss : int
        Bytes of memory that the process holds.
    budget : int
        Bytes that it may hold.
    share : float
        The one over the other.
    level : {"normal", "warning", "critical"}
    """

    rss: int
    budget: int
    share: float
    level: MemoryLevel


class MemoryMonitor:
    """How much memory this process has, against what it may have.

    Parameters
    ----------
    budget : int, optional
        Bytes that the process may hold; the memory of the machine by default.
    warning, critical : float
        Shares of the budget from which the level is "warning" and "critical".
    read_rss : callable, optional
        Returns the bytes that the process holds; psutil is asked by default.
    on_alert : callable, optional
        Takes the reading when the level has gone up. What it raises is logged.
    history : int
        The last alerts that are kept.
    logger : logging.Logger, optional

    Raises
    ------
    InvalidArgumentError
        When the budget is no integer above 0, or it is not so that
        0 < warning <= critical <= 1.

    Examples
    --------
    >>> monitor = MemoryMonitor(1000, read_rss=lambda: 720)
    >>> monitor.check().level
    'warning'
    """

    def __init__(
        self,
        budget: int | None = None,
        *,
        warning: float = 0.70,
        critical: float = 0.85,
        read_rss: Callable[[], int] | None = None,
        on_alert: Callable[[MemoryReading], object] | None = None,
        history: int = 100,
        logger: logging.Logger | None = None,
    ) -> None:
        self._budget = None if budget is None else check_count(budget, "budget")
        self._read_rss = read_rss
        self._on_alert: Final = on_alert
        self._logger: Final = _LOGGER if logger is None else logger
        self._alerts: Final[deque[MemoryReading]] = deque(maxlen=check_count(history, "history"))
        self._level: MemoryLevel = "normal"
        self._peak = 0
        self.configure(warning=warning, critical=critical)

    def configure(self, *, warning: float, critical: float) -> None:
        """Set the shares of the budget where levels begin.

        Raises
        ------
        InvalidArgumentError
            When it is not so that 0 < warning <= critical <= 1.
        """
        first = check_number(warning, "warning", most=1.0)
        second = check_number(critical, "critical", least=first, most=1.0)
        if first == 0.0:
            raise InvalidArgumentError(
                "warning", warning, "cannot warn from 0; give a share of the budget above 0"
            )
        self._warning, self._critical = first, second

    @property
    def budget(self) -> int:
        """Bytes that the process may hold."""
        if self._budget is None:
            self._budget = _machine_memory()
        return self._budget

    @property
    def level(self) -> MemoryLevel:
        """The level of the last reading."""
        return self._level

    @property
    def alerts(self) -> tuple[MemoryReading, ...]:
        """The last readings whose level was above that of the reading before."""
        return tuple(self._alerts)

    def check(self) -> MemoryReading:
        """Look at the memory of the process; alert if the level has gone up."""
        if self._read_rss is None:
            self._read_rss = _rss_reader()
        rss = int(self._read_rss())
        share = rss / self.budget
        reading = MemoryReading(rss, self.budget, share, self._level_of(share))
        has_risen = _ORDER.index(reading.level) > _ORDER.index(self._level)
        self._level = reading.level
        self._peak = max(self._peak, rss)
        if has_risen:
            self._alert(reading)
        return reading

    def get_stats(self) -> dict[str, Any]:
        """Look once, and return the reading, the peak of all and the number of alerts."""
        reading = self.check()
        return {**reading._asdict(), "peak": self._peak, "alerts": len(self._alerts)}

    def reset(self) -> None:
        """Forget the level, the peak and the alerts."""
        self._level = "normal"
        self._peak = 0
        self._alerts.clear()

    def _level_of(self, share: float) -> MemoryLevel:
        if share >= self._critical:
            return "critical"
        return "warning" if share >= self._warning else "normal"

    def _alert(self, reading: MemoryReading) -> None:
        self._alerts.append(reading)
        self._logger.warning(
            "memory is %s: %.1f %% of %d bytes", reading.level, reading.share * 100, reading.budget
        )
        if self._on_alert is None:
            return
        try:
            self._on_alert(reading)
        except Exception:  # a listener changes no outcome
            self._logger.exception("a listener for memory alerts failed")

    def __repr__(self) -> str:
        return f"<MemoryMonitor: {self._level}>"


def _rss_reader() -> Callable[[], int]:
    """Return a function that asks the system. psutil is imported here."""
    import psutil

    process = psutil.Process()
    return lambda: int(process.memory_info().rss)


def _machine_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total)
