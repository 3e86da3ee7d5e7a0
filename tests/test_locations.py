"""The face of the location index: looking into places, their names, and who is where."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import ecs_columnar as ecs
from tests.strategies import Frozen, Label, Position, Shape, Widths


@pytest.fixture
def world() -> ecs.World:
    """Return a world with two in the harbour, one in the inn, one nowhere."""
    made = ecs.World()
    made.spawn(
        4,
        Position([1, 2, 3, 4]),
        ids=["ada", "bob", "cy", "di"],
        at=["harbour", "inn", "harbour", None],
    )
    return made


# -- looking into places --------------------------------------------------------------


def test_a_place_shows_who_is_there_in_a_view_that_cannot_be_written(world: ecs.World) -> None:
    members = world.locations["harbour"]

    assert world.ids.names(members).tolist() == ["ada", "cy"]
    assert world.locations[" harbour "].tolist() == members.tolist()
    with pytest.raises(ValueError, match="read-only"):
        members[0] = 1


def test_a_subclass_of_str_is_the_place_that_it_is_equal_to(world: ecs.World) -> None:
    class Odd(str):
        __slots__ = ()

        def strip(self, chars: str | None = None, /) -> str:
            return "inn"

    world.entity("di").move(Odd("harbour"))
    world.entity("bob").move("harbour")

    assert world.locations.of(["di", "bob"]).tolist() == ["harbour", "harbour"]


def test_a_place_where_nothing_has_ever_been_is_refused(world: ecs.World) -> None:
    with pytest.raises(
        ecs.LocationNotFoundError, match="cannot look into 'cave': nothing has ever been there"
    ) as caught:
        world.locations["cave"]

    assert caught.value.location_id == "cave"


def test_an_entity_in_which_nothing_is_holds_nobody(world: ecs.World) -> None:
    for place in ("ada", world.ids["ada"], world.entity("ada")):
        nobody = world.locations[place]

        assert nobody.dtype == np.int64 and nobody.shape == (0,)
        assert not nobody.flags.writeable


def test_one_place_is_looked_into_at_a_time(world: ecs.World) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match=r"locations.groups\(\) has all places"):
        world.locations[["harbour", "inn"]]


def test_a_place_is_in_the_locations_once_somebody_has_been_there(world: ecs.World) -> None:
    world.move("bob", "harbour")

    assert "harbour" in world.locations and " inn " in world.locations
    assert "cave" not in world.locations
    assert "ada" not in world.locations
    assert world.ids["ada"] not in world.locations
    world.move("bob", world.ids["ada"])
    assert "ada" in world.locations and world.ids["ada"] in world.locations


@pytest.mark.parametrize("other", [None, 2.5, ["harbour"], 12345])
def test_what_is_no_place_is_not_in_the_locations(world: ecs.World, other: object) -> None:
    assert other not in world.locations


# -- names and codes ------------------------------------------------------------------


def test_locations_are_iterated_over_by_name_in_the_order_of_their_codes(
    world: ecs.World,
) -> None:
    world.move("di", world.ids["bob"])

    assert list(world.locations) == ["harbour", "inn", "bob"]
    assert len(world.locations) == 3
    assert world.locations.names().tolist() == ["harbour", "inn", "bob"]


def test_codes_have_names_and_nowhere_has_none(world: ecs.World) -> None:
    assert world.locations.names(np.array([1, -1, 0], np.int32)).tolist() == [
        "inn",
        None,
        "harbour",
    ]
    assert world.locations.names(np.empty(0, np.int32)).tolist() == []
    assert [world.locations.name(code) for code in (-1, 0, 1)] == [None, "harbour", "inn"]


@pytest.mark.parametrize(
    "codes", [[2], [-2], [0, 1, 2], [0.0], ["inn"], [[0]], np.array([True]), [2**40]]
)
def test_what_is_no_code_of_a_place_has_no_name(world: ecs.World, codes: object) -> None:
    with pytest.raises(
        ecs.InvalidArgumentError, match="cannot name places: codes are integers from -1 to 1"
    ):
        world.locations.names(codes)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", [2, -2])
def test_one_code_that_is_no_place_has_no_name(world: ecs.World, code: int) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="cannot name places"):
        world.locations.name(code)


def test_codes_are_found_for_names_and_for_entities(world: ecs.World) -> None:
    ada, bob = world.ids[["ada", "bob"]]
    world.move("di", "ada")
    found = world.locations.find

    assert found(["inn", " harbour", "cave", None, "", "ada"]).tolist() == [1, 0, -1, -1, -1, 2]
    assert found(np.array([bob, ada])).tolist() == [-1, 2]
    world.despawn("ada")
    assert found(np.array([bob, ada])).tolist() == [-1, -1]
    assert found(["ada"]).tolist() == [2]


def test_an_entity_is_told_where_it_is_alone_and_in_a_batch(world: ecs.World) -> None:
    crew = world.ids[["di", "bob"]]

    assert world.locations.of("ada") == "harbour"
    assert world.locations.of(int(crew[0])) is None
    assert world.locations.of(crew).tolist() == [None, "inn"]
    assert world.locations.codes_of(crew).tolist() == [-1, 1]


# -- moves ----------------------------------------------------------------------------


def test_a_move_tells_where_everybody_was(world: ecs.World) -> None:
    moved = world.locations.move(["ada", "bob", "di"], ["inn", "inn", "cave"])

    assert world.locations.names(moved.before).tolist() == ["harbour", "inn", None]
    assert world.locations.names(moved.after).tolist() == ["inn", "inn", "cave"]
    assert moved.has_moved.tolist() == [True, False, True]


# -- counts and sums ------------------------------------------------------------------


def test_members_are_counted_in_a_place_in_each_and_in_all(world: ecs.World) -> None:
    assert world.locations.count("harbour") == 2
    assert world.locations.count() == 3
    assert world.locations.counts().tolist() == [2, 1]


def test_a_place_that_was_taken_back_counts_no_more(world: ecs.World) -> None:
    with world.transaction() as transaction:
        world.move("di", "cave")
        transaction.rollback()

    assert world.locations.counts().tolist() == [2, 1]
    starts, members = world.locations.groups()
    assert starts.tolist() == [0, 2, 3]
    assert world.ids.names(members).tolist() == ["ada", "cy", "bob"]


def test_groups_have_all_members_by_place(world: ecs.World) -> None:
    world.move("bob", None)

    starts, members = world.locations.groups()

    assert starts.tolist() == [0, 2, 2]
    assert world.ids.names(members).tolist() == ["ada", "cy"]


def test_a_field_is_added_up_over_those_in_a_place_who_have_it(world: ecs.World) -> None:
    world.spawn(1, Frozen(), at="inn")

    assert world.locations.sum(Position, "x").tolist() == [4.0, 2.0]
    assert world.locations.sum(Position, "x").dtype == np.float64


def test_booleans_and_integers_are_added_up_without_overflow() -> None:
    world = ecs.World()
    world.spawn(3, Widths(flag=True, i1=100, u8=2**62), at="hold")

    assert world.locations.sum(Widths, "flag").tolist() == [3]
    assert world.locations.sum(Widths, "i1").tolist() == [300]
    assert world.locations.sum(Widths, "u8").tolist() == [3 * 2**62]
    assert world.locations.sum(Widths, "u8").dtype == np.uint64


def test_arrays_are_added_up_item_by_item() -> None:
    world = ecs.World()
    world.spawn(2, Shape(corner=[[1, 2, 3], [10, 20, 30]]), at="hold")

    assert world.locations.sum(Shape, "corner").tolist() == [[11, 22, 33]]


@pytest.mark.parametrize(
    ("component", "field", "known"),
    [(Position, "z", "x, y"), (Label, "text", r"\(none\)"), (Frozen, "x", r"\(none\)")],
)
def test_what_is_no_number_cannot_be_added_up(
    world: ecs.World, component: type[ecs.Component], field: str, known: str
) -> None:
    with pytest.raises(
        ecs.InvalidArgumentError, match=f"cannot add up '{field}' of .*has the numbers {known}"
    ):
        world.locations.sum(component, field)


# -- places and entities --------------------------------------------------------------


def test_places_that_no_living_entity_is_are_dangling(world: ecs.World) -> None:
    (nameless,) = world.spawn(1)
    world.move(["cy", "di"], [world.ids["ada"], int(nameless)])

    assert world.locations.dangling() == ["harbour", "inn"]
    world.despawn("ada")
    world.despawn(nameless)
    assert world.locations.dangling() == [
        "harbour",
        "inn",
        "ada",
        ecs.format_handle(nameless),
    ]


def test_locations_show_the_places_with_the_most_members(world: ecs.World) -> None:
    assert repr(ecs.World().locations) == "<Locations: 0 entities in 0 places>"
    assert repr(world.locations) == (
        "<Locations: 3 entities in 2 places; most in 'harbour' (2), 'inn' (1)>"
    )
    world.spawn(3, at="cave")
    world.spawn(2, at="ship")
    assert repr(world.locations) == (
        "<Locations: 8 entities in 4 places; most in 'cave' (3), 'harbour' (2), 'ship' (2)>"
    )


@given(numbers=st.lists(st.integers(0, 20) | st.integers(0, 5000), max_size=60))
def test_new_places_are_numbered_as_they_first_occur(numbers: list[int]) -> None:
    world = ecs.World()
    ships = world.spawn(5001)
    sailors, passengers = world.spawn(len(numbers)), world.spawn(len(numbers))

    world.move(sailors, ships[numbers])
    world.move(passengers, [f"port-{number}" for number in numbers])

    distinct = list(dict.fromkeys(numbers))
    expected = [ecs.format_handle(ships[number]) for number in distinct]
    expected += [f"port-{number}" for number in distinct]
    assert world.locations.names().tolist() == expected
