"""The location index does what a dict of lists does, and gives the room that it owes."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from ecs_columnar.dtypes import ENTITY_RECORD, LOCATION_RECORD
from ecs_columnar.location_index import LocationIndex, _capacities, _roomy_length
from ecs_columnar.steps import run

Groups = list[list[int]]

GENERATION = 1 << 32
N_ENTITIES, N_PLACES = 12, 6
ALIVE = np.array([(1, 0, row) for row in range(N_ENTITIES)], ENTITY_RECORD)

moves = st.lists(
    st.tuples(st.integers(0, N_ENTITIES - 1), st.integers(-1, N_PLACES - 1)), max_size=20
)


def to_arrays(batch: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    indices, codes = zip(*batch, strict=True) if batch else ((), ())
    return np.array(indices, np.int64) + GENERATION, np.array(codes, np.int32)


def place_in(groups: Groups, batch: list[tuple[int, int]]) -> None:
    """Move one after the other: the last member fills the hole, who comes is the last."""
    for index, code in batch:
        before = next((k for k, group in enumerate(groups) if index in group), -1)
        if before == code:
            continue
        if before >= 0:
            groups[before][groups[before].index(index)] = groups[before][-1]
            groups[before].pop()
        if code >= 0:
            groups[code].append(index)


def members_in(index: LocationIndex) -> Groups:
    return [(index.members_of(code) - GENERATION).tolist() for code in range(N_PLACES)]


@given(st.lists(moves, max_size=6))
def test_members_stand_in_the_order_that_the_moves_say(
    batches: list[list[tuple[int, int]]],
) -> None:
    index, groups = LocationIndex(), [[] for _ in range(N_PLACES)]
    for batch in batches:
        index.place(*to_arrays(batch))
        place_in(groups, batch)

        assert members_in(index) == groups
        assert index.n_placed == sum(map(len, groups))
        starts, members = index.grouped()
        assert (members - GENERATION).tolist() == [i for group in groups for i in group]
        assert np.diff(starts).tolist() == [len(g) for g in groups][: index.n_locations]
        assert index.counts().tolist() == np.diff(starts).tolist()
        index.check()


@given(st.lists(moves, max_size=4), st.lists(moves, min_size=1, max_size=4))
def test_moves_that_are_taken_back_leave_everybody_where_he_stood(
    first: list[list[tuple[int, int]]], second: list[list[tuple[int, int]]]
) -> None:
    index = LocationIndex()
    for batch in first:
        index.place(*to_arrays(batch))
    members = members_in(index)

    done = []
    for batch in second:
        handles, codes = to_arrays(batch)
        before = np.empty(len(batch), LOCATION_RECORD)
        index.reserve(handles, codes)
        run([index.placing(handles, codes, before)])
        done.append((handles, codes, before))
    run(index.unplacing(*map(np.concatenate, zip(*done, strict=True))))

    assert members_in(index) == members
    index.check()


@given(moves)
def test_one_by_one_leads_to_where_a_batch_leads(batch: list[tuple[int, int]]) -> None:
    together, alone, clock = LocationIndex(), LocationIndex(), np.zeros(1, np.int64)
    together.place(*to_arrays(batch))
    n_short = 0
    for move in batch:
        handles, codes = to_arrays([move])
        if alone.place_one(int(handles[0]), int(codes[0]), ALIVE, clock):
            n_short += 1
        else:
            alone.place(handles, codes)

    assert members_in(alone) == members_in(together)
    assert clock[0] == n_short
    alone.check()


@given(
    batch=moves,
    codes=st.lists(st.integers(-1, N_PLACES + 2), max_size=8),
    n=st.integers(0, 4),
)
def test_the_first_members_of_some_locations_are_copied(
    batch: list[tuple[int, int]], codes: list[int], n: int
) -> None:
    index, groups = LocationIndex(), [[] for _ in range(N_PLACES)]
    index.place(*to_arrays(batch))
    place_in(groups, batch)

    starts, members = index.first_members(np.array(codes, np.int32), n)

    expected = [groups[code][:n] if 0 <= code < N_PLACES else [] for code in codes]
    found = [(members[a:b] - GENERATION).tolist() for a, b in pairwise(starts)]
    assert found == expected


def test_a_location_that_nobody_was_ever_in_is_empty() -> None:
    index = LocationIndex()
    index.place(*to_arrays([(3, 2)]))

    assert [index.members_of(code).size for code in (-1, 0, 1, 2, 3, 99)] == [0, 0, 0, 1, 0, 0]
    assert index.location_of(np.array([0, 3, 4])).tolist() == [-1, 2, -1]
    assert not index.members_of(2).flags.writeable and not index.members_of(99).flags.writeable


def test_codes_of_no_location_are_of_nobody_where_there_is_one_location() -> None:
    index = LocationIndex()
    index.place(*to_arrays([(3, 0)]))

    starts, members = index.first_members(np.array([-1, 0, 1], np.int32), 2)

    assert starts.tolist() == [0, 0, 1, 1]
    assert members.tolist() == [GENERATION + 3]


def test_a_frozen_index_is_not_written_one_by_one_and_copied_for_a_batch() -> None:
    index, clock = LocationIndex(), np.zeros(1, np.int64)
    index.place(*to_arrays([(0, 0), (1, 0), (2, 1)]))
    state = index.state()
    for array in (index.records, index.groups, index.members, index.counters):
        array.flags.writeable = False

    assert not index.place_one(GENERATION, 1, ALIVE, clock)
    index.place(*to_arrays([(0, 1)]))

    assert members_in(index)[:2] == [[1], [2, 0]]
    assert clock[0] == 0
    run(index.thawing(state))
    assert members_in(index)[:2] == [[0, 1], [2]]
    index.check()


def test_whoever_is_nowhere_or_in_no_record_may_be_sent_nowhere() -> None:
    index = LocationIndex()
    index.place(*to_arrays([(5, -1), (2, 0), (2, -1), (9, -1)]))

    assert index.n_placed == 0
    assert index.counts().tolist() == [0]
    index.check()


@pytest.mark.parametrize(
    ("count", "n_arrivals", "capacity"),
    [
        (0, 0, 0),
        (1, 0, 1),  # too small for a share
        (4, 0, 6),  # half more at most
        (8, 0, 12),
        (100, 0, 127),  # a quarter more, and two
        (0, 100, 127),
        (100, 100, 200),  # all may arrive before anybody leaves
        (100, 20, 127),
    ],
)
def test_a_group_that_is_laid_out_anew_has_room_to_grow(
    count: int, n_arrivals: int, capacity: int
) -> None:
    found = _capacities(np.array([count]), np.array([n_arrivals]))

    assert found.tolist() == [capacity]


def test_as_many_slots_are_free_as_are_placed_when_groups_are_laid_out_anew() -> None:
    assert _roomy_length(1000, 400) == 2000 + 100 + 16
    index = LocationIndex()
    index.place(*to_arrays([(i, 0) for i in range(100)]))
    tight = index.members.shape[0]
    # One move of a hundred is few, so the new layout gets room for many more.
    index.place(*to_arrays([(0, 1)]))

    assert tight == 127
    assert index.members.shape[0] == _roomy_length(100, 2)
    index.check()


def test_few_moves_do_not_copy_all_members() -> None:
    index = LocationIndex()
    index.place(*to_arrays([(i, i % 10) for i in range(100)]))
    index.place(*to_arrays([(0, 5)]))
    members = index.members

    for i in range(50):
        index.place(*to_arrays([(i, (i + 3) % 10)]))

    assert index.members is members
    index.check()


def test_room_is_made_for_what_is_announced_and_for_a_group_that_gets_more_than_its_share() -> None:
    index = LocationIndex()
    handles = (np.int64(1) << 32) + np.arange(8000)
    codes = (np.arange(8000) % 50).astype(np.int32)
    codes[7000:7100] = 0

    index.reserve(handles[:1000], codes[:1000], 7.0)
    members = index.members
    for start in range(0, 8000, 1000):
        index.place(handles[start : start + 1000], codes[start : start + 1000])

    assert index.counts()[0] == 160 + 98
    assert index.members is members


@pytest.mark.parametrize(("n_moves", "n_slots"), [(51, 127 + 65), (50, 2 * 100 + 16)])
def test_room_for_more_is_left_by_what_is_less_than_half_of_all(n_moves: int, n_slots: int) -> None:
    index = LocationIndex()
    index.place(*to_arrays([(i, 0) for i in range(100)]))

    index.place(*to_arrays([(100 + i, 1) for i in range(n_moves)]))

    assert index.members.shape[0] == n_slots
    index.check()


def test_there_is_room_for_those_who_are_announced() -> None:
    index = LocationIndex()
    handles, codes = to_arrays([(i, i % 2) for i in range(100)])

    index.reserve(handles, codes, 3.0)

    assert index.groups["capacity"].tolist() == [252, 252]  # 4 * 50, a quarter, and two
    assert index.records.shape[0] >= 400
    index.check()


def an_index_with_room() -> tuple[LocationIndex, Groups]:
    """Return an index of 100 entities in 6 places that was laid out anew for a few moves."""
    index, groups = LocationIndex(), [[] for _ in range(N_PLACES)]
    for batch in ([(i, i % N_PLACES) for i in range(100)], [(0, 5)]):
        index.place(*to_arrays(batch))
        place_in(groups, batch)
    return index, groups


@pytest.mark.parametrize("code", [4, -1])
def test_one_move_for_which_there_is_room_takes_the_short_way(code: int) -> None:
    index, groups = an_index_with_room()
    clock = np.zeros(1, np.int64)

    is_done = index.place_one(GENERATION + 7, code, ALIVE, clock)
    place_in(groups, [(7, code)])

    assert is_done is True
    assert clock[0] == 1
    assert members_in(index) == groups
    index.check()


def test_what_was_counted_stays_when_somebody_moves() -> None:
    index, groups = an_index_with_room()
    counts = index.counts()

    assert index.place_one(GENERATION + 7, 4, ALIVE, np.zeros(1, np.int64))

    assert counts.tolist() == [len(group) for group in groups]
    assert index.counts().tolist() != counts.tolist()


def test_all_of_a_frozen_index_is_copied_before_it_is_written() -> None:
    index, groups = an_index_with_room()
    frozen = [array for array in index.state() if isinstance(array, np.ndarray)]
    before = [array.tobytes() for array in frozen]
    for array in frozen:
        array.flags.writeable = False

    for i in range(40):  # so many that the group moves to the tail
        index.place(*to_arrays([(i, 5)]))
        place_in(groups, [(i, 5)])

    assert members_in(index) == groups
    assert [array.tobytes() for array in frozen] == before
    index.check()
