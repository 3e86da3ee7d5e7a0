"""Components as the world stores them: strings as columns, and not one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.operations.write import get_columns
from ecs_columnar.schema import Component
from ecs_columnar.selection import Selected, select
from ecs_columnar.world import World


def stored(
    world: World,
    entities: NDArray[np.int64] | Selected,
    cls: type[Component],
    *,
    as_bytes: bool = False,
) -> Any:
    """Return a component of entities that have it; `World.get` would make a string for each.

    Parameters
    ----------
    world : World
    entities : int64 array, shape (n,), or Selected
    cls : type
    as_bytes : bool, optional
        Whether strings are bytes, however few there are.

    Returns
    -------
    Component
        Its strings are `Coded` or `Texts`, a view of those of the world until it changes.

    Raises
    ------
    ComponentNotFoundError, StaleHandleError
    """
    storage = world._storage
    component_type = storage.registry.of(cls)
    selection = select(storage, entities, "get components")
    found = cls.__new__(cls)
    columns = get_columns(storage, selection, component_type, as_bytes=as_bytes)
    for name, column in columns.items():
        setattr(found, name, column)
    return found
