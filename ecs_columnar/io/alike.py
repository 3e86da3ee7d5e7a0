"""Instances that are written alike, as columns: no dict is made of them.

Most files of instances come from a program that writes the same keys in the same
order, again and again. The first instance of such a run is parsed, and says where
values are; a kernel finds those of the others. What is not alike, nested deeper,
null, or no JSON, is left to the parser: nothing is refused here.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.coded import Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.io.json_text import JsonReader
from ecs_columnar.io.problem import WorldFileError

LEAST_BYTES: Final = 2048
"""Of a text; a shorter one is parsed before a kernel is called."""

LEAST_ROWS: Final = 256
"""Of a run on average: it is worth 0.3 ms."""

_LONGEST_BYTES: Final = 1 << 16
_LEAST_DEPTH: Final = 8

_ITEMS: Final = msgspec.json.Decoder()
_DECODER: Final = json.JSONDecoder()
_SPACE: Final = rb"[ \t\r\n]*"
_LIST: Final = re.compile(_SPACE + rb"\[" + _SPACE)
_INSTANCES: Final = re.compile(
    rb'("instances"' + _SPACE + rb":" + _SPACE + rb")\[" + _SPACE + rb"(?=\{)"
)
_COMMA: Final = re.compile(_SPACE + rb"," + _SPACE)
_END_OF_LIST: Final = re.compile(_SPACE + rb"\]")
_END: Final = re.compile(_SPACE + rb"\]" + _SPACE + rb"\Z")
_LINE_END: Final = re.compile(rb"[ \t\r]*\n")
_LAST_LINE_END: Final = re.compile(rb"[ \t\r]*\n?\Z")
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[\[\]{}:,]')

_NAMES: Final = {"instanceId": "instance_id", "definitionId": "definition_id"}
_OVERRIDES: Final = "componentOverrides"
_PART_OF_NAME: Final = re.compile(r"[^.]+")


class Run(NamedTuple):
    """Instances that are written alike, one behind the other.

    Attributes
    ----------
    columns : dict of str to column
        By ``instance_id``, ``definition_id``, and type and field; arrays of numbers
        and booleans, lists of numbers where these are of several kinds, and `Texts`.
    n : int
    item : callable
        Parses the instance at a position.
    """

    columns: dict[str, Any]
    n: int
    item: Callable[[int], Any]


def read_lines_alike(data: bytes, reader: JsonReader) -> list[Run] | None:
    """Read instances, one a line; None if they are not alike.

    Returns
    -------
    list of Run, or None
        Of all instances: then `JsonReader.read` takes each line.
    """
    found = _read(data, 0, _LINE_END, _LAST_LINE_END, reader)
    return found[0] if found else None


def read_list_alike(data: bytes, reader: JsonReader) -> list[Run] | None:
    """Read a list of instances; None if it is none, or they are not alike.

    Returns
    -------
    list of Run, or None
        Of all instances: then `JsonReader.read` takes the text.
    """
    start = _LIST.match(data)
    found = _read(data, start.end(), _COMMA, _END, reader) if start else None
    return found[0] if found else None


def read_whole_alike(data: bytes, reader: JsonReader) -> tuple[Any, list[Run]] | None:
    """Read a text with a list of instances in ``entities``; None if it has none, or not alike.

    Returns
    -------
    value : dict
        What the text says, but for the list.
    runs : list of Run
        All instances of the list.
    """
    start = _INSTANCES.search(data)
    found = _read(data, start.end(), _COMMA, _END_OF_LIST, reader) if start else None
    if start is None or found is None:
        return None
    runs, end = found
    mark = secrets.token_hex()  # nobody can have written it: so it tells which list this was
    try:
        value = reader.read(b'%b"%b"%b' % (data[: start.end(1)], mark.encode(), data[end:]), "")
    except WorldFileError:
        return None
    entities = value.get("entities") if isinstance(value, dict) else None
    is_it = isinstance(entities, dict) and entities.get("instances") == mark
    return (value, runs) if is_it else None


def _read(
    data: bytes,
    at: int,
    between: re.Pattern[bytes],
    behind: re.Pattern[bytes],
    reader: JsonReader,
) -> tuple[list[Run], int] | None:
    """Read instances up to what stands behind the last one; return where that ends."""
    if len(data) - at < LEAST_BYTES or reader.limits.depth < _LEAST_DEPTH or not _is_utf8(data):
        return None
    text = _Text(data, np.frombuffer(data, np.uint8), reader)
    runs: list[Run] = []
    n_rows = 0
    try:
        while n_rows >= LEAST_ROWS * (len(runs) - 1):
            run, at = text.read_run(at, between)
            runs.append(run)
            n_rows += run.n
            if end := behind.match(data, at):
                return runs, end.end()
            at = _end_of(between, data, at)
    except (_NotAlikeError, WorldFileError, msgspec.MsgspecError, ValueError, RecursionError):
        pass
    return None


class _NotAlikeError(Exception):
    """Something is left to the parser."""


class _Leaf(NamedTuple):
    """A value of an instance: what column it is in, and where it is written."""

    name: str
    kind: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Text:
    data: bytes
    octets: NDArray[np.uint8]
    reader: JsonReader

    def read_run(self, at: int, between: re.Pattern[bytes]) -> tuple[Run, int]:
        """Read the instances that are like the one at a position; return where they end."""
        end = self._end_of_instance(at)
        text = self.data[at:end]
        if between is _LINE_END and b"\n" in text:
            raise _NotAlikeError
        names, leaves = _leaves_of(text, self.reader.read(text, ""))
        found = between.match(self.data, end)
        separator = found[0] if found else b","
        shape = _shape_of(text, leaves)
        capacity = (self.octets.shape[0] - at) // (shape.text.shape[0] + len(separator)) + 1
        n_cells = len(leaves) * capacity
        starts, ends = np.empty((2, n_cells), np.int64)
        has_escapes = np.empty(n_cells, np.bool_)
        spans = kernels.json_alike.Spans(starts, ends, has_escapes)
        n = kernels.json_alike.match_alike(
            self.octets, at, shape, np.frombuffer(separator, np.uint8), spans
        )
        if not n:
            raise _NotAlikeError
        cells = [slice(k * capacity, k * capacity + n) for k in range(len(leaves))]
        first = starts[cells[0]] - leaves[0].start
        last = ends[cells[-1]] + (len(text) - leaves[-1].end)
        columns = dict.fromkeys(names, np.ones(n, np.bool_))
        for leaf, rows in zip(leaves, cells, strict=True):
            columns[leaf.name] = self._column(
                leaf.kind, starts[rows], ends[rows], has_escapes[rows]
            )
        return Run(columns, n, self._items(first, last)), int(last[-1])

    def _items(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Callable[[int], Any]:
        # What it is like has been read, so that neither depth nor keys are looked at again.
        return lambda i: _ITEMS.decode(self.data[starts[i] : ends[i]])

    def _end_of_instance(self, at: int) -> int:
        # A character a byte, so that places are those of bytes. Keys and strings come
        # out wrong, and nobody looks at them.
        text = self.data[at : at + _LONGEST_BYTES].decode("latin-1")
        _, length = _DECODER.raw_decode(text)
        return at + int(length)

    def _column(
        self,
        kind: int,
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        has_escapes: NDArray[np.bool_],
    ) -> Any:
        if kind == kernels.json_alike.STRING:
            return self._texts(starts, ends, has_escapes)
        if kind == kernels.json_alike.BOOLEAN:
            return self.octets[starts] == ord("t")
        return self._numbers(starts, ends)

    def _texts(
        self, starts: NDArray[np.int64], ends: NDArray[np.int64], has_escapes: NDArray[np.bool_]
    ) -> Texts:
        """Return strings: parts of the text itself, but for those with escapes."""
        octets = self.octets
        if has_escapes.any():
            rows = np.flatnonzero(has_escapes)
            quoted = (b'"%b"' % each for each in self._parts(starts[rows], ends[rows]))
            texts = msgspec.json.decode(b"[" + b",".join(quoted) + b"]", type=list[str])
            parts = [text.encode() for text in texts]
            starts, ends = starts.copy(), ends.copy()
            octets = np.frombuffer(self.data[: octets.shape[0]] + b"".join(parts), np.uint8)
            bounds = self.octets.shape[0] + np.cumsum([0, *map(len, parts)])
            starts[rows], ends[rows] = bounds[:-1], bounds[1:]
        return Texts(Encoded(octets, starts, ends))

    def _numbers(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Any:
        n = starts.shape[0]
        integers, floats, kinds = np.empty(n, np.int64), np.empty(n), np.empty(n, np.uint8)
        kernels.json_alike.read_numbers(self.octets, starts, ends, integers, floats, kinds)
        odd = np.flatnonzero(kinds == kernels.json_alike.ODD)
        parts = self._parts(starts[odd], ends[odd])
        values = msgspec.json.decode(b"[" + b",".join(parts) + b"]")
        if set(map(type, values)) <= {float}:
            floats[odd], kinds[odd] = values, kernels.json_alike.FLOAT
            if (kinds == kernels.json_alike.FLOAT).all():
                return floats
            if not kinds.any():
                return integers
        is_integer = kinds == kernels.json_alike.INTEGER
        given: list[Any] = np.where(is_integer, integers.astype(object), floats).tolist()
        for i, value in zip(odd.tolist(), values, strict=True):
            given[i] = value
        return given

    def _parts(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[bytes]:
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            yield self.data[start:end]


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _end_of(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Return where a pattern ends that is at a position.

    Raises
    ------
    _NotAlikeError
        When it is not.
    """
    found = pattern.match(data, at)
    if found is None:
        raise _NotAlikeError
    return found.end()


