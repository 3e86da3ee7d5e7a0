"""Checks of the arguments that services are made with."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Any

from ecs_columnar.errors import InvalidArgumentError


def check_count(value: Any, parameter: str, *, least: int = 1) -> int:
    """Return an integer that is not below a bound.

    Raises
    ------
    InvalidArgumentError
        When it is another thing; True is none.
    """
    try:
        count = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        count = None
    if count is None or count < least:
        raise InvalidArgumentError(
            parameter,
            value,
            f"cannot use {value!r} as {parameter}; give an integer, {least} or more",
        )
    return count


def check_number(
    value: Any, parameter: str, *, least: float = 0.0, most: float = math.inf
) -> float:
    """Return a finite number between bounds, both included.

    Raises
    ------
    InvalidArgumentError
        When it is another thing; True is none.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not least <= value <= most:
        upper = "" if math.isinf(most) else f" up to {most:g}"
        raise InvalidArgumentError(
            parameter,
            value,
            f"cannot use {value!r} as {parameter}; give a number from {least:g}{upper}",
        )
    return float(value)


def check_callable(value: Any, parameter: str) -> Any:
    """Return what can be called.

    Raises
    ------
    InvalidArgumentError
        When it cannot.
    """
    if not callable(value):
        raise InvalidArgumentError(
            parameter, value, f"cannot call {value!r}; give a function as {parameter}"
        )
    return value
