"""One change of the world: prepared in Python, done in one call into C.

An operation goes through three phases.

* *Prepare*: it validates, casts and allocates everything, and collects steps.
  What preparing itself added (strings, places, tables) is taken back when the
  operation fails.
* *Apply*: all steps are run in one call, in which nothing can fail and no
  signal is seen. An operation is done, or it is not.
* *Publish*: events are sent. A listener sees the world as it is then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import setitem
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.column import Column
from ecs_columnar.errors import EcsColumnarError
from ecs_columnar.events import Event, Kind
from ecs_columnar.steps import Step, run
from ecs_columnar.undo_log import WHOLE_SHARE, Done, Moves, Undo, restoring, returning

if TYPE_CHECKING:
    from ecs_columnar.encoded import Encoded
    from ecs_columnar.registry import ComponentType
    from ecs_columnar.storage import Storage
    from ecs_columnar.strings import Mark, StringTable
    from ecs_columnar.table import Table


class Change:
    """The steps of one operation, and what takes them back.

    A context manager around the preparing, with `apply` as its last line. It is
    entered twice, ``with Change(storage) as change, change:``, because an interrupt
    may come when an error has left the block and `__exit__` has not begun; the
    outer one takes back then what the inner one could not.

    In a transaction every method that collects a write also remembers what is
    overwritten.

    Parameters
    ----------
    storage : Storage
    is_counted : bool, optional
        Whether it moves the clock, as all but single writes to cells and views do.
    times_later : float, optional
        How many times as much of the same is announced to follow, for which room is
        made at once.

    Attributes
    ----------
    steps : list of Step
    undo : list of Undo
        What preparing did.
    log : UndoLog or None
        Of the innermost transaction.
    entry : object or None
        What a journal has to keep of it.
    is_done : bool
    tick : int
        Of the world, when it is done.
    """

    __slots__ = (
        "_is_taken_back",
        "_marks",
        "_moves",
        "_saved",
        "_unused",
        "entry",
        "is_done",
        "log",
        "steps",
        "storage",
        "tick",
        "times_later",
        "undo",
    )

    def __init__(
        self, storage: Storage, *, is_counted: bool = True, times_later: float = 0.0
    ) -> None:
        self.storage = storage
        self.times_later = times_later
        self.log = storage.log
        self.tick = storage.tick + is_counted
        self.steps: list[Step] = []
        self.undo: list[Undo] = []
        self.entry: Any = None
        self.is_done = False
        self._is_taken_back = False
        self._saved: list[Undo] = []
        self._moves: list[Moves] = []
        self._unused: list[NDArray[np.int32]] = []
        self._marks: dict[StringTable, Mark] = {}

    def __enter__(self) -> Change:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._settle()
        except BaseException as interrupt:
            # Taking back is one call as well: it is done, or begun again.
            self._settle()
            self._note(interrupt)
            raise
        if error is not None:
            self._note(error)

    def _settle(self) -> None:
        """Take back what was prepared for nothing; what has been taken back is left alone."""
        if self.is_done:
            return
        if not self._is_taken_back:
            self._take_back()
        if self.entry is not None:
            self.storage.journal.cut()

    def _note(self, error: BaseException) -> None:
        """Have an error that is not the library's say whether the operation was done."""
        if isinstance(error, EcsColumnarError):
            return
        tick = self.storage.tick
        note = (
            f"the operation was done before this was raised; the world is at tick {tick}"
            if self.is_done
            else f"the operation was not done; the world is as it was, at tick {tick}"
        )
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)

    def apply(self) -> None:
        """Do everything; the last line of preparing."""
        storage, steps = self.storage, self.steps
        if self.entry is not None:
            steps += storage.journal.keeping(self.entry, self.tick)
        if self.log is not None:
            done = Done([*self.undo, *self._saved], self._moves, self._unused)
            steps.append(self.log.doing(done))
        steps.append((setitem, storage.clock, 0, self.tick))
        steps.append((setattr, self, "is_done", True))
        run(steps)
        steps.clear()  # one of them holds this, and others hold arrays that have grown since
        if storage.outbox:
            storage.publish()

    def record(self, kind: str, *facts: Any) -> None:
        """Have a journal, if one is open, keep what the operation needs to be done again."""
        if self.storage.journal is not None:
            self.entry = self.storage.journal.entry(kind, *facts)

    # --- strings ---------------------------------------------------------------------

    def intern(
        self, strings: StringTable, encoded: Encoded, *, are_new: bool = False
    ) -> tuple[NDArray[np.int32], int]:
        """Intern strings, to be forgotten again when the operation fails."""
        mark = strings.mark()
        self._marks.setdefault(strings, mark)
        if self.log is not None:
            self.log.marks.setdefault(strings, mark)
        n_later = int(self.times_later * encoded.n_strings)
        return strings.intern(encoded, n_later, are_new=are_new)

    def forget_strings(self) -> None:
        """Forget the strings again when the operation is done: they were only validated."""
        for strings, mark in self._marks.items():
            self.steps += strings.rolling_back(mark)

    # --- writes ----------------------------------------------------------------------

    def undo_failure(self, function: Any, *arguments: Any) -> None:
        """Have something called, for steps to run, if the operation fails."""
        self.undo.append((function, *arguments))

    def undo_later(self, function: Any, *arguments: Any) -> None:
        """Have something called, for steps to run, if the transaction is taken back."""
        if self.log is not None:
            self._saved.append((function, *arguments))

    def call(self, kernel: Any, *arguments: Any) -> None:
        """Call a kernel; what it overwrites has been saved."""
        self.steps.append(kernels.step(kernel, *arguments))

    def attribute(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute."""
        if self.log is not None:
            self.log.remember(owner, name)
        self.steps.append((setattr, owner, name, value))

    def put(self, owner: Any, name: str, rows: Any, values: Any) -> None:
        """Write into some items of an array of somebody who can `own` all of his."""
        self.save(owner, name, rows)
        self.steps.append((setitem, getattr(owner, name), rows, values))

    def save(self, owner: Any, name: str, rows: Any) -> None:
        """Remember some items of an array, in a transaction."""
        if self.log is not None:
            array = getattr(owner, name)
            values = array[rows].copy() if array.dtype.names is None else _gather(array, rows)
            self._saved.append((_putting_back, owner, name, rows, values))

    def tell(
        self,
        kind: Kind,
        handles: Callable[[], NDArray[np.int64]],
        types: Iterable[ComponentType] = (),
        **facts: Any,
    ) -> None:
        """Have an event sent when the operation is done, if anybody listens.

        Parameters
        ----------
        kind : str
        handles : callable
            Returns those of all entities.
        types : iterable of ComponentType
            That were added, removed or set.
        **facts
            Other attributes of the `Event`.
        """
        storage = self.storage
        if not storage.listeners.get(kind):
            return
        components = tuple(component_type.schema.component for component_type in types)
        event = Event(kind, np.array(handles()), self.tick, components, **facts)
        # In and out again, so that there is room for it when it counts.
        run([(storage.outbox.append, event), (storage.outbox.pop,)])
        self.steps.append((storage.outbox.append, event))

    def move(self, moves: Moves) -> None:
        """Remember moves between locations; `Moves.before` is filled in as they are done."""
        self._moves.append(moves)

    def discard(self, symbols: NDArray[np.int32]) -> None:
        """Remember symbols that name nothing any more, in a transaction."""
        self._unused.append(symbols)

    # --- writes into columns ---------------------------------------------------------

    def fill(self, column: Column, start: int, stop: int, values: Any) -> None:
        """Write one value, or one a row, into a run of rows."""
        self.save_run(column, start, stop)
        self.steps.append(column.filling(start, stop, values))

    def fill_all(self, column: Column, n_rows: int, values: Any) -> None:
        """Write one value, or one a row, into all rows."""
        self.save_all(column, n_rows)
        self.steps.append(column.filling(0, n_rows, values))

    def scatter(
        self, column: Column, n_rows: int, rows: NDArray[np.intp], values: NDArray[Any]
    ) -> None:
        """Write one value, or one a row, into some of ``n_rows`` rows."""
        is_one_a_row = values.ndim > len(column.field.shape) and column.words is not None
        if self.log is not None and is_one_a_row and not self._is_saved_whole(column, n_rows, rows):
            before, step = column.exchanging(rows, values)
            self._saved.append((returning, column, rows, before))
        else:
            self._save_rows(column, n_rows, rows)
            step = column.scattering(rows, values)
        self.steps.append(step)

    def take(
        self, column: Column, source: Column, rows: NDArray[np.intp] | None, start: int, n: int
    ) -> None:
        """Append rows of another column; see `Column.taking`."""
        self.save_run(column, start, start + n)
        self.steps.append(column.taking(source, rows, start, n))

    def close(
        self, column: Column, n_rows: int, holes: NDArray[np.intp], movers: NDArray[np.intp]
    ) -> None:
        """Copy rows of the tail into holes; see `Column.closing`."""
        self._save_rows(column, n_rows, holes)
        self.steps.append(column.closing(holes, movers))

    def resize(self, table: Table, n_rows: int) -> None:
        """Set the length of a table."""
        self.floor(table)
        self.undo_later(table.resizing, table.length)
        self.steps += table.resizing(n_rows)

    def floor(self, table: Table) -> None:
        """Remember how many rows a table has: later ones are new in the transaction."""
        if self.log is not None:
            self.log.floor((table.handles, *table.all_columns()), table.length)

    def save_run(self, column: Column, start: int, stop: int) -> None:
        """Remember a run of rows, as far as they were there when the transaction began."""
        log = self.log
        if log is None or column in log.whole:
            return
        stop = min(stop, log.floors.get(column, stop))
        if stop > start:
            saved = column.data[start:stop].copy()
            self._saved.append((restoring, column, slice(start, stop), saved))

    def save_all(self, column: Column, n_rows: int) -> None:
        """Remember a whole column, with rows that were removed, unless that has been done."""
        log = self.log
        if log is None or column in log.whole:
            return
        log.floor([column], n_rows)
        saved = column.view(log.floors[column]).copy()
        self._saved.append((restoring, column, slice(0, len(saved)), saved))
        self.undo_failure(_forgetting, log.whole, column)
        log.whole.add(column)

    def _take_back(self) -> None:
        """Undo what preparing did; strings last, as nobody refers to them then."""
        steps: list[Step] = []
        for function, *arguments in reversed(self.undo):
            steps += function(*arguments)
        for strings, mark in self._marks.items():
            steps += strings.rolling_back(mark)
        steps.append((setattr, self, "_is_taken_back", True))
        run(steps)

    def _save_rows(self, column: Column, n_rows: int, rows: NDArray[np.intp]) -> None:
        if self.log is not None and not self._is_saved_whole(column, n_rows, rows):
            self._saved.append((restoring, column, rows, column.gather(rows)))

    def _is_saved_whole(self, column: Column, n_rows: int, rows: NDArray[np.intp]) -> bool:
        """Tell whether a column is remembered whole, as it is now if many rows will be written."""
        if rows.shape[0] * WHOLE_SHARE > n_rows:
            self.save_all(column, n_rows)
        return self.log is not None and column in self.log.whole


def _forgetting(whole: set[Column], column: Column) -> list[Step]:
    return [(whole.discard, column)]


def _putting_back(owner: Any, name: str, rows: Any, values: NDArray[Any]) -> list[Step]:
    owner.own()
    array = getattr(owner, name)
    if array.dtype.names is None:
        return [(setitem, array, rows, values)]
    # Not setitem, which allocates when it scatters rows of more than one item.
    out, width = _words(array)
    return [kernels.step(kernels.rows.scatter, values, rows, width, out)]


def _gather(records: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[np.uint32]:
    """Copy records as words, which NumPy takes thirty times as long for."""
    words, width = _words(records)
    out = np.empty(rows.shape[0] * width, np.uint32)
    kernels.rows.gather(words, rows, width, out)
    return out


def _words(records: NDArray[Any]) -> tuple[NDArray[np.uint32], int]:
    return records.view(np.uint32), records.dtype.itemsize // 4
