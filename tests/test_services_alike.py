"""Dicts that are alike are told from others, whatever lies within them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any
from unittest.mock import patch

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ecs_columnar.services import alike
from ecs_columnar.services.alike import Alike, to_alike
from tests.services_world import create, new_world, operations

KEYS = st.sampled_from("abc")
VALUES = st.none() | st.integers(0, 2) | st.text(max_size=1)
DATA = st.recursive(VALUES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6)
SHAPES = st.dictionaries(KEYS, DATA, max_size=3)


@st.composite
def batches(draw: st.DrawFn) -> list[Any]:
    """Draw dicts of one shape, and now and then something else among them."""
    shape = draw(SHAPES)
    items: list[Any] = [filled(draw, shape) for _ in range(draw(st.integers(1, 7)))]
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), draw(SHAPES | VALUES))
    return items


def filled(draw: st.DrawFn, shape: Any) -> Any:
    if isinstance(shape, dict):
        return {key: filled(draw, value) for key, value in shape.items()}
    return draw(VALUES)


def keys_are_alike(items: list[Any]) -> bool:
    return all(type(item) is dict and item.keys() == items[0].keys() for item in items)


def has_dicts_within(item: Any) -> bool:
    return type(item) is dict and any(type(value) is dict for value in item.values())


def check(items: list[Any], found: Any) -> None:
    """Compare what was found with the items themselves, and with what lies within them."""
    assert list(found) == items
    if not isinstance(found, Alike) or not found.is_alike:
        return
    assert keys_are_alike(items)
    assert list(found.columns) == list(items[0])
    if found.is_ordered:
        assert {tuple(item) for item in items} == {tuple(items[0])}
    for key, column in found.columns.items():
        check([item[key] for item in items], column)


@given(batches(), st.sampled_from([1, 2, 3, 512]))
def test_columns_hold_what_the_dicts_hold(items: list[Any], at_once: int) -> None:
    with patch.object(alike, "_FEW", 1), patch.object(alike, "_AT_ONCE", at_once):
        found = to_alike(items)

    if found is not None:
        check(items, found)
    elif has_dicts_within(items[0]):
        is_of_components = all(type(value) is dict for value in items[0].values())
        assert is_of_components or not keys_are_alike(items)


def test_the_order_of_components_counts_and_that_of_fields_does_not() -> None:
    fields = [{"x": 1, "y": {}}, {"y": {}, "x": 1}] * 20
    components = [{"a": {}, "b": {}}, {"b": {}, "a": {}}] * 20

    found = to_alike(fields)

    assert found is not None
    assert (found.columns["x"], found.is_ordered) == ([1] * 40, False)
    assert to_alike(components) is None


@pytest.mark.parametrize("odd", [OrderedDict(a={}), {"a": {}, "b": 2}, {}, {"b": {}}, None, "a"])
def test_one_odd_item_is_enough(odd: Any) -> None:
    assert to_alike([{"a": {}}] * 600 + [odd]) is None


def test_keys_are_strings() -> None:
    assert to_alike([{1: {}}] * 100) is None


def test_what_differs_deep_within_leaves_the_rest_alike() -> None:
    items = [{"opts": {"id": i, "data": {"hp": i} if i % 2 else {}}} for i in range(100)]

    found = to_alike(items)

    assert found is not None
    opts: Any = found.columns["opts"]
    assert opts.columns["id"] == list(range(100))
    assert to_alike(opts.columns["data"]) is None
    check(items, found)


def test_a_dict_that_contains_itself_is_read_to_some_depth() -> None:
    item: dict[str, Any] = {}
    item["self"] = item

    found = to_alike([item] * 100)

    assert found is not None
    assert found.columns["self"][0] is item


def in_camel_case(item: dict[str, Any]) -> dict[str, Any]:
    opts = item["opts"]
    return {
        "definitionId": item["definition_id"],
        "opts": {
            "instanceId": opts["instance_id"],
            "componentOverrides": opts["component_overrides"],
        },
    }


def test_many_items_in_camel_case_do_what_others_do() -> None:
    items = [
        create(i, health={"points": i % 7 - 1}, name={"text": "x" * (i % 3)}) for i in range(90)
    ]
    one, other = new_world(), new_world()

    expected = operations(one).batch_create_entities(items)
    result = operations(other).batch_create_entities(list(map(in_camel_case, items)))

    assert [each.index for each in expected.failures] == [
        i for i in range(90) if i % 7 == 0 or i % 3 == 0
    ]
    assert [str(each.error) for each in result.failures] == [
        str(each.error) for each in expected.failures
    ]
    assert other.digest() == one.digest()
