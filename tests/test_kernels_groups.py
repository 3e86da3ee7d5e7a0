"""Kernels over groups against their slow twins."""

from __future__ import annotations

from typing import NamedTuple

import hypothesis.strategies as st
import numba
import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.dtypes import ENTITY_RECORD, GROUP_RECORD, LOCATION_RECORD
from tests.reference import groups as reference
from tests.reference.entities import Record
from tests.reference.groups import NOWHERE, Lists, index_of, location_of

N_RECORDS = 12
N_LOCATIONS = 5
MAX_BATCH = 30

GARBAGE = 2**40 + 3


def handle_of(index: int) -> int:
    """Return the only handle that an index has in these tests."""
    return (1 + index % 3) << 32 | index


class Layout(NamedTuple):
    """Groups in memory: in any order, with slack, and with gaps between them."""

    lists: Lists
    capacities: list[int]
    records: NDArray[np.void]
    groups: NDArray[np.void]
    members: NDArray[np.int64]

    def read(self) -> Lists:
        """Read the groups, and see that the records agree with them."""
        lists = [self.members[group["start"] :][: group["count"]].tolist() for group in self.groups]
        for index, (location, slot) in enumerate(self.records.tolist()):
            assert location == location_of(handle_of(index), lists)
            if location != NOWHERE:
                assert lists[location][slot] == handle_of(index)
        assert (self.groups["capacity"] == self.capacities).all()
        return lists


def lay_out(lists: Lists, slacks: list[int], order: list[int]) -> Layout:
    records = np.array([(NOWHERE, GARBAGE % 2**31)] * N_RECORDS, LOCATION_RECORD)
    groups = np.zeros(N_LOCATIONS, GROUP_RECORD)
    capacities = [len(handles) + slack for handles, slack in zip(lists, slacks, strict=True)]
    members: list[int] = []
    for code in order:
        members += [GARBAGE] * (code % 2)
        groups[code] = (len(members), len(lists[code]), capacities[code])
        members += lists[code] + [GARBAGE] * slacks[code]
        for slot, handle in enumerate(lists[code]):
            records[index_of(handle)] = (code, slot)
    return Layout(lists, capacities, records, groups, np.array(members, np.int64))


@st.composite
def layouts(draw: st.DrawFn, min_slack: int = 0) -> Layout:
    lists: Lists = [[] for _ in range(N_LOCATIONS)]
    for index in draw(st.permutations(range(N_RECORDS))):
        code = draw(st.integers(NOWHERE, N_LOCATIONS - 1))
        if code != NOWHERE:
            lists[code].append(handle_of(index))
    slack = st.integers(min_slack, min_slack + 3)
    slacks = draw(st.lists(slack, min_size=N_LOCATIONS, max_size=N_LOCATIONS))
    return lay_out(lists, slacks, draw(st.permutations(range(N_LOCATIONS))))


class Batch(NamedTuple):
    """Moves, in which an entity may be there again; only what has a record goes anywhere."""

    handles: list[int]
    codes: list[int]

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        return np.array(self.handles, np.int64), np.array(self.codes, np.int32)


indices = st.integers(0, N_RECORDS + 3)
one_move = st.one_of(
    st.tuples(indices, st.just(NOWHERE)),
    st.tuples(st.integers(0, N_RECORDS - 1), st.integers(NOWHERE, N_LOCATIONS - 1)),
)
# Mostly alive; dead, reborn or never recorded.
records_of_entities = st.lists(
    st.sampled_from([0, 0, 0, 1, -4]), min_size=N_RECORDS - 2, max_size=N_RECORDS + 4
).map(
    lambda later: [
        Record(1 + index % 3 + n, 0, index) if n >= 0 else Record(n, -1, 0)
        for index, n in enumerate(later)
    ]
)
batches = st.lists(one_move, max_size=MAX_BATCH).map(
    lambda moves: Batch([handle_of(index) for index, _ in moves], [code for _, code in moves])
)


def counters_of(layout: Layout) -> NDArray[np.int64]:
    """Return how many are placed, and a tail behind all groups."""
    return np.array([reference.n_placed(layout.lists), layout.members.shape[0]])


@given(layout=layouts(min_slack=MAX_BATCH), batch=batches, is_noted=st.booleans())
def test_place_moves_one_after_the_other(layout: Layout, batch: Batch, is_noted: bool) -> None:
    before = np.full(len(batch.codes) if is_noted else 0, 99, LOCATION_RECORD)
    counters = counters_of(layout)
    arrays = layout.records, layout.groups, layout.members

    kernels.groups.place(*batch.arrays(), *arrays, before, counters)

    expected = reference.place(batch.handles, batch.codes, layout.lists)
    assert counters.tolist() == counters_of(layout).tolist()
    assert layout.read() == layout.lists
    if is_noted:
        assert before["location"].tolist() == [location for location, _ in expected]
        for (location, slot), noted in zip(expected, before["slot"], strict=True):
            assert location == NOWHERE or slot == noted


@given(seed=st.integers(0, 2**32 - 1))
def test_moves_that_are_looked_ahead_to_are_those_that_are_made(seed: int) -> None:
    rng, n = np.random.default_rng(seed), 4 * kernels.groups.AHEAD
    lists: Lists = [[] for _ in range(N_LOCATIONS)]
    for index in range(0, N_RECORDS, 2):
        lists[int(rng.integers(N_LOCATIONS))].append(handle_of(index))
    layout = lay_out(lists, [n] * N_LOCATIONS, list(range(N_LOCATIONS)))
    codes = rng.integers(NOWHERE, N_LOCATIONS, n).astype(np.int32)
    limits = np.where(codes == NOWHERE, N_RECORDS + 3, N_RECORDS)  # who has no record stays
    handles = [handle_of(index) for index in rng.integers(0, limits).tolist()]
    arrays = layout.records, layout.groups, layout.members
    before, counters = np.empty(0, LOCATION_RECORD), counters_of(layout)

    kernels.groups.place(np.array(handles, np.int64), codes, *arrays, before, counters)

    reference.place(handles, codes.tolist(), layout.lists)
    assert layout.read() == layout.lists


