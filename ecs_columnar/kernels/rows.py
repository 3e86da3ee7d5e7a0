"""Kernels that move and order the rows of columns.

An item of a column is ``width`` words (see `_types`); ``width`` is 1 unless a
value is a sub-array. The loop for one word is written out apart, because the
general one takes 1.4 to 2.4 times as long.
"""

from __future__ import annotations

from ecs_columnar.kernels._jit import kernel
from ecs_columnar.kernels._types import (
    Codes,
    CodesOut,
    Handles,
    Numbers,
    NumbersOut,
    Rows,
    RowsOut,
    Words,
    WordsOut,
)


@kernel
def gather(source: Words, rows: Rows, width: int, out: WordsOut) -> None:
    """Copy the items at ``rows`` into ``out``, in order.

    Parameters
    ----------
    source : word array, shape (n * width,)
    rows : intp array, shape (k,)
    width : int
        Words an item.
    out : word array, shape (k * width,)
    """
    if width == 1:
        for i in range(rows.shape[0]):
            out[i] = source[rows[i]]
        return
    for i in range(rows.shape[0]):
        for j in range(width):
            out[i * width + j] = source[rows[i] * width + j]


@kernel
def scatter(values: Words, rows: Rows, width: int, out: WordsOut) -> None:
    """Copy the items of ``values`` to ``rows`` of ``out``, in order.

    Parameters
    ----------
    values : word array, shape (k * width,)
    rows : intp array, shape (k,)
    width : int
        Words an item.
    out : word array, shape (n * width,)
    """
    if width == 1:
        for i in range(rows.shape[0]):
            out[rows[i]] = values[i]
        return
    for i in range(rows.shape[0]):
        for j in range(width):
            out[rows[i] * width + j] = values[i * width + j]


@kernel
def exchange(values: Words, rows: Rows, width: int, out: WordsOut, before: WordsOut) -> None:
    """Copy the items of ``values`` to ``rows`` of ``out``, and keep what was there.

    Parameters
    ----------
    values : word array, shape (k * width,)
    rows : intp array, shape (k,)
    width : int
        Words an item.
    out : word array, shape (n * width,)
    before : word array, shape (k * width,)
        Out: each item as it was before its row was written.
    """
    # One pass: to `gather` first and then to `scatter` takes 1.3 to 1.5 times as long.
    if width == 1:
        for i in range(rows.shape[0]):
            before[i] = out[rows[i]]
            out[rows[i]] = values[i]
        return
    for i in range(rows.shape[0]):
        for j in range(width):
            before[i * width + j] = out[rows[i] * width + j]
            out[rows[i] * width + j] = values[i * width + j]


@kernel
def look_up(table: Codes, keys: Handles, out: CodesOut) -> bool:
    """Copy the codes at some keys.

    Parameters
    ----------
    table : int32 array
    keys : int64 array, shape (k,)
    out : int32 array, shape (k,)
        Out: -1 for a key outside of the table.

    Returns
    -------
    bool
        Whether none is negative.
    """
    are_found = True
    for i in range(keys.shape[0]):
        key = keys[i]
        code = table[key] if 0 <= key < table.shape[0] else -1
        out[i] = code
        are_found &= code >= 0
    return are_found


@kernel
def fill_holes(holes: Rows, movers: Rows, width: int, out: WordsOut) -> None:
    """Copy the items at ``movers`` to ``holes`` of the same column.

    Parameters
    ----------
    holes, movers : intp array, shape (k,)
        No row is in both.
    width : int
        Words an item.
    out : word array, shape (n * width,)
    """
    if width == 1:
        for i in range(holes.shape[0]):
            out[holes[i]] = out[movers[i]]
        return
    for i in range(holes.shape[0]):
        for j in range(width):
            out[holes[i] * width + j] = out[movers[i] * width + j]


@kernel
def add_up(values: Numbers, rows: Rows, width: int, out: NumbersOut) -> None:
    """Add each item of ``values`` to the item at its row of ``out``, in order.

    Parameters
    ----------
    values : int64, uint64 or float64 array, shape (k * width,)
    rows : intp array, shape (k,)
    width : int
        Numbers an item.
    out : array of the same dtype, shape (n * width,)
    """
    for i in range(rows.shape[0]):
        for j in range(width):
            out[rows[i] * width + j] += values[i * width + j]


