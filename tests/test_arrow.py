"""Queries as Arrow tables, and whoever reads them as such."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import ecs_columnar as ecs
from ecs_columnar import extras
from tests.strategies import (
    Bag,
    Burning,
    Frozen,
    Health,
    Label,
    Link,
    Note,
    Position,
    Shape,
    Widths,
)


def as_lists(values: Any) -> list[Any]:
    """Return what Arrow gives back for a column of ours."""
    return [list(value) if isinstance(value, tuple) else value for value in values.tolist()]


def test_each_field_is_a_column_of_its_own_type_with_the_values_that_get_returns() -> None:
    world = ecs.World()
    first = world.spawn(
        3,
        Position([1.0, np.nan, np.inf], -0.5),
        Label(["a", "ß", "a"]),
        Shape(matrix=[[1, 2], [3, 4]]),
    )
    world.spawn(2, Position(9.0), Label("b"), Shape(), Link(first[1]), Frozen())
    query = world.query(Position, Label, Shape, Widths)
    assert query.to_arrow().num_rows == 0
    world.add(world.query(Position), Widths(flag=True, u8=2**64 - 1, i1=-128, f2=0.5))

    table = query.to_arrow()

    assert table.column_names[:3] == ["entity", "Position.x", "Position.y"]
    types = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert types["entity"] == "int64"
    assert types["Position.x"] == "float"
    assert types["Label.text"] == "dictionary<values=string, indices=int32, ordered=0>"
    assert types["Shape.matrix"].count("fixed_size_list") == 2
    assert types["Widths.flag"] == "bool"
    assert types["Widths.u8"] == "uint64"
    assert types["Widths.f2"] == "halffloat"
    handles = query.handles()
    assert table["entity"].to_pylist() == handles.tolist()
    for component in (Position, Label, Shape, Widths):
        found = world.get(handles, component)
        for field in component.__schema__.fields:
            column = table[f"{component.__schema__.type_id}.{field.name}"].to_pylist()
            np.testing.assert_equal(column, as_lists(getattr(found, field.name)))
    links = world.query(Link).to_arrow()
    assert links["Link.target"].to_pylist() == [int(first[1])] * 2
    assert world.query(Frozen).to_arrow().column_names == ["entity"]


def test_sparse_components_and_objects_come_along() -> None:
    world = ecs.World()
    ann, ben = world.spawn(2, Bag([{"gold": 3, "items": ["rope"]}, {"gold": 0, "items": []}]))
    world.add([ben, ann], Burning([1.0, 2.0]), Note("warm", [{"n": 1}, None]))

    table = world.query(Bag, Burning, Note).to_arrow()

    rows = {row.pop("entity"): row for row in table.to_pylist()}
    assert rows[ann] == {
        "Bag.content": {"gold": 3, "items": ["rope"]},
        "Burning.heat": 2.0,
        "Note.text": "warm",
        "Note.extra": None,
    }
    assert rows[ben]["Note.extra"] == {"n": 1}


def test_polars_pandas_and_pyarrow_read_a_query() -> None:
    world = ecs.World()
    world.spawn(3, Position([1.0, 2.0, 4.0]), Label(["a", "b", "a"]))
    query = world.query(Position, Label)

    assert pl.DataFrame(query)["Position.x"].sum() == 7.0
    assert pl.DataFrame(query).group_by("Label.text").len().height == 2
    assert pa.table(query).equals(query.to_arrow())
    frame = pa.table(query).to_pandas().set_index("entity")
    pd.testing.assert_frame_equal(frame, query.to_pandas(), check_categorical=False)


def test_a_table_is_a_copy() -> None:
    world = ecs.World()
    world.spawn(2, Position([1.0, 2.0]))
    query = world.query(Position)
    table = query.to_arrow()

    world.set(query, Position, x=9.0)

    assert table["Position.x"].to_pylist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("unit", "arrow", "times"),
    [
        ("M8[Y]", "date32[day]", ["2013", "1969", "NaT"]),
        ("M8[2W]", "date32[day]", ["2013-01-03", "NaT"]),
        ("M8[D]", "date32[day]", ["2013-01-02", "NaT", "1600-02-29"]),
        ("M8[h]", "timestamp[s]", ["2013-01-02T03", "NaT"]),
        ("M8[10s]", "timestamp[s]", ["2013-01-02T03:04:10", "NaT"]),
        ("M8[us]", "timestamp[us]", ["2013-01-02T03:04:05.000006", "NaT"]),
        ("m8[D]", "duration[s]", [2, -1, "NaT"]),
        ("m8[25ms]", "duration[ms]", [2, -1, "NaT"]),
        ("m8[ns]", "duration[ns]", [2, -1, "NaT"]),
    ],
)
def test_times_keep_their_instant_and_are_null_where_there_is_none(
    unit: str, arrow: str, times: list[Any]
) -> None:
    component = ecs.make_component("Timed", {"at": ecs.number(unit)})
    values = np.array(times, unit)
    world = ecs.World()
    world.spawn(len(times), component(values))

    column = world.query(component).to_arrow()["Timed.at"].combine_chunks()

    assert str(column.type) == arrow
    assert column.null_count == np.isnat(values).sum()
    back = column.to_numpy(zero_copy_only=False)
    np.testing.assert_array_equal(back.astype(unit), values)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (ecs.timedelta("M"), np.timedelta64(1, "M"), "a unit that Arrow does not know"),
        (ecs.datetime("ps"), np.datetime64(1, "ps"), "a unit that Arrow does not know"),
        (ecs.datetime("h"), np.datetime64(2**62, "h"), "too far away for datetime64.s."),
        (ecs.object_, 2 + 3j, "no type in common"),
        (ecs.object_, ["x", 1], "no type in common"),
    ],
)
def test_what_arrow_has_no_type_for_is_refused_by_name(
    field: type[ecs.Component], value: Any, reason: str
) -> None:
    component = ecs.make_component("Odd", {"value": field})
    world = ecs.World()
    world.spawn(2, component(value), Health(1))

    with pytest.raises(ecs.InvalidArgumentError, match=f"cannot give Odd.value .*{reason}") as e:
        world.query(component, Health).to_arrow()

    assert "leave its component out, or use to_pandas" in str(e.value)
    assert world.query(Health).to_arrow().num_rows == 2


def test_who_has_no_pyarrow_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)

    with pytest.raises(extras.MissingExtraError, match=r'pip install "ecs_columnar\[arrow\]"'):
        ecs.World().query(Health).to_arrow()
