"""Dicts of the same keys, and the values of each key.

What dicts of dicts hold lies all over memory. A pass for each key, over more of
them than the processor's cache holds, waits for memory at each dict and each
pass. So a few hundred are read at a time, with all that lies within them; every
pass is a loop in C.
"""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import Any, Final

from ecs_columnar.services.columns import are_all

# Of 64 to 4096, none was much faster than others; more of them take more calls.
_AT_ONCE: Final = 512

_FEW: Final = 32  # dicts that the passes of this module are not worth

_DEEPEST: Final = 4  # an item, its options, its components, and their data


class Alike(list[dict[str, Any]]):
    """Dicts that all have the same keys.

    Attributes
    ----------
    columns : dict of str to list
        The values of each key; where these are dicts of the same keys, `Alike`.
    is_ordered : bool
        Whether each dict is known to have its keys in the order of the columns.

    Examples
    --------
    >>> actors = to_alike([{"id": i, "opts": {"hp": 5}} for i in range(100)])
    >>> actors.columns["id"][:3], actors.columns["opts"].columns["hp"][:3]
    ([0, 1, 2], [5, 5, 5])
    """

    __slots__ = ("columns", "is_ordered")

    def __init__(
        self, dicts: list[dict[str, Any]], columns: dict[str, list[Any]], *, is_ordered: bool
    ) -> None:
        super().__init__(dicts)
        self.columns: Final = columns
        self.is_ordered: Final = is_ordered


def to_alike(items: list[Any]) -> Alike | None:
    """Return items as `Alike`; None where they are not, or are so few that it does not pay."""
    if isinstance(items, Alike):
        return items
    if len(items) < _FEW or type(items[0]) is not dict:
        return None
    reader = _Reader(items[0], _DEEPEST)
    for start in range(0, len(items), _AT_ONCE):
        reader.read(items[start : start + _AT_ONCE])
        if not reader.is_alike:
            break
    found = reader.column()
    return found if isinstance(found, Alike) else None


class _Reader:
    """Reads dicts of the keys that a first one has, and the dicts within them.

    Attributes
    ----------
    is_alike : bool
        Whether all that were read so far have these keys.
    """

    def __init__(self, first: dict[Any, Any], depth: int) -> None:
        self.is_alike = are_all(list(first), str)
        self._dicts: list[Any] = []
        self._keys: Final = list(first)
        self._within: Final = {
            key: _Reader(value, depth - 1)
            for key, value in first.items()
            if type(value) is dict and depth > 1
        }
        self._columns: Final[dict[str, list[Any]]] = {
            key: [] for key in first if key not in self._within
        }
        # The order of keys says something of components only: of dicts of dicts.
        self._has_order: Final = len(first) > 1 and len(self._within) == len(first)

    def read(self, items: list[Any]) -> None:
        """Read some more."""
        self._dicts += items
        if self.is_alike:
            self.is_alike = self._have_as_many_keys(items) and self._read_values(items)

    def column(self) -> list[Any]:
        """Return what was read: `Alike` if it is."""
        if not self.is_alike:
            return self._dicts
        columns = {
            key: self._within[key].column() if key in self._within else self._columns[key]
            for key in self._keys
        }
        is_ordered = self._has_order or len(columns) < 2
        return Alike(self._dicts, columns, is_ordered=is_ordered)

    def _have_as_many_keys(self, items: list[Any]) -> bool:
        """Tell whether all are dicts of as many keys; where order counts, of the very keys."""
        if not are_all(items, dict):
            return False
        if self._has_order:
            return list(chain.from_iterable(items)) == self._keys * len(items)
        return [*map(len, items)].count(len(self._keys)) == len(items)

    def _read_values(self, items: list[Any]) -> bool:
        try:
            for key, column in self._columns.items():
                column += map(itemgetter(key), items)
            for key, reader in self._within.items():
                reader.read(list(map(itemgetter(key), items)))
        except KeyError:
            return False
        return True
