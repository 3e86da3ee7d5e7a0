"""Entities as Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.extras import require
from ecs_columnar.frozen import thaw
from ecs_columnar.operations.write import named_codes
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Field
from ecs_columnar.selection import Selection
from ecs_columnar.storage import Storage
from ecs_columnar.strings import StringTable

if TYPE_CHECKING:
    import pyarrow as pa

_SECONDS: Final = {unit: unit for unit in ("s", "ms", "us", "ns")}
_UNITS: Final = {
    "M": _SECONDS | dict.fromkeys("YMWD", "D") | dict.fromkeys("hm", "s"),
    "m": _SECONDS | dict.fromkeys("WDhm", "s"),  # a month has no length
}
"""The unit in which Arrow holds times, by the kind and the unit of their dtype."""


def to_arrow(storage: Storage, selection: Selection, types: tuple[ComponentType, ...]) -> pa.Table:
    """Copy components of entities into an Arrow table; see `Query.to_arrow`."""
    require("make an Arrow table", ("pyarrow",), "arrow")
    import pyarrow as pa

    columns: dict[str, Any] = {"entity": pa.array(selection.handles)}
    for name, component_type, field, values in named_codes(storage, selection, types):
        if field.kind == "string":
            columns[name] = _dictionary(values, component_type.pools[field.name])
        elif field.kind == "object":
            columns[name] = _inferred(name, values)
        else:
            columns[name] = _numbers(name, field, values)
    return pa.table(columns)


def _dictionary(codes: NDArray[np.int32], pool: StringTable) -> Any:
    import pyarrow as pa

    used, indices = np.unique(codes, return_inverse=True)
    texts = pa.array(pool.decode(used).tolist(), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32)), texts)


def _inferred(name: str, values: NDArray[np.object_]) -> Any:
    import pyarrow as pa

    try:
        return pa.array([thaw(value) for value in values.tolist()])
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise _no_arrow(name, f"its values have no type in common: {error}") from error


def _numbers(name: str, field: Field, values: NDArray[Any]) -> Any:
    import pyarrow as pa

    flat = values.reshape(-1)
    try:
        array = pa.array(_in_units_of_arrow(flat) if flat.dtype.kind in "mM" else flat)
    except (pa.ArrowException, ValueError) as error:
        raise _no_arrow(name, str(error)) from error
    for length in reversed(field.shape):
        array = pa.FixedSizeListArray.from_arrays(array, length)
    return array


def _in_units_of_arrow(times: NDArray[Any]) -> NDArray[Any]:
    """Return times in a unit that Arrow has. ValueError where there is none for them."""
    kind, (unit, _) = times.dtype.kind, np.datetime_data(times.dtype)
    found = _UNITS[kind].get(unit)
    if found is None:
        raise ValueError(f"{times.dtype} has a unit that Arrow does not know")
    converted = times.astype(f"{kind}8[{found}]")
    if not np.array_equal(converted.astype(times.dtype), times, equal_nan=True):
        raise ValueError(f"some {times.dtype} are too far away for {converted.dtype}")
    return converted


def _no_arrow(name: str, reason: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        "terms",
        name,
        f"cannot give {name} to Arrow: {reason}; leave its component out, or use to_pandas",
    )
