"""The overrides of a batch of creations, a component type at a time."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.schema import Component
from ecs_columnar.services.alike import to_alike
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.codec import Columns
from ecs_columnar.services.columns import (
    Column,
    are_all,
    are_missing,
    factorize_all,
    is_whole,
    take,
    to_list,
)
from ecs_columnar.services.items import MISSING
from ecs_columnar.services.relocation import dead_rows
from ecs_columnar.services.threads import run_all

TypeIds = tuple[str, ...]
Rows = NDArray[np.intp] | None
"""Some items; None is all of them."""


class TypeColumns(NamedTuple):
    """The data of one component type.

    Attributes
    ----------
    columns : Columns
    positions : intp array, shape (n,), or None
        Where the data of each item stands in the columns; None is where the item
        stands itself.
    """

    columns: Columns
    positions: NDArray[np.intp] | None

    def at(self, rows: NDArray[np.intp] | slice) -> Component:
        """Return the data of some items."""
        return self.columns.at(rows if self.positions is None else self.positions[rows])


class Overrides:
    """What ``n`` items say of components.

    Attributes
    ----------
    keys : intp array, shape (n,)
        Which set of component types each item has.
    key_sets : list of tuple of str
        Each in the order of the item.
    by_type : dict of str to TypeColumns
        Of the types that are registered.
    unfit : dict of int to tuple
        Of each item that has one, the first bad type in its order, and what is wrong with
        its data, a line each.
    is_malformed : bool array, shape (n,)
        Which items have something else than a mapping.
    """

    def __init__(self, catalogue: Catalogue, n: int) -> None:
        self._catalogue: Final = catalogue
        self.n: Final = n
        self.keys = np.zeros(n, np.intp)
        self.key_sets: list[TypeIds] = [()]
        self.by_type: dict[str, TypeColumns] = {}
        self.unfit: dict[int, tuple[str, list[str]]] = {}
        self.is_malformed = np.zeros(n, np.bool_)
        self._ranks: dict[int, int] = {}

    @classmethod
    def of_items(
        cls, catalogue: Catalogue, given: Sequence[Any], *, in_threads: bool = False
    ) -> Overrides:
        """Take a mapping of component types to data an item, None where there are none."""
        found = cls(catalogue, len(given))
        alike = to_alike(given)
        if alike is None and not are_all(given, dict):
            given = [_NOTHING if item is None or item is MISSING else item for item in given]
            is_mapping = [isinstance(item, Mapping) for item in given]
            found.is_malformed[:] = np.logical_not(is_mapping)
            given = [item if ok else _NOTHING for item, ok in zip(given, is_mapping, strict=True)]
        if alike is not None and alike.is_ordered:
            found.key_sets = [tuple(alike.columns)]
        else:
            found.keys, found.key_sets = _key_sets(given)

        def to_columns(type_id: str, rows: Rows) -> Columns:
            if alike is not None:
                return catalogue.codec(type_id).to_columns(alike.columns[type_id])
            some = given if rows is None else _some(given, rows)
            return catalogue.codec(type_id).to_columns(list(map(itemgetter(type_id), some)))

        found._take_all(to_columns, in_threads=in_threads)
        return found

    @classmethod
    def of_columns(
        cls,
        catalogue: Catalogue,
        columns: Mapping[str, Column],
        n: int,
        *,
        in_threads: bool = False,
    ) -> Overrides:
        """Take a column a field, or a column of whole data.

        Parameters
        ----------
        catalogue : Catalogue
        columns : mapping of str to column
            By type and field, such as ``"core:position.locationId"``; or by type,
            with the whole data, or booleans where the type has no fields. What is
            missing is not there: a property, or where all are, the component.
        n : int
        in_threads : bool
            Whether types may be taken in threads.
        """
        found = cls(catalogue, n)
        by_type = _by_type(catalogue, columns)
        found._find_key_sets(by_type)

        def to_columns(type_id: str, rows: Rows) -> Columns:
            fields = by_type[type_id]
            if rows is None:
                return _from_fields(catalogue.codec(type_id), fields, n)
            fields = {name: take(column, rows) for name, column in fields.items()}
            return _from_fields(catalogue.codec(type_id), fields, rows.shape[0])

        found._take_all(to_columns, in_threads=in_threads)
        return found

    def _find_key_sets(self, by_type: Mapping[str, Mapping[str, Column]]) -> None:
        if not by_type:
            return
        types = list(by_type)
        gappy = {
            k: fields for k, fields in enumerate(by_type.values()) if not _is_everywhere(fields)
        }
        present = np.ones((self.n, len(types) if gappy else 0), np.bool_)
        for k, fields in gappy.items():
            present[:, k] = False
            for field, column in fields.items():
                present[:, k] |= are_flags(column) if field == _WHOLE else ~are_missing(column)
        if present.all():
            self.key_sets = [tuple(types)]
            return
        flags, self.keys = _distinct_rows(present)
        self.key_sets = [
            tuple(t for t, has in zip(types, row, strict=True) if has) for row in flags
        ]

    def _take_all(self, to_columns: Callable[[str, Rows], Columns], *, in_threads: bool) -> None:
        known = []
        for type_id, rows in self._rows_by_type():
            if type_id in self._catalogue.components:
                known.append((type_id, rows))
            else:
                every = range(self.n) if rows is None else rows.tolist()
                self._blame(
                    type_id, every, dict.fromkeys(range(len(every)), self._unknown(type_id))
                )
        calls = [partial(to_columns, *each) for each in known]
        in_threads = in_threads and self.n >= _MANY
        for each, columns in zip(known, run_all(calls, in_threads=in_threads), strict=True):
            self._take(*each, columns)

    def _unknown(self, type_id: Any) -> list[str]:
        """Say that a type is not registered, and which one may be meant."""
        if not isinstance(type_id, str) or len(type_id) > _LONGEST_WORD:
            return [_UNKNOWN]
        near = difflib.get_close_matches(type_id, self._catalogue.components.ids(), 1)
        return [f"{_UNKNOWN}; did you mean {near[0]!r}?" if near else _UNKNOWN]

    def _rows_by_type(self) -> list[tuple[str, Rows]]:
        if len(self.key_sets) == 1:
            return [(type_id, None) for type_id in self.key_sets[0]]
        types = dict.fromkeys(type_id for key_set in self.key_sets for type_id in key_set)
        found: list[tuple[str, Rows]] = []
        for type_id in types:
            has = np.array([type_id in key_set for key_set in self.key_sets], np.bool_)
            if has.all():
                found.append((type_id, None))
            else:
                found.append((type_id, np.flatnonzero(has[self.keys])))
        return found

    def _take(self, type_id: str, rows: Rows, columns: Columns) -> None:
        errors = dict(columns.errors)
        if type_id == self._catalogue.place.type_id:
            field = self._catalogue.place.field
            for i in dead_rows(self._catalogue.world, columns.values["place"]):
                errors.setdefault(int(i), [f"$.{field}: this entity is dead, or of another world"])
        positions = None
        if rows is not None:
            positions = np.empty(self.n, np.intp)
            positions[rows] = np.arange(rows.shape[0])
        self.by_type[type_id] = TypeColumns(columns, positions)
        self._blame(type_id, range(self.n) if rows is None else rows, errors)

    def _blame(self, type_id: str, rows: Any, errors: Mapping[int, list[str]]) -> None:
        """Keep the fault of each item that stands first in its own order of types."""
        for i, lines in errors.items():
            row = int(rows[i])
            rank = self.key_sets[self.keys[row]].index(type_id)
            if rank < self._ranks.get(row, rank + 1):
                self._ranks[row] = rank
                self.unfit[row] = type_id, lines


def _key_sets(given: Sequence[Any]) -> tuple[NDArray[np.intp], list[TypeIds]]:
    """Return which set of keys each mapping has, in its order.

    Mostly there is one, which is told by the row of all keys: half the time of a
    tuple each.
    """
    if not given:
        return np.zeros(0, np.intp), []
    first, n = list(given[0]), len(given)
    if set(map(len, given)) == {len(first)} and list(chain.from_iterable(given)) == first * n:
        return np.zeros(n, np.intp), [tuple(first)]
    return factorize_all(map(tuple, given))


def _distinct_rows(flags: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return the distinct rows, rising, and which of them each row is.

    As numbers of as many bits: a tenth of the time that sorting rows of bytes takes.
    """
    n_bits = flags.shape[1]
    if n_bits > 62:
        distinct, keys = np.unique(flags, axis=0, return_inverse=True)
        return distinct, keys.reshape(-1).astype(np.intp)
    weights = 1 << np.arange(n_bits - 1, -1, -1, dtype=np.int64)
    numbers = np.zeros(flags.shape[0], np.int64)
    for k in range(n_bits):
        numbers += flags[:, k] * weights[k]
    few = n_bits <= 16
    found = np.flatnonzero(np.bincount(numbers)) if few else np.unique(numbers)
    return (found[:, None] & weights) != 0, np.searchsorted(found, numbers)


