"""Listeners are told what was done, once, after it was done, and change nothing by it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import Mut
from ecs_columnar.events import Kind
from tests.strategies import Burning, Frozen, Health, Label, Position, new_world


def listening(world: ecs.World) -> list[ecs.Event]:
    told: list[ecs.Event] = []
    for kind in get_args(Kind):
        world.events.on(kind, told.append)
    return told


def a_world() -> tuple[ecs.World, np.ndarray, list[ecs.Event]]:
    world = new_world()
    ships = world.spawn(3, Position([1, 2, 3]), Burning(1.0), at="harbour")
    return world, ships, listening(world)


@pytest.mark.parametrize(
    ("operation", "kind", "positions", "components"),
    [
        (lambda w, s: w.despawn(s[:2]), "despawned", [0, 1], ()),
        (lambda w, s: w.add(s[::-1], Health(1), Frozen()), "added", [2, 1, 0], (Health, Frozen)),
        (lambda w, s: w.add(s[1], Burning(2.0)), "added", [1], (Burning,)),
        (lambda w, s: w.remove(s, Position), "removed", [0, 1, 2], (Position,)),
        (lambda w, s: w.remove(s[2:], Burning), "removed", [2], (Burning,)),
        (lambda w, s: w.set(s[1:], Position(1.0)), "set", [1, 2], (Position,)),
        (lambda w, s: w.set(s[1], Position, x=1.0), "set", [1], (Position,)),
        (lambda w, s: w.move(s, "inn"), "moved", [0, 1, 2], ()),
        (lambda w, s: w.entity(int(s[1])).move("inn"), "moved", [1], ()),
        (lambda w, s: w.entity(int(s[1])).despawn(), "despawned", [1], ()),
        (lambda w, s: w.entity(int(s[1])).add(Health(1)), "added", [1], (Health,)),
        (
            lambda w, s: setattr(w.entity(int(s[1]))[Position], "x", 2.0),
            "set",
            [1],
            (Position,),
        ),
    ],
)
def test_an_operation_is_one_event(
    operation: Callable[[ecs.World, np.ndarray], object],
    kind: str,
    positions: list[int],
    components: tuple[type, ...],
) -> None:
    world, ships, told = a_world()

    operation(world, ships)

    (event,) = told
    assert event.kind == kind
    assert event.handles.tolist() == ships[positions].tolist()
    assert event.components == components
    assert event.tick == world.tick
    assert len(event) == len(positions)


def test_spawning_is_one_event_whatever_comes_with_it() -> None:
    world, _, told = a_world()

    born = world.spawn(2, Health(1), ids=["a", "b"], at="inn")
    one = world.spawn_one(Health(1))
    groups = [ecs.Group((Health(1),), np.array([1])), ecs.Group((), np.array([0]))]
    grouped = world.spawn_groups(2, groups)

    assert [event.kind for event in told] == ["spawned"] * 3
    assert [event.handles.tolist() for event in told] == [
        born.tolist(), [one.handle], grouped.tolist(),
    ]  # fmt: skip


def test_moves_say_from_where_and_where_to() -> None:
    world, ships, told = a_world()

    world.move([ships[0], ships[1], ships[0]], ["inn", None, "dock"])

    (event,) = told
    names = world._storage.places.text
    assert list(names(event.before)) == ["harbour", "harbour", "inn"]
    assert list(names(event.after)) == ["inn", None, "dock"]


def test_an_event_keeps_what_it_tells() -> None:
    world, ships, told = a_world()

    world.move(world.locations["harbour"], "inn")
    world.despawn(ships)

    assert told[0].handles.tolist() == ships.tolist()


def test_nothing_is_told_about_what_fails() -> None:
    world, ships, told = a_world()

    for call in (
        lambda: world.set(ships, Position("far")),
        lambda: world.despawn([*ships.tolist(), 5]),
        lambda: world.spawn(1, Label(3)),
    ):
        with pytest.raises(ecs.EcsColumnarError):
            call()

    assert told == []
    assert world._storage.outbox == []


def test_events_of_transactions_are_sent_in_order_when_the_outermost_one_ends() -> None:
    world, ships, told = a_world()

    with world.transaction():
        world.set(ships, Position, x=1.0)
        with world.transaction():
            world.move(ships, "inn")
        with world.transaction() as lost:
            world.despawn(ships)
            lost.rollback()
        assert told == []

    assert [event.kind for event in told] == ["set", "moved"]


def test_nothing_is_told_about_what_is_taken_back() -> None:
    world, ships, told = a_world()

    with world.transaction() as transaction:
        world.move(ships, "inn")
        transaction.rollback()
    world.restore(world.snapshot())

    assert told == []


def test_writing_through_views_tells_nobody() -> None:
    world, _, told = a_world()

    for rows in world.query(Mut[Position]):
        rows[Position].x += 1.0
        rows[Position].y = 3.0

    assert told == []


def test_a_listener_that_raises_is_logged_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world, ships, _ = a_world()
    calls: list[Any] = []

    def fail(event: ecs.Event) -> None:
        raise ValueError(event.kind)

    world.events.on("moved", fail)
    world.events.on("moved", calls.append)
    with caplog.at_level(logging.ERROR, logger="ecs_columnar.events"):
        world.move(ships, "inn")

    assert world.locations.count("inn") == 3
    assert len(calls) == 1
    assert "a listener to 'moved' events raised" in caplog.text


def test_a_listener_sees_the_world_as_it_is_then_and_may_change_it() -> None:
    world, ships, told = a_world()

    def follow(event: ecs.Event) -> None:
        assert world.locations.count("harbour") == 0
        world.add(event.handles, Frozen())

    world.events.on("moved", follow)
    world.move(ships, "inn")

    assert world.has(ships, Frozen).all()
    # What listeners do is told after what they were told.
    assert [event.kind for event in told] == ["moved", "added"]
    world.check()


def test_a_listener_that_is_interrupted_leaves_the_rest_to_the_next_operation() -> None:
    world, ships, told = a_world()
    seen: list[str] = []

    def interrupt(event: ecs.Event) -> None:
        seen.append(event.kind)
        if len(seen) == 1:
            raise KeyboardInterrupt

    world.events.on("moved", interrupt)
    transaction = world.transaction().__enter__()
    world.move(ships, "inn")
    world.set(ships, Position, x=1.0)
    with pytest.raises(KeyboardInterrupt):
        transaction.commit()
    assert world.locations.count("inn") == 3
    assert world.open_transaction is None

    world.move(ships, "dock")

    assert [event.kind for event in told] == ["moved", "set", "moved"]


def test_an_error_after_the_operation_says_that_it_was_done() -> None:
    world, ships, _ = a_world()

    def interrupt(event: ecs.Event) -> None:
        raise KeyboardInterrupt

    world.events.on("moved", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        world.move(ships, "inn")

    assert caught.value.__notes__ == [
        f"the operation was done before this was raised; the world is at tick {world.tick}"
    ]


def test_a_listener_is_called_until_its_token_is_handed_back() -> None:
    world = new_world()
    told: list[ecs.Event] = []
    token = world.events.on("spawned", told.append)
    assert repr(world.events) == "<Events: spawned: 1>"

    world.spawn(1)
    world.events.off(token)
    world.events.off(token)
    world.spawn(1)

    assert len(told) == 1
    assert repr(world.events) == "<Events: nobody listens>"
    assert world._storage.is_plain  # single writes are as fast as if nobody had ever listened
    assert repr(told[0]) == "<Event spawned: 1 entities, tick 1>"


def test_a_listener_that_stops_listening_while_it_is_told_keeps_nobody_from_hearing() -> None:
    world, heard = ecs.World(), []

    def once(event: ecs.Event) -> None:
        heard.append("once")
        world.events.off(token)

    token = world.events.on("spawned", once)
    world.events.on("spawned", lambda event: heard.append("always"))
    world.spawn(1)
    world.spawn(1)

    assert heard == ["once", "always", "always"]


def test_only_known_kinds_are_listened_to() -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="cannot listen to 'born': there is spawned"):
        new_world().events.on("born", print)  # type: ignore[arg-type]
