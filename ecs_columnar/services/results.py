"""What the batch services answer with.

The Python objects in a result are made when they are looked at: a call about a
million entities makes arrays, and none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import first_three

Item = TypeVar("Item")
Path = Literal["batch", "sequential"]
StoppedBy = Literal["error", "max_failures", "timeout"]


class LazySequence(Sequence[Item], Generic[Item]):
    """A sequence that makes each item when it is first looked at, and keeps it.

    Equal to any list, tuple or lazy sequence of equal items.

    Parameters
    ----------
    n : int
        Length.
    make : callable
        Makes the item at a position from 0 to ``n - 1``.

    Examples
    --------
    >>> squares = LazySequence(1_000_000, lambda i: i * i)
    >>> squares[-1], squares[2:5]
    (999998000001, [4, 9, 16])
    """

    __slots__ = ("_made", "_make", "_n")

    def __init__(self, n: int, make: Callable[[int], Item]) -> None:
        self._n = n
        self._make = make
        self._made: dict[int, Item] = {}

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        positions = range(self._n)[index]
        if isinstance(positions, range):
            return [self._item(i) for i in positions]
        return self._item(positions)

    def __iter__(self) -> Iterator[Item]:
        return map(self._item, range(self._n))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (list, tuple, LazySequence)):
            return NotImplemented
        return len(other) == self._n and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def __repr__(self) -> str:
        return f"[{first_three(map(repr, self[:4]))}]"

    def _item(self, i: int) -> Item:
        try:
            return self._made[i]
        except KeyError:
            item = self._made[i] = self._make(i)
            return item


def nothing() -> LazySequence[Any]:
    """Return a sequence without items."""
    return LazySequence(0, lambda i: i)


def chained(parts: Sequence[Sequence[Item]]) -> LazySequence[Item]:
    """Join sequences without looking at their items. O(parts)."""
    starts = np.zeros(len(parts) + 1, np.intp)
    np.cumsum([len(part) for part in parts], out=starts[1:])

    def make(i: int) -> Item:
        k = int(np.searchsorted(starts, i, side="right")) - 1
        return parts[k][i - int(starts[k])]

    return LazySequence(int(starts[-1]), make)


@dataclass(frozen=True, slots=True)
class BatchFailure:
    """One item that failed.

    Attributes
    ----------
    item : object
        The very object that was passed; of columns, a mapping of the row.
    error : Exception
        What the scalar call would have raised.
    index : int
        Where the item stands in the input.
    """

    item: Any
    error: Exception
    index: int


def renumbered(
    failures: Sequence[BatchFailure],
    rows: Sequence[int] | NDArray[np.intp],
    items: Sequence[Any] | None = None,
) -> LazySequence[BatchFailure]:
    """Give failures of some of the items the numbers that these have among all.

    Parameters
    ----------
    failures : sequence of BatchFailure
    rows : sequence of int
        Where each of the items stands in the input.
    items : sequence, optional
        All that was passed, where the items have been made of that.
    """

    def make(k: int) -> BatchFailure:
        failure = failures[k]
        i = int(rows[failure.index])
        return BatchFailure(failure.item if items is None else items[i], failure.error, i)

    return LazySequence(len(failures), make)


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """What all batch calls answer with.

    ``success_count + failure_count == total_processed`` always holds.

    Attributes
    ----------
    successes : sequence
        In input order.
    failures : sequence of BatchFailure
        In input order.
    parts : sequence of int64 array
        The entities of the successes, as they were done one part after the other; 0 where
        there is none.
    processing_time : float
        Milliseconds, above 0.
    skipped : int
        Items that were never reached.
    rolled_back : int
        Successes that were undone, because the call was atomic.
    stopped_by : {None, "error", "max_failures", "timeout"}
        The rule that ended the call early.
    path : {"batch", "sequential"}
    error : Exception or None
        The `BatchTimeoutError` of a call that ran out of time.
    """

    successes: Sequence[Any] = field(default_factory=nothing)
    failures: Sequence[BatchFailure] = field(default_factory=nothing)
    parts: Sequence[NDArray[np.int64]] = ()
    processing_time: float
    skipped: int = 0
    rolled_back: int = 0
    stopped_by: StoppedBy | None = None
    path: Path = "batch"
    error: Exception | None = None

    @cached_property
    def handles(self) -> NDArray[np.int64]:
        """The entities of the successes, shape (success_count,); 0 where there is none.

        Joined when it is first looked at.
        """
        if len(self.parts) == 1:
            return self.parts[0]
        return np.concatenate([np.empty(0, np.int64), *self.parts])

    @property
    def success_count(self) -> int:
        """Number of items that succeeded, and stand."""
        return len(self.successes)

    @property
    def failure_count(self) -> int:
        """Number of items that failed."""
        return len(self.failures)

    @property
    def total_processed(self) -> int:
        """Number of items that succeeded or failed."""
        return self.success_count + self.failure_count

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._counts()}>"

    def _counts(self) -> str:
        parts = [f"{self.success_count} succeeded", f"{self.failure_count} failed"]
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += [f"{self.rolled_back} rolled back"] if self.rolled_back else []
        parts += [f"stopped by {self.stopped_by}"] if self.stopped_by else []
        return ", ".join(parts) + f" in {self.processing_time:.3g} ms ({self.path})"


@dataclass(frozen=True, kw_only=True, repr=False)
class BatchOperationResult(BatchResult):
    """What a batch call did to entities or components; see `BatchResult`.

    Its successes are the entities that were created, the ids that were removed,
    or True for each component that was added or removed.
    """

    @property
    def entities(self) -> Sequence[Any]:
        """Another name of the successes."""
        return self.successes

    @property
    def errors(self) -> Sequence[BatchFailure]:
        """Another name of the failures."""
        return self.failures


@dataclass(frozen=True, kw_only=True, repr=False)
class BatchIndexResult(BatchResult):
    """What a batch call did to the location index; see `BatchResult`.

    Its successes are mappings; each says what was done, under ``"operation"``.

    Attributes
    ----------
    index_size : int
        Number of places with somebody in them, after the call.
    entity_count : int
        Number of entities that are in a place, after the call.
    total_entities : int
        Of a validation: the entities in all places that were asked for.
    """

    index_size: int
    entity_count: int
    total_entities: int = 0

    @property
    def successful(self) -> Sequence[dict[str, Any]]:
        """Another name of the successes."""
        return self.successes

    @property
    def failed(self) -> Sequence[BatchFailure]:
        """Another name of the failures."""
        return self.failures

    def _counts(self) -> str:
        return f"{super()._counts()}; {self.entity_count} placed"


@dataclass(frozen=True, kw_only=True)
class WorldLoadingResult:
    """What the loading of a world did.

    Attributes
    ----------
    entities : BatchOperationResult
        Of the first step: entities from their definitions.
    spatial : BatchIndexResult
        Of the second step: the places that were listed.
    components : BatchOperationResult
        Of the third step: the components of the entities.
    instantiated_count, failed_count, total_processed : int
        Of the entities that were listed.
    total_processing_time : float
        Milliseconds, above 0.
    optimization_used : {"batch", "sequential", "sequential_fallback"}
    fallback_reason : str or None
        Why the batch was given up, where it was.
    """

    entities: BatchOperationResult
    spatial: BatchIndexResult
    components: BatchOperationResult
    total_processing_time: float
    optimization_used: Literal["batch", "sequential", "sequential_fallback"]
    fallback_reason: str | None = None

    @property
    def instantiated_count(self) -> int:
        """Number of entities that are there now."""
        return self.entities.success_count

    @property
    def failed_count(self) -> int:
        """Number of entities that could not be made."""
        return self.entities.failure_count

    @property
    def total_processed(self) -> int:
        """Number of entities that were made or failed."""
        return self.entities.total_processed


@dataclass(frozen=True, slots=True)
class RollbackResult:
    """What the rollback of a `BatchTransactionManager` did.

    Attributes
    ----------
    rolled_back, failed : int
        Operations that were undone, and that could not be.
    operations : tuple of dict
        Each of them, the last one first, with ``"operation_type"``,
        ``"operation_data"``, ``"success"`` and, where it failed, ``"error"``.
    """

    rolled_back: int = 0
    failed: int = 0
    operations: tuple[dict[str, Any], ...] = ()
