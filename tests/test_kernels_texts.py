"""Kernels of text against their slow twins."""

from __future__ import annotations

import sys

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from ecs_columnar.kernels import texts as kernels
from ecs_columnar.kernels.strings import Strings
from tests.reference import texts as reference
from tests.test_kernels_strings import texts, to_array, to_bytes, to_strings

spaces = [c for c in map(chr, range(sys.maxunicode + 1)) if c.isspace()]

# Bytes of spaces in other characters, cut-off spaces, spaces inside.
spaced = st.lists(
    st.text(st.sampled_from([*spaces, "a", "\xa1", "ⁿ", "\u200b", "\u3001", "\u1681"]), max_size=6)
    | st.builds(lambda a, text, b: a + text + b, st.sampled_from(spaces), texts, st.just(" \n")),
    max_size=12,
)


@given(spaced)
def test_trim_as_the_twin_does(items: list[str]) -> None:
    strings = to_strings(to_bytes(items), b" ")
    starts, expected_starts, ends, expected_ends = np.empty((4, len(items)), np.int64)

    kernels.trim(strings, starts, ends)
    reference.trim(strings, expected_starts, expected_ends)

    assert starts.tolist() == expected_starts.tolist()
    assert ends.tolist() == expected_ends.tolist()


@given(spaced)
def test_count_characters_as_the_twin_does(items: list[str]) -> None:
    out, expected = np.empty((2, len(items)), np.int64)
    strings = to_strings(to_bytes(items), b" ")

    kernels.count_characters(strings, out)
    reference.count_characters(strings, expected)

    assert out.tolist() == expected.tolist() == [len(item) for item in items]


@given(spaced)
def test_are_blank_as_the_twin_does(items: list[str]) -> None:
    out, expected = np.empty((2, len(items)), np.bool_)
    strings = to_strings(to_bytes(items), b" ")

    kernels.are_blank(strings, out)
    reference.are_blank(strings, expected)

    assert out.tolist() == expected.tolist()


def test_white_space_is_what_python_says_it_is() -> None:
    # Every space, and every character that shares the first byte with one.
    ranges = [(0, 0x800), (0x1000, 0x4000), (0xD7FF, 0xE001), (0x10000, 0x10001)]
    items = [chr(c) for start, stop in ranges for c in range(start, stop)]
    strings = to_strings(to_bytes(items))
    is_blank = np.empty(len(items), np.bool_)
    starts, ends = np.empty((2, len(items)), np.int64)

    kernels.are_blank(strings, is_blank)
    kernels.trim(strings, starts, ends)

    expected = [item.isspace() for item in items]
    assert set(spaces) < set(items)
    assert is_blank.tolist() == expected
    assert (starts == ends).tolist() == expected


@given(st.binary(max_size=6), st.binary(max_size=3))
def test_white_space_at_the_end_of_the_buffer_is_read_within_bounds(
    text: bytes, tail: bytes
) -> None:
    data = np.frombuffer(text + tail, np.uint8)
    strings = Strings(data, to_array([0], np.int64), to_array([len(text)], np.int64))
    starts, ends = np.empty((2, 1), np.int64)

    kernels.trim(strings, starts, ends)

    assert 0 <= starts[0] <= ends[0] <= len(text)


numbers_in_handles = st.integers(0, 2**31 - 1) | st.sampled_from([0, 9, 10, 99, 100, 2**31 - 1])


@given(st.lists(st.tuples(numbers_in_handles, numbers_in_handles), max_size=8))
def test_write_handles_as_the_twin_does(pairs: list[tuple[int, int]]) -> None:
    handles = to_array([generation << 32 | index for index, generation in pairs], np.int64)
    ends, expected_ends = np.empty((2, len(pairs)), np.int64)
    out, expected = np.zeros((2, len(pairs) * kernels.HANDLE_BYTES), np.uint8)

    kernels.write_handles(handles, ends, out)
    reference.write_handles(handles, expected_ends, expected)

    assert ends.tolist() == expected_ends.tolist()
    assert out.tolist() == expected.tolist()
