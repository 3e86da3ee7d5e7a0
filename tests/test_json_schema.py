"""Components of a JSON Schema take what the reference validator takes, and give it back."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.services.component_types import ComponentTypes
from ecs_columnar.services.json_schema.flat_codec import FlatCodec
from ecs_columnar.services.json_schema.object_codec import ObjectCodec
from tests.json_strategies import (
    VALUES,
    data_for,
    exact,
    reference_accepts,
    schemas,
)


def register(schema: Any, world: ecs.World | None = None) -> Any:
    types = ComponentTypes(world or ecs.World())
    return types.register({"id": "core:thing", "dataSchema": schema})


def flat(**properties: Any) -> Any:
    return register({"type": "object", "properties": properties})


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
