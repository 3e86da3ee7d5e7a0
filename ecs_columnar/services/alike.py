"""Dicts of the same keys, and the values of each key.

What dicts of dicts hold lies all over memory. A pass for each key, over more of
them than the processor's cache holds, waits for memory at each dict and each
pass. So a few hundred are read at a time, with all that lies within them; every
pass is a loop in C. Dicts within others are looked at and not kept: a list of
them would count references all over memory once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Final, overload

from ecs_columnar.services.columns import are_all

# Of 64 to 4096, none was much faster than others; more of them take more calls.
_AT_ONCE: Final = 512

_FEW: Final = 32  # dicts that the passes of this module are not worth

_DEEPEST: Final = 4  # an item, its options, its components, and their data


class Alike(Sequence[Any]):
    """Dicts that all have the same keys; or items that were found not to be such.

    Attributes
    ----------
    columns : dict of str to list or Alike
        The values of each key; where these are dicts, `Alike`.
    is_alike : bool
        Whether they are; if not, the columns are of no use, and nobody looks again.

    Examples
    --------
    >>> actors = to_alike([{"id": i, "opts": {"hp": 5}} for i in range(100)])
    >>> actors.columns["id"][:3], actors.columns["opts"].columns["hp"][:3]
    ([0, 1, 2], [5, 5, 5])
    """

    __slots__ = ("_getters", "_has_order", "_items", "_make_items", "_n", "columns", "is_alike")

    def __init__(
        self, first: dict[Any, Any], depth: int, make_items: Callable[[], list[Any]]
    ) -> None:
        self.is_alike = are_all([*first], str)
        self._n = 0
        self._items: list[Any] | None = None
        self._make_items: Final = make_items
        self.columns: Final[dict[str, list[Any] | Alike]] = {
            key: _column(key, value, depth, make_items) for key, value in first.items()
        }
        self._getters: Final = [(itemgetter(key), column) for key, column in self.columns.items()]
        # The order of keys says something of components only: of dicts of dicts.
        columns = self.columns.values()
        self._has_order: Final = len(first) > 1 and all(type(each) is Alike for each in columns)

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, i: int) -> Any: ...
    @overload
    def __getitem__(self, i: slice) -> list[Any]: ...
    def __getitem__(self, i: int | slice) -> Any:
        return self.items[i]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def values(self, key: str) -> list[Any] | None:
        """Return the values of a key; None if it is none of theirs."""
        found = self.columns.get(key)
        return found.items if isinstance(found, Alike) else found

    @property
    def items(self) -> list[Any]:
        """The dicts themselves, got from those around them when they are first asked for."""
        if self._items is None:
            self._items = self._make_items()
        return self._items

    @property
    def is_ordered(self) -> bool:
        """Whether each dict is known to have its keys in the order of the columns."""
        return self._has_order or len(self.columns) < 2

    def read(self, items: list[Any]) -> None:
        """Read some more items, and what lies within them."""
        self._n += len(items)
        if self.is_alike:
            self.is_alike = are_all(items, dict) and self._read_values(items)

    def _read_values(self, items: list[Any]) -> bool:
        if self._has_order and [*chain.from_iterable(items)] != [*self.columns] * len(items):
            return False
        try:
            for get, column in self._getters:
                if isinstance(column, Alike):
                    column.read([*map(get, items)])
                else:
                    column += map(get, items)
        except KeyError:
            return False
        # Each has all of the keys; it has no other if it has not more of them. To count
        # them in a list takes half the time of a sum.
        return self._has_order or [*map(len, items)].count(len(self.columns)) == len(items)


def to_alike(items: Sequence[Any]) -> Alike | None:
    """Return items as `Alike`; None where they are not, or it does not pay.

    It does where there are dicts within them, and more than a few items.
    """
    if isinstance(items, Alike):
        return items if items.is_alike else None
    if len(items) < _FEW or type(items[0]) is not dict:
        return None
    if dict not in map(type, items[0].values()):
        return None
    given = items if isinstance(items, list) else list(items)
    found = Alike(given[0], _DEEPEST, lambda: given)
    for start in range(0, len(given), _AT_ONCE):
        found.read(given[start : start + _AT_ONCE])
        if not found.is_alike:
            return None
    return found


def _column(
    key: str, value: Any, depth: int, make_items: Callable[[], list[Any]]
) -> list[Any] | Alike:
    """Return an empty column, for values like one."""
    if type(value) is not dict or depth < 2:
        return []
    return Alike(value, depth - 1, lambda: list(map(itemgetter(key), make_items())))
