"""What is rare: handles as places in data, columns of whole data, odd values, hostile items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.services import EntityLifecycleManager, WorldLoadingService
from ecs_columnar.services.place_codec import PlaceCodec
from tests.services_world import (
    add,
    catalogue,
    create,
    lifecycle,
    members,
    new_world,
    operations,
    populated,
    spatial,
    state,
)


def kinds(result: Any) -> list[tuple[int, str]]:
    return [(failure.index, type(failure.error).__name__) for failure in result.failures]


def room(world: ecs.World, name: str | None = None) -> int:
    return world.spawn_one(id=name).handle


# --- handles as places ---------------------------------------------------------------


def test_a_place_in_data_can_be_a_handle() -> None:
    world = populated(2)
    named, nameless = room(world, "hall"), room(world)
    dead = room(world)
    world.despawn(np.array([dead]))
    items = [
        create("a", position={"locationId": named}),
        create("b", position={"locationId": nameless}),
        create("c", position={"locationId": "hall"}),
        create("d", position={"locationId": dead}),
    ]

    created = operations(world).batch_create_entities(items)
    added = operations(world).batch_add_components(
        [add("e0", "position", {"locationId": named}), add("e1", "position", {"locationId": dead})]
    )

    assert kinds(created) == [(3, "ValidationError")]
    assert kinds(added) == [(1, "ValidationError")]
    assert "$.locationId: this entity is dead" in str(added.failures[0].error)
    there = world.ids.names(world.locations["hall"]).tolist()
    assert sorted(there) == ["a", "c", "e0"]
    assert lifecycle(world).get_entity("b").location_id == ecs.format_handle(nameless)


@pytest.mark.parametrize("kind", [np.array, list, pd.Series])
def test_columns_of_places_can_be_handles(kind: Callable[[Any], Any]) -> None:
    world = new_world()
    rooms = world.spawn(2, ids=["hall", "yard"])
    dead = world.spawn(1)
    world.despawn(dead)
    places = [int(rooms[0]), int(rooms[1]), int(dead[0]), int(rooms[0])]
    columns = {
        "definition_id": "core:actor",
        "instance_id": ["a", "b", "c", "d"],
        "core:position.locationId": kind(places),
    }

    created = operations(world).batch_create_entities(columns)
    placed = spatial(world).batch_add(
        {"entity_id": ["a", "b", "d"], "location_id": kind(places[1:])}
    )

    assert kinds(created) == [(2, "ValidationError")]
    assert kinds(placed) == [(1, "StaleHandleError")]
    assert members(world) == {"yard": {"a", "b"}, "hall": {"d"}}


def test_a_definition_can_put_its_entities_into_an_entity() -> None:
    world = new_world()
    hall = room(world, "hall")
    catalogue(world).definitions.register(
        {"id": "core:guest", "components": {"core:position": {"locationId": hall}}}
    )

    guest = lifecycle(world).create_entity_instance("core:guest")

    assert guest.location_id == "hall"
    assert not guest.has_component_override("core:position")


def test_strict_moves_take_handles_for_where_an_entity_is() -> None:
    world = populated(1)
    hall = room(world, "hall")
    world.move("e0", "hall")
    update = {"entity_id": "e0", "old_location_id": hall, "new_location_id": "yard"}

    again = spatial(world).batch_move([update, update], strict=True)

    assert kinds(again) == [(1, "InvalidArgumentError")]
    assert members(world) == {"yard": {"e0"}}


def test_entities_themselves_are_ids() -> None:
    world = populated(2)
    entity = lifecycle(world).get_entity("e0")

    added = operations(world).batch_add_components(
        [add("e0", "hidden", {}) | {"instance_id": entity}]
    )
    lifecycle(world).remove_entity_instance(entity)  # type: ignore[arg-type]

    assert added.successes == [True]
    with pytest.raises(ecs.StaleHandleError):
        lifecycle(world).get_entity(entity)  # type: ignore[arg-type]
    with pytest.raises(ecs.EntityNotFoundError):
        lifecycle(world).get_entity("e0")


# --- columns -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags",
    [
        np.array([True, False, True]),
        [True, False, True],
        [{}, None, {}],
        [True, None, True],
        pd.array([True, None, True], "boolean"),
    ],
    ids=repr,
)
def test_components_without_fields_are_columns_of_booleans(flags: Any) -> None:
    world = new_world()
    columns = {"definition_id": "core:place", "instance_id": ["a", "b", "c"], "core:hidden": flags}

    result = operations(world).batch_create_entities(columns)

    assert [entity.has_component("core:hidden") for entity in result.successes] == [
        True,
        False,
        True,
    ]


def test_components_without_fields_are_added_and_loaded_as_columns_of_booleans() -> None:
    world = populated(3)
    names = ["a", "b", "c"]

    added = operations(world).batch_add_components(
        {"instance_id": ["e0", "e1"], "core:hidden": [True, True]}
    )
    refused = operations(world).batch_add_components(
        {"instance_id": ["e2"], "core:hidden": [False]}
    )
    loaded = WorldLoadingService(world).load_world(
        {
            "instance_id": names,
            "definition_id": "core:place",
            "core:hidden": np.array([True, False, True]),
        }
    )

    assert added.successes == [True, True]
    assert kinds(refused) == [(0, "ValidationError")]
    assert (loaded.instantiated_count, loaded.components.success_count) == (3, 2)
    hidden = [name for name in ["e0", "e1", "e2", *names] if has_hidden(world, name)]
    assert hidden == ["e0", "e1", "a", "c"]


@pytest.mark.parametrize(
    "columns",
    [
        {"instance_id": ["a", "b"], "component_overrides": [{"core:health": {"points": 4}}, None]},
        {
            "opts.instanceId": ["a", "b"],
            "opts.componentOverrides": [{"core:health": {"points": 4}}, None],
        },
        {
            "opts": [
                {"instance_id": "a", "component_overrides": {"core:health": {"points": 4}}},
                {"instance_id": "b"},
            ]
        },
    ],
)
@pytest.mark.parametrize("kind", [dict, pd.DataFrame])
def test_columns_may_hold_a_mapping_an_item(columns: dict[str, Any], kind: Any) -> None:
    world = new_world()
    manager = operations(world)
    definitions = {"definition_id": ["core:actor", "core:actor"]}

    created = manager.batch_create_entities(kind(definitions | columns))
    again = manager.batch_create_entities(kind(definitions | columns))

    assert [(entity.id, points(entity)) for entity in created.successes] == [("a", 4), ("b", 100)]
    assert kinds(again) == [(0, "DuplicateEntityError"), (1, "DuplicateEntityError")]
    assert set(again.failures[0].item) == {"definition_id", *columns}
    with pytest.raises(ecs.InvalidArgumentError, match="one of the two ways"):
        manager.batch_create_entities({**definitions, **columns, "core:health.points": [1, 2]})


@pytest.mark.parametrize("name", ["components", "componentOverrides"])
def test_a_world_is_loaded_from_a_column_of_mappings(name: str) -> None:
    world = new_world()
    columns = {
        "instanceId": ["a", "b"],
        "definitionId": "core:actor",
        name: [{"core:health": {"points": 4}}, None],
    }
    service = WorldLoadingService(world)

    loaded = service.load_world(pd.DataFrame(columns))

    assert [points(entity) for entity in loaded.entities.successes] == [4, 100]
    with pytest.raises(ecs.InvalidArgumentError, match="one of the two ways"):
        service.load_world({**columns, "core:health.points": [1, 2]})
    assert len(world) == 2


def points(entity: Any) -> int:
    return int(entity.get_component_data("core:health")["points"])


def has_hidden(world: ecs.World, name: str) -> bool:
    return lifecycle(world).get_entity(name).has_component("core:hidden")


def test_a_column_of_an_unknown_type_fails_the_rows_that_have_it() -> None:
    columns = {
        "definition_id": "core:place",
        "instance_id": ["a", "b"],
        "core:nothing.x": [1, None],
    }

    result = operations(new_world()).batch_create_entities(columns)

    assert [entity.id for entity in result.successes] == ["b"]
    assert kinds(result) == [(0, "ValidationError")]


def test_ids_of_a_column_that_are_no_strings_fail() -> None:
    columns = {"definition_id": "core:place", "instance_id": np.array([1.5, np.nan, 2.0])}
    mixed = {"definition_id": "core:place", "instance_id": np.array(["a", 5, None], object)}

    numbers = operations(new_world()).batch_create_entities(columns)
    both = operations(new_world()).batch_create_entities(mixed)

    assert kinds(numbers) == [(0, "InvalidInstanceIdError"), (2, "InvalidInstanceIdError")]
    assert kinds(both) == [(1, "InvalidInstanceIdError")]
    assert len(both.successes[1].id) == 36


def test_components_of_several_types_are_added_from_one_frame() -> None:
    world = populated(4)
    frame = pd.DataFrame(
        {
            "instance_id": ["e0", "e1", "e2", "e3"],
            "component_type_id": ["core:health", "core:name", "core:health", "core:nothing"],
            "core:health.points": [1, None, -1, 1],
            "core:name.text": [None, "x", None, None],
        }
    )

    result = operations(world).batch_add_components(frame)

    assert kinds(result) == [(2, "ValidationError"), (3, "ValidationError")]
    assert lifecycle(world).get_entity("e0").get_component_data("core:health") == {"points": 1}
    assert lifecycle(world).get_entity("e1").get_component_data("core:name") == {"text": "x"}


def test_columns_of_several_types_need_a_column_that_says_which() -> None:
    columns = {"instance_id": ["e0"], "core:health.points": [1], "core:name.text": ["x"]}

    result = operations(populated(1)).batch_add_components(columns)

    assert kinds(result) == [(0, "InvalidArgumentError")]


def test_data_of_objects_comes_with_gaps() -> None:
    columns = {
        "instance_id": ["e0", "e1"],
        "component_type_id": "core:health",
        "component_data": [{"points": 1}, None],
    }

    result = operations(populated(2)).batch_add_components(columns)

    assert kinds(result) == [(1, "ValidationError")]


# --- odd items -----------------------------------------------------------------------


class Angry:
    """An object whose every attribute raises."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


