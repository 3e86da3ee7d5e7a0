"""The short way of a call about one item does what a batch of one does."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import hypothesis.strategies as st
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.services import ComponentMutationService, SpatialIndexManager, single
from ecs_columnar.services.call import no_short_way
from ecs_columnar.services.catalogue import catalogue_of
from tests.services_world import (
    bad_ids,
    catalogue,
    create,
    furnished,
    lifecycle,
    new_world,
    no_places,
    operations,
    places,
    populated,
    state,
    typed,
)

WAYS = ("create", "add", "remove", "place")


class Hull(ecs.Component, id="core:hull"):
    tons: ecs.i4
    mass: ecs.f4 = 1.5
    name: ecs.str_ = "nobody"


def world_with_classes() -> ecs.World:
    world = ecs.World()
    catalogue_of(world).components.register(Hull)
    furnished(world, {"core:ship": {"core:hull": {"tons": 3}}})
    dead = int(world.spawn(1)[0])
    lost = {"core:position": {"locationId": dead}}
    catalogue_of(world).definitions.register({"id": "core:lost", "components": lost})
    world.despawn([dead])
    operations(world).batch_create_entities([create(i) for i in range(3)])
    return world


@contextmanager
def batches_of_one() -> Iterator[None]:
    """Close all short ways."""
    with patch.multiple(single, **dict.fromkeys(WAYS, no_short_way)):
        yield


HULLS = st.sampled_from(
    [{"tons": 1}, {"tons": 2, "name": "x"}, {"tons": 2**40}, {"tons": 1, "mass": 0.1},
     {"tons": 1.0}, {"tons": 1, "mass": 2}, {"name": 5, "tons": 1}, {"mass": 1.0},
     {"tons": 1, "x": 0}, [], None, MappingProxyType({"tons": 4})]
)  # fmt: skip
TYPED = st.one_of(
    typed(bad=False), typed(bad=False), typed(), st.tuples(st.just("core:hull"), HULLS)
)
PLACES = st.one_of(places, places, places, places, no_places, st.sampled_from([5, 1 << 32, True]))
NEW = st.integers(0, 99).map(lambda i: f"new-{i}")
OLD = st.sampled_from(["e0", "e1", "e2"])
STRANGE = bad_ids | st.sampled_from(["e99", 1 << 32, 7 << 32 | 1])


@st.composite
def old_ids(draw: st.DrawFn) -> Any:
    """Draw an id that mostly is an entity's."""
    return draw(STRANGE if draw(st.integers(0, 9)) == 9 else OLD)


IDS = old_ids()


