"""What is given for a field becomes what its column holds, or is refused: kinds, ranges, shapes."""

from __future__ import annotations

import datetime as dt
from array import array as Items
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ecs_columnar as ecs
from ecs_columnar.fields import number
from ecs_columnar.frozen import freeze, thaw


def kept(value: Any, field_type: Any, n: int = 3, *, finite: bool = False) -> Any:
    """Return what ``n`` new entities hold when a value is given for their field."""
    members = {"__annotations__": {"x": field_type}, "x": ecs.field(finite=finite)}
    made = type("Held", (ecs.Component,), members)
    world = ecs.World()
    crew = world.spawn(n, made(value))
    return world.get(crew, made).x


def refusal(value: Any, field_type: Any, n: int = 3, *, finite: bool = False) -> str:
    """Return what is said about a value that is refused."""
    with pytest.raises(ecs.ValidationError) as caught:
        kept(value, field_type, n, finite=finite)
    (line,) = caught.value.errors
    return line


# -- integers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([1, 2, 3], "i1"),
        (np.array([1, 2, 3], "u8"), "i1"),
        (np.array([1, 2, 3], "i8"), "u4"),
        ((True, False, True), "u1"),
        (pd.Series([1, 2, 3]), "i2"),
        (np.array([1, 2, 3], object), "i4"),
    ],
)
def test_integers_of_any_width_are_kept_if_they_are_in_range(value: Any, dtype: str) -> None:
    assert kept(value, number(dtype)).tolist() == [int(item) for item in value]
    assert kept(value, number(dtype)).dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u4", "i8", "u8"])
def test_the_least_and_the_greatest_integer_fit_and_their_neighbours_do_not(dtype: str) -> None:
    limits = np.iinfo(dtype)
    for fits in (limits.min, limits.max):
        assert kept([fits] * 3, number(dtype)).tolist() == [fits] * 3
        assert kept(fits, number(dtype)).tolist() == [fits] * 3
    for outside in (limits.min - 1, limits.max + 1):
        assert refusal([0, outside, 0], number(dtype))
        assert refusal(outside, number(dtype))


def test_an_integer_outside_of_the_range_is_shown_with_its_place() -> None:
    line = refusal([0, 300, 1, -129, 128, 127, 999], ecs.i1, n=7)

    assert line == "x: 4 of 7 values do not fit int8 (300 at 1, -129 at 3, 128 at 4, ...)"
    assert refusal(np.int64(300), ecs.i1) == "x is 300: values do not fit int8"


def test_integers_that_only_uint64_holds_stay_integers() -> None:
    assert kept([2**63, 1, 0], ecs.u8).tolist() == [2**63, 1, 0]
    assert kept((np.uint64(2**63), 1, 0), ecs.u8).tolist() == [2**63, 1, 0]


@pytest.mark.parametrize(
    "value", [[2**63, -1, 0], [2**63, 1.0, 0], [2**63, np.int8(-1), 0], [np.int64(-1), 2**63, 0]]
)
def test_integers_that_no_type_holds_together_are_refused_as_the_floats_they_are(
    value: list[float],
) -> None:
    assert refusal(value, ecs.u8) == (
        "x is float64 and takes uint64; convert it yourself if that is meant: .astype('uint64')"
    )


@pytest.mark.parametrize("value", [[1.0, 2.0, 3.0], np.array([1.0, 2, 3]), 1.0, [1, 2, 3.5]])
def test_floats_do_not_become_integers(value: Any) -> None:
    assert refusal(value, ecs.i4).startswith("x is float64 and takes int32; convert it yourself")


@pytest.mark.parametrize("value", [1, [0, 1, 0], np.ones(3), "yes"])
def test_only_booleans_are_booleans(value: Any) -> None:
    assert "takes bool" in refusal(value, ecs.bool_)


# -- floats ---------------------------------------------------------------------------


def test_numbers_of_any_kind_become_floats() -> None:
    for value in ([1, 2, 3], np.array([1, 2, 3], "u1"), np.array([1, 2, 3], "f2")):
        assert kept(value, ecs.f4).tolist() == [1, 2, 3]
    assert kept([True, False, True], ecs.f8).tolist() == [1, 0, 1]
    assert kept(True, ecs.f8).tolist() == [1, 1, 1]


def test_a_float_that_overflows_is_refused_and_infinity_is_not() -> None:
    assert refusal([1e30, 1e39, -1e39], ecs.f4) == (
        "x: 2 of 3 values overflow float32 (1e+39 at 1, -1e+39 at 2)"
    )
    assert refusal(1e39, ecs.f4) == "x is 1e+39: values overflow float32"
    assert kept([np.inf, -np.inf, 0], ecs.f4).tolist() == [np.inf, -np.inf, 0]
    assert kept(np.inf, ecs.f4).tolist() == [np.inf] * 3


