"""A component outside of the tables: for what is rare or toggled often.

* Its values lie in a table of its own, of just this component.
* ``slots[index]`` is the row of an entity, -1 where it lacks the component; as
  long as the highest index that ever had it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.change import Change
from ecs_columnar.column import grown, owned
from ecs_columnar.dtypes import CODE, INDEX_MASK, NO_CODE, ROW
from ecs_columnar.errors import RepositoryConsistencyError
from ecs_columnar.registry import ComponentType
from ecs_columnar.table import Table, Values


class SparseSet:
    """The entities that have one sparse component, and its values.

    Attributes
    ----------
    component : ComponentType
    table : Table
        Rows in the order of addition, with removed ones replaced by the last.
    slots : int32 array
        Row of each entity index, or -1.
    """

    __slots__ = ("component", "slots", "table")

    def __init__(
        self,
        component: ComponentType,
        table: Table | None = None,
        slots: NDArray[np.int32] | None = None,
    ) -> None:
        self.component: Final = component
        self.table: Final = Table(-1, [component]) if table is None else table
        self.slots = np.empty(0, CODE) if slots is None else slots

    @property
    def nbytes(self) -> int:
        """Bytes of values, handles and slots, capacity included."""
        return self.table.nbytes + self.slots.nbytes

    def rows_of(self, handles: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the row of each living entity, -1 where it lacks the component."""
        indices = handles & INDEX_MASK
        rows = np.full(handles.shape[0], NO_CODE, ROW)
        known = indices < self.slots.shape[0]
        rows[known] = self.slots[indices[known]]
        return rows

    def reserve(self, handles: NDArray[np.int64]) -> None:
        """Make room to append these entities."""
        self.own()
        if handles.shape[0]:
            self.slots = grown(self.slots, int((handles & INDEX_MASK).max()) + 1, NO_CODE)
        self.table.reserve(handles.shape[0])

    def append(self, change: Change, parts: Iterable[tuple[NDArray[np.int64], Values]]) -> None:
        """Add the component to distinct entities that lack it; room is reserved."""
        start = self.table.length
        for handles, values in parts:
            stop = start + handles.shape[0]
            self.table.append(change, start, handles, {self.component: values})
            change.put(self, "slots", handles & INDEX_MASK, np.arange(start, stop, dtype=CODE))
            start = stop
        change.resize(self.table, start)

    def remove(self, change: Change, handles: NDArray[np.int64]) -> None:
        """Remove the component from distinct entities that have it. O(handles)."""
        self.own()
        indices = handles & INDEX_MASK
        removal = self.table.plan_removal(np.sort(self.slots[indices].astype(ROW)))
        movers = self.table.handles.gather(removal.movers) & INDEX_MASK
        self.table.remove(change, removal)
        change.put(self, "slots", movers, removal.holes.astype(CODE))
        change.put(self, "slots", indices, NO_CODE)

    def own(self) -> None:
        """Copy the slots if a snapshot holds them."""
        self.slots = owned(self.slots)

    def check(self) -> None:
        """Verify that slots and rows are a bijection.

        Raises
        ------
        RepositoryConsistencyError
            When they are not.
        """
        self.table.check()
        handles = self.table.handle_view()
        found = self.rows_of(handles)
        n_slots = int(np.count_nonzero(self.slots >= 0))
        if n_slots != len(self.table) or not np.array_equal(found, np.arange(len(self.table))):
            raise RepositoryConsistencyError(
                f"cannot trust the sparse set of {self.component.type_id}: "
                f"{n_slots} slots for {len(self.table)} rows"
            )
