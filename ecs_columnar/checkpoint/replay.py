"""Records of a log, done again: each operation by the function that did it first.

So what is in a record is validated as a user's input is, and an operation leads
where it led. What it must lead to is known by its tick alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import setitem
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.change import Change
from ecs_columnar.checkpoint.bit_generators import to_generator
from ecs_columnar.checkpoint.entries import LENGTH
from ecs_columnar.checkpoint.loading import to_component
from ecs_columnar.checkpoint.log import LogReader, Record
from ecs_columnar.checkpoint.manifest import ComponentEntry, component_from_json
from ecs_columnar.checkpoint.values import DTYPE, from_json, loads
from ecs_columnar.dtypes import HANDLE, ROW
from ecs_columnar.encoded import Encoded, to_text
from ecs_columnar.entity import Entity
from ecs_columnar.errors import EcsColumnarError
from ecs_columnar.operations.define import define
from ecs_columnar.operations.despawn import despawn
from ecs_columnar.operations.move import move
from ecs_columnar.operations.spawn import Group, refuse_gaps, spawn
from ecs_columnar.operations.transfer import add, remove
from ecs_columnar.operations.values import to_some_values
from ecs_columnar.operations.write import set_components, set_fields
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Component, Field
from ecs_columnar.selection import living, select
from ecs_columnar.steps import run
from ecs_columnar.storage import Storage
from ecs_columnar.table import Table

Find: TypeAlias = Callable[[ComponentEntry], type[Component]]
"""Returns the class of a component."""


def replay(storage: Storage, reader: LogReader, find: Find) -> None:
    """Do the records of a log again, up to the last that is whole.

    Parameters
    ----------
    storage : Storage
        As its checkpoint is.
    reader : LogReader
    find : callable

    Raises
    ------
    CheckpointError
        When a record is what was written, and cannot be done again.
    """
    for record in reader.records():
        try:
            _do(storage, record, find)
        except (
            EcsColumnarError, ValueError, TypeError, KeyError, IndexError, AttributeError,
            OverflowError,
        ) as error:  # fmt: skip
            text = f"record {record.number} cannot be done again: {error}"
            raise reader.fault(text) from error


def _do(storage: Storage, record: Record, find: Find) -> None:
    (n_json,) = LENGTH.unpack(record.payload[: LENGTH.size])
    start = LENGTH.size + n_json
    found, data = loads(record.payload[LENGTH.size : start]), memoryview(record.payload)[start:]
    entries = [component_from_json(entry) for entry in found["components"]]
    types = {entry.type_id: storage.registry.of(find(entry)) for entry in entries}
    for operation in found["operations"]:
        arrays, data = _arrays(operation["arrays"], data)
        _KINDS[operation["do"]](_Decoder(storage, arrays, types), *operation["with"])
    if data or storage.tick != record.tick:
        raise ValueError(f"it leads to tick {storage.tick}, and led to tick {record.tick}")


def _arrays(
    shapes: Iterable[tuple[str, list[int]]], data: memoryview
) -> tuple[list[NDArray[Any]], memoryview]:
    """Copy arrays from the bytes, and return them and the bytes that follow."""
    found = []
    for dtype_text, shape in shapes:
        if not DTYPE.fullmatch(dtype_text) or any(type(n) is not int or n < 0 for n in shape):
            raise ValueError(f"{dtype_text} of shape {shape} is no array of ours")
        dtype = np.dtype(dtype_text)
        n_items = int(np.prod(shape, dtype=object)) if shape else 1
        array = np.frombuffer(data, dtype, n_items).reshape(shape).copy()
        if dtype == np.bool_ and array.view("u1").max(initial=0) > 1:
            raise ValueError("a boolean that is none")
        found.append(array)
        data = data[array.nbytes :]
    return found, data


class _Decoder:
    """What was given to one operation, made of JSON and arrays."""

    def __init__(
        self, storage: Storage, arrays: list[NDArray[Any]], types: Mapping[str, ComponentType]
    ) -> None:
        self.storage = storage
        self.arrays = arrays
        self.types = types

    def handles(self, at: int) -> NDArray[np.int64]:
        found = self.arrays[at]
        if found.dtype != HANDLE or found.ndim != 1:
            raise ValueError(f"{found.dtype} are no handles")
        return found

    def components(self, given: Iterable[tuple[str, dict[str, Any]]]) -> tuple[Component, ...]:
        return tuple(self._component(self.types[name], values) for name, values in given)

    def _component(self, component: ComponentType, values: dict[str, Any]) -> Component:
        fields = {f.name: self.value(f, values[f.name]) for f in component.fields}
        found = component.schema.component
        made = found.__new__(found)
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    def value(self, field: Field, given: Any) -> Any:
        if field.kind == "string":
            return self.strings(given)
        if field.kind == "object":
            each = given.get("each")
            return from_json(given["all"]) if each is None else [from_json(v) for v in each]
        array = self.arrays[given]
        return int(array) if field.kind == "reference" and not array.ndim else array

    def strings(self, given: tuple[int, int, int]) -> Any:
        """Return strings, missing where a label is -1; one `str` where there is one label."""
        data, ends, labels = (self.arrays[at] for at in given)
        starts = np.concatenate([np.zeros(1, ends.dtype), ends[:-1]])[: ends.shape[0]]
        last = int(ends[-1]) if ends.shape[0] else 0
        if (ends < starts).any() or last != data.shape[0] or (labels < -1).any():
            raise ValueError("strings lie out of bounds")
        to_text(data)
        if not labels.ndim:
            return to_text(data[starts[labels] : ends[labels]])
        # The last item is for -1.
        starts, ends = np.append(starts, 0)[labels], np.append(ends, 0)[labels]
        missing = labels < 0
        return Encoded(data, starts, ends, missing if missing.any() else None)

    def places(self, given: dict[str, Any]) -> Any:
        if "entities" in given:
            return self.handles(given["entities"])
        return self.strings(given["strings"])

    def group(self, positions: int | None, components: Any) -> Group:
        where = slice(None) if positions is None else self.arrays[positions].astype(ROW)
        return Group(self.components(components), where)

    def table(self, names: Iterable[str]) -> Table:
        """Return the table of a set of components; of a sparse one, its own."""
        types = [self.types[name] for name in names]
        if types and types[0].is_sparse:
            return self.storage.sparse[types[0]].table
        return self.storage.table_by_mask[sum(t.bit for t in types)]


def _spawn(to: _Decoder, n: int, groups: Any, ids: Any, at: Any) -> None:
    given = [to.group(*group) for group in groups]
    refuse_gaps(n, given)
    names = None if ids is None else to.strings(ids)
    spawn(to.storage, n, given, ids=names, at=None if at is None else to.places(at))


def _despawn(to: _Decoder, handles: int) -> None:
    despawn(to.storage, select(to.storage, to.handles(handles), "despawn"))


def _add(to: _Decoder, handles: int, components: Any) -> None:
    selection = select(to.storage, to.handles(handles), "add components")
    add(to.storage, selection, to.components(components))


def _remove(to: _Decoder, handles: int, names: list[str]) -> None:
    selection = select(to.storage, to.handles(handles), "remove components")
    remove(to.storage, selection, [to.types[name] for name in names])


def _set(to: _Decoder, handles: int, components: Any) -> None:
    selection = select(to.storage, to.handles(handles), "set components")
    set_components(to.storage, selection, to.components(components))


def _set_fields(to: _Decoder, handles: int, name: str, values: dict[str, Any]) -> None:
    selection = select(to.storage, to.handles(handles), "set components")
    component, fields = to.types[name], {f.name: f for f in to.types[name].fields}
    given = {name: to.value(fields[name], value) for name, value in values.items()}
    set_fields(to.storage, selection, component, given)


def _move(to: _Decoder, handles: int, places: Any) -> None:
    move(to.storage, living(to.storage, to.handles(handles), "move"), to.places(places))


def _define(to: _Decoder, definition_id: Any, components: Any) -> None:
    given = tuple(to_component(to.types[name], values) for name, values in components)
    define(to.storage, from_json(definition_id), given)


def _write_cell(to: _Decoder, handle: int, name: str, field_name: str, value: Any) -> None:
    component = to.types[name]
    field = _field(component, field_name)
    cells = Entity(to.storage, handle)[component.schema.component]
    setattr(cells, field_name, to.value(field, value))


def _write_view(to: _Decoder, table: Any, name: str, field_name: str, value: Any) -> None:
    component, found = to.types[name], to.table(table)
    given = {field_name: to.value(_field(component, field_name), value)}
    with Change(to.storage, is_counted=False) as change, change:
        values = to_some_values(change, component, given, len(found))
        column = found.columns[component][_number(component, field_name)]
        change.fill(column, 0, len(found), values[field_name])
        change.apply()


def _write_column(to: _Decoder, table: Any, name: str, field_name: str, at: int) -> None:
    """Write a column as it was left by whoever wrote into a view of it, bit by bit."""
    component, found = to.types[name], to.table(table)
    field, values = _field(component, field_name), to.arrays[at]
    if values.dtype != field.dtype or values.shape != (len(found), *field.shape):
        raise ValueError(f"{name}.{field_name} is no array of {values.dtype} {values.shape}")
    column = found.columns[component][_number(component, field_name)]
    with Change(to.storage, is_counted=False) as change, change:
        change.fill(column, 0, len(found), values)
        change.apply()


def _draw(to: _Decoder, states: Any) -> None:
    found = {from_json(name): to_generator(from_json(state, dict)) for name, state in states}
    generators = to.storage.generators
    run([(generators.clear,), *((setitem, generators, *item) for item in found.items())])


def _field(component: ComponentType, name: str) -> Field:
    return component.fields[_number(component, name)]


def _number(component: ComponentType, name: str) -> int:
    return [field.name for field in component.fields].index(name)


_KINDS: Final[dict[str, Callable[..., None]]] = {
    "spawn": _spawn,
    "despawn": _despawn,
    "add": _add,
    "remove": _remove,
    "set": _set,
    "set_fields": _set_fields,
    "move": _move,
    "define": _define,
    "write_cell": _write_cell,
    "write_view": _write_view,
    "write_column": _write_column,
    "draw": _draw,
}
