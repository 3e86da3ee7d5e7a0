"""The registry of component types, and types that are classes."""

from __future__ import annotations

import copy
import pickle
from types import MappingProxyType
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoding import encode
from ecs_columnar.services.class_codec import ClassCodec
from ecs_columnar.services.codec import Codec, Columns, Reading
from ecs_columnar.services.component_types import ComponentTypes
from ecs_columnar.services.json_schema.flat_codec import FlatCodec
from ecs_columnar.services.stored import stored


class Position(ecs.Component, id="core:place"):
    x: ecs.f4
    y: ecs.f4 = 0.0


class Owned(ecs.Component):
    owner: ecs.ref


class Frozen(ecs.Component): ...


class Everything(ecs.Component):
    small: ecs.i1
    flag: ecs.bool_ = False
    mass: ecs.f8 = ecs.field(1.0, finite=True)
    name: ecs.str_ = "nobody"
    owner: ecs.ref = 0
    since: ecs.datetime("s") = np.datetime64("2013-01-01", "s")
    corner: ecs.array(ecs.i2, 2) = 0
    bag: ecs.object_ = None


HEALTH = {"properties": {"hp": {"type": "integer"}}}


def codec_of(component: type[ecs.Component], world: ecs.World | None = None) -> Any:
    return ComponentTypes(world or ecs.World()).register(component)


def read_back(codec: Any, columns: Columns, world: ecs.World | None = None) -> list[dict[str, Any]]:
    world = world or ecs.World()
    entities = world.spawn(int(columns.is_good.sum()), columns.component)
    world.check()
    return codec.read(world, entities)


# --- the registry --------------------------------------------------------------------


def test_types_are_found_by_id_in_the_order_of_registration() -> None:
    types = ComponentTypes(ecs.World())

    health = types.register({"id": "core:health", "dataSchema": HEALTH, "description": "..."})
    place = types.register(Position)
    snake = types.register({"id": "core:snake", "data_schema": HEALTH})

    assert types.ids() == ["core:health", "core:place", "core:snake"]
    assert list(types.values()) == [health, place, snake]
    assert types["core:place"] is types.get("core:place") is place
    assert "core:health" in types
    assert "core:hunger" not in types
    assert 3 not in types
    assert types.get("core:hunger") is None
    assert len(types) == 3
    assert isinstance(health, FlatCodec)
    assert isinstance(place, ClassCodec)
    assert repr(types) == "<ComponentTypes: core:health, core:place, core:snake>"
    assert [repr(each) for each in types.values()] == [
        "<FlatCodec core:health: hp>",
        "<ClassCodec core:place: x, y>",
        "<FlatCodec core:snake: hp>",
    ]


def test_a_type_that_is_not_there_is_named_with_some_that_are() -> None:
    types = ComponentTypes(ecs.World())
    types.register(Position)

    with pytest.raises(ecs.ComponentNotFoundError, match=r"'core:hp': there are 1 \(core:place\)"):
        types["core:hp"]
    with pytest.raises(ecs.ComponentNotFoundError):
        types[[]]  # type: ignore[index]


@pytest.mark.parametrize("second", [Position, {"id": "core:place", "dataSchema": {}}])
def test_the_first_type_of_an_id_stays(second: Any) -> None:
    types = ComponentTypes(ecs.World())
    first = types.register({"id": "core:place", "dataSchema": HEALTH})

    with pytest.raises(ecs.DuplicateContentError) as caught:
        types.register(second)

    assert caught.value.content_id == "core:place"
    assert types["core:place"] is first


def test_an_id_of_another_class_that_the_world_has_met_is_taken() -> None:
    world = ecs.World()
    world.spawn(1, Position(0.0))
    types = ComponentTypes(world)

    with pytest.raises(ecs.DuplicateContentError):
        types.register({"id": "core:place", "dataSchema": HEALTH})

    assert types.ids() == []
    assert types.register(Position).component is Position


def test_a_world_takes_the_same_types_again_from_another_registry() -> None:
    world = ecs.World()
    declared = [
        {"id": "core:health", "dataSchema": HEALTH},
        {"id": "core:bag", "dataSchema": False},
    ]
    first = [ComponentTypes(world).register(each) for each in declared[:1]]
    entities = world.spawn(1, first[0].to_columns([{"hp": 3}]).component)
    types = ComponentTypes(world)

    again = [types.register(each) for each in declared]

    assert again[0].read(world, entities) == [{"hp": 3}]
    assert len(types) == 2


