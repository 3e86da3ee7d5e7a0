"""Queries: which tables match, and views of their columns.

A query holds no rows. It looks for matching tables each time it is used, so
that one made once stays right for ever.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import ComponentNotFoundError, InvalidArgumentError
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Component
from ecs_columnar.selection import HasSelection, Part, Selection
from ecs_columnar.storage import Storage
from ecs_columnar.table import Table
from ecs_columnar.views import ColumnsView, view_class

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

AnyComponent = TypeVar("AnyComponent", bound=Component)


class Mut(Generic[AnyComponent]):
    """A term of a query whose columns are written: ``Mut[Position]``.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> class Position(ecs.Component):
    ...     x: ecs.f4
    >>> Mut[Position]
    Mut[Position]
    """

    __slots__ = ("component",)

    def __init__(self, component: type[AnyComponent]) -> None:
        self.component = component

    def __class_getitem__(cls, component: Any) -> Any:
        return cls(component)

    def __repr__(self) -> str:
        return f"Mut[{self.component.__name__}]"


class TableView:
    """The rows of one table that a query matches: what a loop over a query sees.

    ``view[Position]`` has an attribute for each field, a contiguous array
    without a copy, read-only unless the query asked for ``Mut[Position]``.
    Good until the loop goes on.
    """

    __slots__ = ("_mutable", "_storage", "_table", "_types", "_views")

    def __init__(
        self,
        storage: Storage,
        table: Table,
        types: dict[type[Component], ComponentType],
        mutable: set[type[Component]],
    ) -> None:
        self._storage = storage
        self._table = table
        self._types = types
        self._mutable = mutable
        self._views: dict[type[Component], ColumnsView] = {}

    @property
    def handles(self) -> NDArray[np.int64]:
        """Handles of the rows, shape (n,): a read-only view."""
        handles = self._table.handle_view()
        handles.flags.writeable = False
        return handles

    def __getitem__(self, component: type[AnyComponent]) -> AnyComponent:
        view = self._views.get(component)
        if view is None:
            found = self._types.get(component)
            if found is None:
                raise _no_term(component)
            is_mutable = component in self._mutable
            view = view_class(found)(self._storage, self._table, found, is_mutable)
            self._views[component] = view
        return view  # type: ignore[return-value]  # has the attributes that count

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        names = ", ".join(component.__name__ for component in self._types)
        return f"<TableView of {len(self)} entities with ({names})>"


class Query(HasSelection):
    """All entities that have some components and lack others.

    Made by `World.query`. Iterating gives one `TableView` per table that is not
    empty; `handles`, `count`, `to_pandas` and `to_arrow` look at all of them at once. A
    query can be given wherever entities are expected.
    """

    __slots__ = ("_mutable", "_refused", "_sparse", "_types", "_wanted", "_without")

    def __init__(
        self, storage: Storage, terms: Iterable[Any], without: Iterable[type[Component]]
    ) -> None:
        self._storage = storage
        self._types: Final[dict[type[Component], ComponentType]] = {}
        self._mutable: Final[set[type[Component]]] = set()
        self._sparse: Final[list[ComponentType]] = []
        for term in terms:
            component = term
            if isinstance(term, Mut):
                component = term.component
                self._mutable.add(component)
            self._types[component] = storage.registry.of(component)
        self._without: Final = tuple(map(storage.registry.of, without)) if without else ()
        self._wanted: Final = self._mask(self._types.values())
        self._refused: Final = self._mask(self._without) if without else 0
        for found in self._without:
            if found.schema.component in self._types:
                raise InvalidArgumentError(
                    "without",
                    found.schema.component,
                    f"cannot query with and without {found.type_id} at once",
                )

    def _mask(self, types: Iterable[ComponentType]) -> int:
        """Return the set of those that lie in tables; the others are kept aside."""
        mask = 0
        for component_type in types:
            if component_type.is_sparse:
                self._sparse.append(component_type)
            else:
                mask |= component_type.bit
        return mask

    def count(self) -> int:
        """Return the number of entities that match. O(tables) without sparse components."""
        if self._sparse:
            return len(self.selection())
        return sum(len(table) for table in self._tables())

    def handles(self) -> NDArray[np.int64]:
        """Return the handles of all entities that match, in row order: a copy."""
        return self.selection().handles

    def selection(self) -> Selection:
        """Return all entities that match, by table."""
        parts, start = [], 0
        for table in self._tables():
            parts.append(Part(table, None, slice(start, start + len(table))))
            start += len(table)
        whole = Selection(parts)
        return self._sift(whole) if self._sparse else whole

    def to_pandas(self) -> pd.DataFrame:
        """Copy all values into a DataFrame, a row an entity.

        Returns
        -------
        DataFrame
            The index, named "entity", is the handles. A column for each field,
            named ``"Position.x"``; strings as categoricals; a sub-array as a
            column for each element, ``"Position.v[0]"``; a tag has none.
        """
        from ecs_columnar.frames import to_frame

        return to_frame(self._storage, self.selection(), tuple(self._types.values()))

    def to_arrow(self) -> pa.Table:
        """Copy all values into an Arrow table, a row an entity.

        So does whoever takes Arrow data by the PyCapsule interface:
        ``polars.DataFrame(query)``, ``pyarrow.table(query)``, or a query in SQL of
        DuckDB.

        Returns
        -------
        pyarrow.Table
            First ``entity`` (handle), then a column for each field, named
            ``"Position.x"``: strings in a dictionary, sub-arrays as lists of fixed
            size, times in days or in seconds and below, NaT as null; objects as
            what Arrow infers for them.

        Raises
        ------
        MissingExtraError
            When pyarrow is not installed.
        InvalidArgumentError
            When Arrow has no type for a field: objects that are not alike, months
            as a span of time, units below nanoseconds.

        Examples
        --------
        >>> import ecs_columnar as ecs
        >>> class Position(ecs.Component):
        ...     x: ecs.f4
        >>> world = ecs.World()
        >>> _ = world.spawn(2, Position([1.0, 2.0]))
        >>> world.query(Position).to_arrow().column_names
        ['entity', 'Position.x']
        """
        from ecs_columnar.arrow import to_arrow

        return to_arrow(self._storage, self.selection(), tuple(self._types.values()))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __iter__(self) -> Iterator[TableView]:
        if self._sparse:
            names = ", ".join(component.type_id for component in self._sparse)
            raise InvalidArgumentError(
                "terms",
                names,
                f"cannot iterate over {names}: a sparse component has no contiguous rows beside "
                "the others; use world.get(query, ...) and world.set(query, ...), or store it "
                "in tables",
            )
        loop = self._iterate()
        self._storage.open_loop(loop)  # type: ignore[arg-type]  # a generator's type
        return loop

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        from ecs_columnar.display import query_text

        return query_text(self)

    def _repr_html_(self) -> str:
        from ecs_columnar.display import query_html

        return query_html(self)

    def describe(self) -> str:
        """Write the terms as they were given."""
        terms = [
            f"Mut[{component.__name__}]" if component in self._mutable else component.__name__
            for component in self._types
        ]
        if self._without:
            names = ", ".join(c.schema.component.__name__ for c in self._without)
            terms.append(f"without=({names})")
        return f"query({', '.join(terms)})"

    def head(self, n: int) -> pd.DataFrame:
        """Copy the first ``n`` entities that match into a DataFrame, as `to_pandas` does."""
        from ecs_columnar.frames import to_frame

        return to_frame(self._storage, _first(self.selection(), n), tuple(self._types.values()))

    def _iterate(self) -> Generator[TableView, None, None]:
        for table in self._tables():
            try:
                yield TableView(self._storage, table, self._types, self._mutable)
            finally:
                if self._storage.journal is not None:
                    self._storage.journal.settle(table)

    def _tables(self) -> list[Table]:
        wanted, refused = self._wanted, self._refused
        return [
            table
            for table in self._storage.tables
            if table.mask & wanted == wanted and not table.mask & refused and table.length
        ]

    def _sift(self, selection: Selection) -> Selection:
        """Keep the entities that sparse components let through."""
        keep = np.ones(len(selection), np.bool_)
        for component in self._sparse:
            sparse = self._storage.sparse_of(component)
            keep &= (sparse.rows_of(selection.handles) >= 0) ^ (component in self._without)
        parts, start = [], 0
        for part in selection.parts:
            rows = np.flatnonzero(keep[part.positions])
            if rows.shape[0]:
                positions = slice(start, start + rows.shape[0])
                parts.append(Part(part.table, rows, positions))
                start += rows.shape[0]
        return Selection(parts)


def _no_term(component: object) -> ComponentNotFoundError:
    name = getattr(component, "__name__", repr(component))
    return ComponentNotFoundError(
        f"cannot view {name}: it is not a term of this query; add it to the query",
        component_type_id=name,
    )


def _first(selection: Selection, n: int) -> Selection:
    parts = []
    for part in selection.parts:
        start = part.positions.start if isinstance(part.positions, slice) else 0
        k = min(len(part), n - start)
        if k > 0:
            rows = np.arange(k) if part.rows is None else part.rows[:k]
            parts.append(Part(part.table, rows, slice(start, start + k)))
    return Selection(parts)
