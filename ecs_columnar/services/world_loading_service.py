"""Whole worlds: entities, places and components, in three steps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import (
    BatchTimeoutError,
    InvalidArgumentError,
    RepositoryConsistencyError,
)
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.world_choice import choose
from ecs_columnar.io.world_files import read_world_files
from ecs_columnar.services.additions import Addition
from ecs_columnar.services.batch_service import (
    BatchService,
    Surroundings,
    operation_result,
)
from ecs_columnar.services.call import Deadline, Operation, Outcome
from ecs_columnar.services.columns import take, to_list
from ecs_columnar.services.creation import Creation
from ecs_columnar.services.default_components import give_defaults
from ecs_columnar.services.entity_lifecycle_manager import dangling_locations
from ecs_columnar.services.file_loading import (
    Created,
    FileLoading,
    joined,
    nothing_of,
    wants_bar,
)
from ecs_columnar.services.files_result import WorldFilesResult, of_plain
from ecs_columnar.services.instances import Instance
from ecs_columnar.services.items import Columns, ItemList, Items, to_items
from ecs_columnar.services.loading_items import EntityItems, component_items
from ecs_columnar.services.options import BatchOptions, OnProgress
from ecs_columnar.services.registration import register
from ecs_columnar.services.results import (
    BatchIndexResult,
    BatchOperationResult,
    Path,
    WorldLoadingResult,
    chained,
    renumbered,
)
from ecs_columnar.services.settings import ReadSettings, Settings
from ecs_columnar.services.spatial import Placing
from ecs_columnar.services.undo import whole
from ecs_columnar.world import World

Optimization = Literal["batch", "sequential", "sequential_fallback"]
CRITICAL: Final = (RepositoryConsistencyError, BatchTimeoutError)
"""What makes a batch not to be trusted."""


@dataclass(frozen=True, slots=True)
class ReferenceReport:
    """References of a world that lead nowhere.

    Attributes
    ----------
    dangling_locations : list of str
        Places that no entity is, though somebody is in them.
    dangling_definitions : list of str
        Definitions that are not registered, though somebody is made of them.
    """

    dangling_locations: list[str]
    dangling_definitions: list[str]

    @property
    def is_valid(self) -> bool:
        """Whether there are none."""
        return not (self.dangling_locations or self.dangling_definitions)


class _Loaded(NamedTuple):
    entities: BatchOperationResult
    spatial: BatchIndexResult
    components: BatchOperationResult


class WorldLoadingService(BatchService):
    """Load worlds.

    Parameters
    ----------
    world : World
    enable_optimization : bool
        Whether worlds are loaded in batches, and not item by item.
    batch_size : int
    max_batch_size : int
    threshold : int
        Worlds with fewer entities are loaded item by item.
    timeout_ms : float, optional
        After which a step that is done in batches is given up, and the world is
        loaded item by item.
    settings : callable, optional
        Returns all settings at the time of a call, instead of those above.
    surroundings : Surroundings, optional
        Clock, logger, monitoring.

    Examples
    --------
    >>> from ecs_columnar.services import create_default_services_with_config
    >>> services = create_default_services_with_config()
    >>> _ = services.definitions.register({"id": "core:actor", "components": {}})
    >>> result = services.world_loading_service.load_world(
    ...     {
    ...         "entities": [{"instanceId": "ann", "definitionId": "core:actor"}],
    ...         "locations": [{"entityId": "ann", "locationId": "harbour"}],
    ...     }
    ... )
    >>> result.instantiated_count, result.optimization_used
    (1, 'sequential')
    """

    def __init__(
        self,
        world: World,
        *,
        enable_optimization: bool = True,
        batch_size: int = 100,
        max_batch_size: int = 200,
        threshold: int = 5,
        timeout_ms: float | None = None,
        settings: ReadSettings | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        constant = Settings(
            default_batch_size=batch_size,
            max_batch_size=max_batch_size,
            defaults={"timeout_ms": timeout_ms},
            enable_batch_operations=enable_optimization,
            threshold=threshold,
        )
        super().__init__(world, settings or constant, surroundings)

    def load_world(
        self,
        world_data: Any,
        *,
        on_progress: OnProgress | None = None,
        progress: bool | None = None,
        world_id: str | None = None,
        limits: Limits | None = None,
    ) -> WorldLoadingResult:
        """Load a world into this one.

        An entity that is malformed, lacks an id, repeats one or names an unknown
        definition is one failure, and so are its components and its place; all
        others are loaded. Entities and their locations can be in any order.

        Parameters
        ----------
        world_data : mapping, or columns
            ``{"entities": [{"instanceId", "definitionId", "components"}],
            "locations": [{"entityId", "locationId"}]}``, where both may be columns
            too; or the columns of the entities; or the path of world files.
        on_progress : callable, optional
            Called after each batch of each step; see `BatchOptions`. Of files, after
            each block; the total is what has been read where nothing tells it.
        progress : bool, optional
            Whether to show a progress bar for each step. By default only for long
            files, on a terminal.
        world_id : str, optional
            Which of the worlds in the files; the start world otherwise.
        limits : Limits, optional
            On files.

        Returns
        -------
        WorldLoadingResult
            A `WorldFilesResult` for files. Their instances are created in one step,
            with their components and places.

        Raises
        ------
        InvalidArgumentError
            When it is none of these; nothing has happened.
        WorldInitializationError
            When files make no world; nothing has happened.
        """
        if isinstance(world_data, (str, os.PathLike)):
            return self._load_files(world_data, on_progress, progress, world_id, limits)
        if world_id is not None or limits is not None:
            raise InvalidArgumentError(
                "world_id" if limits is None else "limits",
                world_id if limits is None else limits,
                "cannot use world_id or limits: they are about files, and there are none",
            )
        entities, locations = _parts(world_data)
        options: BatchOptions = {"on_progress": on_progress, "progress": bool(progress)}
        with self._observed("load_world", len(entities) or len(locations), "") as observed:
            result = self._load_parts(entities, locations, options)
            observed.path = result.optimization_used
        return result

    def validate_references(self) -> ReferenceReport:
        """Report places and definitions that somebody refers to, and that are not there."""
        world = self.world
        instances = world.query(Instance).handles()
        named = set(world.get(instances, Instance).definition.tolist()) if len(instances) else set()
        unknown = sorted(name for name in named if name not in self._catalogue.definitions)
        return ReferenceReport(dangling_locations(world), unknown)

    def _load_parts(
        self, entities: Items, locations: Items, options: BatchOptions
    ) -> WorldLoadingResult:
        deadline = Deadline(None, self._surroundings.clock)
        with whole(self._catalogue):
            loaded, used, reason = self._load(entities, locations, options)
            result = WorldLoadingResult(
                entities=loaded.entities,
                spatial=loaded.spatial,
                components=loaded.components,
                total_processing_time=deadline.elapsed_ms,
                optimization_used=used,
                fallback_reason=reason,
            )
            self._tell(result)
        return result

    def _load_files(
        self,
        path: str | os.PathLike[str],
        on_progress: OnProgress | None,
        progress: bool | None,
        world_id: str | None,
        limits: Limits | None,
    ) -> WorldFilesResult:
        if not os.path.lexists(path):
            raise InvalidArgumentError(
                "world_data",
                path,
                f"cannot load the world {os.fspath(path)!r}: there is no file and no folder "
                "of this name",
            )
        options: BatchOptions = {"on_progress": on_progress}
        if progress is not None:
            options["progress"] = progress
        self._options(options)
        with self._observed("load_world", 0, "") as observed:
            result = self._load_found(path, options, world_id, limits or Limits())
            observed.path, observed.n = result.optimization_used, result.total_processed
        return result

    def _load_found(
        self,
        path: str | os.PathLike[str],
        options: BatchOptions,
        world_id: str | None,
        limits: Limits,
    ) -> WorldFilesResult:
        deadline = Deadline(None, self._surroundings.clock)
        retries = self._surroundings.retries
        files = read_world_files(path, limits, None if retries is None else retries().call)
        choice = choose(files, world_id)
        read_ms = deadline.elapsed_ms
        with whole(self._catalogue):
            register(self._catalogue, files)
            if files.plain is not None:
                loaded = self._load_parts(*_parts(files.plain), options)
                return of_plain(loaded, files, choice, deadline.elapsed_ms)
            phases = {"read": read_ms, "register": deadline.elapsed_ms - read_ms}
            logger = self._surroundings.logger
            loading = FileLoading(self._catalogue, files, choice, limits, logger)
            created, used, reason = self._create(loading, options)
            phases |= {"read instances": created.read_ms, "create instances": created.create_ms}
            outcome = joined(created, "batch" if used == "batch" else "sequential")
            nothing = nothing_of(outcome.path)
            result = WorldFilesResult(
                entities=operation_result(outcome),
                spatial=self._index_result(nothing),
                components=operation_result(nothing),
                total_processing_time=deadline.elapsed_ms,
                optimization_used=used,
                fallback_reason=reason,
                world_id=choice.world_id,
                mods=tuple(files.mods),
                problems=chained([files.problems, *created.problems]),
                phases=phases,
            )
            self._tell(result)
        return result

    def _tell(self, result: WorldLoadingResult) -> None:
        events = self._catalogue.events
        if events.is_heard("world_loaded"):
            events.tell("world_loaded", result.entities.handles, result=result)

    def _create(
        self, loading: FileLoading, given: BatchOptions
    ) -> tuple[Created, Optimization, str | None]:
        """Create the instances of files, item by item where the batch cannot be trusted."""
        settings, n = self.settings, loading.n_instances
        run = partial(
            loading.run, clock=self._surroundings.clock, max_block=self._surroundings.max_block
        )
        options = self._options({"progress": wants_bar(n), **given})
        untimed = replace(options, timeout_ms=None)
        is_small = n is not None and n < settings.threshold
        if not settings.enable_batch_operations or is_small:
            with whole(self._catalogue) as transaction:
                return run(untimed, transaction, path="sequential"), "sequential", None
        try:
            with whole(self._catalogue) as transaction:
                return run(options, transaction, path="batch"), "batch", None
        except CRITICAL as error:
            reason = str(error)
        self._surroundings.logger.warning("loading item by item, because %s", reason)
        with whole(self._catalogue) as transaction:
            created = run(untimed, transaction, path="sequential")
        return created, "sequential_fallback", reason

    def _load(
        self, entities: Items, locations: Items, options: BatchOptions
    ) -> tuple[_Loaded, Optimization, str | None]:
        settings, n = self.settings, len(entities) or len(locations)
        untimed: BatchOptions = {**options, "timeout_ms": None}
        if not settings.enable_batch_operations or n < settings.threshold:
            return self._steps(entities, locations, untimed, "sequential"), "sequential", None
        try:
            with whole(self._catalogue):
                return self._steps(entities, locations, options, "batch"), "batch", None
        except CRITICAL as error:
            reason = str(error)
        self._surroundings.logger.warning("loading item by item, because %s", reason)
        loaded = self._steps(entities, locations, untimed, "sequential")
        return loaded, "sequential_fallback", reason

    def _steps(
        self, entities: Items, locations: Items, options: BatchOptions, path: Path
    ) -> _Loaded:
        operation = Creation(self._catalogue)
        made = self._step(operation, EntityItems(entities), options, path)
        failed = np.array([failure.index for failure in made.failures], np.intp)
        rows = np.delete(np.arange(len(entities)), failed)
        placing = Placing(self._catalogue, "spatial_batch_add", "add")
        kept = self._to_place(entities, failed, locations)
        placed = self._step(placing, _some(locations, kept), options, path)
        placed.failures = renumbered(placed.failures, kept)
        parts = component_items(self._catalogue, entities, rows)
        added = [self._step(Addition(self._catalogue), part, options, path) for part in parts]
        created = operation_result(made)
        if self._catalogue.read_defaults():
            give_defaults(self._catalogue, created.handles)
        return _Loaded(created, self._index_result(placed), _joined(added, path))

    def _step(
        self, operation: Operation, items: Items, options: BatchOptions, path: Path
    ) -> Outcome:
        """Run a step.

        Raises
        ------
        BatchTimeoutError
            When it ran out of time.
        """
        outcome = self._run_unobserved(operation, items, self._options(options), path)
        outcome.raise_error()
        return outcome

    def _to_place(
        self, entities: Items, failed: NDArray[np.intp], locations: Items
    ) -> NDArray[np.intp]:
        """Return which places are not of entities that failed: one fault is one failure."""
        every = np.arange(len(locations))
        if not failed.shape[0] or not len(locations):
            return every
        ids = take(entities.field("instance_id"), failed)
        gone = {i for i in to_list(ids) if isinstance(i, str) and i not in self.world.ids}
        wanted = to_list(locations.field("entity_id"))
        return every[[not (isinstance(i, str) and i in gone) for i in wanted]]


def _some(locations: Items, rows: NDArray[np.intp]) -> Items:
    if rows.shape[0] == len(locations):
        return locations
    if isinstance(locations, Columns):
        cut = {name: take(column, rows) for name, column in locations.columns.items()}
        return Columns(cut, rows.shape[0])
    return ItemList([locations[i] for i in rows.tolist()])


def _joined(outcomes: Sequence[Outcome], path: Path) -> BatchOperationResult:
    if len(outcomes) == 1:
        return operation_result(outcomes[0])
    return BatchOperationResult(
        successes=chained([outcome.successes for outcome in outcomes]),
        failures=chained([outcome.failures for outcome in outcomes]),
        parts=[part for outcome in outcomes for part in outcome.parts],
        processing_time=sum((outcome.processing_time for outcome in outcomes), start=1e-6),
        path=path,
    )


def _parts(world_data: Any) -> tuple[Items, Items]:
    """Return the entities and the locations of a world."""
    if isinstance(world_data, Mapping) and {"entities", "locations"} & world_data.keys():
        parts = [world_data.get(name) for name in ("entities", "locations")]
    elif isinstance(world_data, Mapping) or hasattr(world_data, "columns"):
        parts = [world_data, None]
    else:
        raise InvalidArgumentError(
            "world_data",
            world_data,
            f"cannot load a world from {type(world_data).__name__}; give a mapping with entities "
            "and locations, or the columns of the entities",
        )
    entities, locations = (
        to_items([] if part is None else part, "world_data", allow_empty=True) for part in parts
    )
    if not len(entities) and parts[0] is world_data:
        raise InvalidArgumentError(
            "world_data",
            world_data,
            "cannot load a world: there are neither entities nor locations",
        )
    return entities, locations
