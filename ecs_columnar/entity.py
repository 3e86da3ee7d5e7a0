"""One entity: the thin scalar face over the batch operations.

Reading and writing a field of one entity goes straight to its cell; all else
is a batch of one.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from ecs_columnar.cells import Cells, cells_class
from ecs_columnar.dtypes import INDEX_MASK
from ecs_columnar.errors import InvalidArgumentError, StaleHandleError
from ecs_columnar.handles import HasHandle, stale
from ecs_columnar.names import format_handle
from ecs_columnar.operations.despawn import despawn
from ecs_columnar.operations.move import move, move_one
from ecs_columnar.operations.transfer import add, remove
from ecs_columnar.operations.write import refuse_lacking, set_components
from ecs_columnar.schema import Component
from ecs_columnar.selection import Selection, select
from ecs_columnar.storage import Storage

AnyComponent = TypeVar("AnyComponent", bound=Component)
_NO_CELLS: dict[type[Component], Cells] = {}


class Entity(HasHandle):
    """One entity of a world, by its handle.

    Equal to another of the same handle and world. It costs nothing to make and
    holds nothing; an entity that was removed is noticed at the next use.

    Attributes
    ----------
    handle : int

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> class Position(ecs.Component):
    ...     x: ecs.f4
    ...     y: ecs.f4 = 0.0
    >>> world = ecs.World()
    >>> actor = world.spawn_one(Position(1.0), id="actor-17", at="harbour")
    >>> actor[Position].x += 2.0
    >>> actor
    <Entity 'actor-17' (0v1) in 'harbour': Position(x=3.0, y=0.0)>
    """

    __slots__ = ("_cells", "_structure")

    def __init__(self, storage: Storage, handle: int) -> None:
        self.handle = handle
        self._storage = storage
        self._structure = -1
        self._cells = _NO_CELLS

    def __getitem__(self, component: type[AnyComponent]) -> AnyComponent:
        if self._structure == self._storage.structure:
            try:
                return self._cells[component]  # type: ignore[return-value]  # as a view has
            except KeyError:
                pass
        return self._open(component)

    def __setitem__(self, component: type[AnyComponent], value: AnyComponent) -> None:
        if type(value) is not component:
            raise InvalidArgumentError(
                "value", value, f"cannot set {component!r} to {value!r}: it is not one of it"
            )
        self.set(value)

    def __contains__(self, component: type[Component]) -> bool:
        return self.has(component)

    @property
    def id(self) -> str:
        """String id; a made-up one, such as "17v2", where none was given."""
        return self._storage.names.name(int(self._selection("name").handles[0]))

    @property
    def location(self) -> str | None:
        """Name of the place where it is, None for nowhere."""
        handles = self._selection("locate").handles
        codes = self._storage.locations.location_of(handles & INDEX_MASK)
        return self._storage.places.name(int(codes[0]))

    @property
    def is_alive(self) -> bool:
        """Whether the entity has not been removed."""
        return self._storage.entities.is_alive(self.handle)

    @property
    def components(self) -> tuple[type[Component], ...]:
        """Classes of its components, in the order in which the world met them."""
        selection = self._selection("look at")
        mask = selection.parts[0].table.mask
        for component_type, sparse in self._storage.sparse.items():
            if sparse.rows_of(selection.handles)[0] >= 0:
                mask |= component_type.bit
        return tuple(t.schema.component for t in self._storage.registry.in_mask(mask))

    def has(self, component: type[Component]) -> bool:
        """Tell whether the entity has a component."""
        return component in self.components

    def add(self, *components: Component) -> None:
        """Add components, or overwrite those that are there; see `World.add`."""
        add(self._storage, self._selection("add components"), components)

    def remove(self, *components: type[Component]) -> None:
        """Remove components; see `World.remove`."""
        types = [self._storage.registry.of(component) for component in components]
        remove(self._storage, self._selection("remove components"), types)

    def set(self, *components: Component) -> None:
        """Overwrite components; see `World.set`."""
        set_components(self._storage, self._selection("set components"), components)

    def move(self, place: Any) -> None:
        """Put the entity into a place, None for nowhere; see `World.move`."""
        if not move_one(self._storage, self.handle, place):
            if not self.is_alive:
                raise self._dead("move")
            move(self._storage, np.array([self.handle], np.int64), place)

    def despawn(self) -> None:
        """Remove the entity; see `World.despawn`."""
        despawn(self._storage, self._selection("despawn"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entity):
            return NotImplemented
        return self.handle == other.handle and self._storage is other._storage

    def __hash__(self) -> int:
        return hash(self.handle)

    def __repr__(self) -> str:
        if not self.is_alive:
            return f"<Entity {format_handle(self.handle)}, dead>"
        location = self.location
        where = "" if location is None else f" in {location!r}"
        inner = ", ".join(repr(self[component]) for component in self.components)
        return f"<Entity {self.id!r} ({format_handle(self.handle)}){where}: {inner}>"

    def _selection(self, verb: str) -> Selection:
        return select(self._storage, np.array([self.handle], np.int64), verb)

    def _dead(self, verb: str) -> StaleHandleError:
        return stale(np.array([self.handle], np.int64), 1, verb)

    def _open(self, component: type[AnyComponent]) -> AnyComponent:
        """Make the cells of a component, and keep them until rows move."""
        selection = self._selection("get a component")
        component_type = self._storage.registry.of(component)
        refuse_lacking(self._storage, selection, component_type, "get")
        if self._structure != self._storage.structure:
            self._structure = self._storage.structure
            self._cells = {}
        cells = cells_class(component_type)(self._storage, component_type, selection)
        self._cells[component] = cells
        return cells  # type: ignore[return-value]  # has the attributes that count
