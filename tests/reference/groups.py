"""Slow twins of `ecs_columnar.kernels.groups`.

They know who is where as one list of handles a location, and find a handle by
looking into all of them. Capacities, where there are any, are a list as well.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.reference.entities import Record, is_alive

Lists = list[list[int]]

NOWHERE = -1


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


def place(handles: list[int], codes: list[int], lists: Lists) -> list[tuple[int, int]]:
    """Move one after the other, and return where each was: location and slot."""
    before = []
    for handle, code in zip(handles, codes, strict=True):
        location = location_of(handle, lists)
        slot = NOWHERE if location == NOWHERE else lists[location].index(handle)
        before.append((location, slot))
        if location == code:
            continue
        if location != NOWHERE:
            swap_remove(lists[location], handle)
        if code != NOWHERE:
            lists[code].append(handle)
    return before


def unplace(
    handles: list[int], codes: list[int], before: list[tuple[int, int]], lists: Lists
) -> None:
    """Take back what `place` did, the last move first."""
    for handle, code, (location, slot) in reversed(list(zip(handles, codes, before, strict=True))):
        if location == code:
            continue
        if code != NOWHERE:
            assert lists[code].pop() == handle
        if location != NOWHERE:
            lists[location].append(handle)
            lists[location][slot], lists[location][-1] = handle, lists[location][slot]


def place_one(
    handle: int,
    code: int,
    entities: list[Record],
    lists: Lists,
    capacities: list[int],
    n_records: int,
    n_free: int,
) -> bool:
    """Move one of the living, if there is room.

    ``n_free`` slots behind the groups are free to become room.
    """
    if not is_alive(handle, entities):
        return False
    is_move = location_of(handle, lists) != code != NOWHERE
    if is_move and index_of(handle) >= n_records:
        return False
    crowded = find_crowded([code], lists, capacities) if is_move else {}
    if sum(crowded.values()) > n_free:
        return False
    for full, capacity in crowded.items():
        capacities[full] = capacity
    place([handle], [code], lists)
    return True


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


def find_locations(indices: list[int], lists: Lists) -> list[int]:
    known = {index_of(h): code for code, handles in enumerate(lists) for h in handles}
    return [known.get(index, NOWHERE) for index in indices]


def copy_members(lists: Lists) -> list[int]:
    return [handle for handles in lists for handle in handles]
