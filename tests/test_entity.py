"""One entity as an object: its components, its cells, and how it shows itself."""

from __future__ import annotations

import numpy as np
import pytest

import ecs_columnar as ecs
from tests.strategies import (
    Bag,
    Burning,
    Frozen,
    Health,
    Label,
    Link,
    Mass,
    Note,
    Position,
    Shape,
    Times,
    Velocity,
)


@pytest.fixture
def world() -> ecs.World:
    return ecs.World()


@pytest.fixture
def actor(world: ecs.World) -> ecs.Entity:
    """Return an entity between two others, so that its row is none of the ends."""
    world.spawn(1, Position(-1.0), Health(1))
    made = world.spawn_one(Position(1.0, 2.0), Health(3), id="actor", at="inn")
    world.spawn(1, Position(9.0), Health(9))
    return made


# -- what it is -----------------------------------------------------------------------


def test_an_entity_knows_its_id_its_place_and_its_components(
    world: ecs.World, actor: ecs.Entity
) -> None:
    assert (actor.id, actor.location) == ("actor", "inn")
    assert actor.components == (Position, Health)
    actor.add(Burning(2.0))
    assert actor.components == (Position, Health, Burning)
    assert Burning in actor and Velocity not in actor
    actor.move(None)
    assert actor.location is None


def test_sparse_components_are_told_by_entity(world: ecs.World, actor: ecs.Entity) -> None:
    other = world.spawn_one(Position(0.0), Health(1))
    other.add(Burning())

    assert Burning not in actor
    assert other.components == (Position, Health, Burning)


def test_an_entity_without_an_id_or_a_place_goes_by_its_handle(world: ecs.World) -> None:
    nameless = world.spawn_one(Frozen())

    assert (nameless.id, nameless.location) == ("0v1", None)
    assert repr(nameless) == "<Entity '0v1' (0v1): Frozen()>"


def test_an_entity_shows_where_it_is_and_its_values(actor: ecs.Entity) -> None:
    assert repr(actor) == (
        "<Entity 'actor' (1v1) in 'inn': Position(x=1.0, y=2.0), Health(points=3)>"
    )


def test_entities_are_equal_by_handle_and_world(world: ecs.World, actor: ecs.Entity) -> None:
    same = world.entity("actor")
    other = ecs.World()
    other.spawn(2)
    stranger = other.entity(actor.handle)

    assert same == actor and hash(same) == hash(actor)
    assert stranger.handle == actor.handle and stranger != actor
    assert actor != world.entity(world.query(Position).handles()[0])
    assert actor != actor.handle
    assert len({actor, same, stranger}) == 2


def test_an_entity_is_in_its_world_while_it_is_alive(world: ecs.World, actor: ecs.Entity) -> None:
    handle = actor.handle

    assert actor in world and "actor" in world and handle in world and np.int64(handle) in world
    assert actor not in ecs.World()
    actor.despawn()
    assert actor not in world and "actor" not in world and handle not in world
    assert None not in world and 1.5 not in world


def test_one_entity_is_asked_for_by_id_handle_or_itself(
    world: ecs.World, actor: ecs.Entity
) -> None:
    assert world.entity("actor") == world.entity(actor.handle) == world.entity(actor) == actor
    for several in ([actor.handle], world.query(Position), None, 1.0):
        with pytest.raises(ecs.InvalidArgumentError, match="as one entity; give an id or a handle"):
            world.entity(several)


# -- what is done to it ---------------------------------------------------------------


def test_what_is_done_to_an_entity_is_done_to_it_alone(world: ecs.World, actor: ecs.Entity) -> None:
    actor.add(Velocity(1.0))
    actor.set(Position(7.0), Health(8))
    actor.remove(Velocity)

    assert actor.components == (Position, Health)
    assert sorted(world.get(world.query(Position), Position).x.tolist()) == [-1.0, 7.0, 9.0]
    assert world.get("actor", Health).points == 8


def test_a_component_is_assigned_as_a_whole_and_to_its_own_class(actor: ecs.Entity) -> None:
    actor[Position] = Position(5.0, 6.0)

    assert (actor[Position].x, actor[Position].y) == (5.0, 6.0)
    for value in (Health(1), 5.0, Position):
        with pytest.raises(ecs.InvalidArgumentError, match="it is not one of it"):
            actor[Position] = value
    assert actor[Position].x == 5.0


def test_a_component_that_an_entity_lacks_is_refused(actor: ecs.Entity) -> None:
    with pytest.raises(ecs.ComponentNotFoundError, match="cannot get Velocity: 1 of 1"):
        actor[Velocity]


def test_a_dead_entity_says_so_and_does_nothing_more(world: ecs.World, actor: ecs.Entity) -> None:
    cells = actor[Position]
    actor.despawn()

    assert not actor.is_alive
    assert repr(actor) == "<Entity 1v1, dead>"
    for use in (
        lambda: actor.id,
        lambda: actor.location,
        lambda: actor.components,
        lambda: actor.move("inn"),
        lambda: actor.set(Health(1)),
        actor.despawn,
        lambda: actor[Position],
        lambda: cells.x,
        lambda: setattr(cells, "x", 1.0),
    ):
        with pytest.raises(ecs.StaleHandleError, match="1v1"):
            use()


# -- cells ----------------------------------------------------------------------------


def test_cells_show_their_values(actor: ecs.Entity) -> None:
    actor[Position].x += 0.5

    assert repr(actor[Position]) == "Position(x=1.5, y=2.0)"


