"""All state of a world that can change, in one object.

Everything above it (operations, queries, the world) holds no state of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from operator import delitem, is_, setitem
from types import FrameType, GeneratorType
from typing import Any, Final
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.change import Change
from ecs_columnar.column import Column, owned
from ecs_columnar.definitions import Definitions
from ecs_columnar.dtypes import CODE, LOCATION_RECORD, NO_ENTITY, NOWHERE, ROW
from ecs_columnar.entities import Entities
from ecs_columnar.errors import RepositoryConsistencyError, StructuralChangeError
from ecs_columnar.events import Event, Listeners, send
from ecs_columnar.location_index import LocationIndex
from ecs_columnar.names import Names
from ecs_columnar.places import Places
from ecs_columnar.registry import ComponentType, Registry
from ecs_columnar.sparse import SparseSet
from ecs_columnar.state import aligned
from ecs_columnar.steps import Step, run
from ecs_columnar.strings import StringTable
from ecs_columnar.table import Table
from ecs_columnar.undo_log import Moves, UndoLog

_MOST_CODES_EACH: Final = 64
"""A mark for each code of a table takes no longer than to sort so many times fewer."""


class Attachments(dict[type, Any]):
    """What layers above the core keep with a world, by its class.

    It does not travel: a copy of the world, or one that was pickled, has none.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return Attachments, ()


