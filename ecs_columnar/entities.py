"""The record of each entity, and which handles are alive.

* ``records[:n_used]`` is all indices ever used; a dead one holds minus its next
  generation, or 0 when its generations are used up. Those behind hold 0 too, so
  that a handle is looked for in all of them.
* ``free[:n_free]`` is a stack of the next handles of the dead indices, so that
  the memory of the last removed is used again first. Handles, not indices: the
  next spawn is then a copy, where looking up a million generations took three
  times as long.
"""

from __future__ import annotations

from operator import setitem
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.change import Change
from ecs_columnar.column import Column, grown
from ecs_columnar.dtypes import (
    CODE,
    ENTITY_RECORD,
    HANDLE,
    INDEX_BITS,
    INDEX_MASK,
    MAX_ENTITIES,
    MAX_GENERATION,
    NO_CODE,
    NO_ENTITY,
    ROW,
)
from ecs_columnar.errors import InvalidArgumentError, RepositoryConsistencyError
from ecs_columnar.state import State, Stateful, received
from ecs_columnar.steps import Step, run

if TYPE_CHECKING:
    from ecs_columnar.table import Table

_RECORD_WORDS: Final = ENTITY_RECORD.itemsize // CODE.itemsize


class Located(NamedTuple):
    """Where handles are.

    Attributes
    ----------
    tables : int32 array, shape (n,)
        -1 for a handle of no living entity.
    rows : intp array, shape (n,)
    n_dead : int
    is_mixed : bool
        Whether there is more than one table.
    """

    tables: NDArray[np.int32]
    rows: NDArray[np.intp]
    n_dead: int
    is_mixed: bool