@st.composite
def creations(draw: st.DrawFn) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    is_strange, some = draw(st.integers(0, 9)), st.lists(TYPED, max_size=3).map(dict)
    strange = st.sampled_from([None, [], {5: {}}, {"core:position": {"locationId": 1 << 32}}])
    options = {
        "instance_id": draw(IDS.filter(lambda i: i is not None) if is_strange == 1 else NEW),
        "component_overrides": draw(strange if is_strange == 2 else some),
    }
    known = st.sampled_from(["core:ship", "core:actor", "core:item"])
    strange = st.sampled_from(["core:unknown", "core:lost", 5, " "])
    return "create", (draw(strange if is_strange == 3 else known),), options


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Draw a scalar call: its name and its arguments."""
    name = draw(st.sampled_from(["create", "create", "add", "remove", "place", "move"]))
    if name == "create":
        return draw(creations())
    type_id, data = draw(TYPED)
    arguments: dict[str, tuple[Any, ...]] = {
        "add": (draw(IDS), type_id, data),
        "remove": (draw(IDS), type_id),
        "place": (draw(IDS), draw(PLACES)),
        "move": (draw(IDS), None, draw(PLACES)),
    }
    is_strict = name == "move" and draw(st.integers(0, 3)) == 0
    return name, arguments[name], {"strict": True} if is_strict else {}


def call(world: ecs.World, name: str, arguments: Any, options: Any) -> Any:
    components, index = ComponentMutationService(world), SpatialIndexManager(world)
    functions: dict[str, Callable[..., Any]] = {
        "create": lifecycle(world).create_entity_instance,
        "add": components.add_component,
        "remove": components.remove_component,
        "place": index.add,
        "move": index.move,
    }
    try:
        found = functions[name](*arguments, **options)
    except ecs.EcsColumnarError as error:
        return type(error), str(error)
    return getattr(found, "id", found)


@given(st.lists(calls(), max_size=12), st.booleans())
def test_the_short_way_does_what_a_batch_of_one_does(
    sequence: list[Any], is_in_transaction: bool
) -> None:
    short, long = world_with_classes(), world_with_classes()

    for each in sequence:
        with short.transaction() if is_in_transaction else nullcontext():
            found = call(short, *each)
        with batches_of_one(), long.transaction() if is_in_transaction else nullcontext():
            expected = call(long, *each)

        assert found == expected
        assert short.digest() == long.digest()
    short.check()


LEFT = [
    ("create", ("core:unknown",), {"instance_id": "x"}),
    ("create", ("core:lost",), {"instance_id": "x"}),
    ("create", ("core:actor",), {"instance_id": "e0"}),
    ("create", ("core:actor",), {"instance_id": "x", "component_overrides": []}),
    ("create", ("core:actor",), {"instance_id": "x", "component_overrides": {"core:x": {}}}),
    *(
        ("create", ("core:actor",), {"instance_id": "x", "component_overrides": {type_id: data}})
        for type_id, data in (
            ("core:health", {"points": -1}),
            ("core:position", {"locationId": 1 << 32}),
        )
    ),
    ("add", ("e0", "core:position", {"locationId": "inn"}), {}),
    ("add", ("e99", "core:health", {"points": 1}), {}),
    ("add", ("e0", "core:health", {"points": -1}), {}),
    ("remove", ("e0", "core:position"), {}),
    ("move", ("e99", None, "inn"), {}),
    ("move", ("e0", None, " "), {}),
    ("move", ("e0", None, "inn"), {"strict": True}),
]


@pytest.mark.parametrize("each", LEFT, ids=str)
def test_what_is_not_plainly_right_is_left_to_the_batch_of_one(each: Any) -> None:
    short, long = world_with_classes(), world_with_classes()

    with patch.multiple(single, spawned=None, moved=None, _take_away=None):
        found = call(short, *each)
    with batches_of_one():
        expected = call(long, *each)

    assert found == expected
    assert short.digest() == long.digest()


@pytest.mark.parametrize(
    ("way", "each"),
    [
        ("create", ("create", ("core:actor",), {"instance_id": "x"})),
        ("add", ("add", ("e0", "core:health", {"points": 3}), {})),
        ("remove", ("remove", ("e0", "core:name"), {})),
        ("place", ("move", ("e0", None, "inn"), {})),
    ],
)
def test_what_is_common_takes_the_short_way(way: str, each: Any) -> None:
    world, taken = populated(1), []
    real = getattr(single, way)

    def watched(*arguments: Any) -> Any:
        taken.append(real(*arguments))
        return taken[-1]

    with patch.object(single, way, watched):
        call(world, *each)

    assert [each is not None for each in taken] == [True]


def test_an_id_is_made_where_none_is_given() -> None:
    made = lifecycle(new_world()).create_entity_instance("core:actor")

    assert uuid.UUID(made.id).version == 4


@pytest.mark.parametrize(
    "each",
    [
        ("add", ("e0", "core:hidden", {}), {}),
        ("remove", ("e0", "core:health"), {}),
    ],
)
def test_a_call_of_two_steps_that_breaks_at_the_second_leaves_nothing(each: Any) -> None:
    world = populated(1)
    ComponentMutationService(world).add_component("e0", "core:health", {"points": 1})
    before = world.digest()

    with (
        patch.object(ecs.World, "set", side_effect=MemoryError("no")),
        pytest.raises(MemoryError, match="no"),
    ):
        call(world, *each)

    assert world.digest() == before
    call(world, *each)
    assert world.digest() != before


def test_who_listens_is_told_what_calls_about_one_entity_did() -> None:
    world, told = populated(1), []
    for kind in ("entity_created", "component_added", "component_removed", "entity_moved"):
        catalogue(world).events.on(kind, lambda event: told.append(event.kind))

    call(world, "create", ("core:actor",), {"instance_id": "x"})
    call(world, "add", ("x", "core:health", {"points": 3}), {})
    call(world, "remove", ("x", "core:health"), {})
    call(world, "move", ("x", None, "inn"), {})

    assert told == ["entity_created", "component_added", "component_removed", "entity_moved"]


def test_entities_that_the_services_have_not_made_get_components_and_lose_them() -> None:
    world = new_world()
    handle = int(world.spawn(1, ids=["x"])[0])

    assert call(world, "add", (handle, "core:health", {"points": 3}), {})
    assert state(world)["x"]["components"] == [("core:health", {"points": 3}, True)]
    assert call(world, "remove", ("x", "core:health"), {})
    assert state(world)["x"]["components"] == []
