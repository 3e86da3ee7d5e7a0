"""Snapshots are frozen, share what does not change, and tell what is different."""

from __future__ import annotations

import os
import sys
from types import FrameType
from unittest.mock import ANY

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar import Mut
from ecs_columnar import snapshot as snapshots
from ecs_columnar.digest import digest
from ecs_columnar.dtypes import INDEX_MASK
from tests.fingerprint import assert_unchanged, fingerprint
from tests.scene import a_scene, change_much
from tests.strategies import (
    Bag,
    Burning,
    Frozen,
    Health,
    Label,
    Mass,
    Note,
    Position,
    Shape,
    Times,
    new_world,
)  # fmt: skip


def rows_of(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return [tuple(row) for row in frame.drop(columns="entity").itertuples(index=False)]


def test_a_restored_world_is_bit_identical() -> None:
    scene = a_scene()
    before, snapshot = fingerprint(scene.world), scene.world.snapshot()

    change_much(scene)
    scene.world.restore(snapshot)

    assert_unchanged(before, scene.world)
    scene.world.check()


def test_a_snapshot_can_be_restored_again_and_later_ones_too() -> None:
    scene = a_scene()
    first = scene.world.snapshot()
    change_much(scene)
    second = scene.world.snapshot()

    for snapshot in (first, second, first, second):
        scene.world.restore(snapshot)
        assert scene.world.digest() == snapshot.digest()
        scene.world.check()


def test_a_snapshot_does_not_change_with_the_world() -> None:
    scene = a_scene()
    snapshot = scene.world.snapshot()
    arrays = [array.copy() for array in snapshot.content.arrays()]

    change_much(scene)

    for array, copy in zip(snapshot.content.arrays(), arrays, strict=True):
        assert not array.flags.writeable
        assert array.tobytes() == copy.tobytes() or array.dtype == object


def test_what_an_open_query_writes_does_not_reach_a_snapshot() -> None:
    world = new_world()
    world.spawn(3, Position([1, 2, 3]), Health(1))

    for rows in world.query(Mut[Position]):
        view = rows[Position].x
        snapshot = world.snapshot()
        view += 1.0
    assert world.get(world.query(), Position).x.tolist() == [2, 3, 4]
    world.restore(snapshot)

    assert world.get(world.query(), Position).x.tolist() == [1, 2, 3]


def test_snapshots_share_what_has_not_been_written() -> None:
    world = new_world()
    ships = world.spawn(1000, Position(1.0), Mass(2.0))
    first = world.snapshot()
    world.set(ships, Position, x=2.0)
    second = world.snapshot()

    shared = first.shared_arrays().keys() & second.shared_arrays().keys()

    assert len(first.shared_arrays()) - len(shared) == 1
    assert first.nbytes == second.nbytes >= 1000 * (4 + 4 + 8 + 8)


def test_snapshots_of_equal_worlds_are_equal() -> None:
    world = new_world()
    ships = world.spawn(2, Health(1))
    first = world.snapshot()
    world.set(ships, Health(2))
    second = world.snapshot()
    world.restore(first)
    third = world.snapshot()

    assert first == third
    assert hash(first) == hash(third)
    assert first != second
    assert first != "a snapshot"
    assert first == ANY  # who is no snapshot may know better
    assert repr(first).startswith("<Snapshot at tick 1: 2 entities, ")


def test_a_snapshot_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = a_scene().world.snapshot()
    found = snapshot.digest()

    monkeypatch.setattr(snapshots, "digest", lambda content: "another")

    assert snapshot.digest() == found


@pytest.mark.parametrize(
    ("component", "change", "expected"),
    [
        (Position(1.0), Position(2.0), ("Position", "x", 1.0, 2.0)),
        (Mass(1.0), Mass(-0.5), ("Mass", "kilograms", 1.0, -0.5)),
        (Label("a"), Label("b"), ("Label", "text", "a", "b")),
        (Burning(1.0), Burning(2.0), ("Burning", "heat", 1.0, 2.0)),
        (Note("x"), Note("y"), ("Note", "text", "x", "y")),
        (Bag(1), Bag("b"), ("Bag", "content", 1, "b")),
    ],
)
def test_the_difference_of_a_value_is_a_row(
    component: ecs.Component, change: ecs.Component, expected: tuple[object, ...]
) -> None:
    world = new_world()
    ships = world.spawn(2, component, ids=["kestrel", "heron"])
    before = world.snapshot()

    world.set(ships[1:], change)
    frame = before.diff(world.snapshot())

    assert rows_of(frame) == [("heron", *expected)]
    assert frame["entity"].tolist() == [ships[1]]


def test_the_difference_of_a_sub_array_is_a_row_with_both() -> None:
    world = new_world()
    ship = world.spawn(1, Shape(corner=[[1, 2, 3]]))
    before = world.snapshot()

    world.set(ship, Shape, corner=[[1, 2, 4]])
    ((_, component, field, old, new),) = rows_of(before.diff(world.snapshot()))

    assert (component, field) == ("Shape", "corner")
    assert old.tolist() == [1, 2, 3]
    assert new.tolist() == [1, 2, 4]


def test_nan_and_not_a_time_are_no_difference_to_themselves() -> None:
    world = new_world()
    ships = world.spawn(2, Position(np.nan), Times(at=np.datetime64("NaT", "s")))
    before = world.snapshot()

    world.set(ships, Position(np.nan))
    frame = before.diff(world.snapshot())

    assert len(frame) == 0
    assert list(frame) == ["entity", "id", "component", "field", "before", "after"]


def test_objects_are_different_if_anything_in_them_is() -> None:
    world = new_world()
    nested = [1, ["a", {"b": [2.0, 3]}]]
    numbers = np.array([1.0, np.nan])
    ships = world.spawn(6, Bag([nested, nested, None, numbers, np.nan, 1]))
    other = world.spawn(1, Health(1))
    before = world.snapshot()

    changed = [1, ["a", {"b": [2.0, 4]}]]
    world.set(ships, Bag([nested, changed, None, numbers.copy(), -np.nan, True]))
    world.add(other, Bag([None]))
    frame = before.diff(world.snapshot())

    assert frame[["entity", "field"]].to_numpy().tolist() == [
        [ships[1], "content"],
        [ships[5], "content"],
        [other[0], "content"],
    ]
    assert frame["after"].iloc[0] == (1, ("a", {"b": (2.0, 4)}))


@given(
    before=st.dictionaries(st.integers(0, 9), st.sampled_from([0.0, 1.0, np.nan])),
    after=st.dictionaries(st.integers(0, 9), st.sampled_from([0.0, 1.0, np.nan])),
)
def test_a_row_is_told_of_each_value_that_came_went_or_changed(
    before: dict[int, float], after: dict[int, float]
) -> None:
    world = new_world()
    ships = world.spawn(10)
    world.add(ships[[*before]], Position(list(before.values())))
    first = world.snapshot()

    world.remove(ships[[*before]], Position)
    world.add(ships[[*after]], Position(list(after.values())))
    frame = first.diff(world.snapshot())

    expected = [
        (i, str(before.get(i)), str(after.get(i)))
        for i in sorted(before | after)
        if str(before.get(i)) != str(after.get(i))
    ]
    found = frame[frame["field"] == "x"]
    indices = (found["entity"] & INDEX_MASK).tolist()
    rows = zip(indices, found["before"], found["after"], strict=True)
    assert [(i, str(old), str(new)) for i, old, new in rows] == expected


def test_lives_places_and_tags_are_told() -> None:
    world = new_world()
    ships = world.spawn(3, ids=["a", "b", "c"], at=["harbour", "inn", None])
    before = world.snapshot()

    world.despawn(ships[1])
    world.move(ships[0], ships[2])
    world.add(ships[2], Frozen(), Health(3))
    born = world.spawn(1)
    frame = before.diff(world.snapshot())

    assert rows_of(frame) == [
        ("b", None, "alive", True, None),
        (None, None, "alive", None, True),
        ("a", None, "place", "harbour", "c"),
        ("b", None, "place", "inn", None),
        ("c", "core:health", "points", None, 3),
        ("c", "Frozen", None, None, True),
    ]
    assert frame["entity"].tolist()[1] == born[0]


def test_a_place_without_a_name_is_told_by_its_handle() -> None:
    world = new_world()
    ship, sailor = world.spawn(2)
    before = world.snapshot()

    world.move(sailor, ship)

    assert rows_of(before.diff(world.snapshot())) == [(None, None, "place", None, "0v1")]


def test_the_difference_of_empty_worlds_is_empty() -> None:
    world = ecs.World()

    assert len(world.snapshot().diff(world.snapshot())) == 0


def test_snapshots_of_two_worlds_are_not_compared_nor_restored() -> None:
    one, two = new_world(), new_world()
    foreign = two.snapshot()

    with pytest.raises(ecs.SnapshotError, match="cannot compare snapshots of two worlds"):
        one.snapshot().diff(foreign)
    with pytest.raises(ecs.SnapshotError, match="it is no snapshot of this world"):
        one.restore(foreign)
    with pytest.raises(ecs.SnapshotError, match="cannot restore None"):
        one.restore(None)


def test_nothing_is_restored_under_an_open_query() -> None:
    world = new_world()
    world.spawn(1, Position(0.0))
    snapshot = world.snapshot()

    for _ in world.query(Position):
        with pytest.raises(ecs.StructuralChangeError, match="cannot restore a snapshot"):
            world.restore(snapshot)


def test_faces_stay_good_when_the_world_is_restored() -> None:
    world = new_world()
    ship = world.spawn_one(Position(1.0), Burning(2.0), id="kestrel", at="harbour")
    cells, query, listened = ship[Position], world.query(Position), []
    world.events.on("moved", listened.append)
    snapshot = world.snapshot()

    world.despawn(ship)
    world.restore(snapshot)
    cells.x = 3.0
    ship.move("inn")

    assert ship.is_alive and ship.location == "inn"
    assert ship[Burning].heat == 2.0
    assert query.count() == 1
    assert world.get("kestrel", Position).x == 3.0
    assert len(listened) == 1


def test_a_write_to_a_cell_counts_no_tick_whoever_holds_a_snapshot() -> None:
    one, two = new_world(), new_world()
    for world in (one, two):
        ship = world.spawn_one(Position(1.0), Label("a"))
        held = world.snapshot() if world is one else None
        ship[Position].x = 2.0
        ship[Position].x = 3
        ship[Label].text = "b"
        assert held is None or held.tick == world.tick

    assert one.digest() == two.digest()


@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") != "0",
    reason="no signal is handled within machine code, and one may be within Python",
)
@pytest.mark.parametrize("k", range(0, 200, 2))
def test_a_snapshot_that_is_taken_within_a_single_call_keeps_what_it_took(k: int) -> None:
    world = ecs.World()
    crew = world.spawn(3, Position(1.0, 2.0), at=["inn", "harbour", "inn"])
    taken: list[tuple[ecs.Snapshot, str]] = []
    n_seen = 0

    def take(frame: FrameType, event: str, argument: object) -> None:  # where signals are handled
        if event in ("call", "c_return"):
            nonlocal n_seen
            n_seen += 1
            if n_seen == k:
                snapshot = world.snapshot()
                taken.append((snapshot, digest(snapshot.content)))

    world.snapshot()
    sys.setprofile(take)
    try:
        world.spawn_one(Position(3.0, 4.0))
        world.entity(int(crew[0])).move("harbour")
    except (TypeError, ValueError):  # refused: a batch of one was on its way
        pass
    finally:
        sys.setprofile(None)
    world.spawn_one(Position(5.0, 6.0))
    world.entity(int(crew[0])).move("inn")

    world.check()
    assert [digest(snapshot.content) for snapshot, _ in taken] == [then for _, then in taken]
