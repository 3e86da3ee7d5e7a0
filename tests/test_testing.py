"""A step that depends on more than the world is caught, and what it spoils is named."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import Mut, synctest
from tests.strategies import Burning, Frozen, Health, Label, Position, new_world


def a_world() -> ecs.World:
    world = new_world()
    world.generators["weather"] = np.random.default_rng(1)
    world.spawn(5, Position(0.0), Health(100), Label("calm"), at="harbour")
    return world


def live(world: ecs.World) -> None:
    """Do some of everything, depending on nothing but the world."""
    rng = world.generators["weather"]
    for rows in world.query(Mut[Position]):
        rows[Position].x += rng.normal(size=len(rows)).astype("f4")
    some = rng.permutation(world.query(without=Label).handles())[:2]
    world.move(some, f"place {world.tick % 3}")
    world.spawn(1, Position(1.0), Health(int(rng.integers(9))), ids=[f"born {world.tick}"])
    if len(world) > 8:
        world.despawn(some)
    else:
        world.add(some, Burning(1.0), Frozen())
    world.entity(int(world.query(Label).handles()[0]))[Label].text = f"tick {world.tick}"


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_step_that_depends_on_the_world_alone_passes(depth: int) -> None:
    one, two = a_world(), a_world()

    check = synctest(one, live, depth=depth)
    check.run(8)
    check.run(4)
    for _ in range(12):
        live(two)

    assert check.n_steps == 12
    assert one.digest() == two.digest()
    assert repr(check) == f"<SyncTest of {depth} steps back: 12 steps agreed>"


def hidden(counter: Any) -> dict[str, tuple[Callable[[ecs.World], object], str]]:
    rng = np.random.default_rng(3)

    def one(world: ecs.World) -> Any:
        return world.query(Health).handles()[0]

    return {
        "a number": (lambda w: w.set(one(w), Health(next(counter))), "core:health.points"),
        "a generator": (lambda w: w.set(one(w), Position, x=rng.random()), "Position.x"),
        "a string": (lambda w: w.set(one(w), Label, text=f"{next(counter)}"), "Label.text"),
        "a tag": (
            lambda w: w.add(one(w), Frozen()) if next(counter) % 2 else w.set(one(w), Health(1)),
            "Frozen",
        ),
        "a place": (lambda w: w.move(one(w), f"place {next(counter)}"), "places"),
        "a life": (lambda w: w.spawn(next(counter) % 3), "who is alive"),
        "the free list": (
            lambda w: [w.despawn(h) for h in w.spawn(2)[:: (-1) ** next(counter)].tolist()],
            "generations and the free list",
        ),
        "an id": (lambda w: w.spawn(1, ids=[f"id {next(counter)}"]), "ids"),
        "a definition": (lambda w: w.define(f"core:{next(counter)}"), "definitions"),
        "the tick": (
            lambda w: [w.set(one(w), Health(1)) for _ in range(next(counter))],
            "the tick",
        ),
        "draws": (
            lambda w: w.generators["weather"].random(next(counter)),
            "generator 'weather'",
        ),
        "the order in a place": (
            lambda w: w.move(w.locations["harbour"][:: (-1) ** next(counter)].copy(), "inn"),
            "the order within places",
        ),
    }


@pytest.mark.parametrize("name", hidden(None))
def test_what_hidden_state_spoils_is_named(name: str) -> None:
    step, where = hidden(itertools.count())[name]

    with pytest.raises(
        ecs.SynchronisationError, match="cannot repeat step 1: taken again"
    ) as caught:
        synctest(a_world(), step).run(5)

    assert where in caught.value.where
    assert caught.value.step == 1


def test_the_first_difference_is_shown_and_all_are_facts() -> None:
    counter = itertools.count()

    with pytest.raises(AssertionError) as caught:
        synctest(a_world(), lambda w: w.set(w.query(), Health(next(counter)))).run(1)

    error: Any = caught.value
    assert "core:health.points of 0v1, 0 and then 1" in str(error)
    assert error.where == ("core:health.points",)
    assert error.differences["after"].tolist() == [1] * 5
    assert pickle.loads(pickle.dumps(error)).step == 1


def test_a_fault_that_shows_after_some_steps_needs_depth() -> None:
    """A cache that goes stale when the world goes back further than one step."""

    late: list[int] = []

    def step(world: ecs.World) -> None:
        late.append(world.tick)
        world.set(world.query(), Health(int(late[-3:] == [3, 1, 2])))

    synctest(a_world(), step, depth=1).run(5)
    late.clear()
    check = synctest(a_world(), step, depth=3)
    with pytest.raises(ecs.SynchronisationError, match="cannot repeat step 2"):
        check.run(5)


def test_what_a_step_raises_comes_through() -> None:
    def step(world: ecs.World) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        synctest(a_world(), step).run(1)


@pytest.mark.parametrize("depth", [0, -1, 1.0, True, None])
def test_the_depth_is_a_number(depth: Any) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match=r"cannot go back .* steps"):
        synctest(a_world(), live, depth=depth)


@pytest.mark.parametrize("n_steps", [-1, 1.0, True, None])
def test_the_number_of_steps_is_a_number(n_steps: Any) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match=r"cannot take .* steps"):
        synctest(a_world(), live).run(n_steps)


def test_a_step_can_be_called() -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="cannot take 'live' as a step"):
        synctest(a_world(), "live")  # type: ignore[arg-type]
