"""One batch call, from its arguments to its result.

Items are validated and applied a block at a time, in one vectorised pass a
block; which of them run is arithmetic on their failures (`batches`). A block
is as large as memory and the deadline allow, and has nothing to do with the
batch size. The sequential path is the same pass with blocks of one item.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import BatchTimeoutError
from ecs_columnar.services.batches import Batches
from ecs_columnar.services.items import Items
from ecs_columnar.services.options import CallOptions
from ecs_columnar.services.results import (
    BatchFailure,
    LazySequence,
    Path,
    StoppedBy,
    chained,
    nothing,
)
from ecs_columnar.transaction import Transaction

_LOGGER: Final = logging.getLogger(__name__)

BLOCK: Final = 1 << 17
"""Items that are worked on at once at most."""

# What a dict of dicts points to lies all over memory: each pass over more items
# than fit the cache costs 70 ns an item. Of 2k to 256k, 8k and 16k were fastest.
ITEMS_AT_ONCE: Final = 1 << 14

# Items a millisecond that the slowest machine does. The first block before a
# deadline takes a twentieth of the time at most; each further one doubles, so
# that a call overshoots by no more than it has already taken.
_ITEMS_A_MS: Final = 5


class Applied(Protocol):
    """What a block of items did."""

    @property
    def handles(self) -> NDArray[np.int64]:
        """The entities of the items that succeeded, shape (k,)."""

    def success(self, i: int, /) -> Any:
        """Return what the result says of the success at a position."""


class Prepared(Protocol):
    """A block of items, validated; nothing has changed yet."""

    @property
    def is_bad(self) -> NDArray[np.bool_]:
        """Which items fail, if all before them run; shape (n,)."""

    def error(self, i: int) -> Exception:
        """Make the error of an item that fails."""

    def apply(self, n_run: int) -> Applied:
        """Do what the good ones among the first items say."""


@runtime_checkable
class Hopeful(Protocol):
    """A block that can be done before anybody knows which items fail, in case none does."""

    def apply_all(self) -> Applied | None:
        """Do what all items say; None, and nothing done, where one of them fails."""


class Operation(Protocol):
    """What a batch method does with its items."""

    @property
    def name(self) -> str:
        """What monitoring calls it."""

    @property
    def is_whole(self) -> bool:
        """Whether it makes sense for all items or not at all.

        It is one block then, and a call that stops early does nothing.
        """

    @property
    def is_one_step(self) -> bool:
        """Whether for one item it is one operation of the core, which is atomic by itself."""

    def prepare(self, items: Items) -> Prepared:
        """Validate a block of items."""


Short: TypeAlias = Callable[[Any, Any], Applied | None]
"""``short(operation, item)`` does what a batch of one would; or nothing, and returns None."""


def no_short_way(_operation: Any, _item: Any) -> None:
    """Leave an item to the batch of one."""


@dataclass(slots=True)
class Outcome:
    """How a call went.

    Attributes
    ----------
    applied : list of Applied
    failures : sequence of BatchFailure
    skipped, rolled_back : int
    stopped_by : str or None
    error : Exception or None
    path : {"batch", "sequential"}
    processing_time : float
        Milliseconds.
    """

    path: Path
    applied: list[Applied] = field(default_factory=list)
    failures: Sequence[BatchFailure] = field(default_factory=nothing)
    skipped: int = 0
    rolled_back: int = 0
    stopped_by: StoppedBy | None = None
    error: Exception | None = None
    processing_time: float = 0.0

    @property
    def parts(self) -> list[NDArray[np.int64]]:
        """Entities of all successes, block by block."""
        return [part.handles for part in self.applied]

    @property
    def successes(self) -> Sequence[Any]:
        """What the result says of each success, made when looked at."""
        parts = [LazySequence(len(part.handles), part.success) for part in self.applied]
        return parts[0] if len(parts) == 1 else chained(parts)

    def raise_error(self) -> None:
        """Raise the error of the call, if there is one, and let go of it.

        The frames of its traceback hold this. Did this hold the error, the world, which they
        hold as well, would stay until the garbage collector comes round.
        """
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
        finally:
            del error


class Deadline:
    """A point of monotonic time after which nothing further starts.

    Parameters
    ----------
    timeout_ms : float or None
    clock : callable
        Returns monotonic seconds.
    """

    def __init__(self, timeout_ms: float | None, clock: Callable[[], float]) -> None:
        self.timeout_ms: Final = timeout_ms
        self.clock: Final = clock
        self.started = clock()

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the start; above 0."""
        return max((self.clock() - self.started) * 1000.0, 1e-6)

    @property
    def is_past(self) -> bool:
        """Whether the time is over."""
        return self.timeout_ms is not None and self.elapsed_ms > self.timeout_ms

    def first_block(self, batch_size: int) -> int:
        """Return how many items to begin with."""
        if self.timeout_ms is None:
            return BLOCK
        return max(batch_size, min(BLOCK, int(self.timeout_ms * _ITEMS_A_MS)))


