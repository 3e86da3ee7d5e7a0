"""Kernels of the string table against their slow twins."""

from __future__ import annotations

from random import Random
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from ecs_columnar.kernels import new_strings
from ecs_columnar.kernels import strings as kernels
from ecs_columnar.kernels.strings import EMPTY, MAX_TAG, NO_START, STRING_RECORD, Pool, Strings
from tests.reference import new_strings as reference_new
from tests.reference import strings as reference

# Any characters, lone surrogates and zeros included; runs that differ in one
# place or in length only; few enough short ones that they come again.
texts = st.one_of(
    st.text(st.characters(), max_size=12),
    st.text("ab\0é€", max_size=3),
    st.builds(lambda n, c: "x" * n + c, st.integers(0, 40), st.sampled_from("abx")),
    st.builds(lambda c, n: c + "x" * n, st.sampled_from("ab"), st.integers(0, 40)),
)
text_lists = st.lists(texts, max_size=12)

# Few tags, those at both ends among them: strings of one tag, and of tags of one home.
tags_of_few = st.sampled_from([0, 1, 2, 2**30 - 1, 2**30, MAX_TAG - 1, MAX_TAG])


def to_strings(items: list[bytes], gap: bytes = b"") -> Strings:
    """Lay out strings with something between them."""
    lengths = np.array([len(item) for item in items], np.int64)
    starts = np.zeros(len(items), np.int64)
    starts[1:] = np.cumsum(lengths + len(gap))[: len(items) - 1]
    data = np.frombuffer(gap.join(items), np.uint8)
    return Strings(data, starts + 0, starts + lengths)


def to_bytes(items: list[str]) -> list[bytes]:
    return [item.encode("utf-8", "surrogatepass") for item in items]


def empty_pool(n_homes: int, n_spare: int, n_codes: int, n_bytes: int, seed: int) -> Pool:
    records = np.zeros(n_codes, STRING_RECORD)
    records["start"] = NO_START
    slots = np.full(n_homes + n_spare + 1, EMPTY)
    return Pool(slots, records, np.zeros(n_bytes, np.uint8), n_homes, seed)


def copy_of(pool: Pool) -> Pool:
    return pool._replace(
        slots=pool.slots.copy(), records=pool.records.copy(), arena=pool.arena.copy()
    )


def assert_same(a: Pool, b: Pool) -> None:
    assert a.slots.tolist() == b.slots.tolist()
    assert a.records.tolist() == b.records.tolist()
    assert a.arena.tolist() == b.arena.tolist()


def to_array(values: list[int], dtype: type = np.int32) -> NDArray[Any]:
    return np.array(values, dtype)


@st.composite
def filled_pools(draw: st.DrawFn, *, forced: bool) -> tuple[Pool, list[bytes], int]:
    """Draw a pool, the distinct strings in it, by code, and the bytes used.

    Tags are those of the hash or, ``forced``, any: strings then lie where they
    would not be found, but the tests that force tags hand in tags.
    """
    items = to_bytes(draw(st.lists(texts, max_size=10, unique=True)))
    n_homes, n_spare = draw(st.integers(1, 24)), 40
    pool = empty_pool(n_homes, n_spare, len(items) + 20, 4000, draw(st.integers(0, 2**32 - 1)))
    strings = to_strings(items)
    tags = np.empty(len(items), np.int32)
    reference.hash_strings(strings, pool.seed, tags)
    if forced:
        tags[:] = draw(st.lists(tags_of_few, min_size=len(items), max_size=len(items)))
    codes = np.full(len(items), -1, np.int32)
    n_codes = len(items)
    free = to_array(draw(st.permutations(range(n_codes))))
    counts = np.zeros(3, np.int64)
    reference.insert(strings, tags, free, n_codes, 0, pool, codes, counts)
    in_order = [items[i] for i in np.argsort(codes)]
    return pool, in_order, int(counts[2])


def tags_in(pool: Pool) -> dict[bytes, int]:
    return {text: tag for tag, text in reference.contents_of(pool)}