def test_an_integer_that_overflows_a_float_is_refused() -> None:
    assert refusal([1, 65504, 70000], ecs.f2) == "x: 1 of 3 values overflow float16 (70000 at 2)"
    assert kept([1, 65504, 0], ecs.f2).tolist() == [1, 65504, 0]


def test_wider_floats_and_nan_are_kept_where_nobody_asked_for_finite_ones() -> None:
    assert np.isnan(kept([np.nan] * 3, ecs.f4)).all()
    assert kept(np.array([1, 2, 3], "f4"), ecs.f8).dtype == np.float64


def test_values_that_have_to_be_finite_are_checked() -> None:
    assert refusal([1.0, np.nan, np.inf], ecs.f8, finite=True) == (
        "x: 2 of 3 values are not finite (nan at 1, inf at 2)"
    )
    assert refusal(np.datetime64("NaT", "s"), ecs.datetime("s"), finite=True).startswith("x is NaT")
    assert kept([1.0, 2.0, 3.0], ecs.f8, finite=True).tolist() == [1, 2, 3]


# -- times ----------------------------------------------------------------------------


def test_times_keep_their_instant_or_are_refused() -> None:
    noon = np.datetime64("2020-01-01T12:00", "m")

    assert (kept(noon, ecs.datetime("s")) == noon).all()
    assert (kept([noon] * 3, ecs.datetime("ns")) == noon).all()
    assert refusal([noon] * 3, ecs.datetime("D")).startswith(
        "x: 3 of 3 values are not exact in datetime64[D]"
    )
    assert "not exact in datetime64[ns]" in refusal(
        np.datetime64("9999-01-01", "D"), ecs.datetime("ns")
    )
    assert np.isnat(kept(np.datetime64("NaT"), ecs.datetime("s"))).all()


def test_times_of_python_and_pandas_keep_their_nanoseconds() -> None:
    exact = pd.Timestamp("2020-01-01 00:00:00.123456789")

    assert kept([exact] * 3, ecs.datetime("ns"))[0] == exact.to_datetime64()
    assert kept([exact, pd.NaT, exact], ecs.datetime("ns"))[2] == exact.to_datetime64()
    day = dt.datetime(2020, 1, 1)  # noqa: DTZ001 - a column has no time zone
    assert kept([day] * 3, ecs.datetime("s"))[0] == np.datetime64("2020-01-01")
    spans = [pd.Timedelta(5, "ns"), pd.Timedelta(7, "ns"), pd.Timedelta(9, "ns")]
    assert kept(spans, ecs.timedelta("ns")).astype("i8").tolist() == [5, 7, 9]


def test_a_span_is_no_instant_and_a_number_is_neither() -> None:
    assert "x is timedelta64[s] and takes datetime64[s]" in refusal(
        np.timedelta64(1, "s"), ecs.datetime("s")
    )
    assert refusal([1, 2, 3], ecs.datetime("s")).startswith("x is int64 and takes datetime64[s]")
    assert refusal([dt.date(2020, 1, 1), 1, None], ecs.datetime("s"))


# -- Python values --------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [[None, 1, 2], [{}, 1, 2], np.array([1, None, 2], object), {"a": 1}, object]
)
def test_python_objects_are_no_numbers(value: Any) -> None:
    line = refusal(value, ecs.f4)

    assert line.startswith("x holds Python objects (") and line.endswith("; it takes float32")


@pytest.mark.parametrize("value", [[[1], [2, 3], 4], np.array([[1], [2, 3], 4], object)])
def test_lists_of_different_lengths_are_no_array(value: Any) -> None:
    assert "x is not an array" in refusal(value, ecs.f4)


def test_an_integer_that_no_array_holds_is_refused() -> None:
    assert refusal([10**400, 0, 0], ecs.f8)
    assert refusal(10**30, ecs.i8)


# -- shapes ---------------------------------------------------------------------------


def test_one_value_is_of_all_and_a_scalar_fills_an_array() -> None:
    vector = ecs.array(ecs.f4, 2)

    assert kept([1, 2], vector).tolist() == [[1, 2]] * 3
    assert kept(5, vector).tolist() == [[5, 5]] * 3
    assert kept([[1, 2], [3, 4], [5, 6]], vector).tolist() == [[1, 2], [3, 4], [5, 6]]


def test_as_many_values_as_items_are_one_value_of_all() -> None:
    assert kept([1, 2], ecs.array(ecs.f4, 2), n=2).tolist() == [[1, 2], [1, 2]]


@pytest.mark.parametrize("nothing", [[], (), np.empty(0), np.empty((0, 2), "i4")])
def test_nobody_has_no_values(nothing: Any) -> None:
    assert kept(nothing, ecs.array(ecs.f4, 2), n=0).shape == (0, 2)


