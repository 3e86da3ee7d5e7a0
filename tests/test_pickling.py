"""A world goes through pickle and copy as it is."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import ecs_columnar as ecs
from tests.strategies import Bag, Burning, Label, Position, batch_of


def a_world() -> ecs.World:
    world = ecs.World()
    kinds = (Position, Label, Bag, Burning)
    batches = [batch_of(kind, 20, b"\x05\x11", []).given for kind in kinds]
    places = [f"place {i % 3}" for i in range(20)]
    crew = world.spawn(20, *batches, ids=[f"id {i}" for i in range(20)], at=places)
    world.set(crew[3], Bag([{"gold": [1, {"deep": (2,)}]}]))
    world.despawn(crew[5])
    world.generators["dice"] = np.random.default_rng(3)
    return world


def out_of_band(world: ecs.World) -> ecs.World:
    """Take a world along as Dask and joblib do: arrays apart, and received as bytes."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(world, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(data, buffers=[bytes(buffer.raw()) for buffer in buffers])


ways = pytest.mark.parametrize(
    "take_along",
    [
        pytest.param(lambda world: pickle.loads(pickle.dumps(world)), id="pickle"),
        pytest.param(lambda world: pickle.loads(pickle.dumps(world, protocol=5)), id="pickle 5"),
        pytest.param(out_of_band, id="pickle 5 out of band"),
        pytest.param(copy.deepcopy, id="deepcopy"),
    ],
)


@ways
def test_a_world_is_the_same_afterwards(take_along: Callable[[ecs.World], ecs.World]) -> None:
    world = a_world()

    other = take_along(world)

    other.check()
    assert other.digest() == world.digest()


@ways
def test_both_worlds_go_on_alike_and_apart(take_along: Callable[[ecs.World], ecs.World]) -> None:
    world = a_world()
    other = take_along(world)
    before = world.digest()

    other.move("id 1", "place 2")
    other.despawn("id 3")

    assert other.locations["place 2"][-1] == other.ids["id 1"]
    assert world.digest() == before
    world.move("id 1", "place 2")
    world.despawn("id 3")
    assert other.digest() == world.digest()
    other.check()


def some_read_only(raw: list[bytes], is_odd: bool) -> list[Any]:
    """Receive every other buffer in memory that may be written, as joblib maps large ones only."""
    return [each if i % 2 == is_odd else bytearray(each) for i, each in enumerate(raw)]


def misaligned(raw: list[bytes]) -> list[Any]:
    """Receive buffers at odd addresses, as where they follow each other in one message."""
    return [memoryview(bytearray(b"." + each))[1:] for each in raw]


@pytest.mark.parametrize(
    "receive",
    [
        pytest.param(list, id="read-only"),
        pytest.param(partial(some_read_only, is_odd=False), id="some read-only"),
        pytest.param(partial(some_read_only, is_odd=True), id="the others read-only"),
        pytest.param(misaligned, id="misaligned"),
    ],
)
def test_no_operation_writes_into_what_a_pickle_came_in(
    receive: Callable[[list[bytes]], list[Any]],
) -> None:
    world = a_world()
    plain = world.spawn(3, Position(1.0, 2.0), at="place 1")
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(world, protocol=5, buffer_callback=buffers.append)
    raw = [bytes(buffer.raw()) for buffer in buffers]
    before = [bytes(bytearray(each)) for each in raw]

    operations: list[Callable[[ecs.World], object]] = [
        lambda other: other.spawn_one(Position(3.0, 4.0)),
        lambda other: other.entity(int(plain[0])).move("place 2"),
        lambda other: other.entity(int(plain[0]))[Position].__setattr__("x", 5.0),
        lambda other: other.entity(int(plain[0])).despawn(),
        lambda other: other.spawn(5, Position(3.0, 4.0), ids=list("abcde"), at="elsewhere"),
        lambda other: other.set(plain, Position, x=7.0),
        lambda other: other.add(plain, Burning()),
        lambda other: other.remove("id 2", Position),
        lambda other: other.move(plain, "place 0"),
        lambda other: other.despawn(other.query(Position)),
        lambda other: other.restore(other.snapshot()),
    ]
    for operate in [*operations, lambda other: [each(other) for each in operations[:3]]]:
        received = receive(raw)
        expected, other = pickle.loads(pickle.dumps(world)), pickle.loads(data, buffers=received)

        operate(expected)
        operate(other)

        other.check()
        assert other.digest() == expected.digest()
        assert raw == before
