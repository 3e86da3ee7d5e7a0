"""A small world with its types and definitions, and items to try on it, good and bad."""

from __future__ import annotations

import copy
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd

import ecs_columnar as ecs
from ecs_columnar.services import BatchOperationManager, BatchSpatialIndexManager
from ecs_columnar.services.catalogue import Catalogue, catalogue_of
from ecs_columnar.services.entity import Entity
from ecs_columnar.services.entity_lifecycle_manager import EntityLifecycleManager

SCHEMAS: dict[str, Any] = {
    "core:health": {
        "type": "object",
        "properties": {"points": {"type": "integer", "minimum": 0}},
        "required": ["points"],
        "additionalProperties": False,
    },
    "core:name": {
        "type": "object",
        "properties": {"text": {"type": "string", "minLength": 1}},
        "required": ["text"],
        "additionalProperties": False,
    },
    "core:hidden": {"type": "object", "properties": {}, "additionalProperties": False},
}

DEFINITIONS: dict[str, dict[str, Any]] = {
    "core:actor": {"core:name": {"text": "?"}, "core:health": {"points": 100}},
    "core:item": {"core:name": {"text": "thing"}, "core:position": {"locationId": " shop "}},
    "core:place": {},
}

TYPES = [*SCHEMAS, "core:position"]


def new_world(extra: dict[str, Any] | None = None) -> ecs.World:
    """Make a world with the types and definitions of this file."""
    return furnished(ecs.World(), extra)


def furnished(world: ecs.World, extra: dict[str, Any] | None = None) -> ecs.World:
    """Give a world the types and definitions of this file."""
    catalogue = catalogue_of(world)
    for type_id, schema in SCHEMAS.items():
        catalogue.components.register({"id": type_id, "dataSchema": schema})
    for definition_id, components in {**DEFINITIONS, **(extra or {})}.items():
        catalogue.definitions.register({"id": definition_id, "components": components})
    return world


def catalogue(world: ecs.World) -> Catalogue:
    return catalogue_of(world)


def operations(world: ecs.World, **options: Any) -> BatchOperationManager:
    return BatchOperationManager(world, **options)


def spatial(world: ecs.World, **options: Any) -> BatchSpatialIndexManager:
    return BatchSpatialIndexManager(world, **options)


def lifecycle(world: ecs.World, **options: Any) -> EntityLifecycleManager:
    return EntityLifecycleManager(world, **options)


def create(i: int | str, definition_id: str = "core:actor", **overrides: Any) -> dict[str, Any]:
    """Make an item to create: ``create(3, health={"points": 1})`` is "e3"."""
    instance_id = f"e{i}" if isinstance(i, int) else i
    opts: dict[str, Any] = {"instance_id": instance_id}
    if overrides:
        opts["component_overrides"] = {f"core:{name}": data for name, data in overrides.items()}
    return {"definition_id": definition_id, "opts": opts}


def add(i: int | str, name: str, data: Any) -> dict[str, Any]:
    instance_id = f"e{i}" if isinstance(i, int) else i
    return {
        "instance_id": instance_id,
        "component_type_id": f"core:{name}",
        "component_data": data,
    }


def populated(n: int, **options: Any) -> ecs.World:
    """Make a world with the actors "e0" to "e<n-1>"."""
    world = new_world(**options)
    operations(world).batch_create_entities([create(i) for i in range(n)])
    return world


def state(world: ecs.World) -> dict[str, Any]:
    """Return all that the services say of the entities of a world, by id."""
    manager = lifecycle(world)
    return {name: facts(manager.get_entity(name)) for name in world.ids}


def facts(entity: Entity) -> dict[str, Any]:
    return {
        "definition": entity.definition_id,
        "components": [
            (t, entity.get_component_data(t), entity.has_component_override(t))
            for t in entity.component_type_ids
        ],
        "location": entity.location_id,
    }


def members(world: ecs.World) -> dict[str, set[str]]:
    """Return who is in each place that somebody is in."""
    found = {}
    for place in world.locations:
        if world.locations.count(place):
            found[place] = set(world.ids.names(world.locations[place]).tolist())
    return found


# --- items, good and bad -------------------------------------------------------------

ids = st.sampled_from([f"e{i}" for i in range(12)])
bad_ids = st.sampled_from(["", "  ", None, 1.5, float("nan"), [], True])
definitions = st.sampled_from([*DEFINITIONS, "core:unknown"])
places = st.sampled_from(["inn", " inn ", "harbour", "e0", "e1"])
no_places = st.sampled_from([None, "", " "])
health = st.integers(0, 3).map(lambda points: {"points": points})
good_data: dict[str, st.SearchStrategy[Any]] = {
    "core:health": health,
    "core:name": st.sampled_from(["ann", "ben"]).map(lambda text: {"text": text}),
    "core:hidden": st.just({}),
    "core:position": st.one_of(places, no_places).map(lambda place: {"locationId": place}),
}
bad_data = st.sampled_from(
    [None, 3, [], {"points": -1}, {"points": "x"}, {"text": ""}, {"text": 1}, {"locationId": 1.5},
     {"locationID": "inn"}, {"x": 1}]
)  # fmt: skip
unknown_types = st.sampled_from(["core:unknown", "x"])


