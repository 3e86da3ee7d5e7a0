"""The same operations make the same arrays: in one process, and in two of other hash seeds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import Mut
from tests.fingerprint import differences, digest, fingerprint, n_arrays
from tests.strategies import (
    Bag,
    Burning,
    Frozen,
    Health,
    Label,
    Marked,
    Note,
    Position,
    Shape,
    Times,
    Velocity,
    Widths,
    batch_of,
)

ROOT = Path(__file__).parent.parent
COMPONENTS = (Position, Health, Label, Burning, Frozen, Widths, Times, Shape, Bag, Note, Marked)


def a_history(seed: int, n_steps: int) -> ecs.World:
    """Make a world by random operations, which are the same for the same seed."""
    rng = np.random.default_rng(seed)
    world = ecs.World()
    world.define("core:actor", Position(1.0, 2.0), Health(3), Label("actor"))
    every = world.spawn(60, definition="core:actor", ids=[f"actor-{i}" for i in range(60)])
    for step in range(n_steps):
        every = every[world.alive(every)]
        some = rng.permutation(every)[: rng.integers(1, 40)]
        component = COMPONENTS[rng.integers(len(COMPONENTS))]
        batch = batch_of(component, len(some), rng.bytes(8), every[:3].tolist())
        _one_step(world, rng.integers(8), some, batch.given, step)
        every = np.concatenate([every, _newcomers(world, rng, step)])
    return world


def _one_step(
    world: ecs.World, operation: int, some: np.ndarray, component: ecs.Component, step: int
) -> None:
    kind = type(component)
    if operation == 0:
        world.despawn(some[: len(some) // 2])
    elif operation in (1, 2):
        world.add(some, component)
    elif operation == 3:
        world.remove(some[world.has(some, kind)], kind)
    elif operation == 4:
        world.move(some, ["harbour", "inn", None, "Zürich", "名前"][step % 5])
    elif operation == 5:
        world.move(some, some[::-1])
    elif operation == 6:
        world.set(some[world.has(some, Position)], Position, x=float(step))
    else:
        for rows in world.query(Mut[Position], without=Frozen):
            rows[Position].x += 1.0
        world.entity(int(some[0])).add(Velocity(1.0, 2.0))


def _newcomers(world: ecs.World, rng: np.random.Generator, step: int) -> np.ndarray:
    n = int(rng.integers(0, 8))
    ids = [f"id {step} {i}" for i in range(n)] if step % 2 else None
    places = [["harbour", "dock", None][k] for k in rng.integers(0, 3, n)]
    return world.spawn(n, Position(0.0), Health(np.arange(n)), ids=ids, at=places)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_operations_make_identical_arrays(seed: int) -> None:
    one, two = a_history(seed, 40), a_history(seed, 40)

    found = fingerprint(one)

    assert n_arrays(found) > 50
    assert differences(found, fingerprint(two)) == []


def test_other_operations_make_other_arrays() -> None:
    assert digest(a_history(1, 20)) != digest(a_history(2, 20))


def test_the_same_operations_return_the_same_handles_and_orders() -> None:
    one, two = a_history(5, 40), a_history(5, 40)

    assert one.query().handles().tolist() == two.query().handles().tolist()
    assert list(one.ids) == list(two.ids)
    assert list(one.locations) == list(two.locations)
    for found, expected in zip(one.locations.groups(), two.locations.groups(), strict=True):
        assert found.tolist() == expected.tolist()


def test_bad_input_in_between_makes_no_difference() -> None:
    one, two = ecs.World(), ecs.World()
    for world, is_disturbed in ((one, False), (two, True)):
        first = world.spawn(5, Position(1.0), ids=list("abcde"), at="harbour")
        if is_disturbed:
            for call in (
                lambda: world.spawn(2, Label(["new", "newer"]), ids=["x", "a"], at="new place"),  # noqa: B023
                lambda: world.add(first, Label(["new"] * 4)),  # noqa: B023
                lambda: world.move(first, ["p", "q"]),  # noqa: B023
                lambda: world.despawn([*first.tolist(), 5]),  # noqa: B023
            ):
                with pytest.raises(ecs.EcsColumnarError):
                    call()
        world.despawn(["b", "d"])
        world.spawn(4, Label(list("pqrs")), Position(2.0), ids=list("bxyz"), at=["inn"] * 4)

    assert one.query().handles().tolist() == two.query().handles().tolist()
    assert list(one.locations) == list(two.locations)
    assert list(one.ids) == list(two.ids)
    assert one.locations.groups().members.tolist() == two.locations.groups().members.tolist()


@pytest.mark.parametrize("hash_seeds", [("0", "12345")])
def test_the_hash_seed_makes_no_difference(hash_seeds: tuple[str, str]) -> None:
    program = (
        "from tests.test_determinism import a_history, digest\nprint(digest(a_history(1, 40)))\n"
    )

    digests = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in hash_seeds
    ]

    assert len(digests[0].strip()) == 64
    assert digests[0] == digests[1]
