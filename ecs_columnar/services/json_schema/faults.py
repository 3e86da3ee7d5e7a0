"""What is wrong with data of a flat schema: the reference is asked once of those alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.services.json_schema.field_column import FieldColumn, Taken
from ecs_columnar.services.json_schema.kinds import ABSENT

Misfits = tuple[str, ...] | None
"""The properties of a datum that do not fit; None where that is not known."""

_MOST_BITS: Final = 62
"""Properties that are told by a bit each."""

_SCALARS: Final = frozenset({str, int, float, bool, type(None), type(ABSENT)})


def name_misfits(
    columns: Sequence[FieldColumn], taken: Sequence[Taken], rows: NDArray[np.intp]
) -> Sequence[Misfits]:
    """Name the properties of some items that do not fit.

    Parameters
    ----------
    columns : sequence of FieldColumn
    taken : sequence of Taken
        What each of them has taken.
    rows : intp array, shape (k,)
    """
    if len(columns) > _MOST_BITS:
        return [None] * rows.shape[0]
    bits = np.zeros(rows.shape[0], np.int64)
    for k, each in enumerate(taken):
        is_bad = each.is_bad if isinstance(each.is_bad, bool) else each.is_bad[rows]
        bits |= np.left_shift(is_bad, k, dtype=np.int64)
    numbers = bits.tolist()
    names = {
        number: tuple(column.name for k, column in enumerate(columns) if number >> k & 1)
        for number in set(numbers)
    }
    return [names[number] for number in numbers]


def find_faults(
    data: Sequence[Any], misfits: Sequence[Misfits], ask: Callable[[Any], list[str]]
) -> list[list[str]]:
    """Return what is wrong with data, a line each.

    What the reference says depends on which properties there are, and on the values of
    those that do not fit.

    Parameters
    ----------
    data : sequence, length k
    misfits : sequence of Misfits, length k
    ask : callable
        Takes a datum, and returns what is wrong with it.
    """
    seen: dict[Any, list[str]] = {}
    found = []
    for each, names in zip(data, misfits, strict=True):
        likeness = _likeness(each, names) if names else None
        lines = None if likeness is None else seen.get(likeness)
        if lines is None:
            lines = ask(each)
            if likeness is not None:
                seen[likeness] = lines
        found.append(lines)
    return found


def _likeness(data: Any, misfits: tuple[str, ...]) -> tuple[Any, ...] | None:
    """Return what of a datum decides what is wrong with it; None if that may be all of it."""
    if type(data) is not dict:
        return None
    values = [data.get(name, ABSENT) for name in misfits]
    types = tuple(map(type, values))
    if not _SCALARS.issuperset(types):
        return None
    # Of floats what they read as: 0.0 is equal to -0.0, and NaN to nothing. Of others
    # the values: no text is copied, and integers may be too long to be written.
    exact = [repr(value) if type(value) is float else value for value in values]
    return *data, misfits, types, *exact
