"""Components of one entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecs_columnar.services import single
from ecs_columnar.services.additions import Addition
from ecs_columnar.services.batch_service import BatchService, Surroundings
from ecs_columnar.services.removals import Removal
from ecs_columnar.services.settings import Settings
from ecs_columnar.world import World


class ComponentMutationService(BatchService):
    """Add a component to an entity, or remove one: the batch methods for one item.

    Parameters
    ----------
    world : World
    surroundings : Surroundings, optional
        Clock, logger, monitoring.
    """

    def __init__(self, world: World, *, surroundings: Surroundings | None = None) -> None:
        super().__init__(world, Settings(default_batch_size=1, max_batch_size=1), surroundings)

    def add_component(self, instance_id: str | int, type_id: str, data: Mapping[str, Any]) -> bool:
        """Add a component, or replace the one that is there.

        Parameters
        ----------
        instance_id : str or int
            An id, or a handle.
        type_id : str
        data : mapping
            Whole: nothing of what was there is kept.

        Returns
        -------
        bool
            True.

        Raises
        ------
        EntityNotFoundError, StaleHandleError, InvalidArgumentError
        ValidationError
            When the data does not fit its type, or there is no such type.
        """
        item = {
            "instance_id": instance_id,
            "component_type_id": type_id,
            "component_data": data,
        }
        added: bool = self._one(Addition(self._catalogue), item, single.add)
        return added

    def remove_component(self, instance_id: str | int, type_id: str) -> bool:
        """Remove what an entity has beyond, or instead of, its definition's component.

        Returns
        -------
        bool
            True, also where there was nothing to remove.

        Raises
        ------
        EntityNotFoundError, StaleHandleError, InvalidArgumentError
        """
        item = {"instance_id": instance_id, "component_type_id": type_id}
        removed: bool = self._one(Removal(self._catalogue), item, single.remove)
        return removed
