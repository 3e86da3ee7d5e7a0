"""Components of a JSON Schema take what the reference validator takes, and give it back."""

from __future__ import annotations

import enum
import math
import subprocess
import sys
import tracemalloc
from collections import OrderedDict, defaultdict
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.coded import Coded
from ecs_columnar.services import plain
from ecs_columnar.services.component_types import ComponentTypes
from ecs_columnar.services.json_schema import texts
from ecs_columnar.services.json_schema.flat_codec import FlatCodec
from ecs_columnar.services.json_schema.object_codec import ObjectCodec
from tests.services_json import (
    data_for,
    exact,
    reference_accepts,
    schemas,
    typed_properties,
    values_for,
)


def register(schema: Any, world: ecs.World | None = None) -> Any:
    types = ComponentTypes(world or ecs.World())
    return types.register({"id": "core:thing", "dataSchema": schema})


def flat(**properties: Any) -> Any:
    codec = register({"type": "object", "properties": properties})
    assert isinstance(codec, FlatCodec)
    return codec


def read_back(codec: Any, columns: Any) -> list[dict[str, Any]]:
    """Put the good items into a world, and read them."""
    world = ecs.World()
    entities = world.spawn(int(columns.is_good.sum()), columns.component)
    world.check()
    return codec.read(world, entities)


def given_to(codec: Any, datum: dict[str, Any]) -> Any:
    """Return a datum as it comes back, if it is taken at all."""
    columns = codec.to_columns([datum])
    assert columns.errors == {}
    return read_back(codec, columns)[0]


# --- the same as the reference -------------------------------------------------------


@given(st.data())
def test_items_are_taken_as_the_reference_does_and_read_back_as_they_were(data: Any) -> None:
    schema = data.draw(schemas())
    items = data.draw(st.lists(data_for(schema), max_size=5))
    codec = register(schema)
    accepted = [reference_accepts(schema, item) for item in items]

    columns = codec.to_columns(items)

    assert [not codec.validate(item) for item in items] == accepted
    assert columns.is_good.tolist() == accepted
    assert columns.errors == {
        i: codec.validate(item) for i, item in enumerate(items) if not accepted[i]
    }
    good = [item for item, is_good in zip(items, accepted, strict=True) if is_good]
    assert exact(read_back(codec, columns)) == exact(good)


@given(st.data())
def test_a_column_takes_the_values_that_the_reference_takes(data: Any) -> None:
    schema = data.draw(typed_properties())
    values = data.draw(st.lists(values_for(schema), min_size=1, max_size=20))
    codec = flat(a=schema)

    columns = codec.to_columns([{"a": value} for value in values])

    accepted = [reference_accepts(schema, value) for value in values]
    assert columns.is_good.tolist() == accepted
    good = [value for value, is_good in zip(values, accepted, strict=True) if is_good]
    assert exact(read_back(codec, columns)) == exact([{"a": value} for value in good])


@given(st.data(), st.sampled_from([2, 64]))
def test_one_item_and_many_are_taken_as_the_items_among_others_are(data: Any, many: int) -> None:
    schema = data.draw(schemas())
    items = data.draw(st.lists(data_for(schema), min_size=2, max_size=5))
    codec = register(schema)
    whole = codec.to_columns(items)

    with patch.object(texts, "_MANY", many):
        each = [codec.to_columns([item]) for item in items]
        again = codec.to_columns(items)

    assert [columns.is_good.tolist() for columns in each] == [[ok] for ok in whole.is_good.tolist()]
    assert [columns.errors.get(0) for columns in each] == [
        whole.errors.get(i) for i in range(len(items))
    ]
    assert again.errors == whole.errors
    good = [columns for columns in each if not columns.errors]
    expected = exact(read_back(codec, whole))
    assert exact(read_back(codec, again)) == expected
    assert exact([read_back(codec, columns)[0] for columns in good]) == expected


@given(st.data())
def test_arrays_are_taken_as_the_items_that_they_are(data: Any) -> None:
    schema = data.draw(schemas())
    items = data.draw(st.lists(data_for(schema), max_size=5))
    codec = register(schema)
    as_given = [without_gaps(item) for item in items]
    names = sorted({name for item in as_given for name in item})
    arrays = {name: to_array([item.get(name) for item in as_given], data) for name in names}
    needed = needed_nulls(codec, schema)
    meant = [needed | item for item in as_given]

    columns = codec.from_arrays(arrays, len(items))

    again = codec.to_columns(meant)
    assert columns.is_good.tolist() == again.is_good.tolist()
    assert columns.errors.keys() == again.errors.keys()
    assert exact(read_back(codec, columns)) == exact(read_back(codec, again))


