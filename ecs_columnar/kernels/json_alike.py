"""JSON objects that are written alike: where their values are, and what numbers they are.

Alike are objects whose texts differ in values only: the same keys in the same
order, with the same white space. What is around the values is compared byte by
byte, which takes a third of the time of parsing it; nothing is made of it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from ecs_columnar.kernels._jit import inlined, kernel
from ecs_columnar.kernels._types import (
    Bytes,
    BytesOut,
    FloatsOut,
    Handles,
    HandlesOut,
    MaskOut,
    Rows,
)

STRING: Final = 0
NUMBER: Final = 1
BOOLEAN: Final = 2

INTEGER: Final = 0
FLOAT: Final = 1
ODD: Final = 2

_NOWHERE: Final = -1

_QUOTE: Final = 0x22
_PLUS: Final = 0x2B
_MINUS: Final = 0x2D
_POINT: Final = 0x2E
_ZERO, _NINE = 0x30, 0x39
_UPPER_E, _LOWER_E = 0x45, 0x65
_BACKSLASH: Final = 0x5C
_SPACE: Final = 0x20
_TRUE: Final = np.frombuffer(b"true", np.uint8)
_FALSE: Final = np.frombuffer(b"false", np.uint8)

# Up to here, numbers and powers of ten are floats exactly, and one division or
# multiplication of two such floats is rounded once (Clinger, 1990).
_MOST_DIGITS: Final = 18
_EXACT: Final = 1 << 53
_MOST_POWERS: Final = 22
_POWERS: Final = np.array([float(f"1e{k}") for k in range(_MOST_POWERS + 1)])
_LONGEST_EXPONENT: Final = 4
_TOO_LONG: Final = 99_999
_TOO_MANY: Final = -1


class Shape(NamedTuple):
    """What objects have in common: the text around their values.

    Attributes
    ----------
    text : uint8 array
        What stands before the first value, between it and the second, and so on,
        behind the last. The quotes of strings are part of it.
    bounds : intp array, shape (n_values + 2,)
        Where each of these pieces starts, and where the last one ends.
    kinds : uint8 array, shape (n_values,)
        STRING, NUMBER or BOOLEAN.
    """

    text: Bytes
    bounds: Rows
    kinds: Bytes


class Spans(NamedTuple):
    """Where values are: those of the first key in all objects, of the second, and so on.

    Attributes
    ----------
    starts, ends : int64 array, shape (n_values * n_rows,)
    has_escapes : bool array, shape (n_values * n_rows,)
        Whether the text of a string is not the string itself.
    """

    starts: HandlesOut
    ends: HandlesOut
    has_escapes: MaskOut


@inlined
def _behind(data: Bytes, i: int, text: Bytes, start: Any, stop: Any) -> int:
    """Return where a piece of text ends that is at ``i``, `_NOWHERE` if another is there."""
    if i + stop - start > data.shape[0]:
        return _NOWHERE
    for k in range(start, stop):
        if data[i] != text[k]:
            return _NOWHERE
        i += 1
    return i


@inlined
def _end_of_digits(data: Bytes, i: int) -> int:
    """Return where the digits end that start at ``i``."""
    while i < data.shape[0] and _ZERO <= data[i] <= _NINE:
        i += 1
    return i


@inlined
def _end_of_number(data: Bytes, i: int) -> int:
    """Return where the number ends that starts at ``i``, `_NOWHERE` if none does."""
    n = data.shape[0]
    if i < n and data[i] == _MINUS:
        i += 1
    end = _end_of_digits(data, i)
    if end == i or (data[i] == _ZERO and end > i + 1):
        return _NOWHERE
    if end < n and data[end] == _POINT:
        i = end + 1
        end = _end_of_digits(data, i)
        if end == i:
            return _NOWHERE
    if end < n and (data[end] == _LOWER_E or data[end] == _UPPER_E):
        i = end + 1
        if i < n and (data[i] == _PLUS or data[i] == _MINUS):
            i += 1
        end = _end_of_digits(data, i)
        if end == i:
            return _NOWHERE
    return end


@inlined
def _end_of_string(data: Bytes, i: int) -> tuple[int, bool]:
    """Return where the quote is behind the text that starts at ``i``, and whether it has escapes.

    Where a control character is, which no string has, if one comes first.
    """
    has_escapes = False
    while i < data.shape[0] and data[i] != _QUOTE and data[i] >= _SPACE:
        if data[i] == _BACKSLASH:
            has_escapes = True
            i += 1
        i += 1
    return i, has_escapes


@inlined
def _end_of_value(data: Bytes, i: int, kind: int) -> tuple[int, bool]:
    """Return where the value ends that starts at ``i``, `_NOWHERE` if it is of another kind."""
    if kind == STRING:
        return _end_of_string(data, i)
    if kind == NUMBER:
        return _end_of_number(data, i), False
    end = _behind(data, i, _TRUE, 0, 4)
    if end == _NOWHERE:
        end = _behind(data, i, _FALSE, 0, 5)
    return end, False


@inlined
def _match(data: Bytes, i: int, shape: Shape, spans: Spans, row: int, n_rows: int) -> int:
    """Find the values of one object; return where it ends, `_NOWHERE` if it is not alike."""
    n_values = shape.kinds.shape[0]
    for k in range(n_values):
        i = _behind(data, i, shape.text, shape.bounds[k], shape.bounds[k + 1])
        if i == _NOWHERE:
            return _NOWHERE
        end, has_escapes = _end_of_value(data, i, shape.kinds[k])
        if end == _NOWHERE:
            return _NOWHERE
        at = k * n_rows + row
        spans.starts[at], spans.ends[at] = i, end
        spans.has_escapes[at] = has_escapes
        i = end
    last, end = shape.bounds[n_values], shape.bounds[n_values + 1]
    return _behind(data, i, shape.text, last, end)


@kernel
def match_alike(data: Bytes, start: int, shape: Shape, separator: Bytes, spans: Spans) -> int:
    """Find the values of objects that are written alike, one behind the other.

    Parameters
    ----------
    data : uint8 array
        The text. It is UTF-8.
    start : int
        Where the first object starts.
    shape : Shape
    separator : uint8 array
        What stands between two objects.
    spans : Spans
        Out; there is room for ``n_rows`` objects.

    Returns
    -------
    int
        How many objects there are before something else comes.
    """
    n_rows = len(spans.starts) // len(shape.kinds)
    i = start
    for row in range(n_rows):
        if row > 0:
            i = _behind(data, i, separator, 0, separator.shape[0])
        if i != _NOWHERE:
            i = _match(data, i, shape, spans, row, n_rows)
        if i == _NOWHERE:
            return row
    return n_rows


@inlined
def _read_digits(data: Bytes, i: int, end: int) -> tuple[int, int, int, bool]:
    """Read the digits of a number, and leave out the point.

    Returns
    -------
    number, n_behind, i : int
        What the digits say, `_TOO_MANY` if that is not read; how many are behind the
        point, and where they end.
    is_float : bool
        Whether there is a point.
    """
    number, n_digits, n_behind, is_float = 0, 0, 0, False
    while i < end and data[i] != _LOWER_E and data[i] != _UPPER_E:
        if data[i] == _POINT:
            is_float = True
        else:
            number = number * 10 + (int(data[i]) - _ZERO)
            n_digits += 1
            n_behind += 1 if is_float else 0
        i += 1
        if n_digits > _MOST_DIGITS:
            return _TOO_MANY, 0, i, is_float
    return number, n_behind, i, is_float


@inlined
def _read_exponent(data: Bytes, i: int, end: int) -> int:
    """Read the exponent that starts at ``i``, `_TOO_LONG` if it is no small number."""
    is_negative = bool(data[i] == _MINUS)
    i += 1 if is_negative or data[i] == _PLUS else 0
    if end - i > _LONGEST_EXPONENT:
        return _TOO_LONG
    exponent = 0
    while i < end:
        exponent = exponent * 10 + (int(data[i]) - _ZERO)
        i += 1
    return -exponent if is_negative else exponent


@kernel
def read_numbers(
    data: Bytes,
    starts: Handles,
    ends: Handles,
    integers: HandlesOut,
    floats: FloatsOut,
    kinds: BytesOut,
) -> None:
    """Read numbers, as far as 64 bits and one rounding suffice.

    Parameters
    ----------
    data : uint8 array
    starts, ends : int64 array, shape (n,)
        Where each number is, as JSON writes them.
    integers : int64 array, shape (n,)
        Out: those that are INTEGER.
    floats : float64 array, shape (n,)
        Out: those that are FLOAT.
    kinds : uint8 array, shape (n,)
        Out: INTEGER, FLOAT, or ODD where it has not been read.
    """
    for row in range(starts.shape[0]):
        i, end = starts[row], ends[row]
        is_negative = data[i] == _MINUS
        number, n_behind, i, is_float = _read_digits(data, i + 1 if is_negative else i, end)
        kinds[row] = ODD
        if number == _TOO_MANY:
            continue
        exponent = _read_exponent(data, i + 1, end) if i < end else 0
        exponent -= n_behind
        if not is_float and i == end:
            if number != 0 or not is_negative:
                integers[row] = -number if is_negative else number
                kinds[row] = INTEGER
        elif number <= _EXACT and -_MOST_POWERS <= exponent <= _MOST_POWERS:
            value = float(number)
            value = value / _POWERS[-exponent] if exponent < 0 else value * _POWERS[exponent]
            floats[row] = -value if is_negative else value
            kinds[row] = FLOAT
