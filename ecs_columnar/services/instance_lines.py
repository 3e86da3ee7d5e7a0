"""Instances as lines of JSON, made of columns; one by one where JSON may not have them.

A member of an object starts with a comma; that of the first one becomes the brace
when all are written. So a member is the same text wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.encoding import encode
from ecs_columnar.io.blocks import ITEMS_AT_ONCE
from ecs_columnar.io.json_cells import (
    Cells,
    Lines,
    NoJsonError,
    Piece,
    cells_of,
    escaped,
    json_text,
    lines_of,
)
from ecs_columnar.io.json_text import write_lines
from ecs_columnar.services.columns import are_missing
from ecs_columnar.services.instance_export import InstanceExport, has_columns
from ecs_columnar.services.json_columns import JsonColumns, Part

LEAST_ROWS: Final = 64
"""Fewer are written one by one in the same time, and no kernel is compiled for them."""

_BRACE: Final = ord("{")
_ALL: Final = slice(None)


class InstanceLines:
    """The entities of a world, a line each.

    Parameters
    ----------
    export : InstanceExport
    separator : bytes
        What stands behind each line.
    """

    def __init__(self, export: InstanceExport, separator: bytes) -> None:
        kinds = export.kinds.kinds
        self._export: Final = export
        self._separator: Final = separator
        # Kinds of the same overrides have their components in the same order.
        by_order = {kind.overrides: kind for kind in kinds}
        numbers = {overrides: number for number, overrides in enumerate(by_order)}
        self._kinds_by_order: Final = list(by_order.values())
        self._order_of_kind: Final = np.array([numbers[k.overrides] for k in kinds], np.intp)
        self._found_sequences: dict[tuple[str, ...], NDArray[np.intp]] = {}

    def blocks(self) -> Iterator[Lines]:
        """Yield the lines, some thousands at a time.

        Raises
        ------
        InvalidArgumentError
            As `write_lines` does.
        """
        n = len(self._export)
        are_many = n >= LEAST_ROWS
        for start in range(0, n, ITEMS_AT_ONCE):
            rows = np.arange(start, min(start + ITEMS_AT_ONCE, n))
            yield self._lines(rows) if are_many else self._one_by_one(rows)

    def _lines(self, rows: NDArray[np.intp]) -> Lines:
        try:
            return self._of_columns(rows)
        except NoJsonError:
            return self._one_by_one(rows)  # which says whose data it is

    def _one_by_one(self, rows: NDArray[np.intp]) -> Lines:
        texts = write_lines(self._export.block(rows), self._export.ids[rows])
        return lines_of(texts, self._separator)

    def _of_columns(self, rows: NDArray[np.intp]) -> Lines:
        members = self._members(rows)
        lengths = sum(
            (each.piece.lengths for each in members.values()), np.zeros(rows.shape[0], np.int64)
        )
        has_overrides = lengths > 0
        head, tail = self._head(rows, has_overrides), self._tail(has_overrides)
        ends = np.cumsum(head.lengths + lengths + tail.lengths)
        out = np.empty(ends[-1], np.uint8)
        tail_starts = ends - tail.lengths
        tail.write(tail_starts, out)
        starts = tail_starts - lengths
        head.write(starts - head.lengths, out)
        for member, at in zip(members.values(), self._starts(rows, members, starts), strict=True):
            member.write(at, out)
        out[starts[has_overrides]] = _BRACE
        return Lines(out, ends - len(self._separator))

    def _head(self, rows: NDArray[np.intp], has_overrides: NDArray[np.bool_]) -> Piece:
        everyone = np.arange(rows.shape[0])
        definitions = self._definitions.take(self._export.definitions.codes[rows])
        cells = [
            cells_of(everyone, b'{"instanceId":', self._export.ids_as_bytes(rows)),
            Cells(everyone, b',"definitionId":"', definitions, b'"'),
            Cells(_where(has_overrides, everyone), b',"componentOverrides":'),
        ]
        return Piece.of(cells, rows.shape[0])

    def _tail(self, has_overrides: NDArray[np.bool_]) -> Piece:
        everyone = np.arange(has_overrides.shape[0])
        cells = [
            Cells(_where(has_overrides, everyone), b"}"),
            Cells(everyone, b"}" + self._separator),
        ]
        return Piece.of(cells, has_overrides.shape[0])

    @cached_property
    def _definitions(self) -> Encoded:
        """The definitions, each once."""
        return escaped(encode(self._export.definitions.texts))

    # --- components ------------------------------------------------------------------

    def _members(self, rows: NDArray[np.intp]) -> dict[str, _Member]:
        """Return the components of some entities that are written, by type."""
        everyone, members = np.arange(rows.shape[0]), {}
        for type_id, mask in self._export.written.items():
            found = _where(mask[rows], everyone)
            if found.shape[0]:
                members[type_id] = self._member(type_id, rows, found)
        return members

    def _member(self, type_id: str, rows: NDArray[np.intp], found: NDArray[np.intp]) -> _Member:
        key = b",%b:" % json_text(type_id)
        columns = self._columns(type_id, rows[found])
        is_odd, is_empty = columns.is_odd, ~columns.is_odd
        cells = [Cells(found, key)]
        for name, parts in columns.properties:
            before = b",%b:" % json_text(name)
            for items, values in parts:
                is_empty[_ALL if items is None else items] = False
                cells.append(cells_of(found if items is None else found[items], before, values))
        if is_odd.any():
            odd = found[is_odd]
            cells.append(cells_of(odd, b"", self._export.data(type_id, rows[odd])))
        plain = _where(~is_odd, found)
        cells += [Cells(found[is_empty], b"{"), Cells(plain, b"}")]
        return _Member(Piece.of(cells, rows.shape[0]), plain, len(key))

    def _columns(self, type_id: str, rows: NDArray[np.intp]) -> JsonColumns:
        """Return the data of entities that have a component; all is odd if it has no columns."""
        export = self._export
        if type_id == export.catalogue.place.type_id:
            properties = [(export.catalogue.place.field, self._places_of(rows))]
            return JsonColumns(properties, np.zeros(rows.shape[0], np.bool_))
        codec = export.catalogue.codec(type_id)
        if has_columns(codec):
            columns = codec.to_json(export.catalogue.world, export.handles[rows])
            if columns is None:
                raise NoJsonError
            return columns
        return JsonColumns([], np.ones(rows.shape[0], np.bool_))

    @cached_property
    def _places(self) -> Texts:
        """The places, each once."""
        return Texts(encode(self._export.places.texts, missing=True))

    def _places_of(self, rows: NDArray[np.intp]) -> list[Part]:
        """Return where entities are, null for nowhere."""
        places = self._places[self._export.places.codes[rows]]
        is_nowhere = are_missing(places)
        if not is_nowhere.any():
            return [Part(None, places)]
        placed = np.flatnonzero(~is_nowhere)
        return [Part(placed, places[placed]), Part(np.flatnonzero(is_nowhere), None)]

    def _starts(
        self, rows: NDArray[np.intp], members: dict[str, _Member], starts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return where each component starts in each line: they follow each other from there.

        Returns
        -------
        int64 array, shape (n_members, n)
        """
        lengths = np.array([each.piece.lengths for each in members.values()])
        found, at = np.empty_like(lengths), starts.copy()
        orders: Any = 0
        everyone: Any = _ALL  # of one order: nothing is looked up by row
        if len(self._kinds_by_order) > 1:
            orders = self._order_of_kind[self._export.kinds.codes[rows]]
            everyone = np.arange(rows.shape[0])
        for numbers in self._sequences(tuple(members)).T:
            member = numbers[orders]
            found[member, everyone] = at
            at += lengths[member, everyone]
        return found

    def _sequences(self, type_ids: tuple[str, ...]) -> NDArray[np.intp]:
        """Return for each order which of the types comes first, second and so on."""
        found = self._found_sequences.get(type_ids)
        if found is None:
            numbers = {type_id: number for number, type_id in enumerate(type_ids)}
            ordered = [self._export.order(kind, type_ids) for kind in self._kinds_by_order]
            found = np.array([[numbers[t] for t in each] for each in ordered], np.intp)
            self._found_sequences[type_ids] = found
        return found


class _Member(NamedTuple):
    """A component of some entities.

    Attributes
    ----------
    piece : Piece
        From the comma before its name to the end of its data.
    opened : intp array, shape (k,)
        In which lines a brace takes the place of the comma that its data starts with.
    key_length : int
        Where that is.
    """

    piece: Piece
    opened: NDArray[np.intp]
    key_length: int

    def write(self, starts: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        """Write it from these positions on, by line."""
        self.piece.write(starts, out)
        out[starts[self.opened] + self.key_length] = _BRACE


def _where(mask: NDArray[np.bool_], rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return some rows; the same array if it is all of them, which cells are joined by."""
    return rows if mask.all() else rows[mask]
