"""A world in plain Python: a dict of dicts, one entity at a time.

It means what `ecs_columnar.World` means and shares nothing with it. Entities
are keyed by the handles that the world under test returned, for the order in
which handles are given out is nobody's business. Values are *plain*: what
`tests.strategies.plain` makes of a field's value.

Every operation takes lists, collects the faults of its input as names of error
classes, and raises `Refused` with all of them before it writes anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Handle = int
PlaceKey = str | Handle | None


class Refused(Exception):
    """The input has faults; any one of these error classes may be raised."""

    def __init__(self, faults: set[str]) -> None:
        super().__init__(", ".join(sorted(faults)))
        self.faults = faults


@dataclass(eq=False)
class Place:
    """What entities can be in: a name, an entity, or both.

    ``entity`` is the living entity that the place is; ``was`` the last one, which
    gives a place without a name its name after that entity is gone.
    """

    name: str | None
    entity: Handle | None
    was: Handle | None
    members: set[Handle] = field(default_factory=set)

    @property
    def text(self) -> str:
        if self.name is not None:
            return self.name
        assert self.was is not None
        return f"{self.was & 0xFFFFFFFF}v{self.was >> 32}"


class ReferenceWorld:
    """A world as a dict of handle to dict of component class to dict of field."""

    def __init__(self) -> None:
        self.entities: dict[Handle, dict[type, Row]] = {}
        self.handle_of: dict[str, Handle] = {}
        self.id_of: dict[Handle, str] = {}
        self.places: list[Place] = []
        self.place_by_name: dict[str, Place] = {}
        self.place_by_entity: dict[Handle, Place] = {}
        self.place_of: dict[Handle, Place] = {}
        self.definitions: dict[str, dict[type, Row]] = {}

    def copy(self) -> ReferenceWorld:
        """Return an equal world that shares nothing with this one but plain values."""
        other = ReferenceWorld()
        other.entities = {
            handle: {component: dict(row) for component, row in components.items()}
            for handle, components in self.entities.items()
        }
        places = {id(p): Place(p.name, p.entity, p.was, set(p.members)) for p in self.places}
        other.places = list(places.values())
        other.handle_of, other.id_of = dict(self.handle_of), dict(self.id_of)
        other.place_by_name = {name: places[id(p)] for name, p in self.place_by_name.items()}
        other.place_by_entity = {h: places[id(p)] for h, p in self.place_by_entity.items()}
        other.place_of = {h: places[id(p)] for h, p in self.place_of.items()}
        other.definitions = dict(self.definitions)
        return other

    # -- facts ------------------------------------------------------------------------

    def is_alive(self, handle: Handle) -> bool:
        return handle in self.entities

    def matching(self, terms: list[type], without: list[type] | None = None) -> set[Handle]:
        return {
            handle
            for handle, components in self.entities.items()
            if all(term in components for term in terms)
            and not any(term in components for term in without or ())
        }

    def signature(self, handle: Handle) -> frozenset[type]:
        return frozenset(self.entities[handle])

    def name(self, handle: Handle) -> str:
        made_up = f"{handle & 0xFFFFFFFF}v{handle >> 32}"
        return self.id_of.get(handle, made_up)

    def location_name(self, handle: Handle) -> str | None:
        place = self.place_of.get(handle)
        return None if place is None else place.text

    def dangling(self) -> list[Place]:
        return [place for place in self.places if place.entity is None]

    # -- operations -------------------------------------------------------------------

    def spawn_faults(
        self,
        n: int,
        ids: list[Any] | None,
        places: list[PlaceKey],
        definition: str | None,
    ) -> set[str]:
        faults = set(self._place_faults(places))
        if definition is not None and definition not in self.definitions:
            faults.add("DefinitionNotFoundError")
        if ids is not None:
            if len(ids) != n:
                faults.add("InvalidArgumentError")
            if any(not isinstance(i, str) or not i.strip() for i in ids):
                faults.add("InvalidInstanceIdError")
            if len(set(ids)) != len(ids) or any(i in self.handle_of for i in ids):
                faults.add("DuplicateEntityError")
        return faults

    def spawn(
        self,
        handles: list[Handle],
        components: dict[type, list[Row]],
        ids: list[str] | None,
        places: list[PlaceKey],
        definition: str | None,
    ) -> None:
        """Enter entities under the handles that the world under test gave them."""
        for i, handle in enumerate(handles):
            assert handle not in self.entities
            row: dict[type, Row] = {}
            if definition is not None:
                row.update({c: dict(v) for c, v in self.definitions[definition].items()})
            row.update({c: dict(rows[i]) for c, rows in components.items()})
            self.entities[handle] = row
        for handle, entity_id in zip(handles, ids or (), strict=False):
            self._bind(handle, entity_id)
        self.move(handles, places)

    def despawn(self, handles: list[Handle]) -> None:
        self._refuse(self.dead_faults(handles) | self.duplicate_faults(handles))
        for handle in handles:
            self._leave(handle)
            del self.entities[handle]
            place = self.place_by_entity.pop(handle, None)
            if place is not None:
                place.entity = None
            if handle in self.id_of:
                del self.handle_of[self.id_of.pop(handle)]

    def add(self, handles: list[Handle], components: dict[type, list[Row]]) -> None:
        self._refuse(self.dead_faults(handles) | self.duplicate_faults(handles))
        for component, rows in components.items():
            for handle, row in zip(handles, rows, strict=True):
                self.entities[handle][component] = dict(row)

    def remove(self, handles: list[Handle], components: list[type]) -> None:
        self._refuse(
            self.dead_faults(handles)
            | self.duplicate_faults(handles)
            | self.lacking_faults(handles, components)
        )
        for handle in handles:
            for component in components:
                del self.entities[handle][component]

    def set(self, handles: list[Handle], components: dict[type, list[Row]]) -> None:
        """Overwrite the fields that the rows have; of the same entity twice, the last wins."""
        self._refuse(self.dead_faults(handles) | self.lacking_faults(handles, list(components)))
        for component, rows in components.items():
            for handle, row in zip(handles, rows, strict=True):
                self.entities[handle][component].update(row)

    def get(self, handles: list[Handle], component: type) -> list[Row]:
        self._refuse(self.dead_faults(handles) | self.lacking_faults(handles, [component]))
        return [self.entities[handle][component] for handle in handles]

    def has(self, handles: list[Handle], component: type) -> list[bool]:
        self._refuse(self.dead_faults(handles))
        return [component in self.entities[handle] for handle in handles]

    def move(self, handles: list[Handle], places: list[PlaceKey]) -> None:
        """Move one after the other, so that moves of the same entity chain."""
        self._refuse(self.dead_faults(handles) | self._place_faults(places))
        for handle, key in zip(handles, places, strict=True):
            self._leave(handle)
            if key is not None:
                place = self._place(key)
                place.members.add(handle)
                self.place_of[handle] = place

    def define(self, definition: str, components: dict[type, Row]) -> None:
        if definition in self.definitions:
            raise Refused({"DuplicateContentError"})
        self.definitions[definition] = components

    # -- faults -----------------------------------------------------------------------

    def dead_faults(self, handles: list[Handle]) -> set[str]:
        return {"StaleHandleError"} if any(h not in self.entities for h in handles) else set()

    def duplicate_faults(self, handles: list[Handle]) -> set[str]:
        return {"DuplicateEntityError"} if max(Counter(handles).values(), default=0) > 1 else set()

    def lacking_faults(self, handles: list[Handle], components: list[type]) -> set[str]:
        lacks = any(
            component not in self.entities[handle]
            for handle in handles
            if handle in self.entities
            for component in components
        )
        return {"ComponentNotFoundError"} if lacks else set()

    def _place_faults(self, places: list[PlaceKey]) -> set[str]:
        return self.dead_faults([p for p in places if isinstance(p, int)])

    def _refuse(self, faults: set[str]) -> None:
        if faults:
            raise Refused(faults)

    # -- parts ------------------------------------------------------------------------

    def _bind(self, handle: Handle, entity_id: str) -> None:
        self.handle_of[entity_id] = handle
        self.id_of[handle] = entity_id
        place = self.place_by_name.get(entity_id)
        if place is not None:
            place.entity = place.was = handle
            self.place_by_entity[handle] = place

    def _place(self, key: str | Handle) -> Place:
        """Find the place of a name or an entity; a new one knows both of its sides."""
        by = self.place_by_name if isinstance(key, str) else self.place_by_entity
        if key in by:
            return by[key]  # type: ignore[index]
        name = key if isinstance(key, str) else self.id_of.get(key)
        entity = self.handle_of.get(key) if isinstance(key, str) else key
        place = Place(name, entity, entity)
        self.places.append(place)
        if name is not None:
            self.place_by_name[name] = place
        if entity is not None:
            self.place_by_entity[entity] = place
        return place

    def _leave(self, handle: Handle) -> None:
        place = self.place_of.pop(handle, None)
        if place is not None:
            place.members.discard(handle)
