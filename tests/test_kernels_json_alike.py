"""Values of objects that are written alike, against the slow twin."""

from __future__ import annotations

import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given

from ecs_columnar.kernels import json_alike as kernels
from tests.reference import json_alike as reference

PIECES = [b'{"a": "', b'", "b": ', b',"c":', b"}"]
KINDS = [kernels.STRING, kernels.NUMBER, kernels.BOOLEAN]


def match(data: bytes, start: int, n_rows: int, separator: bytes) -> list[list[tuple[int, int]]]:
    bounds = np.cumsum([0, *map(len, PIECES)], dtype=np.intp)
    text = np.frombuffer(b"".join(PIECES), np.uint8)
    shape = kernels.Shape(text, bounds, np.array(KINDS, np.uint8))
    starts, ends = np.zeros((2, 3 * n_rows), np.int64)
    spans = kernels.Spans(starts, ends, np.zeros(3 * n_rows, np.bool_))
    octets = np.frombuffer(data, np.uint8)

    n = kernels.match_alike(octets, start, shape, np.frombuffer(separator, np.uint8), spans)

    pairs = np.stack([starts, ends], 1).reshape(3, n_rows, 2)[:, :n].transpose(1, 0, 2)
    escapes = spans.has_escapes.reshape(3, n_rows)[:, :n].T.reshape(-1)
    for (at, end), has_escapes in zip(pairs.reshape(-1, 2), escapes, strict=True):
        assert has_escapes == (b"\\" in data[at:end])
    return [[(int(a), int(b)) for a, b in row] for row in pairs]


numbers = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(json.dumps),
    st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{0,3})?([eE][+-]?[0-9]{0,2})?", fullmatch=True),
)
texts = st.text('ab"\\\n\x01é', max_size=4).map(lambda text: json.dumps(text, ensure_ascii=False))
words = st.sampled_from(["true", "false", "null", "tru", "1"])
objects = st.builds(lambda a, b, c: f'{{"a": {a}, "b": {b},"c":{c}}}', texts, numbers, words)


@given(st.lists(objects, max_size=5), st.integers(0, 200), st.sampled_from([b",", b"\n", b", "]))
def test_values_are_found_until_something_else_comes(
    rows: list[str], n_cut: int, separator: bytes
) -> None:
    data = b"[" + separator.join(row.encode() for row in rows)
    data = data[: max(1, len(data) - n_cut)]

    expected = reference.match_alike(data, 1, PIECES, KINDS, separator)

    assert match(data, 1, 6, separator) == expected


@given(st.binary(max_size=20), st.integers(0, 60))
def test_any_bytes_may_follow(tail: bytes, at: int) -> None:
    data = b'{"a": "x\\"", "b": -1.5e+3,"c":true}'
    data = data[:at] + tail

    assert match(data, 0, 3, b"") == reference.match_alike(data, 0, PIECES, KINDS, b"")[:3]


@pytest.mark.parametrize("number", ["", "-", "01", "1.", "1.e5", "1e", "1e+", "-.5", "+1", "x"])
def test_what_is_no_number_is_not_alike(number: str) -> None:
    data = f'{{"a": "x", "b": {number},"c":true}}'.encode()

    assert match(data, 0, 1, b",") == reference.match_alike(data, 0, PIECES, KINDS, b",") == []


@pytest.mark.parametrize("n_rows", [1, 3])
def test_no_more_are_found_than_there_is_room_for(n_rows: int) -> None:
    data = b",".join([b'{"a": "x", "b": 1,"c":true}'] * 3)

    expected = reference.match_alike(data, 0, PIECES, KINDS, b",")

    assert match(data, 0, n_rows, b",") == expected[:n_rows]


def read(text: str) -> tuple[int, int | float | None]:
    data = np.frombuffer(text.encode(), np.uint8)
    bounds = np.array([0]), np.array([len(text)])
    integers, floats, kinds = np.zeros(1, np.int64), np.zeros(1), np.zeros(1, np.uint8)

    kernels.read_numbers(data, *bounds, integers, floats, kinds)

    kind = int(kinds[0])
    given_ = {kernels.INTEGER: integers, kernels.FLOAT: floats}.get(kind)
    return kind, None if given_ is None else given_[0].item()


written = st.from_regex(
    r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,6})?", fullmatch=True
)


@given(written | st.floats(allow_nan=False, allow_infinity=False).map(json.dumps))
@example("-0")
@example("10000000000000.000000")
@example("-0.0")
@example("0.1")
@example("9007199254740993e0")
@example("999999999999999999")
@example("1e23")
@example("1e22")
@example("8.5e-22")
@example("1E+0009")
@example("100000000000000000000E000")
def test_numbers_are_read_to_the_last_bit_or_left(text: str) -> None:
    found, expected = read(text), reference.read_number(text)

    assert repr(found) == repr(expected)


@pytest.mark.parametrize("text", ["1", "-12", "0.5", "-2.5e3", "1e-7"])
def test_common_numbers_are_read(text: str) -> None:
    assert read(text)[0] != kernels.ODD
