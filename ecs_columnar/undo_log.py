"""What a transaction needs to take back what was done in it.

* It remembers cells as they were at its start, before they are written for the
  first time or while they are, and no more: the cost is that of what is touched.
* To take back is to write old values, in the reverse order. That is prepared as
  a whole, like any other change, and then done in one go.
* Strings that were interned are forgotten last. Nobody refers to them by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.column import Column
from ecs_columnar.location_index import LocationIndex
from ecs_columnar.steps import Step, run
from ecs_columnar.strings import Mark, StringTable

Undo: TypeAlias = tuple[Any, ...]
"""A function that returns steps, and its arguments."""

WHOLE_SHARE: Final = 4
"""A column is remembered whole when more than one in so many rows is written."""


class Moves(NamedTuple):
    """A batch of moves between locations, in its order.

    Attributes
    ----------
    handles : int64 array, shape (k,)
    codes : int32 array, shape (k,)
        Where they went.
    before : LOCATION_RECORD array, shape (k,)
        Where each was before its move.
    """

    handles: NDArray[np.int64]
    codes: NDArray[np.int32]
    before: NDArray[np.void]


class Done(NamedTuple):
    """What one operation did, for its transaction.

    Attributes
    ----------
    entries : list of Undo
        Of cells of arrays, oldest first.
    moves : list of Moves
        Oldest first: they depend on each other, as groups have an order.
    unused : list of int32 array
        Symbols that name nothing any more, to be discarded at the end.
    """

    entries: list[Undo]
    moves: list[Moves]
    unused: list[NDArray[np.int32]]


class UndoLog:
    """What was, since one transaction began.

    Parameters
    ----------
    n_events : int
    outer : UndoLog or None
        Of the transaction around this one.

    Attributes
    ----------
    done : tuple
        Of what was `Done` before, and what was last; empty at first. Not a list,
        which allocates when it grows, in the middle of a change.
    attributes : dict
        The first value of each attribute that changed, by owner and name.
    marks : dict of StringTable to Mark
    whole : set of Column
        Those that were remembered whole.
    floors : dict of Column to int
        Rows that count for this transaction, or for one around it, even if
        they have been removed since; what lies behind is new.
    n_events : int
        Events that waited to be sent when the transaction began.
    """

    __slots__ = ("attributes", "done", "floors", "marks", "n_events", "outer", "whole")

    def __init__(self, n_events: int, outer: UndoLog | None) -> None:
        self.outer = outer
        self.done: tuple[Any, ...] = ()
        self.attributes: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        self.marks: dict[StringTable, Mark] = {}
        self.whole: set[Column] = set()
        self.floors: dict[Column, int] = {}
        self.n_events = n_events

    def doing(self, done: Done) -> Step:
        """Keep what an operation did. Allocates nothing when it is run."""
        return setattr, self, "done", (self.done, done)

    def joined(self) -> Done:
        """Return all that was done, as one."""
        found: list[Done] = []
        done = self.done
        while done:
            done, last = done
            found.append(last)
        if len(found) < 2:
            return found[0] if found else Done([], [], [])
        parts = zip(*reversed(found), strict=True)
        return Done(*(list(chain.from_iterable(part)) for part in parts))

    def remember(self, owner: Any, name: str) -> None:
        """Keep the value of an attribute, if it is the first time."""
        key = (id(owner), name)
        if key not in self.attributes:
            self.attributes[key] = (owner, name, getattr(owner, name))

    def floor(self, columns: Iterable[Column], n_rows: int) -> None:
        """Keep how many rows there are in columns, if it is the first time."""
        for column in columns:
            if column not in self.floors:
                self.floors[column] = max(n_rows, self.floor_of(column))

    def floor_of(self, column: Column) -> int:
        """Return the floor of a column, 0 where nobody has kept one."""
        if column in self.floors or self.outer is None:
            return self.floors.get(column, 0)
        return self.outer.floor_of(column)

    def absorbing(self, inner: UndoLog) -> list[Step]:
        """Take over what a transaction within this one did, which is committed."""
        return [
            self.doing(inner.joined()),
            (setattr, self, "attributes", inner.attributes | self.attributes),
            (setattr, self, "marks", inner.marks | self.marks),
            (setattr, self, "whole", self.whole | inner.whole),
            (setattr, self, "floors", self.floors | inner.floors),
        ]

    def take_back(self, locations: LocationIndex, last: Iterable[Step]) -> None:
        """Write back everything, forget strings and run the last steps, in one go.

        Raises
        ------
        MemoryError
            Nothing has been taken back.
        """
        entries, moves, _ = self.joined()
        steps = _unmoving(locations, moves)
        for function, *arguments in reversed(entries):
            steps += function(*arguments)
        steps += [(setattr, *attribute) for attribute in self.attributes.values()]
        for strings, mark in self.marks.items():
            steps += strings.rolling_back(mark)
        run([*steps, *last])


def restoring(column: Column, rows: Any, values: NDArray[Any]) -> list[Step]:
    """Return the step that writes old values into rows of a column: an array or a slice."""
    if isinstance(rows, slice):
        return [column.filling(rows.start, rows.stop, values)]
    return [column.scattering(rows, values)]


def returning(column: Column, rows: NDArray[np.intp], before: NDArray[Any]) -> list[Step]:
    """Return the step that writes back what `Column.exchanging` found in rows."""
    return [column.putting_back(rows, before)]


def _unmoving(locations: LocationIndex, moves: list[Moves]) -> list[Step]:
    if not moves:
        return []
    joined = (np.concatenate(arrays) for arrays in zip(*moves, strict=True))
    return locations.unplacing(*joined)
