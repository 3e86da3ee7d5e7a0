"""Entities as the services hand them out, and the manager of their lives."""

from __future__ import annotations

import copy
import inspect
import pickle
import uuid
from typing import Any

import pytest

import ecs_columnar as ecs
from ecs_columnar.services import (
    BatchOperationManager,
    BatchSpatialIndexManager,
    ComponentMutationService,
    EntityLifecycleManager,
)
from ecs_columnar.services.catalogue import catalogue_of
from ecs_columnar.services.component_types import ComponentTypes
from ecs_columnar.services.place_codec import PlaceCodec
from tests.services_world import (
    DEFINITIONS,
    add,
    catalogue,
    create,
    furnished,
    lifecycle,
    new_world,
    operations,
    populated,
    spatial,
    state,
)

# --- entities ------------------------------------------------------------------------


def test_components_are_the_definitions_in_its_order_then_the_others_in_theirs() -> None:
    item = create("a", hidden={}, position={"locationId": "inn"}, name={"text": "ann"})

    entity = operations(new_world()).batch_create_entities([item]).successes[0]

    assert entity.component_type_ids == ("core:name", "core:health", "core:hidden", "core:position")
    assert [entity.has_component_override(t) for t in entity.component_type_ids] == [
        True,
        False,
        True,
        True,
    ]


def test_data_is_a_copy() -> None:
    entity = lifecycle(populated(1)).get_entity("e0")

    entity.get_component_data("core:health")["points"] = -5

    assert entity.get_component_data("core:health") == {"points": 100}


def test_an_entity_says_nothing_of_what_it_lacks() -> None:
    entity = lifecycle(populated(1)).get_entity("e0")

    assert entity.get_component_data("core:hidden") is None
    assert entity.get_component_data("core:unknown") is None
    assert not entity.has_component("core:position")
    assert not entity.has_component_override("core:position")
    assert entity.location_id is None


def test_an_entity_that_the_services_have_not_made_has_no_definition() -> None:
    world = new_world()
    health = catalogue(world).components["core:health"]
    handle = world.spawn(1, health.to_columns([{"points": 3}]).component, ids=["x"], at="inn")[0]

    entity = lifecycle(world).get_entity("x")

    assert entity.handle == handle
    assert entity.definition_id is None
    assert entity.component_type_ids == ("core:position", "core:health")
    assert entity.has_component_override("core:health")
    assert entity.get_component_data("core:health") == {"points": 3}


def test_what_the_core_spawned_can_be_changed_by_the_services() -> None:
    world = new_world()
    world.spawn(2, ids=["x", "y"])
    manager = operations(world)

    added = manager.batch_add_components(
        [add("x", "health", {"points": 3}), add("y", "hidden", {})]
    )
    removed = manager.batch_remove_components(
        [{"instance_id": "x", "component_type_id": "core:health"}]
    )

    assert (added.success_count, removed.success_count) == (2, 1)
    assert lifecycle(world).get_entity("x").component_type_ids == ()
    assert lifecycle(world).get_entity("y").component_type_ids == ("core:hidden",)


def test_a_dead_entity_is_noticed() -> None:
    world = populated(1)
    entity = lifecycle(world).get_entity("e0")

    lifecycle(world).remove_entity_instance("e0")

    assert not entity.is_alive
    assert "dead" in repr(entity)
    for name in ("id", "definition_id", "component_type_ids", "location_id"):
        with pytest.raises(ecs.StaleHandleError):
            getattr(entity, name)
    with pytest.raises(ecs.StaleHandleError):
        entity.has_component("core:health")


def test_entities_show_what_they_are() -> None:
    world = populated(1)
    entity = lifecycle(world).get_entity("e0")
    world.move("e0", "inn")

    assert repr(entity).startswith("<Entity 'e0' of 'core:actor' in 'inn': core:name, core:health")
    assert entity == world.entity("e0")


# --- one place, five doors -----------------------------------------------------------


def test_the_place_is_stored_once() -> None:
    world = populated(1)
    entity, mutation = lifecycle(world).get_entity("e0"), ComponentMutationService(world)

    world.move("e0", "a")
    assert entity.get_component_data("core:position") == {"locationId": "a"}
    mutation.add_component("e0", "core:position", {"locationId": " b "})
    assert world.locations.of("e0") == "b"
    spatial(world).batch_move([{"entity_id": "e0", "new_location_id": "c"}])
    assert entity.location_id == "c"
    mutation.remove_component("e0", "core:position")
    assert entity.location_id is None
    assert world.locations.count() == 0


def test_removing_the_place_shows_the_definitions_place_again() -> None:
    world = new_world()
    mutation = ComponentMutationService(world)
    entity = lifecycle(world).create_entity_instance("core:item", instance_id="sword")
    assert (entity.location_id, entity.has_component_override("core:position")) == ("shop", False)

    world.move("sword", "inn")
    assert entity.has_component_override("core:position")
    mutation.remove_component("sword", "core:position")

    assert (entity.location_id, entity.has_component_override("core:position")) == ("shop", False)