@given(text_lists, st.integers(0, 2**32 - 1), st.sampled_from([b"", b"\0", b"ab"]))
def test_hash_strings_as_the_twin_does(items: list[str], seed: int, gap: bytes) -> None:
    strings = to_strings(to_bytes(items), gap)
    out, expected = np.empty((2, len(items)), np.int32)

    kernels.hash_strings(strings, seed, out)
    reference.hash_strings(strings, seed, expected)

    assert out.tolist() == expected.tolist()


def test_the_greatest_tag_is_not_that_of_an_empty_slot() -> None:
    assert MAX_TAG == (EMPTY >> 32) - 1 == reference.MAX_TAG


def test_hashes_of_similar_strings_are_spread() -> None:
    items = [f"actor-{i}" for i in range(2000)] + [" " * i for i in range(100)]
    tags = np.empty(len(items), np.int32)

    kernels.hash_strings(to_strings(to_bytes(items)), 0, tags)

    homes = (tags.astype(np.int64) * 16) >> 31
    assert len(set(tags.tolist())) == len(items)
    # About 131 a home, with a standard deviation of 11.
    assert np.abs(np.bincount(homes, minlength=16) - len(items) / 16).max() < 66


@given(filled_pools(forced=True), text_lists, st.data())
def test_find_as_the_twin_does(
    filled: tuple[Pool, list[bytes], int], others: list[str], data: st.DataObject
) -> None:
    pool, contents, _ = filled
    known = tags_in(pool)
    items = data.draw(st.permutations(contents + to_bytes(others)))
    tags = to_array([known.get(item, data.draw(tags_of_few)) for item in items])
    before = copy_of(pool)
    out, expected = np.empty((2, len(items)), np.int32)
    buffer = np.empty(len(items), np.int64)

    counts = kernels.find(to_strings(items, b"-"), tags, kernels.PoolView(*pool), buffer, out)
    expected_counts = reference.find(to_strings(items, b"-"), tags, pool, buffer, expected)

    assert out.tolist() == expected.tolist()
    assert counts == expected_counts
    assert_same(pool, before)


@given(filled_pools(forced=False), texts)
def test_find_one_as_the_twin_does(filled: tuple[Pool, list[bytes], int], other: str) -> None:
    pool, contents, _ = filled
    for item in [*contents, *to_bytes([other])]:
        data = np.frombuffer(item, np.uint8)
        arguments = (data, pool.slots, pool.records, pool.arena, pool.n_homes, pool.seed)

        assert kernels.find_one(*arguments) == reference.find_one(*arguments)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33])
def test_strings_that_differ_in_one_byte_are_told_apart(length: int) -> None:
    items = [b"x" * length]
    items += [b"x" * i + b"y" + b"x" * (length - 1 - i) for i in range(length)]
    tags = to_array([7] * len(items))
    pool = empty_pool(1, len(items), len(items), length * len(items), 0)
    codes, found = np.full((2, len(items)), -1, np.int32)

    kernels.insert(to_strings(items), tags, to_array([]), 0, 0, pool, codes, np.zeros(3, np.int64))
    kernels.find(
        to_strings(items), tags, kernels.PoolView(*pool), np.empty(len(items), np.int64), found
    )

    assert codes.tolist() == found.tolist() == list(range(len(items)))


def test_find_one_goes_on_to_the_next_string_of_the_same_tag() -> None:
    items = [b"actor-1", b"actor-2"]
    pool = empty_pool(4, 4, 2, 20, 0)
    tag = reference.tag_of(items[0], 0)
    codes = np.full(2, -1, np.int32)
    tags = to_array([tag, tag])
    counts = np.zeros(3, np.int64)
    reference.insert(to_strings(items[::-1]), tags, to_array([]), 0, 0, pool, codes, counts)
    data = np.frombuffer(items[0], np.uint8)

    code = kernels.find_one(data, pool.slots, pool.records, pool.arena, pool.n_homes, pool.seed)

    assert code == 1