@st.composite
def typed(draw: st.DrawFn, *, bad: bool = True) -> tuple[str, Any]:
    """Draw a component type, and data that mostly fit it."""
    kind = draw(st.integers(0, 9 if bad else 7))
    if kind == 9:
        return draw(unknown_types), draw(bad_data)
    type_id = draw(st.sampled_from(TYPES))
    return type_id, draw(bad_data if kind == 8 else good_data[type_id])


@st.composite
def creations(draw: st.DrawFn, *, bad: bool = True) -> Any:
    """Draw an item to create."""
    if bad and draw(st.integers(0, 14)) == 0:
        return draw(st.sampled_from([None, 5, "x", {}, {"opts": {}}, {"definition_id": 3}]))
    known = st.sampled_from([*DEFINITIONS])
    instance_id = draw(st.one_of(ids, ids, ids, bad_ids.filter(lambda i: i is not None)))
    opts: dict[str, Any] = {"instance_id": instance_id if bad else draw(ids)}
    if bad and draw(st.integers(0, 14)) == 0:
        opts["component_overrides"] = draw(st.sampled_from([[], "x", 5]))
    elif draw(st.booleans()):
        opts["component_overrides"] = dict(draw(st.lists(typed(bad=bad), max_size=3)))
    return {"definition_id": draw(definitions if bad else known), "opts": opts}


@st.composite
def additions(draw: st.DrawFn, *, bad: bool = True) -> Any:
    """Draw an item to add a component."""
    if bad and draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([None, 5, {}, {"instance_id": "e1"}, add_without_data()]))
    type_id, data = draw(typed(bad=bad))
    instance_id = draw(st.one_of(ids, ids, ids, bad_ids)) if bad else draw(ids)
    return {"instance_id": instance_id, "component_type_id": type_id, "component_data": data}


def add_without_data() -> dict[str, Any]:
    return {"instance_id": "e1", "component_type_id": "core:health"}


@st.composite
def removals(draw: st.DrawFn, *, bad: bool = True) -> Any:
    """Draw an item to remove a component."""
    if bad and draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([None, {}, {"instance_id": "e1"}]))
    instance_id = draw(st.one_of(ids, ids, ids, bad_ids)) if bad else draw(ids)
    return {"instance_id": instance_id, "component_type_id": draw(st.sampled_from(TYPES))}


@st.composite
def placings(draw: st.DrawFn, *, key: str = "location_id", bad: bool = True) -> Any:
    """Draw an item to put an entity into a place."""
    if bad and draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([None, 5, {}, {"entity_id": "e1"}, {key: "inn"}]))
    if not bad:
        return {"entity_id": draw(ids), key: draw(places)}
    place = draw(st.one_of(places, places, no_places))
    return {"entity_id": draw(st.one_of(ids, ids, ids, bad_ids)), key: place}


def items_of(operation: str, *, bad: bool = True) -> st.SearchStrategy[Any]:
    """Return what an operation of the reference takes."""
    choices = {
        "create": creations(bad=bad),
        "add": additions(bad=bad),
        "remove": removals(bad=bad),
        "despawn": st.one_of(ids, ids, bad_ids) if bad else ids,
        "place": placings(bad=bad),
        "move": placings(key="new_location_id", bad=bad),
        "unplace": st.one_of(ids, ids, bad_ids) if bad else ids,
    }
    return choices[operation]


OPERATIONS = ("create", "add", "remove", "despawn", "place", "move", "unplace")


@st.composite
def calls(draw: st.DrawFn, *, bad: bool = True, max_items: int = 14) -> tuple[str, list[Any]]:
    """Draw an operation and its items."""
    operation = draw(st.sampled_from(OPERATIONS))
    items = draw(st.lists(items_of(operation, bad=bad), min_size=1, max_size=max_items))
    return operation, copy.deepcopy(items)


# --- the same items as columns -------------------------------------------------------


def in_column_order(operation: str, items: list[Any]) -> list[Any]:
    """Give the overrides of all items the same order: that of their columns."""
    if operation != "create":
        return items
    given = [item["opts"].get("component_overrides", {}) for item in items]
    order = list(dict.fromkeys(type_id for each in given for type_id in each))
    ordered = copy.deepcopy(items)
    for item, each in zip(ordered, given, strict=True):
        if each:
            item["opts"]["component_overrides"] = {t: each[t] for t in order if t in each}
    return ordered


def to_columns(operation: str, items: list[Any]) -> dict[str, Any]:
    """Write well-formed items as a mapping of columns."""
    if operation == "create":
        columns: dict[str, list[Any]] = {
            "definition_id": [item["definition_id"] for item in items],
            "instance_id": [item["opts"]["instance_id"] for item in items],
        }
        overrides = [item["opts"].get("component_overrides", {}) for item in items]
        for type_id in dict.fromkeys(t for each in overrides for t in each):
            columns[type_id] = [each.get(type_id) for each in overrides]
    elif operation in ("despawn", "unplace"):
        columns = {"instance_id" if operation == "despawn" else "entity_id": items}
    else:
        columns = {name: [item[name] for item in items] for name in items[0]}
    return {name: objects(values) for name, values in columns.items()}


def objects(values: list[Any]) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def to_frame(operation: str, items: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(to_columns(operation, items))
