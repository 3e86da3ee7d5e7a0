"""Random generators that are registered belong to the state of the world."""

from __future__ import annotations

import numpy as np
import pytest

import ecs_columnar as ecs


@pytest.mark.parametrize(
    "kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_a_restored_world_draws_the_same_numbers(kind: type) -> None:
    world = ecs.World()
    world.generators["weather"] = rng = np.random.Generator(kind(7))
    rng.random(3)
    snapshot = world.snapshot()

    drawn = rng.random(50).tolist(), rng.integers(0, 2**31, 7, dtype="i4").tolist()
    world.restore(snapshot)

    assert (rng.random(50).tolist(), rng.integers(0, 2**31, 7, dtype="i4").tolist()) == drawn
    assert snapshot.digest() == snapshot.digest()


def test_generators_that_came_or_went_since_a_snapshot_are_as_they_were() -> None:
    world = ecs.World()
    world.generators["a"] = first = np.random.default_rng(1)
    snapshot = world.snapshot()

    del world.generators["a"]
    world.generators["b"] = np.random.default_rng(2)
    world.restore(snapshot)

    assert dict(world.generators) == {"a": first}
    assert world.digest() == snapshot.digest()


def test_a_generator_of_another_kind_under_the_same_name_is_no_obstacle() -> None:
    world = ecs.World()
    world.generators["a"] = first = np.random.default_rng(1)
    expected = np.random.default_rng(1).random()
    snapshot = world.snapshot()

    world.generators["a"] = np.random.Generator(np.random.MT19937(1))
    world.restore(snapshot)

    assert world.generators["a"] is first
    assert first.random() == expected


def test_generators_are_a_mapping() -> None:
    world = ecs.World()
    assert repr(world.generators) == "<Generators: none>"

    world.generators["weather"] = np.random.default_rng(1)

    assert len(world.generators) == 1
    assert "weather" in world.generators
    assert repr(world.generators) == "<Generators: weather>"


@pytest.mark.parametrize("given", [None, 1, np.random.RandomState(1), np.random.PCG64(1)])
def test_only_generators_are_registered(given: object) -> None:
    world = ecs.World()

    with pytest.raises(ecs.InvalidArgumentError, match=r"give a numpy\.random\.Generator"):
        world.generators["weather"] = given  # type: ignore[assignment]

    assert len(world.generators) == 0
