"""What every batch service has: its options, its clock, and how it runs a call."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.services.call import (
    Applied,
    BatchCall,
    Operation,
    Outcome,
    Short,
    no_short_way,
)
from ecs_columnar.services.catalogue import Catalogue, catalogue_of
from ecs_columnar.services.circuit_breaker import CircuitBreaker
from ecs_columnar.services.clocks import Clock
from ecs_columnar.services.error_handler import is_fault_of_input
from ecs_columnar.services.items import ItemList, Items, to_items
from ecs_columnar.services.options import (
    DEFAULTS,
    BatchOptions,
    CallOptions,
    to_batch_size,
    to_call_options,
)
from ecs_columnar.services.progress import shown
from ecs_columnar.services.results import BatchIndexResult, BatchOperationResult, Path
from ecs_columnar.services.retries import Retries
from ecs_columnar.services.settings import ReadSettings, Settings
from ecs_columnar.services.undo import whole
from ecs_columnar.world import World


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a service needs from outside, besides its world.

    Attributes
    ----------
    logger : logging.Logger
    clock : callable
        Returns monotonic seconds.
    record : callable or None
        Takes what monitoring keeps of a call: operation, items, ms, path, and
        whether it failed.
    breaker : callable or None
        Returns the circuit breaker of an operation.
    retries : callable or None
        Returns what calls a function of the caller's, and again when it fails for
        a moment.
    max_block : callable or None
        Returns the most items that memory allows at once.
    """

    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("ecs_columnar"))
    clock: Clock = time.perf_counter
    record: Callable[[str, int, float, str, bool], object] | None = None
    breaker: Callable[[str], CircuitBreaker] | None = None
    retries: Callable[[], Retries] | None = None
    max_block: Callable[[], int] | None = None


@dataclass(slots=True)
class Observed:
    """How a call that is observed ended.

    Attributes
    ----------
    path : str
        How it was done.
    n : int
        Of how many items it was.
    error : exception or None
        What it raised, or reports as its own.
    """

    path: str
    n: int
    error: BaseException | None = None


