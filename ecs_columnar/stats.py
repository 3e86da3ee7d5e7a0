"""Figures about a world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecs_columnar.storage import Storage
from ecs_columnar.table import Table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class TableStats:
    """Figures about one table.

    Attributes
    ----------
    components : tuple of str
        Type ids.
    n_rows : int
    capacity : int
        Rows that fit before the table has to grow.
    nbytes : int
        Of all columns and the handles, capacity included.
    """

    components: tuple[str, ...]
    n_rows: int
    capacity: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures about a world.

    Attributes
    ----------
    n_entities : int
        Living ones.
    n_named : int
        Of them, those with a string id.
    n_placed : int
        Of them, those that are in a place.
    n_places : int
    tables : tuple of TableStats
        In the order of their making, empty ones included.
    sparse : tuple of TableStats
        One for each sparse component.
    nbytes : int
        Of all arrays, capacity included; of object fields the references only.
    payload_nbytes : int
        Of the values of components alone, without spare capacity.
    id_nbytes : int
        Of string ids, place names and their maps.
    """

    n_entities: int
    n_named: int
    n_placed: int
    n_places: int
    tables: tuple[TableStats, ...]
    sparse: tuple[TableStats, ...]
    nbytes: int
    payload_nbytes: int
    id_nbytes: int

    @property
    def bytes_per_entity(self) -> float:
        """Bytes of all arrays, for each living entity."""
        return self.nbytes / max(self.n_entities, 1)

    @property
    def overhead_per_entity(self) -> float:
        """Bytes that are neither values of components nor ids, for each living entity."""
        return (self.nbytes - self.payload_nbytes - self.id_nbytes) / max(self.n_entities, 1)

    def to_pandas(self) -> pd.DataFrame:
        """Return the tables as a DataFrame, a row each."""
        import pandas as pd

        rows = [
            (", ".join(table.components), table.n_rows, table.capacity, table.nbytes)
            for table in (*self.tables, *self.sparse)
        ]
        return pd.DataFrame(rows, columns=["components", "n_rows", "capacity", "nbytes"])


def measure(storage: Storage) -> Stats:
    """Count entities, rows, bytes and places of a storage."""
    tables = tuple(_table(table) for table in storage.tables)
    sparse = tuple(_table(sparse.table) for sparse in storage.sparse.values())
    strings = (storage.symbols, storage.names, storage.places)
    return Stats(
        n_entities=storage.entities.n_alive,
        n_named=storage.names.n_named,
        n_placed=storage.locations.n_placed,
        n_places=storage.places.n_places,
        tables=tables,
        sparse=sparse,
        nbytes=storage.nbytes,
        payload_nbytes=sum(map(_payload, storage.all_tables())),
        id_nbytes=sum(part.nbytes for part in strings),
    )


def _table(table: Table) -> TableStats:
    names = tuple(component.type_id for component in table.columns)
    return TableStats(names, len(table), table.handles.capacity, table.nbytes)


def _payload(table: Table) -> int:
    return len(table) * sum(column.field.nbytes for column in table.all_columns())
