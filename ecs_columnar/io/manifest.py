"""What a mod says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from semantic_version import NpmSpec, Version

from ecs_columnar.io.problem import Problem

FILE: Final = "mod-manifest.json"
ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", re.ASCII)
"""What a mod can be called: its folder is called so too."""

_BLANKS: Final = re.compile(r"([<>=^~]) +")

KINDS: Final = {
    "components": ("components",),
    "definitions": ("entities", "definitions"),
    "instances": ("entities", "instances"),
    "worlds": ("worlds",),
}
"""Where the names of the files of a kind stand in the content; their folder is the same path."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Another mod that one needs, or cannot stand.

    Attributes
    ----------
    id : str
    range : str
        Of versions, as npm writes it: ``^1.2.0``, ``>=1.0.0 <3.0.0``.
    """

    id: str
    range: str = "*"

    def accepts(self, version: str) -> bool:
        """Tell whether a version is in the range."""
        return bool(_to_range(self.range).match(Version(version)))

    def __str__(self) -> str:
        return self.id if self.range == "*" else f"{self.id} {self.range}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a mod says of itself.

    Attributes
    ----------
    id, version, name : str
    dependencies, conflicts : tuple of Requirement
    content : dict of str to tuple
        The names of the files of each kind, as they stand there.
    """

    id: str
    version: str
    name: str
    dependencies: tuple[Requirement, ...] = ()
    conflicts: tuple[Requirement, ...] = ()
    content: Mapping[str, tuple[Any, ...]] | None = None

    def files(self, kind: str) -> tuple[Any, ...]:
        """Return the names of the files of a kind."""
        return (self.content or {}).get(kind, ())


def to_manifest(data: Any, file: str, problems: list[Problem]) -> Manifest | None:
    """Take the content of a manifest.

    Parameters
    ----------
    data : object
        What the file says.
    file : str
    problems : list of Problem
        Takes all that is wrong.

    Returns
    -------
    Manifest or None
        None, if something is wrong.
    """
    found: list[Problem] = []
    if not isinstance(data, Mapping):
        problems.append(Problem(file, "$", 'is no mapping; give {"id": ..., "version": ...}'))
        return None
    mod_id, version = data.get("id"), data.get("version")
    if not is_mod_id(mod_id):
        found.append(Problem(file, "$.id", f"{mod_id!r} is no id of a mod; use letters and digits"))
    if not _is_version(version):
        found.append(Problem(file, "$.version", f"{version!r} is no version such as 1.2.0"))
    dependencies = _requirements(data, "dependencies", file, found)
    conflicts = _requirements(data, "conflicts", file, found)
    content = _content(data.get("content", {}), file, found)
    problems += found
    if found:
        return None
    name = str(data.get("name", mod_id))
    return Manifest(str(mod_id), str(version), name, dependencies, conflicts, content)


def is_mod_id(value: object) -> bool:
    """Tell whether a mod can be called so."""
    return isinstance(value, str) and bool(ID.fullmatch(value)) and ".." not in value


def _requirements(
    data: Mapping[str, Any], name: str, file: str, found: list[Problem]
) -> tuple[Requirement, ...]:
    given = data.get(name, [])
    if not isinstance(given, list):
        found.append(Problem(file, f"$.{name}", "is no list of mods"))
        return ()
    requirements = []
    for i, item in enumerate(given):
        parts = {"id": item} if isinstance(item, str) else item
        fault = _fault_of_requirement(parts)
        if fault is None:
            requirements.append(Requirement(parts["id"], parts.get("version", "*")))
        else:
            found.append(Problem(file, f"$.{name}[{i}]", fault))
    return tuple(requirements)


def _fault_of_requirement(parts: Any) -> str | None:
    if not isinstance(parts, Mapping) or not is_mod_id(parts.get("id")):
        return 'is no mod; give {"id": ..., "version": ...}'
    given = parts.get("version", "*")
    try:
        _to_range(given)
    except (ValueError, TypeError, AttributeError):
        return f"{given!r} is no range of versions such as ^1.2.0"
    return None


def _to_range(text: str) -> NpmSpec:
    """Read a range of versions; npm allows blanks where `NpmSpec` does not."""
    return NpmSpec(_BLANKS.sub(r"\1", " ".join(text.split())))


def _is_version(value: object) -> bool:
    try:
        Version(value)
    except (ValueError, TypeError):
        return False
    return isinstance(value, str)


def _content(data: Any, file: str, found: list[Problem]) -> dict[str, tuple[Any, ...]]:
    content: dict[str, tuple[Any, ...]] = {}
    if not isinstance(data, Mapping):
        found.append(Problem(file, "$.content", "is no mapping of kinds to names of files"))
        return content
    for kind, path in KINDS.items():
        part: Any = data
        for key in path:
            part = part.get(key, {}) if isinstance(part, Mapping) else None
        if part == {}:
            continue
        if not isinstance(part, list):
            found.append(Problem(file, f"$.content.{'.'.join(path)}", "is no list of names"))
            continue
        content[kind] = tuple(part)
    return content