class BatchService:
    """A service whose methods take batches.

    Parameters
    ----------
    world : World
    settings : Settings or callable
        A callable returns what they are at the time of a call.
    surroundings : Surroundings, optional
    """

    def __init__(
        self,
        world: World,
        settings: Settings | ReadSettings,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._catalogue: Final[Catalogue] = catalogue_of(world)
        self._read_settings: ReadSettings = settings if callable(settings) else lambda: settings
        self._changes: dict[str, Any] = {}
        self._surroundings = surroundings or Surroundings()

    @property
    def world(self) -> World:
        """The world that it serves."""
        return self._catalogue.world

    @property
    def settings(self) -> Settings:
        """What it is set to."""
        settings = self._read_settings()
        return replace(settings, **self._changes) if self._changes else settings

    def set_default_batch_size(self, n: int) -> None:
        """Set the batch size of calls that give none.

        Raises
        ------
        InvalidArgumentError
            When it is not an integer from 1 to the maximum.
        """
        maximum = self.settings.max_batch_size
        size = to_batch_size(n, maximum, "default_batch_size")
        self._changes["default_batch_size"] = size

    def get_stats(self) -> dict[str, Any]:
        """Return what the service is set to, and how much there is."""
        settings = self.settings
        return {
            "default_batch_size": settings.default_batch_size,
            "max_batch_size": settings.max_batch_size,
            "enable_transactions": settings.enable_transactions,
            "enable_parallel": settings.defaults.get("enable_parallel", False),
            "entity_count": len(self.world),
        }

    def _options(self, given: BatchOptions) -> CallOptions:
        settings = self.settings
        defaults: BatchOptions = {
            **DEFAULTS,
            **settings.defaults,
            "batch_size": settings.default_batch_size,
        }
        options = to_call_options(given, defaults, max_batch_size=settings.max_batch_size)
        if options.atomic and not settings.enable_transactions:
            raise InvalidArgumentError(
                "atomic",
                True,
                "cannot run an atomic call: transactions are off; turn them on with "
                "set_transactions_enabled(True)",
            )
        return options

    def _run(
        self,
        operation: Operation,
        items: Any,
        parameter: str,
        given: BatchOptions,
        *,
        path: Path = "batch",
    ) -> Outcome:
        """Check the arguments of a call, and run it."""
        options = self._options(given)
        taken = to_items(items, parameter, allow_empty=options.allow_empty)
        return self._run_items(operation, taken, options, path)

    def _one(self, operation: Operation, item: Any, short: Short = no_short_way) -> Any:
        """Run a call about one item; return its success, or raise its error; see `_applied`."""
        return self._applied(operation, item, short).success(0)

    def _applied(self, operation: Operation, item: Any, short: Short = no_short_way) -> Applied:
        """Run a call about one item; return what was done, or raise its error.

        It leaves a record, as a batch does. That its item was refused is no failure
        of the call.
        """
        around, failed = self._surroundings, False
        if around.record is None:
            return self._do_one(operation, item, short)
        started = around.clock()
        try:
            return self._do_one(operation, item, short)
        except BaseException as error:
            failed = not is_fault_of_input(error)
            raise
        finally:
            elapsed = (around.clock() - started) * 1000.0
            around.record(operation.name, 1, elapsed, "sequential", failed)

    def _do_one(self, operation: Operation, item: Any, short: Short) -> Applied:
        are_heard = self._catalogue.events.are_heard
        applied = None if are_heard else short(operation, item)
        if applied is not None:
            return applied
        prepared = operation.prepare(ItemList([item]))
        if prepared.is_bad[0]:
            raise prepared.error(0)
        if operation.is_one_step and not are_heard:
            return prepared.apply(1)
        with whole(self._catalogue):
            return prepared.apply(1)

    def _run_items(
        self, operation: Operation, items: Items, options: CallOptions, path: Path
    ) -> Outcome:
        with self._observed(operation.name, len(items), path) as observed:
            outcome = self._run_unobserved(operation, items, options, path)
            observed.error = outcome.error
        return outcome

    def _run_unobserved(
        self, operation: Operation, items: Items, options: CallOptions, path: Path
    ) -> Outcome:
        """Run a call, or a step of one that is observed as a whole."""
        if path == "sequential" and options.stop_on_error:
            options = replace(options, stop_on_error="item")
        with (
            shown(options, operation.name, len(items)) as shown_options,
            whole(self._catalogue) as transaction,
        ):
            call = BatchCall(
                operation,
                items,
                shown_options,
                path=path,
                clock=self._surroundings.clock,
                max_block=self._surroundings.max_block,
                logger=self._surroundings.logger,
            )
            return call.run(transaction)

    @contextmanager
    def _observed(self, operation: str, n: int, path: str) -> Iterator[Observed]:
        """Let a circuit breaker guard a call, and monitoring keep how long it took."""
        around, observed = self._surroundings, Observed(path, n)
        breaker = None if around.breaker is None else around.breaker(operation)
        if breaker is not None:
            breaker.check()
        started = around.clock()
        try:
            yield observed
        except BaseException as error:
            observed.error = error
            raise
        finally:
            if around.record is not None:
                elapsed = (around.clock() - started) * 1000.0
                around.record(
                    operation, observed.n, elapsed, observed.path, observed.error is not None
                )
            if breaker is not None:
                _count(breaker, observed.error)
            observed.error = None  # its traceback holds who observes: a circle with the world in it

    def _index_result(self, outcome: Outcome, **more: Any) -> BatchIndexResult:
        """Make the result of a call about the location index."""
        locations = self.world.locations
        return BatchIndexResult(
            index_size=index_size(self.world),
            entity_count=locations.count(),
            **_facts(outcome),
            **more,
        )


def operation_result(outcome: Outcome) -> BatchOperationResult:
    """Make the result of a call about entities or components."""
    return BatchOperationResult(**_facts(outcome))


def index_size(world: World) -> int:
    """Return how many places have somebody in them. O(places)."""
    return int((world.locations.counts() > 0).sum())


def _count(breaker: CircuitBreaker, error: BaseException | None) -> None:
    """Tell a breaker how a call ended; one that was interrupted tells nothing."""
    if error is None:
        breaker.record_success()
    elif isinstance(error, Exception):
        breaker.record_failure(error)


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {
        "successes": outcome.successes,
        "failures": outcome.failures,
        "parts": outcome.parts,
        "processing_time": outcome.processing_time,
        "skipped": outcome.skipped,
        "rolled_back": outcome.rolled_back,
        "stopped_by": outcome.stopped_by,
        "path": outcome.path,
        "error": outcome.error,
    }