@given(filled_pools(forced=True), text_lists, st.integers(0, 3), st.data())
def test_insert_as_the_twin_does(
    filled: tuple[Pool, list[bytes], int], others: list[str], n_free: int, data: st.DataObject
) -> None:
    pool, contents, n_bytes = filled
    known = tags_in(pool)
    items = data.draw(st.permutations(contents + to_bytes(others)))
    tags = to_array([known.setdefault(item, data.draw(tags_of_few)) for item in items])
    strings = to_strings(items)
    codes = np.full(len(items), -1, np.int32)
    if data.draw(st.booleans()):
        reference.find(strings, tags, pool, None, codes)
    spare = np.arange(len(contents), len(contents) + n_free, dtype=np.int32)
    arguments = (strings, tags, spare, len(contents) + n_free, n_bytes)
    expected_pool, expected = copy_of(pool), codes.copy()
    counts, expected_counts = np.zeros((2, 3), np.int64)

    result = kernels.insert(*arguments, pool, codes, counts)
    expected_result = reference.insert(*arguments, expected_pool, expected, expected_counts)

    assert result == expected_result
    assert counts.tolist() == expected_counts.tolist()
    assert codes.tolist() == expected.tolist()
    assert_same(pool, expected_pool)


@pytest.mark.parametrize("n_spare", [0, 1, 3])
def test_insert_stops_where_a_string_would_be_too_far_from_home(n_spare: int) -> None:
    items = to_bytes(list("abcdefgh"))
    pool = empty_pool(4, n_spare, 8, 8, 0)
    expected_pool = copy_of(pool)
    codes, expected = np.full((2, 8), -1, np.int32)
    tags = to_array([MAX_TAG] * 8)
    arguments = (to_strings(items), tags, to_array([]), 0, 0)
    counts, expected_counts = np.zeros((2, 3), np.int64)

    result = kernels.insert(*arguments, pool, codes, counts)

    assert result == n_spare + 1
    assert counts.tolist() == [n_spare + 1, 0, n_spare + 1]
    assert result == reference.insert(*arguments, expected_pool, expected, expected_counts)
    assert counts.tolist() == expected_counts.tolist()
    assert codes.tolist() == expected.tolist()
    assert_same(pool, expected_pool)
    assert pool.slots[-1] == EMPTY


@given(st.lists(tags_of_few | st.integers(0, MAX_TAG), max_size=20), st.sampled_from([28, 29, 30]))
def test_group_tags_as_the_twin_does(tags: list[int], shift: int) -> None:
    starts, expected_starts = np.zeros((2, (MAX_TAG >> shift) + 2), np.int64)
    out, expected = np.empty((2, len(tags)), np.int64)

    new_strings.group_tags(to_array(tags), shift, starts, out)
    reference_new.group_tags(to_array(tags), shift, expected_starts, expected)

    assert out.tolist() == expected.tolist()
    assert starts.tolist() == expected_starts.tolist()


def keys_of(tags: NDArray[np.int32], shift: int) -> NDArray[np.int64]:
    keys = np.empty(tags.shape[0], np.int64)
    reference_new.group_tags(tags, shift, np.empty((MAX_TAG >> shift) + 2, np.int64), keys)
    return keys


@given(
    filled_pools(forced=True),
    text_lists,
    st.integers(0, 3),
    st.sampled_from([0, 29, 30]),
    st.data(),
)
def test_insert_many_as_the_twin_and_insert_do(
    filled: tuple[Pool, list[bytes], int],
    others: list[str],
    n_free: int,
    shift: int,
    data: st.DataObject,
) -> None:
    pool, contents, n_bytes = filled
    known = tags_in(pool)
    some = data.draw(st.lists(st.sampled_from(contents))) if contents else []
    items = data.draw(st.permutations(some + to_bytes(others)))
    tags = to_array([known.setdefault(item, data.draw(tags_of_few)) for item in items])
    shift = max(shift, 26)
    spare = np.arange(len(contents), len(contents) + n_free, dtype=np.int32)
    rest = (spare, len(contents) + n_free, n_bytes)
    arguments = (to_strings(items), keys_of(tags, shift), *rest)
    pools = [pool, copy_of(pool), copy_of(pool)]
    codes = np.full((3, len(items)), -1, np.int32)
    counts = np.zeros((3, 3), np.int64)

    result = new_strings.insert_many(*arguments, pools[0], codes[0], counts[0])
    expected = reference_new.insert_many(*arguments, pools[1], codes[1], counts[1])
    reference.insert(to_strings(items), tags, *rest, pools[2], codes[2], counts[2])

    assert result
    assert expected
    for i in (1, 2):
        assert counts[0].tolist() == counts[i].tolist()
        assert codes[0].tolist() == codes[i].tolist()
        assert_same(pools[0], pools[i])


