"""A digest is a hash of all that decides the future, and of nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar.digest import Hasher
from tests.scene import a_scene, change_much
from tests.strategies import (
    Bag,
    Burning,
    Health,
    Label,
    Marked,
    Note,
    Position,
    Shape,
    new_world,
)  # fmt: skip

ROOT = Path(__file__).parent.parent
Change = Callable[[ecs.World, np.ndarray], object]


def a_world() -> tuple[ecs.World, np.ndarray]:
    world = new_world()
    world.generators["weather"] = np.random.default_rng(1)
    ships = world.spawn(
        4,
        Position([1, 2, 3, 4]), Label(list("abcd")), Bag([{"a": i} for i in range(4)]),
        Burning(1.0), Note("x"), Shape(),
        ids=["kestrel", "heron", "tern", "gull"], at="harbour",
    )  # fmt: skip
    world.despawn(world.spawn(3))
    return world, ships


def with_the_tick_of_before(change: Change) -> Change:
    """Set the clock back, so that it isn't the clock that makes the difference."""

    def changed(world: ecs.World, ships: np.ndarray) -> None:
        tick = world.tick
        change(world, ships)
        world._storage.clock[0] = tick

    return changed


CHANGES: dict[str, Change] = {
    "a number": lambda w, s: w.set(s[0], Position, x=9.0),
    "the sign of zero": lambda w, s: w.set(s[0], Position, y=-0.0),
    "a string": lambda w, s: w.set(s[0], Label, text="z"),
    "which strings": lambda w, s: w.set(s, Label, text=list("bacd")),
    "an object": lambda w, s: w.set(s[0], Bag({"a": 0.0})),
    "a rare number": lambda w, s: w.set(s[0], Burning(2.0)),
    "a rare string": lambda w, s: w.set(s[0], Note("y")),
    "a sub-array": lambda w, s: w.set(s[0], Shape(corner=[[0, 0, 1]])),
    "a tag": lambda w, s: w.add(s[0], Marked()),
    "the order of rows": lambda w, s: (w.add(s[0], Health(1)), w.remove(s[0], Health)),
    "a place": lambda w, s: w.move(s[0], "inn"),
    "the order in a place": lambda w, s: (w.move(s[0], None), w.move(s[0], "harbour")),
    "a place that is empty": lambda w, s: (w.move(s[3], "inn"), w.move(s[3], "harbour")),
    "a life": lambda w, s: w.spawn(1),
    "the free list": lambda w, s: w.despawn(w.spawn(2)[::-1]),
    "a generation": lambda w, s: (w.despawn(w.spawn(1)), w.despawn(w.spawn(1))),
    "an id": lambda w, s: (w.despawn(s[3]), w.spawn(1, ids=["gull!"])),
    "a definition": lambda w, s: w.define("core:actor", Health(1)),
    "the state of a generator": lambda w, s: w.generators["weather"].random(),
    "a generator": lambda w, s: w.generators.update(other=np.random.default_rng(2)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_digest_sees(name: str) -> None:
    world, ships = a_world()
    before = world.digest()

    with_the_tick_of_before(CHANGES[name])(world, ships)

    assert world.digest() != before


def test_a_digest_sees_the_tick() -> None:
    world, ships = a_world()
    before = world.digest()

    world.set(ships[0], Position, x=1.0)  # what it was

    assert world.digest() != before


def test_a_digest_does_not_see_capacity() -> None:
    (one, _ships), (two, _) = a_world(), a_world()
    with two.transaction() as transaction:
        two.spawn(500, Position(0.0), Burning(1.0), Label("x"), at="far away")
        transaction.rollback()

    assert two.stats().nbytes > one.stats().nbytes
    assert one.digest() == two.digest()


def test_a_digest_does_not_see_how_strings_are_numbered() -> None:
    one, two = new_world(), new_world()
    for world, first in ((one, "a"), (two, "b")):
        ships = world.spawn(2, Label(first))
        world.set(ships, Label(["b", "a"]))

    assert one.digest() == two.digest()


def test_a_digest_does_not_see_the_order_in_which_components_were_met() -> None:
    one, two = ecs.World(), ecs.World()
    one.query(Position, Health, Burning)
    two.query(Burning, Label, Health, Position)
    for world in (one, two):
        world.spawn(2, Position(1.0), Health(2), Burning(3.0))

    assert one.digest() == two.digest()


def test_a_digest_does_not_see_an_emptied_rare_component() -> None:
    one, two = new_world(), new_world()
    for world in (one, two):
        world.spawn(1)
        world.spawn(1)
    ship = two.query().handles()[:1]
    two.add(ship, Burning(1.0))
    two.remove(ship, Burning)
    two._storage.clock[0] = one.tick

    assert one.digest() == two.digest()


def test_a_digest_is_the_same_with_another_hash_seed() -> None:
    program = (
        "from tests.scene import a_scene, change_much\n"
        "s = a_scene(); change_much(s); print(s.world.digest())"
    )
    scene = a_scene()
    change_much(scene)

    found = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "12345")
    ]

    assert found == [scene.world.digest()] * 2


def digest_of(value: object) -> str:
    hasher = Hasher()
    hasher.value(value)
    return hasher.hexdigest()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a", "b", "c"}, frozenset("cab")),
        ((1, [2]), [1, (2,)]),
        (Decimal("1.5"), Decimal("1.5")),
    ],
)
def test_equal_values_are_equal(one: object, two: object) -> None:
    assert digest_of(one) == digest_of(two)


def test_values_that_differ_differ() -> None:
    values = (
        1, 1.0, True, "1", b"1", None, (1,), (1, 1), ((1,), 1), {1: 1}, {1}, "", (), {}, set(),
        np.array([1]), np.array([1.0]), np.array([[1]]), ("ab", "c"), ("a", "bc"), Decimal(1),
        "\udc80",
    )  # fmt: skip

    assert len({digest_of(value) for value in values}) == len(values)
