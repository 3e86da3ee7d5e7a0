"""One item whose like is common: the short way to what a batch of one would do.

Half of a batch of one is looking at arrays of one. A function here looks at the
item itself, with the same codecs and the same catalogue. It refuses nothing: what
is not plainly right, or is rare, it leaves alone and returns None, and the batch
of one decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.dtypes import HANDLE, NO_ENTITY
from ecs_columnar.encoded import Encoded
from ecs_columnar.encoding import encode
from ecs_columnar.operations.spawn import Group
from ecs_columnar.schema import Component
from ecs_columnar.services.additions import Addition, ChangedComponents
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.creation import CreatedEntities, Creation, assembled, spawned
from ecs_columnar.services.identities import new_ids
from ecs_columnar.services.instances import (
    Instance,
    Kind,
    TypeIds,
    kind_of,
    with_override,
    without_override,
    write,
)
from ecs_columnar.services.lookup import find_one, is_handle
from ecs_columnar.services.relocation import moved
from ecs_columnar.services.removals import Removal
from ecs_columnar.services.spatial import PlacedEntities, Placing
from ecs_columnar.services.undo import whole
from ecs_columnar.world import World

_ALL: Final = slice(None)


def create(operation: Creation, item: Mapping[str, Any]) -> CreatedEntities | None:
    """Create an entity of a known definition, under a free id, with overrides that fit."""
    catalogue, definition_id = operation.catalogue, item["definition_id"]
    if type(definition_id) is not str or definition_id not in catalogue.definitions:
        return None
    ids = _free_id(catalogue.world, item["opts"]["instance_id"])
    given = _overrides(catalogue, item["opts"]["component_overrides"])
    prefab = catalogue.prefab(definition_id)
    if ids is None or given is None or is_handle(prefab.place):
        return None
    components, place = assembled(catalogue, prefab, given)
    handles = spawned(catalogue.world, [Group(components, _ALL)], ids, place, 0)
    return CreatedEntities(catalogue, handles)


def add(operation: Addition, item: Mapping[str, Any]) -> ChangedComponents | None:
    """Add a component that lies in columns to a living entity."""
    catalogue, type_id = operation.catalogue, item["component_type_id"]
    entities = _target(catalogue, item)
    component = None if entities is None else _component(catalogue, type_id, item["component_data"])
    if entities is None or component is None:
        return None
    kind = kind_of(catalogue.world, int(entities[0]))
    overrides = with_override(kind.overrides, type_id)
    is_noted = _is_noted(kind, overrides)
    with nullcontext() if is_noted else whole(catalogue):
        catalogue.world.add(entities, component)
        if not is_noted:
            catalogue.world.set(entities, Instance, overrides=write(overrides))
    return ChangedComponents(entities)


def remove(operation: Removal, item: Mapping[str, Any]) -> ChangedComponents | None:
    """Remove an override that lies in columns from a living entity, where it has it."""
    catalogue, type_id = operation.catalogue, item["component_type_id"]
    entities = _target(catalogue, item)
    if entities is None:
        return None
    kind = kind_of(catalogue.world, int(entities[0]))
    if catalogue.is_override(int(entities[0]), type_id, kind):
        with whole(catalogue):
            _take_away(catalogue, entities, type_id, kind)
    return ChangedComponents(entities)


def place(operation: Placing, item: Mapping[str, Any]) -> PlacedEntities | None:
    """Put a living entity into a place that is named."""
    catalogue = operation.catalogue
    name = item["new_location_id" if operation.operation == "move" else "location_id"]
    handle = find_one(catalogue.world, item["entity_id"])
    if handle == NO_ENTITY or operation.is_strict or type(name) is not str or not name.strip():
        return None
    entities = np.array([handle], HANDLE)
    moves = moved(catalogue.world, entities, name)
    return PlacedEntities(operation, entities, [item["entity_id"]], np.zeros(1, np.intp), moves)


def _free_id(world: World, instance_id: Any) -> Encoded | None:
    """Return an id that can be given, a new one for None; None for any other."""
    if instance_id is None:
        return new_ids(1)
    if type(instance_id) is not str or not instance_id.strip() or instance_id in world.ids:
        return None
    return encode(instance_id)


def _overrides(catalogue: Catalogue, given: Any) -> dict[str, Component] | None:
    """Return the component of each type, None if one does not fit, or has a handle as place."""
    found: dict[str, Component] = {}
    if given is None or type(given) is not dict:
        return found if given is None else None
    for type_id, data in given.items():
        component: Any = _component(catalogue, type_id, data)
        if component is None:
            return None
        if type_id == catalogue.place.type_id and is_handle(component.place[0]):
            return None
        found[type_id] = component
    return found


def _component(catalogue: Catalogue, type_id: Any, data: Any) -> Component | None:
    """Return data as a component; None if there is no such type, or it does not fit."""
    if type_id not in catalogue.components:
        return None
    columns = catalogue.codec(type_id).to_columns([data])
    return None if columns.errors else columns.at(_ALL)


def _target(catalogue: Catalogue, item: Mapping[str, Any]) -> NDArray[np.int64] | None:
    """Return the entity of an item, None if it is none, or its type lies in no column."""
    type_id = item["component_type_id"]
    if type_id not in catalogue.components or type_id == catalogue.place.type_id:
        return None
    handle = find_one(catalogue.world, item["instance_id"])
    return None if handle == NO_ENTITY else np.array([handle], HANDLE)


def _take_away(catalogue: Catalogue, entities: NDArray[np.int64], type_id: str, kind: Kind) -> None:
    """Write the definition's component back, or remove it where the definition has none."""
    if type_id in catalogue.types_of(kind):
        prefab = catalogue.prefab(str(kind.definition_id))
        catalogue.world.add(entities, prefab.components[type_id])
    else:
        catalogue.world.remove(entities, catalogue.class_of(type_id))
    overrides = without_override(kind.overrides, type_id)
    if not _is_noted(kind, overrides):
        catalogue.world.set(entities, Instance, overrides=write(overrides))


def _is_noted(kind: Kind, overrides: TypeIds) -> bool:
    """Tell whether there is nothing to write down: what the services have not made has no kind."""
    return kind.definition_id is None or overrides == kind.overrides
