"""All that decides the future of a world, taken from a storage and put back.

Not part of it are the components that a world has met, capacities, the slack of
the location index, and what strings are numbered: nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import setitem
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.column import HANDLES, Column
from ecs_columnar.definitions import Definition
from ecs_columnar.dtypes import CODE, HANDLE, ROW
from ecs_columnar.generators import Drawn, drawn, undrawing
from ecs_columnar.registry import ComponentType
from ecs_columnar.sparse import SparseSet
from ecs_columnar.state import State, arrays_in
from ecs_columnar.steps import Step, run
from ecs_columnar.storage import Storage
from ecs_columnar.strings import StringTable
from ecs_columnar.table import Table

Columns = dict[ComponentType, tuple[NDArray[Any], ...]]


class TableContent(NamedTuple):
    """The rows of a table, with spare capacity behind them.

    Attributes
    ----------
    mask : int
    length : int
    handles : int64 array
    columns : dict of ComponentType to tuple of array
    """

    mask: int
    length: int
    handles: NDArray[np.int64]
    columns: Columns


class Content(NamedTuple):
    """The state of every part of a storage, without copies.

    Attributes
    ----------
    tick : int
    tables : tuple of TableContent
        In the order in which queries go through them.
    sparse : dict of ComponentType to (TableContent, slots)
    pools : dict of (ComponentType, str) to State
        The strings of each ``str_`` field.
    entities, symbols, names, places, locations : State
    definitions : dict of str to Definition
    generators : Drawn
    """

    tick: int
    tables: tuple[TableContent, ...]
    sparse: dict[ComponentType, tuple[TableContent, NDArray[np.int32]]]
    pools: dict[tuple[ComponentType, str], State]
    entities: State
    symbols: State
    names: State
    places: State
    locations: State
    definitions: dict[str, Definition]
    generators: Drawn

    def members(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return how many entities are in each place, and who, place by place."""
        n_places = self.places[-1]
        _, counters, _, groups, members = self.locations
        groups = groups[:n_places].copy()
        counts = np.zeros(n_places, CODE)
        counts[: groups.shape[0]] = groups["count"]
        starts = (np.cumsum(groups["count"]) - groups["count"]).astype(ROW)
        out = np.empty(counters.item(kernels.groups.N_PLACED), HANDLE)
        kernels.groups.copy_members(groups, members, starts, out)
        return counts, out

    def arrays(self) -> list[NDArray[Any]]:
        """List all arrays; one that is shared may come more than once."""
        found: list[NDArray[Any]] = [slots for _, slots in self.sparse.values()]
        for table in (*self.tables, *(table for table, _ in self.sparse.values())):
            found.append(table.handles)
            found += arrays_in(table.columns.values())
        parts = (self.entities, self.symbols, self.names, self.places, self.locations)
        return found + arrays_in((*parts, *self.pools.values()))


_PARTS = ("entities", "symbols", "names", "places", "locations")


def take(storage: Storage) -> Content:
    """Return the content of a storage, without copies: good until something is written."""
    return Content(
        tick=storage.tick,
        tables=tuple(map(_table_content, storage.tables)),
        sparse={t: (_table_content(s.table), s.slots) for t, s in storage.sparse.items()},
        pools={
            (component, name): pool.state()
            for component in storage.registry
            for name, pool in component.pools.items()
        },
        **{name: getattr(storage, name).state() for name in _PARTS},
        definitions=dict(storage.definitions.by_id),
        generators=drawn(storage.generators),
    )


def share(storage: Storage) -> Content:
    """Return the content of a storage, for good: whoever writes copies first.

    O(columns); and the columns that an open query handed out to be written are
    copied now.
    """
    storage.count_loops()
    exposed = {id(column.data) for column in storage.exposed}
    content = _with_copies(take(storage), exposed)
    # All at once, or a column could be shared that does not know.
    steps: list[Step] = []
    for table in storage.all_tables():
        for column in (table.handles, *table.all_columns()):
            if column.data.flags.writeable and id(column.data) not in exposed:
                steps += column.freezing()
    for array in content.arrays():
        if (flags := array.flags).writeable:
            steps.append((setattr, flags, "writeable", False))
    run(steps)
    return content


def putting_back(storage: Storage, content: Content) -> list[Step]:
    """Return the steps that make a content that of the storage it is from. O(columns)."""
    tables = [_table(i, table) for i, table in enumerate(content.tables)]
    sparse = {t: _sparse_set(t, *found) for t, found in content.sparse.items()}
    steps: list[Step] = [
        (setattr, storage, "tables", tables),
        (setattr, storage, "table_by_mask", {table.mask: table for table in tables}),
        (setattr, storage, "sparse", sparse),
        (setattr, storage.definitions, "by_id", dict(content.definitions)),
        (setattr, storage, "structure", storage.structure + 1),
        (setitem, storage.clock, 0, content.tick),
    ]
    for (component, name), state in content.pools.items():
        steps += component.pools[name].thawing(state)
    for name in _PARTS:
        steps += getattr(storage, name).thawing(getattr(content, name))
    return steps + undrawing(storage, content.generators)


def strings_of(state: State) -> StringTable:
    """Return a table of strings in a state: to read from."""
    strings = StringTable()
    for function, *arguments in strings.thawing(state):
        function(*arguments)
    return strings


def _table_content(table: Table) -> TableContent:
    columns = {t: tuple(c.data for c in columns) for t, columns in table.columns.items()}
    return TableContent(table.mask, table.length, table.handles.data, columns)


def _with_copies(content: Content, exposed: set[int]) -> Content:
    if not exposed:
        return content
    tables = tuple(
        table._replace(columns={t: _copied(arrays, exposed) for t, arrays in table.columns.items()})
        for table in content.tables
    )
    return content._replace(tables=tables)


def _copied(arrays: Iterable[NDArray[Any]], exposed: set[int]) -> tuple[NDArray[Any], ...]:
    return tuple(array.copy() if id(array) in exposed else array for array in arrays)


def _table(number: int, content: TableContent) -> Table:
    table = Table(number, ())
    for component, arrays in content.columns.items():
        columns = [Column(field) for field in component.fields]
        for column, array in zip(columns, arrays, strict=True):
            column.hold(array)
        table.add_component(component, columns)
    table.handles = Column(HANDLES)
    table.handles.hold(content.handles)
    table.length = content.length
    return table


def _sparse_set(
    component: ComponentType, content: TableContent, slots: NDArray[np.int32]
) -> SparseSet:
    return SparseSet(component, _table(-1, content), slots)
