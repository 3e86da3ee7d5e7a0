"""What a file and the environment say."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ecs_columnar.config.table import DEFAULTS_SECTION, KEYS, SECTIONS
from ecs_columnar.config.values import Values, check_values, unknown_key, unknown_path
from ecs_columnar.errors import ConfigurationError

PREFIX: Final = "ECS_COLUMNAR_"

_MAX_BYTES: Final = 64 * 2**20


def read_file(file: str | os.PathLike[str]) -> Values:
    """Return what a TOML or JSON file says.

    Raises
    ------
    ConfigurationError
        When it cannot be read, is neither, or says what no configuration can.
    """
    path = Path(file)
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise _unreadable(path, "its name ends neither in .toml nor in .json")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise _unreadable(path, "it has more than 64 MB")
        given = read(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise _unreadable(path, str(error) or type(error).__name__) from error
    return check_values(given, f" (in {path})")


def read_environment(environment: Mapping[str, str]) -> Values:
    """Return what variables such as ``ECS_COLUMNAR_PERFORMANCE__MAX_BATCH_SIZE`` say.

    A variable without a double underscore is none of the configuration.

    Raises
    ------
    ConfigurationError
        When a variable names no key, or its text is no value of it.
    """
    values: Values = {}
    for variable, text in environment.items():
        section, separator, name = variable.removeprefix(PREFIX).partition("__")
        if variable.startswith(PREFIX) and separator:
            section, value = _read_variable(variable, section, name, text)
            values.setdefault(section, {})[name.upper()] = value
    return values


def _read_variable(variable: str, section: str, name: str, text: str) -> tuple[str, Any]:
    """Return the section of a variable, and its value."""
    source = f" (in the environment variable {variable})"
    sections = {known.upper(): known for known in SECTIONS if known != DEFAULTS_SECTION}
    found = sections.get(section.upper().replace("_", ""))
    if found is None:
        raise unknown_key(section, section, sections.values(), source)
    key = KEYS.get(f"{found}.{name.upper()}")
    if key is None:
        raise unknown_path(f"{found}.{name}", source)
    return found, key.parse(text, source)


def _read_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return found


def _refuse_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


_READERS: Final[dict[str, Callable[[str], Any]]] = {".toml": tomllib.loads, ".json": _read_json}


def _unreadable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"cannot read the configuration {path}: {why}; give a TOML or JSON file in UTF-8",
        key=str(path),
    )
