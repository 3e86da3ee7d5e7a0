"""Add entities to the location index, move them and take them out, a batch at a time.

Each is a move: the index is the place where the place of an entity is stored.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.encoding import blank, encode
from ecs_columnar.errors import EcsColumnarError, InvalidArgumentError
from ecs_columnar.locations import Groups
from ecs_columnar.names import format_handle
from ecs_columnar.operations.move import Moved
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.columns import Column, at, false_rows, take, to_list
from ecs_columnar.services.items import MISSING, Items
from ecs_columnar.services.lookup import find_entities, is_handle, is_id, is_text, not_found
from ecs_columnar.services.relocation import place_array, relocate, uniform
from ecs_columnar.services.removals import ids_of

_SHOWN: Final = 10
"""Entities that are told of a place."""

GOOD, ARGUMENT, ENTITY, LOCATION, STALE = range(5)
"""Faults of an item, in the order in which the scalar call meets them."""


class Names:
    """Entities or places as the items of a batch name them.

    Attributes
    ----------
    column : Column
    is_malformed : bool array, shape (n,)
        Which of them can be no name.
    """

    def __init__(self, catalogue: Catalogue, column: Column, parameter: str, verb: str) -> None:
        self.column: Final = column
        self._parameter: Final = parameter
        self._verb: Final = verb
        self._world: Final = catalogue.world

    def entities(self) -> NDArray[np.int64]:
        """Return the entity of each name, 0 where there is none."""
        return find_entities(self._world, self.column)

    def at(self, i: int) -> Any:
        """Return a name as it was given."""
        return at(self.column, i)

    def are_ids(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell which of some names could be an entity's."""
        return np.array([is_id(value) for value in to_list(take(self.column, rows))], np.bool_)

    def are_places(self) -> NDArray[np.bool_]:
        """Tell which names are a place's: a string that is not blank, or a living entity."""
        column = self.column
        if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
            return np.asarray(self._world.alive(column))
        is_text = isinstance(column, list) and set(map(type, column)) == {str}
        if len(column) > 1 and (is_text or not isinstance(column, list)):
            try:
                encoded = encode(column, missing=True)
            except EcsColumnarError:
                pass
            else:
                is_there = ~blank(encoded)
                return is_there if encoded.missing is None else is_there & ~encoded.missing
        found = [self._is_place(value) for value in to_list(column)]
        return np.array(found, np.bool_)

    def error(self, i: int) -> Exception:
        """Make the error for a name that names nothing."""
        return not_found(self.at(i), self._parameter, self._verb)

    def place_error(self, i: int) -> Exception:
        """Make the error for a name that names no place."""
        value = self.at(i)
        if is_handle(value):
            return not_found(value, self._parameter, self._verb)
        return InvalidArgumentError(
            self._parameter,
            None if value is MISSING else value,
            f"cannot {self._verb}: {value!r} is no place; give an id, or a handle",
        )

    def _is_place(self, value: object) -> bool:
        if is_text(value):
            return True
        return is_handle(value) and int(value) in self._world  # type: ignore[call-overload]


class Placing:
    """Put entities into places: an addition, a move or a part of a rebuilding.

    Parameters
    ----------
    catalogue : Catalogue
    name : str
        What monitoring calls it.
    operation : {"add", "move", "rebuild"}
    is_strict : bool
        Whether a move fails that is wrong about where the entity is.
    """

    is_whole = False
    is_one_step = True

    def __init__(
        self, catalogue: Catalogue, name: str, operation: str, *, is_strict: bool = False
    ) -> None:
        self.catalogue: Final = catalogue
        self.name: Final = name
        self.operation: Final = operation
        self.is_strict: Final = is_strict

    def prepare(self, items: Items) -> PreparedPlacing:
        """Validate a block of items."""
        return PreparedPlacing(self, items, *self.names_of(items))

    def names_of(self, items: Items) -> tuple[Names, Names]:
        """Return the entities and the places that items name."""
        is_move = self.operation == "move"
        verb = "move an entity" if is_move else "put an entity into a place"
        place = "new_location_id" if is_move else "location_id"
        entities = Names(self.catalogue, items.field("entity_id"), "entity_id", verb)
        return entities, Names(self.catalogue, items.field(place), place, verb)


