"""What a schema asks of numbers, as array operations that are exact.

Python compares an integer with a float exactly, NumPy rounds the integer first.
So bounds are rounded here, once, inwards, to numbers of the column's own type.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

INT64: Final = np.iinfo(np.int64)

EXACT: Final = 2**53
"""Up to here, each integer is a float."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lowest and highest number of a column, both included; NaN passes.

    Attributes
    ----------
    low, high : int or float
        None where there is no bound.
    """

    low: float | None
    high: float | None

    def span(self, dtype: np.dtype[Any]) -> tuple[float, float]:
        """Return the bounds, those of the type of the column where there are none."""
        limits = (INT64.min, INT64.max) if dtype.kind == "i" else (-math.inf, math.inf)
        low = limits[0] if self.low is None else self.low
        return low, limits[1] if self.high is None else self.high

    def misfits(self, column: NDArray[Any]) -> NDArray[np.bool_] | bool:
        """Tell which numbers lie outside, shape (n,); False if none can."""
        is_bad: NDArray[np.bool_] | bool = False
        if self.low is not None:
            is_bad = column < self.low
        if self.high is not None:
            is_bad = is_bad | (column > self.high)
        return is_bad


def integer_bounds(schema: Mapping[str, Any]) -> Bounds:
    """Return the bounds of a schema for a column of int64.

    Examples
    --------
    >>> integer_bounds({"minimum": 0.5, "exclusiveMaximum": 10})
    Bounds(low=1, high=9)
    """
    lows = [math.ceil(schema["minimum"])] if "minimum" in schema else []
    highs = [math.floor(schema["maximum"])] if "maximum" in schema else []
    if "exclusiveMinimum" in schema:
        lows.append(math.floor(schema["exclusiveMinimum"]) + 1)
    if "exclusiveMaximum" in schema:
        highs.append(math.ceil(schema["exclusiveMaximum"]) - 1)
    low, high = max(lows, default=INT64.min), min(highs, default=INT64.max)
    if low > INT64.max or high < INT64.min:
        return Bounds(1, 0)
    return Bounds(low if low > INT64.min else None, high if high < INT64.max else None)


def float_bounds(schema: Mapping[str, Any]) -> Bounds:
    """Return the bounds of a schema for a column of float64."""
    lows, highs = [], []
    if "minimum" in schema:
        lows.append(_float_from(schema["minimum"]))
    if "exclusiveMinimum" in schema:
        lows.append(_float_above(schema["exclusiveMinimum"]))
    if "maximum" in schema:
        highs.append(-_float_from(-schema["maximum"]))
    if "exclusiveMaximum" in schema:
        highs.append(-_float_above(-schema["exclusiveMaximum"]))
    return Bounds(max(lows, default=None), min(highs, default=None))


def is_no_multiple(column: NDArray[Any], divisor: float) -> NDArray[np.bool_]:
    """Tell which numbers are no multiple of a divisor, as the reference counts, shape (n,).

    A float divides, and the quotient is a whole number or not; an integer leaves
    a remainder or not. Only a quotient that is not finite is not decided here:
    see `is_undecided`.
    """
    with np.errstate(all="ignore"):
        if isinstance(divisor, int):
            return np.asarray(np.fmod(column, column.dtype.type(divisor)) != 0)
        quotient = column / divisor
        return np.asarray(np.floor(quotient) != quotient)


def is_undecided(column: NDArray[Any], divisor: float) -> NDArray[np.bool_]:
    """Tell for which numbers the reference counts in fractions, or cannot count, shape (n,)."""
    if isinstance(divisor, int):
        return np.zeros(column.shape, np.bool_)
    with np.errstate(all="ignore"):
        return ~np.isfinite(column / divisor)


def exact_members(members: Sequence[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the numbers of an enumeration that a column can hold exactly."""
    numbers = [m for m in members if isinstance(m, (int, float)) and not isinstance(m, bool)]
    if dtype.kind == "i":
        whole = [int(m) for m in numbers if isinstance(m, int) or m.is_integer()]
        return np.array([m for m in whole if INT64.min <= m <= INT64.max], dtype)
    return np.array([f for m in numbers if (f := _to_float(m)) == m], dtype)


def _float_from(number: float) -> float:
    """Return the lowest float that is not below a number."""
    nearest = _to_float(number)
    return math.nextafter(nearest, math.inf) if nearest < number else nearest


def _float_above(number: float) -> float:
    """Return the lowest float above a number."""
    nearest = _to_float(number)
    return math.nextafter(nearest, math.inf) if nearest <= number else nearest


def _to_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