class BatchCall:
    """One call of a batch method.

    Parameters
    ----------
    operation : Operation
    items : Items
    options : CallOptions
    path : {"batch", "sequential"}
    clock : callable, optional
        Returns monotonic seconds.
    max_block : callable, optional
        Returns the most items that memory allows at once.
    logger : logging.Logger, optional
        Is told what `on_progress` raises.
    """

    def __init__(
        self,
        operation: Operation,
        items: Items,
        options: CallOptions,
        *,
        path: Path = "batch",
        clock: Callable[[], float] = time.perf_counter,
        max_block: Callable[[], int] | None = None,
        logger: logging.Logger = _LOGGER,
    ) -> None:
        self._operation = operation
        self._logger = logger
        self._items = items
        self._options = options
        self._deadline = Deadline(options.timeout_ms, clock)
        self._max_block = max_block
        self._batches = Batches(
            len(items),
            options.batch_size,
            stop_on_error=options.stop_on_error,
            max_failures=options.max_failures,
        )
        self._outcome = Outcome(path)
        self._is_hopeful = path == "batch"
        self._failed: list[Sequence[BatchFailure]] = []

    def run(self, transaction: Transaction) -> Outcome:
        """Run all blocks, and say how it went.

        Parameters
        ----------
        transaction : Transaction
            Around the call; it is rolled back when nothing of the call stands.
        """
        outcome, batches = self._outcome, self._batches
        if len(self._items):
            self._run_blocks()
        elif self._operation.is_whole:
            self._outcome.applied.append(self._operation.prepare(self._items).apply(0))
        outcome.failures = self._failed[0] if len(self._failed) == 1 else chained(self._failed)
        outcome.stopped_by = outcome.stopped_by or batches.stopped_by
        outcome.skipped = len(self._items) - batches.position
        if self._is_undone:
            transaction.rollback()
            outcome.applied.clear()
            outcome.rolled_back = batches.position - batches.n_failed
        outcome.processing_time = self._deadline.elapsed_ms
        return outcome

    def _run_blocks(self) -> None:
        size = self._first_size()
        while not self._batches.is_over:
            if self._batches.position and self._deadline.is_past:
                self._time_out()
                return
            start = self._batches.position
            self._run_block(start, min(start + self._bounded(size), len(self._items)))
            size = size if self._outcome.path == "sequential" else min(2 * size, BLOCK)

    def _first_size(self) -> int:
        if self._operation.is_whole:
            return len(self._items)
        if self._outcome.path == "sequential":
            return 1
        return self._deadline.first_block(self._options.batch_size)

    def _bounded(self, size: int) -> int:
        """Return a size of blocks that memory allows, of whole batches if that is possible."""
        if self._operation.is_whole or self._outcome.path == "sequential":
            return size
        if not self._items.is_columnar:
            size = min(size, ITEMS_AT_ONCE)
        if self._max_block is not None:
            size = min(size, self._max_block())
        rest = size % self._options.batch_size
        n_more = self._options.batch_size - rest
        if rest and self._max_block is None and n_more <= size >> 3:
            return size + n_more  # so that no few items are left for a block of their own
        return max(size - rest, 1)

    def _run_block(self, start: int, stop: int) -> None:
        items = self._items.part(start, stop)
        items.n_after = len(self._items) - stop + self._items.n_after
        prepared = self._operation.prepare(items)
        n_allowed = self._n_allowed(len(items))
        applied = self._apply_all(prepared, stop) if n_allowed == len(items) else None
        n_run = self._batches.admit(prepared.is_bad[:n_allowed])
        is_bad = prepared.is_bad[:n_run]
        failures = _failures(items, prepared, np.flatnonzero(is_bad), start)
        self._failed.append(failures)
        if applied is not None:
            self._outcome.applied.append(applied)
        elif not (self._is_undone and self._batches.is_over):  # else nobody would see it
            self._outcome.applied.append(prepared.apply(n_run))
        self._report(is_bad, start)

    def _n_allowed(self, n: int) -> int:
        """Return how many of the next items may run: a batch, if to validate them took too long."""
        batch_size = self._options.batch_size
        if n <= batch_size or self._operation.is_whole or not self._deadline.is_past:
            return n
        return batch_size

    def _apply_all(self, prepared: Prepared, stop: int) -> Applied | None:
        """Do what all items of a block say, if that can be tried; None where one of them fails."""
        if not self._is_hopeful or self._is_undone or stop > self._batches.stop_at:
            return None
        applied = prepared.apply_all() if isinstance(prepared, Hopeful) else None
        self._is_hopeful = applied is not None
        return applied

    @property
    def _is_undone(self) -> bool:
        """Whether nothing of what has run so far will stand."""
        if self._options.atomic and (self._batches.n_failed or self._outcome.error is not None):
            return True
        return self._operation.is_whole and self._batches.position < len(self._items)

    def _report(self, is_bad: NDArray[np.bool_], start: int) -> None:
        on_progress = self._options.on_progress
        if on_progress is None:
            return
        for progress in self._batches.passed(is_bad, start):
            try:
                on_progress(*progress)
            except Exception:  # whatever it raises, the call goes on
                self._logger.exception("on_progress failed; the call goes on")

    def _time_out(self) -> None:
        n, n_done = len(self._items), self._batches.position
        self._outcome.stopped_by = "timeout"
        self._outcome.error = BatchTimeoutError(
            f"cannot finish {self._operation.name} within {self._options.timeout_ms} ms: "
            f"{n - n_done} of {n} items are left; pass the rest again, or a longer timeout_ms",
            timeout_ms=self._options.timeout_ms,
            processed=n_done,
        )


def _failures(
    items: Items, prepared: Prepared, rows: NDArray[np.intp], start: int
) -> Sequence[BatchFailure]:
    if not rows.shape[0]:
        return nothing()  # so that nothing of the block is kept

    def make(k: int) -> BatchFailure:
        i = int(rows[k])
        return BatchFailure(items[i], prepared.error(i), start + i)

    return LazySequence(rows.shape[0], make)
