"""Views of the columns of a component in one table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.change import Change
from ecs_columnar.errors import ReadOnlyError
from ecs_columnar.operations.values import to_some_values
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Field
from ecs_columnar.storage import Storage
from ecs_columnar.table import Table


class ColumnsView:
    """The columns of one component in one table: an attribute a field, an array each.

    Arrays are views, without a copy, and contiguous; they are good until the
    next structural change. Each is made when it is first asked for. Assigning to
    an attribute writes into the column: validated, cast and interned, as
    `World.set` does.

    Raises
    ------
    ReadOnlyError
        When an attribute of a component that was not asked for with ``Mut`` is
        assigned to. (An in-place operation on its array is refused by NumPy.)
    """

    _source: tuple[Storage, Table, ComponentType, bool]

    def __init__(
        self, storage: Storage, table: Table, component: ComponentType, is_mutable: bool
    ) -> None:
        self.__dict__["_source"] = (storage, table, component, is_mutable)

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("_"):  # `copy` looks for some before there is a source
            raise AttributeError(name)
        raise AttributeError(f"{self._source[2].type_id} has no field {name}")

    def __setattr__(self, name: str, value: Any) -> None:
        storage, table, component, is_mutable = self._source
        if name not in component.positions:
            fields = ", ".join(field.name for field in component.fields) or "none"
            raise AttributeError(
                f"cannot set {name} of {component.type_id}: its fields are {fields}"
            )
        if name in self.__dict__ and value is self.__dict__[name]:
            return  # what ``view.x += 1`` does last
        if not is_mutable:
            class_name = component.schema.component.__name__
            raise ReadOnlyError(
                f"cannot write {component.type_id}.{name}: it was asked for to be read; "
                f"ask for Mut[{class_name}] in the query"
            )
        with Change(storage, is_counted=False) as change, change:
            values = to_some_values(change, component, {name: value}, len(table))
            for field, column in zip(component.fields, table.columns[component], strict=True):
                if field.name == name:
                    change.fill_all(column, len(table), values[name])
                    change.record("write_view", table, component, field, values[name])
            change.apply()

    def __repr__(self) -> str:
        _, table, component, is_mutable = self._source
        mode = "Mut" if is_mutable else "read-only"
        fields = ", ".join(f"{field.name}: {np.dtype(field.dtype)}" for field in component.fields)
        return f"<{mode} view of {len(table)} rows of {component.type_id}({fields})>"


def view_class(component: ComponentType) -> type[ColumnsView]:
    """Return the class of a component's views, made when it is first needed."""
    made: type[ColumnsView] = component.views or _make_class(component)
    component.views = made
    return made


def _make_class(component: ComponentType) -> type[ColumnsView]:
    members = {field.name: _Array(number, field) for number, field in enumerate(component.fields)}
    return type(f"{component.schema.component.__name__}View", (ColumnsView,), members)


class _Array:
    """An attribute that is made when it is first asked for; from then on it is found before this.

    By `ColumnsView.__getattr__` it would take 0.2 us more, because Python first
    raises an error.
    """

    __slots__ = ("is_writable", "name", "number")

    def __init__(self, number: int, field: Field) -> None:
        self.number = number
        self.name = field.name
        # Codes and frozen objects are written through the attribute only: a raw
        # one could mean nothing, or be changed later.
        self.is_writable = field.kind in ("number", "reference")

    def __get__(self, view: ColumnsView | None, owner: type[ColumnsView]) -> Any:
        if view is None:
            return self
        storage, table, component, is_mutable = view._source
        column, n_rows = table.columns[component][self.number], table.length
        if is_mutable and self.is_writable:
            if storage.journal is not None:
                storage.journal.watch(table, component, self.number)
            storage.expose(column, n_rows)
            array = column.data[:n_rows]
        else:
            array = column.data[:n_rows]
            array.setflags(write=False)
        view.__dict__[self.name] = array
        return array
