"""Slow twins of `ecs_columnar.kernels.groups`.

They know who is where as one list of handles a location, and find a handle by
looking into all of them. Capacities, where there are any, are a list as well.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

Lists = list[list[int]]
Waiting = dict[int, tuple[int, int]]
"""By handle: the turn of its last move, from 1, and where that goes."""

NOWHERE = -1
NO_ROOM = 2
HOLE = 0


def index_of(handle: int) -> int:
    return handle % 2**32


def location_of(handle: int, lists: Lists) -> int:
    return next((code for code, handles in enumerate(lists) if handle in handles), NOWHERE)


def n_placed(lists: Lists) -> int:
    return sum(map(len, lists))


def swap_remove(handles: list[int], handle: int) -> None:
    """Take a handle out of a list; the last one stands where it stood."""
    handles[handles.index(handle)] = handles[-1]
    handles.pop()


def prefetch(array: Any, position: int) -> None:
    """Do nothing, which is what there is to see of it."""


def place(handles: list[int], codes: list[int], lists: Lists) -> int:
    before = n_placed(lists)
    for handle, code in zip(handles, codes, strict=True):
        location = location_of(handle, lists)
        if location == code:
            continue
        if location != NOWHERE:
            swap_remove(lists[location], handle)
        if code != NOWHERE:
            lists[code].append(handle)
    return n_placed(lists) - before


def place_one(handle: int, code: int, lists: Lists, capacities: list[int], n_records: int) -> int:
    is_move = location_of(handle, lists) != code != NOWHERE
    if is_move and index_of(handle) >= n_records:
        return NO_ROOM
    if is_move and (code >= len(lists) or len(lists[code]) == capacities[code]):
        return NO_ROOM
    return place([handle], [code], lists)


def take_out(handles: list[int], lists: Lists) -> int:
    return -place(handles, [NOWHERE] * len(handles), lists)


def find_limits(handles: list[int], codes: list[int]) -> tuple[int, int]:
    placed = [index_of(h) for h, code in zip(handles, codes, strict=True) if code != NOWHERE]
    return max(placed, default=-1) + 1, max(codes, default=NOWHERE) + 1


def find_crowded(codes: list[int], lists: Lists, capacities: list[int]) -> dict[int, int]:
    """Return the new capacities, in the order in which the batch comes by the locations."""
    arrivals = Counter(code for code in codes if code != NOWHERE)
    needed = {code: len(lists[code]) + n for code, n in arrivals.items()}
    return {
        code: max(count, 2 * capacities[code])
        for code, count in needed.items()
        if count > capacities[code]
    }


def relocate(crowded: dict[int, int], tail: int) -> tuple[dict[int, int], int]:
    """Return where the groups start then, and the tail."""
    starts = {}
    for code, capacity in crowded.items():
        starts[code] = tail
        tail += capacity
    return starts, tail


def count_unplaced(handles: list[int], lists: Lists) -> int:
    return sum(location_of(handle, lists) == NOWHERE for handle in handles)


def mark(handles: list[int], codes: list[int], lists: Lists) -> Waiting:
    """Leave holes in the lists, and return who waits to go where."""
    waiting: Waiting = {}
    for turn, (handle, code) in enumerate(zip(handles, codes, strict=True), start=1):
        place_now = location_of(handle, lists)
        if handle in waiting:
            _, place_now = waiting[handle]
        if place_now == code:
            continue
        if handle not in waiting and place_now != NOWHERE:
            lists[place_now][lists[place_now].index(handle)] = HOLE
        waiting[handle] = turn, code
    return waiting


def pack(lists: Lists, arrivals: list[int]) -> tuple[Lists, list[int]]:
    """Close the holes, and return the lists and their capacities."""
    counts = [len(handles) + n for handles, n in zip(lists, arrivals, strict=True)]
    packed = [[handle for handle in handles if handle != HOLE] for handles in lists]
    return packed, [count + count // 4 + min(count // 4, 2) for count in counts]


def append(waiting: Waiting, lists: Lists) -> None:
    for handle, (_, code) in sorted(waiting.items(), key=lambda item: item[1]):
        if code != NOWHERE:
            lists[code].append(handle)


def find_locations(indices: list[int], lists: Lists) -> list[int]:
    known = {index_of(h): code for code, handles in enumerate(lists) for h in handles}
    return [known.get(index, NOWHERE) for index in indices]


def copy_members(lists: Lists) -> list[int]:
    return [handle for handles in lists for handle in handles]
