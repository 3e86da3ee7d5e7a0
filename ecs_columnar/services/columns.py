"""Columns as users give them: of pandas, Arrow or NumPy, or lists.

A column is cut with a slice and counted with ``len``; the rest is here.
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from importlib.util import find_spec
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import encoding, kernels
from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.encoding import encode, is_missing
from ecs_columnar.errors import EcsColumnarError
from ecs_columnar.extras import loaded
from ecs_columnar.strings import StringTable

Column: TypeAlias = Any
"""A list, a NumPy or pandas array, or a pyarrow array."""


_TEXTS: Final = ("string", "large_string")
_NEVER_MISSING: Final = frozenset({str, int, bool, dict, list})


def as_column(values: Any) -> Column:
    """Return values in a form that can be cut with a slice, without a copy where possible.

    Raises
    ------
    TypeError
        When they are no sequence.
    """
    pandas = loaded("pandas")
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
    if isinstance(values, (str, bytes, Mapping, Set)) or not hasattr(values, "__len__"):
        raise TypeError(f"it is a {type(values).__name__}")
    if str(getattr(values, "type", "")).startswith("dictionary<values=null"):
        # Of a dictionary of nothing pyarrow tells no gaps: the process ends.
        return sys.modules["pyarrow"].nulls(len(values))
    if hasattr(values, "to_arrow"):  # of polars
        return values.to_arrow() if find_spec("pyarrow") else values.to_list()
    is_array = hasattr(values, "__getitem__") and (
        hasattr(values, "dtype") or hasattr(values, "to_pylist")
    )
    return values if is_array else list(values)


def constant(value: Any, n: int) -> NDArray[Any]:
    """Return a column of one value ``n`` times, which takes the memory of one."""
    one = np.asarray(value) if isinstance(value, (int, float, np.generic)) else None
    if one is None or one.dtype.kind in "OUS":
        one = np.empty((), object)
        one[()] = value
    return np.broadcast_to(one, n)


def to_list(column: Column) -> list[Any]:
    """Return the values of a column as Python objects."""
    if isinstance(column, list):
        return column
    has_method = hasattr(column, "to_pylist") or hasattr(column, "tolist")
    return list(encoding.to_objects(column) if has_method else column)


def to_objects(column: Column) -> NDArray[Any]:
    """Return the values of a column as an object array; each category is made once."""
    if isinstance(column, np.ndarray) and column.dtype == object:
        return column
    if isinstance(column, Coded):
        return column.objects()
    if are_categories(column):
        codes, values = factorize(column)
        return to_objects(values)[codes]
    values = column.texts() if isinstance(column, Encoded) else to_list(column)
    array = np.empty(len(values), object)
    array[:] = values
    return array


def take(column: Column, rows: NDArray[np.intp]) -> Column:
    """Return some values of a column."""
    if isinstance(column, Sequence):
        return [column[i] for i in rows.tolist()]
    if hasattr(column, "to_pylist"):
        if "string_view" in str(column.type):  # of which pyarrow takes none
            column = column.cast("large_string")
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


def are_all(values: Sequence[Any], cls: type) -> bool:
    """Tell whether all values are of one type and no subclass: half the time of a set of types."""
    return [*map(type, values)].count(cls) == len(values)


def is_whole(column: Column) -> bool:
    """Tell whether a column surely has all its values, without looking at each: False is unsure."""
    if isinstance(column, Coded):
        return not are_missing(column.texts.tolist()).any()
    if isinstance(column, np.ndarray):
        return column.dtype.kind in "biuUST"
    if isinstance(column, Texts):
        return column.encoded.missing is None
    # What lies within others counts its own gaps, and a dictionary as well.
    kind = getattr(column, "type", None)
    is_flat = getattr(kind, "num_fields", 1) == 0 and "dictionary" not in str(kind)
    return is_flat and getattr(column, "null_count", None) == 0


def are_missing(column: Column) -> NDArray[np.bool_]:
    """Tell which values of a column are not there."""
    if is_whole(column):
        return np.zeros(len(column), np.bool_)
    if isinstance(column, Coded):
        return are_missing(column.texts.tolist())[column.codes]
    if isinstance(column, Texts):
        return np.asarray(column.encoded.missing)
    if isinstance(column, np.ndarray) and column.size > 1 and column.strides == (0,):
        return np.repeat(are_missing(column[:1]), column.shape[0])
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        return np.isnan(column)
    if hasattr(column, "is_null"):
        return np.asarray(column.is_null())
    if hasattr(column, "isna"):
        return np.asarray(column.isna())
    values = to_list(column)
    if set(map(type, values)) <= _NEVER_MISSING:
        return np.zeros(len(values), np.bool_)
    return np.fromiter(map(is_missing, values), np.bool_, len(values))


def filled(column: Column, value: object) -> Column:
    """Return a column with a value where it has none; the column itself where it has all."""
    gaps = are_missing(column)
    if not gaps.any():
        return column
    pairs = zip(gaps.tolist(), to_list(column), strict=True)
    return [value if is_gap else given for is_gap, given in pairs]


def are_categories(column: Column) -> bool:
    """Tell whether `factorize` looks at each distinct value of a column only once."""
    return (
        isinstance(column, (Coded, Texts))
        or hasattr(column, "categories")
        or hasattr(column, "dictionary_encode")
    )


def to_encoded(column: Column) -> Encoded | None:
    """Return strings that are bytes, without a copy; None of any other column."""
    if isinstance(column, (Coded, Texts)):
        return encode(column, missing=True)
    kind = str(getattr(column, "type", ""))
    if not hasattr(column, "dictionary_encode") and "dictionary" not in kind:
        return None
    if not kind.removeprefix("dictionary<values=").startswith(_TEXTS):
        return None
    try:
        return encode(column, missing=True)
    except EcsColumnarError:  # it is not UTF-8, and whoever looks at the items says so
        return None


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
    if isinstance(column, Coded):
        coded = column.distinct()
        return coded.codes, coded.texts.tolist()
    if isinstance(column, Texts):
        table = StringTable()
        found, _ = table.intern(column.encoded)
        values = table.decode(table.live_codes()).tolist()
        if column.encoded.missing is not None:
            return _renumbered(found.astype(np.intp), values)
        return found.astype(np.intp), values
    if hasattr(column, "dictionary_encode"):
        try:
            encoded = column.dictionary_encode()
            encoded = encoded.combine_chunks() if hasattr(encoded, "chunks") else encoded
        except NotImplementedError:  # Arrow tells no structures apart, nor joins no nulls
            return factorize(column.to_pylist())
        indices = encoded.indices.cast("int64").fill_null(-1).to_numpy()
        return _renumbered(indices.astype(np.intp), encoded.dictionary.to_pylist())
    if hasattr(column, "categories"):
        return _renumbered(np.asarray(column.codes, np.intp), list(column.categories))
    if isinstance(column, np.ndarray) and column.size and column.strides == (0,):
        return np.zeros(column.shape[0], np.intp), column[:1].tolist()
    values = to_list(column)
    try:
        return factorize_list(values)
    except TypeError:
        codes, keys = factorize_all(map(_key, values))
    return codes, [key.value if isinstance(key, _Unhashable) else key for key in keys]


def false_rows(flags: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return where flags are False; mostly all are, which takes a third of the time of looking."""
    return np.flatnonzero(~flags) if flags.any() else np.arange(flags.shape[0])


