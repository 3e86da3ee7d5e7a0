"""Which items of a call run: batches as a unit of meaning.

Items are cut into consecutive batches, and a batch that holds a failure can be
the last one. That is arithmetic on a mask of failures; how many items are
worked on at once has nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.services.results import StoppedBy

StopOnError = bool | Literal["item"]


class Progress(NamedTuple):
    """Where a call stands after a batch.

    Attributes
    ----------
    batch_index, n_batches : int
    processed, total, ok, failed : int
        Items, since the call began.
    """

    batch_index: int
    n_batches: int
    processed: int
    total: int
    ok: int
    failed: int


class Batches:
    """The batches of one call, and how far the call gets.

    Parameters
    ----------
    n : int
        Items in all.
    batch_size : int
    stop_on_error : bool or "item"
        True finishes the batch that holds a failure; "item" stops at it.
    max_failures : int or None
        A batch with that many failures is the last one.

    Attributes
    ----------
    position : int
        Items that have run.
    stop_at : int
        Items that will run at most.
    stopped_by : {None, "error", "max_failures"}

    Examples
    --------
    >>> batches = Batches(10, 4, stop_on_error=True)
    >>> batches.admit(np.array([False, True, False, False, False, False]))
    4
    >>> batches.stopped_by
    'error'
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        *,
        stop_on_error: StopOnError = False,
        max_failures: int | None = None,
    ) -> None:
        self.n: Final = n
        self.batch_size: Final = batch_size
        self.stop_on_error: Final = stop_on_error
        self.max_failures: Final = max_failures
        self.position = 0
        self.stop_at = n
        self.stopped_by: StoppedBy | None = None
        self.n_failed = 0
        self._n_failed_in_batch = 0

    @property
    def is_over(self) -> bool:
        """Whether no further item runs."""
        return self.position >= self.stop_at

    def admit(self, is_bad: NDArray[np.bool_]) -> int:
        """Let items run, and return how many of them do.

        Parameters
        ----------
        is_bad : bool array, shape (k,)
            Which of the next items fail.
        """
        failed = self.position + np.flatnonzero(is_bad)
        if failed.shape[0]:
            self._stop_at_error(int(failed[0]))
            self._stop_at_count(failed)
        n_run = min(is_bad.shape[0], self.stop_at - self.position)
        self._advance(n_run, failed)
        return int(n_run)

    def passed(self, is_bad: NDArray[np.bool_], start: int) -> Iterator[Progress]:
        """Return where the call stood after each batch that ended among some items.

        Parameters
        ----------
        is_bad : bool array, shape (k,)
            Which of the items that ran last have failed.
        start : int
            Where the first of them stands in the input.
        """
        if not is_bad.shape[0]:
            return
        stop = start + is_bad.shape[0]
        first = start // self.batch_size
        ends = np.arange(first + 1, stop // self.batch_size + 1) * self.batch_size
        if self.is_over and stop % self.batch_size:
            ends = np.append(ends, stop)
        n_failed = self.n_failed - int(np.count_nonzero(is_bad))
        failed = n_failed + np.cumsum(is_bad)[ends - start - 1]
        n_batches = -(-self.n // self.batch_size)
        for i, (end, n_bad) in enumerate(zip(ends.tolist(), failed.tolist(), strict=True)):
            yield Progress(first + i, n_batches, end, self.n, end - n_bad, n_bad)

    def _stop_at_error(self, failed: int) -> None:
        if not self.stop_on_error:
            return
        end = failed + 1 if self.stop_on_error == "item" else self._end_of_batch(failed)
        self._stop(end, "error")

    def _stop_at_count(self, failed: NDArray[np.intp]) -> None:
        if self.max_failures is None:
            return
        batch = self.position // self.batch_size
        counts = np.bincount(failed // self.batch_size - batch)
        counts[0] += self._n_failed_in_batch
        full = np.flatnonzero(counts >= self.max_failures)
        if full.shape[0]:
            self._stop((batch + int(full[0]) + 1) * self.batch_size, "max_failures")

    def _stop(self, position: int, reason: StoppedBy) -> None:
        position = min(position, self.n)
        if self.stopped_by is None or position < self.stop_at:
            self.stop_at, self.stopped_by = min(position, self.stop_at), reason

    def _end_of_batch(self, position: int) -> int:
        return (position // self.batch_size + 1) * self.batch_size

    def _advance(self, n_run: int, failed: NDArray[np.intp]) -> None:
        self.position += n_run
        failed = failed[failed < self.position]
        self.n_failed += failed.shape[0]
        start_of_batch = self.position // self.batch_size * self.batch_size
        if self.position - n_run < start_of_batch:
            self._n_failed_in_batch = 0
        self._n_failed_in_batch += int(np.count_nonzero(failed >= start_of_batch))
