"""Entities as the items of a batch name them: by id or by handle, one by one.

Where the core refuses a batch that names an unknown entity, a service says
which item does.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.dtypes import HANDLE, INDEX_MASK, NO_ENTITY
from ecs_columnar.errors import EntityNotFoundError, InvalidArgumentError, StaleHandleError
from ecs_columnar.handles import HasHandle
from ecs_columnar.names import format_handle
from ecs_columnar.services.columns import Column, to_list
from ecs_columnar.world import World

_INTEGERS: Final = (int, np.integer)


def is_handle(value: object) -> bool:
    """Tell whether a value is a handle: an integer that is no boolean."""
    return isinstance(value, _INTEGERS) and not isinstance(value, (bool, np.bool_))


def is_text(value: object) -> bool:
    """Tell whether a value is a string that is not blank."""
    return isinstance(value, str) and bool(value.strip())


def is_id(value: object) -> bool:
    """Tell whether a value can name an entity."""
    return is_text(value) or is_handle(value) or isinstance(value, HasHandle)


def find_entities(world: World, column: Column) -> NDArray[np.int64]:
    """Return the entity that each value names, 0 where there is none.

    Parameters
    ----------
    world : World
    column : list, or NumPy, pandas or pyarrow array
        Ids, handles, entities, and whatever else.

    Returns
    -------
    int64 array, shape (n,)
        Handles of living entities, and 0.
    """
    if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
        return _living(world, column)
    if not isinstance(column, (list, np.ndarray)):
        try:
            return world.ids.find(column)
        except InvalidArgumentError:
            pass
    values = to_list(column)
    if len(values) == 1:
        return np.array([find_one(world, values[0])], HANDLE)
    types = set(map(type, values))
    if types == {str}:
        return world.ids.find(values)
    if types == {int}:
        try:
            return _living(world, np.array(values))
        except OverflowError:
            pass
    return _find_mixed(world, values)


def find_one(world: World, value: Any) -> int:
    """Return the entity that one value names, 0 where there is none."""
    if isinstance(value, str):
        try:
            return world.ids[value]
        except EntityNotFoundError:
            return NO_ENTITY
    if isinstance(value, HasHandle):
        value = value.handle if value._storage is world._storage else NO_ENTITY
    return int(value) if is_handle(value) and int(value) in world else NO_ENTITY


def not_found(value: object, parameter: str, verb: str) -> Exception:
    """Make the error for a value that names no living entity."""
    if isinstance(value, str) and value.strip():
        return EntityNotFoundError(
            f"cannot {verb}: no entity has the id {value!r}; ask with {value!r} in world.ids",
            instance_id=value,
            instance_ids=(value,),
        )
    if isinstance(value, HasHandle):
        value = value.handle
    if is_handle(value):
        handle = int(value)  # type: ignore[call-overload]  # an integer
        return StaleHandleError(
            f"cannot {verb}: entity {format_handle(handle)} is dead or not of this world",
            entities=np.array([handle]),
        )
    return InvalidArgumentError(
        parameter,
        value,
        f"cannot {verb}: {value!r} is no {parameter}; give an id that is not blank, or a handle",
    )


def are_first(entities: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which entities are there for the first time. O(entities)."""
    return are_last(entities[::-1])[::-1]


def are_last(entities: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which entities are there for the last time. O(entities)."""
    n = entities.shape[0]
    if n < 2:
        return np.ones(n, np.bool_)
    indices, rows = entities & INDEX_MASK, np.arange(n)
    row_of = np.empty(int(indices.max()) + 1, np.intp)
    row_of[indices] = rows
    return np.asarray(row_of[indices] == rows)


def _living(world: World, handles: NDArray[Any]) -> NDArray[np.int64]:
    if handles.dtype.kind == "u" and handles.size and handles.max() > np.iinfo(HANDLE).max:
        handles = np.where(handles > np.iinfo(HANDLE).max, NO_ENTITY, handles)
    # A copy: what was given may be written later, or show who is in a place now.
    handles = np.array(handles, HANDLE, order="C")
    is_alive = world.alive(handles)
    return handles if is_alive.all() else np.where(is_alive, handles, NO_ENTITY)


def _find_mixed(world: World, values: list[Any]) -> NDArray[np.int64]:
    found = np.full(len(values), NO_ENTITY, HANDLE)
    texts = [i for i, value in enumerate(values) if isinstance(value, str)]
    if texts:
        found[texts] = world.ids.find([values[i] for i in texts])
    for i, value in enumerate(values):
        if not isinstance(value, str):
            found[i] = find_one(world, value)
    return found