@given(layout=layouts(min_slack=MAX_BATCH), batch=batches)
def test_unplace_puts_everybody_back_where_he_stood(layout: Layout, batch: Batch) -> None:
    before = np.empty(len(batch.codes), LOCATION_RECORD)
    counters = counters_of(layout)
    arrays = layout.records, layout.groups, layout.members
    moved = [list(handles) for handles in layout.lists]
    noted = reference.place(batch.handles, batch.codes, moved)
    kernels.groups.place(*batch.arrays(), *arrays, before, counters)

    kernels.groups.unplace(*batch.arrays(), before, *arrays, counters)

    reference.unplace(batch.handles, batch.codes, noted, moved)
    assert layout.read() == moved == layout.lists
    assert counters.tolist() == counters_of(layout).tolist()


@given(
    layout=layouts(),
    index=indices,
    code=st.integers(NOWHERE, N_LOCATIONS - 1),
    n_free=st.integers(0, 2 * N_RECORDS),
    entities=records_of_entities,
)
def test_place_one_moves_who_lives_where_there_is_room(
    layout: Layout, index: int, code: int, n_free: int, entities: list[Record]
) -> None:
    handle, counters, clock = handle_of(index), counters_of(layout), np.array([7])
    n_used, n_slots = layout.members.shape[0], sum(layout.capacities)
    layout = layout._replace(members=np.append(layout.members, np.full(n_free, GARBAGE)))
    arrays = np.array(entities, ENTITY_RECORD), layout.records, layout.groups, layout.members

    is_done = kernels.groups.place_one.direct(handle, code, *arrays, counters, clock)

    lists, capacities = layout.lists, layout.capacities
    was_full = 0 <= code < N_LOCATIONS and len(lists[code]) == capacities[code]
    expected = reference.place_one(handle, code, entities, lists, capacities, N_RECORDS, n_free)
    has_grown = sum(capacities) > n_slots
    assert is_done == expected
    assert clock.tolist() == [7 + is_done]
    assert layout.read() == lists
    assert has_grown <= was_full
    tail = n_used + (capacities[code] if has_grown else 0)
    assert counters.tolist() == [reference.n_placed(lists), tail]


@given(batch=batches)
def test_find_limits_asks_for_what_is_placed(batch: Batch) -> None:
    assert kernels.groups.find_limits(*batch.arrays()) == reference.find_limits(*batch)


@given(layout=layouts(), batch=batches)
def test_find_crowded_finds_groups_without_room(layout: Layout, batch: Batch) -> None:
    arrivals = np.zeros(N_LOCATIONS, np.int32)
    crowded, capacities = np.zeros((2, min(len(batch.codes), N_LOCATIONS)), np.int32)
    _, codes = batch.arrays()

    n_crowded, n_slots = kernels.groups.find_crowded(
        codes, layout.groups, arrivals, crowded, capacities
    )

    expected = reference.find_crowded(batch.codes, layout.lists, layout.capacities)
    assert crowded[:n_crowded].tolist() == list(expected)
    assert capacities[:n_crowded].tolist() == list(expected.values())
    assert n_slots == sum(expected.values())
    assert not arrivals.any()


@given(layout=layouts(), batch=batches)
def test_relocate_copies_groups_to_the_tail(layout: Layout, batch: Batch) -> None:
    crowded = reference.find_crowded(batch.codes, layout.lists, layout.capacities)
    n_used, counters = layout.members.shape[0], counters_of(layout)
    members = np.append(layout.members, np.full(sum(crowded.values()), GARBAGE))

    kernels.groups.relocate(
        np.array(list(crowded), np.int32),
        np.array(list(crowded.values()), np.int32),
        layout.groups,
        members,
        counters,
    )

    starts, expected_tail = reference.relocate(crowded, n_used)
    assert counters.tolist() == [reference.n_placed(layout.lists), expected_tail]
    assert {code: layout.groups[code]["start"] for code in crowded} == starts
    for code, capacity in crowded.items():
        layout.capacities[code] = capacity
    assert layout._replace(members=members).read() == layout.lists


@given(layout=layouts(), asked=st.lists(indices))
def test_find_locations_knows_who_is_nowhere(layout: Layout, asked: list[int]) -> None:
    out = np.empty(len(asked), np.int32)

    kernels.groups.find_locations(np.array(asked, np.int64), layout.records, out)

    assert out.tolist() == reference.find_locations(asked, layout.lists)


@given(layout=layouts())
def test_copy_members_leaves_the_slack_out(layout: Layout) -> None:
    starts = np.cumsum([0, *map(len, layout.lists)])
    out = np.empty(starts[-1], np.int64)

    kernels.groups.copy_members(layout.groups, layout.members, starts, out)

    assert out.tolist() == reference.copy_members(layout.lists)


@pytest.mark.parametrize("position", [0, 2, 10**6, -(10**6)])
def test_prefetch_changes_nothing_even_outside_of_the_array(position: int) -> None:
    array = np.arange(3)

    @numba.njit
    def ask(array: NDArray[np.int64], position: int) -> int:
        kernels_prefetch(array, position)
        return 7

    kernels_prefetch = kernels.groups.prefetch

    assert ask(array, position) == 7
    assert array.tolist() == [0, 1, 2]