class PreparedPlacing:
    """A block of placings, validated."""

    def __init__(self, operation: Placing, items: Items, entities: Names, places: Names) -> None:
        self.operation: Final = operation
        self.entities: Final = entities
        self.places: Final = places
        self._items = items
        self.handles = entities.entities()
        self.faults = np.zeros(len(items), np.int8)
        are_places = places.are_places()
        if not are_places.all():
            self.faults[~are_places] = LOCATION
        if not self.handles.all():
            unknown = np.flatnonzero(self.handles == 0)
            self.faults[unknown] = np.where(entities.are_ids(unknown), ENTITY, ARGUMENT)
        if operation.is_strict:
            self._refuse_stale()
        self.is_bad: NDArray[np.bool_] = self.faults != GOOD

    def error(self, i: int) -> Exception:
        """Make the error of an item that fails."""
        fault = self.faults[i]
        if fault in (ARGUMENT, ENTITY):
            return self.entities.error(i)
        if fault == LOCATION:
            return self.places.place_error(i)
        old = at(self._items.field("old_location_id"), i)
        return InvalidArgumentError(
            "old_location_id",
            old,
            f"cannot move {self.entities.at(i)!r}: it is not in {old!r}; leave old_location_id "
            "out, or pass strict=False",
        )

    def apply(self, n_run: int) -> PlacedEntities:
        """Put the good ones among the first items where they say."""
        rows = false_rows(self.is_bad[:n_run])
        is_all = rows.shape[0] == len(self._items)
        handles = self.handles if is_all else self.handles[rows]
        column = self.places.column if is_all else take(self.places.column, rows)
        places = column[0] if isinstance(column, list) and len(column) == 1 else place_array(column)
        moves = relocate(self.operation.catalogue, handles, places)
        return PlacedEntities(self.operation, handles, self.entities.column, rows, moves)

    def _refuse_stale(self) -> None:
        """Mark moves that say wrongly where the entity is, given the moves before them."""
        locations = self.operation.catalogue.world.locations
        believed = to_list(self._items.field("old_location_id"))
        wanted = to_list(self.places.column)
        where: dict[int, Any] = {}
        for i in np.flatnonzero(self.faults == GOOD).tolist():
            handle = int(self.handles[i])
            if handle not in where:
                where[handle] = locations.of(handle)
            if believed[i] not in (None, MISSING) and self._name(believed[i]) != where[handle]:
                self.faults[i] = STALE
            else:
                where[handle] = self._name(wanted[i])

    def _name(self, place: Any) -> Any:
        world = self.operation.catalogue.world
        if isinstance(place, str):
            return place.strip() or None
        if is_handle(place):
            return world.ids.names(int(place)) if int(place) in world else place
        return None


class PlacedEntities(NamedTuple):
    """Entities that were put into places."""

    operation: Placing
    handles: NDArray[np.int64]
    ids: Column
    rows: NDArray[np.intp]
    moves: Moved

    def success(self, i: int) -> dict[str, Any]:
        """Return what was done."""
        entity_id = at(self.ids, int(self.rows[i]))
        new = self._name(self.moves.after[i])
        if self.operation.operation != "move":
            operation = self.operation.operation
            return {"entity_id": entity_id, "location_id": new, "operation": operation}
        return {
            "entity_id": entity_id,
            "old_location_id": self._name(self.moves.before[i]),
            "new_location_id": new,
            "moved": bool(self.moves.before[i] != self.moves.after[i]),
            "operation": "move",
        }

    def _name(self, code: np.int32) -> str | None:
        return self.operation.catalogue.world.locations.name(int(code))


class Unplacing:
    """Take entities out of where they are."""

    name = "spatial_batch_remove"
    is_whole = False
    is_one_step = True

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue: Final = catalogue

    def prepare(self, items: Items) -> PreparedUnplacing:
        """Validate a block of items."""
        column = ids_of(items, "entity_id", "instance_id")
        verb = "take an entity out of its place"
        return PreparedUnplacing(
            self.catalogue, Names(self.catalogue, column, "entity_id", verb), len(items)
        )


