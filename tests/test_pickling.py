"""A world goes through pickle and copy as it is."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

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


ways = pytest.mark.parametrize(
    "take_along",
    [
        pytest.param(lambda world: pickle.loads(pickle.dumps(world)), id="pickle"),
        pytest.param(lambda world: pickle.loads(pickle.dumps(world, protocol=5)), id="pickle 5"),
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