def _shape_of(text: bytes, leaves: list[_Leaf]) -> Any:
    pieces = [
        text[start:end]
        for start, end in zip(
            [0, *(leaf.end for leaf in leaves)],
            [*(leaf.start for leaf in leaves), len(text)],
            strict=True,
        )
    ]
    bounds = np.cumsum([0, *map(len, pieces)], dtype=np.intp)
    kinds = np.array([leaf.kind for leaf in leaves], np.uint8)
    return kernels.json_alike.Shape(np.frombuffer(b"".join(pieces), np.uint8), bounds, kinds)


def _leaves_of(text: bytes, item: Any) -> tuple[list[str], list[_Leaf]]:
    """Return the names of the columns of an instance, in its order, and its values.

    A component that is empty has a column, and no value.

    Raises
    ------
    _NotAlikeError
        When something in it is in no column.
    """
    if not isinstance(item, dict) or not item.keys() <= {*_NAMES, _OVERRIDES}:
        raise _NotAlikeError
    names: list[str] = []
    leaves: list[_Leaf] = []
    path: list[str] = []
    tokens = _TOKEN.finditer(text)
    next(tokens)  # the brace
    for token in tokens:
        word = token[0]
        if word == b"}":
            path = path[:-1]
        elif word != b",":
            path = [*path, json.loads(word)]
            next(tokens)  # the colon
            value = next(tokens)
            if value[0] == b"{":
                names += _name_of_empty(path, item)
                continue
            leaves.append(_leaf(path, value))
            names.append(leaves[-1].name)
            path = path[:-1]
    if not leaves:
        raise _NotAlikeError
    return names, leaves


