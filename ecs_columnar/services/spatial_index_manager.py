"""Places, one entity at a time or in batches."""

from __future__ import annotations

from typing import Any, Final, Unpack, cast

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.services import single
from ecs_columnar.services.batch_service import BatchService, Surroundings, index_size
from ecs_columnar.services.batch_spatial_index_manager import BatchSpatialIndexManager
from ecs_columnar.services.call import Operation
from ecs_columnar.services.items import MISSING, Missing
from ecs_columnar.services.options import BatchOptions, with_options
from ecs_columnar.services.rebuilding import Rebuilding
from ecs_columnar.services.relocation import relocate
from ecs_columnar.services.results import BatchIndexResult
from ecs_columnar.services.settings import ReadSettings, Settings, refuse_incomplete
from ecs_columnar.services.spatial import PlacedEntities, Placing, Unplacing
from ecs_columnar.services.undo import whole
from ecs_columnar.world import World

_METHODS: Final = ("batch_add", "batch_remove", "batch_move", "rebuild")


class SpatialIndexManager(BatchService):
    """Who is where: the face of the location index by id.

    It holds nothing itself, so it follows the world whatever changes it.

    Parameters
    ----------
    world : World
    batch_spatial_index_manager : BatchSpatialIndexManager, optional
        Does the batch methods.
    enable_batch_operations : bool
        Whether it is asked to. Otherwise they are done item by item.
    batch_operation_threshold : int
        Calls with fewer items are done item by item all the same.
    default_batch_size, max_batch_size : int
        Of batch methods that are done item by item.
    settings : callable, optional
        Returns all settings at the time of a call, instead of the four above.
    surroundings : Surroundings, optional
        Clock, logger, monitoring.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> _ = world.spawn(2, ids=["ann", "ben"])
    >>> index = SpatialIndexManager(world)
    >>> index.add("ann", "harbour")
    True
    >>> index.move("ann", "harbour", "inn")
    True
    >>> sorted(index.get_entities_in_location("inn")), index.size
    (['ann'], 1)
    """

    def __init__(
        self,
        world: World,
        *,
        batch_spatial_index_manager: BatchSpatialIndexManager | None = None,
        enable_batch_operations: bool = False,
        batch_operation_threshold: int = 10,
        default_batch_size: int = 100,
        max_batch_size: int = 200,
        settings: ReadSettings | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        constant = Settings(
            default_batch_size=default_batch_size,
            max_batch_size=max_batch_size,
            enable_batch_operations=enable_batch_operations,
            threshold=batch_operation_threshold,
        )
        super().__init__(world, settings or constant, surroundings)
        self._manager: BatchSpatialIndexManager | None = None
        if batch_spatial_index_manager is not None:
            self.set_batch_spatial_index_manager(batch_spatial_index_manager)

    @property
    def size(self) -> int:
        """Number of places with somebody in them. O(places)."""
        return index_size(self.world)

    # --- one entity ------------------------------------------------------------------

    def add(self, entity_id: str | int, location_id: str | int) -> bool:
        """Put an entity into a place; return True.

        Raises
        ------
        EntityNotFoundError, StaleHandleError, InvalidArgumentError
        """
        item = {"entity_id": entity_id, "location_id": location_id}
        self._one(Placing(self._catalogue, "spatial_batch_add", "add"), item, single.place)
        return True

    def remove(self, entity_id: str | int) -> bool:
        """Take an entity out of where it is; return whether it was somewhere.

        Raises
        ------
        InvalidArgumentError
            When it is no id.
        """
        return bool(self._one(Unplacing(self._catalogue), entity_id)["removed"])

    def move(
        self,
        entity_id: str | int,
        old_location_id: str | int | None = None,
        new_location_id: str | int | Missing | None = MISSING,
        *,
        strict: bool = False,
    ) -> bool:
        """Move an entity; return whether it was elsewhere.

        Parameters
        ----------
        entity_id : str or int
        old_location_id : str, int or None
            Not needed, as the index knows it: ``move(entity_id, new_location_id)``
            does as well.
        new_location_id : str or int
        strict : bool
            Whether it is an error to be wrong about the old one.

        Raises
        ------
        EntityNotFoundError, StaleHandleError, InvalidArgumentError
        """
        old, new = _from_and_to(old_location_id, new_location_id)
        item = {"entity_id": entity_id, "old_location_id": old, "new_location_id": new}
        operation = Placing(self._catalogue, "spatial_batch_move", "move", is_strict=strict)
        placed = cast("PlacedEntities", self._applied(operation, item, single.place))
        return bool(placed.moves.has_moved[0])

    def update_entity_location(
        self,
        entity_id: str | int,
        old_location_id: str | int | None = None,
        new_location_id: str | int | Missing | None = MISSING,
    ) -> bool:
        """Put an entity where it is now, None for nowhere; return whether it was elsewhere.

        As for `move`, two arguments are enough.

        Raises
        ------
        EntityNotFoundError, StaleHandleError, InvalidArgumentError
        """
        old, new = _from_and_to(old_location_id, new_location_id)
        if new is None or not str(new).strip():
            return self.remove(entity_id)
        return self.move(entity_id, old, new)

    def get_entities_in_location(self, location_id: str | int) -> set[str]:
        """Return the ids of who is in a place: a set of its own each time, empty for nobody."""
        if location_id is None or location_id not in self.world.locations:
            return set()
        return set(self.world.ids.names(self.world.locations[location_id]).tolist())

    def build_index(self, world: World | None = None) -> int:
        """Return how many entities are in a place; there is nothing to build.

        Raises
        ------
        InvalidArgumentError
            When it is another world than this manager's.
        """
        if world is not None and world is not self.world:
            raise InvalidArgumentError(
                "world",
                world,
                "cannot index another world: make a SpatialIndexManager of it",
            )
        return self.world.locations.count()

    def clear(self) -> None:
        """Take all entities out of where they are."""
        members = self.world.locations.groups().members
        with self._observed("spatial_clear", len(members), "batch"), whole(self._catalogue):
            relocate(self._catalogue, members, None)

    # --- batches ---------------------------------------------------------------------

    @with_options
    def batch_add(self, additions: Any, **options: Unpack[BatchOptions]) -> BatchIndexResult:
        """Put entities into places; see `BatchSpatialIndexManager.batch_add`."""
        if self._delegates("batch_add", additions):
            return self._checked().batch_add(additions, **options)
        operation = Placing(self._catalogue, "spatial_batch_add", "add")
        return self._sequential(operation, additions, "additions", options)

    @with_options
    def batch_remove(self, entity_ids: Any, **options: Unpack[BatchOptions]) -> BatchIndexResult:
        """Take entities out; see `BatchSpatialIndexManager.batch_remove`."""
        if self._delegates("batch_remove", entity_ids):
            return self._checked().batch_remove(entity_ids, **options)
        return self._sequential(Unplacing(self._catalogue), entity_ids, "entity_ids", options)

    @with_options
    def batch_move(
        self, updates: Any, *, strict: bool = False, **options: Unpack[BatchOptions]
    ) -> BatchIndexResult:
        """Move entities; see `BatchSpatialIndexManager.batch_move`."""
        if self._delegates("batch_move", updates):
            return self._checked().batch_move(updates, strict=strict, **options)
        operation = Placing(self._catalogue, "spatial_batch_move", "move", is_strict=strict)
        return self._sequential(operation, updates, "updates", options)

    @with_options
    def rebuild(self, entity_locations: Any, **options: Unpack[BatchOptions]) -> BatchIndexResult:
        """Build the index anew; see `BatchSpatialIndexManager.rebuild`."""
        if self._delegates("rebuild", entity_locations):
            return self._checked().rebuild(entity_locations, **options)
        operation = Rebuilding(self._catalogue)
        return self._sequential(operation, entity_locations, "entity_locations", options)

    def set_batch_spatial_index_manager(self, manager: BatchSpatialIndexManager | None) -> None:
        """Say who does the batch methods; None does them item by item.

        Raises
        ------
        InvalidArgumentError
            When it lacks one of the batch methods.
        """
        if manager is not None:
            refuse_incomplete(manager, "batch_spatial_index_manager", _METHODS)
        self._manager = manager

    def set_batch_operations_enabled(self, enabled: bool) -> None:
        """Say whether the batch methods are delegated."""
        self._changes["enable_batch_operations"] = bool(enabled)

    def _delegates(self, method: str, items: Any) -> bool:
        return self._manager is not None and self.settings.hands_on(method, items)

    def _checked(self) -> BatchSpatialIndexManager:
        assert self._manager is not None
        return self._manager

    def _sequential(
        self, operation: Operation, items: Any, parameter: str, options: BatchOptions
    ) -> BatchIndexResult:
        outcome = self._run(operation, items, parameter, options, path="sequential")
        return self._index_result(outcome)


def _from_and_to(
    old: str | int | None, new: str | int | Missing | None
) -> tuple[str | int | None, str | int | None]:
    """Return where from and where to; of one place alone, it is where to."""
    return (None, old) if isinstance(new, Missing) else (old, new)
