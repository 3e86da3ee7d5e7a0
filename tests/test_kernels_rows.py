"""Kernels over rows against their slow twins, for every word and width."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from ecs_columnar import kernels
from tests.reference import rows as reference

WORDS = (np.uint8, np.uint16, np.uint32, np.uint64)
widths = st.integers(1, 5)
words = st.sampled_from(WORDS)


@st.composite
def columns(draw: st.DrawFn, *, min_size: int = 0) -> NDArray[np.unsignedinteger]:
    """Draw a column: items of ``width`` words that are all different."""
    word, width = draw(words), draw(widths)
    n = draw(st.integers(min_size, 12))
    # 12 items of 5 words are 60 values, which fit in a byte: no two words are equal.
    values = draw(st.permutations(range(n * width)))
    return np.array(values, word).reshape(n, width)


def rows_of(n: int, *, unique: bool = False) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, n - 1), max_size=20, unique=unique) if n else st.just([])


def to_rows(rows: list[int]) -> NDArray[np.intp]:
    return np.array(rows, np.intp)


def flat(column: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    return column.reshape(-1)


@given(data=st.data(), column=columns())
def test_gather_copies_items_in_the_order_of_the_rows(
    data: st.DataObject, column: NDArray[np.unsignedinteger]
) -> None:
    n, width = column.shape
    rows = data.draw(rows_of(n))
    out = np.zeros((len(rows), width), column.dtype)

    kernels.rows.gather(flat(column), to_rows(rows), width, flat(out))

    assert out.tolist() == reference.gather(column.tolist(), rows)


@given(data=st.data(), column=columns())
def test_scatter_writes_items_into_rows_and_the_last_of_equal_rows_wins(
    data: st.DataObject, column: NDArray[np.unsignedinteger]
) -> None:
    n, width = column.shape
    rows = data.draw(rows_of(n))
    values = np.arange(100, 100 + len(rows) * width).astype(column.dtype).reshape(-1, width)
    expected = reference.scatter(values.tolist(), rows, column.tolist())

    kernels.rows.scatter(flat(values), to_rows(rows), width, flat(column))

    assert column.tolist() == expected


@given(data=st.data(), column=columns())
def test_exchange_writes_as_scatter_does_and_keeps_what_each_write_found(
    data: st.DataObject, column: NDArray[np.unsignedinteger]
) -> None:
    n, width = column.shape
    rows = data.draw(rows_of(n))
    values = np.arange(100, 100 + len(rows) * width).astype(column.dtype).reshape(-1, width)
    before = np.zeros_like(values)
    expected = reference.exchange(values.tolist(), rows, column.tolist())
    scattered = reference.scatter(values.tolist(), rows, column.tolist())

    kernels.rows.exchange(flat(values), to_rows(rows), width, flat(column), flat(before))

    assert (column.tolist(), before.tolist()) == expected
    assert column.tolist() == scattered


@given(table=st.lists(st.integers(-1, 9)), keys=st.lists(st.integers(-3, 12)))
def test_look_up_says_whether_all_keys_have_codes(table: list[int], keys: list[int]) -> None:
    out = np.zeros(len(keys), np.int32)

    are_found = kernels.rows.look_up(np.array(table, np.int32), np.array(keys, np.int64), out)

    assert out.tolist() == reference.look_up(table, keys)
    assert are_found == (-1 not in out)


@given(data=st.data(), dtype=st.sampled_from(["i8", "u8", "f8"]), n=st.integers(0, 5), width=widths)
def test_add_up_adds_items_to_their_rows_in_order(
    data: st.DataObject, dtype: str, n: int, width: int
) -> None:
    rows = data.draw(rows_of(n))
    # Floats of many sizes, so that another order makes another sum; wide integers.
    numbers = st.floats(-1e16, 1e16) if dtype == "f8" else st.integers(0, 2**58)
    items = st.lists(numbers, min_size=len(rows) * width, max_size=len(rows) * width)
    values = np.array(data.draw(items), dtype).reshape(-1, width)
    out = np.zeros((n, width), dtype)
    expected = reference.add_up(values.tolist(), rows, out.tolist())

    kernels.rows.add_up(values.reshape(-1), to_rows(rows), width, out.reshape(-1))

    assert out.tolist() == expected


@given(data=st.data(), column=columns())
def test_fill_holes_copies_movers_over_holes(
    data: st.DataObject, column: NDArray[np.unsignedinteger]
) -> None:
    n, width = column.shape
    chosen = data.draw(rows_of(n, unique=True))
    half = len(chosen) // 2
    holes, movers = chosen[:half], chosen[half : 2 * half]
    expected = reference.fill_holes(holes, movers, column.tolist())

    kernels.rows.fill_holes(to_rows(holes), to_rows(movers), width, flat(column))

    assert column.tolist() == expected


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_moved_whole_with_all_its_bits(word: type[np.unsignedinteger]) -> None:
    greatest = np.iinfo(word).max
    column = np.array([0, greatest, greatest - 1], word)
    out = np.zeros(2, word)

    kernels.rows.gather(column, to_rows([1, 2]), 1, out)

    assert out.tolist() == [greatest, greatest - 1]


@given(rows=st.one_of(rows_of(8), rows_of(30, unique=True).map(sorted)))
def test_rows_increase_when_each_is_above_the_one_before(rows: list[int]) -> None:
    found = kernels.rows.is_increasing(to_rows(rows))

    assert found == reference.is_increasing(rows)


@given(rows=rows_of(20, unique=True), n_rows=st.integers(20, 25))
def test_distinct_rows_are_ordered_with_the_positions_they_came_from(
    rows: list[int], n_rows: int
) -> None:
    ordered, positions = to_rows(rows), to_rows(rows)

    repeat = kernels.rows.order_rows(
        to_rows(rows), np.full(n_rows, -1, np.int32), ordered, positions
    )

    assert repeat == -1
    assert (ordered.tolist(), positions.tolist()) == reference.order_rows(rows)


@given(rows=rows_of(12))
def test_ordering_rows_tells_where_the_first_repeated_one_is(rows: list[int]) -> None:
    ordered, positions = to_rows(rows), to_rows(rows)

    repeat = kernels.rows.order_rows(to_rows(rows), np.full(12, -1, np.int32), ordered, positions)

    assert repeat == reference.first_repeat(rows)


@given(data=st.data(), n_rows=st.integers(0, 20))
def test_a_removal_pairs_holes_with_the_rows_of_the_tail_that_survive(
    data: st.DataObject, n_rows: int
) -> None:
    rows = sorted(data.draw(rows_of(n_rows, unique=True)))
    holes, movers = to_rows(rows), to_rows(rows)
    n_left = n_rows - len(rows)

    n_pairs = kernels.rows.split_tail(to_rows(rows), n_left, holes, movers)

    expected = reference.split_tail(rows, n_left)
    assert holes[:n_pairs].tolist() == expected.holes
    assert movers[:n_pairs].tolist() == expected.movers


@given(data=st.data(), n_keys=st.integers(0, 6))
def test_positions_are_grouped_by_key_in_their_order(data: st.DataObject, n_keys: int) -> None:
    keys = data.draw(rows_of(n_keys))
    starts, order = np.zeros(n_keys + 1, np.intp), np.empty(len(keys), np.intp)

    kernels.rows.group_rows(to_rows(keys), starts, order)

    assert (starts.tolist(), order.tolist()) == reference.group_rows(keys, n_keys)


@given(codes=st.lists(st.integers(0, 9), max_size=20))
def test_number_codes_numbers_codes_in_the_order_in_which_they_first_occur(
    codes: list[int],
) -> None:
    numbers = np.full(10, -1, np.int32)
    labels, order = np.empty(len(codes), np.int32), np.empty(len(codes), np.int32)

    n_distinct = kernels.rows.number_codes(np.array(codes, np.int32), numbers, labels, order)

    expected = reference.number_codes(codes)
    assert labels.tolist() == expected.labels
    assert order[:n_distinct].tolist() == expected.order