class Storage:
    """Tables, entity records, ids, places and definitions.

    Attributes
    ----------
    registry : Registry
    entities : Entities
    tables : list of Table
        By number.
    sparse : dict of ComponentType to SparseSet
    symbols : StringTable
        The strings of ids and place names.
    names : Names
    places : Places
    locations : LocationIndex
        By place code.
    definitions : Definitions
    generators : dict of str to numpy.random.Generator
        Whose states belong to the world's.
    structure : int
        Moves whenever a row may have moved.
    clock : int64 array, shape (1,)
        How many operations there were, where kernels can count on.
    log : UndoLog or None
        Of the innermost transaction.
    transaction : object
        Who holds that log; None where there is none.
    exposed : list of Column
        Those that an open query has handed out to be written.
    listeners : dict of str to list
    outbox : list of Event
        To be sent when no transaction is open.
    attachments : Attachments
    journal : object or None
        What records each change before it is done; while there is one.
    """

    def __init__(self) -> None:
        self.registry: Final = Registry()
        self.entities: Final = Entities()
        self.tables: list[Table] = []
        self.sparse: dict[ComponentType, SparseSet] = {}
        self.symbols: Final = StringTable()
        self.names: Final = Names(self.symbols)
        self.places: Final = Places(self.names)
        self.locations: Final = LocationIndex()
        self.definitions: Final = Definitions()
        self.generators: dict[str, np.random.Generator] = {}
        self.structure = 0
        self.clock = np.zeros(1, np.int64)
        self.log: UndoLog | None = None
        self.transaction: Any = None
        self.exposed: Final[list[Column]] = []
        self.listeners: Final[Listeners] = {}
        self.outbox: Final[list[Event]] = []
        self.attachments: Final = Attachments()
        self.journal: Any = None
        self.table_by_mask: dict[int, Table] = {}
        self._loops: Final[list[ReferenceType[GeneratorType[Any, None, None]]]] = []
        self._publisher: FrameType | None = None

    @property
    def tick(self) -> int:
        """How many operations there were."""
        return self.clock.item()

    @property
    def is_plain(self) -> bool:
        """Whether single writes may go straight to their cells: nobody has to know of them."""
        return self.log is None and not self.listeners and self.journal is None

    def table_of(self, change: Change, mask: int) -> Table:
        """Return the table of a set of components, made now if there is none."""
        table = self.table_by_mask.get(mask)
        if table is None:
            table = Table(len(self.tables), self.registry.in_mask(mask))
            change.undo_failure(self._dropping, len(self.tables), mask)
            run([(self.tables.append, table), (setitem, self.table_by_mask, mask, table)])
        return table

    def _remapping(self, table_by_mask: dict[int, Table]) -> list[Step]:
        return [(self.table_by_mask.update, table_by_mask)]

    def _dropping(self, number: int, mask: int) -> list[Step]:
        """Forget the last table, that was made for a set of components."""
        return [
            (delitem, self.tables, slice(number, None)),
            (self.table_by_mask.pop, mask, None),
        ]

    def sparse_of(self, component: ComponentType) -> SparseSet:
        """Return the sparse set of a component, to read from; an empty one if there is none."""
        found = self.sparse.get(component)
        return SparseSet(component) if found is None else found

    def sparse_for(self, change: Change, component: ComponentType) -> SparseSet:
        """Return the sparse set of a component, made now if there is none."""
        found = self.sparse.get(component)
        if found is None:
            found = SparseSet(component)
            change.undo_failure(self._dropping_sparse, component)
            run([(setitem, self.sparse, component, found)])
        return found

    def _dropping_sparse(self, component: ComponentType) -> list[Step]:
        return [(self.sparse.pop, component, None)]

    def hand_over(self, change: Change, source: Table, target: Table) -> None:
        """Exchange the component sets of a full table and an empty one.

        The rows stay where they are; only columns that one of the two lacks
        change hands, with their capacity. O(components).
        """
        for table, other in ((source, target), (target, source)):
            both = other.columns | table.columns
            change.attribute(table, "columns", {t: both[t] for t in other.columns})
            change.attribute(table, "mask", other.mask)
        change.steps.append((self.table_by_mask.update, {source.mask: target, target.mask: source}))
        change.undo_later(self._remapping, {source.mask: source, target.mask: target})

    def all_tables(self) -> Iterator[Table]:
        """Return the tables, and those of the sparse sets."""
        yield from self.tables
        for sparse in self.sparse.values():
            yield sparse.table

    def holders(self, component: ComponentType) -> NDArray[np.int64]:
        """Copy the handles of all entities that have a component."""
        if component.is_sparse:
            return self.sparse_of(component).table.handle_view().copy()
        found = [t.handle_view() for t in self.tables if t.mask & component.bit]
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def open_loop(self, loop: GeneratorType[Any, None, None]) -> None:
        """Take notice of a loop that hands out views of rows, until it ends by whatever means.

        A count that the loop kept would be wrong for ever if an interrupt came
        before it is counted down.
        """
        self.count_loops()
        # Forgotten as soon as it is freed, so that as a rule there is none to look through.
        self._loops.append(ref(loop, self._loops.remove))

    def count_loops(self) -> int:
        """Return how many loops are open; what they exposed is so no longer than they are."""
        if not self._loops:
            self.exposed.clear()
            return 0
        self._loops[:] = filter(_is_unfinished, tuple(self._loops))
        n_open = sum(map(_is_open, tuple(self._loops)))  # one may be freed meanwhile
        if not n_open:
            self.exposed.clear()
        return n_open

    def expose(self, column: Column, n_rows: int) -> None:
        """Get a column ready to be written by whoever is handed a view of it."""
        column.own()
        if self.log is not None:
            with Change(self, is_counted=False) as change, change:
                change.save_all(column, n_rows)
                change.apply()
        self.exposed.append(column)

    def begin_structural_change(self, verb: str) -> None:
        """Refuse to move rows while a query is open.

        Raises
        ------
        StructuralChangeError
            When one is.
        """
        if self._loops and (n_loops := self.count_loops()):
            raise StructuralChangeError(
                f"cannot {verb} while {n_loops} queries are open: rows would move "
                "under their views; collect the handles and do it after the loop"
            )
        self.structure += 1

    def forget(self, change: Change, handles: NDArray[np.int64]) -> None:
        """Take entities that are about to die from ids and places.

        Their ids are forgotten as well, but for those that are places. In a
        transaction this waits for its end, because what is forgotten cannot be
        brought back.
        """
        if self.locations.n_placed:
            self.place(change, handles, np.full(handles.shape[0], NOWHERE, CODE))
        if self.places.n_places:
            self.places.unlink(change, handles)
        if self.names.n_named:
            symbols = self.names.unbind(change, handles)
            if change.log is not None:
                change.discard(symbols)
            else:
                change.steps += self._discarding(symbols)

    def place(
        self,
        change: Change,
        handles: NDArray[np.int64],
        codes: NDArray[np.int32],
        *,
        is_asked: bool = False,
    ) -> NDArray[np.void]:
        """Move entities to places: the only write of a batch to the location index.

        Returns
        -------
        LOCATION_RECORD array, shape (n,)
            Where each was, filled in when it is done; empty if nobody wants to know.
        """
        self.locations.reserve(handles, codes, change.times_later)
        is_noted = is_asked or change.log is not None or bool(self.listeners.get("moved"))
        before = np.empty(handles.shape[0] if is_noted else 0, LOCATION_RECORD)
        change.steps.append(self.locations.placing(handles, codes, before))
        if is_noted:
            change.move(Moves(handles, codes, before))
        return before

    def discarding(self, symbols: list[NDArray[np.int32]]) -> list[Step]:
        """Forget the strings of symbols, unless they name somebody again by now."""
        if not symbols:
            return []
        distinct = _distinct(np.concatenate(symbols), self.symbols.n_codes)
        return self._discarding(distinct[self.names.handles_of(distinct) == NO_ENTITY])

    def _discarding(self, symbols: NDArray[np.int32]) -> list[Step]:
        """Forget the strings of symbols that name no entity, unless they name places."""
        unused = symbols[self.places.find_symbols(symbols) < 0]
        return self.symbols.discarding(unused) if unused.shape[0] else []

    def publish(self) -> None:
        """Send the events that wait, unless a transaction is open.

        What listeners do is sent after what they were told.
        """
        if self.log is not None or self._is_publishing():
            return
        try:
            self._publisher = sys._getframe()
            send(self.outbox, self.listeners)
        finally:
            self._publisher = None

    def _is_publishing(self) -> bool:
        """Tell whether `publish` is running: a mere flag could be left behind by an interrupt."""
        frame = None if self._publisher is None else sys._getframe()
        while frame is not None and frame is not self._publisher:
            frame = frame.f_back
        return frame is not None

    def apart(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return an array that no write changes: the same one, or a copy of live data.

        What a query or a place showed is the very memory that will be written.
        """
        return array if array.base is None or not self.owns(array) else array.copy()

    def owns(self, array: NDArray[Any]) -> bool:
        """Tell whether a view is one of live data, which a write would change."""
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        # What lies in the buffer of another library may be ours as well: its address tells.
        is_same = is_ if root.base is None else np.may_share_memory
        return any(is_same(root, live) for live in self._live())

    def _live(self) -> Iterator[NDArray[Any]]:
        """Return the arrays of which views are shown."""
        yield self.locations.members
        for table in self.all_tables():
            yield table.handles.data
            for column in table.all_columns():
                yield column.data

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, capacity included."""
        parts = (self.entities, self.symbols, self.names, self.places, self.locations)
        pools = (pool for component in self.registry for pool in component.pools.values())
        return (
            sum(part.nbytes for part in parts)
            + sum(table.nbytes for table in self.tables)
            + sum(sparse_set.nbytes for sparse_set in self.sparse.values())
            + sum(pool.nbytes for pool in pools)
        )

    def check(self) -> None:
        """Verify all invariants. O(everything).

        Raises
        ------
        RepositoryConsistencyError
            When one does not hold.
        """
        self.entities.check()
        self._check_tables()
        for sparse in self.sparse.values():
            sparse.check()
            self._check_alive(sparse.table.handle_view(), repr(sparse.component))
        self.symbols.check()
        self.names.check()
        self._check_alive(self.names.handle_of[np.flatnonzero(self.names.handle_of)], "the ids")
        self.places.check(self.entities.are_alive(self.places.entities[: self.places.n_places]))
        self.locations.check()
        self._check_alive(self.locations.grouped().members, "the location index")

    def _check_tables(self) -> None:
        for table in self.tables:
            table.check()
            handles = table.handle_view()
            located = self.entities.locate(handles)
            rows = np.arange(table.length)
            if not (np.array_equal(located.rows, rows) and (located.tables == table.number).all()):
                raise RepositoryConsistencyError(
                    f"cannot trust {table!r}: its rows are not where their entities' records say"
                )
            if self.table_by_mask.get(table.mask) is not table:
                raise RepositoryConsistencyError(f"cannot trust {table!r}: its set finds another")
        n_rows = sum(table.length for table in self.tables)
        if n_rows != self.entities.n_alive:
            raise RepositoryConsistencyError(
                f"cannot trust the tables: {n_rows} rows for {self.entities.n_alive} entities"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loops": [], "_publisher": None, "journal": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.clock = owned(aligned(self.clock))  # what comes apart from its pickle may be read-only

    def _check_alive(self, handles: NDArray[np.int64], where: str) -> None:
        n_dead = handles.shape[0] - int(np.count_nonzero(self.entities.are_alive(handles)))
        if n_dead:
            raise RepositoryConsistencyError(f"cannot trust {where}: {n_dead} entities are dead")


def _distinct(codes: NDArray[np.int32], n_codes: int) -> NDArray[np.int32]:
    """Return distinct codes, rising: a twentieth of the time of sorting, unless they are few."""
    if n_codes > _MOST_CODES_EACH * codes.shape[0]:
        return np.unique(codes)
    is_there = np.zeros(n_codes, np.bool_)
    is_there[codes.astype(ROW)] = True
    return np.flatnonzero(is_there).astype(CODE)


def _is_unfinished(loop: ReferenceType[GeneratorType[Any, None, None]]) -> bool:
    found = loop()
    return found is not None and found.gi_frame is not None


def _is_open(loop: ReferenceType[GeneratorType[Any, None, None]]) -> bool:
    """Tell whether a loop has begun and not ended.

    One that has not begun has handed out nothing, and looks for its tables when
    it does. It may be held for long: by the traceback of what interrupted it.
    """
    found = loop()
    return found is not None and (found.gi_suspended or found.gi_running)
