"""Columns as users give them: of pandas, Arrow or NumPy, or lists.

A column is cut with a slice and counted with ``len``; the rest is here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels

Column: TypeAlias = Any
"""A list, a NumPy or pandas array, or a pyarrow array."""


def as_column(values: Any) -> Column:
    """Return values in a form that can be cut with a slice, without a copy where possible.

    Raises
    ------
    TypeError
        When they are no sequence.
    """
    pandas = sys.modules.get("pandas")
    if pandas and isinstance(values, pandas.Series | pandas.Index):
        values = values.array
    if pandas and isinstance(values, pandas.arrays.NumpyExtensionArray):
        return values.to_numpy()
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise TypeError(f"it has shape {values.shape}")
        return values
    if isinstance(values, list):
        return values
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError(f"it is a {type(values).__name__}")
    if hasattr(values, "__getitem__") and (hasattr(values, "dtype") or hasattr(values, "type")):
        return values.to_arrow() if hasattr(values, "to_arrow") else values
    return list(values)


def to_list(column: Column) -> list[Any]:
    """Return the values of a column as Python objects."""
    if isinstance(column, list):
        return column
    for name in ("to_pylist", "tolist"):
        method = getattr(column, name, None)
        if method is not None:
            return list(method())
    return list(column)


def take(column: Column, rows: NDArray[np.intp]) -> Column:
    """Return some values of a column."""
    if isinstance(column, list):
        return [column[i] for i in rows.tolist()]
    if hasattr(column, "to_pylist"):
        return column.take(sys.modules["pyarrow"].array(rows))
    return column[rows]


def at(column: Column, i: int) -> Any:
    """Return one value of a column as a Python object."""
    value = column[i]
    for name in ("as_py", "item"):
        method = getattr(value, name, None)
        if method is not None:
            return method()
    return value


def is_missing(value: object) -> bool:
    """Tell whether a value says that there is none: None, NaN or `pandas.NA`."""
    if value is None or (isinstance(value, float) and value != value):
        return True
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def are_missing(column: Column) -> NDArray[np.bool_]:
    """Tell which values of a column are not there."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "biuUST":
        return np.zeros(len(column), np.bool_)
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return np.isnan(column)
    if hasattr(column, "is_null"):
        return np.asarray(column.is_null())
    if hasattr(column, "isna"):
        return np.asarray(column.isna())
    if not isinstance(column, np.ndarray) and not set(map(type, column)) - {str}:
        return np.zeros(len(column), np.bool_)
    return np.fromiter(map(is_missing, column), np.bool_, len(column))


def factorize(column: Column) -> tuple[NDArray[np.intp], list[Any]]:
    """Give the distinct values of a column numbers, in the order in which they first occur.

    Categories and Arrow dictionaries are looked at once each. Unhashable values
    are distinct from all others.

    Returns
    -------
    codes : intp array, shape (n,)
    values : list
        By code. None stands for what is missing.
    """
    if hasattr(column, "dictionary_encode"):
        column = column.dictionary_encode()
        column = column.combine_chunks() if hasattr(column, "chunks") else column
        indices = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return _renumbered(indices.astype(np.intp), column.dictionary.to_pylist())
    if hasattr(column, "categories"):
        return _renumbered(np.asarray(column.codes, np.intp), list(column.categories))
    return _factorized(to_list(column))


def grouped(codes: NDArray[np.intp]) -> list[tuple[int, NDArray[np.intp]]]:
    """Return each code that occurs, rising, with its rows in order.

    O(rows), unless codes are much greater than there are rows.
    """
    n = codes.shape[0]
    if not n:
        return []
    greatest = int(codes.max())
    if greatest > 4 * n + 1024:
        distinct, small = np.unique(codes, return_inverse=True)
        return [(int(distinct[code]), rows) for code, rows in grouped(small.astype(np.intp))]
    starts, order = np.zeros(greatest + 2, np.intp), np.empty(n, np.intp)
    kernels.rows.group_rows(codes, starts, order)
    found = np.flatnonzero(np.diff(starts)).tolist()
    return [(code, order[starts[code] : starts[code + 1]]) for code in found]


def _renumbered(codes: NDArray[np.intp], values: list[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    codes = np.where(codes < 0, len(values), codes)
    return codes, [*values, None]


def _factorized(values: Sequence[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    try:
        table = dict.fromkeys(values)
    except TypeError:
        table = dict.fromkeys(map(_key, values))
        values = list(map(_key, values))
    if len(set(map(type, table))) > 1:  # True and 1 are equal, and not the same
        values = [(type(value), value) for value in values]
        table = dict.fromkeys(values)
        distinct = [key[1] for key in table]
    else:
        distinct = list(table)
    for code, value in enumerate(table):
        table[value] = code
    codes = np.fromiter(map(table.__getitem__, values), np.intp, len(values))
    return codes, [value.value if isinstance(value, _Unhashable) else value for value in distinct]


class _Unhashable:
    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


def _key(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return _Unhashable(value)
    return value
