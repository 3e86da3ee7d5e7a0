"""Transactions: what is done in a ``with`` block is kept as a whole, or not at all."""

from __future__ import annotations

from operator import delitem, setitem
from types import TracebackType
from typing import Any, Final

from ecs_columnar.errors import TransactionError
from ecs_columnar.generators import NOTHING_DRAWN, drawn, undrawing
from ecs_columnar.steps import Step, run
from ecs_columnar.storage import Storage
from ecs_columnar.undo_log import UndoLog


class Transaction:
    """A block of operations that can be taken back; made by `World.transaction`.

    If the block raises, everything in it is undone: values, rows and their
    order, ids, places and the order within them, the free list, the tick, and
    the states of `World.generators`. Events are sent when the outermost
    transaction ends, and not at all if it is taken back.

    The cost is that of what is touched: an operation copies what it overwrites
    first. Views of a query that may be written are copied whole.

    Transactions may stand within each other; the inner ones end first.

    Attributes
    ----------
    is_open : bool

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> crew = world.spawn(3, at="harbour")
    >>> with world.transaction() as voyage:
    ...     world.move(crew, "open sea")
    ...     world.despawn(crew[0])
    ...     voyage.rollback()
    >>> world.locations.count("harbour")
    3
    """

    __slots__ = ("_before", "_kept", "_log", "_outer", "_storage", "_tick", "is_open")

    def __init__(self, storage: Storage) -> None:
        self._storage: Final = storage
        self._outer: tuple[UndoLog | None, Transaction | None] = (None, None)
        self._log: UndoLog | None = None
        self._tick = 0
        self._kept: tuple[Any, ...] = ()
        self._before = NOTHING_DRAWN
        self.is_open = False

    def __enter__(self) -> Transaction:
        storage = self._storage
        if self._log is not None:
            raise TransactionError(
                "cannot enter a transaction twice; make another with world.transaction()"
            )
        storage.count_loops()
        if storage.exposed:
            raise TransactionError(
                "cannot begin a transaction while a query with Mut is open: what is written "
                "through its views could not be taken back; begin it before the loop"
            )
        if storage.journal is not None:
            storage.journal.settle()
            self._kept = storage.journal.pending
        self._outer, self._tick = (storage.log, storage.transaction), storage.tick
        self._before = drawn(storage.generators)
        self._log = UndoLog(len(storage.outbox), storage.log)
        try:
            run(self._becoming(self._log, self, is_open=True))
            return self
        except BaseException:
            run(self._becoming(*self._outer, is_open=False))
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self.is_open and error is None:
                self.commit()
        finally:
            while self.is_open:  # an interrupt may have left one within this one open
                inner: Transaction = self._storage.transaction
                inner._take_back(inner._require_innermost("roll back"))

    def commit(self) -> None:
        """Keep what was done, and end; the block may go on outside of the transaction.

        Raises
        ------
        TransactionError
            When the transaction has ended, or one within it has not.
        """
        storage, log = self._storage, self._require_innermost("commit")
        outer, _ = self._outer
        keeping = storage.discarding(log.joined().unused) if outer is None else outer.absorbing(log)
        try:
            if outer is None and storage.journal is not None:
                keeping += storage.journal.committing()
            run([*keeping, *self._becoming(*self._outer, is_open=False)])
        finally:
            if storage.journal is not None:
                storage.journal.cut()  # what was written for a transaction that is still open
        storage.publish()

    def rollback(self) -> None:
        """Take back what was done, and end; the block may go on outside of the transaction.

        Raises
        ------
        TransactionError
            When the transaction has ended, or one within it has not.
        StructuralChangeError
            When a query is open: its rows would move.
        MemoryError
            When there is none to prepare it. Nothing has been taken back, and
            the transaction is still open.
        """
        log = self._require_innermost("roll back")
        self._storage.begin_structural_change("roll back a transaction")
        self._take_back(log)

    def _take_back(self, log: UndoLog) -> None:
        storage = self._storage
        steps: list[Step] = [
            (delitem, storage.outbox, slice(log.n_events, None)),
            (setitem, storage.clock, 0, self._tick),
            (setattr, storage, "structure", storage.structure + 1),
        ]
        steps += undrawing(storage, self._before)
        if storage.journal is not None:
            steps += storage.journal.taking_back(self._kept)
        steps += self._becoming(*self._outer, is_open=False)
        log.take_back(storage.locations, steps)
        if storage.journal is not None:
            storage.journal.cut()

    def _becoming(
        self, log: UndoLog | None, transaction: Transaction | None, *, is_open: bool
    ) -> list[Step]:
        """Return the steps that make a transaction the innermost one."""
        return [
            (setattr, self._storage, "log", log),
            (setattr, self._storage, "transaction", transaction),
            (setattr, self, "is_open", is_open),
        ]

    def _require_innermost(self, verb: str) -> UndoLog:
        if self._log is None or not self.is_open:
            raise TransactionError(
                f"cannot {verb}: the transaction is not open; use it as "
                "'with world.transaction():', and end it once"
            )
        if self._storage.log is not self._log:
            raise TransactionError(f"cannot {verb}: a transaction within this one is open")
        return self._log

    def __repr__(self) -> str:
        if self._log is None or not self.is_open:
            return f"<Transaction, {'not begun' if self._log is None else 'ended'}>"
        return f"<Transaction since tick {self._tick}, open>"
