"""What users give for entities, as handles.

A handle, an id, an entity object, a query, or many of one of them: all become
a contiguous int64 array here, and errors about them are worded here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.dtypes import HANDLE, NO_ENTITY
from ecs_columnar.errors import (
    DuplicateEntityError,
    EntityNotFoundError,
    InvalidArgumentError,
    StaleHandleError,
    first_three,
)
from ecs_columnar.names import format_handle
from ecs_columnar.storage import Storage
from ecs_columnar.strings import encode


class HasHandle:
    """One entity, as the scalar API hands it out."""

    __slots__ = ("_storage", "handle")
    _storage: Storage
    handle: int


class HasHandles:
    """Many entities that know their handles themselves, such as a query."""

    __slots__ = ("_storage",)
    _storage: Storage

    def handles(self) -> NDArray[np.int64]:
        """Return the handles of all of them."""
        raise NotImplementedError


def is_one(entities: object) -> bool:
    """Tell whether a single entity is meant, so that a scalar is handed back."""
    return isinstance(entities, (str, int, np.integer, HasHandle))


def to_handles(storage: Storage, entities: Any) -> NDArray[np.int64]:
    """Turn handles, ids or entities into a contiguous array of handles.

    Returns
    -------
    int64 array, shape (n,)
        The array that was given, where it is one; not checked for being alive.

    Raises
    ------
    EntityNotFoundError
        When an id is unknown.
    InvalidArgumentError
        When it is none of those.
    """
    if isinstance(entities, np.ndarray) and entities.dtype == HANDLE and entities.ndim == 1:
        return np.ascontiguousarray(entities)
    if isinstance(entities, str):
        return np.array([find_id(storage, entities)], HANDLE)
    if isinstance(entities, HasHandle):
        return np.array([_handle_of(storage, entities)], HANDLE)
    if isinstance(entities, HasHandles):
        refuse_foreign(storage, entities, "use entities")
        return entities.handles()
    if isinstance(entities, (list, tuple)) and entities and isinstance(entities[0], HasHandle):
        entities = [_handle_of(storage, entity) for entity in entities]
    if _are_strings(entities):
        return find_ids(storage, entities)
    return as_handles(entities, parameter="entities")


def as_handles(values: Any, *, parameter: str) -> NDArray[np.int64]:
    """Turn integers into an array of handles.

    Raises
    ------
    InvalidArgumentError
        When they are not integers.
    """
    array = np.asarray(values)
    if array.size == 0 and array.ndim == 1:
        return np.empty(0, HANDLE)
    if array.dtype.kind not in "iu" or array.ndim > 1:
        raise InvalidArgumentError(
            parameter,
            values,
            f"cannot use {array.dtype} of shape {array.shape} as {parameter}; give int64 handles "
            "or strings or entities, all of one kind",
        )
    return np.ascontiguousarray(np.atleast_1d(array), HANDLE)


def find_id(storage: Storage, instance_id: str) -> int:
    """Return the handle of the entity with this id.

    Raises
    ------
    EntityNotFoundError
        When there is none.
    """
    handle = storage.names.handle_of_text(instance_id)
    if handle == NO_ENTITY:
        raise _unknown((instance_id,), 1)
    return handle


def find_ids(storage: Storage, ids: Any) -> NDArray[np.int64]:
    """Return the handles of the entities with these ids.

    Raises
    ------
    EntityNotFoundError
        When an id is unknown.
    """
    encoded = encode(ids, parameter="entities")
    handles = storage.names.handles_of(storage.symbols.find(encoded))
    if not handles.all():
        unknown = np.flatnonzero(handles == 0)
        missing = tuple(map(str, encoded.take(unknown).texts()))
        raise _unknown(missing, handles.shape[0])
    return handles


def refuse_dead(storage: Storage, handles: NDArray[np.int64], verb: str) -> None:
    """Raise when a handle is of no living entity.

    Raises
    ------
    StaleHandleError
    """
    is_alive = np.empty(handles.shape[0], np.bool_)
    records = storage.entities.records
    if kernels.entities.are_alive(handles, records, is_alive) < handles.shape[0]:
        raise stale(handles[~is_alive], handles.shape[0], verb)


def refuse_foreign(storage: Storage, entities: HasHandles, verb: str) -> None:
    """Raise when a query is of another world.

    Raises
    ------
    InvalidArgumentError
    """
    if entities._storage is not storage:
        raise InvalidArgumentError(
            "entities",
            entities,
            f"cannot {verb}: the query is of another world; make it anew with world.query(...)",
        )


def stale(dead: NDArray[np.int64], n: int, verb: str) -> StaleHandleError:
    """Make the error for handles of no living entity."""
    return StaleHandleError(
        f"cannot {verb}: {dead.shape[0]} of {n} entities are dead or not of this world "
        f"({first_three(map(format_handle, dead[:4]))}); "
        "keep the live ones with entities[world.alive(entities)]",
        entities=dead,
    )


def duplicate(handles: NDArray[np.int64], verb: str) -> DuplicateEntityError:
    """Make the error for handles of which some are there twice."""
    distinct, first, counts = np.unique(handles, return_index=True, return_counts=True)
    repeated = first[counts > 1]
    repeated.sort()
    shown = handles[repeated]
    return DuplicateEntityError(
        f"cannot {verb}: {shown.shape[0]} of {distinct.shape[0]} entities are there more than "
        f"once ({first_three(map(format_handle, shown[:4]))}); make them distinct with "
        "numpy.unique(entities)",
        entity_id=int(shown[0]),
        entity_ids=tuple(shown.tolist()),
    )


def _unknown(missing: tuple[str, ...], n: int) -> EntityNotFoundError:
    return EntityNotFoundError(
        f"cannot find {len(missing)} of {n} entities by their ids "
        f"({first_three(map(repr, missing))}); "
        "keep the known ones with [id for id in ids if id in world.ids]",
        instance_id=missing[0],
        instance_ids=missing,
    )


def _handle_of(storage: Storage, entity: Any) -> int:
    if isinstance(entity, HasHandle):
        if entity._storage is not storage:
            raise StaleHandleError(
                f"cannot use entity {format_handle(entity.handle)}: it is of another world; "
                "find it in this one by its id",
                entities=np.array([entity.handle], HANDLE),
            )
        return entity.handle
    raise InvalidArgumentError(
        "entities", entity, f"cannot use {entity!r} among entities; give all of one kind"
    )


def _are_strings(entities: Any) -> bool:
    dtype = getattr(entities, "dtype", None)
    if isinstance(dtype, np.dtype):
        return dtype.kind in "UT" or (
            dtype.kind == "O" and len(entities) > 0 and isinstance(next(iter(entities)), str)
        )
    if isinstance(entities, (list, tuple)):
        return bool(entities) and isinstance(entities[0], str)
    if dtype is None:
        return hasattr(entities, "__arrow_c_array__")
    return getattr(dtype, "kind", "O") not in "iu"  # of pandas
