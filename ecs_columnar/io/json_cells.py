"""Lines of JSON put together of columns: no dict is made of them, nor a text of each.

A cell is what a value takes in its line: the value, and constant text around it.
All values of a column are written by one call of msgspec, and found in what it
wrote; strings are escaped by a kernel. What is refused here is left to whoever
writes items one by one, and says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.coded import Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.io.json_text import is_finite, write_json

_BOOLEANS: Final = np.frombuffer(b"falsetrue", np.uint8)
_FALSE: Final = len(b"false")
_TRUE: Final = len(b"true")


class NoJsonError(Exception):
    """JSON has no name for a value, or may have none."""


class Lines(NamedTuple):
    """Lines of text, each with the same separator behind it.

    Attributes
    ----------
    data : uint8 array
    ends : int64 array, shape (n,)
        Where each line ends, and its separator starts.
    """

    data: NDArray[np.uint8]
    ends: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A piece of some lines.

    Attributes
    ----------
    rows : intp array, shape (k,)
        Which lines it is in.
    before : bytes
    values : Encoded or None
        Of each of these lines; None if all of it is constant: what is before.
    after : bytes
    """

    rows: NDArray[np.intp]
    before: bytes
    values: Encoded | None = None
    after: bytes = b""

    def joined(self, other: Cells) -> Cells | None:
        """Return this and what follows it as one, None where that takes more than one.

        The same lines are the same array of rows.
        """
        if self.rows is not other.rows:
            return None
        if self.values is None:
            return Cells(self.rows, self.before + other.before, other.values, other.after)
        if other.values is None:
            return Cells(self.rows, self.before, self.values, self.after + other.before)
        return None

    def add_lengths(self, lengths: NDArray[np.int64]) -> None:
        """Add how many bytes it takes, by line."""
        more: Any = len(self.before) + len(self.after)
        if self.values is not None:
            more = more + self.values.ends - self.values.starts
        if self.rows.shape[0] == lengths.shape[0]:  # they increase
            lengths += more
        else:
            lengths[self.rows] += more

    def write(self, ends: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        """Write it behind what its lines have, and move their ends."""
        before, after = (np.frombuffer(text, np.uint8) for text in (self.before, self.after))
        values = self.values or _nothing(self.rows.shape[0])
        kernels.json_lines.append(before, values.for_kernels(), after, self.rows, ends, out)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Cells that follow each other in each line.

    Attributes
    ----------
    cells : list of Cells
    lengths : int64 array, shape (n,)
        How many bytes they take, by line.
    """

    cells: list[Cells]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, cells: Iterable[Cells], n: int) -> Piece:
        """Make a piece of ``n`` lines."""
        kept: list[Cells] = []
        for each in cells:
            both = kept[-1].joined(each) if kept else None
            if both is not None:
                kept[-1] = both
            elif each.rows.shape[0]:
                kept.append(each)
        lengths = np.zeros(n, np.int64)
        for each in kept:
            each.add_lengths(lengths)
        return cls(kept, lengths)

    def write(self, starts: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        """Write all cells from these positions on, by line."""
        ends = starts.copy()
        for each in self.cells:
            each.write(ends, out)


def json_text(value: Any) -> bytes:
    """Return one value as JSON.

    Raises
    ------
    NoJsonError
    """
    try:
        text = write_json(value)
        # msgspec writes null for NaN.
        is_exact = b"null" not in text or is_finite(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise NoJsonError from error
    if not is_exact:
        raise NoJsonError
    return text


def cells_of(rows: NDArray[np.intp], key: bytes, values: Any) -> Cells:
    """Write a column.

    Parameters
    ----------
    rows : intp array, shape (k,)
        At least one.
    key : bytes
        What stands before each value.
    values : array, Texts, list or None
        Numbers and booleans, strings, anything else that is plain, or null everywhere.

    Raises
    ------
    NoJsonError
    """
    if values is None:
        return Cells(rows, key + b"null")
    if isinstance(values, Texts):
        return Cells(rows, key + b'"', escaped(values.encoded), b'"')
    if isinstance(values, list):
        return Cells(rows, key, _items(json_text(values), len(values)))
    return Cells(rows, key, _numbers(values))


def escaped(strings: Encoded) -> Encoded:
    """Return strings as JSON has them, without quotes: most of them are that already.

    Raises
    ------
    NoJsonError
        When one has a lone surrogate.
    """
    values = strings.for_kernels()
    lengths = np.empty(strings.n_strings, np.int64)
    if not kernels.json_lines.measure_texts(values, lengths):
        raise NoJsonError
    if np.array_equal(lengths, strings.ends - strings.starts):
        return strings
    ends = np.cumsum(lengths)
    starts, data = ends - lengths, np.empty(ends[-1], np.uint8)
    kernels.json_lines.write_texts(values, starts, data)
    return Encoded(data, starts, ends)


def _numbers(values: NDArray[Any]) -> Encoded:
    if values.dtype == np.bool_ and values.ndim == 1:
        starts = np.where(values, _FALSE, 0)
        return Encoded(_BOOLEANS, starts, starts + np.where(values, _TRUE, _FALSE))
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise NoJsonError
    return _items(json_text(values.tolist()), values.shape[0])


def _items(text: bytes, n: int) -> Encoded:
    """Return the items of a list that has been written, and is not empty."""
    data, (starts, ends) = np.frombuffer(text, np.uint8), np.empty((2, n), np.int64)
    kernels.json_lines.split_items(data, starts, ends)
    return Encoded(data, starts, ends)


def _nothing(n: int) -> Encoded:
    nowhere = np.zeros(n, np.int64)
    return Encoded(np.empty(0, np.uint8), nowhere, nowhere)


def lines_of(texts: Sequence[bytes], separator: bytes) -> Lines:
    """Put texts together that have been written one by one."""
    data = np.frombuffer(separator.join([*texts, b""]), np.uint8)
    return Lines(data, np.cumsum([len(text) + len(separator) for text in texts]) - len(separator))