def test_cells_follow_their_entity_when_rows_move(world: ecs.World, actor: ecs.Entity) -> None:
    cells = actor[Position]
    world.despawn(world.query(Position).handles()[0])
    assert cells.x == 1.0
    actor.add(Velocity())
    cells.y = 5.0

    assert actor[Position].y == 5.0
    assert world.get("actor", Position).y == 5.0
    assert world.get(world.query(Position, without=Velocity), Position).y.tolist() == [0.0]


def test_cells_of_any_kind_are_found_again_when_rows_move(world: ecs.World) -> None:
    first = world.spawn_one(Label("a"), Shape(corner=1), Link(0))
    second = world.spawn_one(Label("b"), Shape(corner=2), Link(first))
    label, shape, link = second[Label], second[Shape], second[Link]
    first.despawn()

    assert label.text == "b"
    world.spawn(1).tolist()
    assert shape.corner.tolist() == [2, 2, 2]
    second.add(Frozen())
    assert link.target == first.handle


def test_cells_of_a_component_that_is_gone_are_refused(actor: ecs.Entity) -> None:
    cells = actor[Health]
    actor.remove(Health)

    with pytest.raises(ecs.ComponentNotFoundError, match="cannot use core:health"):
        _ = cells.points


@pytest.mark.parametrize("value", [True, np.int8(7), 7])
def test_a_cell_takes_what_a_batch_of_one_takes(actor: ecs.Entity, value: object) -> None:
    actor[Health].points = value

    assert actor[Health].points == int(value)  # type: ignore[call-overload]
    assert type(actor[Health].points) is int


@pytest.mark.parametrize("value", [1.5, "7", None, 2**31, [1, 2]])
def test_a_cell_refuses_what_a_batch_of_one_refuses(actor: ecs.Entity, value: object) -> None:
    with pytest.raises(ecs.ValidationError, match="core:health: points"):
        actor[Health].points = value

    assert actor[Health].points == 3


def test_cells_of_every_kind_are_read_and_written(world: ecs.World) -> None:
    friend = world.spawn_one()
    one = world.spawn_one(Label("a"), Link(0), Bag({"a": 1}), Times(), Shape(), Mass())
    one[Label].text = "b"
    one[Link].target = friend
    one[Bag].content = [1, 2]
    one[Times].at = np.datetime64("2020-01-01", "s")
    one[Shape].corner = [1, 2, 3]
    one[Mass].kilograms = 2.5

    assert one[Label].text == "b"
    assert one[Link].target == friend.handle and type(one[Link].target) is int
    assert one[Bag].content == (1, 2)  # frozen
    assert one[Times].at == np.datetime64("2020-01-01", "s")
    assert one[Shape].corner.tolist() == [1, 2, 3]
    assert one[Mass].kilograms == 2.5


def test_an_array_of_a_cell_is_a_copy_that_cannot_be_written(world: ecs.World) -> None:
    one = world.spawn_one(Shape(corner=[1, 2, 3]))

    with pytest.raises(ValueError, match="read-only"):
        one[Shape].corner[0] = 9


def test_a_value_that_has_to_be_checked_is_checked_in_a_cell(world: ecs.World) -> None:
    one = world.spawn_one(Mass(1.0))

    with pytest.raises(ecs.ValidationError, match="kilograms is nan: values are not finite"):
        one[Mass].kilograms = float("nan")
    one[Mass].kilograms = 3.0

    assert one[Mass].kilograms == 3.0


def test_sparse_cells_are_read_and_written_and_found_again(world: ecs.World) -> None:
    first, second = (world.spawn_one(Note(text, [i])) for i, text in enumerate("ab"))
    cells = second[Note]
    first.remove(Note)
    cells.text = "c"
    cells.extra = {"k": 2}

    assert (cells.text, dict(cells.extra)) == ("c", {"k": 2})
    assert world.get(second, Note).text == "c"
    second.remove(Note)
    with pytest.raises(ecs.ComponentNotFoundError, match="cannot use Note"):
        cells.text = "d"


def test_a_cell_that_a_snapshot_holds_is_copied_before_it_is_written(
    world: ecs.World, actor: ecs.Entity
) -> None:
    before = world.snapshot()
    actor[Health].points = 100
    assert actor[Health].points == 100

    world.restore(before)

    assert actor[Health].points == 3


def test_a_cell_is_taken_back_with_its_transaction(world: ecs.World, actor: ecs.Entity) -> None:
    with world.transaction() as transaction:
        actor[Health].points = 100
        actor.move("harbour")
        transaction.rollback()

    assert (actor[Health].points, actor.location) == (3, "inn")


def test_who_listens_is_told_of_a_cell_that_is_set(world: ecs.World, actor: ecs.Entity) -> None:
    told: list[ecs.Event] = []
    world.events.on("set", told.append)
    tick = world.tick

    actor[Health].points = 100

    (event,) = told
    assert (event.handles.tolist(), event.components) == ([actor.handle], (Health,))
    assert world.tick == tick


def test_a_handle_that_was_never_given_out_is_of_nobody_one_by_one_and_in_batches(
    world: ecs.World, actor: ecs.Entity
) -> None:
    entities = world._storage.entities
    capacity = len(entities.records)
    handles = [
        generation << 32 | index
        for generation in range(3)
        for index in range(entities.n_used, capacity + 2)
    ]
    handles += [0, 1, actor.handle & 0xFFFFFFFF]

    assert capacity > entities.n_used
    assert not world.alive(handles).any()
    assert not any(map(entities.is_alive, handles))
