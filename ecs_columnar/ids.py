"""String ids and handles: the face of the names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.dtypes import NO_ENTITY
from ecs_columnar.handles import find_id, find_ids, is_one
from ecs_columnar.selection import living
from ecs_columnar.storage import Storage
from ecs_columnar.strings import encode


class Ids:
    """Which entity has which string id, both ways.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> crew = world.spawn(2, ids=["actor-1", "actor-2"])
    >>> world.ids["actor-2"] == int(crew[1])
    True
    >>> world.ids.names(crew).tolist()
    ['actor-1', 'actor-2']
    >>> "actor-3" in world.ids
    False
    """

    __slots__ = ("_storage",)

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @overload
    def __getitem__(self, ids: str) -> int: ...
    @overload
    def __getitem__(self, ids: Any) -> NDArray[np.int64]: ...
    def __getitem__(self, ids: Any) -> Any:
        """Return the handle of each id.

        Parameters
        ----------
        ids : str, or list or array of str

        Returns
        -------
        int, or int64 array of shape (n,)

        Raises
        ------
        EntityNotFoundError
            When an id is unknown; it names the first three and the count.
        """
        if isinstance(ids, str):
            return find_id(self._storage, ids)
        return find_ids(self._storage, ids)

    def find(self, ids: Any) -> NDArray[np.int64]:
        """Return the handle of each id, `NO_ENTITY` (0) where no entity has it."""
        return self._storage.names.handles_of(self._storage.symbols.find(encode(ids)))

    def names(self, entities: Any) -> Any:
        """Return the id of each entity; a made-up one, "17v2", where none was given.

        Returns
        -------
        object array of str, shape (n,); or one str for one entity

        Raises
        ------
        StaleHandleError
        """
        handles = living(self._storage, entities, "name")
        if is_one(entities):
            return self._storage.names.name(int(handles[0]))
        return self._storage.names.text(handles)

    def __contains__(self, instance_id: object) -> bool:
        if not isinstance(instance_id, str):
            return False
        return self._storage.names.handle_of_text(instance_id) != NO_ENTITY

    def __iter__(self) -> Iterator[str]:
        named = np.flatnonzero(self._storage.names.handle_of).astype(np.int32)
        return iter(self._storage.symbols.decode(named).tolist())

    def __len__(self) -> int:
        return self._storage.names.n_named

    def __repr__(self) -> str:
        return f"<Ids of {len(self)} entities>"
