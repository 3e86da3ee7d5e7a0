"""String ids, and what else entities can be given as."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ecs_columnar as ecs
from ecs_columnar.selection import Selected
from tests.strategies import Burning, Health, Mass, Position


@pytest.fixture
def world() -> ecs.World:
    """Return a world whose first three entities have ids, and the last has none."""
    made = ecs.World()
    made.spawn(3, Position([0, 1, 2]), ids=["ada", "bob", "cy"])
    made.spawn(1, Position(3.0))
    return made


# -- ids ------------------------------------------------------------------------------


def test_ids_are_looked_up_alone_and_in_batches(world: ecs.World) -> None:
    handles = world.query(Position).handles()

    assert world.ids["bob"] == handles[1]
    assert world.ids[["cy", "ada"]].tolist() == handles[[2, 0]].tolist()
    assert world.ids.find(["cy", "dora", "ada"]).tolist() == [handles[2], 0, handles[0]]


def test_entities_have_names_alone_and_in_batches(world: ecs.World) -> None:
    handles = world.query(Position).handles()

    assert world.ids.names(handles).tolist() == ["ada", "bob", "cy", "3v1"]
    assert world.ids.names(int(handles[0])) == "ada"
    assert world.ids.names("bob") == "bob"
    assert world.ids.names(world.entity(handles[3])) == "3v1"


def test_names_are_bytes_as_well(world: ecs.World) -> None:
    world.despawn(["bob"])
    handles = world.spawn(2, Position(4.0), ids=["\0", "é\0"])
    names = world._storage.names

    for some in (world.query().handles(), handles, handles[:0], world.query().handles()[1:3]):
        assert names.encoded(some).texts() == world.ids.names(some).tolist()


def test_ids_are_a_collection_of_the_strings_that_name_somebody(world: ecs.World) -> None:
    world.despawn("bob")

    assert sorted(world.ids) == ["ada", "cy"]
    assert len(world.ids) == 2
    assert "ada" in world.ids and "bob" not in world.ids
    assert 17 not in world.ids and None not in world.ids
    assert repr(world.ids) == "<Ids of 2 entities>"


def test_ids_that_are_unknown_are_named_and_counted(world: ecs.World) -> None:
    with pytest.raises(ecs.EntityNotFoundError, match="cannot find 4 of 5 entities") as caught:
        world.ids[["d", "ada", "e", "f", "g"]]

    assert "('d', 'e', 'f', ...)" in str(caught.value)
    assert caught.value.instance_ids == ("d", "e", "f", "g")


# -- what entities can be given as ----------------------------------------------------


def test_entities_are_given_in_many_forms_and_are_the_same(world: ecs.World) -> None:
    ada, _, cy, _ = handles = world.query(Position).handles()
    expected = [0.0, 2.0]

    for entities in (
        handles[::2],
        handles[[0, 2]].tolist(),
        (int(ada), int(cy)),
        pd.Series(handles[[0, 2]]),
        handles[[0, 2]].astype("u8"),
        ["ada", "cy"],
        np.array(["ada", "cy"]),
        np.array(["ada", "cy"], object),
        np.array(["ada", "cy"], np.dtypes.StringDType()),
        pd.Series(["ada", "cy"], dtype="string"),
        pd.Series(["ada", "cy"], dtype="category"),
        [world.entity("ada"), world.entity("cy")],
    ):
        assert world.get(entities, Position).x.tolist() == expected


def test_entities_that_have_been_selected_are_not_looked_for_again(world: ecs.World) -> None:
    handles = world.query().handles()[[3, 1, 0]]
    selected = Selected(world._storage, handles)

    assert len(selected) == 3
    assert selected.handles().tolist() == handles.tolist()
    assert world.get(selected, Position).x.tolist() == [3.0, 1.0, 0.0]
    assert world.has(selected, Position).tolist() == [True] * 3
    with pytest.raises(ecs.InvalidArgumentError, match="another world"):
        ecs.World().get(selected, Position)


def test_nobody_can_be_given_in_many_forms(world: ecs.World) -> None:
    for nobody in ([], (), np.empty(0), np.empty(0, np.int64), np.empty(0, object)):
        assert world.get(nobody, Position).x.shape == (0,)


@pytest.mark.parametrize(
    "entities", [1.0, None, [0.5], np.zeros((2, 2), np.int64), [None], np.array([True]), {}]
)
def test_what_is_no_entity_is_refused(world: ecs.World, entities: object) -> None:
    with pytest.raises(
        ecs.InvalidArgumentError, match="as entities; give int64 handles or strings or entities"
    ) as caught:
        world.despawn(entities)

    assert caught.value.parameter == "entities"


def test_entities_among_others_are_refused(world: ecs.World) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="cannot use 'bob' among entities"):
        world.despawn([world.entity("ada"), "bob"])


def test_entities_and_queries_of_another_world_are_refused(world: ecs.World) -> None:
    other = ecs.World()
    other.spawn(1, Position(0.0), ids=["ada"])

    with pytest.raises(ecs.StaleHandleError, match="0v1: it is of another world"):
        world.despawn(other.entity("ada"))
    for use in (world.despawn, world.alive, lambda query: world.move(query, "inn")):
        with pytest.raises(ecs.InvalidArgumentError, match="query is of another world"):
            use(other.query(Position))


def test_the_dead_are_told_from_the_living_of_the_first_table(world: ecs.World) -> None:
    handles = world.query(Position).handles()
    world.despawn(handles[2:])

    with pytest.raises(ecs.StaleHandleError, match="cannot despawn: 2 of 4 entities") as caught:
        world.despawn(handles)

    assert caught.value.entities.tolist() == handles[2:].tolist()


def test_a_query_is_asked_whether_its_entities_are_alive(world: ecs.World) -> None:
    assert world.alive(world.query(Position)).tolist() == [True] * 4


def test_an_entity_that_is_there_twice_gets_no_sparse_component(world: ecs.World) -> None:
    ada, bob = world.ids[["ada", "bob"]]

    with pytest.raises(ecs.DuplicateEntityError, match="cannot add components: 1 of 2") as caught:
        world.add(np.array([ada, bob, ada]), Burning(1.0))

    assert caught.value.entity_ids == (ada,)
    assert not world.query(Burning).count()


def test_an_entity_that_is_there_twice_is_not_removed(world: ecs.World) -> None:
    ada, bob, cy = world.ids[["ada", "bob", "cy"]]

    with pytest.raises(ecs.DuplicateEntityError, match="cannot despawn: 2 of 3") as caught:
        world.despawn(np.array([cy, ada, bob, ada, cy]))

    assert caught.value.entity_ids == (cy, ada)
    assert len(world) == 4


# -- rows out of order ----------------------------------------------------------------


@pytest.mark.parametrize("n_taken", [3, 40])
def test_few_and_many_rows_in_any_order_get_their_own_values(n_taken: int) -> None:
    """Few rows of a large table are sorted by comparison, many by counting."""
    world = ecs.World()
    crew = world.spawn(200, Position(np.arange(200.0)))
    taken = crew[np.random.default_rng(1).permutation(200)[:n_taken]]
    values = np.arange(n_taken) + 1000

    world.add(taken, Health(values))

    assert world.get(taken, Health).points.tolist() == values.tolist()
    assert world.get(taken, Position).x.tolist() == (taken & 0xFFFFFFFF).tolist()
    assert world.query(Health).count() == n_taken
    world.check()


def test_rows_of_two_tables_in_any_order_get_their_own_values() -> None:
    world = ecs.World()
    ships, rocks = world.spawn(4, Position(0.0)), world.spawn(4, Position(0.0), Health(1))
    mixed = np.stack([ships[::-1], rocks[[2, 0, 3, 1]]], axis=1).ravel()

    world.add(mixed, Mass(np.arange(8.0)))

    assert world.get(ships, Mass).kilograms.tolist() == [6, 4, 2, 0]
    assert world.get(rocks, Mass).kilograms.tolist() == [3, 7, 1, 5]
    world.check()


@pytest.mark.parametrize("n_taken", [3, 40])
@pytest.mark.parametrize("row", [0, 1])
def test_one_among_few_or_many_that_is_there_twice_is_found(n_taken: int, row: int) -> None:
    world = ecs.World()
    crew = world.spawn(200, Position(0.0))
    taken = np.concatenate([crew[n_taken::-1], crew[row : row + 1]])

    with pytest.raises(ecs.DuplicateEntityError, match=f"1 of {n_taken + 1} entities") as caught:
        world.despawn(taken)

    assert caught.value.entity_ids == (crew[row],)
    assert len(world) == 200