def test_values_that_are_not_one_nor_one_an_entity_are_refused() -> None:
    assert refusal([1, 2], ecs.f4) == (
        "x has shape 2, the batch has 3 entities; give one value or one an entity"
    )
    assert refusal(np.zeros((3, 3)), ecs.array(ecs.f4, 2)).startswith(
        "x of shape 2 a value has shape 3x3, the batch has 3 entities"
    )
    assert refusal(["a", "b"], ecs.str_).startswith("x has 2 values, the batch has 3 entities")
    assert refusal([0, 0], ecs.ref).startswith("x has 2 values, the batch has 3 entities")
    assert refusal([], ecs.f4).startswith("x has shape 0")


# -- objects --------------------------------------------------------------------------


def test_a_list_is_a_value_an_entity_and_anything_else_is_of_all() -> None:
    assert kept([1, "a", None], ecs.object_).tolist() == [1, "a", None]
    assert kept(np.array([1, "a", None], object), ecs.object_).tolist() == [1, "a", None]
    assert kept((1, 2), ecs.object_).tolist() == [(1, 2)] * 3
    assert kept({"a": [1]}, ecs.object_).tolist() == [{"a": (1,)}] * 3
    assert all(item.tolist() == [1, 2] for item in kept(np.array([1, 2]), ecs.object_))
    assert refusal([1, 2], ecs.object_).startswith("x has 2 values, the batch has 3 entities")


def test_an_object_that_cannot_be_copied_is_refused() -> None:
    class Sealed:
        def __deepcopy__(self, memo: object) -> Any:
            raise TypeError("sealed")

    assert refusal(Sealed(), ecs.object_) == "x cannot be copied: sealed"
    assert refusal([1, Sealed(), 2], ecs.object_) == "x cannot be copied: sealed"


def test_what_is_frozen_cannot_be_changed_through_what_it_was_made_from() -> None:
    array, when = np.array([1, 2]), dt.date(2020, 1, 1)
    given = {"list": [1, {2}], "array": array, "when": when}

    frozen = freeze(given)
    given["list"].append(3)  # type: ignore[attr-defined]
    array[0] = 9

    assert isinstance(frozen, MappingProxyType)
    assert frozen["list"] == (1, frozenset({2}))
    assert frozen["array"].tolist() == [1, 2] and not frozen["array"].flags.writeable
    assert frozen["when"] == when
    assert thaw(frozen)["list"] == (1, {2}) and type(thaw(frozen)) is dict


# -- live data ------------------------------------------------------------------------


class Labelled(np.ndarray):
    """An array class as other libraries have: its views remember it, not what it is a view of."""


class Shelved(np.ndarray):
    """Another one."""


SHOWN: dict[str, Any] = {
    "as it is": lambda array: array,
    "a part": lambda array: array[:],
    "a class in a class": lambda array: array.view(Labelled).view(Shelved),
    "a buffer": memoryview,
    "an array of a buffer": lambda array: np.asarray(memoryview(array)),
    "an array of bytes": lambda array: np.frombuffer(array, array.dtype),
    "Arrow": lambda array: pytest.importorskip("pyarrow").array(array).to_numpy(),
    "pandas": lambda array: pd.Series(array, copy=False),
}


@pytest.mark.parametrize("as_given", SHOWN.values(), ids=SHOWN.keys())
def test_what_a_query_showed_is_copied_before_it_is_written_over(as_given: Any) -> None:
    world = ecs.World()
    made = ecs.make_component("Held", {"x": ecs.f4})
    crew = world.spawn(4, made([1, 2, 3, 4]))
    (rows,) = world.query(made)

    # In place, the second half would be read after it was overwritten.
    world.set(crew[::-1], made, x=as_given(rows[made].x))  # type: ignore[attr-defined]

    assert world.get(crew, made).x.tolist() == [4, 3, 2, 1]  # type: ignore[attr-defined]


@pytest.mark.parametrize("as_given", SHOWN.values(), ids=SHOWN.keys())
def test_members_of_a_place_are_copied_before_they_leave_it(as_given: Any) -> None:
    world = ecs.World()
    crew = world.spawn(4, at="inn")

    world.move(as_given(world.locations["inn"]), "harbour")

    assert world.locations["harbour"].tolist() == crew.tolist()
    assert world.locations.count("inn") == 0


@pytest.mark.parametrize(
    "buffer", [bytes, bytearray, memoryview, lambda array: Items("f", array.tolist())]
)
def test_what_lies_in_the_memory_of_others_is_taken(buffer: Any) -> None:
    values = np.array([1, 2, 3], "f4")

    assert kept(np.frombuffer(buffer(values), "f4"), ecs.f4).tolist() == [1, 2, 3]
