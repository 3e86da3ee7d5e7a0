"""Properties as columns of a DataFrame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.services.json_schema.forms import NULL
from ecs_columnar.services.plain import thaw


def to_array(
    values: NDArray[Any], forms: NDArray[np.uint8], name: str, rest: dict[int, dict[str, Any]]
) -> Any:
    """Return a property as an array that pandas takes as it is.

    Parameters
    ----------
    values : array, shape (n,)
    forms : uint8 array, shape (n,)
    name : str
        Of the property.
    rest : dict of int to dict
        What lies beside the columns, by item.

    Returns
    -------
    array, shape (n,)
        ``values``; where there are gaps, a nullable array of pandas, or objects
        with None in the gaps.
    """
    odd = {i: more[name] for i, more in rest.items() if name in more}
    is_gap = forms >= NULL
    if values.dtype == object or odd:
        return _objects(values, is_gap, odd)
    return _nullable(values, is_gap) if is_gap.any() else values


def to_extra_array(name: str, rest: dict[int, dict[str, Any]], n: int) -> NDArray[np.object_]:
    """Return a property that lies beside the columns, None where an item lacks it."""
    odd = {i: more[name] for i, more in rest.items() if name in more}
    return _objects(np.empty(n, object), np.ones(n, np.bool_), odd)


def _objects(
    values: NDArray[Any], is_gap: NDArray[np.bool_], odd: dict[int, Any]
) -> NDArray[np.object_]:
    objects = np.fromiter((thaw(value) for value in values.tolist()), object, len(values))
    objects[is_gap] = None
    for i, value in odd.items():
        objects[i] = value
    return objects


def _nullable(values: NDArray[Any], is_gap: NDArray[np.bool_]) -> Any:
    import pandas as pd

    arrays = {"i": pd.arrays.IntegerArray, "f": pd.arrays.FloatingArray}
    return arrays.get(values.dtype.kind, pd.arrays.BooleanArray)(values, is_gap)
