"""What a batch call is about, as the caller gave it: items, or columns.

Both hand out the same thing: for each name a column of values, `MISSING` where
an item has none, and the item itself when it has failed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from operator import itemgetter
from typing import Any, Final

import numpy as np

from ecs_columnar.dtypes import MAX_ENTITIES
from ecs_columnar.errors import InvalidArgumentError, first_three
from ecs_columnar.services.alike import Alike, to_alike
from ecs_columnar.services.columns import (
    Column,
    are_all,
    are_missing,
    as_column,
    at,
    constant,
    to_list,
)


class Missing:
    """The value of a field that an item does not have."""

    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = Missing()


class Items(ABC):
    """A batch of items, in input order.

    Attributes
    ----------
    is_columnar : bool
    n_after : int
        How many more are going to follow, as far as is known.
    """

    is_columnar: bool
    n_after: int = 0

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of items."""

    @abstractmethod
    def __getitem__(self, i: int) -> Any:
        """Return an item: the very object, or a mapping of the row."""

    @abstractmethod
    def part(self, start: int, stop: int) -> Items:
        """Return some of the items."""

    @abstractmethod
    def field(self, name: str, *, within: str | None = None) -> Column:
        """Return the values of one field, `MISSING` where an item has none.

        Parameters
        ----------
        name : str
            In snake_case; items may spell it in camelCase.
        within : str, optional
            The field in which it lies, if it is nested.
        """

    def as_given(self) -> Items:
        """Return the items in the form in which faults are looked for: these, as a rule."""
        return self

    def option(self, name: str) -> Column:
        """Return a field of the options of each item; of the item itself where it has none."""
        return self.field(name, within="opts")


class ItemList(Items):
    """Items as objects: mappings, dataclasses, ids."""

    is_columnar = False

    def __init__(self, items: list[Any] | Alike) -> None:
        self.items: Final = items
        self._pulled: dict[str, list[Any] | Alike] = {}
        self._everywhere: set[str] = set()
        self._nested: dict[str, ItemList] = {}
        self._is_of_dicts: bool | None = None
        self._alike: Alike | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]

    def part(self, start: int, stop: int) -> ItemList:
        """Return some of the items."""
        if start == 0 and stop == len(self.items):
            return self
        return ItemList(self.items[start:stop])

    def field(self, name: str, *, within: str | None = None) -> list[Any] | Alike:
        """Return the values of one field, `MISSING` where an item has none."""
        if within is not None:
            return self._options(within).field(name)
        if name not in self._pulled:
            self._pulled[name] = self._pull(name)
        return self._pulled[name]

    def are_dicts(self, within: str) -> bool:
        """Tell whether a field of all items is a dict."""
        return self._options(within)._are_dicts

    @property
    def _are_dicts(self) -> bool:
        if self._is_of_dicts is None:
            self._alike = to_alike(self.items)
            self._is_of_dicts = self._alike is not None or are_all(self.items, dict)
        return self._is_of_dicts

    def _pull(self, name: str) -> list[Any] | Alike:
        found = self._pull_from_all(name) if self._are_dicts else None
        if found is None:
            return [field_of(item, name) for item in self.items]
        self._everywhere.add(name)
        return found

    def _pull_from_all(self, name: str) -> list[Any] | Alike | None:
        """Return the values of one field of dicts; None where not all of them have it."""
        if self._alike is not None:
            columns = self._alike.columns
            return columns.get(name, columns.get(camel(name)))
        try:
            return list(map(itemgetter(name), self.items))
        except KeyError:
            return None

    def _options(self, within: str) -> ItemList:
        if within not in self._nested:
            self._nested[within] = ItemList(self.field(within))
        return self._nested[within]

    def option(self, name: str) -> list[Any] | Alike:
        """Return a field of the options of each item; of the item itself where it has none."""
        options = self._options("opts")
        found = options.field(name)
        if name in options._everywhere or type(MISSING) not in set(map(type, found)):
            return found
        flat = self.field(name)
        return [b if a is MISSING else a for a, b in zip(found, flat, strict=True)]


class Columns(Items):
    """Items as columns: a DataFrame, an Arrow table, a mapping of arrays."""

    is_columnar = True

    def __init__(self, columns: Mapping[str, Column], n: int) -> None:
        self.columns: Final = columns
        self._n = n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, i: int) -> dict[str, Any]:
        return {name: at(column, i) for name, column in self.columns.items()}

    def part(self, start: int, stop: int) -> Columns:
        """Return some of the rows."""
        if start == 0 and stop == self._n:
            return self
        cut = {name: column[start:stop] for name, column in self.columns.items()}
        return Columns(cut, stop - start)

    def field(self, name: str, *, within: str | None = None) -> Column:
        """Return the column of one field; a list of `MISSING` where there is none."""
        for spelling in self._spellings(name, within):
            if spelling in self.columns:
                return self.columns[spelling]
        return [MISSING] * self._n

    def has(self, name: str, within: str | None = None) -> bool:
        """Tell whether there is a column of a name, in either spelling."""
        return any(spelling in self.columns for spelling in self._spellings(name, within))

    def to_dicts(
        self, *fields: tuple[str, str | None], parameter: str, beside: str
    ) -> list[dict[str, Any]]:
        """Return these columns as a dict an item, without what is missing.

        Raises
        ------
        InvalidArgumentError
            When there are others ``beside`` them.
        """
        others = self.rest(*fields)
        if others:
            raise InvalidArgumentError(
                parameter, [*others], f"cannot use {first_three(others)} beside {beside}"
            )
        rows: list[dict[str, Any]] = [{} for _ in range(self._n)]
        for name, within in fields:
            if not self.has(name, within):
                continue
            column = self.field(name, within=within)
            for row, value, is_gap in zip(
                rows, to_list(column), are_missing(column).tolist(), strict=True
            ):
                if not is_gap:
                    row[name] = value
        return rows

    def rest(self, *fields: tuple[str, str | None]) -> dict[str, Column]:
        """Return the columns that are none of these fields."""
        taken = {spelling for field in fields for spelling in self._spellings(*field)}
        return {name: column for name, column in self.columns.items() if name not in taken}

    @staticmethod
    def _spellings(name: str, within: str | None) -> Iterator[str]:
        for spelling in (name, camel(name)):
            yield spelling
            if within is not None:
                yield f"{within}.{spelling}"


