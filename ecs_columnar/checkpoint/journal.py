"""A log that is written while a world changes: each change before it is done.

* A change is written, and then done; if it cannot be written it is not done, and
  if it is not done after all, its record is cut off. So world and log never part.
* In a transaction records wait for its end, and go with it when it is taken back.
* What is written straight into arrays (through ``Mut`` views) or drawn from
  generators is found by looking, and recorded before the next change is.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import xxhash
from numpy.typing import NDArray

from ecs_columnar.checkpoint import disk
from ecs_columnar.checkpoint import manifest as manifests
from ecs_columnar.checkpoint.entries import Entry, to_entry, to_payload
from ecs_columnar.checkpoint.generations import Generations
from ecs_columnar.checkpoint.lock import Lock
from ecs_columnar.checkpoint.log import Base, Log, path_of
from ecs_columnar.checkpoint.writer import refuse_unknown_generators, write
from ecs_columnar.content import take
from ecs_columnar.errors import CheckpointError, TransactionError
from ecs_columnar.generators import States, drawn
from ecs_columnar.registry import ComponentType
from ecs_columnar.steps import Step, run
from ecs_columnar.storage import Storage
from ecs_columnar.table import Table

_View = tuple[Table, ComponentType, int]


class Journal:
    """The log of a world's changes; made by `World.journal`.

    Each call that changes the world appends a record before it returns, and so
    does the end of the outermost transaction. `World.load` does them again.

    Attributes
    ----------
    folder : Path
        Of the checkpoints that the log goes with.

    Examples
    --------
    >>> import tempfile
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with world.journal(folder) as journal:
    ...         crew = world.spawn(3, at="harbour")
    ...         world.move(crew[0], "open sea")
    ...     again = ecs.World.load(folder)
    >>> journal.n_records
    2
    >>> again.digest() == world.digest()
    True
    """

    __slots__ = (
        "__weakref__",
        "_closing",
        "_digests",
        "_fault",
        "_known",
        "_lock",
        "_log",
        "_process",
        "_states",
        "_storage",
        "_views",
        "folder",
        "pending",
    )

    def __init__(self, storage: Storage, folder: Path, lock: Lock, *, durable: bool) -> None:
        self._storage: Final = storage
        self.folder: Final = folder.resolve()
        self._lock = lock
        self._process = os.getpid()
        self._fault: str | None = None
        self._known: dict[ComponentType, bytes] = {}
        self.pending: tuple[Any, ...] = ()
        self._views: dict[tuple[int, int, int], _View] = {}
        self._digests: dict[tuple[int, int, int], bytes] = {}
        self._states: States | None = None
        # What is recorded follows what is saved here, so that has to last in any case.
        path, self._log = begin(storage, folder, durable=True, log_durable=durable)
        # A world that is forgotten lets go of its folder.
        self._closing = weakref.finalize(self, _close, self._log, lock)
        Generations(folder).forget_logs(int(path.name))

    @property
    def path(self) -> Path:
        """The file of the log."""
        return self._log.path

    @property
    def is_open(self) -> bool:
        """Whether changes are recorded."""
        return self._storage.journal is self

    @property
    def n_records(self) -> int:
        """Number of records since the last checkpoint."""
        return self._log.position.n_records

    @property
    def nbytes(self) -> int:
        """Bytes of the log."""
        return self._log.position.size

    def flush(self) -> None:
        """Record what was written through views and drawn from generators; sync the file.

        Raises
        ------
        CheckpointError
            When it cannot be written.
        TransactionError
            In a transaction.
        """
        self._refuse_transaction("flush")
        self.settle()
        if not self._log.durable:
            self._telling(self._log.sync)

    def close(self) -> None:
        """Flush, and record no further. One that is closed stays so.

        Raises
        ------
        CheckpointError
            When not all could be written; it is closed all the same.
        TransactionError
            In a transaction.
        """
        if not self.is_open:
            return
        self._refuse_transaction("close")
        try:
            if self._fault is None and os.getpid() == self._process:
                self.flush()
        finally:
            try:
                self._let_go()
            except BaseException:
                self._let_go()  # what an interrupt kept from being done
                raise

    def _let_go(self) -> None:
        """Close the log and give back the folder; what is done already stays so."""
        _close(self._log, self._lock)
        self._closing.detach()
        self._storage.journal = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "broken" if self._fault else "open" if self.is_open else "closed"
        return f"<Journal {self.path}, {state}: {self.n_records} records, {self.nbytes} bytes>"

    # --- for changes -----------------------------------------------------------------

    def entry(self, kind: str, *facts: Any) -> Entry:
        """Write down an operation that has been prepared, and not been done.

        Raises
        ------
        CheckpointError
            When it has no form in a log, or the log is broken.
        """
        self._refuse_broken()
        return to_entry(self._storage, self._known, kind, *facts)

    def keeping(self, entry: Entry, tick: int) -> list[Step]:
        """Write an operation, and return the steps that make it count.

        In a transaction it is kept until that ends.

        Raises
        ------
        CheckpointError
            When it could not be written. Nothing counts then.
        """
        entries, steps = self._unsettled()
        return [*steps, *self._keeping((*entries, entry), tick)]

    def committing(self) -> list[Step]:
        """Write what the outermost transaction kept, and return the steps that make it count."""
        entries, steps = self._unsettled()
        kept: list[Entry] = [*entries]
        pending = self.pending
        while pending:
            pending, some = pending
            kept[:0] = some
        if not kept:
            return steps
        position = self._append(kept, self._storage.tick)
        counting: list[Step] = [(setattr, self, "pending", ())]
        return [*steps, *counting, (setattr, self._log, "position", position)]

    def taking_back(self, pending: tuple[Any, ...]) -> list[Step]:
        """Return the steps that forget what a transaction kept: all since ``pending``."""
        return [
            (setattr, self, "pending", pending),
            (setattr, self, "_states", None),
            (setattr, self, "_digests", {}),
            # They were handed out in the transaction, and their rows may be gone with it.
            (setattr, self, "_views", {}),
        ]

    def cut(self) -> None:
        """Cut off a record that was written, and does not count after all."""
        try:
            self._log.cut()
        except OSError as error:
            self._break(error)

    def watch(self, table: Table, component: ComponentType, number: int) -> None:
        """Take notice of a column that is about to be handed out to be written."""
        self._refuse_broken()
        self._views[id(table), component.index, number] = table, component, number

    def settle(self, table: Table | None = None) -> None:
        """Record what was written through views, of one table or all, and what was drawn."""
        if table is not None and not self._views:
            return
        try:
            entries, steps = self._unsettled(table)
            if entries:
                steps += self._keeping(tuple(entries), self._storage.tick)
            run(steps)
        finally:
            self.cut()

    def renew(self, *, durable: bool) -> Path:
        """Save the world, and begin a new log that is as durable; heals one that is broken."""
        self._refuse_other_process()
        fault, self._fault = self._fault, "a save was cut off"
        log_durable = self._log.durable
        try:
            path, log = begin(
                self._storage, self.folder, durable=durable or log_durable, log_durable=log_durable
            )
        except BaseException:
            # The log goes on, unless it is no longer that of the last checkpoint.
            with contextlib.suppress(OSError):
                newest = max(Generations(self.folder).numbers(), default=0)
                if path_of(self.folder, newest) == self._log.path:
                    self._fault = fault
            raise
        old, self._log = self._log, log
        self._digests, self._states = {}, None
        self._closing.detach()
        self._closing = weakref.finalize(self, _close, log, self._lock)
        self._fault = None
        old.close()
        Generations(self.folder).forget_logs(int(path.name))
        return path

    # --- parts -----------------------------------------------------------------------

    def _unsettled(self, table: Table | None = None) -> tuple[list[Entry], list[Step]]:
        """Return what has happened since the last record without a call, and what forgets it."""
        entries, digests = [], dict(self._digests)
        for key, view in self._views.items():
            if table is None or view[0] is table:
                found = _digest(_written(view))
                if digests.get(key) != found:
                    digests[key] = found
                    entries.append(self._view_entry(view))
        steps: list[Step] = [(setattr, self, "_digests", digests)]
        if self._views and not self._storage.count_loops():
            steps = [(setattr, self, "_digests", {}), (setattr, self, "_views", {})]
        return entries + self._drawn(steps), steps

    def _view_entry(self, view: _View) -> Entry:
        table, component, number = view
        field = component.fields[number]
        return self.entry("write_column", table, component, field, _written(view))

    def _drawn(self, steps: list[Step]) -> list[Entry]:
        """Return the states of generators as an entry, if they are not what they were."""
        if not self._storage.generators and not self._states:
            return []
        states = refuse_unknown_generators(drawn(self._storage.generators).states)
        if self._states is not None and _is_equal(states, self._states):
            return []
        steps.append((setattr, self, "_states", states))
        return [self.entry("draw", states)]

    def _keeping(self, entries: tuple[Entry, ...], tick: int) -> list[Step]:
        if self._storage.log is not None:
            return [(setattr, self, "pending", (self.pending, entries))]
        return [(setattr, self._log, "position", self._append(entries, tick))]

    def _append(self, entries: Iterable[Entry], tick: int) -> Any:
        self._refuse_broken()
        return self._telling(lambda: self._log.append(tick, to_payload(list(entries))))

    def _telling(self, function: Any) -> Any:
        """Call a function, and make errors of the disk errors of the journal."""
        try:
            return function()
        except OSError as error:
            self._break(error) if self._log.durable else self.cut()
            raise CheckpointError(
                f"cannot write to {self.path}: {error}; what was to be recorded has not been "
                f"done: {self._remedy()}",
                path=self.path,
            ) from error

    def _break(self, error: OSError) -> None:
        """Refuse to go on: what the file holds is not known any more."""
        self._fault = str(error)
        with contextlib.suppress(OSError):
            self._log.cut()

    def _remedy(self) -> str:
        if self._fault is None:
            return "make room on the disk, and do it again"
        return f"world.save({str(self.folder)!r}) begins a new log, journal.close() ends this one"

    def _refuse_broken(self) -> None:
        self._refuse_other_process()
        if self._fault is not None:
            raise CheckpointError(
                f"cannot change the world: its journal {self.path} is broken ({self._fault}), so "
                f"the change could not be recorded; {self._remedy()}",
                path=self.path,
            )

    def _refuse_other_process(self) -> None:
        if os.getpid() != self._process:
            raise CheckpointError(
                f"cannot write to {self.path}: it is the journal of another process, from which "
                "this one was forked; close it first, here",
                path=self.path,
            )

    def _refuse_transaction(self, verb: str) -> None:
        if self._storage.log is not None:
            raise TransactionError(
                f"cannot {verb} a journal in a transaction: what is recorded could be taken "
                "back; end the transaction first"
            )


def begin(storage: Storage, folder: Path, *, durable: bool, log_durable: bool) -> tuple[Path, Log]:
    """Save a storage, and begin the log of that checkpoint: both or none.

    Raises
    ------
    CheckpointError, OSError
    """
    log: Log | None = None
    try:
        with Generations(folder).adding(durable=durable) as (new, path):
            write(take(storage), list(storage.registry), new, durable=durable)
            whole = disk.read_bytes(new / manifests.NAME, manifests.MAX_BYTES)
            base = Base(int(path.name), manifests.checksum_of(whole))
            log = Log(path_of(folder, base.generation), base, durable=log_durable)
            if durable:
                log.sync()
        return path, log
    except BaseException:
        if log is not None:
            _discard(log, is_kept=path.exists())
        raise


def _discard(log: Log, *, is_kept: bool) -> None:
    with contextlib.suppress(OSError):
        log.close()
    with contextlib.suppress(OSError):
        if not is_kept:
            disk.remove_file(log.path)


def _close(log: Log, lock: Lock) -> None:
    try:
        log.close()
    finally:
        lock.release()


def _written(view: _View) -> NDArray[Any]:
    table, component, number = view
    return table.columns[component][number].view(table.length)


def _digest(array: NDArray[Any]) -> bytes:
    return xxhash.xxh3_128(array.reshape(-1).view("u1").data).digest()


def _is_equal(one: Any, other: Any) -> bool:
    """Compare states, in which there may be arrays."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_equal(one[k], other[k]) for k in one)
    return bool((one == other) if not hasattr(one, "all") else (one == other).all())