class Entities(Stateful):
    """Entity records, generations and the free list.

    Attributes
    ----------
    records : ENTITY_RECORD array, shape (capacity,)
    free : int64 array, shape (capacity,)
    counters : int64 array, shape (3,)
        Indices ever used, free and retired, where kernels can change them.

    Examples
    --------
    >>> from ecs_columnar.storage import Storage
    >>> storage = Storage()
    >>> entities = storage.entities
    >>> handles = entities.next_handles(2)
    >>> with Change(storage) as change:
    ...     entities.enter(change, handles)
    ...     entities.relocate(change, handles, 0, 0)
    ...     change.apply()
    >>> [hex(handle) for handle in handles]
    ['0x100000000', '0x100000001']
    >>> with Change(storage) as change:
    ...     entities.release(change, handles[:1])
    ...     change.apply()
    >>> entities.are_alive(handles)
    array([False,  True])
    >>> hex(entities.next_handles(1)[0])
    '0x200000000'
    """

    STATE = ("records", "free", "counters")
    __slots__ = ("_memory", "counters", "free", "records")

    records: NDArray[np.void]
    _memory: memoryview[Any]

    def __init__(self) -> None:
        self.hold(np.empty(0, ENTITY_RECORD))
        self.free = np.empty(0, HANDLE)
        self.counters = np.zeros(3, np.int64)

    @property
    def n_used(self) -> int:
        """Number of indices ever used."""
        return self.counters.item(kernels.entities.N_USED)

    @property
    def n_free(self) -> int:
        """Number of indices that will be used again."""
        return self.counters.item(kernels.entities.N_FREE)

    @property
    def n_retired(self) -> int:
        """Number of indices whose generations are used up."""
        return self.counters.item(kernels.entities.N_RETIRED)

    @property
    def n_alive(self) -> int:
        """Number of living entities."""
        return self.n_used - self.n_free - self.n_retired

    @property
    def nbytes(self) -> int:
        """Bytes of records and free list, capacity included."""
        return self.records.nbytes + self.free.nbytes

    def next_handles(self, n: int, n_later: int = 0) -> NDArray[np.int64]:
        """Return the handles of the next ``n`` entities; make room for these and later ones.

        Changes nothing that can be seen: `enter` brings them to life.

        Raises
        ------
        InvalidArgumentError
            When there would be more than `MAX_ENTITIES` indices.
        """
        n_again = min(n, self.n_free)
        n_used = self.n_used + n - n_again
        if n_used > MAX_ENTITIES:
            raise InvalidArgumentError(
                "n", n, f"cannot spawn {n} entities: a world holds at most {MAX_ENTITIES}"
            )
        handles = np.empty(n, HANDLE)
        self.own()
        if n_used > self.records.shape[0]:
            self.hold(grown(self.records, n_used, 0, n_later))
        handles[:n_again] = self.free[self.n_free - n_again : self.n_free]
        kernels.entities.fresh_handles(self.n_used, handles[n_again:])
        return handles

    def enter(self, change: Change, handles: NDArray[np.int64]) -> None:
        """Take what `next_handles` gave as used; `relocate` says where they are."""
        n_again = min(handles.shape[0], self.n_free)
        n_used = self.n_used + handles.shape[0] - n_again
        change.put(self, "counters", kernels.entities.N_FREE, self.n_free - n_again)
        change.put(self, "counters", kernels.entities.N_USED, n_used)

    def relocate(
        self, change: Change, handles: NDArray[np.int64], table: int, first_row: int
    ) -> None:
        """Record that entities are now in consecutive rows of a table."""
        self.own()
        self._save(change, handles)
        change.call(kernels.entities.enter, handles, table, first_row, self.records)

    def bear(
        self,
        change: Change,
        handles: NDArray[np.int64],
        table: int,
        first_row: int,
        column: Column,
    ) -> None:
        """Record new entities in consecutive rows of a table, and in its column of handles."""
        self.own()
        column.own()
        self._save(change, handles)
        stop = first_row + handles.shape[0]
        change.save_run(column, first_row, stop)
        rows = column.data[first_row:stop]
        change.call(kernels.entities.bear, handles, table, first_row, self.records, rows)

    def set_rows(self, change: Change, handles: NDArray[np.int64], rows: NDArray[np.intp]) -> None:
        """Record new rows of entities that stay in their tables."""
        self.own()
        self._save(change, handles)
        change.call(kernels.entities.set_rows, handles, rows, self.records)

    def release(self, change: Change, handles: NDArray[np.int64]) -> None:
        """Let distinct living entities die; their indices are used again, last first."""
        n_retired = int(np.count_nonzero(handles >> INDEX_BITS == MAX_GENERATION))
        n_free = self.n_free + handles.shape[0]
        self.own()
        self.free = grown(self.free, n_free, 0)
        self._save(change, handles)
        change.save(self, "free", slice(self.n_free, n_free))
        change.call(
            kernels.entities.release, handles, self.records, self.free[self.n_free : n_free]
        )
        change.put(self, "counters", kernels.entities.N_FREE, n_free - n_retired)
        change.put(self, "counters", kernels.entities.N_RETIRED, self.n_retired + n_retired)

    def bear_one(self, table: Table, clock: NDArray[np.int64]) -> int:
        """Bring the next entity to life in the next row of a table, as one operation.

        Parameters
        ----------
        table : Table
            Its column of handles is writable, and has room for one more.
        clock : int64 array, shape (1,)

        Returns
        -------
        int
            Its handle.
        """
        counters = self.counters
        if not counters.flags.writeable:
            self.own()
            counters = self.counters
        handle = kernels.entities.bear_one.direct(
            table.number, self.records, self.free, counters, table.count, table.handles.data, clock
        )
        if handle == NO_ENTITY:
            self.next_handles(1)  # makes room
            return self.bear_one(table, clock)
        return handle

    def own(self) -> None:
        """Copy the arrays that a snapshot holds."""
        # Counters are replaced here only: records may have grown since a snapshot took them.
        if not self.counters.flags.writeable:
            self.copy_arrays()

    def locate(self, handles: NDArray[np.int64]) -> Located:
        """Find table and row of each handle. O(n), one cache miss each."""
        tables = np.empty(handles.shape[0], CODE)
        rows = np.empty(handles.shape[0], ROW)
        n_dead, is_mixed = kernels.entities.locate(handles, self.records, tables, rows)
        return Located(tables, rows, n_dead, is_mixed)

    def rows_in(self, handles: NDArray[np.int64], table: int) -> NDArray[np.intp] | None:
        """Find the row of each handle; None unless all are of living entities in one table."""
        rows = np.empty(handles.shape[0], ROW)
        return rows if kernels.entities.find_rows(handles, self.records, table, rows) else None

    def are_alive(self, handles: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell for each handle whether its entity is alive; any numbers will do."""
        mask = np.empty(handles.shape[0], np.bool_)
        kernels.entities.are_alive(handles, self.records, mask)
        return mask

    def is_alive(self, handle: int) -> bool:
        """Tell whether the entity of one handle is alive."""
        at = (handle & INDEX_MASK) * _RECORD_WORDS
        return at < len(self._memory) and self._memory[at] == handle >> INDEX_BITS > 0

    def table_of(self, handle: int) -> int:
        """Return the number of the table of one handle, -1 where its entity is dead."""
        at = (handle & INDEX_MASK) * _RECORD_WORDS
        generation = handle >> INDEX_BITS
        if generation <= 0 or at >= len(self._memory) or self._memory[at] != generation:
            return NO_CODE
        number: int = self._memory[at + 1]
        return number

    def thawing(self, state: State) -> list[Step]:
        """Return the steps that go back to a state."""
        return [*super().thawing(state), (setattr, self, "_memory", state[0].view(CODE).data)]

    def __getstate__(self) -> tuple[Any, ...]:
        return self.state()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        records, self.free, self.counters = received(state)
        self.hold(records)

    def hold(self, records: NDArray[np.void]) -> None:
        """Take an array as the records. O(1)."""
        # Single fields of single records, ten times faster than through NumPy.
        memory = records.view(CODE).data
        run([(setattr, self, "records", records), (setattr, self, "_memory", memory)])

    def _save(self, change: Change, handles: NDArray[np.int64]) -> None:
        if change.log is None:
            return
        indices = handles & INDEX_MASK
        stop = int(indices.max(initial=-1)) + 1
        if stop > self.n_used:  # nothing but zeros to remember
            start = max(self.n_used, int(indices.min()))
            change.undo_later(self._clearing, start, stop)
            indices = indices[indices < self.n_used] if start == self.n_used else indices[:0]
        if indices.shape[0]:
            change.save(self, "records", indices)

    def _clearing(self, start: int, stop: int) -> list[Step]:
        """Return the step that makes a run of records those of indices that were never used."""
        self.own()
        return [(setitem, self.records[start:stop].view(CODE), slice(None), 0)]

    def check(self) -> None:
        """Verify that the free list holds exactly the dead indices.

        Raises
        ------
        RepositoryConsistencyError
            When it does not.
        """
        if self.records["generation"][self.n_used :].any():
            raise RepositoryConsistencyError(
                f"cannot trust the records: some behind the {self.n_used} that are used are alive"
            )
        generations = self.records["generation"][: self.n_used]
        dead = np.flatnonzero(generations < 0)
        free = np.sort(self.free[: self.n_free] & INDEX_MASK)
        next_generations = -(self.free[: self.n_free] >> INDEX_BITS)
        if not (
            np.array_equal(dead, free)
            and np.array_equal(generations[self.free[: self.n_free] & INDEX_MASK], next_generations)
        ):
            raise RepositoryConsistencyError(
                f"cannot trust the free list: it holds {self.n_free} indices and "
                f"{dead.shape[0]} are dead"
            )
        if int(np.count_nonzero(generations == 0)) != self.n_retired:
            raise RepositoryConsistencyError("cannot trust the count of retired indices")