class ItemArray(Items):
    """Items that are ids, or handles, in an array."""

    is_columnar = False

    def __init__(self, values: Column) -> None:
        self.items: Final = values

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return at(self.items, i)

    def part(self, start: int, stop: int) -> ItemArray:
        """Return some of the items."""
        return ItemArray(self.items[start:stop])

    def field(self, name: str, *, within: str | None = None) -> list[Any] | Alike:
        """Return the values of one field, `MISSING` where an item has none."""
        return ItemList(to_list(self.items)).field(name, within=within)


def to_items(given: Any, parameter: str, *, allow_empty: bool = False) -> Items:
    """Take the first argument of a batch call.

    Parameters
    ----------
    given : list, tuple, array, DataFrame, Arrow table, or mapping of columns
    parameter : str
        What errors call it.
    allow_empty : bool
        Whether there may be none.

    Raises
    ------
    InvalidArgumentError
        When it is none of these, or empty, or its columns differ in length, or there
        are more items than a world holds entities.
    """
    items = _to_items(given, parameter)
    if not len(items) and not allow_empty:
        raise InvalidArgumentError(
            parameter,
            given,
            f"cannot use {parameter}: there are none; pass allow_empty=True if that is meant",
        )
    if len(items) > MAX_ENTITIES:
        raise InvalidArgumentError(
            parameter,
            given,
            f"cannot use {parameter}: there are {len(items)}, and a world holds at most "
            f"{MAX_ENTITIES} entities; pass fewer at once",
        )
    return items


def camel(name: str) -> str:
    """Spell a name in camelCase.

    Examples
    --------
    >>> camel("component_type_id")
    'componentTypeId'
    """
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def field_of(item: Any, name: str) -> Any:
    """Return one field of one item, `MISSING` where it has none."""
    if isinstance(item, Mapping):
        found = item.get(name, MISSING)
        return item.get(camel(name), MISSING) if found is MISSING else found
    if isinstance(item, (str, int, type(None))):
        return MISSING
    return getattr(item, name, MISSING)


def _to_items(given: Any, parameter: str) -> Items:
    if isinstance(given, Items):
        return given
    if isinstance(given, (list, tuple)):
        return ItemList(list(given))  # the caller's may change before the result is looked at
    columns = _columns_of(given)
    if columns is not None:
        return _columns(columns, given, parameter)
    if _is_array(given) or (isinstance(given, np.ndarray) and given.ndim == 1):
        return ItemArray(as_column(given))
    raise InvalidArgumentError(
        parameter,
        given,
        f"cannot use {type(given).__name__} as {parameter}; give a list, a DataFrame, an Arrow "
        "table or a mapping of columns",
    )


def _columns_of(given: Any) -> Mapping[Any, Any] | None:
    """Return the columns of a mapping, a structured array or a table, None of all else."""
    if isinstance(given, Mapping):
        return given
    if isinstance(given, np.ndarray):
        names = given.dtype.names if given.ndim == 1 else None
        return None if names is None else {name: given[name] for name in names}
    if hasattr(given, "columns") and hasattr(given, "iloc"):  # of pandas
        return {name: given[name] for name in given.columns}
    if hasattr(given, "get_columns"):  # of polars
        return {column.name: column for column in given.get_columns()}
    is_stream = hasattr(given, "__arrow_c_stream__") and not _is_array(given)
    if is_stream and not hasattr(given, "column_names") and find_spec("pyarrow"):
        import pyarrow as pa

        given = pa.table(given)
    if hasattr(given, "column_names"):
        return dict(zip(given.column_names, given.columns, strict=True))
    return None


def _is_array(given: Any) -> bool:
    """Tell whether it is an array or a series: of pandas, pyarrow or polars."""
    return any(hasattr(given, name) for name in ("to_pylist", "to_arrow", "isna")) and not (
        hasattr(given, "columns") or hasattr(given, "column_names")
    )


def _columns(given: Mapping[Any, Any], whole: Any, parameter: str) -> Columns:
    columns: dict[str, Column] = {}
    scalars: dict[str, Any] = {}
    for name, values in given.items():
        if not isinstance(name, str):
            raise InvalidArgumentError(
                parameter, whole, f"cannot use {parameter}: {name!r} is no name of a column"
            )
        if values is None or isinstance(values, (str, int, float, np.generic)):
            scalars[name] = values
            continue
        try:
            columns[name] = as_column(values)
        except TypeError as error:
            raise InvalidArgumentError(
                parameter,
                whole,
                f"cannot use {parameter}: {name!r} is no column, {error}; give a mapping of names "
                "to arrays, or a list of items",
            ) from error
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1 or (scalars and not lengths):
        shown = first_three(f"{name} has {len(column)}" for name, column in columns.items())
        raise InvalidArgumentError(
            parameter,
            whole,
            f"cannot use {parameter}: columns are arrays of one length ({shown or 'no array'})",
        )
    n = lengths.pop() if lengths else 0
    columns.update({name: constant(value, n) for name, value in scalars.items()})
    return Columns(columns, n)
