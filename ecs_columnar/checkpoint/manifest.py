"""What a generation consists of: schema, lengths, and a checksum of every file.

The bytes are a fixed head with the checksum of the JSON that follows, so that
whatever is parsed has been verified.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ecs_columnar.checkpoint.disk import FileRecord, checksum
from ecs_columnar.checkpoint.values import UnfitValueError, dumps, from_json, loads, to_json
from ecs_columnar.dtypes import MAX_ENTITIES

VERSION: Final = 1
NAME: Final = "manifest.json"
MAX_BYTES: Final = 64 << 20

_HEAD: Final = b'{"xxh3_128":"', b'","manifest":'
_TAIL: Final = b"}\n"
_START: Final = len(_HEAD[0]) + 32 + len(_HEAD[1])
_MAX_SIZE: Final = 2**62


class FieldEntry(NamedTuple):
    """A field of a component.

    Attributes
    ----------
    name, kind, dtype : str
        As in `schema.Field`; the dtype as NumPy writes it, such as "<f4".
    shape : tuple of int
    n_strings, n_bytes : int
        Of a ``str_`` field; 0 otherwise.
    """

    name: str
    kind: str
    dtype: str
    shape: tuple[int, ...]
    n_strings: int
    n_bytes: int


class ComponentEntry(NamedTuple):
    """A component type."""

    type_id: str
    storage: str
    fields: tuple[FieldEntry, ...]


class TableEntry(NamedTuple):
    """A table, or the values of a sparse component.

    Attributes
    ----------
    components : tuple of int
        Positions among the components of the manifest, in the table's order.
    n_rows : int
    """

    components: tuple[int, ...]
    n_rows: int


class DefinitionEntry(NamedTuple):
    """A definition: of each component its position, and the values by field."""

    id: str
    components: tuple[tuple[int, dict[str, Any]], ...]


class Counts(NamedTuple):
    """Lengths of what is not in tables.

    Attributes
    ----------
    used : int
        Entity indices ever used.
    free : int
    named : int
        Length of the ids by index: ``used``, or 0 if no entity has one.
    symbols, symbol_bytes : int
    places, placed : int
    """

    used: int
    free: int
    named: int
    symbols: int
    symbol_bytes: int
    places: int
    placed: int


class Manifest(NamedTuple):
    """All of a generation but its arrays.

    Attributes
    ----------
    tick : int
    counts : Counts
    components : tuple of ComponentEntry
    tables, sparse : tuple of TableEntry
    definitions : tuple of DefinitionEntry
    generators : dict of str to dict
    files : dict of str to FileRecord
    """

    tick: int
    counts: Counts
    components: tuple[ComponentEntry, ...]
    tables: tuple[TableEntry, ...]
    sparse: tuple[TableEntry, ...]
    definitions: tuple[DefinitionEntry, ...]
    generators: dict[str, dict[str, Any]]
    files: dict[str, FileRecord]

    @property
    def n_entities(self) -> int:
        """Living entities."""
        return sum(table.n_rows for table in self.tables)

    @property
    def nbytes(self) -> int:
        """Bytes of all files but the manifest."""
        return sum(file.size for file in self.files.values())


def to_bytes(manifest: Manifest) -> bytes:
    """Write a manifest with its checksum.

    Raises
    ------
    UnfitValueError
        When it would be too large to be loaded.
    """
    data = dumps(
        {
            "version": VERSION,
            **manifest._asdict(),
            "counts": manifest.counts._asdict(),
            "components": [component_to_json(entry) for entry in manifest.components],
            "definitions": [
                {"id": to_json(entry.id), "components": entry.components}
                for entry in manifest.definitions
            ],
            "generators": [
                [to_json(name), to_json(state)] for name, state in manifest.generators.items()
            ],
        }
    )
    whole = b"".join((_HEAD[0], checksum(data).encode(), _HEAD[1], data, _TAIL))
    if len(whole) > MAX_BYTES:
        raise UnfitValueError(f"its manifest has {len(whole)} bytes, and {MAX_BYTES} are the limit")
    return whole


def checksum_of(whole: bytes) -> str:
    """Return the checksum that a manifest begins with: it names the generation like no other."""
    return whole[len(_HEAD[0]) : len(_HEAD[0]) + 32].decode("ascii", "replace")


def from_bytes(whole: bytes) -> Manifest:
    """Verify and read a manifest.

    Raises
    ------
    UnfitValueError
        When it is not one, or not as it was written.
    """
    data = whole[_START : -len(_TAIL)]
    expected = b"".join((_HEAD[0], checksum(data).encode(), _HEAD[1]))
    if whole[:_START] != expected or whole[-len(_TAIL) :] != _TAIL:
        raise UnfitValueError("its checksum is wrong: it is not what was written")
    found = loads(data)
    version = found.get("version") if isinstance(found, dict) else None
    if version != VERSION or isinstance(version, bool):
        raise UnfitValueError(
            f"it has version {version!r}, and this library reads version {VERSION}; use the "
            "version of the library that wrote it"
        )
    try:
        return _from_json(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnfitValueError(f"it is not made like one: {error}") from error


def component_to_json(entry: ComponentEntry) -> dict[str, Any]:
    """Turn the entry of a component into what JSON has."""
    return {**entry._asdict(), "fields": [field._asdict() for field in entry.fields]}


def _from_json(found: dict[str, Any]) -> Manifest:
    components = _tuple(found["components"], component_from_json)
    manifest = Manifest(
        tick=_count(found["tick"], _MAX_SIZE),
        counts=Counts(**{name: _count(found["counts"][name], _limit(name)) for name in _COUNTS}),
        components=components,
        tables=_tuple(found["tables"], _table),
        sparse=_tuple(found["sparse"], _table),
        definitions=_tuple(found["definitions"], _definition),
        generators=dict(_tuple(found["generators"], _generator)),
        files={name: _file(*record) for name, record in found["files"].items()},
    )
    _refuse_unknown_components(manifest)
    return manifest


_COUNTS: Final = Counts._fields


def _limit(name: str) -> int:
    return _MAX_SIZE if name == "symbol_bytes" else MAX_ENTITIES


def _tuple(items: Any, function: Callable[[Any], Any]) -> tuple[Any, ...]:
    if type(items) is not list:
        raise TypeError(f"a {type(items).__name__} where a list belongs")
    return tuple(map(function, items))


def _count(value: Any, limit: int = MAX_ENTITIES) -> int:
    if type(value) is not int or not 0 <= value <= limit:
        raise ValueError(f"{value!r} is no number from 0 to {limit}")
    return value


def _string(value: Any) -> str:
    text = from_json(value)
    if type(text) is not str:
        raise TypeError(f"a {type(text).__name__} where a str belongs")
    return text


def _field(found: Any) -> FieldEntry:
    name, kind, dtype = (_string(found[key]) for key in ("name", "kind", "dtype"))
    n_strings, n_bytes = _count(found["n_strings"]), _count(found["n_bytes"], _MAX_SIZE)
    return FieldEntry(name, kind, dtype, _tuple(found["shape"], _count), n_strings, n_bytes)


def component_from_json(found: Any) -> ComponentEntry:
    """Turn JSON back into the entry of a component.

    Raises
    ------
    ValueError, TypeError, KeyError
        When it is none.
    """
    fields = _tuple(found["fields"], _field)
    return ComponentEntry(_string(found["type_id"]), _string(found["storage"]), fields)


def _table(found: Any) -> TableEntry:
    components, n_rows = found
    return TableEntry(_tuple(components, _count), _count(n_rows))


def _definition(found: Any) -> DefinitionEntry:
    return DefinitionEntry(_string(found["id"]), _tuple(found["components"], _values))


def _values(found: Any) -> tuple[int, dict[str, Any]]:
    position, values = found
    if type(values) is not dict:
        raise TypeError("the values of a definition are no mapping")
    return _count(position), values


def _generator(found: Any) -> tuple[str, dict[str, Any]]:
    name, state = found
    return _string(name), from_json(state, dict)


def _file(size: Any, digest: Any) -> FileRecord:
    return FileRecord(_count(size, _MAX_SIZE), _string(digest))


def _refuse_unknown_components(manifest: Manifest) -> None:
    used = [position for table in (*manifest.tables, *manifest.sparse) for position in table[0]]
    used += [position for definition in manifest.definitions for position, _ in definition[1]]
    unknown = [position for position in used if position >= len(manifest.components)]
    if unknown:
        raise ValueError(f"there is no component {unknown[0]}")