ODD_ITEMS: list[Any] = [
    Angry(),
    object(),
    {"definition_id": []},
    {"definition_id": {"a": 1}},
    {"definition_id": b"core:actor"},
    {b"definition_id": "core:actor"},
    {"definition_id": "core:actor", "opts": []},
    {"definition_id": "core:actor", "opts": {"instance_id": []}},
    {"definition_id": "core:actor", "opts": {"instance_id": b"x"}},
    {"definition_id": "core:actor", "opts": {"component_overrides": {5: {}}}},
    {"definition_id": "core:actor", "opts": {"component_overrides": {None: {}}}},
    {"definition_id": True},
    {"definition_id": 1},
    np.int64(3),
    [["definition_id", "core:actor"]],
]


@pytest.mark.parametrize("i", range(len(ODD_ITEMS)))
def test_an_odd_item_is_one_failure(i: int) -> None:
    world = new_world()

    result = operations(world).batch_create_entities([create(0), ODD_ITEMS[i], create(1)])

    assert [entity.id for entity in result.successes] == ["e0", "e1"]
    assert [failure.index for failure in result.failures] == [1]
    assert isinstance(result.failures[0].error, ecs.EcsColumnarError)
    assert str(result.failures[0].error)
    world.check()


def test_other_mappings_are_items_too() -> None:
    item: Any = defaultdict(dict, create("a", health={"points": 1}))
    frozen = MappingProxyType(
        {
            "definition_id": "core:actor",
            "opts": MappingProxyType(
                {
                    "instance_id": "b",
                    "component_overrides": MappingProxyType(
                        {"core:health": MappingProxyType({"points": 2})}
                    ),
                }
            ),
        }
    )

    result = operations(new_world()).batch_create_entities([item, frozen])

    assert [e.get_component_data("core:health") for e in result.successes] == [
        {"points": 1},
        {"points": 2},
    ]
    assert set(item) == {"definition_id", "opts"}


