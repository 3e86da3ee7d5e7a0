"""Add components to entities, and remove them, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import InvalidArgumentError, ValidationError
from ecs_columnar.services.alike import Alike
from ecs_columnar.services.catalogue import Catalogue, place_name
from ecs_columnar.services.codec import Columns as ComponentColumns
from ecs_columnar.services.columns import (
    Column,
    are_all,
    are_missing,
    factorize,
    grouped,
    take,
    to_list,
)
from ecs_columnar.services.instances import kinds_of, revise, with_override
from ecs_columnar.services.items import MISSING, Columns, Items
from ecs_columnar.services.lookup import are_first, are_last, find_entities, is_text, not_found
from ecs_columnar.services.overrides import type_and_field, whole_data
from ecs_columnar.services.relocation import dead_rows, relocate

GOOD, ARGUMENT, ENTITY, DATA = range(4)
"""Faults of an item, in the order in which the scalar call meets them."""

_FIELDS: Final = (("instance_id", None), ("component_type_id", None), ("component_data", None))


class Addition:
    """Add components, or replace those that are there."""

    name = "batch_add_components"
    is_whole = False
    is_one_step = False

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue: Final = catalogue

    def prepare(self, items: Items) -> PreparedAddition:
        """Validate a block of items."""
        targets = Targets(self.catalogue, items, "add a component", self._types(items))
        data = _Data(self.catalogue, items, targets)
        return PreparedAddition(self.catalogue, items, targets, data)

    def _types(self, items: Items) -> Column:
        types = items.field("component_type_id")
        if not isinstance(items, Columns) or not _is_absent(types):
            return types
        named = {type_and_field(self.catalogue, name)[0] for name in items.rest(*_FIELDS)}
        if len(named) == 1:
            return list(named) * len(items)
        return types


class Targets:
    """The entities and the component types of items.

    Attributes
    ----------
    handles : int64 array, shape (n,)
        0 where there is no such entity.
    codes : intp array, shape (n,)
        Component type of each item.
    types : list
        By code: whatever was in the place of a type.
    are_ids : bool array
        By code: whether that is a string that is not blank.
    faults : int8 array, shape (n,)
    """

    def __init__(self, catalogue: Catalogue, items: Items, verb: str, types: Column) -> None:
        self.verb: Final = verb
        self._ids = items.field("instance_id")
        self.handles = find_entities(catalogue.world, self._ids)
        self.codes, self.types = factorize(types)
        self.faults = np.zeros(len(items), np.int8)
        self.faults[self.handles == 0] = ENTITY
        self.are_ids: Final = np.array(list(map(is_text, self.types)), np.bool_)
        self.faults[~self.are_ids[self.codes]] = ARGUMENT
        for i in np.flatnonzero(self.handles == 0).tolist():
            if isinstance(self.error(i), InvalidArgumentError):
                self.faults[i] = ARGUMENT

    def error(self, i: int) -> Exception:
        """Make the error of an item that names no entity, or no component type."""
        instance_id = to_list(take(self._ids, np.array([i])))[0]
        error = not_found(instance_id, "instance_id", self.verb)
        if isinstance(error, InvalidArgumentError) or self.faults[i] == ENTITY:
            return error
        type_id = self.types[self.codes[i]]
        return InvalidArgumentError(
            "component_type_id",
            type_id,
            f"cannot {self.verb}: {type_id!r} is no component type id; give a string",
        )


class _Data:
    """The data of additions, a component type at a time."""

    def __init__(self, catalogue: Catalogue, items: Items, targets: Targets) -> None:
        self._items = items
        self._catalogue = catalogue
        self.columns: dict[int, ComponentColumns] = {}
        self.rows: dict[int, NDArray[np.intp]] = {}
        self.unfit: dict[int, tuple[str, list[str]]] = {}
        self._given = items.field("component_data")
        self._fields = self._find_fields()
        self._refuse_absent(targets)
        usable = np.flatnonzero(targets.faults == GOOD)
        for code, members in grouped(targets.codes[usable]):
            self._take(code, targets.types[code], usable[members])
        if self.unfit:
            targets.faults[list(self.unfit)] = DATA

    def _find_fields(self) -> dict[str, dict[str, Column]]:
        fields: dict[str, dict[str, Column]] = {}
        if not isinstance(self._items, Columns):
            return fields
        for name, column in self._items.rest(*_FIELDS).items():
            for prefix in ("component_data.", "componentData."):
                if name.startswith(prefix):
                    fields.setdefault("", {})[name.removeprefix(prefix)] = column
                    break
            else:
                type_id, field = type_and_field(self._catalogue, name)
                fields.setdefault(type_id, {})[field] = column
        return fields

    def _refuse_absent(self, targets: Targets) -> None:
        if self._fields:
            return
        if isinstance(self._given, Sequence):
            if isinstance(self._given, Alike) or are_all(self._given, dict):
                return
            is_absent = np.array([value is MISSING for value in self._given], np.bool_)
        else:
            is_absent = are_missing(self._given)
        targets.faults[is_absent & (targets.faults == GOOD)] = ARGUMENT

    def _take(self, code: int, type_id: str, rows: NDArray[np.intp]) -> None:
        if type_id not in self._catalogue.components:
            lines = ["no component type of this id is registered"]
            self.unfit.update(dict.fromkeys(rows.tolist(), (type_id, lines)))
            return
        columns = self._to_columns(type_id, rows)
        errors = dict(columns.errors)
        if type_id == self._catalogue.place.type_id:
            field = self._catalogue.place.field
            for i in dead_rows(self._catalogue.world, columns.values["place"]):
                errors.setdefault(int(i), [f"$.{field}: this entity is dead, or of another world"])
        self.columns[code], self.rows[code] = columns, rows
        self.unfit.update((int(rows[i]), (type_id, lines)) for i, lines in errors.items())

    def _to_columns(self, type_id: str, rows: NDArray[np.intp]) -> ComponentColumns:
        codec = self._catalogue.codec(type_id)
        fields = {**self._fields.get("", {}), **self._fields.get(type_id, {})}
        is_all = rows.shape[0] == len(self._items)
        if not fields or "" in fields:
            whole = fields.get("", self._given)
            some = whole if is_all else take(whole, rows)
            data = some if isinstance(some, Sequence) else to_list(some)
            return codec.to_columns(whole_data(codec, data) if self._items.is_columnar else data)
        if not is_all:
            fields = {name: take(column, rows) for name, column in fields.items()}
        return codec.from_arrays(fields, rows.shape[0])


class PreparedAddition:
    """A block of additions, validated."""

    def __init__(self, catalogue: Catalogue, items: Items, targets: Targets, data: _Data) -> None:
        self._catalogue = catalogue
        self._items = items
        self._targets = targets
        self._data = data
        self.is_bad: NDArray[np.bool_] = targets.faults != GOOD

    def error(self, i: int) -> Exception:
        """Make the error of an item that fails."""
        if i in self._data.unfit:
            return ValidationError(*self._data.unfit[i])
        error = self._targets.error(i)
        is_about_data = self._targets.are_ids[self._targets.codes[i]]
        if self._targets.handles[i] == 0 or not is_about_data:
            return error
        return InvalidArgumentError(
            "component_data",
            None,
            f"cannot add a component: {self._items[i]!r} has no component_data; give a mapping",
        )

    def apply(self, n_run: int) -> ChangedComponents:
        """Add what the good ones among the first items say."""
        targets, is_good = self._targets, ~self.is_bad
        is_good[n_run:] = False
        changed: list[tuple[NDArray[np.intp], int]] = []
        for code, rows in self._data.rows.items():
            positions = np.flatnonzero(is_good[rows])
            if positions.shape[0]:
                added = self._add(code, rows, positions)
                changed.append((added, code))
        _record(self._catalogue, targets, changed)
        return ChangedComponents(targets.handles[is_good])

    def _add(
        self, code: int, rows: NDArray[np.intp], positions: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Add the components of one type, the last one of each entity.

        Returns
        -------
        intp array
            The row where each entity is named first: what comes first decides the order of
            its components.
        """
        type_id, columns = self._targets.types[code], self._data.columns[code]
        entities = self._targets.handles[rows[positions]]
        is_last = are_last(entities)
        kept = positions if is_last.all() else positions[is_last]
        last = entities if is_last.all() else entities[is_last]
        self._tell(type_id, last, columns, kept)
        if type_id == self._catalogue.place.type_id:
            component: Any = columns.at(positions)
            relocate(self._catalogue, entities, component.place)
        else:
            is_whole = kept.shape[0] == columns.is_good.shape[0]
            self._catalogue.world.add(last, columns.at(slice(None) if is_whole else kept))
        return rows[kept if kept is positions else positions[are_first(entities)]]

    def _tell(
        self,
        type_id: str,
        entities: NDArray[np.int64],
        columns: ComponentColumns,
        positions: NDArray[np.intp],
    ) -> None:
        events = self._catalogue.events
        if not events.is_heard("component_added"):
            return
        catalogue, codec = self._catalogue, self._catalogue.codec(type_id)

        def new() -> list[Any]:
            data = codec.decode(columns.at(positions), positions.shape[0])
            if codec is not catalogue.place:
                return data
            field = catalogue.place.field
            return [{field: place_name(catalogue.world, each[field])} for each in data]

        events.tell(
            "component_added",
            entities,
            component_type_id=type_id,
            old=old_data(catalogue, type_id, entities),
            new=new,
        )


