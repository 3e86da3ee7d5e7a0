"""Columns as users have them: NumPy, pandas, Arrow, lists, or one value for all.

A gap (`pandas.NA`, None, an Arrow null, NaN among Python objects) means that an
item has no such property. NaN in an array of floats is a number. pandas and
pyarrow are recognised if they are loaded, and never imported here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import encoding
from ecs_columnar.coded import Coded
from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.extras import loaded
from ecs_columnar.services.columns import to_encoded, to_objects
from ecs_columnar.services.json_schema.field_column import FieldColumn, Taken
from ecs_columnar.services.json_schema.texts import TextColumn


def to_sequences(arrays: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Return columns that have a length, and of which some values can be taken by position.

    Raises
    ------
    InvalidArgumentError
        When one is not of length ``n``.
    """
    return {name: _to_sequence(name, arrays[name], n) for name in arrays}


def take_column(column: FieldColumn, given: Any) -> Taken:
    """Take a property from a column of `to_sequences`."""
    if isinstance(column, TextColumn):
        categories = given if isinstance(given, Coded) else _categories(given)
        if categories is not None:
            return column.take_coded(categories)
        strings = to_encoded(given)
        if strings is not None:
            return column.take_encoded(strings)
    numbers, is_gap = _numbers(given)
    if numbers is None:
        return column.take(to_values(given, column.missing))
    if is_gap is None or not is_gap.any():
        return column.take_array(numbers)
    return column.take_gappy(numbers, is_gap)


def to_values(given: Any, missing: Any) -> list[Any]:
    """Return the Python values of a column of `to_sequences`, `missing` in its gaps."""
    numbers, is_gap = _numbers(given)
    if numbers is None:
        return _without_gaps(_to_list(given), missing)
    values: list[Any] = numbers.tolist()
    if is_gap is not None:
        for i in np.flatnonzero(is_gap).tolist():
            values[i] = missing
    return values


def _to_sequence(name: str, given: Any, n: int) -> Any:
    pandas = loaded("pandas")
    if pandas and isinstance(given, pandas.Series | pandas.Index):
        given = given.array
    if isinstance(given, str | bytes | Mapping) or not hasattr(given, "__len__"):
        return [given] * n
    if isinstance(given, np.ndarray) and given.ndim == 0:
        return [given.item()] * n
    if len(given) != n:
        raise InvalidArgumentError(
            name,
            given,
            f"cannot use {name}: it has {len(given)} values, the batch has {n} items; give one "
            "value, or one an item",
        )
    is_array = any(hasattr(given, each) for each in ("dtype", "tolist", "to_pylist"))
    return given if is_array or isinstance(given, Sequence) else list(given)


def _numbers(given: Any) -> tuple[NDArray[Any] | None, NDArray[np.bool_] | None]:
    """Return an array of numbers or booleans, and where its gaps are; None if it is no such."""
    pandas, pyarrow = loaded("pandas"), loaded("pyarrow")
    if pandas and isinstance(given, pandas.arrays.NumpyExtensionArray):
        given = given.to_numpy()
    if isinstance(given, np.ndarray):
        return (given, None) if given.ndim == 1 and given.dtype.kind in "biuf" else (None, None)
    if pandas and isinstance(
        given,
        pandas.arrays.IntegerArray | pandas.arrays.FloatingArray | pandas.arrays.BooleanArray,
    ):
        return given.to_numpy(given.dtype.numpy_dtype, na_value=0), np.asarray(given.isna())
    if pandas and isinstance(given, pandas.arrays.ArrowExtensionArray):
        given = given.__arrow_array__()
    if pyarrow and isinstance(given, pyarrow.Array | pyarrow.ChunkedArray):
        return _arrow_numbers(given)
    return None, None


def _arrow_numbers(given: Any) -> tuple[NDArray[Any] | None, NDArray[np.bool_] | None]:
    pyarrow = sys.modules["pyarrow"]
    types, kind = pyarrow.types, given.type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        return None, None
    if isinstance(given, pyarrow.ChunkedArray):
        given = given.combine_chunks()
    zero = pyarrow.scalar(0).cast(kind)
    filled = given.fill_null(zero) if given.null_count else given
    is_gap = given.is_null().to_numpy(zero_copy_only=False) if given.null_count else None
    return filled.to_numpy(zero_copy_only=False), is_gap


def _categories(given: Any) -> Coded | None:
    """Return categories, None in gaps; None if they are none."""
    pandas, pyarrow = loaded("pandas"), loaded("pyarrow")
    if pandas and isinstance(given, pandas.Categorical):
        return _coded(given.codes, given.categories.tolist())
    if pandas and isinstance(given, pandas.arrays.ArrowExtensionArray):
        given = given.__arrow_array__()
    if not (pyarrow and isinstance(given, pyarrow.Array | pyarrow.ChunkedArray)):
        return None
    if not pyarrow.types.is_dictionary(given.type):
        return None
    if isinstance(given, pyarrow.ChunkedArray):
        given = given.unify_dictionaries().combine_chunks()
    codes = given.indices.cast(pyarrow.int64()).fill_null(-1).to_numpy()
    return _coded(codes, given.dictionary.to_pylist())


def _coded(codes: NDArray[Any], texts: list[Any]) -> Coded:
    if not texts or codes.min(initial=0) < 0:
        codes, texts = np.where(codes < 0, len(texts), codes), [*texts, None]
    return Coded(codes.astype(np.intp), to_objects(texts))


def _to_list(given: Any) -> list[Any]:
    if isinstance(given, list):
        return given
    if hasattr(given, "tolist") or hasattr(given, "to_pylist"):
        return encoding.to_objects(given)
    values: list[Any] = given.to_list() if hasattr(given, "to_list") else list(given)
    return values


def _without_gaps(values: list[Any], missing: Any) -> list[Any]:
    """Put ``missing`` where there is none, another list unless all are there."""
    pandas = loaded("pandas")
    nothing = (pandas.NA, pandas.NaT) if pandas else ()
    if set(map(type, values)).isdisjoint({NoneType, float, np.float64, *map(type, nothing)}):
        return values
    return [
        missing
        if value is None
        or (isinstance(value, float) and value != value)
        or any(value is each for each in nothing)
        else value
        for value in values
    ]
