"""Component classes: what is refused where they are declared, and what instances show."""

from __future__ import annotations

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar.checkpoint.classes import stand_in
from ecs_columnar.checkpoint.manifest import ComponentEntry, FieldEntry
from ecs_columnar.schema import Field
from tests.strategies import Bag, Frozen, Health, Label, Link, Position, Shape, Times


def field_of(dtype: str, *shape: int) -> Field:
    return Field("x", "number", np.dtype(dtype), shape)


# -- declarations that are refused ----------------------------------------------------


@pytest.mark.parametrize("type_id", ["", " \t", 17, b"hull"])
def test_an_id_that_is_blank_or_no_string_is_refused(type_id: object) -> None:
    with pytest.raises(ecs.SchemaError, match="cannot declare component Hull: its id is") as caught:

        class Hull(ecs.Component, id=type_id): ...  # type: ignore[arg-type]

    assert repr(type_id) in str(caught.value) and "not blank" in str(caught.value)


def test_a_storage_that_there_is_not_is_refused() -> None:
    message = "cannot declare component hull: storage is 'dense'; use 'table' or 'sparse'"

    with pytest.raises(ecs.SchemaError, match=message):

        class Hull(ecs.Component, id="hull", storage="dense"): ...  # type: ignore[arg-type]


@pytest.mark.parametrize("storage", ["table", "sparse"])
def test_the_storages_that_there_are_can_be_declared(storage: str) -> None:
    class Hull(ecs.Component, storage=storage): ...  # type: ignore[arg-type]

    assert Hull.__schema__.storage == storage


def test_a_field_without_a_default_after_one_with_a_default_is_refused() -> None:
    with pytest.raises(ecs.SchemaError, match=r"Hull: .*put fields without a default first$"):

        class Hull(ecs.Component):
            tons: ecs.f8 = 1.0
            masts: ecs.i4


def test_a_default_that_all_instances_would_share_is_refused_with_the_remedy() -> None:
    with pytest.raises(ecs.SchemaError, match=r"mutable default .*; use field\(\.\.\.\)$"):

        class Hull(ecs.Component):
            crew: ecs.object_ = []

    class Ship(ecs.Component):
        crew: ecs.object_ = ecs.field([])

    assert Ship().crew == []


def test_an_annotation_that_names_nothing_is_refused() -> None:
    with pytest.raises(ecs.SchemaError, match="Hull: name 'f32' is not defined"):

        class Hull(ecs.Component):
            tons: f32  # noqa: F821

    with pytest.raises(ecs.SchemaError, match=r"Mast: .*has no attribute 'f32'"):

        class Mast(ecs.Component):
            height: ecs.f32


def test_an_annotation_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(
        ecs.SchemaError, match=r"cannot declare component Hull: .*not a generic class"
    ):

        class Hull(ecs.Component):
            tons: ecs.f8[int]

    with pytest.raises(ecs.SchemaError, match="cannot declare component Mast: "):
        ecs.make_component("Mast", {"height": "f4["})  # type: ignore[dict-item]


@pytest.mark.parametrize("name", ["_tons", "__tons", "records"])
def test_a_name_that_components_use_themselves_is_refused(name: str) -> None:
    with pytest.raises(ecs.SchemaError, match=f"{name} is no name for a field.*choose another"):
        ecs.make_component("Hull", {name: ecs.f8})


@pytest.mark.parametrize("name", ["", "two words", "class", "None", "1st", "x=print()\n", "x)#"])
def test_a_name_that_python_would_not_take_is_refused_before_it_gets_into_code(name: str) -> None:
    with pytest.raises(ecs.SchemaError, match=r"is no name for a field.*choose another") as caught:
        ecs.make_component("Hull", {name: ecs.f8})
    with pytest.raises(ecs.CheckpointError, match="no class can have its fields") as loaded:
        stand_in(ComponentEntry("hull", "table", (FieldEntry(name, "number", "<f8", (), 0, 0),)))

    assert repr(name) in str(caught.value)
    assert isinstance(loaded.value.__cause__, ecs.SchemaError)


@pytest.mark.parametrize("annotation", [3, float, np.float32, list[int], Position])
def test_an_annotation_that_is_no_field_type_is_refused(annotation: object) -> None:
    with pytest.raises(ecs.SchemaError) as caught:
        ecs.make_component("Hull", {"tons": annotation})  # type: ignore[dict-item]

    message = str(caught.value)
    assert f"Hull: field tons is annotated with {annotation!r}" in message
    assert "; use " in message


