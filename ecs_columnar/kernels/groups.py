"""Kernels over groups: who is in each location, and where each entity is.

* The members of location ``c`` are ``members[start : start + count]`` of
  ``groups[c]``; from there to ``capacity`` is slack. They are handles.
* The record of an entity index is its location, -1 for nowhere, and its slot:
  where it stands counted from the start of its group. So a group can be copied
  elsewhere and the records of its members still hold.
* ``records`` may be shorter than what an index asks for: those are nowhere.
* ``arrivals`` counts by location within one operation. Between operations it
  is all 0, so that none of them has to clear or to read all of it.

To do all groups anew is `mark`, `pack` and `append`. Between the first and the
last, the record of a mover holds its new location and minus its turn: -1 for
the first of the batch, -2 for the second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray

from ecs_columnar.dtypes import INDEX_MASK, MAX_ENTITIES, NO_ENTITY
from ecs_columnar.kernels._jit import inlined, kernel
from ecs_columnar.kernels._types import (
    Codes,
    CodesOut,
    Groups,
    GroupsOut,
    Handles,
    HandlesOut,
    Placements,
    PlacementsOut,
    Rows,
)

NO_ROOM = 2
"""What `place_one` returns instead of a change, when arrays have to grow first."""

AHEAD = 8
"""How many moves before its turn a move asks for its memory; 4 to 16 are equal."""


# --- memory that is needed soon ------------------------------------------------------


def prefetch(array: NDArray[Any], position: int | np.uint64) -> None:
    """Ask the processor to load an item of an array that will be needed soon.

    Changes nothing but the time that is taken. The position may be outside of
    the array. Without the JIT it does nothing.
    """


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _prefetch(_: Any, array: Any, position: Any) -> Any:  # pragma: no cover - the JIT's
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        item = builder.bitcast(builder.gep(start, [arguments[1]]), cgutils.voidptr_t)
        flag = ir.IntType(32)
        declared = ir.FunctionType(ir.VoidType(), [item.type, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, declared, "llvm.prefetch.p0")
        builder.call(function, [item, flag(0), flag(3), flag(1)])  # for reading, to keep, data
        return context.get_dummy_value()

    return types.void(array, position), emit


@overload(prefetch, strict=False)  # type: ignore[untyped-decorator, unused-ignore]
def _compile_prefetch(array: Any, position: Any) -> Any:  # pragma: no cover - the JIT's
    del array, position
    return lambda array, position: _prefetch(array, position)  # noqa: PLW0108 - as Numba wants it


@inlined
def _look_ahead(
    i: int, handles: Handles, records: PlacementsOut, groups: GroupsOut, members: HandlesOut
) -> None:
    """Ask for what the moves after ``i`` will need: records and last members."""
    _look_ahead_for_record(i, handles, records)
    if i + AHEAD < handles.shape[0]:
        index = handles[i + AHEAD] & INDEX_MASK
        location = records[index]["location"] if index < records.shape[0] else -1
        if location >= 0:
            group = groups[location]
            prefetch(members, _at(group, group["count"] - 1))


@inlined
def _look_ahead_for_record(i: int, handles: Handles, records: PlacementsOut) -> None:
    if i + 2 * AHEAD < handles.shape[0]:
        prefetch(records, handles[i + 2 * AHEAD] & INDEX_MASK)


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
) -> int:
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

    Returns
    -------
    int
        Change of the number of placed entities.
    """
    # Cache misses, five a move, take the time. To look ahead halves it. What
    # did not help at 1M entities in 10,000 locations: to load by block what the
    # block will need (5 to 20 % slower), and departures before arrivals (equal).
    change = 0
    for i in range(handles.shape[0]):
        _look_ahead(i, handles, records, groups, members)
        handle = handles[i]
        code = codes[i]
        index = handle & INDEX_MASK
        if index >= records.shape[0]:
            continue
        record = records[index]
        location = record["location"]
        if location == code:
            continue
        if location >= 0:
            _leave(location, record["slot"], records, groups, members)
            change -= 1
        if code >= 0:
            record["slot"] = _arrive(handle, code, groups, members)
            change += 1
        record["location"] = code
    return change


@kernel
def place_one(
    handle: int, code: int, records: PlacementsOut, groups: GroupsOut, members: HandlesOut
) -> int:
    """Move one entity, if that needs no memory.

    Parameters
    ----------
    handle : int
    code : int
        New location, -1 for nowhere.
    records : LOCATION_RECORD array
    groups : GROUP_RECORD array
    members : int64 array

    Returns
    -------
    int
        Change of the number of placed entities; `NO_ROOM` if nothing was done.
    """
    index = handle & INDEX_MASK
    if index >= records.shape[0]:
        return NO_ROOM if code >= 0 else 0
    record = records[index]
    location = record["location"]
    if location == code:
        return 0
    change = 0
    if code >= 0:
        if code >= groups.shape[0] or groups[code]["count"] == groups[code]["capacity"]:
            return NO_ROOM
        change += 1
    if location >= 0:
        _leave(location, record["slot"], records, groups, members)
        change -= 1
    if code >= 0:
        record["slot"] = _arrive(handle, code, groups, members)
    record["location"] = code
    return change


