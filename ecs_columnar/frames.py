"""Entities as pandas frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecs_columnar.operations.write import named_codes
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Field
from ecs_columnar.selection import Selection
from ecs_columnar.storage import Storage
from ecs_columnar.strings import StringTable


def to_frame(
    storage: Storage, selection: Selection, types: tuple[ComponentType, ...]
) -> pd.DataFrame:
    """Copy components of entities into a DataFrame; see `Query.to_pandas`."""
    columns: dict[str, Any] = {}
    for name, component_type, field, values in named_codes(storage, selection, types):
        if field.kind == "string":
            columns[name] = _categorical(values, component_type.pools[field.name])
        else:
            columns.update(_scalars(name, field, values))
    return pd.DataFrame(columns, index=pd.Index(selection.handles, name="entity"))


def _categorical(codes: NDArray[np.int32], pool: StringTable) -> pd.Categorical:
    used, inverse = np.unique(codes, return_inverse=True)
    return pd.Categorical.from_codes(inverse, categories=pd.Index(pool.decode(used)))


def _scalars(name: str, field: Field, values: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    if not field.shape:
        yield name, values
        return
    for element in np.ndindex(field.shape):
        place = ", ".join(map(str, element))
        yield f"{name}[{place}]", values[(slice(None), *element)]
