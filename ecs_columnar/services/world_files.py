"""Worlds to files and back: the other side of loading."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import xxhash

from ecs_columnar.errors import InvalidArgumentError, WorldInitializationError, first_three
from ecs_columnar.extras import require
from ecs_columnar.io.arrow_output import write_columns
from ecs_columnar.io.json_cells import Lines
from ecs_columnar.io.json_text import write_canonical_json, write_lines, write_pretty_json
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.mod_folder import write_mods
from ecs_columnar.io.new_files import new_folder, write_new_file
from ecs_columnar.services.catalogue import catalogue_of
from ecs_columnar.services.column_export import export_columns
from ecs_columnar.services.files_result import WorldFilesResult
from ecs_columnar.services.instance_export import ANYTHING, InstanceExport
from ecs_columnar.services.instance_lines import InstanceLines
from ecs_columnar.services.type_export import declared_definition, declared_type
from ecs_columnar.services.world_loading_service import WorldLoadingService
from ecs_columnar.world import World

FileFormat = Literal["json", "ndjson", "parquet", "arrow"]
FORMATS: Final[tuple[FileFormat, ...]] = ("json", "ndjson", "parquet", "arrow")

_PART: Final = 16 * 2**20
_BETWEEN: Final = b",\n"


def world_from_files(
    path: str | os.PathLike[str],
    *,
    world_id: str | None = None,
    strict: bool = True,
    limits: Limits | None = None,
) -> World:
    """Load world files into a new world; see `World.from_files`."""
    world = World()
    service = WorldLoadingService(world)
    result = service.load_world(os.fspath(path), world_id=world_id, limits=limits)
    assert isinstance(result, WorldFilesResult)
    if strict and len(result.problems):
        lines = [str(problem) for problem in result.problems]
        raise WorldInitializationError(
            f"cannot load the world {os.fspath(path)} without loss: {len(lines)} problems "
            f"({first_three(lines)}); mend them, or pass strict=False to load the rest",
            problems=tuple(lines),
        )
    return world


def world_to_files(
    world: World, path: str | os.PathLike[str], *, format: FileFormat = "json"
) -> None:
    """Write a world as files; see `World.to_files`."""
    if format not in FORMATS:
        raise InvalidArgumentError(
            "format", format, f"cannot write {format!r}; give one of {', '.join(FORMATS)}"
        )
    if format in ("parquet", "arrow"):
        require(f"write {format}", ("pyarrow",), "arrow")
    writing = _Writing(world)
    writing.refuse_what_is_no_json()
    if format == "json" and os.fspath(path).endswith(".json"):
        writing.write_one_file(path)
        return
    with new_folder(path) as folder:
        writing.write_folder(folder, format)


def contents_digest(world: World) -> str:
    """Return a hash of what world files say of a world, whatever the order. O(entities).

    Worlds of equal digests have the same component types and definitions, and the same
    entities by id: of the same definitions, with the same data that differs from
    these, exactly, and in the same places. Not part of it are handles, the order of
    entities and of components, and what is no part of world files: the tick,
    random generators, unused names.

    Returns
    -------
    str
        32 hexadecimal digits (XXH3).

    Raises
    ------
    InvalidArgumentError
        When world files cannot say what an entity is.
    """
    writing = _Writing(world)
    items: Iterator[Any] = chain(
        writing.components, writing.definitions, *map(iter, writing.export.blocks())
    )
    total = sum(xxhash.xxh3_128_intdigest(write_canonical_json(item)) for item in items)
    return f"{total % 2**128:032x}"


class _Writing:
    def __init__(self, world: World) -> None:
        catalogue = catalogue_of(world)
        types = catalogue.components
        self.export: Final = InstanceExport(catalogue)
        self.components: Final = [
            declared_type(types[type_id]) for type_id in types if types[type_id] != catalogue.place
        ]
        self.definitions: Final = [
            declared_definition(catalogue, definition_id) for definition_id in catalogue.definitions
        ]
        if self.export.has_anything and ANYTHING not in catalogue.definitions:
            self.definitions.append({"id": ANYTHING, "components": {}})

    def refuse_what_is_no_json(self) -> None:
        """Raise when a component type or a definition says what JSON has no name for.

        Raises
        ------
        InvalidArgumentError
        """
        for declared in (self.components, self.definitions):
            write_lines(declared, [each["id"] for each in declared])

    def write_one_file(self, path: str | os.PathLike[str]) -> None:
        """Write all of it into one JSON file.

        Raises
        ------
        InvalidArgumentError
            When it would be larger than what is read again.
        """
        limit, n_bytes = Limits().file_bytes, 0
        pieces: list[bytes | memoryview] = []
        for piece in self._pieces():
            pieces.append(piece)
            n_bytes += len(piece)
            if n_bytes > limit:  # and the rest is not made
                raise InvalidArgumentError(
                    "path",
                    path,
                    f"cannot write more than {limit:,} bytes into one file, as no more are read; "
                    "give the name of a folder",
                )
        write_new_file(path, b"".join(pieces))

    def _pieces(self) -> Iterator[bytes | memoryview]:
        """Yield one JSON file with all of it, a block of instances at a time."""
        head = {"components": self.components, "entities": {"definitions": self.definitions}}
        text = write_pretty_json(head).rstrip()
        yield text[: text.rindex(b"}", 0, text.rindex(b"}"))].rstrip()
        yield b',\n    "instances": [\n'
        separator = b""
        for data, ends in self._lines(_BETWEEN):
            yield separator
            yield data[: ends[-1]].data
            separator = _BETWEEN
        yield b"\n    ]\n  }\n}\n"

    def _lines(self, separator: bytes) -> Iterator[Lines]:
        return InstanceLines(self.export, separator).blocks()

    def write_folder(self, folder: Path, format: FileFormat) -> None:
        """Write a game file and a mod for each prefix of ids."""
        write_mods(
            folder,
            self.components,
            self.definitions,
            lambda instances: self._write_instances(instances, format),
        )

    def _write_instances(self, folder: Path, format: FileFormat) -> list[str]:
        if format == "json":
            return self._write_parts(folder)
        name = f"instances.{format}"
        with (folder / name).open("wb") as file:
            if format == "ndjson":
                for block in self._lines(b"\n"):
                    file.write(block.data.data)
            else:
                write_columns(export_columns(self.export), file, is_parquet=format == "parquet")
        return [name]

    def _write_parts(self, folder: Path) -> list[str]:
        """Write arrays of instances, each well below what is read at once."""
        names: list[str] = []
        for part in _parts(self._lines(_BETWEEN)):
            names.append(f"instances-{len(names) + 1:04d}.json")
            with (folder / names[-1]).open("wb") as file:
                file.writelines((b"[\n", _BETWEEN.join(part), b"\n]\n"))
        return names


def _parts(blocks: Iterator[Lines]) -> Iterator[list[memoryview]]:
    """Cut lines into parts of `_PART` bytes at most, or of one line; there is always one.

    Yields
    ------
    list of memoryview
        Of one or more lines each, without the last separator.
    """
    part: list[memoryview] = []
    n_bytes = 0
    for data, ends in blocks:
        first, start = 0, 0
        while first < ends.shape[0]:
            stop = int(np.searchsorted(ends, start + _PART - n_bytes, "right"))
            if stop <= first and part:
                yield part
                part, n_bytes = [], 0
                continue
            first = max(stop, first + 1)
            end = int(ends[first - 1])
            part.append(data[start:end].data)
            n_bytes += end - start + len(_BETWEEN)
            start = end + len(_BETWEEN)
    yield part
