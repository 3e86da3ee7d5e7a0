"""Floors of NumPy: the same bytes written, with no library around them."""

from __future__ import annotations

import mmap
from typing import Any

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


def copies_with_records(n: int) -> Side:
    """Write them, the handle of each row, and what says where each entity is."""
    written = copies(n)
    handles, records = np.empty(n, np.int64), np.empty(3 * n, np.int32)
    others = np.ones(3 * n, np.int32)

    def do() -> object:
        made = written.do()
        np.copyto(handles, made)
        np.copyto(records, others)
        return made

    return Side(do, n_items=n)


def eight(n: int) -> list[NDArray[np.float32]]:
    """Make the eight columns of `Body`."""
    return [floats(n).copy() for _ in range(8)]


def new_copies(n: int) -> Side:
    """Copy eight columns into new memory."""
    columns = eight(n)
    return Side(lambda: [column.copy() for column in columns])


def rollbacks(n: int, rows: NDArray[np.intp], *, in_new_memory: bool) -> Side:
    """Copy eight columns, write into some rows of one, and go back to the copies.

    Memory is new to the process, or that of the columns before the last: `malloc`
    would give either, by what was freed before.
    """
    columns, others, values = eight(n), eight(n), floats(len(rows))

    def do() -> object:
        before = [new_array(column) for column in columns] if in_new_memory else others[:]
        for column, copy in zip(columns, before, strict=True):
            np.copyto(copy, column)
        columns[0][rows] = values
        left = others[:]
        others[:], columns[:] = columns, before
        return left  # and is freed after the clock

    return Side(do)


def new_array(like: NDArray[Any]) -> NDArray[Any]:
    """Make an array in memory that the process has not had before."""
    return np.frombuffer(mmap.mmap(-1, like.nbytes), like.dtype)


def copies_over(n: int) -> Side:
    """Copy eight columns into memory that is there already."""
    columns, others = eight(n), eight(n)

    def do() -> None:
        for column, other in zip(columns, others, strict=True):
            np.copyto(other, column)

    return Side(do)


def steps(x: NDArray[Any], dx: NDArray[Any], dt: float) -> Side:
    """Advance positions by velocities."""

    def do() -> None:
        nonlocal x
        x += dx * dt

    return Side(do, n_items=len(x))


def fills(n: int) -> Side:
    """Make a column."""
    return Side(lambda: np.full(n, 100, dtype=np.float32), n_items=n)


def comparisons(n: int) -> Side:
    """Compare all handles with others, and make a column."""
    handles = np.arange(n, dtype=np.int64)
    others = handles.copy()
    return Side(lambda: (np.array_equal(handles, others), np.full(n, 100, np.float32)), n_items=n)


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