@given(filled_pools(forced=True), st.integers(0, 6), tags_of_few)
def test_insert_many_changes_nothing_where_a_string_would_be_too_far_from_home(
    filled: tuple[Pool, list[bytes], int], n_others: int, tag: int
) -> None:
    pool, contents, n_bytes = filled
    n_spare = 4 + len(contents)
    slots = np.full(pool.n_homes + n_spare + 1, EMPTY)
    reference.move_slots(pool.slots, pool.n_homes, slots)
    pool = pool._replace(slots=slots)
    before = copy_of(pool)
    items = [b"new %d" % i for i in range(n_others + n_spare + 2)]
    keys = keys_of(to_array([*range(n_others), *[tag] * (n_spare + 2)]), 28)
    arguments = (to_strings(items), keys, to_array([]), len(contents), n_bytes)
    expected_pool = copy_of(pool)
    codes, expected = np.full((2, len(items)), -1, np.int32)
    counts, expected_counts = np.zeros((2, 3), np.int64)

    result = new_strings.insert_many(*arguments, pool, codes, counts)
    twin = reference_new.insert_many(*arguments, expected_pool, expected, expected_counts)

    assert not result
    assert not twin
    assert_same(pool, before)
    assert_same(expected_pool, before)
    assert counts.tolist() == [0, 0, 0]


@given(
    st.integers(1, 8),
    st.integers(0, 9),
    st.lists(tags_of_few | st.integers(0, MAX_TAG), min_size=1, max_size=20),
    st.sampled_from([26, 28, 30]),
    st.data(),
)
def test_insert_many_as_the_twin_does_where_slots_are_few(
    n_homes: int, n_spare: int, drawn: list[int], shift: int, data: st.DataObject
) -> None:
    n, tags = len(drawn), to_array(drawn)
    items, free = [b"%d" % i for i in range(n)], to_array([*range(n)])
    guarded = np.full(n_homes + n_spare + 9, -5)
    guarded[4:-4] = EMPTY
    pool = empty_pool(n_homes, n_spare, 2 * n, 2 * n, 0)._replace(slots=guarded[4:-4])
    k, counts = data.draw(st.integers(0, n)), np.array([n, n, 0])
    some = to_strings(items[:k]), tags[:k], free, n, 0, pool, to_array([-1] * k), counts
    reference.insert(*some)  # as far as they fit
    rows = data.draw(st.lists(st.sampled_from(range(n)), max_size=2 * n))
    _, n_free, n_bytes = counts.tolist()
    strings, keys = to_strings([items[i] for i in rows]), keys_of(tags[rows], shift)
    before, twin = copy_of(pool), copy_of(pool)
    codes, expected_codes = np.full((2, len(rows)), -1, np.int32)
    left, expected_left = np.zeros((2, 3), np.int64)

    fits = new_strings.insert_many(strings, keys, free[:n_free], n, n_bytes, pool, codes, left)

    assert fits == reference_new.insert_many(
        strings, keys, free[:n_free], n, n_bytes, twin, expected_codes, expected_left
    )
    assert_same(pool, twin if fits else before)
    assert left.tolist() == expected_left.tolist()
    assert not fits or codes.tolist() == expected_codes.tolist()
    assert guarded[[0, 1, 2, 3, -4, -3, -2, -1]].tolist() == [-5] * 8


@given(filled_pools(forced=False), st.data())
def test_remove_as_the_twin_does(
    filled: tuple[Pool, list[bytes], int], data: st.DataObject
) -> None:
    pool, contents, _ = filled
    first = data.draw(st.integers(0, len(contents)))
    stop = data.draw(st.integers(first, len(contents)))
    rest = [code for code in range(len(contents)) if not first <= code < stop]
    codes = to_array(data.draw(st.lists(st.sampled_from(rest), unique=True)) if rest else [])
    expected = copy_of(pool)

    kernels.remove(codes, first, stop, pool)
    reference.remove(codes, first, stop, expected)

    assert_same(pool, expected)


