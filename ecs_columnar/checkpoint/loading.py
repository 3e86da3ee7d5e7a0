"""A storage out of the files of a generation.

Checksums say that files are what somebody wrote, not that he meant well. So
every code and every handle is held against what it points into before a kernel
follows it, and whatever follows from something else is made anew and not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate, pairwise
from operator import call
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.checkpoint.bit_generators import to_generator
from ecs_columnar.checkpoint.manifest import ComponentEntry, Counts, Manifest, TableEntry
from ecs_columnar.checkpoint.names import bytes_name, column_name, ends_name, handles_name
from ecs_columnar.checkpoint.npy import BYTE, OFFSET
from ecs_columnar.checkpoint.reader import Reader
from ecs_columnar.checkpoint.texts import fill
from ecs_columnar.checkpoint.threads import begun
from ecs_columnar.checkpoint.values import from_json
from ecs_columnar.column import HANDLES, Column
from ecs_columnar.definitions import Definition
from ecs_columnar.dtypes import (
    CODE,
    ENTITY_RECORD,
    HANDLE,
    INDEX_BITS,
    INDEX_MASK,
    MAX_GENERATION,
    NO_CODE,
)
from ecs_columnar.errors import EcsColumnarError
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Component, Field
from ecs_columnar.sparse import SparseSet
from ecs_columnar.storage import Storage
from ecs_columnar.strings import StringTable
from ecs_columnar.table import Table


def load(reader: Reader, classes: Iterable[type[Component]]) -> Storage:
    """Make a storage of a generation.

    Parameters
    ----------
    reader : Reader
    classes : iterable of type
        Of the components of the manifest, in their order, which fit.

    Raises
    ------
    CheckpointError
        When something is not what was written, or could not have been.
    """
    storage, manifest = Storage(), reader.manifest
    types = [storage.registry.of(component) for component in classes]
    storage.clock[0] = manifest.tick
    columns = _columns(manifest, types)
    try:
        # Columns are read while this thread looks at handles, ids and places.
        readings = [partial(_read_column, column, _reading(reader, column)) for column in columns]
        with begun(call, readings, nbytes=manifest.nbytes) as found:
            _load_rows(reader, storage, types)
            for column, arrays in zip(columns, found(), strict=True):
                _hold_column(storage, column, arrays)
        _load_definitions(reader, storage, types)
        for name, state in manifest.generators.items():
            storage.generators[name] = to_generator(state)
    except EcsColumnarError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise reader.fault(f"it holds what no world can: {error}") from error
    reader.finish()
    return storage


def _load_rows(reader: Reader, storage: Storage, types: Sequence[ComponentType]) -> None:
    """Load who is there and where: all but columns."""
    manifest = reader.manifest
    _load_tables(reader, storage, types)
    _load_dead(reader, storage, manifest.counts)
    _load_names(reader, storage, manifest.counts)
    _load_places(reader, storage, manifest.counts)
    for position, component in enumerate(manifest.components):
        _load_pools(reader, types[position], position, component)
    for entry in manifest.sparse:
        _load_sparse(reader, storage, types, entry)


def _require(holds: Any, fault: str) -> None:
    if not holds:
        raise ValueError(fault)


def _require_codes(codes: NDArray[Any], low: int, n: int, what: str) -> None:
    """Refuse codes below ``low``, or not below ``n``."""
    if codes.shape[0]:
        _require(low <= codes.min() and codes.max() < n, f"{what} point to nothing")


def _require_distinct(codes: NDArray[Any], n: int, what: str) -> None:
    """Refuse codes, from 0 to below ``n``, that are there twice."""
    n_seen = np.count_nonzero(np.bincount(codes, minlength=n)) if codes.shape[0] else 0
    _require(n_seen == codes.shape[0], f"{what} are there twice")


# --- entities ------------------------------------------------------------------------


def _load_dead(reader: Reader, storage: Storage, counts: Counts) -> None:
    """Record the dead; the living are recorded already, and who is neither is retired."""
    free, entities = reader.array("free", HANDLE, counts.free), storage.entities
    indices, generations = free & INDEX_MASK, free >> INDEX_BITS
    words = entities.records.view(CODE).reshape(counts.used, 3)
    _require_codes(indices, 0, counts.used, "free handles")
    _require_codes(generations, 2, MAX_GENERATION + 1, "free handles")
    _require_distinct(indices, counts.used, "free handles")
    _require(not words[indices, 0].any(), "free handles are of the living")
    words[indices, 0], words[indices, 1] = -generations, NO_CODE
    n_alive = sum(entry.n_rows for entry in reader.manifest.tables)
    n_retired = counts.used - n_alive - counts.free
    entities.free = free
    entities.counters[:] = counts.used, counts.free, n_retired
    if n_retired:
        words[words[:, 0] == 0, 1] = NO_CODE


# --- tables --------------------------------------------------------------------------


def _load_tables(reader: Reader, storage: Storage, types: Sequence[ComponentType]) -> None:
    entries, n_used = reader.manifest.tables, reader.manifest.counts.used
    storage.entities.hold(np.zeros(n_used, ENTITY_RECORD))
    found = reader.arrays("handles", HANDLE, (), [entry.n_rows for entry in entries])
    for number, (entry, handles) in enumerate(zip(entries, found, strict=True)):
        components = [types[position] for position in entry.components]
        table = _table(number, entry, components, handles)
        _require(
            len(set(components)) == len(components)
            and not any(component.is_sparse for component in components)
            and table.mask not in storage.table_by_mask,
            f"table {number} has components that it cannot have",
        )
        n_settled = kernels.entities.settle(handles, number, storage.entities.records)
        _require(n_settled == entry.n_rows, f"row {n_settled} of table {number} has no entity")
        storage.tables.append(table)
        storage.table_by_mask[table.mask] = table


def _table(
    number: int, entry: TableEntry, components: Iterable[ComponentType], handles: NDArray[np.int64]
) -> Table:
    table = Table(number, components)
    table.handles = Column(HANDLES)
    table.handles.hold(handles)
    table.length = entry.n_rows
    return table


# --- ids and places ------------------------------------------------------------------


def _load_strings(
    reader: Reader, strings: StringTable, name: str, n_strings: int, n_bytes: int
) -> None:
    data = reader.array(bytes_name(name), BYTE, n_bytes)
    fill(strings, data, reader.array(ends_name(name), OFFSET, n_strings))


def _load_names(reader: Reader, storage: Storage, counts: Counts) -> None:
    _load_strings(reader, storage.symbols, "symbols", counts.symbols, counts.symbol_bytes)
    symbol_of = reader.array("ids", CODE, counts.named)
    _require(counts.named in (0, counts.used), "ids are not of all indices")
    _require_codes(symbol_of, NO_CODE, counts.symbols, "ids")
    indices = np.flatnonzero(symbol_of >= 0)
    symbols = symbol_of[indices]
    _require_distinct(symbols, counts.symbols, "ids")
    generations = storage.entities.records["generation"][indices].astype(HANDLE)
    _require((generations > 0).all(), "ids are of the dead")
    storage.names.symbol_of = symbol_of
    storage.names.handle_of = np.zeros(counts.symbols, HANDLE)
    storage.names.handle_of[symbols] = generations << INDEX_BITS | indices
    storage.names.n_named = indices.shape[0]


def _load_places(reader: Reader, storage: Storage, counts: Counts) -> None:
    places, n = storage.places, counts.places
    places.symbols = reader.array("place-symbols", CODE, n)
    places.entities = reader.array("place-entities", HANDLE, n)
    places.n_places = n
    codes = np.arange(n, dtype=CODE)
    is_named = places.symbols >= 0
    symbols = places.symbols[is_named]
    _require_codes(places.symbols, NO_CODE, counts.symbols, "places")
    _require_distinct(symbols, counts.symbols, "places")
    places.code_of_symbol = np.full(counts.symbols if n else 0, NO_CODE, CODE)
    places.code_of_symbol[symbols] = codes[is_named]
    is_alive = storage.entities.are_alive(places.entities)
    indices = places.entities[is_alive] & INDEX_MASK
    _require_distinct(indices, counts.used, "places")
    places.code_of_index = np.full(counts.used if indices.shape[0] else 0, NO_CODE, CODE)
    places.code_of_index[indices] = codes[is_alive]
    _require(
        (storage.names.handles_of(symbols) == places.entities[is_named]).all(),
        "places are other entities than those of their names",
    )
    _load_members(reader, storage, counts)


def _load_members(reader: Reader, storage: Storage, counts: Counts) -> None:
    n_members = reader.array("place-counts", CODE, counts.places)
    members = reader.array("members", HANDLE, counts.placed)
    _require(not n_members.shape[0] or n_members.min() >= 0, "a place has fewer than no members")
    _require(n_members.sum(dtype=np.int64) == counts.placed, "members are not as many as counted")
    _require(storage.entities.are_alive(members).all(), "members are dead")
    _require_distinct(members & INDEX_MASK, counts.used, "members")
    codes = np.repeat(np.arange(counts.places, dtype=CODE), n_members)
    storage.locations.place(members, codes)


# --- columns -------------------------------------------------------------------------


def _load_pools(
    reader: Reader, component: ComponentType, position: int, entry: ComponentEntry
) -> None:
    for i, field in enumerate(entry.fields):
        if field.kind == "string":
            pool, name = component.pools[field.name], column_name(position, i)
            _load_strings(reader, pool, name, field.n_strings, field.n_bytes)


class _Column(NamedTuple):
    """A field of a component, in all tables that have it."""

    component: ComponentType
    i: int
    name: str
    lengths: list[int]

    @property
    def field(self) -> Field:
        """The field."""
        return self.component.fields[self.i]

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"{self.component.type_id}.{self.field.name}"


def _columns(manifest: Manifest, types: Sequence[ComponentType]) -> list[_Column]:
    found = []
    for position, component in enumerate(types):
        entries = manifest.sparse if component.is_sparse else manifest.tables
        lengths = [entry.n_rows for entry in entries if position in entry.components]
        names = [column_name(position, i) for i in range(len(component.fields))]
        found += [_Column(component, i, name, lengths) for i, name in enumerate(names)]
    return found


def _load_sparse(
    reader: Reader, storage: Storage, types: Sequence[ComponentType], entry: TableEntry
) -> None:
    (position,) = entry.components
    component = types[position]
    _require(
        component.is_sparse and component not in storage.sparse,
        f"{component.type_id} lies outside of tables",
    )
    handles = reader.array(handles_name(position), HANDLE, entry.n_rows)
    _require(storage.entities.are_alive(handles).all(), f"{component.type_id} is of the dead")
    indices = handles & INDEX_MASK
    _require_distinct(indices, 0, f"holders of {component.type_id}")
    slots = np.full(int(indices.max(initial=-1)) + 1, NO_CODE, CODE)
    slots[indices] = np.arange(entry.n_rows, dtype=CODE)
    table = _table(-1, entry, [component], handles)
    storage.sparse[component] = SparseSet(component, table, slots)


def _reading(reader: Reader, column: _Column) -> Callable[[], list[NDArray[Any]]]:
    """Make room for a column, and return what reads it."""
    field = column.field
    if field.kind == "object":
        return lambda: _objects(reader.values(column.name), column.lengths, column.where)
    return reader.reading(column.name, field.dtype, field.shape, column.lengths)


def _read_column(column: _Column, read: Callable[[], list[NDArray[Any]]]) -> list[NDArray[Any]]:
    """Read a column, as far as that does not depend on another file."""
    field, where = column.field, column.where
    arrays = read()
    if field.kind in ("object", "string"):
        return arrays
    for values in arrays:
        if field.dtype == np.bool_:
            _require(values.view(BYTE).max(initial=0) <= 1, f"{where} is not boolean")
        elif field.is_finite:
            _require(np.isfinite(values).all(), f"{where} is not finite")
    return arrays


def _hold_column(storage: Storage, column: _Column, arrays: list[NDArray[Any]]) -> None:
    component = column.component
    pool = component.pools.get(column.field.name)
    for table, values in zip(_holders(storage, component), arrays, strict=True):
        if pool is not None:
            _require_codes(values, 0, pool.n_codes, column.where)
        table.columns[component][column.i].hold(values)


def _holders(storage: Storage, component: ComponentType) -> list[Table]:
    if component.is_sparse:
        found = storage.sparse.get(component)
        return [] if found is None else [found.table]
    return [table for table in storage.tables if component in table.columns]


def _objects(found: Any, lengths: Sequence[int], where: str) -> list[NDArray[Any]]:
    _require(type(found) is list and len(found) == sum(lengths), f"{where} has other rows")
    values = np.empty(len(found), object)
    for i, value in enumerate(found):
        values[i] = from_json(value)
    bounds = pairwise(accumulate(lengths, initial=0))
    return [values[start:stop].copy() for start, stop in bounds]


# --- definitions ---------------------------------------------------------------------


def _load_definitions(reader: Reader, storage: Storage, types: Sequence[ComponentType]) -> None:
    for entry in reader.manifest.definitions:
        components = tuple(
            to_component(types[position], values) for position, values in entry.components
        )
        _require(entry.id not in storage.definitions.by_id, f"{entry.id} is defined twice")
        storage.definitions.by_id[entry.id] = Definition(entry.id, components)


def to_component(component_type: ComponentType, values: dict[str, Any]) -> Component:
    """Make a component of a definition, of the JSON of its fields.

    Raises
    ------
    ValueError
        When its fields are others.
    """
    names = [field.name for field in component_type.fields]
    _require(list(values) == names, f"a definition has other fields than {component_type.type_id}")
    component = component_type.schema.component
    made = component.__new__(component)
    for name, value in values.items():
        setattr(made, name, from_json(value, dict))
    return made