@pytest.mark.parametrize(
    ("declared", "fault"),
    [
        (None, "cannot register None as a component type"),
        ("core:health", "cannot register 'core:health' as a component type"),
        (int, "as a component type"),
        (ecs.Component, "as a component type"),
        (FlatCodec, "as a component type"),
        ({}, "its id is None"),
        ({"id": " ", "dataSchema": {}}, "its id is ' '"),
        ({"id": 3, "dataSchema": {}}, "its id is 3"),
        ({"id": "core:health"}, "'core:health': it has no dataSchema"),
    ],
)
def test_what_is_no_component_type_is_refused(declared: Any, fault: str) -> None:
    types = ComponentTypes(ecs.World())

    with pytest.raises(ecs.InvalidArgumentError, match=fault):
        types.register(declared)

    assert len(types) == 0


def test_a_type_can_be_supplied_from_outside() -> None:
    class Outside(ClassCodec):
        """Another way to keep the data."""

    world = ecs.World()
    types, codec = ComponentTypes(world), Outside(world, Position)

    assert types.register(codec) is codec
    assert types["core:place"] is codec
    assert isinstance(codec, Codec)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda w: pickle.loads(pickle.dumps(w))])
def test_a_copy_refers_to_the_entities_of_the_copied_world(copied: Any) -> None:
    class Outside(ClassCodec):
        """Another way to keep the data."""

    world = ecs.World()
    world.spawn(1, ids=["ann"])

    other, codec = copied((world, ClassCodec(world, Owned)))
    world.despawn("ann")

    assert codec.validate({"owner": "ann"}) == []
    assert codec.validate({}) == ["$: 'owner' is a required field"]
    assert "ann" in other.ids
    assert type(copy.deepcopy(Outside(world, Owned))) is Outside


def test_data_that_lies_elsewhere_needs_no_class() -> None:
    class Elsewhere(ClassCodec):
        """Data that is in no column."""

    world = ecs.World()
    codec = Elsewhere(world, Position)
    codec.component = None  # type: ignore[assignment]

    assert ComponentTypes(world).register(codec) is codec


def test_what_decodes_is_left_to_each_codec() -> None:
    with pytest.raises(NotImplementedError):
        Reading().decode(None, 0)


# --- classes -------------------------------------------------------------------------


def test_data_of_a_class_takes_its_defaults_and_comes_back_as_plain_data() -> None:
    world = ecs.World()
    owner = int(world.spawn(1, ids=["ann"])[0])
    codec = codec_of(Everything, world)
    bag = {"tags": ["a", MappingProxyType({"b": 1})]}
    items = [
        {"small": 1},
        {"small": -3, "flag": True, "mass": 2, "name": "a", "owner": "ann", "corner": [1, 2],
         "since": np.datetime64("2014-01-01"), "bag": bag},
        {"small": 2, "owner": owner, "corner": 7},
    ]  # fmt: skip

    columns = codec.to_columns(items)

    assert columns.errors == {}
    assert read_back(codec, columns, world) == [
        {"small": 1, "flag": False, "mass": 1.0, "name": "nobody", "owner": 0,
         "since": np.datetime64("2013-01-01", "s"), "corner": [0, 0], "bag": None},
        {"small": -3, "flag": True, "mass": 2.0, "name": "a", "owner": owner,
         "since": np.datetime64("2014-01-01", "s"), "corner": [1, 2],
         "bag": {"tags": ["a", {"b": 1}]}},
        {"small": 2, "flag": False, "mass": 1.0, "name": "nobody", "owner": owner,
         "since": np.datetime64("2013-01-01", "s"), "corner": [7, 7], "bag": None},
    ]  # fmt: skip
    (handle, *_) = world.query(Everything).handles()
    assert codec.read_one(world, handle)["since"] == np.datetime64("2013-01-01", "s")
    assert codec.read_one(world, handle)["corner"] == [0, 0]


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        (None, ["$: None is not of type 'object'"]),
        ({}, ["$: 'small' is a required field"]),
        ({"small": 1, "speed": 2}, None),
        ({"small": 128}, ["$.small is 128: values do not fit int8"]),
        ({"small": [1]}, ["$.small is [1]: it takes one value"]),
        ({"small": None}, None),
        ({"small": 1.0}, None),
        ({"small": "1"}, None),
        ({"small": 1, "flag": 1}, None),
        ({"small": 1, "mass": np.inf}, ["$.mass is inf: values are not finite"]),
        ({"small": 1, "name": 3}, ["$.name is 3: it takes a str"]),
        ({"small": 1, "owner": "bob"}, ["$.owner is 'bob': no entity has this id or handle"]),
        ({"small": 1, "owner": 12}, ["$.owner is 12: no entity has this id or handle"]),
        ({"small": 1, "owner": 2**70}, [f"$.owner is {2**70}: no entity has this id or handle"]),
        ({"small": 1, "owner": True}, ["$.owner is True: no entity has this id or handle"]),
        ({"small": 1, "corner": [1, 2, 3]}, None),
        ({"small": 1, "corner": [[1], [2, 3]]}, None),
        ({"small": 1, "since": "2013-01-01"}, None),
    ],
)  # fmt: skip
def test_an_item_that_does_not_fit_leaves_the_others_alone(
    item: Any, errors: list[str] | None
) -> None:
    codec = codec_of(Everything)
    good = {"small": 1, "corner": [3, 4], "name": "a"}

    columns = codec.to_columns([good, item, good])

    assert columns.is_good.tolist() == [True, False, True]
    assert columns.errors == {1: codec.validate(item)}
    assert errors is None or columns.errors[1] == errors
    assert [each["corner"] for each in read_back(codec, columns)] == [[3, 4], [3, 4]]


