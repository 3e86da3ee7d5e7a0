"""Slow twins of `ecs_columnar.kernels.rows`: lists of items instead of arrays of words."""

from __future__ import annotations

from typing import Any, NamedTuple


class Ordered(NamedTuple):
    """Rows in increasing order, and where each one stood."""

    rows: list[int]
    positions: list[int]


class Pairs(NamedTuple):
    """Rows that become free, and the rows that fill them."""

    holes: list[int]
    movers: list[int]


class Grouped(NamedTuple):
    """Positions by key, and where each key's positions start."""

    starts: list[int]
    order: list[int]


def gather(source: list[Any], rows: list[int]) -> list[Any]:
    return [source[row] for row in rows]


def scatter(values: list[Any], rows: list[int], out: list[Any]) -> list[Any]:
    """Return ``out`` with the values in their rows; of equal rows the last wins."""
    written = dict(zip(rows, values, strict=True))
    return [written.get(row, item) for row, item in enumerate(out)]


def exchange(values: list[Any], rows: list[int], out: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return what `scatter` does, and what each write found."""
    before, written = [], list(out)
    for row, value in zip(rows, values, strict=True):
        before.append(written[row])
        written[row] = value
    return written, before


def look_up(table: list[int], keys: list[int]) -> list[int]:
    """Return the codes at some keys, -1 for a key outside of the table."""
    return [table[key] if key in range(len(table)) else -1 for key in keys]


def fill_holes(holes: list[int], movers: list[int], out: list[Any]) -> list[Any]:
    return scatter([out[mover] for mover in movers], holes, out)


def add_up(values: list[Any], rows: list[int], out: list[Any]) -> list[Any]:
    """Return ``out`` with the values added in their rows, one after the other."""
    sums = [list(item) for item in out]
    for row, item in zip(rows, values, strict=True):
        sums[row] = [a + b for a, b in zip(sums[row], item, strict=True)]
    return sums


def is_increasing(rows: list[int]) -> bool:
    return rows == sorted(set(rows))


def first_repeat(rows: list[int]) -> int:
    """Return the first position whose row was there before, or -1."""
    repeats = [i for i, row in enumerate(rows) if row in rows[:i]]
    return repeats[0] if repeats else -1


def order_rows(rows: list[int]) -> Ordered:
    positions = sorted(range(len(rows)), key=rows.__getitem__)
    return Ordered([rows[position] for position in positions], positions)


def split_tail(rows: list[int], n_left: int) -> Pairs:
    tail = range(n_left, n_left + len(rows))
    return Pairs(
        holes=[row for row in rows if row < n_left],
        movers=[row for row in tail if row not in rows],
    )


def group_rows(keys: list[int], n_keys: int) -> Grouped:
    groups = [[i for i, key in enumerate(keys) if key == wanted] for wanted in range(n_keys)]
    starts = [0]
    for group in groups:
        starts.append(starts[-1] + len(group))
    return Grouped(starts, [i for group in groups for i in group])


class Numbered(NamedTuple):
    """The number of each item, and the distinct codes in the order of their numbers."""

    labels: list[int]
    order: list[int]


def number_codes(codes: list[int]) -> Numbered:
    order = list(dict.fromkeys(codes))
    return Numbered([order.index(code) for code in codes], order)
