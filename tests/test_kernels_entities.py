"""Kernels over entity records against their slow twins."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.dtypes import ENTITY_RECORD, MAX_ENTITIES, NO_ENTITY
from tests.reference import entities as reference
from tests.reference.entities import MAX_GENERATION, Record, handle_of

# Young, old, and those after which an index is retired.
generations = st.one_of(st.integers(1, 3), st.integers(MAX_GENERATION - 1, MAX_GENERATION))
# Alive, dead, retired.
records_of_any_kind = st.lists(
    st.builds(
        Record,
        generation=st.one_of(generations, generations.map(lambda number: -number), st.just(0)),
        table=st.integers(0, 2),
        row=st.integers(0, 2**31 - 1),
    ),
    max_size=12,
)
living_records = st.lists(
    st.builds(Record, generations, st.integers(0, 2), st.integers(0, 2**31 - 1)), max_size=12
)


def to_array(records: list[Record]) -> NDArray[np.void]:
    return np.array([tuple(record) for record in records], ENTITY_RECORD)


def to_records(array: NDArray[np.void]) -> list[Record]:
    return [Record(*record) for record in array.tolist()]


def to_handles(handles: list[int]) -> NDArray[np.int64]:
    return np.array(handles, np.int64)


def handles_into(records: list[Record]) -> st.SearchStrategy[list[int]]:
    """Draw handles of living and dead entities, of indices never used, and any numbers."""
    index = st.integers(0, len(records) + 2)
    known = [handle_of(i, abs(record.generation)) for i, record in enumerate(records)]
    return st.lists(
        st.one_of(
            *([st.sampled_from(known)] if known else []),
            st.builds(handle_of, index, generations),
            st.builds(handle_of, index, generations.map(lambda number: -number)),
            st.integers(-(2**63), 2**63 - 1),
            st.just(0),
        ),
        max_size=12,
    )


def handles_of_free(records: list[Record]) -> list[int]:
    """Return handles of the indices whose records hold nothing."""
    return [handle_of(i, i + 1) for i, record in enumerate(records) if not record.generation]


def some_living(data: st.DataObject, records: list[Record]) -> list[int]:
    """Draw distinct handles of living entities."""
    handles = [handle_of(i, record.generation) for i, record in enumerate(records)]
    return data.draw(st.lists(st.sampled_from(handles), unique=True) if handles else st.just([]))


@given(n_used=st.integers(0, 2**31 - 30), n=st.integers(0, 20))
def test_fresh_handles_are_of_the_first_generation_of_the_next_indices(n_used: int, n: int) -> None:
    out = np.empty(n, np.int64)

    kernels.entities.fresh_handles(n_used, out)

    assert out.tolist() == reference.fresh_handles(n_used, n)


@given(
    data=st.data(),
    records=records_of_any_kind,
    table=st.integers(0, 5),
    first_row=st.integers(0, 2**31 - 30),
)
def test_entering_writes_generation_table_and_consecutive_rows(
    data: st.DataObject, records: list[Record], table: int, first_row: int
) -> None:
    indices = data.draw(st.permutations(range(len(records))))[: len(records) // 2]
    handles = [handle_of(index, data.draw(generations)) for index in indices]
    array = to_array(records)

    kernels.entities.enter(to_handles(handles), table, first_row, array)

    assert to_records(array) == reference.enter(handles, table, first_row, records)


@given(
    data=st.data(),
    records=records_of_any_kind,
    table=st.integers(0, 100),
    first_row=st.integers(0, 100),
)
def test_bearing_enters_and_copies_the_handles(
    data: st.DataObject, records: list[Record], table: int, first_row: int
) -> None:
    indices = data.draw(st.permutations(range(len(records))))[: len(records) // 2]
    handles = [handle_of(index, data.draw(generations)) for index in indices]
    array, out = to_array(records), np.zeros(len(handles), np.int64)

    kernels.entities.bear(to_handles(handles), table, first_row, array, out)

    expected = reference.bear(handles, table, first_row, records)
    assert (to_records(array), out.tolist()) == expected


@given(
    data=st.data(),
    records=records_of_any_kind,
    table=st.integers(0, 100),
    rows=st.lists(st.integers(1, 2**63 - 1), max_size=3),
)
def test_one_is_born_with_the_last_index_that_was_freed_or_a_fresh_one_if_there_is_a_record(
    data: st.DataObject, records: list[Record], table: int, rows: list[int]
) -> None:
    n_used = data.draw(st.integers(0, len(records)))
    freed = data.draw(st.lists(st.integers(0, n_used - 1), unique=True) if n_used else st.just([]))
    free = [handle_of(index, data.draw(generations)) for index in freed]
    array, out = to_array(records), np.array([*rows, 0], np.int64)
    counters, n_rows, clock = np.array([n_used, len(free), 5]), np.array([len(rows)]), np.array([7])
    before = len(rows)

    handle = kernels.entities.bear_one.direct(
        table, array, to_handles(free), counters, n_rows, out, clock
    )

    expected, n_used = reference.bear_one(table, rows, records, free, n_used)
    assert handle == expected
    assert to_records(array) == records
    assert out[: len(rows)].tolist() == rows
    assert counters.tolist() == [n_used, len(free), 5]
    assert n_rows.tolist() == [len(rows)]
    assert clock.tolist() == [7 + len(rows) - before]


def test_no_entity_is_born_beyond_the_most_that_a_world_holds() -> None:
    bear_one: Any = kernels.entities.bear_one
    records = np.broadcast_to(np.zeros(1, ENTITY_RECORD), MAX_ENTITIES + 5)
    counters, nothing = np.array([MAX_ENTITIES, 0, 0]), np.empty(0, np.int64)

    handle = getattr(bear_one, "py_func", bear_one)(
        0, records, nothing, counters, np.zeros(1, np.int64), nothing, np.zeros(1, np.int64)
    )

    assert handle == NO_ENTITY
    assert counters.tolist() == [MAX_ENTITIES, 0, 0]


@given(data=st.data(), records=records_of_any_kind)
def test_handles_are_located_and_those_of_no_living_entity_counted(
    data: st.DataObject, records: list[Record]
) -> None:
    handles = data.draw(handles_into(records))
    tables, rows = np.empty(len(handles), np.int32), np.empty(len(handles), np.intp)

    n_dead, is_mixed = kernels.entities.locate(to_handles(handles), to_array(records), tables, rows)

    found = zip(tables.tolist(), rows.tolist(), strict=True)
    places = [None if table < 0 else (table, row) for table, row in found]
    assert (places, n_dead, is_mixed) == reference.locate(handles, records)


@given(data=st.data(), records=living_records)
def test_living_entities_of_one_table_are_not_mixed(
    data: st.DataObject, records: list[Record]
) -> None:
    records = [record._replace(table=4) for record in records]
    handles = some_living(data, records)
    tables, rows = np.empty(len(handles), np.int32), np.empty(len(handles), np.intp)

    n_dead, is_mixed = kernels.entities.locate(to_handles(handles), to_array(records), tables, rows)

    assert (n_dead, is_mixed) == (0, False)
    assert tables.tolist() == [4] * len(handles)


@given(data=st.data(), records=records_of_any_kind)
def test_rows_are_found_where_all_handles_are_of_living_entities_of_one_table(
    data: st.DataObject, records: list[Record]
) -> None:
    if data.draw(st.booleans()):
        records = [record._replace(table=4) for record in records]
    handles = data.draw(handles_into(records))
    table = data.draw(st.sampled_from([4, *(record.table for record in records)]))
    rows = np.empty(len(handles), np.intp)

    are_there = kernels.entities.find_rows(to_handles(handles), to_array(records), table, rows)

    assert (rows.tolist() if are_there else None) == reference.find_rows(handles, records, table)


@given(data=st.data(), records=living_records)
def test_rows_of_living_entities_of_one_table_are_found(
    data: st.DataObject, records: list[Record]
) -> None:
    records = [record._replace(table=4) for record in records]
    handles = some_living(data, records)
    rows = np.empty(len(handles), np.intp)

    assert kernels.entities.find_rows(to_handles(handles), to_array(records), 4, rows)
    assert rows.tolist() == reference.find_rows(handles, records, 4)


@given(data=st.data(), records=records_of_any_kind)
def test_a_handle_is_alive_when_its_generation_is_that_of_its_index(
    data: st.DataObject, records: list[Record]
) -> None:
    handles = data.draw(handles_into(records))
    out = np.empty(len(handles), np.bool_)

    n_alive = kernels.entities.are_alive(to_handles(handles), to_array(records), out)

    assert out.tolist() == reference.are_alive(handles, records)
    assert n_alive == sum(reference.are_alive(handles, records))


@given(data=st.data(), records=records_of_any_kind, table=st.integers(0, 5))
def test_entities_settle_in_rows_until_one_has_no_free_index(
    data: st.DataObject, records: list[Record], table: int
) -> None:
    some = st.lists(st.sampled_from(records)) if records else st.just([])
    records = [r._replace(generation=0) if r.row % 2 else r for r in data.draw(some)]
    handles = data.draw(st.one_of(handles_into(records), st.just(handles_of_free(records))))
    array = to_array(records)

    n_settled = kernels.entities.settle(to_handles(handles), table, array)

    assert (to_records(array), n_settled) == reference.settle(handles, table, records)


@given(data=st.data(), records=living_records)
def test_new_rows_leave_tables_and_generations_alone(
    data: st.DataObject, records: list[Record]
) -> None:
    handles = some_living(data, records)
    rows = [data.draw(st.integers(0, 2**31 - 1)) for _ in handles]
    array = to_array(records)

    kernels.entities.set_rows(to_handles(handles), np.array(rows, np.intp), array)

    assert to_records(array) == reference.set_rows(handles, rows, records)


@given(data=st.data(), records=living_records)
def test_released_indices_are_freed_with_their_next_handles_or_retired(
    data: st.DataObject, records: list[Record]
) -> None:
    handles = some_living(data, records)
    array, freed = to_array(records), np.empty(len(handles), np.int64)

    n_freed = kernels.entities.release(to_handles(handles), array, freed)

    assert (to_records(array), freed[:n_freed].tolist()) == reference.release(handles, records)


def test_a_handle_never_comes_back_to_life_after_its_index_is_retired() -> None:
    last = handle_of(0, MAX_GENERATION)
    array, freed = to_array([Record(MAX_GENERATION, 0, 0)]), np.empty(1, np.int64)
    is_alive = np.ones(3, np.bool_)

    n_freed = kernels.entities.release(to_handles([last]), array, freed)
    n_alive = kernels.entities.are_alive(
        to_handles([last, handle_of(0, 1), handle_of(0, 0)]), array, is_alive
    )

    assert (n_freed, n_alive) == (0, 0)
    assert not is_alive.any()


@given(data=st.data(), n_symbols=st.integers(0, 9), n_indices=st.integers(0, 9))
def test_ids_are_bound_and_unbound_both_ways(
    data: st.DataObject, n_symbols: int, n_indices: int
) -> None:
    n = data.draw(st.integers(0, min(n_symbols, n_indices)))
    symbols = data.draw(st.permutations(range(n_symbols)))[:n]
    indices = data.draw(st.permutations(range(n_indices)))[:n]
    handles = [handle_of(index, data.draw(generations)) for index in indices]
    before = list(range(100, 100 + n_symbols)), list(range(200, 200 + n_indices))
    given_arrays = np.array(symbols, np.int32), to_handles(handles)

    for kernel, twin in (
        (kernels.entities.bind, reference.bind),
        (kernels.entities.unbind, reference.unbind),
    ):
        handles_by_symbol, symbols_by_index = to_handles(before[0]), np.array(before[1], np.int32)
        kernel(*given_arrays, handles_by_symbol, symbols_by_index)
        expected = twin(symbols, handles, *before)
        assert (handles_by_symbol.tolist(), symbols_by_index.tolist()) == expected
