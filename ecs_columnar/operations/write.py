"""Read and write values of components where they are: rows stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.change import Change
from ecs_columnar.coded import Coded, Texts
from ecs_columnar.column import Column
from ecs_columnar.errors import ComponentNotFoundError, InvalidArgumentError, first_three
from ecs_columnar.names import format_handle
from ecs_columnar.operations.values import (
    at_position,
    at_positions,
    to_some_values,
    to_values,
    types_of,
)
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Component, Field
from ecs_columnar.selection import EVERYWHERE, Part, Selection
from ecs_columnar.storage import Storage
from ecs_columnar.table import Table, Values

_NOBODY: Final = np.empty(0, np.int64)


def set_components(storage: Storage, selection: Selection, components: Iterable[Component]) -> None:
    """Overwrite components that all of the entities have; see `World.set`."""
    by_type = types_of(storage, components, "set")
    for component_type in by_type:
        refuse_lacking(storage, selection, component_type, "set")
    n = len(selection)
    with Change(storage) as change, change:
        values = {t: to_values(change, t, component, n) for t, component in by_type.items()}
        for component_type, value in values.items():
            for table, rows, positions in _places(storage, selection, component_type):
                some = at_positions(component_type, value, positions)
                write_rows(change, table, component_type, rows, some)
        change.record("set", selection, values)
        change.tell("set", lambda: selection.handles, by_type)
        change.apply()


def set_fields(
    storage: Storage, selection: Selection, component_type: ComponentType, given: dict[str, Any]
) -> None:
    """Overwrite some fields of a component that all of the entities have."""
    known = component_type.positions
    if not given or not given.keys() <= known.keys():
        unknown = [name for name in given if name not in known]
        raise InvalidArgumentError(
            "fields",
            given,
            f"cannot set {first_three(unknown) or 'no fields'} of {component_type.type_id}; "
            f"it has {first_three(known) or 'none'}",
        )
    refuse_lacking(storage, selection, component_type, "set")
    with Change(storage) as change, change:
        values = to_some_values(change, component_type, given, len(selection))
        for table, rows, positions in _places(storage, selection, component_type):
            columns = table.columns[component_type]
            for name, value in values.items():
                column = columns[known[name]]
                some = at_position(column.field, value, positions)
                write_column(change, column, table.length, rows, some)
        change.record("set_fields", selection, component_type, values)
        change.tell("set", lambda: selection.handles, [component_type])
        change.apply()


def get(
    storage: Storage, selection: Selection, component_type: ComponentType
) -> list[NDArray[Any]]:
    """Copy the values of a component that all of the entities have; see `World.get`.

    Returns
    -------
    list of array, each of shape ``(n, *field.shape)``
        A field each; codes of strings decoded.
    """
    return [
        component_type.pools[f.name].decode(values) if f.kind == "string" else values
        for f, values in zip(
            component_type.fields, get_codes(storage, selection, component_type), strict=True
        )
    ]


def get_columns(
    storage: Storage, selection: Selection, component_type: ComponentType, *, as_bytes: bool
) -> dict[str, NDArray[Any] | Coded | Texts]:
    """Copy the values of a component as `get` does, but no strings; by field.

    Strings come by number where they are few, and as bytes else, or all ``as_bytes``: a view
    of the pool, until it changes.
    """
    found: dict[str, NDArray[Any] | Coded | Texts] = {}
    arrays = get_codes(storage, selection, component_type)
    for field, values in zip(component_type.fields, arrays, strict=True):
        pool = component_type.pools.get(field.name)
        if pool is None:
            found[field.name] = values
        else:
            found[field.name] = Texts(pool.encoded(values)) if as_bytes else pool.column(values)
    return found


def get_codes(
    storage: Storage, selection: Selection, component_type: ComponentType
) -> list[NDArray[Any]]:
    """Copy the values of a component as they are stored: strings as codes."""
    refuse_lacking(storage, selection, component_type, "get")
    out = [np.empty((len(selection), *f.shape), f.dtype) for f in component_type.fields]
    for table, rows, positions in _places(storage, selection, component_type):
        for column, values in zip(table.columns[component_type], out, strict=True):
            values[positions] = column.view(table.length) if rows is None else column.gather(rows)
    return out


def named_codes(
    storage: Storage, selection: Selection, types: Iterable[ComponentType]
) -> Iterator[tuple[str, ComponentType, Field, NDArray[Any]]]:
    """Copy the values of components as they are stored, field by field, named "Position.x"."""
    for component_type in types:
        arrays = get_codes(storage, selection, component_type)
        for field, values in zip(component_type.fields, arrays, strict=True):
            yield f"{component_type.type_id}.{field.name}", component_type, field, values


def has(storage: Storage, selection: Selection, component_type: ComponentType) -> NDArray[np.bool_]:
    """Tell for each entity whether it has a component."""
    if component_type.is_sparse:
        return storage.sparse_of(component_type).rows_of(selection.handles) >= 0
    found = np.empty(len(selection), np.bool_)
    for part in selection.parts:
        found[part.positions] = bool(part.table.mask & component_type.bit)
    return found


def write_rows(
    change: Change,
    table: Table,
    component_type: ComponentType,
    rows: NDArray[np.intp] | None,
    values: Values,
) -> None:
    """Write one value, or one a row, into some rows of a component; None is all rows."""
    for column, value in zip(table.columns[component_type], values, strict=True):
        write_column(change, column, table.length, rows, value)


def write_column(
    change: Change,
    column: Column,
    n_rows: int,
    rows: NDArray[np.intp] | None,
    values: NDArray[Any],
) -> None:
    """Write one value, or one a row, into some rows of a column; None is all ``n_rows``."""
    if rows is None:
        change.fill_all(column, n_rows, values)
    else:
        change.scatter(column, n_rows, rows, values)


def refuse_lacking(
    storage: Storage, selection: Selection, component_type: ComponentType, verb: str
) -> None:
    """Raise when an entity lacks a component.

    Raises
    ------
    ComponentNotFoundError
    """
    lacking = entities_lacking(storage, selection, component_type)
    if lacking.shape[0]:
        name = component_type.type_id
        raise ComponentNotFoundError(
            f"cannot {verb} {name}: {lacking.shape[0]} of {len(selection)} entities lack it "
            f"({first_three(map(format_handle, lacking[:4]))}); keep the others with "
            f"entities[world.has(entities, {component_type.schema.component.__name__})]",
            component_type_id=name,
            entities=lacking,
        )


def entities_lacking(
    storage: Storage, selection: Selection, component_type: ComponentType
) -> NDArray[np.int64]:
    """Return the entities of a batch that lack a component."""
    if component_type.is_sparse:
        rows = storage.sparse_of(component_type).rows_of(selection.handles)
        return selection.handles[rows < 0]
    bit = component_type.bit
    lacking = [part.handles() for part in selection.parts if not part.table.mask & bit]
    return np.concatenate(lacking) if lacking else _NOBODY


def _places(storage: Storage, selection: Selection, component_type: ComponentType) -> list[Part]:
    """Return where the values are: tables, rows, and their positions in the batch."""
    if component_type.is_sparse:
        sparse = storage.sparse_of(component_type)
        return [Part(sparse.table, sparse.rows_of(selection.handles), EVERYWHERE)]
    return selection.parts