class ChangedComponents(NamedTuple):
    """Entities whose components were added or removed, an item each."""

    handles: NDArray[np.int64]

    def success(self, _: int) -> bool:
        """Return True: the item succeeded."""
        return True


def old_data(catalogue: Catalogue, type_id: str, entities: NDArray[np.int64]) -> list[Any]:
    """Return the data that entities have of a component, None where there is none."""
    codec = catalogue.codec(type_id)
    has = _has(catalogue, type_id, entities)
    found = iter(codec.read(catalogue.world, entities[has]) if has.any() else ())
    return [next(found) if there else None for there in has.tolist()]


def _has(catalogue: Catalogue, type_id: str, entities: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which entities have a component; the place also where it says nowhere."""
    if type_id != catalogue.place.type_id:
        return catalogue.has(type_id, entities)
    kinds = kinds_of(catalogue.world, entities)
    is_said = kinds.where(lambda kind: type_id in (*catalogue.types_of(kind), *kind.overrides))
    return np.asarray(is_said | (catalogue.world.locations.codes_of(entities) >= 0))


def _record(
    catalogue: Catalogue, targets: Targets, changed: list[tuple[NDArray[np.intp], int]]
) -> None:
    """Write the overrides of entities down, in the order of the items."""
    if not changed:
        return
    rows = np.concatenate([rows for rows, _ in changed])
    if len(changed) > 1:
        rows.sort()
    revise(
        catalogue.world, targets.handles[rows], targets.codes[rows], targets.types, with_override
    )


def _is_absent(column: Column) -> bool:
    return isinstance(column, list) and bool(column) and column[0] is MISSING
