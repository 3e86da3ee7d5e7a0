"""Columns and items in all the forms in which users have them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoding import encode
from ecs_columnar.services.columns import (
    are_missing,
    as_column,
    at,
    constant,
    factorize,
    grouped,
    is_whole,
    take,
    to_list,
    to_objects,
)
from ecs_columnar.services.identities import joined, new_ids, repeated
from ecs_columnar.services.instances import _numbered
from ecs_columnar.services.items import MISSING, camel, field_of, to_items
from ecs_columnar.services.lookup import are_first, are_last, find_entities
from ecs_columnar.services.place_codec import PlaceCodec, Whereabouts

VALUES = ["a", None, "b", "a", ""]
COLUMNS: dict[str, Callable[[], Any]] = {
    "list": lambda: list(VALUES),
    "tuple": lambda: tuple(VALUES),
    "objects": lambda: np.array(VALUES, object),
    "series": lambda: pd.Series(VALUES, dtype=object),
    "strings": lambda: pd.Series(VALUES, dtype="str"),
    "index": lambda: pd.Index(VALUES, dtype=object),
    "categorical": lambda: pd.Series(pd.Categorical(VALUES)),
    "arrow": lambda: pytest.importorskip("pyarrow").array(VALUES),
    "dictionary": lambda: pytest.importorskip("pyarrow").array(VALUES).dictionary_encode(),
    "chunks": lambda: pytest.importorskip("pyarrow").chunked_array([VALUES[:2], VALUES[2:]]),
    "arrow series": lambda: pd.Series(
        VALUES, dtype=pd.ArrowDtype(pytest.importorskip("pyarrow").string())
    ),
    "polars": lambda: (
        pytest.importorskip("pyarrow") and pytest.importorskip("polars").Series(VALUES)
    ),
    "texts": lambda: Texts(encode(VALUES, missing=True)),
    "coded": lambda: Coded(np.array([0, 2, 1, 0, 3]), np.array(["a", "b", None, ""], object)),
}


def plain(values: list[Any]) -> list[Any]:
    """Write whatever stands for a gap as None."""
    return [None if pd.isna(value) else value for value in values]


@pytest.mark.parametrize("form", COLUMNS)
def test_a_column_is_read_in_every_form(form: str) -> None:
    column = as_column(COLUMNS[form]())

    codes, values = factorize(column)

    assert plain(to_list(column)) == VALUES
    assert plain(to_objects(column).tolist()) == VALUES
    assert are_missing(column).tolist() == [False, True, False, False, False]
    assert plain([values[code] for code in codes]) == VALUES
    assert plain(to_list(column[1:4])) == VALUES[1:4]
    assert plain(to_list(take(column, np.array([4, 0, 1])))) == ["", "a", None]
    assert at(column, 2) == "b"


@given(st.lists(st.integers(0, 40), max_size=9), st.sampled_from([1, 10**6]))
def test_numbers_of_keys_are_those_of_a_sort(keys: list[int], factor: int) -> None:
    given_keys = np.array(keys, np.intp) * factor

    distinct, codes = _numbered(given_keys, 40 * factor + 1)

    assert distinct.tolist() == sorted(set(given_keys.tolist()))
    assert distinct[codes].tolist() == given_keys.tolist()


@pytest.mark.parametrize(
    "bad", ["text", b"bytes", 5, iter([1]), np.zeros((2, 2)), {1, 2}.__iter__(), {1}, {"a": 1}]
)
def test_what_is_no_column_is_refused(bad: Any) -> None:
    with pytest.raises(TypeError):
        as_column(bad)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1, 2]), [False, False]),
        (np.array([1.0, np.nan]), [False, True]),
        (np.array(["x", ""]), [False, False]),
        (pd.array([1, None], "Int64"), [False, True]),
        ([1, None, float("nan"), pd.NA, pd.NaT, []], [False, True, True, True, True, False]),
    ],
)  # fmt: skip
def test_gaps_are_seen(values: Any, expected: list[bool]) -> None:
    assert are_missing(values).tolist() == expected


@pytest.mark.parametrize("form", COLUMNS)
def test_a_column_with_a_gap_is_never_said_to_be_whole(form: str) -> None:
    assert not is_whole(as_column(COLUMNS[form]()))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (Texts(encode(["a"])), True),
        (Texts(encode(["a", None], missing=True)), False),
        (Coded(np.array([0, 0]), np.array(["a"], object)), True),
        (np.array([1, 2]), True),
        (pa.array([1.5, 2.5]), True),
        (pa.array(["a"]), True),
        (pa.chunked_array([["a"], ["b"]]), True),
        (pa.DictionaryArray.from_arrays([0, 1], ["a", None]), False),
        (pa.array([{"a": None}]), False),
    ],
)
def test_some_columns_are_known_to_be_whole(column: Any, expected: bool) -> None:
    assert is_whole(column) is expected
    assert not are_missing(column).any() or not expected


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize(
    "nulls",
    [
        pa.nulls,
        lambda n: pa.chunked_array([pa.nulls(n)]),
        lambda n: pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int8()), pa.nulls(1)),
    ],
)
def test_a_column_of_nulls_of_arrow_is_all_gaps(nulls: Callable[[int], Any], n: int) -> None:
    column = as_column(nulls(n))

    none = take(column, np.array([], np.intp))
    codes, values = factorize(column)

    assert are_missing(column).tolist() == [True] * n
    assert [values[code] for code in codes] == to_list(column) == [None] * n
    assert to_objects(none).tolist() == factorize(none)[0].tolist() == []


@pytest.mark.parametrize(
    "column",
    [
        ["b", None, "a", "b"],
        pd.Categorical(["b", None, "a", "b"], categories=["a", "unused", "b"]),
        pa.DictionaryArray.from_arrays([1, None, 0, 1], ["a", "b"]),
        Coded(np.array([2, 1, 0, 2]), np.array(["a", None, "b"], object)),
    ],
    ids=["list", "categories", "dictionary", "coded"],
)
def test_values_are_numbered_in_the_order_in_which_they_first_occur(column: Any) -> None:
    codes, values = factorize(as_column(column))

    assert codes.tolist() == [0, 1, 2, 0]
    assert values == ["b", None, "a"]


def test_structures_of_arrow_are_told_apart_as_what_they_are_in_python() -> None:
    codes, values = factorize(pa.array([{"a": 1}, None, {"a": 1}]))

    assert [values[code] if code >= 0 else None for code in codes] == [{"a": 1}, None, {"a": 1}]


def test_what_has_no_hash_is_distinct() -> None:
    codes, values = factorize(["a", [], "a", []])

    assert codes.tolist() == [0, 1, 0, 2]
    assert values == ["a", [], []]


@given(st.lists(st.integers(0, 10**6), max_size=30))
def test_rows_are_grouped_in_order(codes: list[int]) -> None:
    expected: dict[int, list[int]] = {}
    for row, code in enumerate(codes):
        expected.setdefault(code, []).append(row)

    found = {code: rows.tolist() for code, rows in grouped(np.array(codes, np.intp))}

    assert found == dict(sorted(expected.items()))
    assert list(found) == sorted(expected)


@given(st.lists(st.integers(0, 8), max_size=20))
def test_first_and_last_occurrences_are_found(indices: list[int]) -> None:
    handles = np.array(indices, np.int64) + (1 << 32)

    assert are_first(handles).tolist() == [i not in indices[:k] for k, i in enumerate(indices)]
    assert are_last(handles).tolist() == [i not in indices[k + 1 :] for k, i in enumerate(indices)]


# --- items ---------------------------------------------------------------------------


def test_a_field_is_found_in_either_spelling() -> None:
    class Spec:
        instance_id = "c"

    items: list[Any] = [{"instance_id": "a"}, {"instanceId": "b"}, Spec(), None, 5, "x", {}]

    found = to_items(items, "items").field("instance_id")

    assert found == ["a", "b", "c", MISSING, MISSING, MISSING, MISSING]
    assert field_of(MappingProxyType({"instanceId": 1}), "instance_id") == 1
    assert repr(MISSING) == "nothing"


def test_camel_case_is_spelled_as_usual() -> None:
    assert [camel(name) for name in ("opts", "new_location_id")] == ["opts", "newLocationId"]


def test_columns_broadcast_scalars() -> None:
    items = to_items({"definition_id": "core:actor", "instance_id": ["a", "b"]}, "items")

    assert items.field("definition_id").tolist() == ["core:actor", "core:actor"]
    codes, values = factorize(items.field("definition_id"))
    assert (codes.tolist(), values) == ([0, 0], ["core:actor"])
    assert are_missing(constant(None, 3)).tolist() == [True] * 3
    assert constant(5, 3).dtype == np.int64
    assert items[1] == {"definition_id": "core:actor", "instance_id": "b"}


@pytest.mark.parametrize("given", [{5: [1]}, {"a": object()}, {"a": [1], "b": np.zeros((1, 1))}])
def test_what_is_no_mapping_of_columns_is_refused(given: Any) -> None:
    with pytest.raises(ecs.InvalidArgumentError):
        to_items(given, "items")


# --- ids -----------------------------------------------------------------------------


def test_made_up_ids_are_uuids() -> None:
    texts = new_ids(500).texts()

    assert len(set(texts)) == 500
    assert {uuid.UUID(text).version for text in texts} == {4}
    assert all(str(uuid.UUID(text)) == text for text in texts)
    assert new_ids(0).n_strings == 0


def test_made_up_ids_are_put_among_those_given() -> None:
    given_ids, made = encode(["a", "", "c", ""]), encode(["x", "y"])

    found = joined(given_ids, made, np.array([False, True, False, True]))

    assert found.texts() == ["a", "x", "c", "y"]


@given(st.lists(st.sampled_from(["a", "b", "c", "é", "", "longer than eight bytes"]), max_size=12))
def test_repeated_ids_are_found(texts: list[str]) -> None:
    rows = repeated(encode(texts))

    assert rows.tolist() == [i for i, text in enumerate(texts) if texts.count(text) > 1]


def test_ids_of_equal_hashes_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    from ecs_columnar import kernels

    def collide(strings: Any, seed: int, tags: Any) -> None:
        tags[:] = 7

    monkeypatch.setattr(kernels.strings, "hash_strings", collide)

    assert repeated(encode(["a", "b", "a", "c"])).tolist() == [0, 2]


def test_entities_are_found_in_every_form() -> None:
    world, other = ecs.World(), ecs.World()
    a, b = world.spawn(2, ids=["a", "b"])
    world.despawn("b")
    foreign = other.spawn_one(id="a")
    given: list[Any] = [
        "a",
        "b",
        int(a),
        np.int64(b),
        world.entity("a"),
        foreign,
        None,
        2**70,
        True,
        1.5,
    ]

    assert find_entities(world, given).tolist() == [a, 0, a, 0, a, 0, 0, 0, 0, 0]
    assert find_entities(world, np.array([a, b])).tolist() == [a, 0]
    assert find_entities(world, np.array([a, 2**64 - 1], np.uint64)).tolist() == [a, 0]
    assert find_entities(world, ["a", "x"]).tolist() == [a, 0]
    assert find_entities(world, [int(a), 2**70]).tolist() == [a, 0]
    assert find_entities(world, pd.Series(["a", None])).tolist() == [a, 0]


# --- the place -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "n_errors"),
    [
        ({"locationId": "inn"}, 0),
        ({"locationId": None}, 0),
        ({"locationId": 5}, 0),
        ({}, 1),
        (None, 1),
        ([], 1),
        ({"locationId": True}, 1),
        ({"locationId": 1.5}, 1),
        ({"locationID": "inn"}, 2),
        ({"locationId": 1.5, "x": 1}, 2),
    ],
)
def test_a_place_is_validated(data: Any, n_errors: int) -> None:
    codec = PlaceCodec()

    columns = codec.to_columns([data, {"locationId": "x"}])

    assert len(codec.validate(data)) == n_errors
    assert columns.is_good.tolist() == [n_errors == 0, True]
    assert columns.errors.get(0, []) == codec.validate(data)


def test_places_come_in_columns() -> None:
    codec = PlaceCodec()
    gap = pd.Series(["inn", None], dtype="str")

    assert codec.from_arrays({"locationId": np.array([5, 6])}, 2).values["place"].tolist() == [5, 6]
    assert codec.from_arrays({"locationId": gap}, 2).values["place"].tolist() == ["inn", None]
    assert codec.from_arrays({"locationId": ["inn", 1.5]}, 2).is_good.tolist() == [True, False]
    assert codec.from_arrays({"place": ["inn"]}, 1).is_good.tolist() == [False]


def test_places_are_written_back() -> None:
    codec = PlaceCodec()
    component = codec.to_columns([{"locationId": "inn"}, {"locationId": None}]).component

    assert codec.decode(component, 2) == [{"locationId": "inn"}, {"locationId": None}]
    assert codec.to_arrays(component, 2)["locationId"].tolist() == ["inn", None]
    assert codec.decode(Whereabouts("inn"), 2) == [{"locationId": "inn"}] * 2


def test_more_items_than_a_world_holds_are_refused_before_anything_is_taken() -> None:
    made = ecs.create_default_services_with_config()
    names = np.broadcast_to(np.array("core:actor", object), 10**12)

    with pytest.raises(ecs.InvalidArgumentError, match="1000000000000, and a world holds at most"):
        made.batch_operation_manager.batch_create_entities({"definition_id": names})
