"""Floors of NumPy: the same bytes written, with no library around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.base import Side, floats


def copies(n: int) -> Side:
    """Write four columns that are there already, and make handles."""
    values = floats(n)
    columns = [values.copy() for _ in range(4)]

    def do() -> NDArray[np.int64]:
        for column in columns:
            np.copyto(column, values)
        return np.arange(n, dtype=np.int64)

    return Side(do, n_items=n)


def eight(n: int) -> list[NDArray[np.float32]]:
    """Make the eight columns of `Body`."""
    return [floats(n).copy() for _ in range(8)]


def new_copies(n: int) -> Side:
    """Copy eight columns into new memory."""
    columns = eight(n)
    return Side(lambda: [column.copy() for column in columns])


def rollbacks(n: int, rows: NDArray[np.intp]) -> Side:
    """Copy eight columns, write into some rows of one, and go back to the copies.

    The copies live until the next round takes theirs: as the columns they are then.
    """
    columns, values = eight(n), floats(len(rows))

    def do() -> None:
        kept = [column.copy() for column in columns]
        columns[0][rows] = values
        columns[:] = kept

    return Side(do)


def copies_over(n: int) -> Side:
    """Copy eight columns into memory that is there already."""
    columns, others = eight(n), eight(n)

    def do() -> None:
        for column, other in zip(columns, others, strict=True):
            np.copyto(other, column)

    return Side(do)


def steps(n: int, dt: float) -> Side:
    """Advance positions by velocities."""
    x, dx = floats(n), floats(n)

    def do() -> None:
        nonlocal x
        x += dx * dt

    return Side(do, n_items=n)


def fills(n: int) -> Side:
    """Make a column."""
    return Side(lambda: np.full(n, 100, dtype=np.float32), n_items=n)


def reads(n: int, rows: NDArray[np.intp]) -> Side:
    """Gather two columns at rows."""
    x, y = floats(n), floats(n)
    return Side(lambda: (x[rows], y[rows]), n_items=len(rows))


def writes(n: int, rows: NDArray[np.intp]) -> Side:
    """Scatter two columns at rows."""
    x, y, values = floats(n), floats(n), floats(len(rows))

    def do() -> None:
        x[rows] = values
        y[rows] = values

    return Side(do, n_items=len(rows))
