"""One section of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final


class Section(Mapping[str, Any]):
    """The values of one section by name: as items, and as attributes. Read-only.

    Examples
    --------
    >>> section = Section({"DEFAULT_BATCH_SIZE": 50})
    >>> section["DEFAULT_BATCH_SIZE"], section.DEFAULT_BATCH_SIZE
    (50, 50)
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values: Final = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"there is no {name} in this section")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        return f"Section({self._values!r})"