@kernel
def take_out(
    handles: Handles, records: PlacementsOut, groups: GroupsOut, members: HandlesOut
) -> int:
    """Take entities out of their locations, one after the other.

    Parameters
    ----------
    handles : int64 array, shape (k,)
        Who is nowhere stays there.
    records : LOCATION_RECORD array
    groups : GROUP_RECORD array
    members : int64 array

    Returns
    -------
    int
        Number of those who were somewhere.
    """
    n_out = 0
    for i in range(handles.shape[0]):
        _look_ahead(i, handles, records, groups, members)
        index = handles[i] & INDEX_MASK
        if index >= records.shape[0]:
            continue
        record = records[index]
        location = record["location"]
        if location >= 0:
            _leave(location, record["slot"], records, groups, members)
            record["location"] = -1
            n_out += 1
    return n_out


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
            capacity = max(count, min(2 * group["capacity"], MAX_ENTITIES))
            crowded[n_crowded] = code
            capacities[n_crowded] = capacity
            n_crowded += 1
            n_slots += capacity
    return n_crowded, n_slots


@kernel
def relocate(
    crowded: Codes, capacities: Codes, tail: int, groups: GroupsOut, members: HandlesOut
) -> int:
    """Copy groups to the tail, with more room.

    Parameters
    ----------
    crowded : int32 array, shape (k,)
        Distinct locations.
    capacities : int32 array, shape (k,)
    tail : int
        Where unused memory starts; there is enough.
    groups : GROUP_RECORD array
    members : int64 array

    Returns
    -------
    int
        The new tail.
    """
    for i in range(crowded.shape[0]):
        group = groups[crowded[i]]
        start = group["start"]
        for slot in range(group["count"]):
            members[tail + slot] = members[start + slot]
        group["start"] = tail
        group["capacity"] = capacities[i]
        tail += capacities[i]
    return tail


# --- all anew ------------------------------------------------------------------------


@kernel
def count_unplaced(handles: Handles, records: Placements) -> int:
    """Count the handles, repeats included, of entities that are nowhere.

    Parameters
    ----------
    handles : int64 array, shape (k,)
    records : LOCATION_RECORD array
    """
    n_unplaced = 0
    for i in range(handles.shape[0]):
        index = handles[i] & INDEX_MASK
        n_unplaced += index >= records.shape[0] or records[index]["location"] < 0
    return n_unplaced


@kernel
def mark(
    handles: Handles,
    codes: Codes,
    records: PlacementsOut,
    groups: Groups,
    members: HandlesOut,
    arrivals: CodesOut,
) -> int:
    """Note where entities go, and empty the slots that they leave.

    Parameters
    ----------
    handles : int64 array, shape (k,)
    codes : int32 array, shape (k,)
        New locations, -1 for nowhere. Who is there already stays where it stands.
    records : LOCATION_RECORD array
        Out: of movers, the new location and minus the turn.
    groups : GROUP_RECORD array, shape (n_locations,)
    members : int64 array
        Out: `NO_ENTITY` in the slots that are left.
    arrivals : int32 array, shape (n_locations,)
        All 0. Out: by how much each group will have grown.

    Returns
    -------
    int
        Change of the number of placed entities.
    """
    change = 0
    for i in range(handles.shape[0]):
        _look_ahead(i, handles, records, groups, members)
        index = handles[i] & INDEX_MASK
        code = codes[i]
        if index >= records.shape[0]:
            continue
        record = records[index]
        location = record["location"]
        slot = record["slot"]
        if location == code:
            continue
        if location >= 0:
            if slot >= 0:
                members[_at(groups[location], slot)] = NO_ENTITY
            arrivals[location] -= 1
            change -= 1
        if code >= 0:
            arrivals[code] += 1
            change += 1
        record["location"] = code
        record["slot"] = -1 - i
    return change


@kernel
def pack(
    records: PlacementsOut,
    groups: GroupsOut,
    members: Handles,
    arrivals: CodesOut,
    out: HandlesOut,
) -> int:
    """Copy the members who stay, in their order, to where there is room for all.

    Groups lie in the order of locations, each with room for a quarter more
    than it will have, and two.

    Parameters
    ----------
    records : LOCATION_RECORD array
        Changed: the slots of members that move up.
    groups : GROUP_RECORD array, shape (n_locations,)
        Changed.
    members : int64 array
        `NO_ENTITY` in the slots of those who do not stay.
    arrivals : int32 array, shape (n_locations,)
        By how much each group will have grown. Out: all 0.
    out : int64 array
        Out: of at least `packed_length` slots.

    Returns
    -------
    int
        The tail: where the last group ends.
    """
    tail = 0
    for code in range(groups.shape[0]):
        group = groups[code]
        start = group["start"]
        count = group["count"]
        n_stay = 0
        for slot in range(count):
            handle = members[start + slot]
            if handle == NO_ENTITY:
                continue
            out[tail + n_stay] = handle
            if slot != n_stay:
                records[handle & INDEX_MASK]["slot"] = n_stay
            n_stay += 1
        count += arrivals[code]
        arrivals[code] = 0
        group["start"] = tail
        group["count"] = n_stay
        # At most half: many groups of one or two would take three times their size.
        group["capacity"] = min(count + (count >> 2) + min(count >> 2, 2), MAX_ENTITIES)
        tail += group["capacity"]
    return tail


@kernel
def append(
    handles: Handles, records: PlacementsOut, groups: GroupsOut, members: HandlesOut
) -> None:
    """Put those who were marked into their groups, in the order of the batch.

    Parameters
    ----------
    handles : int64 array, shape (k,)
        The batch that was marked.
    records : LOCATION_RECORD array
    groups : GROUP_RECORD array
        There is room for all.
    members : int64 array
    """
    for i in range(handles.shape[0]):
        _look_ahead_for_record(i, handles, records)
        index = handles[i] & INDEX_MASK
        if index >= records.shape[0]:
            continue
        record = records[index]
        if record["slot"] == -1 - i and record["location"] >= 0:
            record["slot"] = _arrive(handles[i], record["location"], groups, members)


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
