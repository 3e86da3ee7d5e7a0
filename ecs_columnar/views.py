"""Views of the columns of a component in one table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.change import Change
from ecs_columnar.errors import ReadOnlyError
from ecs_columnar.operations.values import to_some_values
from ecs_columnar.registry import ComponentType
from ecs_columnar.storage import Storage
from ecs_columnar.table import Table


class ColumnsView:
    """The columns of one component in one table: an attribute a field, an array each.

    Arrays are views, without a copy, and contiguous; they are good until the
    next structural change. Assigning to an attribute writes into the column:
    validated, cast and interned, as `World.set` does.

    Raises
    ------
    ReadOnlyError
        When an attribute of a component that was not asked for with ``Mut`` is
        assigned to. (An in-place operation on its array is refused by NumPy.)
    """

    _source: tuple[Storage, Table, ComponentType, bool]

    def __init__(
        self, storage: Storage, table: Table, component: ComponentType, *, is_mutable: bool
    ) -> None:
        arrays: dict[str, NDArray[Any]] = {}
        for field, column in zip(component.fields, table.columns[component], strict=True):
            is_open = is_mutable and field.kind in ("number", "reference")
            if is_open:
                if storage.journal is not None:
                    storage.journal.watch(table, component, len(arrays))
                storage.expose(column, table.length)
            array = column.view(table.length)
            if not is_open:
                # Codes and frozen objects are written through the attribute
                # only: a raw one could mean nothing, or be changed later.
                array = array.view()
                array.flags.writeable = False
            arrays[field.name] = array
        self.__dict__.update(arrays)
        object.__setattr__(self, "_source", (storage, table, component, is_mutable))

    def __setattr__(self, name: str, value: Any) -> None:
        storage, table, component, is_mutable = self._source
        if name not in self.__dict__ or name == "_source":
            fields = ", ".join(field.name for field in component.fields) or "none"
            raise AttributeError(
                f"cannot set {name} of {component.type_id}: its fields are {fields}"
            )
        if value is self.__dict__[name]:
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
                    change.fill(column, 0, len(table), values[name])
                    change.record("write_view", table, component, field, values[name])
            change.apply()

    def __repr__(self) -> str:
        _, table, component, is_mutable = self._source
        mode = "Mut" if is_mutable else "read-only"
        fields = ", ".join(f"{field.name}: {np.dtype(field.dtype)}" for field in component.fields)
        return f"<{mode} view of {len(table)} rows of {component.type_id}({fields})>"
