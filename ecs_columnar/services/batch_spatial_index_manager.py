"""Batches of places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Unpack, cast

from ecs_columnar.errors import InvalidArgumentError, StaleHandleError
from ecs_columnar.services.batch_service import BatchService, Surroundings, index_size
from ecs_columnar.services.call import Operation
from ecs_columnar.services.items import MISSING, ItemList, field_of
from ecs_columnar.services.options import BatchOptions, with_options
from ecs_columnar.services.rebuilding import Rebuilding
from ecs_columnar.services.results import BatchIndexResult, Path, renumbered
from ecs_columnar.services.settings import ReadSettings, Settings
from ecs_columnar.services.spatial import Placing, Unplacing, ValidatedPlaces, Validation
from ecs_columnar.world import World


class BatchSpatialIndexManager(BatchService):
    """Put entities into places, move them and take them out, a batch at a time.

    The index is where the place of an entity is stored: what these methods
    change, `World.locations`, `World.move` and the component "core:position"
    show, and the other way round.

    Parameters
    ----------
    world : World
    default_batch_size, max_batch_size : int
        As in `BatchOperationManager`.
    enable_transactions : bool
        Whether a call may be atomic.
    settings : callable, optional
        Returns all settings at the time of a call, instead of the three above.
    surroundings : Surroundings, optional
        Clock, logger, monitoring.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> _ = world.spawn(2, ids=["ann", "ben"], at="harbour")
    >>> manager = BatchSpatialIndexManager(world)
    >>> result = manager.batch_move([{"entity_id": "ann", "new_location_id": "inn"}])
    >>> result.successful[0]["old_location_id"], result.index_size
    ('harbour', 2)
    """

    def __init__(
        self,
        world: World,
        *,
        default_batch_size: int = 100,
        max_batch_size: int = 200,
        enable_transactions: bool = True,
        settings: ReadSettings | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        constant = Settings(
            default_batch_size=default_batch_size,
            max_batch_size=max_batch_size,
            enable_transactions=enable_transactions,
        )
        super().__init__(world, settings or constant, surroundings)

    @with_options
    def batch_add(self, additions: Any, **options: Unpack[BatchOptions]) -> BatchIndexResult:
        """Put entities into places; who is somewhere already is moved.

        Parameters
        ----------
        additions : list of mapping, or columns
            With ``entity_id`` and ``location_id``; both may be handles.
        **options : BatchOptions

        Raises
        ------
        InvalidArgumentError
            When an argument of the call is wrong; nothing has happened.
        """
        operation = Placing(self._catalogue, "spatial_batch_add", "add")
        return self._index(operation, additions, "additions", options)

    @with_options
    def batch_remove(self, entity_ids: Any, **options: Unpack[BatchOptions]) -> BatchIndexResult:
        """Take entities out of where they are.

        Parameters
        ----------
        entity_ids : list or array of ids or handles
            Who is nowhere, or is not there at all, succeeds with
            ``"removed": False``.
        **options : BatchOptions

        Raises
        ------
        InvalidArgumentError
            When an argument of the call is wrong; nothing has happened.
        """
        return self._index(Unplacing(self._catalogue), entity_ids, "entity_ids", options)

    @with_options
    def batch_move(
        self, updates: Any, *, strict: bool = False, **options: Unpack[BatchOptions]
    ) -> BatchIndexResult:
        """Move entities.

        Parameters
        ----------
        updates : list of `LocationUpdate` or mapping, or columns
            With ``entity_id`` and ``new_location_id``. An ``old_location_id`` is
            not needed.
        strict : bool
            Whether an item fails that is wrong about where the entity is.
        **options : BatchOptions

        Raises
        ------
        InvalidArgumentError
            When an argument of the call is wrong; nothing has happened.
        """
        operation = Placing(self._catalogue, "spatial_batch_move", "move", is_strict=strict)
        return self._index(operation, updates, "updates", options)

    @with_options
    def rebuild(self, entity_locations: Any, **options: Unpack[BatchOptions]) -> BatchIndexResult:
        """Put entities into places, and take all others out of theirs.

        All items are validated before anything changes. One that fails is left
        out; a call that is stopped, or raises, leaves the index as it was.

        Parameters
        ----------
        entity_locations : list of mapping, or columns
            With ``entity_id`` and ``location_id``.
        **options : BatchOptions

        Raises
        ------
        InvalidArgumentError
            When an argument of the call is wrong; nothing has happened.
        """
        operation = Rebuilding(self._catalogue)
        return self._index(operation, entity_locations, "entity_locations", options)

    @with_options
    def batch_validate_locations(
        self, location_ids: Any, **options: Unpack[BatchOptions]
    ) -> BatchIndexResult:
        """Say who is in each of some places; changes nothing.

        Parameters
        ----------
        location_ids : list or array of ids or handles
        **options : BatchOptions

        Raises
        ------
        InvalidArgumentError
            When an argument of the call is wrong.
        """
        operation = Validation(self._catalogue)
        outcome = self._run(operation, location_ids, "location_ids", options)
        total = sum(cast("ValidatedPlaces", part).n_entities for part in outcome.applied)
        return self._index_result(outcome, total_entities=total)

    @with_options
    def synchronize(
        self, entity_provider: Callable[[], Sequence[Any]], **options: Unpack[BatchOptions]
    ) -> BatchIndexResult:
        """Rebuild the index from what a provider says; a repair, as it follows the world by itself.

        Parameters
        ----------
        entity_provider : callable
            Returns a sequence of entities, or of mappings with ``entity_id`` and
            ``location_id``. Who is nowhere is left out.
        **options : BatchOptions

        Raises
        ------
        InvalidArgumentError
            When it is not callable, or returns no sequence. What it raises comes
            through unchanged.
        """
        if not callable(entity_provider):
            raise InvalidArgumentError(
                "entity_provider",
                entity_provider,
                f"cannot call {entity_provider!r}; give a function that returns entities",
            )
        checked = self._options({**options, "allow_empty": True})
        with self._observed("spatial_synchronize", 0, "batch") as observed:
            found = self._provided(entity_provider)
            place = self._catalogue.place
            items = [addition(entity, place.type_id, place.field) for entity in found]
            rows = [i for i, item in enumerate(items) if item is not LEFT_OUT]
            observed.n = len(rows)
            placed = ItemList([items[i] for i in rows])
            outcome = self._run_unobserved(Rebuilding(self._catalogue), placed, checked, "batch")
            observed.error = outcome.error
        outcome.failures = renumbered(outcome.failures, rows, found)
        return self._index_result(outcome)

    def _provided(self, entity_provider: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """Return what a provider returns."""
        retries = self._surroundings.retries
        call = entity_provider if retries is None else partial(retries().call, entity_provider)
        found = call()
        if isinstance(found, (str, bytes)) or not isinstance(found, Sequence):
            raise InvalidArgumentError(
                "entity_provider",
                found,
                f"cannot synchronize with {type(found).__name__}: the provider returns a list of "
                "entities",
            )
        return list(found)

    def get_stats(self) -> dict[str, Any]:
        """Return the settings of the manager, and the size of the index."""
        return {
            **super().get_stats(),
            "index_size": index_size(self.world),
            "entity_count": self.world.locations.count(),
        }

    def _index(
        self,
        operation: Operation,
        items: Any,
        parameter: str,
        options: BatchOptions,
        *,
        path: Path = "batch",
    ) -> BatchIndexResult:
        return self._index_result(self._run(operation, items, parameter, options, path=path))


LEFT_OUT: Final = object()
"""What `addition` returns for an entity that is nowhere."""


def addition(entity: Any, type_id: str, field: str) -> Any:
    """Return where an entity says that it is, as an item; `LEFT_OUT` for nowhere."""
    if isinstance(entity, Mapping):
        return LEFT_OUT if field_of(entity, "location_id") is None else entity
    read = getattr(entity, "get_component_data", None)
    if not callable(read):
        return entity
    try:
        place = _place_in(read(type_id), field)
    except StaleHandleError:
        return {"entity_id": getattr(entity, "handle", MISSING), "location_id": MISSING}
    if place is None:
        return LEFT_OUT
    return {"entity_id": getattr(entity, "id", MISSING), "location_id": place}


def _place_in(data: Any, field: str) -> Any:
    """Return the place in the data of a component, None for nowhere."""
    if data is None:
        return None
    return data.get(field) if isinstance(data, Mapping) else MISSING
