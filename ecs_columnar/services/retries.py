"""Trying again what failed for a moment: files, networks, what the caller supplies."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from ecs_columnar.errors import EcsColumnarError
from ecs_columnar.services.checks import check_count, check_number
from ecs_columnar.services.clocks import Sleep

T = TypeVar("T")

_LOGGER: Final = logging.getLogger("ecs_columnar.retries")

_TRANSIENT: Final = (BlockingIOError, ConnectionError, InterruptedError, TimeoutError)
_TRANSIENT_ERRNOS: Final = frozenset(
    getattr(errno, name)
    for name in ("EAGAIN", "EBUSY", "EIO", "EMFILE", "ENFILE", "ENETUNREACH", "ESTALE", "ETXTBSY")
    if hasattr(errno, name)  # Windows lacks some
)


def is_transient(error: BaseException, also: tuple[type[Exception], ...] = ()) -> bool:
    """Tell whether an error may be gone at the next try.

    Errors of this library never are. Of others: connections, timeouts, and errors of
    the system that say busy, interrupted or try again; not a missing file. Types that
    the caller names are transient as well.
    """
    if isinstance(error, EcsColumnarError):
        return False
    if isinstance(error, _TRANSIENT + also):
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNOS


class Retries:
    """Calls what the caller supplies, again if it fails for a moment.

    Parameters
    ----------
    attempts : int
        How many more times it is called after a transient error.
    delay_ms : float
        Time between two calls.
    sleep : callable
        Waits for so many seconds.
    transient : tuple of exception types
        What is transient as well; never an error of this library.
    logger : logging.Logger, optional

    Raises
    ------
    InvalidArgumentError
        When attempts is no integer from 0, or the delay no number from 0 to a day.

    Examples
    --------
    >>> answers = iter([ConnectionError, None])
    >>> def ask():
    ...     if error := next(answers):
    ...         raise error
    ...     return "ahoy"
    >>> Retries(attempts=2, delay_ms=0).call(ask)
    'ahoy'
    """

    def __init__(
        self,
        attempts: int = 2,
        delay_ms: float = 1000,
        *,
        sleep: Sleep = time.sleep,
        transient: tuple[type[Exception], ...] = (),
        logger: logging.Logger | None = None,
    ) -> None:
        self.attempts: Final = check_count(attempts, "attempts", least=0)
        self.delay_ms: Final = check_number(delay_ms, "delay_ms", most=86_400_000)
        self._sleep: Final = sleep
        self._transient: Final = transient
        self._logger: Final = _LOGGER if logger is None else logger

    def call(self, fn: Callable[[], T], what: str = "call") -> T:
        """Call a function; again after a transient error, as often as there are attempts.

        Raises
        ------
        Exception
            The last one that the function raised, unchanged.
        """
        for attempt in range(self.attempts):
            try:
                return fn()
            except Exception as error:
                if not is_transient(error, self._transient):
                    raise
                self._logger.warning(
                    "%s failed (%r); try %d of %d follows in %g ms",
                    what,
                    error,
                    attempt + 2,
                    self.attempts + 1,
                    self.delay_ms,
                )
            self._sleep(self.delay_ms / 1000.0)
        return fn()
