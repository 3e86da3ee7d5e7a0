"""All state of a world that can change, in one object.

Everything above it (operations, queries, the world) holds no state of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.definitions import Definitions
from ecs_columnar.entities import Entities
from ecs_columnar.errors import RepositoryConsistencyError, StructuralChangeError
from ecs_columnar.location_index import LocationIndex
from ecs_columnar.names import Names
from ecs_columnar.places import Places
from ecs_columnar.registry import ComponentType, Registry
from ecs_columnar.sparse import SparseSet
from ecs_columnar.strings import StringTable
from ecs_columnar.table import Table


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
    structure : int
        Moves whenever a row may have moved.
    """

    def __init__(self) -> None:
        self.registry: Final = Registry()
        self.entities: Final = Entities()
        self.tables: Final[list[Table]] = []
        self.sparse: Final[dict[ComponentType, SparseSet]] = {}
        self.symbols: Final = StringTable()
        self.names: Final = Names(self.symbols)
        self.places: Final = Places(self.names)
        self.locations: Final = LocationIndex()
        self.definitions: Final = Definitions()
        self.structure = 0
        self._table_by_mask: Final[dict[int, Table]] = {}
        self._n_open_queries = 0

    def table_of(self, mask: int) -> Table:
        """Return the table of a set of components, made now if there is none."""
        table = self._table_by_mask.get(mask)
        if table is None:
            table = Table(len(self.tables), self.registry.in_mask(mask))
            self.tables.append(table)
            self._table_by_mask[mask] = table
        return table

    def sparse_of(self, component: ComponentType) -> SparseSet:
        """Return the sparse set of a component, made now if there is none."""
        found = self.sparse.get(component)
        if found is None:
            found = self.sparse[component] = SparseSet(component)
        return found

    def hand_over(self, source: Table, target: Table) -> None:
        """Exchange the component sets of a full table and an empty one.

        The rows stay where they are; only columns that one of the two lacks
        change hands, with their capacity. O(components).
        """
        only_source = self.registry.in_mask(source.mask & ~target.mask)
        only_target = self.registry.in_mask(target.mask & ~source.mask)
        for component in only_source:
            target.add_component(component, source.drop_component(component))
        for component in only_target:
            source.add_component(component, target.drop_component(component))
        self._table_by_mask[source.mask] = source
        self._table_by_mask[target.mask] = target

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

    @contextmanager
    def open_query(self) -> Iterator[None]:
        """Refuse structural changes while views of rows are handed out."""
        self._n_open_queries += 1
        try:
            yield
        finally:
            self._n_open_queries -= 1

    def begin_structural_change(self, verb: str) -> None:
        """Refuse to move rows while a query is open.

        Raises
        ------
        StructuralChangeError
            When one is.
        """
        if self._n_open_queries:
            raise StructuralChangeError(
                f"cannot {verb} while {self._n_open_queries} queries are open: rows would move "
                "under their views; collect the handles and do it after the loop"
            )
        self.structure += 1

    def forget(self, handles: NDArray[np.int64]) -> None:
        """Take entities that are about to die from ids and places."""
        if self.locations.n_placed:
            self.locations.remove(handles)
        if self.places.n_places:
            self.places.unlink(handles)
        if self.names.n_named:
            symbols = self.names.unbind(handles)
            self.symbols.discard(symbols[self.places.find_symbols(symbols) < 0])

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
            if self._table_by_mask.get(table.mask) is not table:
                raise RepositoryConsistencyError(f"cannot trust {table!r}: its set finds another")
        n_rows = sum(table.length for table in self.tables)
        if n_rows != self.entities.n_alive:
            raise RepositoryConsistencyError(
                f"cannot trust the tables: {n_rows} rows for {self.entities.n_alive} entities"
            )

    def _check_alive(self, handles: NDArray[np.int64], where: str) -> None:
        n_dead = handles.shape[0] - int(np.count_nonzero(self.entities.are_alive(handles)))
        if n_dead:
            raise RepositoryConsistencyError(f"cannot trust {where}: {n_dead} entities are dead")
