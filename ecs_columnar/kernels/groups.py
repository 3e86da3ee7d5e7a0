"""Kernels over groups: who is in each location, and where each entity is.

* The members of location ``c`` are ``members[start : start + count]`` of
  ``groups[c]``; from there to ``capacity`` is slack. They are handles.
* The record of an entity index is its location, -1 for nowhere, and its slot:
  where it stands counted from the start of its group. So a group can be copied
  elsewhere and the records of its members still hold.
* ``records`` may be shorter than what an index asks for: those are nowhere.
* ``arrivals`` counts by location within one operation. Between operations it
  is all 0, so that none of them has to clear or to read all of it.
* ``counters`` are numbers that kernels keep: how many entities are placed, and
  where unused memory of ``members``, the tail, starts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecs_columnar.dtypes import INDEX_BITS, INDEX_MASK, MAX_ENTITIES
from ecs_columnar.kernels._jit import inlined, kernel, scalar_kernel
from ecs_columnar.kernels._prefetch import prefetch
from ecs_columnar.kernels._types import (
    Codes,
    CodesOut,
    Entities,
    Groups,
    GroupsOut,
    Handles,
    HandlesOut,
    Placements,
    PlacementsOut,
    Rows,
)

N_PLACED, TAIL = 0, 1
"""Which of the counters is which."""

AHEAD = 16
"""How many moves before its turn a move asks for members; 12 to 24 are equal, 8 is slower."""


# --- memory that is needed soon ------------------------------------------------------

# Three short functions. One with all branches takes twice the time, as if Numba
# counted references to the arrays at each move.


@inlined
def _ask_for_groups(
    i: int,
    handles: Handles,
    records: PlacementsOut,
    groups: GroupsOut,
    members: HandlesOut,
) -> None:
    """Ask for a record; and of one that was asked for before, its slot and the last member."""
    if i + 2 * AHEAD < handles.shape[0]:
        prefetch(records, handles[i + 2 * AHEAD] & INDEX_MASK)
    if i + AHEAD < handles.shape[0]:
        index = handles[i + AHEAD] & INDEX_MASK
        location = records[index]["location"] if index < records.shape[0] else -1
        if location >= 0:
            group = groups[location]
            prefetch(members, _at(group, records[index]["slot"]))
            prefetch(members, _at(group, group["count"] - 1))


@inlined
def _ask_for_tail(i: int, codes: Codes, groups: GroupsOut, members: HandlesOut) -> None:
    """Ask for where a mover goes."""
    if i + AHEAD < codes.shape[0] and codes[i + AHEAD] >= 0:
        group = groups[codes[i + AHEAD]]
        prefetch(members, _at(group, group["count"]))


@inlined
def _ask_for_last(
    i: int,
    handles: Handles,
    records: PlacementsOut,
    groups: GroupsOut,
    members: HandlesOut,
) -> None:
    """Ask for the record of the last member, which was asked for before."""
    if i + AHEAD // 2 < handles.shape[0]:
        index = handles[i + AHEAD // 2] & INDEX_MASK
        location = records[index]["location"] if index < records.shape[0] else -1
        if location >= 0:
            group = groups[location]
            prefetch(records, members[_at(group, group["count"] - 1)] & INDEX_MASK)


# --- moves in place ------------------------------------------------------------------


@inlined
def _at(group: Any, slot: int) -> np.uint64:
    """Return the position of a slot in ``members``."""
    # Unsigned, or else Numba adds the length to what could be negative: a tenth
    # to a sixth of the time of a move.
    return np.uint64(group["start"] + slot)


@inlined
def _leave(
    location: int, slot: int, records: PlacementsOut, groups: GroupsOut, members: HandlesOut
) -> None:
    """Take a member out of a group; the last one fills the hole."""
    group = groups[location]
    n_left = group["count"] - 1
    last = members[_at(group, n_left)]
    members[_at(group, slot)] = last
    records[last & INDEX_MASK]["slot"] = slot
    group["count"] = n_left


@inlined
def _arrive(handle: int, location: int, groups: GroupsOut, members: HandlesOut) -> int:
    """Put an entity behind the last member of a group with room; return its slot."""
    group = groups[location]
    slot = group["count"]
    members[_at(group, slot)] = handle
    group["count"] = slot + 1
    return int(slot)


@kernel
def place(
    handles: Handles,
    codes: Codes,
    records: PlacementsOut,
    groups: GroupsOut,
    members: HandlesOut,
    before: PlacementsOut,
    counters: HandlesOut,
) -> None:
    """Move entities, one after the other, to locations that have room for them.

    Parameters
    ----------
    handles : int64 array, shape (k,)
    codes : int32 array, shape (k,)
        New locations, -1 for nowhere. Who is there already stays where it stands.
    records : LOCATION_RECORD array
        Reaches all entities that go anywhere.
    groups : GROUP_RECORD array
    members : int64 array
    before : LOCATION_RECORD array, shape (k,) or (0,)
        Out: where each was before its move, if there is room for it.
    counters : int64 array, shape (2,)
        The first is changed.
    """
    # Cache misses, five a move, take the time. At 1M entities in 10,000 locations
    # to look ahead for two of them takes a third to a half of it away, and for all
    # five another 10 to 30 %, more on a busy machine. What did not help: to load by
    # block what the block will need (5 to 20 % slower), and departures before
    # arrivals (equal).
    is_noted = before.shape[0] > 0
    for i in range(handles.shape[0]):
        _ask_for_groups(i, handles, records, groups, members)
        _ask_for_tail(i, codes, groups, members)
        _ask_for_last(i, handles, records, groups, members)
        handle = handles[i]
        code = codes[i]
        index = handle & INDEX_MASK
        if index >= records.shape[0]:
            if is_noted:
                before[i]["location"] = -1
            continue
        record = records[index]
        location = record["location"]
        if is_noted:
            before[i]["location"] = location
            before[i]["slot"] = record["slot"]
        if location == code:
            continue
        if location >= 0:
            _leave(location, record["slot"], records, groups, members)
            counters[N_PLACED] -= 1
        if code >= 0:
            record["slot"] = _arrive(handle, code, groups, members)
            counters[N_PLACED] += 1
        record["location"] = code


@kernel
def unplace(
    handles: Handles,
    codes: Codes,
    before: Placements,
    records: PlacementsOut,
    groups: GroupsOut,
    members: HandlesOut,
    counters: HandlesOut,
) -> None:
    """Take back moves that were the last ones, in the reverse order.

    Everybody stands again where he stood, if there is room in the groups.

    Parameters
    ----------
    handles : int64 array, shape (k,)
    codes : int32 array, shape (k,)
        Where they went, -1 for nowhere.
    before : LOCATION_RECORD array, shape (k,)
        What `place` noted.
    records : LOCATION_RECORD array
    groups : GROUP_RECORD array
    members : int64 array
    counters : int64 array, shape (2,)
        The first is changed.
    """
    for i in range(handles.shape[0] - 1, -1, -1):
        index = handles[i] & INDEX_MASK
        code = codes[i]
        location = before[i]["location"]
        if location == code:
            continue
        if code >= 0:
            groups[code]["count"] -= 1
            counters[N_PLACED] -= 1
        if location >= 0:
            _return(handles[i], location, before[i]["slot"], records, groups, members)
            counters[N_PLACED] += 1
        records[index]["location"] = location
        records[index]["slot"] = before[i]["slot"]


@inlined
def _return(
    handle: int,
    location: int,
    slot: int,
    records: PlacementsOut,
    groups: GroupsOut,
    members: HandlesOut,
) -> None:
    """Put an entity back into its slot; who filled it is the last one again."""
    group = groups[location]
    last = group["count"]
    filler = members[_at(group, slot)]
    if slot < last:
        members[_at(group, last)] = filler
        records[filler & INDEX_MASK]["slot"] = last
    members[_at(group, slot)] = handle
    group["count"] = last + 1


# --- one move, and room for one ------------------------------------------------------


@inlined
def _roomier(count: int, capacity: int) -> int:
    """Return the capacity of a group that has to hold so many: at least double."""
    return max(count, min(2 * capacity, MAX_ENTITIES))


@inlined
def _enlarge(group: Any, capacity: int, members: HandlesOut, counters: HandlesOut) -> None:
    """Copy a group to the tail, with more room."""
    start = counters[TAIL]
    counters[TAIL] = start + capacity
    for slot in range(group["count"]):
        members[start + slot] = members[group["start"] + slot]
    group["start"] = start
    group["capacity"] = capacity


@inlined
def _make_room(code: int, groups: GroupsOut, members: HandlesOut, counters: HandlesOut) -> bool:
    """Tell whether a group has room for one more, at the tail if not where it is."""
    group = groups[code]
    if group["count"] < group["capacity"]:
        return True
    capacity = _roomier(group["count"] + 1, group["capacity"])
    if counters[TAIL] + capacity > members.shape[0]:
        return False
    _enlarge(group, capacity, members, counters)
    return True


@inlined
def _is_alive(handle: int, entities: Entities) -> bool:
    generation, index = handle >> INDEX_BITS, handle & INDEX_MASK
    return (
        generation > 0 and index < entities.shape[0] and entities[index]["generation"] == generation
    )


@scalar_kernel
def place_one(
    handle: int,
    code: int,
    entities: Entities,
    records: PlacementsOut,
    groups: GroupsOut,
    members: HandlesOut,
    counters: HandlesOut,
    clock: HandlesOut,
) -> bool:
    """Move one entity, if it is alive and that needs no more memory; a group may go to the tail.

    Parameters
    ----------
    handle : int
    code : int
        New location, one of the groups; -1 for nowhere.
    entities : ENTITY_RECORD array
    records : LOCATION_RECORD array
    groups : GROUP_RECORD array
    members : int64 array
    counters : int64 array, shape (2,)
        Changed.
    clock : int64 array, shape (1,)
        Changed: the tick.

    Returns
    -------
    bool
        Whether that was possible; if not, nothing was done.
    """
    if not _is_alive(handle, entities):
        return False
    index = handle & INDEX_MASK
    location = records[index]["location"] if index < records.shape[0] else -1
    if location != code:
        if code >= 0 and (
            index >= records.shape[0] or not _make_room(code, groups, members, counters)
        ):
            return False
        record = records[index]
        if location >= 0:
            _leave(location, record["slot"], records, groups, members)
            counters[N_PLACED] -= 1
        if code >= 0:
            record["slot"] = _arrive(handle, code, groups, members)
            counters[N_PLACED] += 1
        record["location"] = code
    clock[0] += 1
    return True


# --- room ----------------------------------------------------------------------------


@kernel
def find_limits(handles: Handles, codes: Codes) -> tuple[int, int]:
    """Find how many records and locations there have to be.

    Parameters
    ----------
    handles : int64 array, shape (k,)
    codes : int32 array, shape (k,)
        -1 for nowhere, which needs no record.

    Returns
    -------
    n_records, n_locations : int
    """
    n_records = 0
    n_locations = 0
    for i in range(handles.shape[0]):
        if codes[i] >= 0:
            n_records = max(n_records, (handles[i] & INDEX_MASK) + 1)
            n_locations = max(n_locations, codes[i] + 1)
    return n_records, n_locations


@kernel
def find_crowded(
    codes: Codes, groups: Groups, arrivals: CodesOut, crowded: CodesOut, capacities: CodesOut
) -> tuple[int, int]:
    """Find the groups that have no room if all come before anybody leaves.

    Parameters
    ----------
    codes : int32 array, shape (k,)
        Where the batch goes, -1 for nowhere.
    groups : GROUP_RECORD array, shape (n_locations,)
    arrivals : int32 array, shape (n_locations,)
        All 0, and all 0 again.
    crowded, capacities : int32 array, shape (min(k, n_locations),)
        Out: the locations in the order of the batch, and the capacities that
        they need: at least double.

    Returns
    -------
    n_crowded : int
    n_slots : int
        Sum of the capacities.
    """
    for i in range(codes.shape[0]):
        if codes[i] >= 0:
            arrivals[codes[i]] += 1
    n_crowded = 0
    n_slots = 0
    for i in range(codes.shape[0]):
        code = codes[i]
        if code < 0 or arrivals[code] == 0:
            continue
        group = groups[code]
        count = group["count"] + arrivals[code]
        arrivals[code] = 0
        if count > group["capacity"]:
            capacity = _roomier(count, group["capacity"])
            crowded[n_crowded] = code
            capacities[n_crowded] = capacity
            n_crowded += 1
            n_slots += capacity
    return n_crowded, n_slots


@kernel
def relocate(
    crowded: Codes, capacities: Codes, groups: GroupsOut, members: HandlesOut, counters: HandlesOut
) -> None:
    """Copy groups to the tail, with more room.

    Parameters
    ----------
    crowded : int32 array, shape (k,)
        Distinct locations.
    capacities : int32 array, shape (k,)
    groups : GROUP_RECORD array
    members : int64 array
    counters : int64 array, shape (2,)
        The tail is changed; there is enough memory behind it.
    """
    for i in range(crowded.shape[0]):
        _enlarge(groups[crowded[i]], capacities[i], members, counters)


# --- reading -------------------------------------------------------------------------


@kernel
def find_locations(indices: Handles, records: Placements, out: CodesOut) -> None:
    """Look up the location of each entity index.

    Parameters
    ----------
    indices : int64 array, shape (k,)
        Not negative.
    records : LOCATION_RECORD array
    out : int32 array, shape (k,)
        -1 for nowhere.
    """
    for i in range(indices.shape[0]):
        index = indices[i]
        out[i] = records[index]["location"] if index < records.shape[0] else -1


@kernel
def copy_members(groups: Groups, members: Handles, starts: Rows, out: HandlesOut) -> None:
    """Copy all members in the order of locations, without gaps.

    Parameters
    ----------
    groups : GROUP_RECORD array, shape (n_locations,)
    members : int64 array
    starts : intp array, shape (n_locations,)
        Where the members of each location go.
    out : int64 array, shape (n_placed,)
    """
    for code in range(groups.shape[0]):
        start = groups[code]["start"]
        for slot in range(groups[code]["count"]):
            out[starts[code] + slot] = members[start + slot]