@given(
    st.lists(
        st.one_of(
            st.text(max_size=6),
            st.sampled_from(["\x00", "a\x00b", "\ud800", "é", "é", " a ", "\u3000", "x" * 300]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_any_text_is_an_id_unless_it_is_blank(texts: list[str]) -> None:
    world = new_world()
    items = [create(text) for text in texts]

    result = operations(world).batch_create_entities(items)

    expected = [text for text in dict.fromkeys(texts) if text.strip()]
    assert [entity.id for entity in result.successes] == expected
    assert operations(world).batch_remove_entities(expected or ["x"]).success_count == len(expected)


# --- the rest ------------------------------------------------------------------------


def test_a_codec_without_columns_other_than_the_place_cannot_be_used() -> None:
    world = new_world()
    catalogue(world).components.register(PlaceCodec("my:place", "in"))

    with pytest.raises(ecs.SchemaError, match="no component class"):
        lifecycle(world).create_entity_instance(
            "core:place", component_overrides={"my:place": {"in": "x"}}
        ).has_component("my:place")


def test_events_say_what_they_are() -> None:
    world = new_world()
    heard: list[Any] = []
    catalogue(world).events.on("component_added", heard.append)
    operations(world).batch_create_entities([create(0), create(1)])
    lifecycle(world).batch_add_components([add(i, "health", {"points": i}) for i in (0, 1)])

    (event,) = heard
    assert repr(event) == "<Event component_added: 2 entities>"
    assert event.old == [{"points": 100}] * 2
    assert event.new == [{"points": 0}, {"points": 1}]
    with pytest.raises(AttributeError):
        _ = event._hidden
    with pytest.raises(AttributeError):
        _ = next(event.each())._hidden


def test_places_of_entities_that_failed_are_left_out_of_columns_too() -> None:
    world = new_world()
    data = {
        "entities": [{"instanceId": f"e{i}", "definitionId": "core:actor"} for i in range(5)]
        + [{"instanceId": "bad", "definitionId": "core:unknown", "components": 5}],
        "locations": pd.DataFrame({"entity_id": ["e0", "bad"], "location_id": ["inn", "inn"]}),
    }

    result = WorldLoadingService(world).load_world(data)

    assert result.spatial.total_processed == 1
    assert result.failed_count == 1


def test_components_that_are_no_mapping_are_a_failure_of_their_own() -> None:
    data = {"entities": [{"instanceId": "a", "definitionId": "core:actor", "components": 5}]}

    result = WorldLoadingService(new_world()).load_world(data)

    assert (result.instantiated_count, result.components.failure_count) == (1, 1)


def test_what_is_no_batch_is_refused_by_a_facade_too() -> None:
    world = new_world()
    manager = EntityLifecycleManager(
        world, batch_operation_manager=operations(world), enable_batch_operations=True
    )

    for items in (5, None, {"a": object()}):
        with pytest.raises(ecs.InvalidArgumentError):
            manager.batch_create_entities(items)
    frame = pd.DataFrame({"definition_id": ["core:actor"] * 12})
    assert manager.batch_create_entities(frame).path == "batch"
    assert len(state(world)) == 12
