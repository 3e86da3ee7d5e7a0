"""Checking what one source says: known keys, each of its type and in its range."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from ecs_columnar.config.table import DEFAULTS_SECTION, KEYS, SECTIONS
from ecs_columnar.errors import ConfigurationError

Values = dict[str, dict[str, Any]]
"""Section to name to value: what a source says, or all."""


def check_values(given: Any, source: str = "") -> Values:
    """Return what a source says, checked key by key and as plain values of our own.

    Parameters
    ----------
    given : mapping or None
        Section to mapping of name to value; or path to value.
    source : str
        Where it is from, as the message says it: " (in game.toml)".

    Raises
    ------
    ConfigurationError
        Naming the first key that is not known, or whose value cannot work.
    """
    values: Values = {}
    sections = {} if given is None else _mapping(given, "the configuration", source)
    for section, entries in sections.items():
        if isinstance(section, str) and section.partition(".")[0] in SECTIONS and "." in section:
            of, _, name = section.partition(".")
            values.setdefault(of, {})[name] = check_value(section, entries, source)
            continue
        if section not in SECTIONS:
            raise unknown_key(str(section), str(section), SECTIONS, source)
        named = _mapping(entries, section, source)
        for name in named:
            if not isinstance(name, str):
                raise unknown_path(f"{section}.{name!r}", source)
        values.setdefault(section, {}).update(
            (name, check_value(f"{section}.{name}", value, source)) for name, value in named.items()
        )
    return values


def check_value(path: str, value: Any, source: str = "") -> Any:
    """Return the value of one key as plain Python.

    Raises
    ------
    ConfigurationError
        When the key is not known, or the value is of another type or out of range.
    """
    section, _, name = path.partition(".")
    if section == DEFAULTS_SECTION:
        return _components(path, name, value, source)
    key = KEYS.get(path)
    if key is None:
        raise unknown_path(path, source)
    return key.check(value, source)


def merge(*sources: Values) -> Values:
    """Return what all sources say; later ones win, key by key."""
    merged: Values = {}
    for source in sources:
        for section, entries in source.items():
            merged.setdefault(section, {}).update(entries)
    return merged


def unknown_path(path: str, source: str = "") -> ConfigurationError:
    """Make the error about a key that does not exist."""
    section, _, name = path.partition(".")
    if section not in SECTIONS:
        return unknown_key(path, section, SECTIONS, source)
    if section == DEFAULTS_SECTION:
        return unknown_key(path, name, ["ids of component types"], source)
    if not name:
        return ConfigurationError(
            f"cannot configure {path}{source}: it is a section; set its keys one by one",
            key=path,
        )
    names = [key.name for key in KEYS.values() if key.section == section]
    return unknown_key(path, name, names, source)


def unknown_key(path: str, word: str, known: Iterable[str], source: str) -> ConfigurationError:
    """Make the error about a word that is none of those known."""
    known = list(known)
    lowered = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.5)
    hint = f"did you mean {lowered[near[0]]}?" if near else f"there are {', '.join(known)}"
    return ConfigurationError(
        f"cannot configure {path}{source}: there is no such key; {hint}", key=path
    )


def _components(path: str, tag: str, value: Any, source: str) -> dict[str, dict[str, Any]]:
    """Return the components of a tag, as type id to data; a list of type ids has no data."""
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        value = {type_id: {} for type_id in value}
    components = _mapping(value, path, source)
    for name in (tag, *components):
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(
                f"cannot configure {path}{source}: {name!r} is no component type; give ids that "
                "are not blank",
                key=path,
                value=value,
            )
    return {
        type_id: copy.deepcopy(dict(_mapping(data, f"{path}.{type_id}", source)))
        for type_id, data in components.items()
    }


def _mapping(given: Any, path: str, source: str) -> Mapping[Any, Any]:
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f"cannot configure {path}{source}: it is a {type(given).__name__}; give a mapping",
            key=path,
            value=given,
        )
    return given