def grouped(codes: NDArray[np.intp]) -> list[tuple[int, NDArray[np.intp]]]:
    """Return each code that occurs, rising, with its rows in order.

    O(rows), unless codes are much greater than there are rows.
    """
    n = codes.shape[0]
    if n < 2:
        return [(int(code), np.zeros(1, np.intp)) for code in codes]
    greatest = int(codes.max())
    if greatest > 4 * n + 1024:
        distinct, small = np.unique(codes, return_inverse=True)
        return [(int(distinct[code]), rows) for code, rows in grouped(small.astype(np.intp))]
    starts, order = np.zeros(greatest + 2, np.intp), np.empty(n, np.intp)
    kernels.rows.group_rows(codes, starts, order)
    found = np.flatnonzero(np.diff(starts)).tolist()
    return [(code, order[starts[code] : starts[code + 1]]) for code in found]


def _renumbered(codes: NDArray[np.intp], values: list[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    coded = Coded(np.where(codes < 0, len(values), codes), to_objects([*values, None])).distinct()
    return coded.codes, coded.texts.tolist()


def factorize_list(values: list[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    """Give the distinct values of a list numbers, as `factorize` does.

    Often there is one: to count it takes a fifth of the time of the others.

    Raises
    ------
    TypeError
        When one is unhashable.
    """
    if values and type(values[0]) is str and values.count(values[0]) == len(values):
        return np.zeros(len(values), np.intp), values[:1]
    return factorize_all(values)


def factorize_all(values: Iterable[Hashable]) -> tuple[NDArray[np.intp], list[Any]]:
    """Give the distinct values of an iterable numbers, as `factorize` does.

    They are not kept. All is in C: half the time of a set and look-ups in a dict
    that is made of it.
    """
    table: defaultdict[Any, int] = defaultdict(itertools.count().__next__)
    codes = np.fromiter(map(table.__getitem__, values), np.intp)
    return codes, list(table)


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