def _name_of_empty(path: list[str], item: Any) -> list[str]:
    """Return the name of a component that has no fields; none if it has some.

    Raises
    ------
    _NotAlikeError
        When it is no component, nor all of them.
    """
    if path[0] != _OVERRIDES or len(path) > 2:
        raise _NotAlikeError
    is_empty = len(path) == 2 and not item[_OVERRIDES][path[1]]
    return [_name(path[1])] if is_empty else []


def _leaf(path: list[str], value: re.Match[bytes]) -> _Leaf:
    name = _NAMES.get(path[0]) if len(path) == 1 else None
    if name is None and len(path) == 3 and path[0] == _OVERRIDES:
        name = _name(*path[1:])
    if name is None or value[0] in (b"[", b"null"):
        raise _NotAlikeError
    if value[0].startswith(b'"'):
        return _Leaf(name, kernels.json_alike.STRING, value.start() + 1, value.end() - 1)
    is_number = value[0] not in (b"true", b"false")
    kind = kernels.json_alike.NUMBER if is_number else kernels.json_alike.BOOLEAN
    return _Leaf(name, kind, *value.span())


def _name(*parts: str) -> str:
    """Return the name of a column, of parts that can be told apart in it.

    Raises
    ------
    _NotAlikeError
        When they cannot.
    """
    if ":" not in parts[0] or any(not _PART_OF_NAME.fullmatch(part) for part in parts):
        raise _NotAlikeError
    return ".".join(parts)
