"""A folder of mods, written: a game file, and a mod for each prefix of ids."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.io import manifest as mods
from ecs_columnar.io.json_text import write_pretty_json
from ecs_columnar.io.manifest import KINDS, is_mod_id
from ecs_columnar.io.mod_order import CORE
from ecs_columnar.io.world_files import GAME

OWN: Final = "world"
"""The mod of the instances, and of what is declared in no mod's name."""

VERSION: Final = "1.0.0"

_SLUG: Final = re.compile(r"[^A-Za-z0-9_-]+")

Declared = Sequence[Mapping[str, Any]]


def write_mods(
    folder: Path,
    components: Declared,
    definitions: Declared,
    write_instances: Callable[[Path], list[str]],
) -> None:
    """Write component types, definitions and instances.

    Parameters
    ----------
    folder : Path
        Empty.
    components, definitions : sequence of mapping
    write_instances : callable
        Takes an empty folder, writes all instances into it, and returns the names
        of its files.

    Raises
    ------
    InvalidArgumentError
        When the prefix of an id cannot be the name of a folder.
    """
    contents = _by_mod(components, definitions)
    for mod_id, content in contents.items():
        root = folder / "mods" / mod_id
        names = {
            "components": _write_all(root, "components", content[0], ".component.json"),
            "definitions": _write_all(root, "definitions", content[1], ".json"),
        }
        others: list[str] = []
        if mod_id == OWN:
            instances = root.joinpath(*KINDS["instances"])
            instances.mkdir(parents=True)
            names["instances"] = write_instances(instances)
            world = {"id": f"{OWN}:{OWN}", "name": "All entities"}
            names["worlds"] = _write_all(root, "worlds", [world], ".world.json")
            others = [other for other in contents if other != OWN]
        _write(root / mods.FILE, _manifest(mod_id, names, others))
    _write(folder / GAME, {"mods": [*contents], "startWorld": f"{OWN}:{OWN}"})


def _by_mod(components: Declared, definitions: Declared) -> dict[str, tuple[list[Any], list[Any]]]:
    """Return component types and definitions by mod, `CORE` first and `OWN` last."""
    contents: dict[str, tuple[list[Any], list[Any]]] = {}
    for kind, declared in enumerate((components, definitions)):
        for each in declared:
            contents.setdefault(_mod_of(each["id"]), ([], []))[kind].append(each)
    own = contents.pop(OWN, ([], []))
    core = {CORE: contents.pop(CORE)} if CORE in contents else {}
    return {**core, **contents, OWN: own}


def _mod_of(content_id: str) -> str:
    prefix, colon, _ = content_id.partition(":")
    if not colon:
        return OWN
    if not is_mod_id(prefix):
        raise InvalidArgumentError(
            "world",
            content_id,
            f"cannot write {content_id!r}: {prefix!r} is no id of a mod, and no name of a folder; "
            "write one file, which has no mods: to_files('world.json')",
        )
    return prefix


def _manifest(mod_id: str, names: Mapping[str, list[str]], others: list[str]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for kind, path in KINDS.items():
        part = content
        for key in path[:-1]:
            part = part.setdefault(key, {})
        part[path[-1]] = names.get(kind, [])
    return {
        "id": mod_id,
        "version": VERSION,
        "name": mod_id,
        "dependencies": [{"id": other, "version": f"^{VERSION}"} for other in others],
        "conflicts": [],
        "content": content,
    }


def _write_all(root: Path, kind: str, declared: list[Any], suffix: str) -> list[str]:
    """Write a file for each thing that is declared; return their names."""
    names: list[str] = []
    taken: set[str] = set()
    for each in declared:
        name = _file_name(each["id"], suffix, lambda name: name.lower() in taken)
        taken.add(name.lower())
        names.append(name)
        _write(root.joinpath(*KINDS[kind], name), each)
    return names


def _file_name(content_id: str, suffix: str, is_taken: Callable[[str], bool]) -> str:
    """Make a name of a file out of an id: letters, digits, and a number where it is taken."""
    stem = _SLUG.sub("-", content_id.partition(":")[2] or content_id).strip("-")[:80] or "unnamed"
    name, n = stem + suffix, 1
    while is_taken(name):
        n += 1
        name = f"{stem}-{n}{suffix}"
    return name


def _write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_pretty_json(data))
