"""Field types: which dtypes and shapes there are, and that they are no values."""

from __future__ import annotations

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar.fields import FieldType, number


class Holder:
    """A class that is no component, with a field type as an attribute by mistake."""

    x = ecs.f4()


def test_a_field_type_is_an_annotation_and_no_value() -> None:
    message = "cannot use f4 as a value; it is an annotation"

    with pytest.raises(ecs.SchemaError, match=message):
        _ = Holder().x
    with pytest.raises(ecs.SchemaError, match=message):
        Holder().x = 1.0


@pytest.mark.parametrize("dtype", ["?", "i2", "u8", "f2", "M8[ns]", "m8[D]"])
def test_any_boolean_number_or_time_is_a_field_type(dtype: str) -> None:
    made = number(dtype)

    assert issubclass(made, FieldType)
    assert (made.kind, made.dtype, made.shape) == ("number", np.dtype(dtype), ())


def test_a_dtype_with_a_shape_is_an_array_a_value() -> None:
    made = number(("f4", (2, 3)))

    assert (made.dtype, made.shape) == (np.dtype("f4"), (2, 3))


@pytest.mark.parametrize(
    ("dtype", "fault"),
    [
        ("float31", "cannot make a field of dtype 'float31': data type 'float31' not understood"),
        ("c8", "dtype complex64: fields are booleans, integers, floats, times"),
        ("U3", "dtype <U3: fields are .*; use str_ for text"),
        (object, "dtype object: fields are .*object_ for anything else"),
        (">i4", r"dtype >i4: .*use dtype.newbyteorder\('='\)"),
        ((">f4", 3), "not in native byte order"),
        ("M8", r"dtype datetime64: it has no unit; write datetime64\[s\] or another unit"),
        ("m8", r"it has no unit; write timedelta64\[s\]"),
    ],
)
def test_a_dtype_that_no_column_can_have_is_refused(dtype: object, fault: str) -> None:
    with pytest.raises(ecs.SchemaError, match=fault) as caught:
        number(dtype)  # type: ignore[arg-type]

    assert str(caught.value).startswith("cannot make a field of dtype ")


def test_times_have_the_unit_that_is_asked_for() -> None:
    assert ecs.datetime("D").dtype == np.dtype("M8[D]")
    assert ecs.timedelta("ms").dtype == np.dtype("m8[ms]")

    with pytest.raises(ecs.SchemaError, match=r"cannot make a field of dtype 'M8\[fortnight\]'"):
        ecs.datetime("fortnight")


def test_an_array_of_arrays_has_the_outer_lengths_first() -> None:
    made = ecs.array(ecs.array(ecs.i2, 3), (4, 2))

    assert (made.dtype, made.shape) == (np.dtype("i2"), (4, 2, 3))
    assert made.__name__ == "i2[3][4, 2]"


@pytest.mark.parametrize("item", [ecs.str_, ecs.object_, ecs.ref, float, "f4", 3])
def test_an_array_of_what_is_no_number_is_refused(item: object) -> None:
    name = getattr(item, "__name__", repr(item))

    with pytest.raises(ecs.SchemaError) as caught:
        ecs.array(item, 3)  # type: ignore[type-var]

    assert str(caught.value) == (
        f"cannot make an array of {name}: elements are numbers, such as f4"
    )


@pytest.mark.parametrize("shape", [0, -1, (), (3, 0), 2.0, (2, "3"), [2, 3], None])
def test_an_array_without_positive_lengths_is_refused(shape: object) -> None:
    with pytest.raises(ecs.SchemaError, match="cannot make an array of shape") as caught:
        ecs.array(ecs.f4, shape)  # type: ignore[arg-type]

    assert repr(shape) in str(caught.value) and "each at least 1" in str(caught.value)
