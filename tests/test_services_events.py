"""Events: one a call and kind, after all writes, never after a rollback."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import ecs_columnar as ecs
from ecs_columnar.services import ComponentMutationService, WorldLoadingService
from ecs_columnar.services.events import KINDS
from tests.services_world import (
    add,
    catalogue,
    create,
    lifecycle,
    new_world,
    operations,
    populated,
    spatial,
)


def listen(world: ecs.World, *kinds: str, per_entity: bool = False) -> list[Any]:
    """Listen to kinds of events, all by default, and return the list in which they will be."""
    heard: list[Any] = []
    for kind in kinds or KINDS:
        catalogue(world).events.on(kind, heard.append, per_entity=per_entity)  # type: ignore[arg-type]
    return heard


def test_a_creation_is_one_event_without_events_of_components() -> None:
    world = new_world()
    heard = listen(world)

    operations(world).batch_create_entities(
        [create(0), create(1, "core:unknown"), create(2, "core:item"), create(3)], batch_size=1
    )

    (event,) = heard
    assert (event.kind, len(event)) == ("entity_created", 3)
    assert event.instance_ids.tolist() == ["e0", "e2", "e3"]
    assert event.definition_ids.tolist() == ["core:actor", "core:item", "core:actor"]
    assert event.was_reconstructed is False
    assert event.handles.tolist() == world.ids[["e0", "e2", "e3"]].tolist()


def test_a_sequence_is_one_event_too() -> None:
    world = new_world()
    heard = listen(world)

    lifecycle(world).batch_create_entities([create(i) for i in range(5)])

    assert [len(event) for event in heard] == [5]
    assert heard[0].instance_ids.tolist() == [f"e{i}" for i in range(5)]
    assert heard[0].definition_ids.tolist() == ["core:actor"] * 5


@pytest.mark.parametrize("manager", [operations, lifecycle])
def test_who_is_removed_with_the_place_that_he_was_in_is_told_by_name(manager: Any) -> None:
    world = populated(3)
    lifecycle(world).location_policy = "clear"
    spatial(world).batch_add([{"entity_id": f"e{i}", "location_id": f"e{i - 1}"} for i in (1, 2)])
    heard = listen(world, "entity_moved")

    manager(world).batch_remove_entities(["e0", "e1"])

    (event,) = heard
    assert event.instance_ids.tolist() == ["e1", "e2"]
    assert event.old_location_ids.tolist() == ["e0", "e1"]
    assert event.new_location_ids.tolist() == [None, None]


def test_a_removal_tells_the_ids_of_the_dead() -> None:
    world = populated(3)
    heard = listen(world)

    operations(world).batch_remove_entities(["e2", "e0"])

    (event,) = heard
    assert event.kind == "entity_removed"
    assert list(event.instance_ids) == ["e2", "e0"]


def test_components_tell_the_data_before_and_after() -> None:
    world = populated(2)
    heard = listen(world)

    operations(world).batch_add_components(
        [add(0, "health", {"points": 5}), add(1, "health", {"points": 6}), add(0, "hidden", {})]
    )

    health, hidden = heard
    assert (health.kind, health.component_type_id) == ("component_added", "core:health")
    assert health.old == [{"points": 100}, {"points": 100}]
    assert health.new == [{"points": 5}, {"points": 6}]
    assert (hidden.component_type_id, hidden.old, hidden.new) == ("core:hidden", [None], [{}])


def test_a_component_that_is_removed_shows_the_definitions_again() -> None:
    world = populated(1)
    ComponentMutationService(world).add_component("e0", "core:health", {"points": 5})
    heard = listen(world)

    ComponentMutationService(world).remove_component("e0", "core:health")
    ComponentMutationService(world).remove_component("e0", "core:health")
    ComponentMutationService(world).remove_component("e0", "core:hidden")

    (event,) = heard
    assert (event.kind, event.old, event.new) == (
        "component_removed",
        [{"points": 5}],
        [{"points": 100}],
    )


def test_a_move_tells_where_from_and_where_to() -> None:
    world = populated(2)
    world.move("e0", "inn")
    heard = listen(world)

    spatial(world).batch_move(
        [
            {"entity_id": "e0", "new_location_id": "inn"},
            {"entity_id": "e1", "new_location_id": "inn"},
            {"entity_id": "e0", "new_location_id": "mill"},
        ]
    )

    (event,) = heard
    assert event.kind == "entity_moved"
    assert event.instance_ids.tolist() == ["e1", "e0"]
    assert event.old_location_ids.tolist() == [None, "inn"]
    assert event.new_location_ids.tolist() == ["inn", "mill"]


def test_a_place_that_is_set_as_a_component_is_a_move_as_well() -> None:
    world = populated(1)
    heard = listen(world)

    ComponentMutationService(world).add_component("e0", "core:position", {"locationId": "inn"})
    ComponentMutationService(world).remove_component("e0", "core:position")

    assert [event.kind for event in heard] == [
        "component_added",
        "entity_moved",
        "component_removed",
        "entity_moved",
    ]
    assert (heard[0].old, heard[0].new) == ([None], [{"locationId": "inn"}])
    assert (heard[2].old, heard[2].new) == ([{"locationId": "inn"}], [None])
    assert heard[3].new_location_ids.tolist() == [None]


def test_an_event_tells_of_a_place_what_the_entity_says_of_it() -> None:
    world = populated(1)
    hall = world.spawn_one(id="hall").handle
    mutation, entity = ComponentMutationService(world), lifecycle(world).get_entity("e0")
    heard = listen(world)

    for place in (" inn ", hall, None):
        before = entity.get_component_data("core:position")
        mutation.add_component("e0", "core:position", {"locationId": place})
        event = next(event for event in heard if event.kind == "component_added")
        assert event.old == [before]
        assert event.new == [entity.get_component_data("core:position")]
        heard.clear()


def test_a_rebuild_tells_of_what_is_elsewhere_in_the_end() -> None:
    world = populated(3)
    spatial(world).batch_add([{"entity_id": f"e{i}", "location_id": "inn"} for i in range(3)])
    heard = listen(world)

    spatial(world).rebuild(
        [{"entity_id": "e0", "location_id": "inn"}, {"entity_id": "e1", "location_id": "mill"}]
    )

    (event,) = heard
    assert event.instance_ids.tolist() == ["e1", "e2"]
    assert event.new_location_ids.tolist() == ["mill", None]


def test_nothing_is_told_of_what_does_not_happen() -> None:
    world = populated(1)
    heard = listen(world)

    operations(world).batch_create_entities([create(1), create(0)], atomic=True)
    operations(world).batch_create_entities([create(0)])
    spatial(world).batch_remove(["e0"])
    with pytest.raises(ecs.DuplicateEntityError):
        lifecycle(world).create_entity_instance("core:actor", instance_id="e0")

    assert heard == []


def test_events_come_after_all_writes() -> None:
    world = new_world()
    seen: list[int] = []
    catalogue(world).events.on("entity_created", lambda event: seen.append(len(world)))

    lifecycle(world).batch_create_entities([create(i) for i in range(4)])

    assert seen == [4]


def test_a_listener_can_be_fed_entity_by_entity() -> None:
    world = populated(3)
    heard = listen(world, per_entity=True)

    operations(world).batch_add_components([add(i, "health", {"points": i}) for i in (2, 0)])
    spatial(world).batch_add([{"entity_id": "e1", "location_id": "inn"}])

    first, second, moved = heard
    assert (first.kind, first.instance_id, first.new) == ("component_added", "e2", {"points": 2})
    assert (second.instance_id, second.old) == ("e0", {"points": 100})
    assert first.component_type_id == "core:health"
    assert (moved.handle, moved.old_location_id) == (world.ids["e1"], None)
    assert moved.new_location_id == "inn"
    assert "'e2'" in repr(first)
    with pytest.raises(AttributeError):
        _ = moved.definition_id


def test_a_listener_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = new_world()

    def fail(event: Any) -> None:
        raise RuntimeError("no")

    catalogue(world).events.on("entity_created", fail)
    heard = listen(world)
    with caplog.at_level(logging.ERROR, "ecs_columnar"):
        result = operations(world).batch_create_entities([create(0)])

    assert result.success_count == 1
    assert len(heard) == 1
    assert "a listener to 'entity_created' events raised" in caplog.text


def test_a_listener_can_call_the_services() -> None:
    world = new_world()
    manager = lifecycle(world)
    heard = listen(world)

    def follow(event: Any) -> None:
        if len(world) == 1:
            manager.create_entity_instance("core:item", instance_id="second")

    catalogue(world).events.on("entity_created", follow)
    manager.create_entity_instance("core:actor", instance_id="first")

    assert [list(event.instance_ids) for event in heard] == [["first"], ["second"]]


def test_a_token_ends_what_it_began() -> None:
    world = new_world()
    events, heard = catalogue(world).events, []
    token = events.on("entity_created", heard.append)

    events.off(token)
    operations(world).batch_create_entities([create(0)])

    assert heard == []
    assert world._storage.is_plain
    with pytest.raises(ecs.InvalidArgumentError):
        events.off(token)
    with pytest.raises(ecs.InvalidArgumentError, match="entity_created"):
        events.on("created", heard.append)  # type: ignore[arg-type]
    with pytest.raises(ecs.InvalidArgumentError):
        events.on("entity_created", None)  # type: ignore[arg-type]


def test_a_loaded_world_is_an_event_after_its_entities() -> None:
    world = new_world()
    heard = listen(world)

    result = WorldLoadingService(world).load_world(
        {
            "entities": [{"instanceId": f"e{i}", "definitionId": "core:actor"} for i in range(6)],
            "locations": [{"entityId": "e0", "locationId": "inn"}],
        }
    )

    assert [event.kind for event in heard] == ["entity_created", "entity_moved", "world_loaded"]
    assert heard[-1].result is result
    assert len(heard[-1]) == 6


def test_a_feed_goes_on_after_an_entity_whose_listener_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = new_world()
    fed: list[str] = []

    def fail_once(event: Any) -> None:
        fed.append(event.instance_id)
        if len(fed) == 1:
            raise RuntimeError("no")

    catalogue(world).events.on("entity_created", fail_once, per_entity=True)
    with caplog.at_level(logging.ERROR, "ecs_columnar"):
        operations(world).batch_create_entities([create(0), create(1)])

    assert fed == ["e0", "e1"]
    assert "a listener to 'entity_created' events raised" in caplog.text


def test_what_waits_in_a_transaction_is_told_as_it_was_then() -> None:
    world = populated(2)
    mutation = ComponentMutationService(world)
    heard = listen(world)

    with world.transaction():
        operations(world).batch_create_entities([create(2)])
        mutation.add_component("e0", "core:health", {"points": 1})
        mutation.remove_component("e0", "core:health")
        mutation.add_component("e0", "core:health", {"points": 2})
        world.move("e1", "inn")
        operations(world).batch_remove_entities(["e0", "e1", "e2"])

    created, first, removed, second, despawned = heard
    assert created.instance_ids.tolist() == ["e2"]
    assert (first.old, first.new) == ([{"points": 100}], [{"points": 1}])
    assert (removed.old, removed.new) == ([{"points": 1}], [{"points": 100}])
    assert (second.old, second.new) == ([{"points": 100}], [{"points": 2}])
    assert despawned.instance_ids.tolist() == ["e0", "e1", "e2"]


def test_events_wait_for_the_outermost_transaction() -> None:
    world = new_world()
    heard = listen(world)

    with world.transaction():
        operations(world).batch_create_entities([create(0)])
        assert heard == []
    with world.transaction() as attempt:
        operations(world).batch_create_entities([create(1)])
        attempt.rollback()

    assert [list(event.instance_ids) for event in heard] == [["e0"]]


def test_the_core_tells_of_the_same_before() -> None:
    world = new_world()
    heard = listen(world)
    world.events.on("spawned", heard.append)

    operations(world).batch_create_entities([create(0)])

    assert [event.kind for event in heard] == ["spawned", "entity_created"]
