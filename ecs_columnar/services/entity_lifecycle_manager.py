"""Entities from definitions, one by one or in batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Unpack

from ecs_columnar.errors import (
    DefinitionNotFoundError,
    InvalidArgumentError,
    SerializedEntityError,
)
from ecs_columnar.services import single
from ecs_columnar.services.additions import Addition
from ecs_columnar.services.batch_operation_manager import BatchOperationManager
from ecs_columnar.services.batch_service import BatchService, Surroundings, operation_result
from ecs_columnar.services.call import Operation
from ecs_columnar.services.catalogue import LocationPolicy
from ecs_columnar.services.creation import Creation
from ecs_columnar.services.entity import Entity
from ecs_columnar.services.items import MISSING, field_of
from ecs_columnar.services.lookup import find_entities, not_found
from ecs_columnar.services.options import BatchOptions, with_options
from ecs_columnar.services.removals import Despawning, Removal
from ecs_columnar.services.results import BatchOperationResult
from ecs_columnar.services.settings import ReadSettings, Settings, refuse_incomplete
from ecs_columnar.world import World

_METHODS: Final = (
    "batch_create_entities",
    "batch_add_components",
    "batch_remove_components",
    "batch_remove_entities",
)
_POLICIES: Final = ("keep", "clear", "refuse")


class EntityLifecycleManager(BatchService):
    """Create, find and remove entities; see the batch methods for many at once.

    Parameters
    ----------
    world : World
    batch_operation_manager : BatchOperationManager, optional
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
    >>> from ecs_columnar.services import create_default_services_with_config
    >>> services = create_default_services_with_config()
    >>> _ = services.definitions.register({"id": "core:actor", "components": {}})
    >>> manager = services.entity_lifecycle_manager
    >>> ann = manager.create_entity_instance("core:actor", instance_id="ann")
    >>> ann.id, ann.definition_id, ann.location_id
    ('ann', 'core:actor', None)
    """

    def __init__(
        self,
        world: World,
        *,
        batch_operation_manager: BatchOperationManager | None = None,
        enable_batch_operations: bool = False,
        batch_operation_threshold: int = 10,
        default_batch_size: int = 50,
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
        self._manager: BatchOperationManager | None = None
        if batch_operation_manager is not None:
            self.set_batch_operation_manager(batch_operation_manager)

    # --- one entity ------------------------------------------------------------------

    def create_entity_instance(
        self,
        definition_id: str,
        *,
        instance_id: str | None = None,
        component_overrides: Mapping[str, Any] | None = None,
    ) -> Entity:
        """Create an entity.

        Parameters
        ----------
        definition_id : str
        instance_id : str, optional
            A UUID of version 4 otherwise.
        component_overrides : mapping of str to mapping, optional
            Component types to data, instead of the definition's or on top of them.

        Raises
        ------
        DefinitionNotFoundError, DuplicateEntityError, InvalidInstanceIdError
        ValidationError
            When an override does not fit its type; it has all errors.
        InvalidArgumentError
        """
        item = {"definition_id": definition_id, "opts": _opts(instance_id, component_overrides)}
        created: Entity = self._one(Creation(self._catalogue), item, single.create)
        return created

    def remove_entity_instance(self, instance_id: str | int) -> None:
        """Remove an entity with all that it has.

        Who is in it keeps its place, unless the location policy says otherwise.

        Raises
        ------
        EntityNotFoundError, StaleHandleError
        InvalidArgumentError
            When it is no id; or others are in it, and the policy is "refuse".
        """
        self._one(Despawning(self._catalogue), instance_id)

    def reconstruct(self, serialized: Mapping[str, Any]) -> Entity:
        """Create an entity from what was saved of it.

        Parameters
        ----------
        serialized : mapping
            With ``instance_id``, ``definition_id`` and, as ``components`` or
            ``component_overrides``, its overrides; camelCase does as well.

        Raises
        ------
        SerializedEntityError
            When it is no mapping, or has no such id.
        DefinitionNotFoundError, DuplicateEntityError, ValidationError
        """
        instance_id, definition_id, overrides = _serialized_parts(serialized)
        item = {"definition_id": definition_id, "opts": _opts(instance_id, overrides)}
        operation = Creation(self._catalogue, was_reconstructed=True)
        created: Entity = self._one(operation, item, single.create)
        return created

    def get_entity(self, instance_id: str | int) -> Entity:
        """Return an entity by id or handle.

        Raises
        ------
        EntityNotFoundError, StaleHandleError, InvalidArgumentError
        """
        handle = int(find_entities(self.world, [instance_id])[0])
        if not handle:
            raise not_found(instance_id, "instance_id", "find an entity")
        return Entity(self._catalogue, handle)

    # --- batches ---------------------------------------------------------------------

    @with_options
    def batch_create_entities(
        self, items: Any, **options: Unpack[BatchOptions]
    ) -> BatchOperationResult:
        """Create entities; see `BatchOperationManager.batch_create_entities`."""
        return self._batch(Creation(self._catalogue), items, options)

    @with_options
    def batch_add_components(
        self, items: Any, **options: Unpack[BatchOptions]
    ) -> BatchOperationResult:
        """Add components; see `BatchOperationManager.batch_add_components`."""
        return self._batch(Addition(self._catalogue), items, options)

    @with_options
    def batch_remove_components(
        self, items: Any, **options: Unpack[BatchOptions]
    ) -> BatchOperationResult:
        """Remove components; see `BatchOperationManager.batch_remove_components`."""
        return self._batch(Removal(self._catalogue), items, options)

    @with_options
    def batch_remove_entities(
        self, items: Any, **options: Unpack[BatchOptions]
    ) -> BatchOperationResult:
        """Remove entities; see `BatchOperationManager.batch_remove_entities`."""
        return self._batch(Despawning(self._catalogue), items, options)

    def set_batch_operation_manager(self, manager: BatchOperationManager | None) -> None:
        """Say who does the batch methods; None does them item by item.

        Raises
        ------
        InvalidArgumentError
            When it lacks one of the batch methods.
        """
        if manager is not None:
            refuse_incomplete(manager, "batch_operation_manager", _METHODS)
        self._manager = manager

    def set_batch_operations_enabled(self, enabled: bool) -> None:
        """Say whether the batch methods are delegated."""
        self._changes["enable_batch_operations"] = bool(enabled)

    # --- definitions and places ------------------------------------------------------

    def preload_definitions(self, ids: Iterable[str]) -> int:
        """Make definitions ready, so that the first creation does not have to.

        Returns
        -------
        int
            How many there are.

        Raises
        ------
        DefinitionNotFoundError
            When one is not defined; it names the first three and the count.
        InvalidArgumentError
            When they are no ids.
        """
        try:
            wanted = [ids] if isinstance(ids, str) else list(dict.fromkeys(ids))
        except TypeError as error:
            raise InvalidArgumentError(
                "ids", ids, f"cannot preload {ids!r}; give a list of ids of definitions"
            ) from error
        unknown = [i for i in wanted if i not in self._catalogue.definitions]
        if unknown:
            raise DefinitionNotFoundError(
                f"cannot preload {len(unknown)} of {len(wanted)} definitions "
                f"({', '.join(map(repr, unknown[:3]))}); register them first",
                definition_id=unknown[0],
            )
        for definition_id in wanted:
            self._catalogue.prefab(definition_id)
        return len(wanted)

    def dangling_locations(self) -> list[str]:
        """Return the places that no entity is, though somebody is in them."""
        return dangling_locations(self.world)

    @property
    def location_policy(self) -> LocationPolicy:
        """What becomes of those who are in an entity that is removed.

        "keep": they keep their place. "clear": they are nowhere. "refuse": the
        entity cannot be removed.
        """
        return self._catalogue.location_policy

    @location_policy.setter
    def location_policy(self, policy: LocationPolicy) -> None:
        if policy not in _POLICIES:
            raise InvalidArgumentError(
                "location_policy",
                policy,
                f"cannot use the policy {policy!r}; there are {', '.join(_POLICIES)}",
            )
        self._catalogue.location_policy = policy

    def get_stats(self) -> dict[str, Any]:
        """Return the settings of the manager, and how much there is."""
        settings = self.settings
        return {
            **super().get_stats(),
            "definition_count": len(self._catalogue.definitions),
            "enable_batch_operations": settings.enable_batch_operations,
            "has_batch_operation_manager": self._manager is not None,
            "batch_operation_threshold": settings.threshold,
            "location_policy": self._catalogue.location_policy,
        }

    def _batch(
        self, operation: Operation, items: Any, options: BatchOptions
    ) -> BatchOperationResult:
        if self._manager is not None and self.settings.hands_on(operation.name, items):
            found: BatchOperationResult = getattr(self._manager, operation.name)(items, **options)
            return found
        return operation_result(self._run(operation, items, "items", options, path="sequential"))


def dangling_locations(world: World) -> list[str]:
    """Return the places that no entity is, though somebody is in them, by place code."""
    names = set(world.locations.names()[world.locations.counts() > 0].tolist())
    return [name for name in world.locations.dangling() if name in names]


def _opts(instance_id: Any, component_overrides: Any) -> dict[str, Any]:
    return {"instance_id": instance_id, "component_overrides": component_overrides}


def _serialized_parts(serialized: Any) -> tuple[str, str, Any]:
    if not isinstance(serialized, Mapping):
        raise SerializedEntityError(
            f"cannot reconstruct {serialized!r}: it is no mapping; give one with instance_id, "
            "definition_id and components",
        )
    for name in ("instance_id", "definition_id"):
        value = field_of(serialized, name)
        if not isinstance(value, str) or not value.strip():
            raise SerializedEntityError(
                f"cannot reconstruct an entity: its {name} is {value!r}; give a string that is "
                "not blank",
            )
    overrides = field_of(serialized, "component_overrides")
    if overrides is MISSING:
        overrides = field_of(serialized, "components")
    overrides = None if overrides is MISSING else overrides
    if overrides is not None and not isinstance(overrides, Mapping):
        raise SerializedEntityError(
            f"cannot reconstruct an entity: its components are {overrides!r}; give a mapping",
        )
    return field_of(serialized, "instance_id"), field_of(serialized, "definition_id"), overrides


__all__ = ["EntityLifecycleManager", "dangling_locations"]