class PreparedUnplacing:
    """A block of entities to take out, validated."""

    def __init__(self, catalogue: Catalogue, entities: Names, n: int) -> None:
        self._catalogue = catalogue
        self._entities = entities
        self.handles = entities.entities()
        self.is_bad = np.zeros(n, np.bool_)
        unknown = np.flatnonzero(self.handles == 0)
        if unknown.shape[0]:
            self.is_bad[unknown] = ~entities.are_ids(unknown)

    def error(self, i: int) -> Exception:
        """Make the error of an item that fails."""
        return self._entities.error(i)

    def apply(self, n_run: int) -> UnplacedEntities:
        """Take the good ones among the first items out."""
        rows = false_rows(self.is_bad[:n_run])
        handles = self.handles[rows]
        known = handles != 0
        removed = np.zeros(rows.shape[0], np.bool_)
        moves = relocate(self._catalogue, handles if known.all() else handles[known], None)
        removed[known] = moves.has_moved
        return UnplacedEntities(handles, self._entities, rows, removed)


class UnplacedEntities(NamedTuple):
    """Entities that were taken out of where they were."""

    handles: NDArray[np.int64]
    entities: Names
    rows: NDArray[np.intp]
    removed: NDArray[np.bool_]

    def success(self, i: int) -> dict[str, Any]:
        """Return what was done."""
        entity_id = self.entities.at(int(self.rows[i]))
        return {"entity_id": entity_id, "removed": bool(self.removed[i]), "operation": "remove"}


class Validation:
    """Look into places; changes nothing."""

    name = "spatial_batch_validate_locations"
    is_whole = False
    is_one_step = True

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue: Final = catalogue

    def prepare(self, items: Items) -> PreparedValidation:
        """Validate a block of items."""
        column = ids_of(items, "location_id")
        return PreparedValidation(
            self.catalogue, Names(self.catalogue, column, "location_id", "look into a place")
        )


class PreparedValidation:
    """A block of places to look into."""

    def __init__(self, catalogue: Catalogue, places: Names) -> None:
        self._catalogue = catalogue
        self._places = places
        self.is_bad = ~places.are_places()

    def error(self, i: int) -> Exception:
        """Make the error of an item that fails."""
        return self._places.place_error(i)

    def apply(self, n_run: int) -> ValidatedPlaces:
        """Count who is in the good ones among the first places."""
        rows = false_rows(self.is_bad[:n_run])
        locations = self._catalogue.world.locations
        codes = np.full(rows.shape[0], -1, np.int32)
        for run, some in uniform(place_array(take(self._places.column, rows)), rows.shape[0]):
            codes[run] = locations.find(np.array([some], np.int64) if is_handle(some) else some)
        counts = np.append(locations.counts(), 0)[codes]
        first = locations.first(codes, _SHOWN)  # now: it will be looked at later
        return ValidatedPlaces(self._catalogue, self._places, rows, codes, counts, first)


class ValidatedPlaces(NamedTuple):
    """Places, and who is in them."""

    catalogue: Catalogue
    places: Names
    rows: NDArray[np.intp]
    codes: NDArray[np.int32]
    counts: NDArray[np.int32]
    first: Groups

    @property
    def n_entities(self) -> int:
        """How many entities are in all of them; a place that is asked for twice counts twice."""
        return int(self.counts.sum())

    @property
    def handles(self) -> NDArray[np.int64]:
        """0 for each: a place need be no entity."""
        return np.zeros(self.rows.shape[0], np.int64)

    def success(self, i: int) -> dict[str, Any]:
        """Return what was found."""
        given = self.places.at(int(self.rows[i]))
        place = given.strip() if isinstance(given, str) else given
        entities = self.first.members[self.first.starts[i] : self.first.starts[i + 1]]
        return {
            "location_id": place,
            "entity_count": int(self.counts[i]),
            "entities": [self._name(entity) for entity in entities.tolist()],
            "operation": "validate",
        }

    def _name(self, entity: int) -> str:
        """Return the id of an entity; of one that is gone since then, how its handle prints."""
        world = self.catalogue.world
        return str(world.ids.names(entity)) if entity in world else format_handle(entity)
