"""The files of a world, read but not yet believed: what there is, and what is wrong.

A world is a folder with a game file and mods, the folder of one mod, or one file
with all of it. What makes all of it senseless is raised, all at once; any other
fault is a line, and the rest is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from ecs_columnar.errors import WorldInitializationError, first_three, shortened
from ecs_columnar.io import manifest as mods
from ecs_columnar.io.arrow_columns import SUFFIXES, ArrowSource
from ecs_columnar.io.blocks import (
    InstanceSource,
    LineSource,
    ListSource,
    in_file,
    in_files,
    source_of_list,
    whole_with_source,
)
from ecs_columnar.io.folder import Folder, Retry, fault_of_name
from ecs_columnar.io.json_text import JsonReader
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.manifest import KINDS, Manifest, is_mod_id, to_manifest
from ecs_columnar.io.mod_order import CORE, ordered
from ecs_columnar.io.problem import Problem, WorldFileError

GAME: Final = "game.json"
LINES: Final = (".ndjson", ".jsonl")


class Found(NamedTuple):
    """Something that a file declares.

    Attributes
    ----------
    file, path : str
        Where.
    data : object
        Whatever the file says.
    """

    file: str
    path: str
    data: Any

    def problem(self, message: str, path: str = "") -> Problem:
        """Return a line about it."""
        return Problem(self.file, self.path + path, message)


@dataclass(slots=True)
class WorldFiles:
    """What the files of a world declare.

    Attributes
    ----------
    source : str
        The path that was given.
    mods : list of str
        In the order in which they are loaded.
    components, definitions, worlds : list of Found
    instances : list of InstanceSource
    start_world : str or None
        What the game file says.
    plain : dict or None
        ``{"entities", "locations"}``, where a file holds these lists.
    problems : list of Problem
    """

    source: str
    mods: list[str] = field(default_factory=list)
    components: list[Found] = field(default_factory=list)
    definitions: list[Found] = field(default_factory=list)
    worlds: list[Found] = field(default_factory=list)
    instances: list[InstanceSource] = field(default_factory=list)
    start_world: str | None = None
    plain: dict[str, Any] | None = None
    problems: list[Problem] = field(default_factory=list)


def read_world_files(
    path: str | os.PathLike[str], limits: Limits | None = None, retry: Retry | None = None
) -> WorldFiles:
    """Read the files of a world, except for instances that are streamed.

    Parameters
    ----------
    path : path
        Of a folder with ``game.json``, or with ``mod-manifest.json``; of one of
        these; of a JSON file with all of it; or of instances as NDJSON, Parquet or
        Arrow.
    limits : Limits, optional
    retry : callable, optional
        As in `Folder`.

    Raises
    ------
    WorldInitializationError
        When there is no such file, mods do not fit together, or the one file that
        there is cannot be used. ``problems`` has all that is wrong.
    """
    given = Path(path)
    reading = _Reading(given, limits or Limits(), retry)
    try:
        reading.read()
    except WorldFileError as error:
        raise failed(given, [error.problem]) from error
    return reading.files


def failed(path: str | os.PathLike[str], problems: Iterable[Problem]) -> WorldInitializationError:
    """Make the error of a world that cannot be loaded."""
    found = tuple(map(str, problems))
    lines = "".join(f"\n  {problem}" for problem in found)
    count = f"{len(found)} problems" if len(found) > 1 else "a problem"
    return WorldInitializationError(
        f"cannot load the world {os.fspath(path)}: mend {count} first:{lines}", problems=found
    )


class _Reading:
    def __init__(self, path: Path, limits: Limits, retry: Retry | None) -> None:
        self.files: Final = WorldFiles(os.fspath(path))
        self._reader: Final = JsonReader(limits)
        is_folder = path.is_dir()
        # The path itself is the caller's: links on the way to it are followed.
        real = path.resolve()
        is_entry = path.name in (GAME, mods.FILE)
        self._name = None if is_folder or is_entry else real.name
        self._folder: Final = Folder(real if is_folder else real.parent, limits, retry)

    def read(self) -> None:
        """Read whatever the path leads to."""
        if self._name is not None:
            self._read_file(self._name)
        elif self._folder.has(GAME):
            self._read_game()
        elif self._folder.has(mods.FILE):
            self._read_mods({None: ""})
        else:
            raise WorldFileError(GAME, f"is not there, and neither is {mods.FILE}")

    # --- a folder --------------------------------------------------------------------

    def _read_game(self) -> None:
        game = self._json(GAME)
        requested = game.get("mods") if isinstance(game, Mapping) else None
        if not isinstance(requested, list):
            raise WorldFileError(GAME, "is no list of ids of mods", path="$.mods")
        faults = [
            Problem(GAME, f"$.mods[{i}]", f"{mod_id!r} is no id of a mod")
            for i, mod_id in enumerate(requested)
            if not is_mod_id(mod_id)
        ]
        start = game.get("startWorld")
        if not isinstance(start, str | None):
            faults.append(Problem(GAME, "$.startWorld", f"{start!r} is no id of a world"))
        if faults:
            raise failed(self.files.source, faults)
        self.files.start_world = start
        names = list(dict.fromkeys(requested))
        if CORE not in names and self._folder.has(f"mods/{CORE}/{mods.FILE}"):
            names.insert(0, CORE)
        self._read_mods({mod_id: f"mods/{mod_id}/" for mod_id in names})

    def _read_mods(self, requested: Mapping[str | None, str]) -> None:
        """Read mods in the right order.

        Parameters
        ----------
        requested : mapping of str to str
            Where the files of each mod are; None is the mod whose folder was given.
        """
        fatal: list[Problem] = []
        manifests: dict[str, Manifest] = {}
        prefixes: dict[str, str] = {}
        for mod_id, prefix in requested.items():
            manifest = self._manifest(prefix + mods.FILE, fatal)
            if manifest is None:
                continue
            if mod_id not in (None, manifest.id):
                message = f"{manifest.id!r} is not the name of its folder"
                fatal.append(Problem(prefix + mods.FILE, "$.id", message))
            manifests[manifest.id], prefixes[manifest.id] = manifest, prefix
        in_order = ordered([m for m in requested if m] or list(manifests), manifests, fatal)
        if fatal:
            raise failed(self.files.source, fatal)
        self.files.mods += [manifest.id for manifest in in_order]
        for manifest in in_order:
            self._read_mod(manifest, prefixes[manifest.id])

    def _manifest(self, file: str, fatal: list[Problem]) -> Manifest | None:
        try:
            return to_manifest(self._json(file), file, fatal)
        except WorldFileError as error:
            fatal.append(error.problem)
            return None

    def _read_mod(self, manifest: Manifest, prefix: str) -> None:
        for kind, found in self._declared():
            for file in self._names(manifest, prefix, kind):
                with self._reporting():
                    each = Found(file, "$", self._json(file))
                    self._refuse_foreign(each, manifest.id)
                    found.append(each)
        singles: list[Found] = []
        for file in self._names(manifest, prefix, "instances"):
            with self._reporting():
                self._add_instances(file, singles)
        self._add_singles(singles)

    def _declared(self) -> list[tuple[str, list[Found]]]:
        files = self.files
        return [
            ("components", files.components),
            ("definitions", files.definitions),
            ("worlds", files.worlds),
        ]

    def _names(self, manifest: Manifest, prefix: str, kind: str) -> Iterator[str]:
        """Yield the names of the files of a kind, below the folder of the world."""
        path = KINDS[kind]
        for i, name in enumerate(manifest.files(kind)):
            fault = fault_of_name(name)
            if fault is None:
                yield f"{prefix}{'/'.join(path)}/{name}"
            else:
                where = f"$.content.{'.'.join(path)}[{i}]"
                message = f"{shortened(repr(name))} is no name of a file: {fault}"
                self.files.problems.append(Problem(prefix + mods.FILE, where, message))

    def _refuse_foreign(self, each: Found, mod_id: str) -> None:
        """Raise when a mod declares something in the name of another one."""
        owner = _owner(each.data)
        if owner not in (None, mod_id):
            message = f"{each.data['id']!r} is of another mod; begin it with {mod_id + ':'!r}"
            raise WorldFileError(each.file, message, path="$.id")

    def _add_instances(self, file: str, singles: list[Found]) -> None:
        data = self._read_instances(file)
        if isinstance(data, InstanceSource):
            self._add_singles(singles)
            self.files.instances.append(data)
        else:
            singles.append(Found(file, "$", data))

    def _add_singles(self, singles: list[Found]) -> None:
        """Add instances of a file each as one source, so that all come as they are listed."""
        if singles:
            place = in_files([each.file for each in singles])
            self.files.instances.append(ListSource([each.data for each in singles], place))
            singles.clear()

    def _read_instances(self, file: str, *, is_whole: bool = False) -> Any:
        """Return a file of instances as their source; any other, as what it says.

        One with all of it may have the source of its instances in place of their list.
        """
        source = self._streamed(file)
        if source is not None:
            return source
        text = self._folder.read(file)
        source = source_of_list(text, self._reader, in_file(file))
        if source is not None:
            return source
        place = in_file(file, _INSTANCES)
        whole = whole_with_source(text, self._reader, place) if is_whole else None
        if whole is not None:
            return whole
        data = self._reader.read(text, file)
        return ListSource(data, in_file(file)) if isinstance(data, list) else data

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Report a file that cannot be used, and go on."""
        try:
            yield
        except WorldFileError as error:
            self.files.problems.append(error.problem)

    # --- one file --------------------------------------------------------------------

    def _read_file(self, name: str) -> None:
        data = self._read_instances(name, is_whole=True)
        if isinstance(data, InstanceSource):
            self.files.instances.append(data)
            return
        if not isinstance(data, Mapping):
            raise WorldFileError(name, "is no mapping with components, entities and worlds")
        self._read_whole(name, data)

    def _read_whole(self, name: str, data: Mapping[str, Any]) -> None:
        entities = data.get("entities", {})
        unknown = [key for key in data if key not in _WHOLE]
        if unknown:
            message = f"{first_three(map(repr, unknown))} means nothing here; there are "
            self.files.problems.append(Problem(name, "$", message + ", ".join(_WHOLE)))
        if isinstance(entities, list) or "locations" in data:
            self.files.plain = _plain(name, data)
            entities = {"definitions": data.get("definitions", [])}
        if not isinstance(entities, Mapping):
            raise WorldFileError(
                name, "is no mapping of definitions and instances", path="$.entities"
            )
        parts = {
            "components": ("$.components", data.get("components", [])),
            "definitions": ("$.entities.definitions", entities.get("definitions", [])),
            "worlds": ("$.worlds", data.get("worlds", [])),
            "instances": (_INSTANCES, entities.get("instances", [])),
        }
        for path, part in parts.values():
            if not isinstance(part, list | InstanceSource):
                raise WorldFileError(name, "is no list", path=path)
        for kind, found in self._declared():
            path, part = parts[kind]
            found += [Found(name, f"{path}[{i}]", item) for i, item in enumerate(part)]
        path, instances = parts["instances"]
        if isinstance(instances, InstanceSource):
            self.files.instances.append(instances)
        elif instances:
            self.files.instances.append(ListSource(instances, in_file(name, path)))
        start = data.get("startWorld")
        if not isinstance(start, str | None):
            raise WorldFileError(name, f"{start!r} is no id of a world", path="$.startWorld")
        self.files.start_world = start

    # --- files -----------------------------------------------------------------------

    def _json(self, file: str) -> Any:
        return self._reader.read(self._folder.read(file), file)

    def _streamed(self, file: str) -> InstanceSource | None:
        """Return the source of a file that is not read as a whole, None of any other."""
        if file.endswith(LINES):
            source: InstanceSource = LineSource(self._folder, file, self._reader)
        elif file.endswith(SUFFIXES):
            source = ArrowSource(self._folder, file)
        else:
            return None
        with self._folder.open(file):  # so that it is missed now
            return source


_INSTANCES: Final = "$.entities.instances"
_WHOLE: Final = (
    "$schema",
    "id",
    "name",
    "components",
    "definitions",
    "entities",
    "locations",
    "worlds",
    "startWorld",
)


def _plain(name: str, data: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the lists of a file that has entities and locations.

    Raises
    ------
    WorldFileError
        When one is none.
    """
    plain = {key: data.get(key) or [] for key in ("entities", "locations")}
    for key, part in plain.items():
        if not isinstance(part, list):
            message = "is no list; where there are locations, entities are a list, too"
            raise WorldFileError(name, message, path=f"$.{key}")
    return plain


def _owner(data: Any) -> str | None:
    """Return the mod in whose name something is declared, None where it is in nobody's."""
    found = data.get("id") if isinstance(data, Mapping) else None
    if not isinstance(found, str) or ":" not in found:
        return None
    return found.partition(":")[0]
