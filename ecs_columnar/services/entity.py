"""One entity, with its definition and its components by type id."""

from __future__ import annotations

from typing import Any

from ecs_columnar.entity import Entity as CoreEntity
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.instances import kind_of


class Entity(CoreEntity):
    """One entity as the services hand it out.

    It holds nothing but a handle, and is a core `ecs_columnar.Entity` too: what
    it says is read from the world each time.

    Attributes
    ----------
    handle : int
    """

    __slots__ = ("_catalogue",)

    def __init__(self, catalogue: Catalogue, handle: int) -> None:
        super().__init__(catalogue.world._storage, handle)
        self._catalogue = catalogue

    @property
    def definition_id(self) -> str | None:
        """Id of its definition; None where the services have not made it."""
        return kind_of(self._catalogue.world, self._checked("look at")).definition_id

    @property
    def component_type_ids(self) -> tuple[str, ...]:
        """Component types: the definition's in its order, then the others in theirs."""
        return self._catalogue.component_types(self._checked("look at"))

    @property
    def location_id(self) -> str | None:
        """Name of the place where it is, None for nowhere."""
        return self.location

    def has_component(self, type_id: str) -> bool:
        """Tell whether it has a component, its definition's or its own."""
        return self._catalogue.is_present(self._checked("look at"), type_id)

    def has_component_override(self, type_id: str) -> bool:
        """Tell whether it has a component that replaces its definition's, or comes on top."""
        handle = self._checked("look at")
        kind = kind_of(self._catalogue.world, handle)
        return self._catalogue.is_override(handle, type_id, kind)

    def get_component_data(self, type_id: str) -> dict[str, Any] | None:
        """Return the data of a component: a copy, None where there is none."""
        if not self.has_component(type_id):
            return None
        return self._catalogue.codec(type_id).read_one(self._catalogue.world, self.handle)

    def __repr__(self) -> str:
        if not self.is_alive:
            return super().__repr__()
        of = "" if self.definition_id is None else f" of {self.definition_id!r}"
        where = "" if self.location_id is None else f" in {self.location_id!r}"
        types = ", ".join(self.component_type_ids)
        return f"<Entity {self.id!r}{of}{where}: {types}>"

    def _checked(self, verb: str) -> int:
        if not self.is_alive:
            raise self._dead(verb)
        return self.handle
