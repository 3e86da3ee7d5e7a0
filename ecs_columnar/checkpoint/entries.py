"""What an operation did, as JSON and arrays: enough to do it again, exactly.

An operation is recorded as it was prepared: handles instead of ids and queries,
arrays of the dtypes of columns, strings instead of codes. A payload is a number of
bytes, JSON of so many, and the arrays that it names, one after the other:

    {"components": [...], "operations": [{"do": ..., "with": [...], "arrays": [...]}]}

Where JSON has an array, it has its position among those of its operation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.checkpoint.manifest import ComponentEntry, FieldEntry, component_to_json
from ecs_columnar.checkpoint.values import UnfitValueError, dumps, to_json
from ecs_columnar.definitions import Definition
from ecs_columnar.dtypes import CODE, NO_CODE
from ecs_columnar.errors import CheckpointError
from ecs_columnar.generators import States
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Field
from ecs_columnar.selection import Selection
from ecs_columnar.storage import Storage
from ecs_columnar.strings import StringTable
from ecs_columnar.table import Table, Values

if TYPE_CHECKING:
    from ecs_columnar.operations.spawn import Group

LENGTH: Final = struct.Struct("<I")
ByType: TypeAlias = Mapping[ComponentType, Values]


class Entry(NamedTuple):
    """An operation.

    Attributes
    ----------
    json : bytes
    data : bytes
        Of its arrays.
    types : dict of str to bytes
        JSON of the components whose values are in it, by id.
    """

    json: bytes
    data: bytes
    types: dict[str, bytes]


def to_entry(storage: Storage, known: dict[ComponentType, bytes], kind: str, *facts: Any) -> Entry:
    """Write down an operation that has been prepared, and not been done.

    Parameters
    ----------
    storage : Storage
    known : dict of ComponentType to bytes
        JSON of the components of this world, as far as it has been made.
    kind : str
    *facts
        As the method of the encoder takes them.

    Raises
    ------
    CheckpointError
        When a value has no form in JSON.
    """
    encoder = _Encoder(storage, known)
    try:
        what = getattr(encoder, kind)(*facts)
        shapes = [[array.dtype.str, list(array.shape)] for array in encoder.arrays]
        json = dumps({"do": kind, "with": what, "arrays": shapes})
    except UnfitValueError as error:
        raise CheckpointError(
            f"cannot {kind} with a journal: {error}; what can be recorded is None, booleans, "
            "numbers, text, bytes, arrays of numbers, and of these lists, sets, and mappings with "
            "text as keys"
        ) from error
    data = b"".join(array.tobytes() for array in encoder.arrays)
    return Entry(json, data, encoder.types)


def to_payload(entries: Sequence[Entry]) -> list[bytes]:
    """Return the parts of the payload of a record."""
    types = {name: t for entry in entries for name, t in entry.types.items()}
    components = b",".join(types.values())
    operations = b",".join(entry.json for entry in entries)
    json = b'{"components":[%b],"operations":[%b]}' % (components, operations)
    return [LENGTH.pack(len(json)), json, *(entry.data for entry in entries)]


def entry_of(component_type: ComponentType) -> ComponentEntry:
    """Return the entry of a component, with no strings in it."""
    fields = tuple(
        FieldEntry(f.name, f.kind, f.dtype.str, f.shape, 0, 0) for f in component_type.fields
    )
    return ComponentEntry(component_type.type_id, component_type.schema.storage, fields)


class _Encoder:
    """Turns the facts of one operation into JSON and arrays: a method a kind."""

    def __init__(self, storage: Storage, known: dict[ComponentType, bytes]) -> None:
        self.storage = storage
        self.known = known
        self.arrays: list[NDArray[Any]] = []
        self.types: dict[str, bytes] = {}

    # --- kinds -----------------------------------------------------------------------

    def spawn(
        self,
        handles: NDArray[np.int64],
        groups: Sequence[Group],
        values: Sequence[ByType],
        symbols: NDArray[np.int32] | None,
        codes: NDArray[np.int32] | None,
    ) -> list[Any]:
        n = handles.shape[0]
        found = [
            [self._positions(group.positions, n), self._components(by_type)]
            for group, by_type in zip(groups, values, strict=True)
        ]
        ids = None if symbols is None else self._strings(symbols, self.storage.symbols)
        return [n, found, ids, None if codes is None else self._places(codes)]

    def despawn(self, selection: Selection) -> list[Any]:
        return [self._array(selection.handles)]

    def add(self, selection: Selection, values: ByType) -> list[Any]:
        return [self._array(selection.handles), self._components(values)]

    def remove(self, selection: Selection, types: Iterable[ComponentType]) -> list[Any]:
        return [self._array(selection.handles), [self._type(t) for t in types]]

    def set(self, selection: Selection, values: ByType) -> list[Any]:
        return [self._array(selection.handles), self._components(values)]

    def set_fields(
        self, selection: Selection, component: ComponentType, values: Mapping[str, NDArray[Any]]
    ) -> list[Any]:
        found = {f.name: f for f in component.fields}
        given = {name: self._value(component, found[name], v) for name, v in values.items()}
        return [self._array(selection.handles), self._type(component), given]

    def move(self, handles: NDArray[np.int64], codes: NDArray[np.int32]) -> list[Any]:
        return [self._array(handles), self._places(codes)]

    def define(self, definition: Definition) -> list[Any]:
        found = []
        for component in definition.components:
            component_type = self.storage.registry.of(type(component))
            names = [field.name for field in component_type.fields]
            values = {name: to_json(getattr(component, name)) for name in names}
            found.append([self._type(component_type), values])
        return [to_json(definition.id), found]

    def write_cell(
        self, handle: int, component: ComponentType, field: Field, values: NDArray[Any]
    ) -> list[Any]:
        given = values.reshape(()) if field.kind == "object" else values
        return [handle, self._type(component), field.name, self._value(component, field, given)]

    def write_column(
        self, table: Table, component: ComponentType, field: Field, values: NDArray[Any]
    ) -> list[Any]:
        types = [self._type(t) for t in table.columns]
        value = self._value(component, field, values)
        return [types, self._type(component), field.name, value]

    def write_view(
        self, table: Table, component: ComponentType, field: Field, values: NDArray[Any]
    ) -> list[Any]:
        return self.write_column(table, component, field, values)

    def draw(self, states: States) -> list[Any]:
        return [[[to_json(name), to_json(state)] for name, state in states.items()]]

    # --- parts -----------------------------------------------------------------------

    def _array(self, array: NDArray[Any]) -> int:
        self.arrays.append(array)
        return len(self.arrays) - 1

    def _type(self, component: ComponentType) -> str:
        json = self.known.get(component)
        if json is None:
            json = self.known[component] = dumps(component_to_json(entry_of(component)))
        self.types[component.type_id] = json
        return component.type_id

    def _positions(self, positions: Any, n: int) -> int | None:
        if isinstance(positions, slice) and positions == slice(None):
            return None
        return self._array(np.arange(n)[positions])

    def _components(self, by_type: ByType) -> list[Any]:
        return [
            [
                self._type(t),
                {
                    field.name: self._value(t, field, value)
                    for field, value in zip(t.fields, values, strict=True)
                },
            ]
            for t, values in by_type.items()
        ]

    def _value(self, component: ComponentType, field: Field, values: NDArray[Any]) -> Any:
        if field.kind == "string":
            return self._strings(values, component.pools[field.name])
        if field.kind != "object":
            return self._array(values)
        try:
            if values.ndim:
                return {"each": [to_json(value) for value in values.tolist()]}
            return {"all": to_json(values[()])}
        except UnfitValueError as error:
            raise UnfitValueError(f"{component.type_id}.{field.name}: {error}") from error

    def _strings(self, codes: NDArray[np.int32], strings: StringTable) -> list[int]:
        """Write distinct strings, each once, and which are which."""
        distinct, labels = np.unique(codes, return_inverse=True)
        return self._texts(distinct.astype(CODE), strings, labels.reshape(codes.shape))

    def _texts(
        self, codes: NDArray[np.int32], strings: StringTable, labels: NDArray[Any]
    ) -> list[int]:
        data, lengths = strings.joined(codes)
        parts = (data, np.cumsum(lengths), labels.astype(CODE))
        return [self._array(part) for part in parts]

    def _places(self, codes: NDArray[np.int32]) -> dict[str, Any]:
        """Write places as what they were given as: entities that are alive, or strings."""
        places = self.storage.places
        distinct = np.unique(codes[codes >= 0])
        labels = np.searchsorted(distinct, codes).astype(CODE)
        labels[codes < 0] = NO_CODE
        entities = places.entities[distinct]
        is_everywhere = distinct.shape[0] and (labels >= 0).all()
        if is_everywhere and self.storage.entities.are_alive(entities).all():
            return {"entities": self._array(entities[labels])}
        return {"strings": self._texts(places.symbols[distinct], self.storage.symbols, labels)}
