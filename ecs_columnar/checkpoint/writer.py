"""A content as the files of one generation.

What writes the files of a part returns its entry in the manifest, which comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.checkpoint import manifest as manifests
from ecs_columnar.checkpoint.bit_generators import BIT_GENERATORS
from ecs_columnar.checkpoint.disk import FileRecord, Part, write_file
from ecs_columnar.checkpoint.manifest import (
    ComponentEntry,
    Counts,
    DefinitionEntry,
    FieldEntry,
    Manifest,
    TableEntry,
)
from ecs_columnar.checkpoint.names import bytes_name, column_name, ends_name, handles_name
from ecs_columnar.checkpoint.npy import BYTE, OFFSET, header
from ecs_columnar.checkpoint.texts import Texts, to_texts
from ecs_columnar.checkpoint.threads import in_threads
from ecs_columnar.checkpoint.values import UnfitValueError, dumps, to_json
from ecs_columnar.content import Content, TableContent
from ecs_columnar.definitions import Definition
from ecs_columnar.dtypes import CODE, HANDLE, NO_CODE
from ecs_columnar.errors import CheckpointError, first_three
from ecs_columnar.generators import States
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Field

Positions: TypeAlias = Mapping[ComponentType, int]
"""Of the component types of a manifest."""


class Writer:
    """Writes files into a folder, and keeps their sizes and checksums.

    Parameters
    ----------
    folder : Path
        Empty.
    durable : bool
        Whether to wait until what was written is on disk.
    """

    __slots__ = ("durable", "files", "folder")

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder: Final = folder
        self.durable: Final = durable
        self.files: Final[dict[str, FileRecord]] = {}

    def array(
        self,
        name: str,
        dtype: np.dtype[Any],
        *parts: NDArray[Any],
        item_shape: tuple[int, ...] = (),
    ) -> None:
        """Write arrays of one dtype, one after the other, as one ``.npy`` file; nothing as none."""
        n_items = sum(part.shape[0] for part in parts)
        if n_items:
            self.file(f"{name}.npy", (header(dtype, (n_items, *item_shape)), *parts))

    def file(self, name: str, parts: Iterable[Part]) -> None:
        """Write a file."""
        self.files[name] = write_file(self.folder / name, parts, durable=self.durable)


def write(content: Content, types: Iterable[ComponentType], folder: Path, *, durable: bool) -> None:
    """Write a content into an empty folder.

    Parameters
    ----------
    content : Content
    types : iterable of ComponentType
        All that the world has met, in the order of registration.
    folder : Path
    durable : bool

    Raises
    ------
    CheckpointError
        When something in it has no form in JSON.
    OSError
    """
    writer, used = Writer(folder, durable=durable), _ids_in(content)
    positions = {t: i for i, t in enumerate(t for t in types if t.type_id in used)}
    manifest = Manifest(
        tick=content.tick,
        counts=_write_entities(writer, content),
        components=_write_components(writer, content, positions),
        tables=tuple(_entry(table, positions) for table in content.tables),
        sparse=tuple(_write_sparse(writer, table, positions) for table in _sparse_in(content)),
        definitions=tuple(_definition(d, positions) for d in content.definitions.values()),
        generators=refuse_unknown_generators(content.generators.states),
        files=dict(sorted(writer.files.items())),
    )
    try:
        writer.file(manifests.NAME, [manifests.to_bytes(manifest)])
    except UnfitValueError as error:
        raise CheckpointError(f"cannot save this world: {error}") from error


def _sparse_in(content: Content) -> list[TableContent]:
    return [table for table, _ in content.sparse.values() if table.length]


def _ids_in(content: Content) -> set[str]:
    """Return the ids of the component types that are used."""
    tables = (*content.tables, *_sparse_in(content))
    defined = chain.from_iterable(d.components for d in content.definitions.values())
    return {t.type_id for table in tables for t in table.columns} | {
        type(component).__schema__.type_id for component in defined
    }


def _entry(table: TableContent, positions: Positions) -> TableEntry:
    return TableEntry(tuple(positions[t] for t in table.columns), table.length)


# --- entities, ids and places --------------------------------------------------------


def _write_entities(writer: Writer, content: Content) -> Counts:
    _, free, counters = content.entities
    n_used, n_free, _ = counters.tolist()
    writer.array("free", HANDLE, free[:n_free])
    writer.array("handles", HANDLE, *(table.handles[: table.length] for table in content.tables))
    texts = to_texts(content.symbols)
    _write_texts(writer, "symbols", texts)
    n_named = _write_ids(writer, content, texts, n_used)
    n_places, n_placed = _write_places(writer, content, texts)
    n_symbols, n_bytes = texts.ends.shape[0], texts.data.shape[0]
    return Counts(n_used, n_free, n_named, n_symbols, n_bytes, n_places, n_placed)


def _write_texts(writer: Writer, name: str, texts: Texts) -> None:
    writer.array(bytes_name(name), BYTE, texts.data)
    writer.array(ends_name(name), OFFSET, texts.ends)


def _write_ids(writer: Writer, content: Content, texts: Texts, n_used: int) -> int:
    _, symbol_of, n_named = content.names
    symbols = np.full(n_used if n_named else 0, NO_CODE, CODE)
    n = min(symbols.shape[0], symbol_of.shape[0])
    symbols[:n] = symbol_of[:n]
    writer.array("ids", CODE, texts.renumbered(symbols))
    return symbols.shape[0]


def _write_places(writer: Writer, content: Content, texts: Texts) -> tuple[int, int]:
    _, _, symbols, entities, n_places = content.places
    counts, members = content.members()
    writer.array("place-symbols", CODE, texts.renumbered(symbols[:n_places]))
    writer.array("place-entities", HANDLE, entities[:n_places])
    writer.array("place-counts", CODE, counts)
    writer.array("members", HANDLE, members)
    return n_places, members.shape[0]


# --- columns -------------------------------------------------------------------------


def _write_sparse(writer: Writer, table: TableContent, positions: Positions) -> TableEntry:
    entry = _entry(table, positions)
    writer.array(handles_name(entry.components[0]), HANDLE, table.handles[: table.length])
    return entry


def _write_components(
    writer: Writer, content: Content, positions: Positions
) -> tuple[ComponentEntry, ...]:
    jobs = [
        (component, i, column_name(position, i))
        for component, position in positions.items()
        for i in range(len(component.fields))
    ]
    nbytes = sum(array.nbytes for array in content.arrays())
    entries = iter(
        in_threads(lambda job: _write_column(writer, content, *job), jobs, nbytes=nbytes)
    )
    return tuple(
        ComponentEntry(t.type_id, t.schema.storage, tuple(islice(entries, len(t.fields))))
        for t in positions
    )


def _write_column(
    writer: Writer, content: Content, component: ComponentType, i: int, name: str
) -> FieldEntry:
    field, n_strings, n_bytes = component.fields[i], 0, 0
    tables = _sparse_in(content) if component.is_sparse else content.tables
    holders = [table for table in tables if component in table.columns]
    columns = [table.columns[component][i][: table.length] for table in holders]
    if field.kind == "object":
        _write_objects(writer, name, component, field, columns)
    elif field.kind == "string":
        texts = to_texts(content.pools[component, field.name])
        _write_texts(writer, name, texts)
        writer.array(name, field.dtype, *map(texts.renumbered, columns))
        n_strings, n_bytes = texts.ends.shape[0], texts.data.shape[0]
    else:
        writer.array(name, field.dtype, *columns, item_shape=field.shape)
    return FieldEntry(field.name, field.kind, field.dtype.str, field.shape, n_strings, n_bytes)


def _write_objects(
    writer: Writer,
    name: str,
    component: ComponentType,
    field: Field,
    columns: list[NDArray[Any]],
) -> None:
    values = chain.from_iterable(column.tolist() for column in columns)
    try:
        data = dumps([to_json(value) for value in values])
    except UnfitValueError as error:
        raise _unsavable(f"{component.type_id}.{field.name}", error) from error
    writer.file(f"{name}.json", [data])


# --- definitions and generators ------------------------------------------------------


def _definition(definition: Definition, positions: Positions) -> DefinitionEntry:
    by_id = {t.type_id: i for t, i in positions.items()}
    found = []
    for component in definition.components:
        schema = type(component).__schema__
        values = {}
        for field in schema.fields:
            try:
                values[field.name] = to_json(getattr(component, field.name))
            except UnfitValueError as error:
                where = f"{schema.type_id}.{field.name} of definition {definition.id!r}"
                raise _unsavable(where, error) from error
        found.append((by_id[schema.type_id], values))
    return DefinitionEntry(definition.id, tuple(found))


def refuse_unknown_generators(states: States) -> States:
    """Return states of generators, if all can be saved.

    Raises
    ------
    CheckpointError
        When one is not of `numpy.random`.
    """
    unknown = [n for n, state in states.items() if state["bit_generator"] not in BIT_GENERATORS]
    if unknown:
        raise CheckpointError(
            f"cannot save this world: {len(unknown)} generators ({first_three(unknown)}) are not "
            f"of numpy.random; take them out of world.generators, or use one of "
            f"{', '.join(BIT_GENERATORS)}"
        )
    return states


def _unsavable(where: str, error: UnfitValueError) -> CheckpointError:
    return CheckpointError(
        f"cannot save {where}: {error}; what can be saved is None, booleans, numbers, text, bytes, "
        "arrays of numbers, and of these lists, sets, and mappings with text as keys"
    )
