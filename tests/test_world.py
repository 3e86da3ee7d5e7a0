"""The face of a world: what it says when it is asked in the wrong way, and small facts."""

from __future__ import annotations

from pathlib import Path
from weakref import ref

import numpy as np
import pytest

import ecs_columnar as ecs
from tests.strategies import Bag, Burning, Frozen, Health, Position, Shape


@pytest.mark.parametrize("n", [-1, 1.0, True, "3", None, [1]])
def test_a_number_of_entities_is_an_integer_that_is_not_negative(n: object) -> None:
    world = ecs.World()

    for spawn in (lambda: world.spawn(n, Frozen()), lambda: world.spawn_groups(n, [])):
        with pytest.raises(ecs.InvalidArgumentError, match="n is a number, 0 or more") as caught:
            spawn()

        assert str(caught.value).startswith(f"cannot spawn {n!r} entities")
    assert len(world) == 0


@pytest.mark.parametrize("later", [-1, 1.0, True, None])
def test_a_forecast_is_an_integer_that_is_not_negative(later: object) -> None:
    world = ecs.World()

    with pytest.raises(ecs.InvalidArgumentError, match="later is a number, 0 or more"):
        world.spawn_groups(1, [ecs.Group((Health(1),), slice(None))], later=later)

    assert len(world) == 0


