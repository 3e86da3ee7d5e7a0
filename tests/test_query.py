"""Queries: what they match, what a loop over one sees, and what they refuse."""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import Mut
from tests.strategies import Burning, Frozen, Health, Label, Link, Mass, Note, Position, Velocity


@pytest.fixture
def world() -> ecs.World:
    """Return a world with three kinds of entities: moving, standing, and neither."""
    made = ecs.World()
    made.spawn(3, Position([0, 1, 2]), Velocity(1.0))
    made.spawn(2, Position([10, 11]), Health(5))
    made.spawn(1, Health(1), Label("stone"))
    return made


# -- terms ----------------------------------------------------------------------------


def test_a_query_tells_its_terms_as_they_were_given(world: ecs.World) -> None:
    query = world.query(Mut[Position], Velocity, without=(Health, Frozen))

    assert query.describe() == "query(Mut[Position], Velocity, without=(Health, Frozen))"
    assert world.query().describe() == "query()"
    assert repr(Mut[Position]) == "Mut[Position]"


def test_a_component_that_is_asked_for_and_refused_is_refused(world: ecs.World) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="with and without Position at once"):
        world.query(Mut[Position], without=Position)


def test_one_component_or_several_can_be_refused(world: ecs.World) -> None:
    assert world.query(Position, without=Velocity).count() == 2
    assert world.query(Position, without=[Velocity, Health]).count() == 0
    assert world.query(without=[Velocity, Label]).count() == 2


# -- figures --------------------------------------------------------------------------


def test_a_query_is_as_long_as_its_count_and_never_false(world: ecs.World) -> None:
    moving, burning = world.query(Velocity), world.query(Burning)

    assert len(moving) == moving.count() == 3
    assert len(burning) == burning.count() == 0
    assert moving and burning


def test_a_query_counts_what_sparse_components_let_through(world: ecs.World) -> None:
    moving = world.query(Velocity).handles()
    world.add(moving[1:], Burning(2.0))

    assert world.query(Position, Burning).handles().tolist() == moving[1:].tolist()
    assert world.query(Position, without=Burning).count() == 3
    assert world.query(Velocity, without=Burning).handles().tolist() == moving[:1].tolist()
    assert len(world.query(Burning)) == 2


def test_each_of_two_sparse_components_lets_through_what_it_has(world: ecs.World) -> None:
    moving = world.query(Velocity).handles()
    world.add(moving[:2], Burning(2.0))
    world.add(moving[1:], Note("x"))

    assert world.query(Burning, Note).handles().tolist() == moving[1:2].tolist()
    assert world.query(Note, Burning).count() == 1
    assert world.query(Burning, without=Note).handles().tolist() == moving[:1].tolist()
    assert world.query(Velocity, without=(Burning, Note)).count() == 0


def test_the_values_of_a_query_come_in_its_order_whatever_sparse_components_let_through(
    world: ecs.World,
) -> None:
    world.spawn(3, Position([20, 21, 22]))
    everybody = world.query(Position).handles()
    world.add(everybody[[0, 2, 4, 5, 7]], Burning(1.0))

    assert world.get(world.query(Position, Burning), Position).x.tolist() == [0, 2, 11, 20, 22]
    assert world.get(world.query(Position, without=Burning), Position).x.tolist() == [1, 10, 21]


def test_handles_come_table_by_table_in_row_order(world: ecs.World) -> None:
    first = world.query(Position, Velocity).handles()
    second = world.query(Position, Health).handles()

    assert world.query(Position).handles().tolist() == [*first, *second]


def test_a_head_has_the_first_entities_of_all_tables(world: ecs.World) -> None:
    query = world.query(Position)

    assert query.head(4)["Position.x"].tolist() == [0, 1, 2, 10]
    assert query.head(3)["Position.x"].tolist() == [0, 1, 2]
    assert query.head(9)["Position.x"].tolist() == [0, 1, 2, 10, 11]
    assert query.head(0).empty
    assert query.head(4).index.tolist() == query.handles()[:4].tolist()


def test_a_head_has_the_first_of_those_that_a_sparse_component_lets_through(
    world: ecs.World,
) -> None:
    everybody = world.query(Position).handles()
    world.add(everybody[[1, 2, 4]], Burning([1.0, 2.0, 3.0]))
    query = world.query(Burning, Position)

    assert query.head(1)["Position.x"].tolist() == [1]
    assert query.head(2)["Position.x"].tolist() == [1, 2]
    assert query.head(3)["Position.x"].tolist() == [1, 2, 11]
    assert query.head(3)["Burning.heat"].tolist() == [1, 2, 3]


# -- loops ----------------------------------------------------------------------------


def test_a_loop_shows_each_table_that_has_rows_once(world: ecs.World) -> None:
    world.despawn(world.query(Velocity))

    seen = [(len(rows), rows.handles.tolist()) for rows in world.query(Position)]

    assert seen == [(2, world.query(Position).handles().tolist())]


def test_the_rows_of_a_table_cannot_be_renamed(world: ecs.World) -> None:
    for rows in world.query(Mut[Position]):
        with pytest.raises(ValueError, match="read-only"):
            rows.handles[0] = 0


def test_the_views_of_a_table_are_made_once(world: ecs.World) -> None:
    for rows in world.query(Mut[Position]):
        assert rows[Position] is rows[Position]