_NOTHING: Final[dict[str, Any]] = {}
_FLAGS: Final[dict[bool, Any]] = {True: {}, False: None}
_UNKNOWN: Final = "no component type of this id is registered"
_LONGEST_WORD: Final = 100
_MANY: Final = 4096
"""Items from which on threads gain more than it takes to start them, 0.3 ms."""

_WHOLE: Final = ""
_PREFIXES: Final = (
    "opts.component_overrides.",
    "opts.componentOverrides.",
    "component_overrides.",
    "componentOverrides.",
)


def _some(items: Sequence[Any], rows: NDArray[np.intp]) -> list[Any]:
    return [items[i] for i in rows.tolist()]


def _by_type(catalogue: Catalogue, columns: Mapping[str, Column]) -> dict[str, dict[str, Column]]:
    by_type: dict[str, dict[str, Column]] = {}
    for name, column in columns.items():
        type_id, field = type_and_field(catalogue, name)
        by_type.setdefault(type_id, {})[field] = column
    return by_type


def type_and_field(catalogue: Catalogue, name: str) -> tuple[str, str]:
    """Return the component type and the field that a column is named after.

    Raises
    ------
    InvalidArgumentError
        When it is not the name of a type, nor has a dot.
    """
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    if name in catalogue.components:
        return name, _WHOLE
    type_id, dot, field = name.rpartition(".")
    if not dot or not type_id or not field:
        raise InvalidArgumentError(
            "items",
            name,
            f"cannot use the column {name!r}: it is no field of an item, and no component; name "
            'columns like "core:position.locationId", and leave the others out',
        )
    return type_id, field


def _is_everywhere(fields: Mapping[str, Column]) -> bool:
    """Tell whether each item surely has a field, which is told without looking at values."""
    return any(field != _WHOLE and is_whole(column) for field, column in fields.items())


def _from_fields(codec: Any, fields: Mapping[str, Column], n: int) -> Columns:
    if _WHOLE not in fields:
        return codec.from_arrays(fields, n)  # type: ignore[no-any-return]  # a Codec
    whole = whole_data(codec, to_list(fields[_WHOLE]))
    return codec.to_columns(whole)  # type: ignore[no-any-return]


def whole_data(codec: Any, values: Sequence[Any]) -> Sequence[Any]:
    """Return the whole data of a column: a component without fields may be told by booleans."""
    if codec.is_tag and bool in set(map(type, values)):
        return [_FLAGS[value] if type(value) is bool else value for value in values]
    return values


def are_flags(column: Column) -> NDArray[np.bool_]:
    """Tell which items have a component: what is there, and is not False."""
    if getattr(column, "dtype", None) == np.bool_:
        return np.asarray(column)
    is_there = ~are_missing(column)
    return is_there & np.array([value is not False for value in to_list(column)], np.bool_)
