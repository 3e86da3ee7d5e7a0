"""The configuration in force, and the sources that it comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ecs_columnar.config.entity_config import EntityConfig
from ecs_columnar.config.sources import read_environment, read_file
from ecs_columnar.config.table import DEFAULTS_SECTION
from ecs_columnar.config.values import Values, check_value, check_values, merge, unknown_path


class EntityConfigProvider:
    """The configuration in force; always complete and valid.

    Sources, where later ones win key by key: the defaults, a file, the environment,
    the values given here and those set later.

    Parameters
    ----------
    values : mapping, optional
        Section to mapping of name to value, or path to value.
    file : path, optional
        A TOML or JSON file of the same shape.

    Raises
    ------
    ConfigurationError
        When a source cannot be read, or what it says cannot work. The error names
        the key.

    Examples
    --------
    >>> config = EntityConfigProvider({"performance": {"MAX_BATCH_SIZE": 1000}})
    >>> config.get_value("performance.MAX_BATCH_SIZE")
    1000
    >>> config.set_value("performance.DEFAULT_BATCH_SIZE", 500)
    >>> config.is_feature_enabled("performance.ENABLE_MONITORING")
    True
    """

    __slots__ = ("_config", "_file", "_outside", "_values", "_version")

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        file: str | os.PathLike[str] | None = None,
    ) -> None:
        self._file = file
        self._version = 0
        self._load(values)

    @property
    def config(self) -> EntityConfig:
        """The configuration in force, as one value that cannot change."""
        return self._config

    @property
    def version(self) -> int:
        """How often it has changed, for those who keep what they read."""
        return self._version

    def get_value(self, path: str) -> Any:
        """Return the value of a key; None where there is no such key."""
        return self._config.get(path)

    def is_feature_enabled(self, path: str) -> bool:
        """Tell whether a switch is on; what is no switch is not."""
        return self._config.get(path) is True

    def get_section(self, name: str) -> dict[str, Any]:
        """Return a section as a dict of one's own.

        Raises
        ------
        ConfigurationError
            When there is none of this name.
        """
        return self._config.section(name)

    def set_value(self, path: str, value: Any) -> None:
        """Set a key, or the components of a tag as ``defaults.<tag>``.

        Raises
        ------
        ConfigurationError
            When there is no such key or the value cannot work; nothing has changed.
        """
        if not isinstance(path, str):
            raise unknown_path(str(path))
        section, _, name = path.partition(".")
        if not name and section != DEFAULTS_SECTION:
            raise unknown_path(path)
        if name:
            values = merge(self._values, {section: {name: check_value(path, value)}})
        else:
            values = {**self._values, **check_values({section: value})}
        self._apply(self._outside, values)

    def enable_feature(self, path: str) -> None:
        """Turn a switch on.

        Raises
        ------
        ConfigurationError
            When there is no such switch; nothing has changed.
        """
        self.set_value(path, True)

    def reload(self, values: Mapping[str, Any] | None = None) -> None:
        """Read the file and the environment again.

        Parameters
        ----------
        values : mapping, optional
            What takes the place of all values given or set in code before; without
            it these stay.

        Raises
        ------
        ConfigurationError
            As at construction; nothing has changed.
        """
        self._load(self._values if values is None else values)

    def validate_batch_operation_config(self) -> bool:
        """Check all values once more, and how they go together.

        Returns
        -------
        bool
            True.

        Raises
        ------
        ConfigurationError
            Naming the key that cannot work.
        """
        EntityConfig(self._config.to_dict())
        return True

    def _load(self, values: Mapping[str, Any] | None) -> None:
        from_file = {} if self._file is None else read_file(self._file)
        self._apply(merge(from_file, read_environment(os.environ)), check_values(values))

    def _apply(self, outside: Values, values: Values) -> None:
        self._config = EntityConfig(merge(outside, values))
        self._outside, self._values = outside, values
        self._version += 1

    def __repr__(self) -> str:
        return repr(self._config).replace("EntityConfig", type(self).__name__, 1)
