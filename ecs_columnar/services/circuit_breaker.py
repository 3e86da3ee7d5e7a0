"""Stops trying what keeps failing, for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

from ecs_columnar.errors import CircuitOpenError
from ecs_columnar.services.checks import check_count, check_number
from ecs_columnar.services.clocks import Clock
from ecs_columnar.services.error_handler import is_fault_of_input

T = TypeVar("T")

CircuitState = Literal["closed", "open", "half-open"]

_LOGGER: Final = logging.getLogger("ecs_columnar.circuit_breaker")


class CircuitBreaker:
    """Stops trying what keeps failing, for a while.

    Closed, it lets all calls through. After so many failed calls in a row it is open
    and refuses them. When the timeout is over it is half-open: it lets calls through,
    closes after so many successes in a row, and opens again at the first failure.

    A call that raises because of what it was given, such as a `ValidationError`, is
    neither a failure nor a success, and neither is one that is interrupted.

    Parameters
    ----------
    name : str
        What the error calls it.
    failure_threshold : int
        Failed calls in a row that open it.
    timeout_ms : float
        How long it stays open.
    success_threshold : int
        Successes in a row that close it again.
    clock : callable
        Returns monotonic seconds.
    logger : logging.Logger, optional
        Is told of changes of state.

    Raises
    ------
    InvalidArgumentError
        When a threshold is no integer above 0, or the timeout no number.

    Examples
    --------
    >>> breaker = CircuitBreaker("radio", failure_threshold=3)
    >>> breaker.call(lambda: "ahoy")
    'ahoy'
    >>> breaker.state
    'closed'
    """

    def __init__(
        self,
        name: str = "call",
        *,
        failure_threshold: int = 5,
        timeout_ms: float = 60000,
        success_threshold: int = 2,
        clock: Clock = time.monotonic,
        logger: logging.Logger | None = None,
    ) -> None:
        self.name: Final = name
        self._clock: Final = clock
        self._logger: Final = _LOGGER if logger is None else logger
        self._success_threshold: Final = check_count(success_threshold, "success_threshold")
        self.configure(failure_threshold=failure_threshold, timeout_ms=timeout_ms)
        self._is_open = False
        self._opened_at = 0.0
        self._n_failures = 0
        self._n_successes = 0
        self._n_refused = 0

    def configure(self, *, failure_threshold: int, timeout_ms: float) -> None:
        """Set the bounds; what was counted stays, and an open breaker stays open.

        Raises
        ------
        InvalidArgumentError
            When the threshold is no integer above 0, or the timeout no number.
        """
        threshold = check_count(failure_threshold, "failure_threshold")
        self._timeout_ms = check_number(timeout_ms, "timeout_ms")
        self._failure_threshold = threshold

    @property
    def state(self) -> CircuitState:
        """Whether it lets calls through: "closed", "open" or "half-open"."""
        if not self._is_open:
            return "closed"
        return "open" if self._wait_ms() > 0 else "half-open"

    def call(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Call a function, unless the breaker is open.

        Raises
        ------
        CircuitOpenError
            When it is open; the function was not called.
        Exception
            What the function raises.
        """
        self.check()
        try:
            result = fn(*args, **kwargs)
        except Exception as error:
            self.record_failure(error)
            raise
        self.record_success()
        return result

    def check(self) -> None:
        """Raise when the breaker is open, for those who make the call themselves.

        Raises
        ------
        CircuitOpenError
        """
        wait = self._wait_ms() if self._is_open else 0.0
        if wait > 0:
            self._n_refused += 1
            raise CircuitOpenError(
                f"cannot call {self.name}: its circuit is open after {self._n_failures} failed "
                f"calls in a row; try again in {wait:.0f} ms, or reset the breaker",
                name=self.name,
                retry_after_ms=wait,
            )

    def record_success(self) -> None:
        """Count a call that went well; one that ends while it is open is too late."""
        state = self.state
        if state == "closed":
            self._n_failures = 0
        self._n_successes += state == "half-open"
        if self._n_successes >= self._success_threshold:
            self._logger.info("circuit of %s is closed again", self.name)
            self._close()

    def record_failure(self, error: BaseException | None = None) -> None:
        """Count a call that failed, unless the error is about what it was given.

        One that ends while the breaker is open is too late, and not counted.
        """
        if self.state == "open" or (error is not None and is_fault_of_input(error)):
            return
        self._n_failures += 1
        if self._is_open or self._n_failures >= self._failure_threshold:
            self._open()

    def reset(self) -> None:
        """Close it and forget what was counted."""
        self._n_refused = 0
        self._close()

    def get_stats(self) -> dict[str, Any]:
        """Return its state, what it counted, and its bounds."""
        return {
            "state": self.state,
            "failures": self._n_failures,
            "successes": self._n_successes,
            "refused": self._n_refused,
            "failure_threshold": self._failure_threshold,
            "success_threshold": self._success_threshold,
            "timeout_ms": self._timeout_ms,
        }

    def _open(self) -> None:
        self._logger.warning(
            "circuit of %s is open after %d failed calls in a row", self.name, self._n_failures
        )
        self._is_open = True
        self._opened_at = self._clock()
        self._n_successes = 0

    def _close(self) -> None:
        self._is_open = False
        self._n_failures = self._n_successes = 0

    def _wait_ms(self) -> float:
        """Return how long it is open yet; 0 or less when the timeout is over."""
        return self._timeout_ms - (self._clock() - self._opened_at) * 1000.0

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.name!r}: {self.state}>"
