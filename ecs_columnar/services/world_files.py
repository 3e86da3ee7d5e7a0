"""Worlds to files and back: the other side of loading."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal

import xxhash

from ecs_columnar.errors import InvalidArgumentError, WorldInitializationError, first_three
from ecs_columnar.extras import require
from ecs_columnar.io.arrow_columns import write_columns
from ecs_columnar.io.json_text import write_canonical_json, write_lines, write_pretty_json
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.mod_folder import write_mods
from ecs_columnar.io.new_files import new_folder, write_new_file
from ecs_columnar.services.catalogue import catalogue_of
from ecs_columnar.services.column_export import export_columns
from ecs_columnar.services.files_result import WorldFilesResult
from ecs_columnar.services.instance_export import ANYTHING, InstanceExport
from ecs_columnar.services.type_export import declared_definition, declared_type
from ecs_columnar.services.world_loading_service import WorldLoadingService
from ecs_columnar.world import World

FileFormat = Literal["json", "ndjson", "parquet", "arrow"]
FORMATS: Final[tuple[FileFormat, ...]] = ("json", "ndjson", "parquet", "arrow")

_PART: Final = 16 * 2**20


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

    def write_one_file(self, path: str | os.PathLike[str]) -> None:
        """Write all of it into one JSON file.

        Raises
        ------
        InvalidArgumentError
            When it would be larger than what is read again.
        """
        blocks = [_encoded(block) for block in self.export.blocks()]
        head = {"components": self.components, "entities": {"definitions": self.definitions}}
        text = write_pretty_json(head).rstrip()
        text = text[: text.rindex(b"}", 0, text.rindex(b"}"))].rstrip()
        lines = b",\n".join(line for block in blocks for line in block)
        data = text + b',\n    "instances": [\n' + lines + b"\n    ]\n  }\n}\n"
        limit = Limits().file_bytes
        if len(data) > limit:
            raise InvalidArgumentError(
                "path",
                path,
                f"cannot write {len(data):,} bytes into one file, of which {limit:,} are read; "
                "give the name of a folder",
            )
        write_new_file(path, data)

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
                for block in self.export.blocks():
                    file.writelines(line + b"\n" for line in _encoded(block))
            else:
                write_columns(export_columns(self.export), file, is_parquet=format == "parquet")
        return [name]

    def _write_parts(self, folder: Path) -> list[str]:
        """Write arrays of instances, each well below what is read at once."""
        names: list[str] = []
        lines: list[bytes] = []
        n_bytes = 0
        for block in self.export.blocks():
            for line in _encoded(block):
                if lines and n_bytes + len(line) > _PART:
                    names.append(_write_part(folder, len(names), lines))
                    lines, n_bytes = [], 0
                lines.append(line)
                n_bytes += len(line) + 2
        names.append(_write_part(folder, len(names), lines))
        return names


def _write_part(folder: Path, number: int, lines: list[bytes]) -> str:
    name = f"instances-{number + 1:04d}.json"
    (folder / name).write_bytes(b"[\n" + b",\n".join(lines) + b"\n]\n")
    return name


def _encoded(block: list[dict[str, Any]]) -> list[bytes]:
    return write_lines(block, [item["instanceId"] for item in block])