def test_the_rows_of_a_table_show_their_number_and_terms(world: ecs.World) -> None:
    (rows,) = world.query(Mut[Position], Velocity)

    assert repr(rows) == "<TableView of 3 entities with (Position, Velocity)>"
    assert len(rows) == 3


@pytest.mark.parametrize("other", [Health, Mass, "Position"])
def test_only_terms_of_the_query_can_be_viewed(world: ecs.World, other: object) -> None:
    name = getattr(other, "__name__", repr(other))
    (rows,) = world.query(Position, Velocity)

    with pytest.raises(ecs.ComponentNotFoundError, match="not a term of this query") as caught:
        rows[other]  # type: ignore[index]

    assert str(caught.value).startswith(f"cannot view {name}: ")
    assert caught.value.component_type_id == name


def test_a_loop_over_a_sparse_component_is_refused_with_the_other_way(world: ecs.World) -> None:
    for query in (world.query(Position, Burning), world.query(Position, without=Burning)):
        with pytest.raises(ecs.InvalidArgumentError, match="cannot iterate over Burning") as caught:
            iter(query)

        assert "world.get(query, ...)" in str(caught.value)


# -- what is written in a loop --------------------------------------------------------


def test_what_was_asked_for_to_be_read_cannot_be_written(world: ecs.World) -> None:
    (rows,) = world.query(Position, Velocity)

    with pytest.raises(ecs.ReadOnlyError, match=r"cannot write Position.x.*ask for Mut\[Position"):
        rows[Position].x = 1.0
    with pytest.raises(ValueError, match="read-only"):
        rows[Position].x += 1.0


def test_what_is_no_field_of_a_view_cannot_be_set(world: ecs.World) -> None:
    (rows,) = world.query(Mut[Position], Velocity)

    with pytest.raises(AttributeError, match="cannot set z of Position: its fields are x, y"):
        rows[Position].z = 1.0
    with pytest.raises(AttributeError, match="cannot set _source of Position"):
        rows[Position]._source = None


def test_the_fields_of_a_view_are_listed_before_they_are_made(world: ecs.World) -> None:
    (rows,) = world.query(Mut[Position], Velocity)
    view = rows[Position]

    assert {"x", "y"} <= set(dir(view))
    assert vars(view).keys() == {"_source"}
    assert view.x is view.x
    assert copy.copy(view).x is view.x
    assert not hasattr(view, "z")


def test_the_class_of_a_view_can_be_looked_at(world: ecs.World) -> None:
    (rows,) = world.query(Mut[Position], Velocity)

    names = [name for name, _ in inspect.getmembers(type(rows[Position]))]

    assert {"x", "y"} <= set(names)


def test_loops_are_forgotten_when_they_are_freed(world: ecs.World) -> None:
    for _ in world.query(Mut[Position]):
        assert len(world._storage._loops) == 1
    begun, done = iter(world.query(Position)), iter(world.query(Position))
    next(begun)
    list(done)
    assert len(world._storage._loops) == 2

    assert world._storage.count_loops() == 1
    del begun, done

    assert world._storage._loops == []


def test_only_the_fields_that_are_asked_for_are_remembered_by_a_transaction() -> None:
    world = ecs.World()
    world.spawn(3, Position([1, 2, 3], 0.0))
    with world.transaction() as transaction:
        (rows,) = world.query(Mut[Position])
        rows[Position].y += 1.0
        log = world._storage.log
        assert log is not None
        assert [column.field.name for column in log.whole] == ["y"]
        transaction.rollback()

    assert world.get(world.query(), Position).y.tolist() == [0, 0, 0]


def test_a_tag_has_nothing_to_set() -> None:
    world = ecs.World()
    world.spawn(1, Frozen())
    (rows,) = world.query(Mut[Frozen])

    with pytest.raises(AttributeError, match="cannot set since of Frozen: its fields are none"):
        rows[Frozen].since = 1.0


def test_an_assignment_to_a_view_is_validated_cast_and_interned() -> None:
    world = ecs.World()
    crew = world.spawn(2, Label("a"), Health([1, 2]), Link(0))

    for rows in world.query(Mut[Label], Mut[Health], Mut[Link]):
        rows[Label].text = ["b", "c"]
        rows[Health].points = 7
        rows[Link].target = crew[0]
        with pytest.raises(ecs.ValidationError, match="points"):
            rows[Health].points = 1.5

    assert world.get(crew, Label).text.tolist() == ["b", "c"]
    assert world.get(crew, Health).points.tolist() == [7, 7]
    assert world.get(crew, Link).target.tolist() == [crew[0]] * 2


def test_codes_of_strings_are_written_by_assignment_only() -> None:
    world = ecs.World()
    world.spawn(2, Label("a"))
    (rows,) = world.query(Mut[Label])

    with pytest.raises(ValueError, match="read-only"):
        rows[Label].text[0] = 3


def test_a_view_shows_whether_it_can_be_written(world: ecs.World) -> None:
    (rows,) = world.query(Mut[Position], Velocity)

    assert repr(rows[Position]) == "<Mut view of 3 rows of Position(x: float32, y: float32)>"
    assert repr(rows[Velocity]).startswith("<read-only view of 3 rows of Velocity(")


def test_a_number_that_a_loop_exposed_is_written_in_place(world: ecs.World) -> None:
    for rows in world.query(Mut[Position]):
        rows[Position].x += np.float32(0.5)

    assert world.get(world.query(Position), Position).x.tolist() == [0.5, 1.5, 2.5, 10.5, 11.5]
