"""The services in plain Python: dicts, loops, one item at a time.

It knows the component types of `tests.services_world` and nothing of columns.
An error is the name of its class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.services_world import DEFINITIONS

POSITION = "core:position"


class RefusedError(Exception):
    """An item fails; the argument is the name of the error."""


@dataclass
class ReferenceEntity:
    definition_id: str
    overrides: dict[str, Any] = field(default_factory=dict)
    place: str | None = None

    @property
    def defined(self) -> Mapping[str, Any]:
        return DEFINITIONS[self.definition_id]

    def defined_place(self) -> str | None:
        return trimmed(self.defined.get(POSITION, {}).get("locationId"))

    def has(self, type_id: str) -> bool:
        if type_id in self.defined or type_id in self.overrides:
            return True
        return type_id == POSITION and self.place is not None

    def has_override(self, type_id: str) -> bool:
        if type_id in self.overrides:
            return True
        return type_id == POSITION and self.place != self.defined_place()

    def data(self, type_id: str) -> Any:
        if not self.has(type_id):
            return None
        if type_id == POSITION:
            return {"locationId": self.place}
        return self.overrides.get(type_id, self.defined.get(type_id))


class ReferenceServices:
    """Entities by id, and what each call does to them."""

    def __init__(self) -> None:
        self.entities: dict[str, ReferenceEntity] = {}

    # --- one item --------------------------------------------------------------------

    def create(self, item: Any) -> Any:
        definition_id = get(item, "definition_id")
        opts = get(item, "opts")
        if not is_id(definition_id) or not (opts is None or isinstance(opts, Mapping)):
            raise RefusedError("InvalidArgumentError")
        overrides = get(opts, "component_overrides")
        overrides = {} if overrides is None else overrides
        if not isinstance(overrides, Mapping):
            raise RefusedError("InvalidArgumentError")
        if definition_id not in DEFINITIONS:
            raise RefusedError("DefinitionNotFoundError")
        instance_id = get(opts, "instance_id")
        if not is_id(instance_id):
            raise RefusedError("InvalidInstanceIdError")
        if instance_id in self.entities:
            raise RefusedError("DuplicateEntityError")
        for type_id, data in overrides.items():
            validate(type_id, data)
        entity = ReferenceEntity(definition_id, dict(overrides))
        entity.place = entity.defined_place()
        if POSITION in overrides:
            entity.place = trimmed(overrides[POSITION]["locationId"])
        self.entities[instance_id] = entity
        return instance_id

    def add(self, item: Any) -> Any:
        instance_id, type_id = get(item, "instance_id"), get(item, "component_type_id")
        if not is_id(instance_id) or not is_id(type_id):
            raise RefusedError("InvalidArgumentError")
        entity = self.find(instance_id)
        if not isinstance(item, Mapping) or "component_data" not in item:
            raise RefusedError("InvalidArgumentError")
        validate(type_id, item["component_data"])
        entity.overrides[type_id] = item["component_data"]
        if type_id == POSITION:
            entity.place = trimmed(item["component_data"]["locationId"])
        return True

    def remove(self, item: Any) -> Any:
        instance_id, type_id = get(item, "instance_id"), get(item, "component_type_id")
        if not is_id(instance_id) or not is_id(type_id):
            raise RefusedError("InvalidArgumentError")
        entity = self.find(instance_id)
        entity.overrides.pop(type_id, None)
        if type_id == POSITION:
            entity.place = entity.defined_place()
        return True

    def despawn(self, item: Any) -> Any:
        if not is_id(item):
            raise RefusedError("InvalidArgumentError")
        self.find(item)
        del self.entities[item]
        return item

    def place(self, item: Any) -> Any:
        entity, place = self._entity_and_place(item, "location_id")
        entity.place = place
        return {"entity_id": item["entity_id"], "location_id": place, "operation": "add"}

    def move(self, item: Any) -> Any:
        entity, place = self._entity_and_place(item, "new_location_id")
        old, entity.place = entity.place, place
        return {
            "entity_id": item["entity_id"],
            "old_location_id": old,
            "new_location_id": place,
            "moved": old != place,
            "operation": "move",
        }

    def unplace(self, item: Any) -> Any:
        if not is_id(item):
            raise RefusedError("InvalidArgumentError")
        entity = self.entities.get(item)
        removed = entity is not None and entity.place is not None
        if entity is not None:
            entity.place = None
        return {"entity_id": item, "removed": removed, "operation": "remove"}

    # --- many ------------------------------------------------------------------------

    def run(self, operation: str, items: list[Any]) -> tuple[list[Any], list[tuple[int, str]]]:
        """Do an operation item by item; return successes, and failures with their places."""
        call: Callable[[Any], Any] = getattr(self, operation)
        successes, failures = [], []
        for i, item in enumerate(items):
            try:
                successes.append(call(item))
            except RefusedError as error:
                failures.append((i, str(error)))
        return successes, failures

    def find(self, instance_id: str) -> ReferenceEntity:
        if instance_id not in self.entities:
            raise RefusedError("EntityNotFoundError")
        return self.entities[instance_id]

    def _entity_and_place(self, item: Any, key: str) -> tuple[ReferenceEntity, str]:
        instance_id, place = get(item, "entity_id"), get(item, key)
        if not is_id(instance_id):
            raise RefusedError("InvalidArgumentError")
        entity = self.find(instance_id)
        if not is_id(place):
            raise RefusedError("InvalidArgumentError")
        return entity, place.strip()


def validate(type_id: str, data: Any) -> None:
    if not _is_valid(type_id, data):
        raise RefusedError("ValidationError")


def _is_valid(type_id: str, data: Any) -> bool:
    if not isinstance(data, Mapping):
        return False
    if type_id == POSITION:
        place = data.get("locationId")
        return set(data) == {"locationId"} and (place is None or isinstance(place, str))
    if type_id == "core:health":
        points = data.get("points")
        return set(data) == {"points"} and type(points) is int and points >= 0
    if type_id == "core:name":
        text = data.get("text")
        return set(data) == {"text"} and isinstance(text, str) and len(text) > 0
    return type_id == "core:hidden" and not data


def get(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, Mapping) else None


def is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def trimmed(place: str | None) -> str | None:
    return (place or "").strip() or None
