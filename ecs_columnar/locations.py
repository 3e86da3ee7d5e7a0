"""Who is where: the face of the location index."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.dtypes import INDEX_MASK, NO_ENTITY, NOWHERE, ROW
from ecs_columnar.errors import InvalidArgumentError, LocationNotFoundError, StaleHandleError
from ecs_columnar.handles import as_handles, is_one
from ecs_columnar.operations.move import Moved, move
from ecs_columnar.operations.write import get_codes
from ecs_columnar.schema import Component
from ecs_columnar.selection import living, select
from ecs_columnar.storage import Storage
from ecs_columnar.strings import encode


class Groups(NamedTuple):
    """All placed entities, grouped by place.

    Attributes
    ----------
    starts : intp array, shape (n_places + 1,)
        Where the members of each place code start.
    members : int64 array, shape (n_placed,)
        Handles.
    """

    starts: NDArray[np.intp]
    members: NDArray[np.int64]


class Locations:
    """The places of a world, and who is in them.

    A place has a string, or is an entity, or both. It exists from the first
    time that something is put there, and stays.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> crew = world.spawn(3, at=["harbour", "inn", "harbour"])
    >>> world.locations["harbour"].shape
    (2,)
    >>> world.locations.of(crew).tolist()
    ['harbour', 'inn', 'harbour']
    >>> world.locations
    <Locations: 3 entities in 2 places; most in 'harbour' (2), 'inn' (1)>
    """

    __slots__ = ("_storage",)

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def __getitem__(self, place: Any) -> NDArray[np.int64]:
        """Return who is in a place.

        Parameters
        ----------
        place : str, handle or Entity

        Returns
        -------
        int64 array, shape (n,)
            Handles: a read-only view without a copy. It is live: the next move
            may change it; copy it to keep it.

        Raises
        ------
        LocationNotFoundError
            When nothing has ever been in a place of this name.
        StaleHandleError
            When the handle is of a dead entity.
        InvalidArgumentError
            When it is no place, or several.
        """
        code = self._code(place)
        if code >= 0:
            return self._storage.locations.members_of(code)
        if isinstance(place, str) and not self._is_entity(place):
            raise LocationNotFoundError(
                f"cannot look into {place!r}: nothing has ever been there; ask with "
                f"{place!r} in world.locations, or list(world.locations)",
                location_id=place,
            )
        nobody = np.empty(0, np.int64)
        nobody.flags.writeable = False
        return nobody

    def __contains__(self, place: object) -> bool:
        try:
            return self._code(place) >= 0
        except (InvalidArgumentError, StaleHandleError):
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self.names().tolist())

    def __len__(self) -> int:
        return self._storage.places.n_places

    def names(self, codes: NDArray[np.int32] | None = None) -> NDArray[Any]:
        """Return the name of each place code, None for nowhere; of all places by default.

        Raises
        ------
        InvalidArgumentError
            When something is not the code of a place.
        """
        if codes is None:
            codes = np.arange(len(self), dtype=np.int32)
        codes = np.asarray(codes)
        is_known = codes.dtype.kind in "iu" and codes.ndim == 1
        if codes.size and not (is_known and codes.min() >= NOWHERE and codes.max() < len(self)):
            raise InvalidArgumentError(
                "codes",
                codes,
                f"cannot name places: codes are integers from {NOWHERE} to {len(self) - 1}; "
                "world.locations.codes_of(...) has them",
            )
        return self._storage.places.text(codes.astype(np.int32))

    def move(self, entities: Any, places: Any) -> Moved:
        """Put entities into places, as `World.move` does, and say where they were.

        Returns
        -------
        Moved
            Place codes before and after; `names` has their names.

        Raises
        ------
        StaleHandleError, EntityNotFoundError, InvalidArgumentError
        """
        return move(self._storage, living(self._storage, entities, "move"), places, is_asked=True)

    def find(self, places: Any) -> NDArray[np.int32]:
        """Return the code of each place, -1 where nothing has ever been, or for nowhere.

        Parameters
        ----------
        places : list or array of str and None, or int64 array of handles

        Raises
        ------
        InvalidArgumentError
            When they are neither strings nor handles.
        """
        storage = self._storage
        if isinstance(places, np.ndarray) and places.dtype.kind in "iu":
            handles = as_handles(places, parameter="places")
            codes = storage.places.find_entities(handles)
            codes[~storage.entities.are_alive(handles)] = NOWHERE
            return codes
        encoded = encode(places, parameter="places", missing=True, trim=True)
        return storage.places.find_symbols(storage.symbols.find(encoded))

    def name(self, code: int) -> str | None:
        """Return the name of one place code, None for nowhere.

        Raises
        ------
        InvalidArgumentError
            When it is not the code of a place.
        """
        if not NOWHERE <= code < len(self):
            self.names(np.array([code]))
        return self._storage.places.name(code)

    def count(self, place: Any = None) -> int:
        """Return how many entities are in a place, or in any."""
        if place is None:
            return self._storage.locations.n_placed
        return len(self[place])

    def counts(self) -> NDArray[np.int32]:
        """Return how many entities are in each place, by place code; shape (n_places,)."""
        return self._by_code(self._storage.locations.counts())

    def codes_of(self, entities: Any) -> NDArray[np.int32]:
        """Return the place code of each entity, -1 for nowhere.

        Raises
        ------
        StaleHandleError, EntityNotFoundError
        """
        handles = living(self._storage, entities, "locate")
        return self._storage.locations.location_of(handles & INDEX_MASK)

    def of(self, entities: Any) -> Any:
        """Return the name of the place of each entity, None for nowhere.

        Returns
        -------
        object array of str, shape (n,); or one str or None for one entity

        Raises
        ------
        StaleHandleError, EntityNotFoundError
        """
        codes = self.codes_of(entities)
        return self._storage.places.name(int(codes[0])) if is_one(entities) else self.names(codes)

    def groups(self) -> Groups:
        """Copy all members, grouped by place code, without gaps."""
        starts, members = self._storage.locations.grouped()
        starts = starts[: len(self) + 1]  # an undone place may have left its empty group
        missing = len(self) + 1 - starts.shape[0]
        return Groups(np.pad(starts, (0, missing), mode="edge"), members)

    def first(self, codes: NDArray[np.int32], n: int) -> Groups:
        """Copy the first members of some places, at most ``n`` of each.

        Parameters
        ----------
        codes : int32 array, shape (k,)
            Place codes; -1 is of nobody.
        n : int

        Returns
        -------
        Groups
            In the order of ``codes``: the members of the place at ``i`` are
            ``members[starts[i]:starts[i + 1]]``.
        """
        return Groups(*self._storage.locations.first_members(np.asarray(codes), n))

    def sum(self, component: type[Component], field: str) -> NDArray[Any]:
        """Add up a numeric field over the entities in each place that have the component.

        Returns
        -------
        array, shape (n_places, ...)
            float64 for floats, int64 or uint64 for integers and booleans.

        Raises
        ------
        InvalidArgumentError
            When there is no such field, or it isn't a number.
        """
        storage = self._storage
        component_type = storage.registry.of(component)
        columns = {
            f.name: i
            for i, f in enumerate(component_type.fields)
            if f.kind == "number" and f.dtype.kind in "biuf"
        }
        if field not in columns:
            raise InvalidArgumentError(
                "field",
                field,
                f"cannot add up {field!r} of {component_type.type_id}; it has the numbers "
                f"{', '.join(columns) or '(none)'}",
            )
        having = storage.holders(component_type)
        codes = storage.locations.location_of(having & INDEX_MASK)
        selection = select(storage, having[codes >= 0], "add up")
        values = get_codes(storage, selection, component_type)[columns[field]]
        kinds = {"b": np.int64, "i": np.int64, "u": np.uint64, "f": np.float64}
        sums = np.zeros((len(self), *values.shape[1:]), kinds[values.dtype.kind])
        # Not np.add.at, which crashes the process where there is no memory.
        numbers = values.astype(sums.dtype).reshape(-1)
        rows, width = codes[codes >= 0].astype(ROW), math.prod(sums.shape[1:])
        kernels.rows.add_up(numbers, rows, width, sums.reshape(-1))
        return sums

    def dangling(self) -> list[str]:
        """Return the names of places that no living entity is.

        A place made from a string that no entity has as its id is one, and so
        is the place that a removed entity was.
        """
        storage = self._storage
        entities = storage.places.entities[: storage.places.n_places]
        dead = np.flatnonzero(~storage.entities.are_alive(entities))
        return [str(name) for name in self.names(dead.astype(np.int32))]

    def __repr__(self) -> str:
        counts = self.counts()
        most = np.argsort(-counts, kind="stable")[:3]
        names = self.names(most.astype(np.int32))
        shown = ", ".join(
            f"{name!r} ({counts[code]})" for name, code in zip(names, most, strict=True)
        )
        most_in = f"; most in {shown}" if shown else ""
        return f"<Locations: {self.count()} entities in {len(self)} places{most_in}>"

    def _code(self, place: Any) -> int:
        """Return the code of a place, -1 where there is none."""
        storage = self._storage
        if isinstance(place, str):
            return storage.places.code(place)
        if not is_one(place):
            raise InvalidArgumentError(
                "place",
                place,
                f"cannot look into {place!r}: give a string, a handle or an entity; "
                "world.locations.groups() has all places",
            )
        handle = living(storage, place, "look into")
        return int(storage.places.find_entities(handle)[0])

    def _is_entity(self, name: str) -> bool:
        return self._storage.names.handle_of_text(name.strip()) != NO_ENTITY

    def _by_code(self, counts: NDArray[np.int32]) -> NDArray[np.int32]:
        """Add places in which nobody has been since the index grew last."""
        counts = counts[: len(self)]
        return np.pad(counts, (0, len(self) - counts.shape[0]))
