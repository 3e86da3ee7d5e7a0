"""The instances of world files, created a block at a time."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any, Final

from ecs_columnar.errors import ValidationError
from ecs_columnar.io.blocks import Block
from ecs_columnar.io.json_text import JsonReader
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.problem import Problem, WorldFileError
from ecs_columnar.io.world_choice import Choice
from ecs_columnar.io.world_files import WorldFiles
from ecs_columnar.services.call import BatchCall, Outcome
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.clocks import Clock
from ecs_columnar.services.creation import Creation
from ecs_columnar.services.file_items import to_items
from ecs_columnar.services.options import CallOptions, OnProgress
from ecs_columnar.services.progress import shown
from ecs_columnar.services.results import BatchFailure, LazySequence, Path, chained, renumbered
from ecs_columnar.transaction import Transaction

_LOGGER: Final = logging.getLogger(__name__)

LONG: Final = 100_000
"""Instances from which on a progress bar is shown unasked, to who looks at a terminal."""

_FEW: Final = 1_000


@dataclass(slots=True)
class Created:
    """What has become of the instances so far.

    Attributes
    ----------
    outcomes : list of Outcome
        One a block.
    problems : list of sequences of Problem
        Of the files, and of the instances that failed.
    n : int
        Instances so far.
    n_failed : int
    read_ms, create_ms : float
    """

    outcomes: list[Outcome] = field(default_factory=list)
    problems: list[Sequence[Problem]] = field(default_factory=list)
    n: int = 0
    n_failed: int = 0
    read_ms: float = 0.0
    create_ms: float = 0.0


class FileLoading:
    """Creates the instances of world files.

    Parameters
    ----------
    catalogue : Catalogue
    files : WorldFiles
    choice : Choice
    limits : Limits
    logger : logging.Logger, optional
        Is told what `on_progress` raises.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        files: WorldFiles,
        choice: Choice,
        limits: Limits,
        logger: logging.Logger = _LOGGER,
    ) -> None:
        self._logger: Final = logger
        self._catalogue: Final = catalogue
        self._files: Final = files
        self._choice: Final = choice
        self._reader: Final = JsonReader(limits)

    @property
    def n_instances(self) -> int | None:
        """How many there are; None where only reading tells."""
        if self._choice.members is not None:
            return len(self._choice.members)
        counts = [source.n_instances for source in self._files.instances]
        return None if None in counts else sum(filter(None, counts))

    def run(
        self,
        options: CallOptions,
        transaction: Transaction,
        *,
        path: Path,
        clock: Clock,
        max_block: Callable[[], int] | None,
    ) -> Created:
        """Create all instances, and say what has become of them.

        Raises
        ------
        BatchTimeoutError
            When a block ran out of time.
        """
        created = Created()
        quiet = replace(options, on_progress=None, progress=False)
        with self._shown(options) as on_progress:
            started = clock()
            n_known = self.n_instances or 0
            for items, block in self._blocks(created):
                items.n_after = max(0, n_known - created.n - len(items))
                began = clock()
                call = BatchCall(
                    Creation(self._catalogue, in_threads=options.enable_parallel),
                    items,
                    quiet,
                    path=path,
                    clock=clock,
                    max_block=max_block,
                )
                outcome = call.run(transaction)
                outcome.raise_error()
                _keep(created, outcome, block)
                ended = clock()
                created.read_ms += (began - started) * 1000.0
                created.create_ms += (ended - began) * 1000.0
                started = ended
                on_progress(created)
            created.read_ms += (clock() - started) * 1000.0
        return created

    def _blocks(self, created: Created) -> Iterator[tuple[Any, Block]]:
        """Yield the instances of this world; keep what cannot be read."""

        def report(problem: Problem) -> None:
            created.problems.append((problem,))

        for source in self._files.instances:
            try:
                for block in source.blocks(report):
                    if not len(block):
                        continue
                    items, kept = to_items(
                        self._catalogue, block, self._choice.members, self._reader, report
                    )
                    if len(items):
                        yield items, kept
            except WorldFileError as error:
                report(error.problem)

    @contextmanager
    def _shown(self, options: CallOptions) -> Iterator[Callable[[Created], None]]:
        n = self.n_instances
        n_blocks = 0
        with shown(options, "load_world", n) as moving:

            def tell(created: Created) -> None:
                nonlocal n_blocks
                n_blocks += 1
                if moving.on_progress is not None:
                    n_good = created.n - created.n_failed
                    total = created.n if n is None else n
                    _safely(
                        moving.on_progress,
                        (n_blocks - 1, n_blocks, created.n, total, n_good, created.n_failed),
                        self._logger,
                    )

            yield tell


def wants_bar(n: int | None) -> bool:
    """Tell whether to show progress of so many instances, when nobody said."""
    is_long = n is None or n >= LONG
    return is_long and sys.stderr.isatty() and find_spec("tqdm") is not None


def _safely(
    on_progress: OnProgress,
    numbers: tuple[int, int, int, int, int, int],
    logger: logging.Logger,
) -> None:
    """Tell of progress; whatever it raises, the loading goes on."""
    try:
        on_progress(*numbers)
    except Exception:  # whatever it raises, the loading goes on
        logger.exception("on_progress failed; the loading goes on")


def _keep(created: Created, outcome: Outcome, block: Block) -> None:
    """Add a block. A few failures are made now, so that nothing else of it is kept."""
    made = outcome.failures
    if len(made) <= _FEW:
        made = list(made)
    failures = renumbered(made, range(created.n, created.n + len(block)))
    problems: LazySequence[Problem] = LazySequence(
        len(made), lambda i: _problem(made[i], block.place(made[i].index))
    )
    if len(made) <= _FEW:
        created.problems.append(list(problems))
        outcome.failures = list(failures)
    else:
        created.problems.append(problems)
        outcome.failures = failures
    created.outcomes.append(outcome)
    created.n += len(block)
    created.n_failed += len(made)


def _problem(failure: BatchFailure, place: tuple[str, str]) -> Problem:
    file, path = place
    error = failure.error
    if isinstance(error, ValidationError):
        lines = "; ".join(error.errors)
        return Problem(file, f"{path}.componentOverrides[{error.component_type_id!r}]", lines)
    return Problem(file, path, str(error))


def joined(created: Created, path: Path) -> Outcome:
    """Return the outcome of all blocks."""
    parts = created.outcomes
    return Outcome(
        path,
        applied=[applied for outcome in parts for applied in outcome.applied],
        failures=chained([outcome.failures for outcome in parts]),
        processing_time=max(sum(outcome.processing_time for outcome in parts), 1e-6),
    )


def nothing_of(path: Path) -> Outcome:
    """Return the outcome of a step that has nothing to do."""
    return Outcome(path, processing_time=1e-6)
