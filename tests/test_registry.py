"""The component types that a world has met."""

from __future__ import annotations

from typing import Any

import pytest

import ecs_columnar as ecs
from tests.strategies import Burning, Frozen, Health, Label, Position


def test_types_are_met_in_order_and_listed_in_it() -> None:
    world = ecs.World()
    world.query(Health, Position)
    one = world.spawn_one(Frozen(), Position(0.0), Health())

    assert one.components == (Health, Position, Frozen)


def test_classes_whose_fields_all_take_python_numbers_are_known_as_a_set() -> None:
    world = ecs.World()
    registry, position, health = world._storage.registry, Position(0.0), Health(1)
    assert registry.plain_set([position]) is None  # not yet

    world.query(Health, Position, Label, Burning)

    nothing = registry.plain_set([])
    assert nothing is not None and nothing.mask == 0
    found = registry.plain_set([position, health])
    assert found is not None and found is registry.plain_set([Position(2.0), health])
    assert found.mask == 0b11
    alone = registry.plain_set([position])
    assert alone is not None and alone.mask == 0b10
    others = [
        [position, position],
        [position, Label("a")],
        [Burning(1.0)],
        [position, 3],
        [Position],
    ]
    for other in others:
        assert registry.plain_set(other) is None


@pytest.mark.parametrize("component", [int, "Position", None, [Position], Position(0.0)])
def test_what_is_no_component_class_is_refused(component: Any) -> None:
    with pytest.raises(ecs.SchemaError, match=r"as a component class; subclass ecs_columnar") as e:
        ecs.World().query(component)

    assert str(e.value).startswith(f"cannot use {component!r}")


def test_the_base_of_all_components_is_none_itself() -> None:
    with pytest.raises(ecs.SchemaError, match="cannot use Component itself as a component"):
        ecs.World().query(ecs.Component)


def test_two_classes_of_one_id_do_not_live_in_one_world() -> None:
    other = ecs.make_component("Other", {"hp": ecs.i4}, id="core:health")
    world = ecs.World()
    world.query(Health)

    with pytest.raises(
        ecs.DuplicateContentError, match=r"Other as component core:health: .*\.Health is; give one"
    ) as caught:
        world.query(other)

    assert caught.value.content_id == "core:health"
    assert ecs.World().query(other).count() == 0


def test_a_type_that_the_world_has_not_met_is_not_found_by_its_id() -> None:
    world = ecs.World()
    registry = world._storage.registry
    with pytest.raises(ecs.ComponentNotFoundError, match="this world has none"):
        registry.by_id("core:health")
    world.query(Health, Burning)

    assert registry.by_id("core:health").schema.component is Health
    assert registry.known(Burning) is registry.by_id("Burning")
    assert registry.known(Frozen) is None
    with pytest.raises(ecs.ComponentNotFoundError, match="has core:health, Burning") as caught:
        registry.by_id("Frozen")
    assert caught.value.component_type_id == "Frozen"
