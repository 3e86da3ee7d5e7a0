"""Definitions as plain data."""

from __future__ import annotations

from typing import Any

import pytest

import ecs_columnar as ecs
from ecs_columnar.services.component_types import ComponentTypes
from ecs_columnar.services.definitions import DefinitionTypes


class Position(ecs.Component, id="core:place"):
    x: ecs.f4
    y: ecs.f4 = 0.0


FAR = (
    "core:place: $.y is <U3 and takes float32; convert it yourself if that is meant: "
    ".astype('float32')"
)


def new_definitions() -> DefinitionTypes:
    types = ComponentTypes(ecs.World())
    schema = {"properties": {"hp": {"type": "integer", "minimum": 0}}, "required": ["hp"]}
    types.register({"id": "core:health", "dataSchema": schema})
    types.register({"id": "core:bag", "dataSchema": {"properties": {"items": {"type": "array"}}}})
    types.register(Position)
    return DefinitionTypes(types)


def test_definitions_are_found_by_id_and_keep_the_order_of_components() -> None:
    definitions = new_definitions()
    components = {"core:place": {"x": 1}, "core:bag": {"items": []}, "core:health": {"hp": 3}}

    actor = definitions.register({"id": "core:actor", "components": components})
    definitions.register({"id": "core:nothing", "components": {}, "$schema": "..."})

    assert definitions["core:actor"] is definitions.get("core:actor") is actor
    assert list(actor["components"]) == ["core:place", "core:bag", "core:health"]
    assert definitions.ids() == ["core:actor", "core:nothing"] == list(definitions)
    assert len(definitions) == 2
    assert "core:actor" in definitions
    assert "core:hunger" not in definitions
    assert 3 not in definitions
    assert definitions.get("core:hunger") is None
    assert repr(definitions) == "<DefinitionTypes: core:actor, core:nothing>"


def test_a_definition_has_its_parts_as_items_and_as_attributes() -> None:
    definitions = new_definitions()
    data = {"id": "core:actor", "components": {"core:health": {"hp": 80}}}

    actor = definitions.register(data)

    assert actor == data
    assert (actor.id, actor.components) == (actor["id"], actor["components"])
    assert repr(actor) == "<DefinitionType core:actor: core:health>"
    with pytest.raises(KeyError):
        actor["name"]
    assert definitions.get([]) is None  # type: ignore[arg-type]


def test_a_definition_is_a_copy_that_nobody_can_change() -> None:
    definitions = new_definitions()
    items = ["sword"]
    definitions.register({"id": "core:chest", "components": {"core:bag": {"items": items}}})

    items.append("gold")

    data = definitions["core:chest"]["components"]["core:bag"]
    assert data["items"] == ("sword",)
    with pytest.raises(TypeError):
        data["items"] = ()


def test_every_bad_component_is_named_with_all_that_is_wrong() -> None:
    definitions = new_definitions()
    components = {
        "core:health": {"hp": -1},
        "core:place": {"y": "far"},
        "core:hunger": {},
        "core:bag": {},
        7: {},
    }

    with pytest.raises(ecs.ValidationError) as caught:
        definitions.register({"id": "core:actor", "components": components})

    assert caught.value.component_type_id == "core:health, core:place, core:hunger, 7"
    assert caught.value.errors == (
        "core:health: $.hp: -1 is less than the minimum of 0",
        "core:place: $: 'x' is a required field",
        FAR,
        "core:hunger: there is no such component type; register it first",
        "7: there is no such component type; register it first",
    )
    assert len(definitions) == 0


def test_the_first_definition_of_an_id_stays() -> None:
    definitions = new_definitions()
    first = definitions.register({"id": "core:actor", "components": {"core:health": {"hp": 1}}})

    with pytest.raises(ecs.DuplicateContentError) as caught:
        definitions.register({"id": "core:actor", "components": {"core:health": {"hp": -2}}})

    assert caught.value.content_id == "core:actor"
    assert definitions["core:actor"] is first


@pytest.mark.parametrize(
    ("definition", "fault"),
    [
        (None, "is no mapping"),
        ({"components": {}}, "has no id"),
        ({"id": " ", "components": {}}, "has no id"),
        ({"id": "core:actor"}, "has no components"),
        ({"id": "core:actor", "components": ["core:health"]}, "has no components"),
    ],
)
def test_what_is_no_definition_is_refused(definition: Any, fault: str) -> None:
    with pytest.raises(ecs.InvalidArgumentError, match=fault):
        new_definitions().register(definition)


def test_a_definition_that_is_not_there_is_named_with_some_that_are() -> None:
    definitions = new_definitions()
    definitions.register({"id": "core:actor", "components": {}})

    with pytest.raises(ecs.DefinitionNotFoundError, match=r"'core:x': there are 1 \(core:actor\)"):
        definitions["core:x"]
    with pytest.raises(ecs.DefinitionNotFoundError):
        definitions[[]]  # type: ignore[index]