@kernel
def is_increasing(rows: Rows) -> bool:
    """Tell whether each row is above the one before.

    Parameters
    ----------
    rows : intp array, shape (k,)
    """
    for i in range(1, rows.shape[0]):  # noqa: SIM110 - a loop is what Numba compiles
        if rows[i - 1] >= rows[i]:
            return False
    return True


@kernel
def order_rows(rows: Rows, places: CodesOut, ordered: RowsOut, positions: RowsOut) -> int:
    """Sort distinct rows by counting, and say where each one stood.

    Parameters
    ----------
    rows : intp array, shape (k,)
        Below the length of ``places``.
    places : int32 array, shape (n_rows,)
        All -1.
    ordered, positions : intp array, shape (k,)
        Out: the rows in increasing order, and their places in ``rows``.

    Returns
    -------
    int
        Position in ``rows`` of the first row that was there before, or -1.
    """
    for i in range(rows.shape[0]):
        if places[rows[i]] >= 0:
            return i
        places[rows[i]] = i
    n_found = 0
    for row in range(places.shape[0]):
        if places[row] >= 0:
            ordered[n_found] = row
            positions[n_found] = places[row]
            n_found += 1
    return -1


@kernel
def split_tail(rows: Rows, n_left: int, holes: RowsOut, movers: RowsOut) -> int:
    """Pair the holes that a removal leaves with the rows that fill them.

    Removing k of n rows leaves holes below ``n_left = n - k`` and survivors at
    or above it, equally many. The first survivor fills the first hole.

    Parameters
    ----------
    rows : intp array, shape (k,)
        Rows to remove, increasing.
    n_left : int
    holes, movers : intp array, shape (k,)
        Out: the pairs.

    Returns
    -------
    int
        Number of pairs.
    """
    n_holes = 0
    while n_holes < rows.shape[0] and rows[n_holes] < n_left:
        holes[n_holes] = rows[n_holes]
        n_holes += 1
    n_movers = 0
    removed = n_holes
    for row in range(n_left, n_left + rows.shape[0]):
        if removed < rows.shape[0] and rows[removed] == row:
            removed += 1
        else:
            movers[n_movers] = row
            n_movers += 1
    return n_holes


@kernel
def number_codes(codes: Codes, numbers: CodesOut, labels: CodesOut, order: CodesOut) -> int:
    """Give codes numbers in the order in which they first occur.

    Parameters
    ----------
    codes : int32 array, shape (k,)
        Not negative.
    numbers : int32 array, shape (n_codes,)
        All -1. Out: the number of each code that occurs.
    labels : int32 array, shape (k,)
        Out: the number of each item.
    order : int32 array, shape (k,)
        Out: the codes in the order of their numbers.

    Returns
    -------
    int
        How many distinct codes there are.
    """
    n_distinct = 0
    for i in range(codes.shape[0]):
        code = codes[i]
        if numbers[code] < 0:
            numbers[code] = n_distinct
            order[n_distinct] = code
            n_distinct += 1
        labels[i] = numbers[code]
    return n_distinct


@kernel
def group_rows(keys: Rows, starts: RowsOut, order: RowsOut) -> None:
    """Group positions by key, in their order within each key.

    Parameters
    ----------
    keys : intp array, shape (k,)
        Below ``n_keys``, not negative.
    starts : intp array, shape (n_keys + 1,)
        All 0. Out: where each key's positions start.
    order : intp array, shape (k,)
        Out: the positions, grouped.
    """
    n_keys = starts.shape[0] - 1
    for i in range(keys.shape[0]):
        starts[keys[i]] += 1
    end = 0
    for key in range(n_keys):
        end += starts[key]
        starts[key] = end
    starts[n_keys] = end
    for i in range(keys.shape[0] - 1, -1, -1):
        starts[keys[i]] -= 1
        order[starts[keys[i]]] = i