def test_an_override_that_says_the_same_is_one_all_the_same() -> None:
    item = create("sword", "core:item", position={"locationId": "shop"})

    entity = operations(new_world()).batch_create_entities([item]).successes[0]

    assert entity.has_component_override("core:position")


def test_the_place_called_harbour_and_the_entity_of_that_id_are_one() -> None:
    world = populated(1)
    world.move("e0", "harbour")

    lifecycle(world).create_entity_instance("core:place", instance_id="harbour")

    assert world.locations[world.ids["harbour"]].tolist() == [world.ids["e0"]]


# --- creating and removing one -------------------------------------------------------


def test_a_made_up_id_is_a_uuid_of_version_4() -> None:
    manager = lifecycle(new_world())

    ids = [manager.create_entity_instance("core:actor").id for _ in range(20)]

    assert {uuid.UUID(i).version for i in ids} == {4}
    assert {uuid.UUID(i).variant for i in ids} == {uuid.RFC_4122}
    assert len(set(ids)) == 20


@pytest.mark.parametrize(
    ("definition_id", "options", "error"),
    [
        ("core:unknown", {}, ecs.DefinitionNotFoundError),
        ("core:actor", {"instance_id": "e0"}, ecs.DuplicateEntityError),
        ("core:actor", {"instance_id": " "}, ecs.InvalidInstanceIdError),
        (
            "core:actor",
            {"component_overrides": {"core:health": {"points": -1}}},
            ecs.ValidationError,
        ),
        ("core:actor", {"component_overrides": {"core:nothing": {}}}, ecs.ValidationError),
        (None, {}, ecs.InvalidArgumentError),
        ("core:actor", {"component_overrides": 5}, ecs.InvalidArgumentError),
    ],
)
def test_a_failed_creation_leaves_no_trace(
    definition_id: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    world = populated(1)
    before = state(world), len(world.locations)

    with pytest.raises(error):
        lifecycle(world).create_entity_instance(definition_id, **options)

    assert (state(world), len(world.locations)) == before


def test_a_validation_error_has_the_type_and_all_errors() -> None:
    overrides = {"core:health": {"points": -1, "more": 1}}

    with pytest.raises(ecs.ValidationError) as caught:
        lifecycle(new_world()).create_entity_instance("core:actor", component_overrides=overrides)

    assert caught.value.component_type_id == "core:health"
    assert len(caught.value.errors) == 2


def test_an_id_is_not_trimmed() -> None:
    manager = lifecycle(populated(1))

    assert manager.create_entity_instance("core:actor", instance_id=" e0 ").id == " e0 "


def test_an_id_can_be_used_again_after_its_entity_is_removed() -> None:
    world = populated(1)
    manager = lifecycle(world)

    manager.remove_entity_instance("e0")
    entity = manager.create_entity_instance("core:item", instance_id="e0")

    assert entity.definition_id == "core:item"
    with pytest.raises(ecs.EntityNotFoundError):
        manager.remove_entity_instance("e1")


def test_an_entity_is_reconstructed_from_what_was_saved() -> None:
    world = new_world()
    heard: list[Any] = []
    catalogue(world).events.on("entity_created", heard.append)
    saved = {
        "instanceId": "a",
        "definitionId": "core:actor",
        "components": {"core:health": {"points": 3}, "core:position": {"locationId": "inn"}},
    }

    entity = lifecycle(world).reconstruct(saved)

    assert entity.get_component_data("core:health") == {"points": 3}
    assert entity.location_id == "inn"
    assert [event.was_reconstructed for event in heard] == [True]


@pytest.mark.parametrize(
    "saved",
    [None, [], {}, {"instance_id": "a"}, {"instance_id": "", "definition_id": "core:actor"},
     {"instance_id": "a", "definition_id": "core:actor", "components": 5}],
)  # fmt: skip
def test_what_is_no_saved_entity_is_refused(saved: Any) -> None:
    with pytest.raises(ecs.SerializedEntityError):
        lifecycle(new_world()).reconstruct(saved)


def test_definitions_can_be_made_ready() -> None:
    manager = lifecycle(new_world())

    assert manager.preload_definitions(["core:actor", "core:item", "core:actor"]) == 2
    with pytest.raises(ecs.DefinitionNotFoundError, match="'x', 'y'"):
        manager.preload_definitions(["core:actor", "x", "y"])
    for bad in (None, 5, [["x"]]):
        with pytest.raises(ecs.InvalidArgumentError, match="list of ids"):
            manager.preload_definitions(bad)  # type: ignore[arg-type]


# --- locations that are removed ------------------------------------------------------


def in_a_place() -> ecs.World:
    world = populated(3)
    world.move(["e1", "e2"], "e0")
    return world


def test_who_is_in_a_removed_location_keeps_the_place() -> None:
    world = in_a_place()
    manager = lifecycle(world)

    manager.remove_entity_instance("e0")

    assert manager.get_entity("e1").location_id == "e0"
    assert manager.dangling_locations() == ["e0"]
    world.move(["e1", "e2"], None)
    assert manager.dangling_locations() == []


def test_who_is_in_a_removed_location_can_be_taken_out_of_it() -> None:
    world = in_a_place()
    manager = lifecycle(world)
    manager.location_policy = "clear"

    operations(world).batch_remove_entities(["e0", "e2"])

    assert manager.get_entity("e1").location_id is None
    assert manager.dangling_locations() == []


def test_a_location_with_somebody_in_it_can_refuse_to_be_removed() -> None:
    world = in_a_place()
    manager = lifecycle(world)
    manager.location_policy = "refuse"

    with pytest.raises(ecs.InvalidArgumentError, match="\\(e1, e2\\)"):
        manager.remove_entity_instance("e0")
    result = operations(world).batch_remove_entities(["e1", "e0", "e2", "e0"])

    assert result.successes == ["e1", "e2", "e0"]
    assert [failure.index for failure in result.failures] == [1]


def test_a_policy_is_one_of_three() -> None:
    manager = lifecycle(new_world())

    with pytest.raises(ecs.InvalidArgumentError):
        manager.location_policy = "cascade"

    assert manager.location_policy == "keep"


# --- delegation ----------------------------------------------------------------------


class Recorder:
    """A batch manager that says what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("batch_"):
            raise AttributeError(name)
        return lambda items, **options: self.calls.append((name, items, options))


@pytest.mark.parametrize(
    "method",
    [
        "batch_create_entities",
        "batch_add_components",
        "batch_remove_components",
        "batch_remove_entities",
    ],
)
def test_a_manager_is_asked_when_it_is_there_and_enabled(method: str) -> None:
    recorder: Any = Recorder()
    manager = EntityLifecycleManager(new_world(), enable_batch_operations=True)
    items = ["x"] * 10

    getattr(manager, method)(items)
    assert recorder.calls == []
    manager.set_batch_operation_manager(recorder)
    getattr(manager, method)(items, batch_size=5)
    assert recorder.calls == [(method, items, {"batch_size": 5})]
    manager.set_batch_operations_enabled(False)
    getattr(manager, method)(items)
    assert len(recorder.calls) == 1


def test_an_incomplete_manager_is_refused() -> None:
    manager: Any = object()

    with pytest.raises(ecs.InvalidArgumentError, match="it has no batch_create_entities"):
        EntityLifecycleManager(new_world(), batch_operation_manager=manager)


def test_what_is_no_world_is_refused() -> None:
    world: Any = "world"

    with pytest.raises(ecs.InvalidArgumentError) as caught:
        EntityLifecycleManager(world)

    assert caught.value.parameter == "world"


def test_services_of_one_world_know_the_same_types() -> None:
    world = new_world()

    catalogue(world).definitions.register({"id": "core:late", "components": {}})

    assert catalogue(world).definitions.ids() == [*DEFINITIONS, "core:late"]
    assert lifecycle(world).get_stats()["definition_count"] == 4
    assert operations(world).batch_create_entities([{"definition_id": "core:late"}]).success_count


def test_services_that_are_made_at_the_same_time_know_the_same_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, register, made = ecs.World(), ComponentTypes.register, []

    def meanwhile(types: ComponentTypes, declared: Any) -> Any:
        monkeypatch.undo()
        made.append(catalogue(world))
        return register(types, declared)

    monkeypatch.setattr(ComponentTypes, "register", meanwhile)
    made.append(catalogue(world))

    made[0].definitions.register({"id": "core:place", "components": {}})

    assert "core:place" in made[1].definitions


def test_a_position_of_another_name_can_be_the_place() -> None:
    world = ecs.World()
    catalogue_of(world, place=PlaceCodec("my:place", "in"))
    catalogue(world).definitions.register({"id": "x", "components": {"my:place": {"in": "inn"}}})

    entity = lifecycle(world).create_entity_instance("x")

    assert entity.location_id == "inn"
    assert entity.get_component_data("my:place") == {"in": "inn"}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))])
def test_a_world_of_services_can_be_copied_and_pickled(copied: Any) -> None:
    world = populated(3)
    operations(world).batch_add_components(
        [add("e1", "hidden", {}), add("e0", "name", {"text": "x"})]
    )
    world.move("e2", "inn")
    catalogue(world).events.on("world_loaded", print)

    twin = furnished(copied(world))

    assert state(twin) == state(world)
    catalogue(twin).definitions.register({"id": "core:late", "components": {}})
    assert "core:late" not in catalogue(world).definitions
    operations(twin).batch_remove_entities(["e0"])
    assert "e0" in world.ids


def test_options_are_in_the_signatures_of_batch_methods() -> None:
    for method in (
        BatchOperationManager.batch_create_entities,
        BatchSpatialIndexManager.batch_move,
        EntityLifecycleManager.batch_remove_entities,
    ):
        parameters = inspect.signature(method).parameters

        assert parameters["stop_on_error"].default is False
        assert parameters["batch_size"].kind is inspect.Parameter.KEYWORD_ONLY