@pytest.mark.parametrize("field_type", [ecs.i4, ecs.bool_, ecs.str_, ecs.ref, ecs.object_])
def test_what_is_always_finite_cannot_be_asked_to_be(field_type: type) -> None:
    with pytest.raises(ecs.SchemaError, match="which is always finite; leave finite=True out"):

        class Hull(ecs.Component):
            tons: field_type = ecs.field(finite=True)


@pytest.mark.parametrize("field_type", [ecs.f2, ecs.f8, ecs.datetime("s"), ecs.timedelta("s")])
def test_floats_and_times_can_be_asked_to_be_finite(field_type: type) -> None:
    class Hull(ecs.Component):
        tons: field_type = ecs.field(finite=True)

    assert Hull.__schema__.fields[0].is_finite


# -- schemas --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "exact", "low", "high"),
    [
        (field_of("?"), bool, False, True),
        (field_of("i1"), int, -128, 127),
        (field_of("u8"), int, 0, 2**64 - 1),
        (field_of("f4"), float, -(2**128 - 2**104), 2**128 - 2**104),
        # A Python float is an f8: it may not be a value of an f2, whatever its range.
        (field_of("f2"), None, 0, 0),
        (field_of("M8[s]"), None, 0, 0),
        (field_of("f4", 3), None, 0, 0),
    ],
)
def test_a_field_knows_which_python_values_it_takes_as_they_are(
    field: Field, exact: type | None, low: float, high: float
) -> None:
    assert field.exact is exact
    assert (field.low, field.high) == (low, high)


def test_the_bytes_of_a_value_are_those_of_all_its_items() -> None:
    assert [f.nbytes for f in Shape.__schema__.fields] == [3 * 4, 2 * 2 * 2]
    assert [f.nbytes for f in Position.__schema__.fields] == [4, 4]


def test_a_tag_has_no_fields() -> None:
    assert Frozen.__schema__.is_tag
    assert not Health.__schema__.is_tag


# -- instances ------------------------------------------------------------------------


def test_a_component_shows_its_values_and_shortens_what_is_long() -> None:
    assert repr(Position([1, 2])) == "Position(x=[1, 2], y=0.0)"
    assert repr(Position(np.zeros(9, "f4"), 1)) == (
        "Position(x=<float32 array of shape (9,)>, y=1)"
    )
    assert repr(Label("a" * 58)) == f"Label(text={'a' * 58!r}, language='en')"
    assert repr(Label("a" * 59)) == f"Label(text='{'a' * 56}..., language='en')"
    assert repr(Frozen()) == "Frozen()"


def test_records_have_a_row_an_entity_and_one_value_goes_to_all() -> None:
    records = Label(["a", "b"]).records()

    assert records.dtype.names == ("text", "language")
    assert records.tolist() == [("a", "en"), ("b", "en")]
    assert Position(1.0, 2.0).records().tolist() == (1.0, 2.0)
    assert Position(1.0, 2.0).records().shape == ()


def test_records_of_times_arrays_and_references_have_their_dtypes() -> None:
    shapes = Shape(corner=np.arange(6.0).reshape(2, 3), matrix=[[1, 2], [3, 4]]).records()
    times = Times(span=np.timedelta64(5, "ms")).records()

    assert shapes.shape == (2,)
    assert shapes["corner"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert shapes["matrix"].tolist() == [[[1, 2], [3, 4]]] * 2
    assert times["at"] == np.datetime64("2013-01-01", "s")
    assert Link([7, 8]).records()["target"].dtype == np.int64


def test_objects_in_records_are_the_items_of_a_list_and_anything_else_as_a_whole() -> None:
    dice = [(1, 2), (3, 4)]

    assert [record["content"] for record in Bag(dice).records()] == dice
    assert Bag((1, 2)).records()["content"].item() == (1, 2)
    assert Bag(np.array([{}, None], object)).records()["content"].tolist() == [{}, None]


def test_records_of_values_of_different_lengths_are_refused() -> None:
    with pytest.raises(ecs.ValidationError, match="as Position: fields differ in length") as caught:
        Position([1, 2], [1, 2, 3]).records()

    assert "(2,)" in str(caught.value) and "(3,)" in str(caught.value)