def spawned(world: ecs.World, start: int, n: int, later: int) -> None:
    """Spawn entities of two kinds, with ids, in few places."""
    ids = [f"sailor-{start + i:04}" for i in range(n)]
    places = [f"ship-{i % 10}" for i in range(n)]
    groups = [
        ecs.Group((Health(1), Position(0.0)), np.arange(0, n, 2)),
        ecs.Group((Health(np.arange(n // 2)),), np.arange(1, n, 2)),
    ]
    world.spawn_groups(n, groups, ids=ids, at=places, later=later)


def test_there_is_room_for_who_is_announced_and_nothing_else_depends_on_it() -> None:
    announced, not_announced = ecs.World(), ecs.World()

    for world, later in ((announced, 300), (not_announced, 0)):
        spawned(world, 0, 100, later)
    before = [table.nbytes for table in announced.stats().tables]
    for start in (100, 200, 300):
        for world in (announced, not_announced):
            spawned(world, start, 100, 0)

    assert [table.nbytes for table in announced.stats().tables] == before
    assert announced.digest() == not_announced.digest()
    announced.check()


def test_who_announces_too_many_gets_room_for_seven_times_as_many() -> None:
    world, announced = ecs.World(), ecs.World()

    spawned(world, 0, 800, 0)
    spawned(announced, 0, 100, 10**15)

    assert announced.stats().nbytes < 1.5 * world.stats().nbytes


@pytest.mark.parametrize("n", [0, 2, np.int32(2), np.uint8(2)])
def test_any_integer_is_a_number_of_entities(n: int) -> None:
    assert ecs.World().spawn(n, Frozen()).shape == (n,)


def test_a_world_is_as_long_as_it_has_living_entities_and_never_false() -> None:
    world = ecs.World()
    assert world and len(world) == 0

    crew = world.spawn(3)
    world.despawn(crew[:1])

    assert len(world) == 2


def test_fields_are_set_of_one_component_class() -> None:
    world = ecs.World()
    crew = world.spawn(2, Position(0.0), Health(1))

    with pytest.raises(ecs.InvalidArgumentError, match="cannot set fields x, y of 0 components"):
        world.set(crew, x=1.0, y=2.0)
    with pytest.raises(ecs.InvalidArgumentError, match="of 2 components; give one component class"):
        world.set(crew, Position, Health, x=1.0)
    world.set(crew, Position, x=[1.0, 2.0])

    assert world.get(crew, Position).x.tolist() == [1.0, 2.0]


def test_what_is_added_overwrites_where_it_is_and_comes_where_it_is_not() -> None:
    world = ecs.World()
    old, new = world.spawn(2, Position(0.0), Health([1, 2])), world.spawn(2, Position(0.0))

    world.add(np.array([new[1], old[0], new[0], old[1]]), Health([10, 20, 30, 40]))

    assert world.get(old, Health).points.tolist() == [20, 40]
    assert world.get(new, Health).points.tolist() == [30, 10]
    world.check()


def test_the_last_rows_take_the_places_of_those_that_go_with_all_that_they_have() -> None:
    world = ecs.World()
    corners = np.arange(18.0).reshape(6, 3)
    crew = world.spawn(6, Health(np.arange(6)), Shape(corner=corners), Bag(list("abcdef")))

    world.despawn(crew[[1, 0, 4]])

    left = crew[[2, 3, 5]]
    assert world.query().handles().tolist() == crew[[3, 5, 2]].tolist()
    assert world.get(left, Health).points.tolist() == [2, 3, 5]
    assert world.get(left, Shape).corner.tolist() == corners[[2, 3, 5]].tolist()
    assert world.get(left, Bag).content.tolist() == ["c", "d", "f"]
    world.check()


def test_rows_take_all_that_they_have_with_them_to_another_table() -> None:
    world = ecs.World()
    crew = world.spawn(6, Health(np.arange(6)), Bag(list("abcdef")))

    for some in (crew[[4, 1]], crew[[2]]):
        world.add(some, Burning(some & 7), Position(some & 7))

    moved = crew[[1, 2, 4]]
    assert world.query(Position).handles().tolist() == moved[[0, 2, 1]].tolist()
    assert world.get(moved, Position).x.tolist() == [1, 2, 4]
    assert world.get(moved, Bag).content.tolist() == ["b", "c", "e"]
    assert world.get(crew, Health).points.tolist() == [0, 1, 2, 3, 4, 5]
    world.check()


def test_what_comes_to_a_sparse_component_later_stands_behind_what_was_there() -> None:
    world = ecs.World()
    crew = world.spawn(5)

    world.add(crew[:2], Burning([1.0, 2.0]))
    world.add(crew[3:], Burning([3.0, 4.0]))

    assert world.get(crew[[0, 1, 3, 4]], Burning).heat.tolist() == [1, 2, 3, 4]
    world.check()


@pytest.mark.parametrize("others", [0, 2])
def test_an_object_is_let_go_of_with_the_last_row_that_has_it(others: int) -> None:
    class Thing:
        def __deepcopy__(self, memo: object) -> Thing:
            return self

    world, thing = ecs.World(), Thing()
    found = ref(thing)
    world.spawn(others, Bag("another"))
    (holder,) = world.spawn(1, Bag([thing]))
    world.spawn(others, Bag("another"))
    del thing
    assert found() is not None

    world.despawn(holder)

    assert found() is None


def test_a_number_of_any_kind_may_be_asked_whether_it_is_alive() -> None:
    world = ecs.World()
    crew = world.spawn(2)
    world.despawn(crew[:1])

    assert world.alive(np.array([crew[0], crew[1], 0, -1, 2**63 - 1])).tolist() == [
        *(False, True, False, False, False)
    ]
    assert world.alive(int(crew[1])) is True
    assert world.alive(0) is False


def test_one_entity_is_answered_with_one_value() -> None:
    world = ecs.World()
    one = world.spawn_one(Position(1.0), id="one")

    assert world.has("one", Position) is True and world.has(one, Health) is False
    assert world.get(one.handle, Position).x == 1.0
    assert world.has(["one"], Position).tolist() == [True]
    assert world.get(["one"], Position).x.tolist() == [1.0]


def test_each_position_of_a_batch_of_groups_is_in_one_group() -> None:
    world = ecs.World()
    hull, legs = ecs.Group((Position(0.0),), np.array([0, 2])), np.array([1, 2, 4])

    with pytest.raises(ecs.InvalidArgumentError, match=r"2 of 5 positions .*\(2, 3\)") as caught:
        world.spawn_groups(5, [hull, ecs.Group((Health(1),), legs)])

    assert caught.value.parameter == "groups"
    assert len(world) == 0
    assert world.spawn_groups(0, []).shape == (0,)


def test_a_sparse_component_is_added_up_by_place() -> None:
    world = ecs.World()
    crew = world.spawn(4, at=["inn", "harbour", "inn", None])
    world.add(crew[1:], Burning([1.0, 2.0, 4.0]))

    assert world.locations.sum(Burning, "heat").tolist() == [2.0, 1.0]


# -- doors ----------------------------------------------------------------------------


def test_a_world_that_is_saved_is_loaded_as_it_was(tmp_path: Path) -> None:
    world = ecs.World()
    world.spawn(3, Position([0, 1, 2]), ids=["a", "b", "c"], at="inn")
    world.save(tmp_path / "saved")

    again = ecs.World.load(tmp_path / "saved", components=[Position])

    assert again.digest() == world.digest()
    again.check()


def test_a_world_is_written_as_files_and_read_from_them(tmp_path: Path) -> None:
    world = ecs.World()
    world.spawn(2, ids=["a", "b"], at=["inn", None])
    world.to_files(tmp_path / "world.json")

    again = ecs.World.from_files(tmp_path / "world.json")

    assert sorted(again.ids) == ["a", "b"]
    assert again.locations.of(["a", "b"]).tolist() == ["inn", None]


def test_the_package_lists_all_that_it_has_and_no_more() -> None:
    assert set(ecs.__all__) <= set(dir(ecs))
    assert all(getattr(ecs, name) is not None for name in ecs.__all__)
    with pytest.raises(AttributeError, match="'ecs_columnar' has no attribute 'Wrold'"):
        _ = ecs.Wrold


def test_two_faces_of_a_storage_are_the_same_world() -> None:
    world = ecs.World()
    face = ecs.World._of(world._storage)

    face.spawn(2, ids=["a", "b"])

    assert "b" in world.ids
    assert face.digest() == world.digest()
