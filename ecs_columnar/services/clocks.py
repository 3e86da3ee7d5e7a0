"""Time, as services are given it: tests hand in clocks of their own."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Returns monotonic seconds."""

Sleep = Callable[[float], object]
"""Waits for so many seconds."""
