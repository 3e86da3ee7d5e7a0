"""The cells of one component of one entity: attributes that read and write columns.

A cells class is made for each component type, with a property for each field.
A value of the very type that the column holds is written straight away; any
other goes the way of a batch of one, and is cast or refused there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecs_columnar.change import Change
from ecs_columnar.operations.values import to_some_values
from ecs_columnar.operations.write import refuse_lacking
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Field
from ecs_columnar.selection import Selection, select
from ecs_columnar.storage import Storage


class Cells:
    """Base of the generated classes.

    Attributes are good for as long as the entity has the component; rows that
    moved are found again. A sub-array comes as a read-only copy: assign a whole one.
    """

    __slots__ = ("_columns", "_component", "_handle", "_row", "_storage", "_structure")

    def __init__(self, storage: Storage, component: ComponentType, selection: Selection) -> None:
        self._storage = storage
        self._component = component
        self._handle = int(selection.handles[0])
        self._settle(selection)

    def _locate(self) -> None:
        """Find table and row anew, after rows have moved."""
        handles = np.array([self._handle], np.int64)
        selection = select(self._storage, handles, f"use {self._component.type_id}")
        refuse_lacking(self._storage, selection, self._component, "use")
        self._settle(selection)

    def _settle(self, selection: Selection) -> None:
        """Keep where the cells of an entity that has the component lie."""
        if self._component.is_sparse:
            sparse = self._storage.sparse_of(self._component)
            self._columns = sparse.table.columns[self._component]
            self._row = int(sparse.rows_of(selection.handles)[0])
        else:
            part = selection.parts[0]
            self._columns = part.table.columns[self._component]
            self._row = 0 if part.rows is None else int(part.rows[0])
        self._structure = self._storage.structure

    def _write(self, number: int, value: Any) -> None:
        """Cast a value as a batch of one does, and write it."""
        field = self._component.fields[number]
        if field.kind == "object":
            value = [value]  # so that a list is a value, not one an entity
        with Change(self._storage, is_counted=False) as change, change:
            values = to_some_values(change, self._component, {field.name: value}, 1)
            change.fill(self._columns[number], self._row, self._row + 1, values[field.name])
            change.record("write_cell", self._handle, self._component, field, values[field.name])
            handles = np.array([self._handle], np.int64)
            change.tell("set", lambda: handles, [self._component])
            change.apply()

    def __repr__(self) -> str:
        values = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}" for field in self._component.fields
        )
        return f"{self._component.schema.component.__name__}({values})"


def cells_class(component: ComponentType) -> type[Cells]:
    """Return the class of a component's cells, made when it is first needed."""
    made: type[Cells] = component.cells or _make_class(component)
    component.cells = made
    return made


def _make_class(component: ComponentType) -> type[Cells]:
    members: dict[str, Any] = {"__slots__": ()}
    for number, field in enumerate(component.fields):
        members[field.name] = property(
            _reader(component, number, field), _writer(number, field), doc=f"{field.dtype}"
        )
    return type(f"{component.schema.component.__name__}Cells", (Cells,), members)


def _reader(component: ComponentType, number: int, field: Field) -> Callable[[Any], Any]:
    if field.kind == "string":
        pool = component.pools[field.name]

        def read_string(self: Any) -> str:
            if self._structure != self._storage.structure:
                self._locate()
            return pool.string(int(self._columns[number].data[self._row]))

        return read_string
    if field.exact is not None:

        def read_number(self: Any) -> Any:
            if self._structure != self._storage.structure:
                self._locate()
            return self._columns[number].memory[self._row]

        return read_number

    def read(self: Any) -> Any:
        if self._structure != self._storage.structure:
            self._locate()
        value = self._columns[number].data[self._row]
        if field.shape:
            # What was written into a copy would be lost, so it says so.
            value = value.copy()
            value.flags.writeable = False
            return value
        return int(value) if field.kind == "reference" else value

    return read


def _writer(number: int, field: Field) -> Callable[[Any, Any], None]:
    if field.exact is None:
        return lambda self, value: _write_slowly(self, number, value)
    exact, low, high = field.exact, field.low, field.high

    def write(self: Any, value: Any) -> None:
        storage = self._storage
        if type(value) is exact and low <= value <= high and storage.is_plain:
            if self._structure != storage.structure:
                self._locate()
            memory = self._columns[number].memory
            if not memory.readonly:
                memory[self._row] = value
                return
        _write_slowly(self, number, value)

    return write


def _write_slowly(cells: Cells, number: int, value: Any) -> None:
    if cells._structure != cells._storage.structure:
        cells._locate()
    cells._write(number, value)
