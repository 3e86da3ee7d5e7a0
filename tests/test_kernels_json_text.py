"""The scan of JSON text against its slow twin."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from ecs_columnar.kernels import json_text as kernels
from tests.reference import json_text as reference

keys = st.text("ab", max_size=2)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.text('ab{}[]:,"\\', max_size=6)
)


class Pairs(list[Any]):
    """An object whose keys may repeat."""


values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(st.tuples(keys, inner), max_size=20).map(Pairs)
    ),
    max_leaves=30,
)


def write(value: Any) -> str:
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(k)}: {write(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + " ,".join(map(write, value)) + "]"
    return json.dumps(value)


def scan(text: str, max_depth: int = 64, n_keys: int = 1000) -> int:
    data = np.frombuffer(text.encode(), np.uint8)
    return int(
        kernels.scan_json(data, np.empty(n_keys, np.uint64), np.empty(max_depth + 1, np.intp))
    )


@given(values)
def test_keys_are_suspect_where_they_repeat_and_nowhere_else(value: Any) -> None:
    text = write(value)

    expected = kernels.SUSPECT if reference.repeats_keys(text) else kernels.FINE

    assert scan(text) == expected


@given(values, st.integers(1, 6))
def test_depth_is_measured(value: Any, max_depth: int) -> None:
    text = write(value)

    if reference.repeats_keys(text):
        return
    expected = kernels.DEEP if reference.depth_of(text) > max_depth else kernels.FINE

    assert scan(text, max_depth) == expected


@pytest.mark.parametrize("text", ['{"\\u0061": 1}', '{"a\\"b": 1}'])
def test_keys_with_escapes_are_suspect(text: str) -> None:
    assert scan(text) == kernels.SUSPECT


def test_more_keys_than_there_is_room_for_are_suspect() -> None:
    text = json.dumps({str(i): i for i in range(9)})

    assert scan(text, n_keys=8) == kernels.SUSPECT
    assert scan(text, n_keys=9) == kernels.FINE


def test_many_keys_of_one_object_are_compared() -> None:
    text = json.dumps({str(i): i for i in range(500)})

    assert scan(text) == kernels.FINE
    assert scan(text[:-1] + ', "77": 0}') == kernels.SUSPECT


@given(st.binary(max_size=60))
def test_any_bytes_are_scanned_to_the_end(data: bytes) -> None:
    octets = np.frombuffer(data, np.uint8)

    found = kernels.scan_json(octets, np.empty(8, np.uint64), np.empty(4, np.intp))

    assert found in (kernels.FINE, kernels.DEEP, kernels.SUSPECT)
