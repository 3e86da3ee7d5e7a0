"""Places in batches, and one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar.services import BatchSpatialIndexManager, SpatialIndexManager
from tests.fingerprint import assert_unchanged, fingerprint
from tests.services_world import lifecycle, members, operations, populated, spatial


def placed(n: int = 4) -> ecs.World:
    world = populated(n)
    world.move(world.ids[[f"e{i}" for i in range(n)]], "harbour")
    return world


def at(entity: int, place: Any) -> dict[str, Any]:
    return {"entity_id": f"e{entity}", "location_id": place}


# --- batches -------------------------------------------------------------------------


def test_an_addition_says_what_was_done() -> None:
    result = spatial(populated(2)).batch_add([at(0, " inn "), at(1, "inn")])

    assert result.successful == [
        {"entity_id": "e0", "location_id": "inn", "operation": "add"},
        {"entity_id": "e1", "location_id": "inn", "operation": "add"},
    ]
    assert (result.index_size, result.entity_count, result.total_processed) == (1, 2, 2)
    assert (result.path, result.failed) == ("batch", [])


def test_adding_at_another_location_is_a_move() -> None:
    world = placed(2)

    spatial(world).batch_add([at(0, "inn")])

    assert members(world) == {"harbour": {"e1"}, "inn": {"e0"}}


@pytest.mark.parametrize("batch_size", [2, 50])
def test_a_result_keeps_its_entities_when_what_was_given_is_written(batch_size: int) -> None:
    world = placed(4)
    crew = world.query().handles()
    expected = crew.copy()

    result = spatial(world).batch_add(
        {"entity_id": crew, "location_id": "inn"}, batch_size=batch_size
    )
    crew[:] = 0

    assert result.handles.tolist() == expected.tolist()


def test_a_result_keeps_its_entities_when_others_come_to_where_they_were() -> None:
    world = placed(6)
    world.move(["e4", "e5"], "inn")
    crew = world.locations["harbour"]
    expected = crew.tolist()

    result = spatial(world).batch_add({"entity_id": crew, "location_id": "inn"})
    world.move(["e5", "e4"], "harbour")

    assert result.handles.tolist() == expected


@pytest.mark.parametrize("place", [None, "", "  ", 5.5, True, [], 3])
def test_an_invalid_location_in_an_addition_is_a_failure(place: Any) -> None:
    result = spatial(populated(1)).batch_add([at(0, place)])

    assert len(result.failed) == 1
    assert result.index_size == 0


@pytest.mark.parametrize(
    ("entity", "error"),
    [
        (None, "InvalidArgumentError"),
        ("", "InvalidArgumentError"),
        (2.5, "InvalidArgumentError"),
        ("nobody", "EntityNotFoundError"),
        (77, "StaleHandleError"),
    ],
)
def test_an_invalid_entity_in_an_addition_is_a_failure(entity: Any, error: str) -> None:
    result = spatial(populated(1)).batch_add([{"entity_id": entity, "location_id": "inn"}])

    assert [type(failure.error).__name__ for failure in result.failed] == [error]


def test_removing_who_is_not_indexed_is_a_success() -> None:
    result = spatial(placed(1)).batch_remove(["e0", "e0", "nobody", None, ""])

    assert result.successful == [
        {"entity_id": "e0", "removed": True, "operation": "remove"},
        {"entity_id": "e0", "removed": False, "operation": "remove"},
        {"entity_id": "nobody", "removed": False, "operation": "remove"},
    ]
    assert [failure.index for failure in result.failed] == [3, 4]


def test_a_stale_old_location_is_ignored_and_the_true_one_reported() -> None:
    update = {"entity_id": "e0", "old_location_id": "moon", "new_location_id": "inn"}

    result = spatial(placed(1)).batch_move([update])

    assert result.successful == [
        {
            "entity_id": "e0",
            "old_location_id": "harbour",
            "new_location_id": "inn",
            "moved": True,
            "operation": "move",
        }
    ]


def test_a_stale_old_location_fails_when_moves_are_strict() -> None:
    updates = [
        {"entity_id": "e0", "old_location_id": "moon", "new_location_id": "inn"},
        {"entity_id": "e0", "old_location_id": " harbour ", "new_location_id": "inn"},
        {"entity_id": "e0", "old_location_id": "inn", "new_location_id": "mill"},
        {"entity_id": "e1", "new_location_id": "inn"},
    ]

    result = spatial(placed(2)).batch_move(updates, strict=True)

    assert [failure.index for failure in result.failed] == [0]
    assert "'moon'" in str(result.failed[0].error)
    assert [move["new_location_id"] for move in result.successful] == ["inn", "mill", "inn"]


@pytest.mark.parametrize(
    "update",
    [
        {"new_location_id": "inn"},
        {"entity_id": "e0"},
        {"entity_id": "e0", "new_location_id": None},
    ],
)
def test_a_move_needs_an_entity_and_a_new_location(update: Any) -> None:
    result = spatial(placed(1)).batch_move([update])

    assert [type(failure.error) for failure in result.failed] == [ecs.InvalidArgumentError]


def test_places_in_all_forms_mix_in_one_call() -> None:
    world = populated(4)
    inn = int(world.ids["e3"])
    items = [at(0, "e3"), at(1, inn), at(2, "harbour"), at(0, inn), at(1, "harbour")]

    result = spatial(world).batch_add(items)

    assert [done["location_id"] for done in result.successful] == [
        "e3",
        "e3",
        "harbour",
        "e3",
        "harbour",
    ]
    assert members(world) == {"e3": {"e0"}, "harbour": {"e1", "e2"}}


def test_a_rebuild_takes_all_others_out() -> None:
    world = placed(4)

    result = spatial(world).rebuild([at(2, "inn"), at(1, "inn"), at(2, "mill"), None])

    assert members(world) == {"inn": {"e1"}, "mill": {"e2"}}
    assert [done["operation"] for done in result.successful] == ["rebuild"] * 3
    assert [failure.index for failure in result.failed] == [3]
    assert (result.index_size, result.entity_count) == (2, 2)


def test_a_rebuild_that_repairs_nothing_changes_nothing() -> None:
    world = placed(4)
    before = world.locations["harbour"].tolist()

    result = spatial(world).rebuild([at(i, "harbour") for i in (3, 1, 0, 2)])

    assert world.locations["harbour"].tolist() == before
    assert result.entity_count == 4


@pytest.mark.parametrize("bad", [None, "x", [], 5, {"a": [1], "b": [1, 2]}])
def test_a_rebuild_that_is_refused_leaves_the_index_as_it_was(bad: Any) -> None:
    world = placed(4)
    before = fingerprint(world)

    with pytest.raises(ecs.InvalidArgumentError):
        spatial(world).rebuild(bad)

    assert_unchanged(before, world)


@pytest.mark.parametrize(
    "options", [{"stop_on_error": True}, {"max_failures": 1}, {"atomic": True}]
)
def test_a_rebuild_that_stops_leaves_the_index_as_it_was(options: dict[str, Any]) -> None:
    world = placed(4)
    before = fingerprint(world)

    result = spatial(world).rebuild([at(0, "inn"), None, at(1, "inn")], batch_size=2, **options)

    assert_unchanged(before, world)
    assert result.successful == []
    assert result.rolled_back >= 1


def test_validation_says_who_is_where() -> None:
    world = placed(12)
    world.move("e11", "inn")

    result = spatial(world).batch_validate_locations(["harbour", "inn", " inn ", "moon", None, 5.5])

    assert [(d["location_id"], d["entity_count"]) for d in result.successful] == [
        ("harbour", 11),
        ("inn", 1),
        ("inn", 1),
        ("moon", 0),
    ]
    assert [len(d["entities"]) for d in result.successful] == [10, 1, 1, 0]
    assert result.successful[1]["entities"] == ["e11"]
    assert result.total_entities == 13
    assert [failure.index for failure in result.failed] == [4, 5]


# --- synchronizing -------------------------------------------------------------------


def test_validation_says_who_was_there_when_it_is_looked_at_later() -> None:
    world = placed(3)

    result = spatial(world).batch_validate_locations(["harbour", "harbour"])
    world.move("e0", "inn")
    gone = world.ids["e1"]
    world.despawn("e1")

    for seen in result.successful:
        assert (seen["entity_count"], seen["entities"]) == (
            3,
            ["e0", ecs.format_handle(gone), "e2"],
        )


def test_one_place_can_be_looked_into_by_the_handle_of_its_entity() -> None:
    world = placed(2)
    world.move("e1", "e0")

    result = spatial(world).batch_validate_locations([int(world.ids["e0"]), None])

    assert [place["entities"] for place in result.successful] == [["e1"]]


class Unlike:
    """What has data, but is no entity."""

    def __init__(self, data: Any, **facts: Any) -> None:
        self.data = data
        self.__dict__.update(facts)

    def get_component_data(self, type_id: str) -> Any:
        return self.data


def test_each_of_a_provider_that_is_no_entity_fails_for_itself() -> None:
    world = placed(3)
    manager = lifecycle(world)
    dead = manager.get_entity("e2")
    manager.remove_entity_instance("e2")
    place = {"locationId": "inn"}
    entities = [
        Unlike(None, id="e0"),
        manager.get_entity("e0"),
        None,
        dead,
        Unlike(place),
        Unlike(5, id="e1"),
        Unlike(place, id="e1"),
    ]

    result = spatial(world).synchronize(lambda: entities)

    assert [move["entity_id"] for move in result.successful] == ["e0", "e1"]
    assert [(f.index, type(f.error)) for f in result.failed] == [
        (2, ecs.InvalidArgumentError),
        (3, ecs.StaleHandleError),
        (4, ecs.InvalidArgumentError),
        (5, ecs.InvalidArgumentError),
    ]
    assert all(f.item is entities[f.index] for f in result.failed)


def test_the_index_is_synchronized_with_what_a_provider_says() -> None:
    world = placed(4)
    entities = [lifecycle(world).get_entity(f"e{i}") for i in range(2)]
    world.move("e1", None)

    result = spatial(world).synchronize(lambda: [*entities, at(2, "inn"), at(3, None)])

    assert members(world) == {"harbour": {"e0"}, "inn": {"e2"}}
    assert result.total_processed == 2


def test_a_provider_of_nobody_empties_the_index() -> None:
    world = placed(2)

    assert spatial(world).synchronize(list).entity_count == 0


@pytest.mark.parametrize("provider", [None, 5, "x", lambda: None, lambda: 5, lambda: "x"])
def test_what_provides_no_entities_is_refused(provider: Any) -> None:
    world = placed(2)
    before = fingerprint(world)

    with pytest.raises(ecs.InvalidArgumentError) as caught:
        spatial(world).synchronize(provider)

    assert caught.value.parameter == "entity_provider"
    assert_unchanged(before, world)


def test_what_a_provider_raises_comes_through_unchanged() -> None:
    error = KeyError("mine")

    def fail() -> list[Any]:
        raise error

    with pytest.raises(KeyError) as caught:
        spatial(placed(1)).synchronize(fail)

    assert caught.value is error


def test_stats_tell_the_size_of_the_index() -> None:
    stats = spatial(placed(3)).get_stats()

    assert (stats["default_batch_size"], stats["index_size"], stats["entity_count"]) == (100, 1, 3)


# --- one by one ----------------------------------------------------------------------


def test_the_index_is_used_one_entity_at_a_time() -> None:
    world = populated(3)
    index = SpatialIndexManager(world)

    assert index.add("e0", " inn ")
    assert index.move("e0", "anywhere", "harbour")
    assert not index.move("e0", "harbour", "harbour")
    assert index.update_entity_location("e1", None, "harbour")
    assert index.get_entities_in_location("harbour") == {"e0", "e1"}
    assert index.update_entity_location("e1", "harbour", None)
    assert index.remove("e0")
    assert not index.remove("e0")
    assert not index.remove("nobody")
    assert index.size == 0


def test_where_an_entity_goes_is_enough_to_move_it() -> None:
    world = populated(2)
    index = SpatialIndexManager(world)

    assert index.move("e0", "inn")
    assert index.move("e0", new_location_id="harbour")
    assert index.update_entity_location("e1", "inn")
    assert members(world) == {"harbour": {"e0"}, "inn": {"e1"}}
    assert index.update_entity_location("e1")
    assert members(world) == {"harbour": {"e0"}}
    with pytest.raises(ecs.InvalidArgumentError, match="None is no place"):
        index.move("e0")


@pytest.mark.parametrize("name", ["entity_id", "entityId", "instance_id", "instanceId"])
def test_a_column_of_entities_has_either_name(name: str) -> None:
    world = placed(4)

    taken_out = spatial(world).batch_remove({name: ["e0", "e1"]})
    removed = operations(world).batch_remove_entities({name: ["e1", "e2"]})

    assert [done["removed"] for done in taken_out.successful] == [True, True]
    assert removed.successes == ["e1", "e2"]
    assert members(world) == {"harbour": {"e3"}}


def test_a_set_of_entities_is_fresh() -> None:
    index = SpatialIndexManager(placed(2))

    index.get_entities_in_location("harbour").clear()

    assert index.get_entities_in_location("harbour") == {"e0", "e1"}
    assert index.get_entities_in_location("moon") == set()
    assert index.get_entities_in_location(None) == set()  # type: ignore[arg-type]


def test_the_index_follows_the_world_by_itself() -> None:
    world = populated(2)
    index = SpatialIndexManager(world)

    world.move(world.ids["e0"], "inn")
    world.spawn(1, ids=["x"], at="inn")
    world.despawn("e0")

    assert index.get_entities_in_location("inn") == {"x"}
    assert index.build_index(world) == 1


def test_the_index_of_another_world_is_not_built() -> None:
    with pytest.raises(ecs.InvalidArgumentError):
        SpatialIndexManager(populated(1)).build_index(ecs.World())


def test_the_index_can_be_cleared() -> None:
    world = placed(3)

    SpatialIndexManager(world).clear()

    assert members(world) == {}
    world.check()


@pytest.mark.parametrize("call", [("add", "nobody", "inn"), ("move", "nobody", None, "inn")])
def test_one_entity_that_is_not_there_is_an_error(call: tuple[Any, ...]) -> None:
    name, *arguments = call

    with pytest.raises(ecs.EntityNotFoundError):
        getattr(SpatialIndexManager(populated(1)), name)(*arguments)


def test_strict_moves_of_one_entity_raise() -> None:
    index = SpatialIndexManager(placed(1))

    with pytest.raises(ecs.InvalidArgumentError):
        index.move("e0", "moon", "inn", strict=True)


def test_batches_are_handed_on() -> None:
    world = placed(20)
    index = SpatialIndexManager(
        world, batch_spatial_index_manager=spatial(world), enable_batch_operations=True
    )
    items = [at(i, "inn") for i in range(20)]
    updates = [{"entity_id": f"e{i}", "new_location_id": "mill"} for i in range(20)]

    results = [
        index.batch_add(items),
        index.batch_move(updates),
        index.batch_remove([f"e{i}" for i in range(20)]),
        index.rebuild(items),
    ]

    assert [result.path for result in results] == ["batch"] * 4
    assert [len(result.successful) for result in results] == [20] * 4
    index.set_batch_operations_enabled(False)
    assert index.rebuild(items).path == "sequential"


def test_an_incomplete_manager_is_refused() -> None:
    manager: Any = object()

    with pytest.raises(ecs.InvalidArgumentError, match="rebuild"):
        SpatialIndexManager(populated(1)).set_batch_spatial_index_manager(manager)


def test_a_million_of_nobody_takes_no_object_each() -> None:
    world = ecs.World()
    handles = world.spawn(100_000)

    result = BatchSpatialIndexManager(world).batch_add(
        {"entity_id": handles, "location_id": np.repeat(handles[:100], 1000)}
    )

    assert len(result.successful) == 100_000
    assert result.successful[5]["entity_id"] == int(handles[5])
    assert result.successful._made.keys() == {5}
