"""Definitions: named sets of components, and what is spawned from them."""

from __future__ import annotations

import pytest

import ecs_columnar as ecs
from tests.strategies import Health, Label, Position, Velocity


@pytest.fixture
def world() -> ecs.World:
    made = ecs.World()
    made.define("core:ship", Position(1.0, 2.0), Health(7))
    return made


def test_definitions_are_a_mapping_by_id(world: ecs.World) -> None:
    world.define("core:rock", Position(0.0))

    assert list(world.definitions) == ["core:ship", "core:rock"]
    assert len(world.definitions) == 2
    assert "core:ship" in world.definitions and "core:tree" not in world.definitions
    assert world.definitions["core:ship"].id == "core:ship"
    assert world.definitions.get("core:ship") is world.definitions["core:ship"]
    assert world.definitions.get("core:tree") is None
    assert world.definitions.get("core:tree", "none") == "none"


def test_definitions_show_their_components(world: ecs.World) -> None:
    assert repr(world.definitions) == "<Definitions: core:ship>"
    assert repr(ecs.World().definitions) == "<Definitions: none>"
    assert repr(world.definitions["core:ship"]) == (
        "<Definition 'core:ship': Position(x=1.0, y=2.0), Health(points=7)>"
    )


@pytest.mark.parametrize("definition_id", ["core:tree", None, 3])
def test_a_definition_that_there_is_not_is_refused(world: ecs.World, definition_id: object) -> None:
    with pytest.raises(ecs.DefinitionNotFoundError, match="this world has core:ship") as caught:
        world.definitions[definition_id]  # type: ignore[index]

    assert caught.value.definition_id == definition_id
    with pytest.raises(ecs.DefinitionNotFoundError, match="this world has none"):
        ecs.World().definitions["core:tree"]


@pytest.mark.parametrize("definition_id", ["", "  ", None, 3])
def test_the_id_of_a_definition_is_a_string_that_is_not_blank(
    world: ecs.World, definition_id: object
) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="the id is a string that is not blank"):
        world.define(definition_id, Position(0.0))  # type: ignore[arg-type]

    assert list(world.definitions) == ["core:ship"]


def test_a_definition_stays_what_it_was_first(world: ecs.World) -> None:
    with pytest.raises(
        ecs.DuplicateContentError, match="cannot define 'core:ship' again"
    ) as caught:
        world.define("core:ship", Position(0.0))

    assert caught.value.content_id == "core:ship"
    assert world.get(world.spawn_one(definition="core:ship"), Health).points == 7


def test_a_definition_does_not_change_with_what_it_was_made_from(world: ecs.World) -> None:
    template = Position(1.0)
    world.define("core:rock", template)
    template.x = 5.0  # type: ignore[assignment]

    assert world.get(world.spawn_one(definition="core:rock"), Position).x == 1.0


def test_a_component_that_is_given_replaces_that_of_the_definition_as_a_whole(
    world: ecs.World,
) -> None:
    ships = world.spawn(2, Position([5, 6]), Velocity(1.0), definition="core:ship")

    assert world.get(ships, Position).x.tolist() == [5, 6]
    assert world.get(ships, Position).y.tolist() == [0, 0]
    assert world.get(ships, Health).points.tolist() == [7, 7]
    assert world.has(ships, Velocity).all()


def test_a_definition_has_one_value_a_field_and_interns_nothing(world: ecs.World) -> None:
    with pytest.raises(ecs.ValidationError, match="a definition takes one value"):
        world.define("core:rock", Position([1, 2]))
    world.define("core:rock", Label("granite"))

    assert world._storage.registry.of(Label).pools["text"].code("granite") < 0
    assert world.get(world.spawn_one(definition="core:rock"), Label).text == "granite"


def test_two_of_a_component_make_no_definition(world: ecs.World) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="cannot define with two of Position"):
        world.define("core:rock", Position(0.0), Position(1.0))
