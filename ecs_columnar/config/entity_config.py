"""A complete configuration, which cannot change."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final

from ecs_columnar.config.section import Section
from ecs_columnar.config.table import DEFAULTS_SECTION, KEYS, SECTIONS
from ecs_columnar.config.values import Values, check_values, merge, unknown_path
from ecs_columnar.errors import ConfigurationError

_DEFAULTS: Final[Values] = {
    section: {key.name: key.default for key in KEYS.values() if key.section == section}
    for section in SECTIONS
}


class EntityConfig:
    """A complete configuration, which cannot change.

    Parameters
    ----------
    values : mapping, optional
        Section to mapping of name to value, for what is not as by default.

    Raises
    ------
    ConfigurationError
        When a key is not known, a value is of another type or out of range, or two
        values contradict each other. The error names the key.

    Examples
    --------
    >>> EntityConfig().performance["DEFAULT_BATCH_SIZE"]
    50
    >>> config = EntityConfig({"batchOperations": {"STOP_ON_ERROR": True}})
    >>> config.get("batchOperations.STOP_ON_ERROR")
    True
    """

    __slots__ = ("_by_path", "_values")

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values: Final = merge(_DEFAULTS, check_values(values))
        self._by_path: Final[dict[str, Any]] = {
            f"{section}.{name}": value
            for section, entries in self._values.items()
            for name, value in entries.items()
        }
        self._check_sizes()

    @property
    def performance(self) -> Section:
        """The section about monitoring, batch sizes and switches; read-only."""
        return Section(self._values["performance"])

    @property
    def batch_operations(self) -> Section:
        """The section about failures within batches; read-only."""
        return Section(self._values["batchOperations"])

    @property
    def error_handling(self) -> Section:
        """The section about circuit breakers; read-only."""
        return Section(self._values["errorHandling"])

    @property
    def defaults(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Tag to the components that entities with it get; a copy."""
        return copy.deepcopy(self._values[DEFAULTS_SECTION])

    def get(self, path: str) -> Any:
        """Return the value of a key, or a section as a dict; None where there is neither."""
        if path in KEYS:
            return self._by_path[path]
        if path in self._values:
            return copy.deepcopy(self._values[path])
        return copy.deepcopy(self._by_path.get(path))

    def section(self, name: str) -> dict[str, Any]:
        """Return a section as a dict of one's own.

        Raises
        ------
        ConfigurationError
            When there is none of this name.
        """
        if name not in self._values:
            raise unknown_path(str(name))
        return copy.deepcopy(self._values[name])

    def to_dict(self) -> Values:
        """Return all of it, section by section, as dicts of one's own."""
        return copy.deepcopy(self._values)

    def _check_sizes(self) -> None:
        size, maximum = (self.performance[f"{name}_BATCH_SIZE"] for name in ("DEFAULT", "MAX"))
        if size > maximum:
            raise ConfigurationError(
                f"cannot configure performance.DEFAULT_BATCH_SIZE: {size} is above "
                f"MAX_BATCH_SIZE, which is {maximum}; lower the one or raise the other",
                key="performance.DEFAULT_BATCH_SIZE",
                value=size,
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EntityConfig) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]  # equal by value, with dicts inside

    def __repr__(self) -> str:
        changed = [
            f"{path}={value!r}"
            for path, value in self._by_path.items()
            if path not in KEYS or value != KEYS[path].default
        ]
        return f"<EntityConfig: {', '.join(changed) or 'defaults'}>"
