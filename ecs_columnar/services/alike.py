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


class Alike(list[Any]):
    """Dicts that all have the same keys; or items that were found not to be such.

    Attributes
    ----------
    columns : dict of str to list
        The values of each key; where these are dicts, `Alike`.
    is_alike : bool
        Whether they are; if not, the columns are of no use, and nobody looks again.
    is_ordered : bool
        Whether each dict is known to have its keys in the order of the columns.

    Examples
    --------
    >>> actors = to_alike([{"id": i, "opts": {"hp": 5}} for i in range(100)])
    >>> actors.columns["id"][:3], actors.columns["opts"].columns["hp"][:3]
    ([0, 1, 2], [5, 5, 5])
    """

    __slots__ = ("_has_order", "columns", "is_alike")

    def __init__(self, first: dict[Any, Any], depth: int) -> None:
        super().__init__()
        self.is_alike = are_all([*first], str)
        self.columns: Final[dict[str, list[Any]]] = {
            key: Alike(value, depth - 1) if type(value) is dict and depth > 1 else []
            for key, value in first.items()
        }
        # The order of keys says something of components only: of dicts of dicts.
        columns = self.columns.values()
        self._has_order: Final = len(first) > 1 and all(type(each) is Alike for each in columns)

    @property
    def is_ordered(self) -> bool:
        """Whether each dict is known to have its keys in the order of the columns."""
        return self._has_order or len(self.columns) < 2

    def read(self, items: list[Any]) -> None:
        """Read some more items, and what lies within them."""
        self += items
        if self.is_alike:
            self.is_alike = self._have_as_many_keys(items) and self._read_values(items)

    def _have_as_many_keys(self, items: list[Any]) -> bool:
        """Tell whether all are dicts of as many keys; where order counts, of the very keys."""
        if not are_all(items, dict):
            return False
        if self._has_order:
            return list(chain.from_iterable(items)) == [*self.columns] * len(items)
        return [*map(len, items)].count(len(self.columns)) == len(items)

    def _read_values(self, items: list[Any]) -> bool:
        try:
            for key, column in self.columns.items():
                values = map(itemgetter(key), items)
                if type(column) is Alike:
                    column.read(list(values))
                else:
                    column += values
        except KeyError:
            return False
        return True


def to_alike(items: list[Any]) -> Alike | None:
    """Return items as `Alike`; None where they are not, or it does not pay.

    It does where there are dicts within them, and more than a few items.
    """
    if isinstance(items, Alike):
        return items if items.is_alike else None
    if len(items) < _FEW or type(items[0]) is not dict:
        return None
    if dict not in map(type, items[0].values()):
        return None
    found = Alike(items[0], _DEEPEST)
    for start in range(0, len(items), _AT_ONCE):
        found.read(items[start : start + _AT_ONCE])
        if not found.is_alike:
            return None
    return found
