"""Columns as JSON texts, against the slow twin."""

from __future__ import annotations

import random

import hypothesis.strategies as st
import msgspec
import numpy as np
from hypothesis import example, given

from ecs_columnar.kernels import json_lines as kernels
from tests.reference import json_lines as reference

texts = st.one_of(
    st.text(st.characters(), max_size=8),
    st.text('ab"\\\b\t\n\f\r\0\x1f\x7fé\ud7ff\ue000\ud800\udfff', max_size=6),
)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text('a,[]{}":\\é', max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text('a,]}"', max_size=3), inner)
    ),
    max_leaves=5,
)


def strings_of(items: list[bytes], gap: bytes) -> kernels.Strings:
    data = np.frombuffer(gap + gap.join(items), np.uint8)
    lengths = np.array([len(item) for item in items], np.int64)
    ends = np.cumsum(lengths + len(gap))
    return kernels.Strings(data, ends - lengths, ends)


@given(st.lists(texts, max_size=8), st.sampled_from([b"", b'"', b"\xed\xa0"]))
@example([], b"")
def test_texts_as_the_twin_does(items: list[str], gap: bytes) -> None:
    strings = strings_of([item.encode("utf-8", "surrogatepass") for item in items], gap)
    lengths = np.zeros(len(items), np.int64)

    are_texts = kernels.measure_texts(strings, lengths)

    assert (lengths.tolist(), bool(are_texts)) == reference.measure_texts(items)
    ends = np.cumsum(lengths)
    out = np.zeros(int(lengths.sum()), np.uint8)
    kernels.write_texts(strings, ends - lengths, out)
    assert out.tobytes() == reference.write_texts(items)


def test_a_text_may_end_within_a_character() -> None:
    strings = strings_of([b"a\xed", b"\xed\x9f"], b"")
    lengths = np.zeros(2, np.int64)

    assert kernels.measure_texts(strings, lengths)
    assert lengths.tolist() == [2, 2]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_twin_writes_what_msgspec_does(text: str) -> None:
    assert b'"%b"' % reference.write_texts([text]) == msgspec.json.encode(text)


@given(st.lists(plain, min_size=1, max_size=6))
def test_items_as_the_twin_does(items: list[object]) -> None:
    data = reference.write(items)
    starts, ends = np.zeros((2, len(items)), np.int64)

    kernels.split_items(np.frombuffer(data, np.uint8), starts, ends)

    found = [data[i:k] for i, k in zip(starts.tolist(), ends.tolist(), strict=True)]
    assert found == reference.split_items(data)


pieces = st.binary(max_size=20)


@given(st.lists(pieces, max_size=8), pieces, pieces, st.randoms())
def test_append_as_the_twin_does(
    texts: list[bytes], before: bytes, after: bytes, random: random.Random
) -> None:
    n = len(texts) + 2
    rows = random.sample(range(n), len(texts))
    room = len(before) + max(map(len, texts), default=0) + len(after) + 1
    starts, ends = np.tile(np.arange(n) * room, (2, 1))
    out = np.zeros(n * room, np.uint8)
    around = [np.frombuffer(text, np.uint8) for text in (before, after)]

    kernels.append(
        around[0], strings_of(texts, b"-"), around[1], np.array(rows, np.intp), ends, out
    )

    found = [out[a:b].tobytes() for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    assert found == reference.append(before, texts, after, rows, n)
    assert np.count_nonzero(out) == sum(len(line) - line.count(0) for line in found)