def without_gaps(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out what an array of objects says by a gap: null, and NaN."""
    return {k: v for k, v in item.items() if v is not None and v == v}


def needed_nulls(codec: Any, schema: Any) -> dict[str, None]:
    """Return null for what has to be there and can be null: what a gap means then."""
    if isinstance(codec, ObjectCodec):
        return {}
    needed = schema.get("required", [])
    return {name: None for name in needed if reference_accepts(schema["properties"][name], None)}


def to_array(values: list[Any], data: Any) -> Any:
    """Return values in one of the arrays that hold them, None as the gap of that kind."""
    types = set(map(type, values))
    small = all(type(v) is not int or -(2**63) <= v < 2**63 for v in values)
    choices: list[Any] = [list(values), np.fromiter(values, object, len(values))]
    choices.append(pd.Series(np.fromiter(values, object, len(values)), dtype=object))
    if len(types) == 1 and types <= {int, float, bool} and small:
        choices += [np.array(values), pd.Series(np.array(values))]
    for kind, dtype in ((int, "Int64"), (float, "Float64"), (bool, "boolean")):
        if types <= {kind, type(None)} and small:
            choices.append(pd.array([pd.NA if v is None else v for v in values], dtype=dtype))
    if types <= {str, type(None)} and all(map(encodable, values)):
        choices += [pd.Categorical(values), pd.Series(values, dtype="str")]
    return data.draw(st.sampled_from(choices))


def encodable(text: str | None) -> bool:
    return text is None or not any("\ud800" <= letter <= "\udfff" for letter in text)


# --- columns -------------------------------------------------------------------------


HEALTH = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "hp": {"type": "integer", "minimum": 0, "maximum": 100},
        "regenerates": {"type": "boolean"},
        "x": {"type": "number"},
    },
    "required": ["hp"],
    "additionalProperties": False,
}


def test_a_flat_schema_becomes_typed_columns_that_queries_see() -> None:
    world = ecs.World()
    health = register(HEALTH, world)
    item = {"name": "Ann", "hp": 3, "regenerates": True, "x": 0.5}
    world.spawn(2, health.to_columns([item, item | {"hp": 4}]).component)

    (rows,) = world.query(health.component)
    columns = rows[health.component]

    assert columns.hp.tolist() == [3, 4]
    assert (columns.hp.dtype, columns.x.dtype, columns.regenerates.dtype) == ("i8", "f8", "?")


def test_what_is_absent_or_null_has_a_padding_that_reads_as_what_it_was() -> None:
    codec = flat(hp={"type": "integer"}, x={"type": ["number", "null"]}, name={"type": "string"})

    columns = codec.to_columns([{"x": None}, {"hp": 1, "x": 2.5, "name": "a"}, {}])

    component = columns.component
    assert component.hp.tolist() == [0, 1, 0]
    assert np.isnan(component.x).tolist() == [True, False, True]
    assert component.name.tolist() == ["", "a", ""]
    assert read_back(codec, columns) == [{"x": None}, {"hp": 1, "x": 2.5, "name": "a"}, {}]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1.0),
        ({"type": "integer"}, -0.0),
        ({"type": "integer"}, 2**70),
        ({"type": "integer"}, 1e300),
        ({"type": "integer"}, -(2.0**63)),
        ({"type": "number"}, 1),
        ({"type": "number"}, -0.0),
        ({"type": "number"}, math.inf),
        ({"type": "number"}, math.nan),
        ({"type": "number"}, 2**53 + 1),
        ({"type": "number"}, 10**400),
        ({"type": ["boolean", "null"]}, None),
        ({"type": "string"}, "a\0\ud800"),
        ({"enum": [1, "a", None]}, "a"),
        ({}, [1, {"a": None}]),
    ],
)
def test_a_value_comes_back_with_its_type_and_its_bits(schema: Any, value: Any) -> None:
    codec = flat(a=schema)

    assert exact(given_to(codec, {"a": value})) == exact({"a": value})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, True),
        ({"type": "integer"}, 1.5),
        ({"type": "integer"}, "1"),
        ({"type": "integer"}, math.inf),
        ({"type": "integer", "maximum": 2**63 - 1}, 2**63),
        ({"type": "integer", "minimum": 0.5}, 0),
        ({"type": "integer", "exclusiveMinimum": 2**63}, 5),
        ({"type": "integer", "exclusiveMaximum": 3}, 3),
        ({"type": "integer", "multipleOf": 2}, -3),
        ({"type": "number"}, False),
        ({"type": "number", "minimum": 2**53 + 1}, 2.0**53),
        ({"type": "number", "exclusiveMinimum": 0.5}, 0.5),
        ({"type": "number", "minimum": 10**400}, 1.0),
        ({"type": "number", "exclusiveMaximum": -(10**400)}, -1e300),
        ({"type": "number", "maximum": 1}, 2**53 + 1),
        ({"type": "integer", "exclusiveMinimum": 3}, 3),
        ({"type": "integer", "enum": [True]}, 1),
        ({"type": "number", "multipleOf": 1e-300}, 1e300),
        ({"type": "integer", "maximum": 2**63 - 1}, 2.0**63),
        ({"type": "number", "enum": [2**53 + 1]}, 2.0**53),
        ({"type": "number", "multipleOf": 2**53 + 1}, 2**53),
        ({"type": "number", "multipleOf": 0.1}, 0.3),
        ({"type": "number", "multipleOf": 3}, math.inf),
        ({"type": "number", "multipleOf": 0.5}, math.nan),
        ({"type": "boolean"}, 1),
        ({"type": "boolean", "const": True}, False),
        ({"type": "string"}, None),
        ({"type": "string", "maxLength": 1}, "e\u0301"),
        ({"type": "string", "pattern": "^a"}, "ba"),
        ({"enum": [1]}, True),
        ({"const": False}, 0),
        ({"enum": ["a", "b"], "const": "b"}, "a"),
        ({"enum": [1, 2], "const": 2}, 1),
    ],
)
def test_a_value_is_refused_with_its_path(schema: Any, value: Any) -> None:
    codec = flat(a=schema)

    columns = codec.to_columns([{"a": value}])

    assert columns.is_good.tolist() == [False]
    assert all(
        line.startswith("$.a: ") or "cannot be checked" in line for line in columns.errors[0]
    )


class Level(enum.IntEnum):
    LOW = 1


class Shout(str):
    """A string of another class."""


def test_values_of_a_subclass_are_those_of_its_base() -> None:
    codec = flat(a={"type": "integer"}, b={"type": "number"}, c={"type": "string"})
    item = {"a": Level.LOW, "b": np.float64(0.5), "c": Shout("x"), "more": [Level.LOW]}

    assert exact(given_to(codec, item)) == exact({"a": 1, "b": 0.5, "c": "x", "more": [1]})


def test_lengths_are_counted_in_code_points_and_patterns_found_anywhere() -> None:
    codec = flat(a={"type": "string", "maxLength": 2, "pattern": "b$"})

    columns = codec.to_columns([{"a": "😀b"}, {"a": "😀ab"}, {"a": "b\n"}, {"a": "bb"}])

    assert columns.is_good.tolist() == [True, False, True, True]


def test_all_errors_of_an_item_are_collected_by_path() -> None:
    health = register(HEALTH)

    errors = health.validate({"name": "", "x": "far", "speed": 1})

    assert errors == [
        "$: 'hp' is a required property",
        "$: Additional properties are not allowed ('speed' was unexpected)",
        "$.name: '' should be non-empty",
        "$.x: 'far' is not of type 'number'",
    ]


def test_good_items_are_ready_for_the_world_beside_bad_ones() -> None:
    health = register(HEALTH)
    items = [{"hp": 1}, None, {"hp": 101}, {"hp": 2, "x": 1}, [("hp", 3)]]

    columns = health.to_columns(items)

    assert columns.is_good.tolist() == [True, False, False, True, False]
    assert columns.errors == {
        1: ["$: None is not of type 'object'"],
        2: ["$.hp: 101 is greater than the maximum of 100"],
        4: ["$: [('hp', 3)] is not of type 'object'"],
    }
    assert read_back(health, columns) == [{"hp": 1}, {"hp": 2, "x": 1}]
    some = columns.at(np.array([3, 0]))
    assert health.decode(some, 2) == [{"hp": 2, "x": 1}, {"hp": 1}]


@given(data=st.data(), is_open=st.booleans())
def test_items_that_are_alike_have_each_their_own_faults(data: Any, is_open: bool) -> None:
    properties = {
        "n": {"type": "integer", "minimum": 2},
        "x": {"type": "number", "exclusiveMinimum": 0},
        "t": {"type": "string", "minLength": 1},
        "v": {"enum": [1, "1", [1]]},
    }
    codec = register({"properties": properties, "required": ["n"], "additionalProperties": is_open})
    values = st.sampled_from(
        [
            1,
            2,
            0,
            True,
            False,
            1.0,
            0.0,
            -0.0,
            float("nan"),
            "",
            "1",
            None,
            [1],
            [2],
            {"a": 1},
            2**70,
        ]
    )
    names = st.sampled_from([*properties, "other", "another"])
    some = data.draw(st.lists(st.dictionaries(names, values, max_size=3), max_size=5))
    items = data.draw(st.lists(st.sampled_from([*some, None]), max_size=20))

    columns = codec.to_columns(items)

    faults = {i: codec.validate(item) for i, item in enumerate(items)}
    assert columns.errors == {i: lines for i, lines in faults.items() if lines}


@pytest.mark.parametrize("schema", [{"type": "string"}, {"type": "boolean"}, {"enum": [1, "1"]}])
def test_integers_that_python_does_not_write_are_refused_as_others(schema: Any) -> None:
    codec = flat(v=schema)
    items: list[dict[str, Any]] = [{"v": 10**5000}, {"v": 2}, {"v": 10**5000}]

    columns = codec.to_columns(items)

    assert columns.errors == {i: codec.validate(item) for i, item in enumerate(items)}


def test_a_long_text_is_not_copied_to_be_compared() -> None:
    codec = flat(t={"type": "string", "maxLength": 3})
    items = [{"t": letter * 1_000_000} for letter in "abcdefghij"]

    tracemalloc.start()
    codec.to_columns(items)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000  # one message at a time takes two


def test_faults_of_more_properties_than_a_number_has_bits_are_told() -> None:
    codec = flat(**{f"p{i}": {"type": "integer"} for i in range(70)})
    items: list[dict[str, Any]] = [{f"p{i}": "x"} for i in (0, 69, 69)]

    columns = codec.to_columns(items)

    assert columns.errors == {i: codec.validate(item) for i, item in enumerate(items)}


def test_a_column_and_the_reference_that_differ_are_a_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    health = register(HEALTH)
    monkeypatch.setattr(health, "validate", lambda item: [])

    with pytest.raises(ecs.RepositoryConsistencyError, match=r"cannot refuse \{'hp': -1\}"):
        health.to_columns([{"hp": -1}])


def test_no_items_are_columns_of_no_items() -> None:
    health = register(HEALTH)

    assert read_back(health, health.to_columns([])) == []
    assert read_back(health, health.from_arrays({}, 0)) == []


def test_other_properties_are_kept_where_they_are_allowed() -> None:
    codec = flat(hp={"type": "integer"})
    item = {"hp": 3, "note": {"by": ["Ann", None]}, "ratio": math.inf}

    assert exact(given_to(codec, item)) == exact(item)


def test_what_no_column_holds_is_no_other_property() -> None:
    codec = register({"properties": {"hp": {"type": "integer"}}, "additionalProperties": False})

    assert exact(given_to(codec, {"hp": 2**70})) == exact({"hp": 2**70})


def test_a_property_without_a_column_is_absent() -> None:
    codec = flat(hp={"type": "integer"}, x={"type": "number"}, name={"type": "string"})

    assert read_back(codec, codec.from_arrays({"hp": [1, 2]}, 2)) == [{"hp": 1}, {"hp": 2}]


def test_mappings_of_any_class_are_items_and_frozen_data_is_what_it_was() -> None:
    codec = flat(hp={"type": "integer"}, tags={"type": "array"})
    made_up: defaultdict[str, int] = defaultdict(int, hp=3)
    frozen = MappingProxyType({"hp": 1, "tags": ("a", MappingProxyType({"b": ()})), "more": (1,)})

    columns = codec.to_columns([frozen, OrderedDict(hp=2), made_up])

    thawed = {"hp": 1, "tags": ["a", {"b": []}], "more": [1]}
    assert read_back(codec, columns) == [thawed, {"hp": 2}, {"hp": 3}]
    assert made_up == {"hp": 3}
    assert columns.n_good == 3


@pytest.mark.parametrize("value", [Decimal(1), np.int64(1), np.bool_(True), {1}, b"a", object])
@pytest.mark.parametrize("name", ["hp", "any", "more"])
def test_what_json_cannot_say_is_refused_wherever_it_is(name: str, value: Any) -> None:
    codec = flat(hp={"type": ["number", "boolean"]}, any={})

    columns = codec.to_columns([{name: value}, {name: [value]}])

    assert codec.validate({name: value})[0].startswith(f"$.{name}: ")
    assert "is no JSON value" in columns.errors[0][0]
    assert columns.is_good.tolist() == [False, False]


def test_keys_that_are_no_strings_numbers_without_end_and_cycles_are_refused() -> None:
    codec = flat()
    cycle: dict[str, Any] = {}
    cycle["again"] = cycle
    items = [{1: 2}, {"a": 2**20_000}, cycle]

    columns = codec.to_columns(items)

    assert columns.errors == {
        0: ["$: the key 1 is no str; make it one"],
        1: ["$.a: an integer has more than 14000 bits; write it as a str"],
        2: ["$: is nested too deeply, or contains itself"],
    }


def test_a_long_message_keeps_its_start_and_its_end() -> None:
    codec = flat(a={"type": "string", "maxLength": 3})

    (line,) = codec.validate({"a": "x" * 10_000})

    assert len(line) < 400
    assert line.startswith("$.a: 'xxx")
    assert line.endswith("xxx' is too long")


# --- tags, names, forms --------------------------------------------------------------


@pytest.mark.parametrize("schema", [{"additionalProperties": False}, {"properties": {}}, {}, True])
def test_a_schema_without_fields_is_a_tag(schema: Any) -> None:
    world = ecs.World()
    tag = register(schema, world)

    entities = world.spawn(2, tag.to_columns([{}, {}]).component)

    assert tag.is_tag
    assert tag.read(world, entities) == [{}, {}]
    assert tag.read_one(world, entities[0]) == {}
    assert tag.to_arrays(world.get(entities, tag.component), 2) == {}
    assert world.has(entities, tag.component).all()


def test_a_closed_tag_has_no_columns_and_takes_no_data() -> None:
    tag = register({"type": "object", "additionalProperties": False})

    columns = tag.to_columns([{"a": 1}, {}])

    assert tag.component.__schema__.is_tag
    assert columns.is_good.tolist() == [False, True]
    assert read_back(tag, columns) == [{}]


def test_an_open_tag_keeps_the_data_that_it_takes() -> None:
    assert given_to(register({"type": "object"}), {"a": [1]}) == {"a": [1]}


def test_properties_are_attributes_under_names_that_python_takes() -> None:
    names = ["class", "max-hp", "max_hp", "_x", "ﬁ", "rest", "forms_0", "records", ""]
    codec = flat(**{name: {"type": "integer"} for name in names})
    item = {name: i for i, name in enumerate(names)}

    columns = codec.to_columns([item, item])

    assert list(codec.fields.values()) == [
        *("class_", "max_hp", "max_hp_2", "field__x", "fi"),
        *("rest", "forms_0", "records_", "field_"),
    ]
    assert columns.component.class_.tolist() == [0, 0]
    assert read_back(codec, columns) == [item, item]


def test_forms_of_more_properties_than_a_word_holds_are_kept() -> None:
    codec = flat(**{f"p{i}": {"type": ["number", "null"]} for i in range(40)})
    items: list[dict[str, Any]] = [
        {f"p{i}": (None, i, i / 2)[(i + k) % 3] for i in range(40) if i % 7 != k} for k in range(5)
    ]

    assert exact(read_back(codec, codec.to_columns(items))) == exact(items)


# --- arrays --------------------------------------------------------------------------


def test_arrays_of_numbers_go_into_columns_without_a_copy() -> None:
    codec = flat(hp={"type": "integer"}, x={"type": "number"}, on={"type": "boolean"})
    arrays = {"hp": np.arange(3), "x": np.ones(3), "on": np.zeros(3, np.bool_)}

    component = codec.from_arrays(arrays, 3).component

    for name, array in arrays.items():
        assert np.shares_memory(getattr(component, name), array)


def test_columns_that_can_only_be_sliced_or_gone_through_are_taken() -> None:
    codec = flat(hp={"type": "integer", "minimum": 2})

    columns = codec.from_arrays({"hp": {1: "a", 2: "b", 0: "c"}.keys()}, 3)

    assert columns.component.hp.tolist() == [2]
    assert columns.errors == {i: codec.validate({"hp": hp}) for i, hp in ((0, 1), (2, 0))}


@pytest.mark.parametrize("gap", [None, pd.NA, math.nan, pd.NaT])
def test_a_gap_is_no_such_property_or_null_where_it_has_to_be_there(gap: Any) -> None:
    schema = {
        "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"type": ["integer", "null"]},
            "c": {"type": "boolean"},
        },
        "required": ["b", "c"],
    }
    codec = register(schema)
    arrays = {"a": ["x", gap], "b": np.array([gap, 1], object), "c": [gap, True]}

    columns = codec.from_arrays(arrays, 2)

    assert columns.errors == {0: ["$: 'c' is a required property"]}
    assert read_back(codec, columns) == [{"b": 1, "c": True}]
    assert codec.from_arrays({"c": True}, 1).component.b.tolist() == [0]
    assert read_back(codec, codec.from_arrays({"c": True}, 1)) == [{"b": None, "c": True}]


def test_a_gap_among_numbers_is_null_where_anything_has_to_be_there() -> None:
    codec = register({"properties": {"a": True}, "required": ["a"]})

    columns = codec.from_arrays({"a": pd.array([1, None], "Int64")}, 2)

    assert read_back(codec, columns) == [{"a": 1}, {"a": None}]


def test_nan_in_an_array_of_floats_is_a_number() -> None:
    codec = flat(x={"type": "number"}, n={"type": "integer"})

    columns = codec.from_arrays({"x": np.array([math.nan, 1.0]), "n": np.array([2.0, 2.5])}, 2)

    assert columns.errors == {1: ["$.n: 2.5 is not of type 'integer'"]}
    assert exact(read_back(codec, columns)) == exact([{"x": math.nan, "n": 2.0}])


@pytest.mark.parametrize("dtype", ["i1", "u2", "i8", "u8", "f2", "f4", "f8", "?", "U3", "S3"])
def test_arrays_of_any_dtype_are_the_values_that_they_hold(dtype: str) -> None:
    codec = flat(a={"type": "number"}, b={"type": "integer"}, c={"type": ["string", "boolean"]})
    array = np.array([0, 1, 1], dtype)
    items = [dict.fromkeys("abc", value) for value in array.tolist()]

    columns = codec.from_arrays(dict.fromkeys("abc", array), 3)

    assert columns.errors == codec.to_columns(items).errors


def test_booleans_are_no_numbers_and_numbers_no_booleans() -> None:
    codec = flat(a={"type": "integer"}, b={"type": "number"}, c={"type": "boolean"})
    flags, numbers = np.array([False, True]), np.array([0, 1])

    columns = codec.from_arrays({"a": flags, "b": flags, "c": numbers}, 2)

    assert [len(columns.errors[i]) for i in range(2)] == [3, 3]


def test_unsigned_integers_beyond_int64_are_kept() -> None:
    codec = flat(a={"type": "integer"})

    columns = codec.from_arrays({"a": np.array([2**64 - 1, 1], np.uint64)}, 2)

    assert read_back(codec, columns) == [{"a": 2**64 - 1}, {"a": 1}]


def test_categories_are_looked_at_once_each_and_rows_without_one_are_gaps() -> None:
    codec = flat(a={"type": "string", "maxLength": 2}, b={"enum": ["x", 1]})
    texts = pd.Categorical(["x", "xx", None, "xxx"])
    coded = Coded(np.array([0, 1, 3, 2]), np.array(["x", "xx", "xxx", None], object))

    for categories in (texts, coded):
        columns = codec.from_arrays({"a": categories, "b": categories}, 4)

        assert columns.is_good.tolist() == [True, False, True, False]
        assert read_back(codec, columns) == [{"a": "x", "b": "x"}, {}]


def test_a_frame_with_one_value_for_all_and_other_columns_is_taken() -> None:
    codec = flat(hp={"type": "integer"})
    frame = pd.DataFrame({"hp": pd.array([1, None], "Int64"), "note": ["a", None]}, index=[7, 7])

    columns = codec.from_arrays(frame, 2)
    closed = register(HEALTH).from_arrays({"hp": 5, "speed": [None, 2]}, 2)

    assert read_back(codec, columns) == [{"hp": 1, "note": "a"}, {}]
    assert closed.errors.keys() == {1}
    assert "'speed' was unexpected" in closed.errors[1][0]
    assert codec.from_arrays({"hp": np.array(3)}, 2).component.hp.tolist() == [3, 3]


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="hp: it has 3 values, the batch has 2"):
        flat(hp={"type": "integer"}).from_arrays({"hp": [1, 2, 3]}, 2)


def test_arrow_columns_are_taken_with_their_nulls() -> None:
    arrow = pytest.importorskip("pyarrow")
    codec = flat(
        hp={"type": "integer"}, x={"type": "number"}, on={"type": "boolean"},
        name={"type": "string"}, kind={"type": "string"}, tags={"type": "array"},
    )  # fmt: skip
    items = [
        {"hp": 1, "x": 0.5, "on": True, "name": "a", "kind": "k", "tags": [1]},
        {},
        {"hp": 3, "x": 1.5, "on": False, "name": "b", "kind": "l", "tags": []},
    ]
    columns = {name: arrow.array([item.get(name) for item in items]) for name in items[0]}
    columns["kind"] = columns["kind"].dictionary_encode()
    chunked = {name: arrow.chunked_array([c[:1], c[1:]]) for name, c in columns.items()}
    whole = {name: column.take(arrow.array([0, 2])) for name, column in columns.items()}

    assert read_back(codec, codec.from_arrays(columns, 3)) == items
    assert read_back(codec, codec.from_arrays(chunked, 3)) == items
    assert read_back(codec, codec.from_arrays(whole, 2)) == [items[0], items[2]]
    extension = {"hp": pd.Series([1, None], dtype="int64[pyarrow]")}
    assert read_back(codec, codec.from_arrays(extension, 2)) == [{"hp": 1}, {}]


# --- reading -------------------------------------------------------------------------


def test_what_was_read_can_be_changed_and_the_store_stays() -> None:
    world = ecs.World()
    codec = register({"properties": {"tags": {"type": "array"}}}, world)
    entities = world.spawn(1, codec.to_columns([{"tags": ["a"], "more": [1]}]).component)

    read = codec.read_one(world, entities[0])
    read["tags"].append("b")
    read["more"].append(2)

    assert codec.read(world, entities) == [{"tags": ["a"], "more": [1]}]


@pytest.mark.parametrize("item", [{"hp": 1, "x": 2.0}, {"hp": 1.0}, {"hp": 2**70, "more": None}])
def test_one_entity_is_read_as_a_batch_of_one(item: dict[str, Any]) -> None:
    world = ecs.World()
    codec = register({"properties": {"hp": {"type": "integer"}, "x": {"type": "number"}}}, world)
    handle = int(world.spawn(1, codec.to_columns([item]).component, ids=["a"])[0])

    assert exact(codec.read_one(world, handle)) == exact(item)
    assert exact(codec.read_one(world, "a")) == exact(item)
    assert exact(codec.read(world, world.query(codec.component))) == exact([item])


def test_columns_for_a_frame_have_nullable_arrays_where_there_are_gaps() -> None:
    properties = {"a": "integer", "b": "number", "c": "boolean", "d": "string", "e": "integer"}
    codec = flat(**{name: {"type": kind} for name, kind in properties.items()})
    items = [
        {"a": 1, "b": 1, "c": True, "d": "x", "e": 5},
        {"e": 6, "more": [1]},
        {"b": 2.5, "e": 7.0},
    ]
    columns = codec.to_columns(items)

    frame = pd.DataFrame(codec.to_arrays(columns.component, 3))

    assert frame.dtypes.astype(str).tolist()[:3] == ["Int64", "Float64", "boolean"]
    assert frame.e.tolist() == [5, 6, 7]
    assert frame.isna().sum().to_dict() == {"a": 2, "b": 1, "c": 2, "d": 2, "e": 0, "more": 2}
    again = codec.from_arrays(frame, 3)
    assert read_back(codec, again) == items


def test_columns_for_a_frame_hold_what_no_array_type_holds_as_objects() -> None:
    codec = flat(a={"type": "integer"})
    columns = codec.to_columns([{"a": 2**70}, {"a": 1}, {}])

    arrays = codec.to_arrays(columns.component, 3)

    assert arrays["a"].tolist() == [2**70, 1, None]


def test_a_component_can_be_made_by_hand() -> None:
    codec = flat(hp={"type": "integer"}, name={"type": "string"})

    assert codec.decode(codec.component(hp=[1, 2], name="a"), 2) == [
        {"hp": 1, "name": "a"},
        {"hp": 2, "name": "a"},
    ]


# --- schemas that are not flat -------------------------------------------------------


INVENTORY = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"$ref": "#/definitions/item"}}},
    "definitions": {"item": {"type": "object", "required": ["id"]}},
}


def test_a_schema_that_is_not_flat_is_a_column_of_objects() -> None:
    codec = register(INVENTORY)
    items: list[Any] = [{"items": [{"id": 1, "n": 2.0}]}, {"items": [{}]}, None, {"other": None}]

    columns = codec.to_columns(items)

    assert isinstance(codec, ObjectCodec)
    assert repr(codec) == "<ObjectCodec core:thing>"
    assert columns.errors == {
        1: ["$.items[0]: 'id' is a required property"],
        2: ["$: None is not of type 'object'"],
    }
    assert exact(read_back(codec, columns)) == exact([items[0], items[3]])
    assert not codec.is_tag


def test_objects_are_taken_from_arrays_and_given_for_a_frame() -> None:
    codec = register({"properties": {"a": {}}, "minProperties": 1})

    columns = codec.from_arrays({"a": [1, None, None], "b": np.array([True, False, True])}, 3)

    assert read_back(codec, columns) == [{"a": 1, "b": True}, {"b": False}, {"b": True}]
    arrays = codec.to_arrays(columns.component, 3)
    assert {k: v.tolist() for k, v in arrays.items()} == {
        "a": [1, None, None],
        "b": [True, False, True],
    }
    assert codec.from_arrays({}, 2).is_good.tolist() == [False, False]
    assert codec.decode(codec.component(value={"a": 1}), 1) == [{"a": 1}]


def test_one_object_is_read_as_it_was() -> None:
    world = ecs.World()
    codec = register(INVENTORY, world)
    item = {"items": [{"id": [1]}]}
    handle = world.spawn(1, codec.to_columns([item]).component)[0]

    assert codec.read_one(world, handle) == item


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "array"},
        {"required": ["a"]},
        {"patternProperties": {"^a": {"type": "integer"}}},
        {"additionalProperties": {"type": "integer"}},
        {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
        {"properties": {"a": {"allOf": [{"$ref": "#/definitions/a"}]}}, "definitions": {"a": {}}},
        {"propertyNames": {"maxLength": 1}, "dependencies": {"a": ["b"]}},
        {"properties": {"a": {"multipleOf": 0.5, "type": "number"}, "b": {"$ref": "#"}}},
    ],
)
@given(data=st.data())
def test_any_schema_takes_what_the_reference_takes(schema: Any, data: Any) -> None:
    codec = register(schema)
    values = st.one_of(st.none(), st.integers(0, 2), st.text("ab", max_size=2), st.just(math.nan))
    items = data.draw(st.lists(st.dictionaries(st.text("abc", max_size=2), values), max_size=3))

    columns = codec.to_columns(items)

    assert columns.is_good.tolist() == [reference_accepts(schema, item) for item in items]


def test_a_schema_that_leads_back_to_itself_refuses_all() -> None:
    codec = register({"$ref": "#"})

    (line,) = codec.validate({})

    assert line.startswith("$: cannot be checked: maximum recursion depth")


@pytest.mark.parametrize(
    ("schema", "datum"),
    [
        ({"minProperties": 1}, {"a": [0] * 1000}),
        ({"minProperties": 1}, {"a": {"text": "x" * 1000}}),
        ({"minProperties": 1}, {"x" * 1000: 0}),
        ({"properties": {"a": {"type": "array"}}}, {"a": [[0] * 500, [1] * 500]}),
        ({"properties": {"a": {"type": "integer"}}}, {"other": "x" * 1000}),
    ],
)
def test_data_that_is_larger_than_a_file_may_be_is_refused(
    schema: Any, datum: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "MAX_BYTES", 999)
    codec = register(schema)

    assert codec.validate(datum)[0].startswith("$: takes more than 0 MB; split it")
    assert list(codec.to_columns([{"a": [1]} if "a" in datum else {}, datum]).errors)[-1] == 1


def test_data_of_many_megabytes_is_refused_before_it_is_copied() -> None:
    codec = register({"minProperties": 1})
    numbers = [0] * 10_000_000
    tracemalloc.start()

    errors = codec.validate({"a": numbers})

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert errors == ["$: takes more than 64 MB; split it, or keep it in a file"]
    assert peak < 1_000_000


@pytest.mark.parametrize("n", [10**12, 10**400])
def test_a_schema_asks_for_any_number_of_values_and_takes_no_memory(n: int) -> None:
    row = {"type": "array", "items": {"type": "number"}, "minItems": n, "maxItems": n}
    grid = {"type": "array", "items": row, "minItems": n, "maxItems": n}
    text = {"type": "string", "minLength": n, "maxLength": n}
    codec = register({"properties": {"row": row, "grid": grid, "text": text}})

    columns = codec.to_columns([{"row": [1.0]}, {"grid": [[1.0]]}, {"text": "a"}, {}])

    assert columns.errors == {
        0: ["$.row: [1.0] is too short"],
        1: ["$.grid: [[1.0]] is too short", "$.grid[0]: [1.0] is too short"],
        2: ["$.text: 'a' is too short"],
    }


# --- schemas that are none -----------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "int"}, r"\$\.type: 'int' is not valid"),
        ({"properties": {"a": {"minimum": "1"}}}, r"\$\.properties\.a\.minimum: '1' is not of"),
        ({"properties": {"a": {"pattern": "("}}}, r"\$\.properties\.a\.pattern: '\(' is not a"),
        ({"properties": {"a": {"$ref": "#/definitions/b"}}}, "'#/definitions/b' leads nowhere"),
        ({"$ref": "https://example.com/a.json"}, "leads nowhere"),
        (7, "7 is not of type"),
        (
            {"properties": {"a": {"const": {1, 2}}}},
            r"\$\.properties\.a\.const: \{1, 2\} is no JSON",
        ),
    ],
)
def test_a_schema_that_is_none_is_refused_where_it_is_registered(schema: Any, fault: str) -> None:
    with pytest.raises(ecs.SchemaError, match=f"core:thing: its schema is not valid.*{fault}"):
        register(schema)


@pytest.mark.parametrize("depth", [350, 5000])
def test_a_schema_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"not": schema}

    with pytest.raises(ecs.SchemaError, match="is nested too deeply"):
        register(schema)


def test_a_schema_that_is_changed_later_changes_nothing() -> None:
    schema: dict[str, Any] = {"properties": {"hp": {"type": "integer"}}}
    codec = register(schema)

    schema["properties"]["hp"]["type"] = "string"

    assert codec.validate({"hp": 1}) == []


def test_jsonschema_is_imported_when_a_schema_is_registered() -> None:
    program = (
        "import sys, ecs_columnar as ecs, ecs_columnar.services.component_types as c\n"
        "types = c.ComponentTypes(ecs.World()); assert 'jsonschema' not in sys.modules\n"
        "types.register({'id': 'a', 'dataSchema': {}}); assert 'jsonschema' in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_is_remembered_of_a_schema_is_of_no_other() -> None:
    def refused(schema: Any) -> bool:
        try:
            ComponentTypes(ecs.World()).register({"id": "core:x", "dataSchema": schema})
        except ecs.SchemaError:
            return True
        return False

    long = {"title": "x" * 20_000}

    for _ in range(2):
        assert not refused({"minLength": 1})
        assert refused({"minLength": True})
        assert refused({"minLength": "1"})
        assert not refused(long)
        assert refused(long | {"minLength": "1"})
