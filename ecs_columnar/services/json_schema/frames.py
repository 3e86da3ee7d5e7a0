"""Properties as columns of a DataFrame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.services.columns import to_objects
from ecs_columnar.services.json_schema.forms import NULL
from ecs_columnar.services.plain import thaw


def to_array(
    values: Any, forms: NDArray[np.uint8], name: str, rest: dict[int, dict[str, Any]]
) -> Any:
    """Return a property as an array that pandas takes as it is.

    Parameters
    ----------
    values : array, Coded or Texts, shape (n,)
    forms : uint8 array, shape (n,)
    name : str
        Of the property.
    rest : dict of int to dict
        What lies beside the columns, by item.

    Returns
    -------
    array, Coded or Texts, shape (n,)
        ``values``; where there are gaps, a nullable array of pandas, or objects
        or strings with None in the gaps.
    """
    odd = {i: more[name] for i, more in rest.items() if name in more}
    is_gap = forms >= NULL
    if isinstance(values, (Coded, Texts)):
        return _objects(values, is_gap, odd) if odd else with_gaps(values, is_gap)
    if values.dtype == object or odd:
        return _objects(values, is_gap, odd)
    return _nullable(values, is_gap) if is_gap.any() else values


def to_extra_array(name: str, rest: dict[int, dict[str, Any]], n: int) -> NDArray[np.object_]:
    """Return a property that lies beside the columns, None where an item lacks it."""
    odd = {i: more[name] for i, more in rest.items() if name in more}
    return _objects(np.empty(n, object), np.ones(n, np.bool_), odd)


def with_gaps(column: Coded | Texts, is_gap: NDArray[np.bool_]) -> Coded | Texts:
    """Return strings without those in the gaps; the column itself if there are none."""
    if not is_gap.any():
        return column
    if isinstance(column, Coded):
        codes = np.where(is_gap, column.texts.shape[0], column.codes)
        return Coded(codes, to_objects([*column.texts.tolist(), None]))
    starts, ends = column.encoded.starts, column.encoded.ends
    return Texts(Encoded(column.encoded.data, starts, np.where(is_gap, starts, ends), is_gap))


def _objects(
    values: NDArray[Any] | Coded | Texts, is_gap: NDArray[np.bool_], odd: dict[int, Any]
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