def test_what_is_required_and_missing_is_an_error_whatever_its_type() -> None:
    class Needy(ecs.Component):
        name: ecs.str_
        bag: ecs.object_
        owner: ecs.ref
        since: ecs.datetime("s")
        corner: ecs.array(ecs.i2, 2)

    columns = codec_of(Needy).to_columns([{}])

    assert columns.errors == {
        0: [f"$: {name!r} is a required field" for name in Needy.__schema__.dtype.names]
    }


def test_all_errors_of_an_item_of_a_class_are_collected() -> None:
    assert len(codec_of(Everything).validate({"flag": 2, "mass": "a", "pace": 1})) == 4


class Strange:
    """What cannot be copied."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("stay where you are")


class Chart(ecs.Component):
    depths: ecs.object_
    marks: ecs.object_ = ecs.field([3])
    scale: ecs.object_ = ecs.field(np.array([1, 2]))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("depths", [np.array([5.0]), np.array([1, 2]), [7], [[1, 2]], (1,)])
def test_an_array_or_a_list_is_one_value_of_an_object_field(n: int, depths: Any) -> None:
    world = ecs.World()
    codec = codec_of(Chart, world)
    entities = world.spawn(n, codec.to_columns([{"depths": depths}] * n).component)

    data = [codec.read_one(world, entity) for entity in entities.tolist()]

    for datum in (*data, *codec.read(world, entities)):
        expected = {"depths": depths, "marks": [3], "scale": np.array([1, 2])}
        assert datum.keys() == expected.keys()
        for name, value in expected.items():
            assert type(datum[name]) is (list if isinstance(value, tuple) else type(value))
            assert np.array_equal(datum[name], value)


def test_objects_that_cannot_be_copied_are_refused_and_others_are_copied() -> None:
    world = ecs.World()
    codec = codec_of(Everything, world)
    array = np.arange(2)
    items = [{"small": 1, "bag": each} for each in (Strange(), {1, 2}, array, (1,))]

    columns = codec.to_columns(items)

    assert columns.errors == {0: ["$.bag cannot be copied: stay where you are"]}
    entities = world.spawn(3, columns.component)
    array[0] = 5
    read = [each["bag"] for each in codec.read(world, entities)]
    assert read[0] == {1, 2}
    assert read[1].tolist() == [0, 1]
    assert read[2] == [1]
    read[1].flags.writeable = True
    read[1][0] = 6
    assert codec.read(world, entities)[1]["bag"].tolist() == [0, 1]


NUMBERS = st.one_of(
    st.integers(-200, 200), st.booleans(), st.floats(), st.none(), st.text(max_size=1)
)


@given(st.lists(st.fixed_dictionaries({"small": NUMBERS}, optional={"mass": NUMBERS}), max_size=8))
def test_items_are_cast_as_the_core_casts_them_one_by_one(items: list[dict[str, Any]]) -> None:
    codec = codec_of(Everything)
    taken = [core_takes(item) for item in items]

    columns = codec.to_columns(items)

    assert columns.is_good.tolist() == [each is not None for each in taken]
    good = [each for each in taken if each is not None]
    found = [(each["small"], each["mass"]) for each in read_back(codec, columns)]
    assert found == good


def core_takes(item: dict[str, Any]) -> tuple[int, float] | None:
    world = ecs.World()
    try:
        entity = world.spawn_one(Everything(**item))
    except ecs.ValidationError:
        return None
    return entity[Everything].small, entity[Everything].mass


def test_arrays_of_a_class_are_taken_at_once_and_gaps_take_the_default() -> None:
    codec = codec_of(Everything)
    since = pd.Series(pd.to_datetime(["2014-01-01", None, "2015-01-01"]))
    arrays = {
        "small": np.array([1, 2, 300]),
        "mass": pd.array([2, None, 3], "Int64"),
        "name": pd.Categorical(["a", None, "b"]),
        "since": since,
        "corner": np.array([[1, 2], [3, 4], [5, 6]]),
        "flag": True,
        "pace": [None, None, 1],
    }

    columns = codec.from_arrays(arrays, 3)

    assert columns.errors.keys() == {2}
    assert columns.errors[2][0].startswith("$: 'pace' is no field; it has small")
    assert columns.errors[2][1:] == ["$.small is 300: values do not fit int8"]
    first, second = read_back(codec, columns)
    assert first == {"small": 1, "flag": True, "mass": 2.0, "name": "a", "owner": 0,
                     "since": np.datetime64("2014-01-01", "s"), "corner": [1, 2],
                     "bag": None}  # fmt: skip
    assert (second["mass"], second["name"]) == (1.0, "nobody")
    assert second["since"] == np.datetime64("2013-01-01", "s")
    missing = codec.from_arrays({"mass": np.ones(2)}, 2)
    assert missing.errors[1] == ["$: 'small' is a required field"]
    texts = codec.from_arrays({"small": [1, 2], "name": np.array(["a", "b"])}, 2)
    assert texts.component.name.tolist() == ["a", "b"]


def test_handles_in_an_array_are_references() -> None:
    world = ecs.World()
    owners = world.spawn(2)
    world.despawn(owners[1:])

    columns = codec_of(Everything, world).from_arrays({"small": 1, "owner": owners}, 2)

    assert columns.is_good.tolist() == [True, False]


@given(st.lists(st.text("ab\0", max_size=2), min_size=1, max_size=6), st.integers(1, 20))
def test_strings_of_a_class_are_taken_as_they_are_and_handed_out(
    names: list[str], times: int
) -> None:
    world = ecs.World()
    codec = codec_of(Everything, world)
    names = names * times
    small = np.zeros(len(names), np.int8)
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    coded = Coded(np.array([numbers[name] for name in names]), np.array([*numbers], object))

    for given_names in (coded, Texts(encode(names)), names):
        columns = codec.from_arrays({"small": small, "name": given_names}, len(names))
        entities = world.spawn(len(names), columns.component)
        component = stored(world, entities, Everything)
        as_columns = codec.to_arrays(component, len(names), as_objects=False)["name"]

        assert columns.errors == {}
        assert isinstance(as_columns, Coded | Texts)
        assert as_columns.tolist() == names
        assert codec.to_arrays(component, len(names))["name"].tolist() == names
        assert world.get(entities, Everything).name.tolist() == names


def test_strings_of_a_class_with_a_gap_take_the_default_and_others_refuse_them() -> None:
    codec = codec_of(Everything)
    texts = Texts(encode(["a", None], missing=True))

    filled = codec.from_arrays({"small": [1, 2], "name": texts}, 2)
    refused = codec.from_arrays({"small": Texts(encode(["a", "b"]))}, 2)

    assert [each["name"] for each in read_back(codec, filled)] == ["a", "nobody"]
    assert [*refused.errors] == [0, 1]


def test_columns_of_a_class_are_a_frame() -> None:
    world = ecs.World()
    codec = codec_of(Everything, world)
    entities = world.spawn(
        2, codec.component(small=[1, 2], name=["a", "b"], corner=[[1, 2], [3, 4]])
    )

    frame = pd.DataFrame(codec.to_arrays(world.get(entities, Everything), 2))
    by_hand = codec.decode(codec.component(small=[1, 2], name="c", bag=[[], {}]), 2)

    assert frame.columns.tolist() == [
        *("small", "flag", "mass", "name", "owner", "since"),
        *("corner[0]", "corner[1]", "bag"),
    ]
    assert frame["corner[1]"].tolist() == [2, 4]
    assert frame.name.tolist() == ["a", "b"]
    assert [each["bag"] for each in by_hand] == [[], {}]


def test_a_tag_class_takes_empty_data() -> None:
    world = ecs.World()
    codec = codec_of(Frozen, world)
    entities = world.spawn(2, codec.to_columns([{}, {}]).component)

    assert codec.is_tag
    assert codec.read(world, entities) == [{}, {}]
    assert codec.validate({"a": 1}) == ["$: 'a' is no field; it has none"]
    assert repr(codec) == "<ClassCodec Frozen: a tag>"
    with pytest.raises(ecs.ComponentNotFoundError):
        codec.read_one(world, world.spawn(1)[0])
