"""The instances of a block of a world file, as items to create."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import compress
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Coded, Texts
from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.io.blocks import Block, ColumnBlock, ItemBlock, Place, Report
from ecs_columnar.io.json_text import JsonReader, without_gc
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.problem import Problem, WorldFileError
from ecs_columnar.io.world_choice import ID_COLUMNS, ids_of
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.columns import Column, filled, take, to_encoded, to_list
from ecs_columnar.services.items import MISSING, Columns, Items
from ecs_columnar.services.overrides import type_and_field

_ID_FIELDS: Final = ("instance_id", "definition_id")

_TEXTS: Final = ("string", "large_string")

_KEYS: Final = {
    "definition_id": "definitionId",
    "instance_id": "instanceId",
    "component_overrides": "componentOverrides",
}


class InstanceItems(Items):
    """Instances as JSON has them. One without an id has a blank one, which no id is."""

    is_columnar = False

    def __init__(self, items: list[Any]) -> None:
        self.items: Final = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]

    def part(self, start: int, stop: int) -> InstanceItems:
        """Return some of the instances."""
        return InstanceItems(self.items[start:stop])

    def field(self, name: str, *, within: str | None = None) -> list[Any]:  # noqa: ARG002
        """Return the values of one field, `MISSING` where an instance has none."""
        key = _KEYS.get(name)
        if key is None:
            return [MISSING] * len(self)
        try:
            return list(map(itemgetter(key), self.items))
        except (KeyError, TypeError, IndexError):
            return [i.get(key, MISSING) if isinstance(i, dict) else MISSING for i in self.items]

    def option(self, name: str) -> list[Any]:
        """Return the values of one field, a blank id where there is none."""
        column = self.field(name)
        if name != "instance_id" or set(map(type, column)) == {str}:
            return column
        return ["" if value is None or value is MISSING else value for value in column]


class InstanceColumns(Columns):
    """Instances as columns. One without an id has a blank one, which no id is."""

    def part(self, start: int, stop: int) -> InstanceColumns:
        """Return some of the rows."""
        whole = super().part(start, stop)
        return InstanceColumns(whole.columns, len(whole))

    def option(self, name: str) -> Column:
        """Return the values of one field, a blank id where there is none."""
        column = super().option(name)
        if name != "instance_id":
            return column
        if isinstance(column, list):
            return [""] * len(self)
        return filled(column, "")


class WrittenInstances(InstanceColumns):
    """Instances as columns, and as they are written.

    Parameters
    ----------
    columns : mapping of str to column
    n : int
    item : callable
        Parses the instance at a position.
    """

    def __init__(self, columns: Mapping[str, Column], n: int, item: Callable[[int], Any]) -> None:
        super().__init__(columns, n)
        self._item: Final = item

    def __getitem__(self, i: int) -> Any:
        return self._item(i)

    def part(self, start: int, stop: int) -> WrittenInstances:
        """Return some of the instances."""
        whole = super().part(start, stop)
        return WrittenInstances(whole.columns, len(whole), lambda i: self._item(start + i))

    def as_given(self) -> InstanceItems:
        """Parse the instances: what columns refuse is looked at as it is written."""
        with without_gc():
            return InstanceItems(list(map(self._item, range(len(self)))))


def to_items(
    catalogue: Catalogue,
    block: Block,
    members: frozenset[str] | None,
    reader: JsonReader,
    report: Report,
) -> tuple[Items, Block]:
    """Return the instances of a block that belong to a world, and the block of them.

    Parameters
    ----------
    catalogue : Catalogue
    block : Block
    members : frozenset of str, or None
        The ids that belong; None is all.
    reader : JsonReader
        Of components that a column has as JSON.
    report : callable
        Takes what is no JSON; who has it is left out.

    Raises
    ------
    WorldFileError
        When a column is none that an instance has.
    """
    if members is not None:
        block = _only(block, np.array([i in members for i in map(_hashable, ids_of(block))], bool))
    if isinstance(block, ItemBlock):
        return InstanceItems(block.items), block
    if block.item is not None:
        written = WrittenInstances(block.columns, block.n, block.item)
        is_clear = all(_is_clear(catalogue, name) for name in block.columns)
        return written if is_clear else written.as_given(), block
    for name, column in block.columns.items():
        fault = _fault(catalogue, name, column)
        if fault is not None:
            raise WorldFileError(block.place(0)[0], fault, path=f"$[{name!r}]")
    block = _parsed(catalogue, block, reader, report)
    return InstanceColumns(block.columns, block.n), block


def _only(block: Block, is_wanted: Any) -> Block:
    if is_wanted.all():
        return block
    rows = np.flatnonzero(is_wanted)
    if isinstance(block, ItemBlock):
        items = list(compress(block.items, is_wanted.tolist()))
        return ItemBlock(items, _placed(block, rows))
    return _rows_of(block, rows)


def _rows_of(block: ColumnBlock, rows: NDArray[np.intp]) -> ColumnBlock:
    columns = {name: take(column, rows) for name, column in block.columns.items()}
    item = block.item
    taken = None if item is None else lambda i: item(int(rows[i]))
    return ColumnBlock(columns, rows.shape[0], _placed(block, rows), taken)


def _placed(block: Block, rows: NDArray[np.intp]) -> Callable[[int], Place]:
    return lambda i: block.place(int(rows[i]))


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _is_clear(catalogue: Catalogue, name: str) -> bool:
    """Tell whether the name of a column means what it was made of, whatever types there are."""
    is_type = name in catalogue.components
    return not is_type if "." in name else is_type or name in _ID_FIELDS


def _is_json(catalogue: Catalogue, name: str, column: Any) -> bool:
    """Tell whether a column has a whole component an instance, as JSON."""
    return name in catalogue.components and _is_text(column)


def _is_text(column: Any) -> bool:
    """Tell whether a column has strings, each for itself or in a dictionary."""
    kind = str(getattr(column, "type", ""))
    is_text = isinstance(column, (Coded, Texts))
    return is_text or kind.removeprefix("dictionary<values=").startswith(_TEXTS)


def _parsed(
    catalogue: Catalogue, block: ColumnBlock, reader: JsonReader, report: Report
) -> ColumnBlock:
    """Parse the components that columns have as JSON; leave out and report whose is none."""
    is_good = np.ones(block.n, np.bool_)
    columns = dict(block.columns)
    for name, column in block.columns.items():
        if _is_json(catalogue, name, column):
            columns[name] = _parsed_column(block, name, reader, is_good, report)
    block = ColumnBlock(columns, block.n, block.place)
    return block if is_good.all() else _rows_of(block, np.flatnonzero(is_good))


def _parsed_column(
    block: ColumnBlock, name: str, reader: JsonReader, is_good: NDArray[np.bool_], report: Report
) -> list[Any]:
    column = block.columns[name]
    _refuse_too_much(block, name, reader.limits)
    values: list[Any] = [None] * block.n
    for i, text in enumerate(to_list(column)):
        if text is None:
            continue
        try:
            values[i] = reader.read(text.encode(), "")
        except WorldFileError as error:
            is_good[i] = False
            file, path = block.place(i)
            report(Problem(file, f"{path}[{name!r}]", error.problem.message))
    return values


def _refuse_too_much(block: ColumnBlock, name: str, limits: Limits) -> None:
    """Raise when a text is too long, or all of them are: a dictionary has each once."""
    strings = to_encoded(block.columns[name])
    lengths = np.zeros(1, np.int64) if strings is None else strings.ends - strings.starts
    for limit, n in (("file_bytes", lengths.max(initial=0)), ("table_bytes", lengths.sum())):
        most = getattr(limits, limit)
        if n > most:
            what = "a text" if limit == "file_bytes" else "a part of the column"
            message = f"{what} has {n:,} bytes of JSON, {most:,} are allowed; raise Limits.{limit}"
            raise WorldFileError(block.place(0)[0], message, path=f"$[{name!r}]")


def _fault(catalogue: Catalogue, name: str, column: Any) -> str | None:
    """Return why a column cannot be used, None if it can."""
    if name in ("definition_id", "definitionId", *ID_COLUMNS):
        is_id = _is_text(column)
        return None if is_id else f"the column is of Arrow type {column.type}, and not string"
    try:
        type_and_field(catalogue, name)
    except InvalidArgumentError as error:
        return str(error)
    return None
