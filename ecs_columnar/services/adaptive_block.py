"""How many items are worked on at once, when memory is short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ecs_columnar.services.call import BLOCK

LEAST: Final = 256
"""Items that are worked on at once at least: fewer save nothing."""


class AdaptiveBlock:
    """A number of items that halves under memory pressure, and grows back.

    It is a function of the readings: one for each block of a call.

    Parameters
    ----------
    is_pressed : callable
        Returns whether memory is short.

    Examples
    --------
    >>> readings = iter([False, True, True, False])
    >>> block = AdaptiveBlock(lambda: next(readings))
    >>> [block() for _ in range(4)]
    [131072, 65536, 32768, 65536]
    """

    def __init__(self, is_pressed: Callable[[], bool]) -> None:
        self._is_pressed: Final = is_pressed
        self._size = BLOCK

    def __call__(self) -> int:
        """Take a reading, and return how many items the next block has at most."""
        size = self._size // 2 if self._is_pressed() else self._size * 2
        self._size = min(max(size, LEAST), BLOCK)
        return self._size