@given(filled_pools(forced=False))
def test_slots_do_not_depend_on_the_order_of_insertions(
    filled: tuple[Pool, list[bytes], int],
) -> None:
    pool, contents, _ = filled
    n = len(contents)
    strings, tags = to_strings(contents[::-1]), np.empty(n, np.int32)
    kernels.hash_strings(strings, pool.seed, tags)
    other = empty_pool(pool.n_homes, len(pool.slots) - 1 - pool.n_homes, n, 4000, pool.seed)

    codes, counts = np.full_like(tags, -1), np.zeros(3, np.int64)
    kernels.insert(strings, tags, np.arange(n, dtype=np.int32), n, 0, other, codes, counts)

    assert other.slots.tolist() == pool.slots.tolist()


@given(filled_pools(forced=True), st.integers(1, 40), st.integers(0, 12))
def test_move_slots_as_the_twin_does(
    filled: tuple[Pool, list[bytes], int], n_homes: int, n_spare: int
) -> None:
    pool, _, _ = filled
    out, expected = np.full((2, n_homes + n_spare + 1), EMPTY)

    fits = kernels.move_slots(pool.slots, n_homes, out)

    assert fits == reference.move_slots(pool.slots, n_homes, expected)
    assert not fits or out.tolist() == expected.tolist()


@given(filled_pools(forced=False), st.lists(st.integers(-2, 12), max_size=12))
def test_measure_as_the_twin_does(filled: tuple[Pool, list[bytes], int], codes: list[int]) -> None:
    records = filled[0].records[:10]

    result = kernels.measure(to_array(codes), records)

    assert result == reference.measure(to_array(codes), records)


@given(filled_pools(forced=False), st.integers(0, 2), st.data())
def test_write_strings_as_the_twin_does(
    filled: tuple[Pool, list[bytes], int], gap: int, data: st.DataObject
) -> None:
    pool, contents, _ = filled
    codes = data.draw(st.lists(st.integers(-1, len(contents) - 1), max_size=12))
    n_bytes, _ = reference.measure(to_array(codes), pool.records)
    out, expected = np.zeros((2, n_bytes + gap * len(codes)), np.uint8)

    kernels.write_strings(to_array(codes), pool.records, pool.arena, gap, out)
    reference.write_strings(to_array(codes), pool.records, pool.arena, gap, expected)

    assert out.tolist() == expected.tolist()


@given(filled_pools(forced=False), st.data())
def test_locate_strings_as_the_twin_does(
    filled: tuple[Pool, list[bytes], int], data: st.DataObject
) -> None:
    pool, contents, _ = filled
    codes = to_array(data.draw(st.lists(st.integers(-1, len(contents) - 1), max_size=12)))
    out, expected = np.empty((2, 2, len(codes)), np.int64)

    kernels.locate_strings(codes, pool.records, *out)
    reference.locate_strings(codes, pool.records, *expected)

    assert out.tolist() == expected.tolist()


@given(text_lists, st.sampled_from([b"", b"\0", b"ab"]), st.randoms())
def test_join_as_the_twin_does(items: list[str], gap: bytes, rng: Random) -> None:
    order = rng.sample(range(len(items)), len(items))
    data, starts, ends = to_strings(to_bytes(items), gap)
    strings = Strings(data, starts[order], ends[order])
    out, expected = np.empty((2, sum(map(len, to_bytes(items)))), np.uint8)

    kernels.join(strings, out)
    reference.join(strings, expected)

    assert out.tolist() == expected.tolist()


@given(filled_pools(forced=False), st.data())
def test_compact_as_the_twin_does(
    filled: tuple[Pool, list[bytes], int], data: st.DataObject
) -> None:
    pool, contents, _ = filled
    gone = data.draw(st.sets(st.integers(0, len(contents) - 1))) if contents else set()
    for code in gone:
        pool.records[code] = (NO_START, 0)
    expected_records = pool.records.copy()
    n_bytes = sum(len(item) for code, item in enumerate(contents) if code not in gone)
    out, expected = np.zeros((2, n_bytes), np.uint8)

    kernels.compact(pool.arena, pool.records, out)
    reference.compact(pool.arena, expected_records, expected)

    assert out.tolist() == expected.tolist()
    assert pool.records.tolist() == expected_records.tolist()
