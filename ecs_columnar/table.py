"""Entities of one set of components: a row each, an array a field.

* All columns and ``handles`` have capacity for ``length`` rows, and keep it.
* Rows have no holes: what is removed is replaced by rows of the tail.
* A table that is taken over whole changes its set of components and keeps its
  number, so that no entity record has to be written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import setitem
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.change import Change
from ecs_columnar.column import HANDLES, Column, owned
from ecs_columnar.dtypes import ROW
from ecs_columnar.errors import RepositoryConsistencyError
from ecs_columnar.registry import ComponentType
from ecs_columnar.state import aligned
from ecs_columnar.steps import Step

Values: TypeAlias = tuple[NDArray[np.generic], ...]
"""Of each field of a component, one value or one an entity, of the exact dtype."""


class Removal(NamedTuple):
    """What removing rows will move.

    Attributes
    ----------
    n_left : int
        Rows that remain.
    holes, movers : intp array, shape (k,)
        The rows of the tail that fill the holes.
    """

    n_left: int
    holes: NDArray[np.intp]
    movers: NDArray[np.intp]


class Table:
    """Rows of the entities that have exactly one set of components.

    Parameters
    ----------
    number : int
        Place in the storage's list of tables.
    types : iterable of ComponentType
        The components that lie in tables, in the order of registration.

    Attributes
    ----------
    mask : int
        The set of components, a bit each.
    columns : dict of ComponentType to list of Column
    handles : Column
    count : int64 array, shape (1,)
        Number of rows, where kernels can change it.
    """

    __slots__ = ("columns", "count", "handles", "mask", "number")

    def __init__(self, number: int, types: Iterable[ComponentType]) -> None:
        self.number: Final = number
        self.columns: dict[ComponentType, list[Column]] = {}
        self.handles = Column(HANDLES)
        self.mask = 0
        self.count = np.zeros(1, np.int64)
        for component in types:
            self.add_component(component, [Column(field) for field in component.fields])

    @property
    def length(self) -> int:
        """Number of rows."""
        return self.count.item()

    @length.setter
    def length(self, n_rows: int) -> None:
        self.count[0] = n_rows

    @property
    def nbytes(self) -> int:
        """Bytes of all columns and the handles, capacity included."""
        return self.handles.nbytes + sum(column.nbytes for column in self.all_columns())

    def all_columns(self) -> Iterable[Column]:
        """Return the columns of all fields, without the handles."""
        return (column for columns in self.columns.values() for column in columns)

    def handle_view(self) -> NDArray[np.int64]:
        """Return the handle of each row: a view."""
        return self.handles.view(self.length)

    def add_component(self, component: ComponentType, columns: list[Column]) -> None:
        """Give the table one more component; its columns have the length already."""
        self.columns[component] = columns
        self.mask |= component.bit

    def reserve(self, n_more: int, n_later: int = 0) -> None:
        """Make room for more rows, and those that follow later; all that allocates here."""
        n_rows = self.length + n_more
        self.handles.reserve(n_rows, n_later)
        for column in self.all_columns():
            column.reserve(n_rows, n_later)

    def append(
        self,
        change: Change,
        start: int,
        handles: NDArray[np.int64],
        values: Mapping[ComponentType, Values],
    ) -> None:
        """Write rows from ``start`` on; room is reserved, every component has its values."""
        stop = start + handles.shape[0]
        self.append_values(change, start, stop, values)
        change.fill(self.handles, start, stop, handles)

    def append_values(
        self, change: Change, start: int, stop: int, values: Mapping[ComponentType, Values]
    ) -> None:
        """Write rows, as `append` does, but for the handles."""
        change.floor(self)
        for component, columns in self.columns.items():
            for column, value in zip(columns, values[component], strict=True):
                change.fill(column, start, stop, value)

    def append_from(
        self,
        change: Change,
        start: int,
        source: Table,
        rows: NDArray[np.intp] | None,
        values: Mapping[ComponentType, Values],
    ) -> None:
        """Write rows of another table from ``start`` on.

        Parameters
        ----------
        change : Change
        start : int
        source : Table
        rows : intp array, shape (n,), or None
            None is all rows of the source.
        values : mapping of ComponentType to tuple of array
            Of components that the source lacks, or instead of what it has.
        """
        n = source.length if rows is None else rows.shape[0]
        change.floor(self)
        change.take(self.handles, source.handles, rows, start, n)
        for component, columns in self.columns.items():
            if component in values:
                for column, value in zip(columns, values[component], strict=True):
                    change.fill(column, start, start + n, value)
            else:
                for column, other in zip(columns, source.columns[component], strict=True):
                    change.take(column, other, rows, start, n)

    def plan_removal(self, rows: NDArray[np.intp] | None) -> Removal:
        """Find which rows of the tail will fill the holes of a removal.

        Parameters
        ----------
        rows : intp array, shape (k,), or None
            Increasing; None is all rows.
        """
        if rows is None or rows.shape[0] == self.length:
            nothing = np.empty(0, ROW)
            return Removal(0, nothing, nothing)
        n_left = self.length - rows.shape[0]
        holes = np.empty(rows.shape[0], ROW)
        movers = np.empty(rows.shape[0], ROW)
        n_pairs = kernels.rows.split_tail(rows, n_left, holes, movers)
        return Removal(n_left, holes[:n_pairs], movers[:n_pairs])

    def remove(self, change: Change, removal: Removal) -> None:
        """Remove rows as planned: the last rows fill the holes. O(rows removed)."""
        if removal.holes.shape[0]:
            for column in (self.handles, *self.all_columns()):
                change.close(column, self.length, removal.holes, removal.movers)
        for column in self.all_columns():
            clear_tail(change, column, removal.n_left, self.length)
        change.resize(self, removal.n_left)

    def resizing(self, n_rows: int) -> list[Step]:
        """Return the step that sets the number of rows."""
        return [(setitem, self.count, 0, n_rows)]

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        for name, value in state[1].items():
            setattr(self, name, value)
        self.count = owned(aligned(self.count))  # what comes apart from its pickle may be read-only

    def check(self) -> None:
        """Verify that all columns hold the length.

        Raises
        ------
        RepositoryConsistencyError
            When one does not.
        """
        for column in (self.handles, *self.all_columns()):
            if column.capacity < self.length:
                raise RepositoryConsistencyError(
                    f"cannot trust table {self.number}: column {column.field.name} has room for "
                    f"{column.capacity} of {self.length} rows"
                )

    def __len__(self) -> int:
        return self.length

    def __repr__(self) -> str:
        names = ", ".join(component.type_id for component in self.columns)
        return f"<Table {self.number}: {self.length} rows of ({names})>"


def clear_tail(change: Change, column: Column, n_rows: int, n_before: int) -> None:
    """Let go of the objects in rows that are no longer used."""
    if column.words is None:
        change.fill(column, n_rows, n_before, None)
