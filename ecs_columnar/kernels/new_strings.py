"""Kernels that put many new strings into a table at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from ecs_columnar.kernels._bytes import Offsets, OffsetsOut, Strings, are_equal
from ecs_columnar.kernels._jit import inlined, kernel
from ecs_columnar.kernels._pool import (
    CODE_MASK,
    EMPTY,
    Pool,
    home_of,
    keep_string,
    next_code,
    put_counts,
    put_slot,
    seek,
)
from ecs_columnar.kernels._prefetch import prefetch
from ecs_columnar.kernels._types import Codes, CodesOut

AHEAD: Final = 48
"""How many strings before its turn one asks for its slot."""


@kernel
def group_tags(tags: Codes, shift: int, starts: OffsetsOut, out: OffsetsOut) -> None:
    """Group strings by the upper bits of their tags, in order within each group.

    Parameters
    ----------
    tags : int32 array, shape (n,)
    shift : int
        How many lower bits do not count.
    starts : int64 array, shape (n_groups + 1,)
        All 0. Out: where each group ends, and the last one twice.
    out : int64 array, shape (n,)
        Out: ``tag << 32 | i`` of string ``i``.
    """
    for i in range(tags.shape[0]):
        starts[(tags[i] >> shift) + 1] += 1
    for group in range(1, starts.shape[0]):
        starts[group] += starts[group - 1]
    for i in range(tags.shape[0]):
        group = tags[i] >> shift
        out[starts[group]] = np.int64(tags[i]) << 32 | i
        starts[group] += 1


@inlined
def _code_or_next(strings: Strings, i: int, slot_at: int, n_codes: int, pool: Pool) -> int:
    """Return the code of string ``i``, as `code_from` does; what is new has no record yet."""
    at, tag = slot_at, pool.slots[slot_at] >> 32
    start, length = strings.starts[i], strings.ends[i] - strings.starts[i]
    while pool.slots[at] >> 32 == tag:
        code = pool.slots[at] & CODE_MASK
        if code >= n_codes:
            other_start = strings.starts[code - n_codes]
            if strings.ends[code - n_codes] - other_start == length and are_equal(
                strings.data, start, strings.data, other_start, length
            ):
                return code  # type: ignore[no-any-return]
        elif pool.records[code]["length"] == length and are_equal(
            strings.data, start, pool.arena, pool.records[code]["start"], length
        ):
            return code  # type: ignore[no-any-return]
        at += 1
    return -1


@inlined
def _take_slots(strings: Strings, keys: Offsets, n_codes: int, pool: Pool, codes: CodesOut) -> int:
    """Give slots to strings that are absent; return how many are not, -1 if one finds none."""
    slots, n_homes, n = pool.slots, pool.n_homes, keys.shape[0]
    n_found, n_spare = 0, slots.shape[0] - 1 - n_homes
    for k in range(n):
        if k + AHEAD < n:
            prefetch(slots, home_of(keys[k + AHEAD] >> 32, n_homes))
        tag, i = keys[k] >> 32, keys[k] & CODE_MASK
        home = home_of(tag, n_homes)
        at = seek(slots, home, tag << 32)
        code = -1
        if slots[at] >> 32 == tag:
            code = _code_or_next(strings, i, at, n_codes, pool)
        if code >= 0:
            n_found += 1
        else:
            code = n_codes + i
            if put_slot(slots, at, tag << 32 | code) > home + n_spare:
                return -1  # and `_drop_slots` puts all back
        codes[i] = code
    return n_found


@inlined
def _drop_slots(n_codes: int, n_homes: int, slots: OffsetsOut) -> None:
    """Take the slots of codes from ``n_codes`` on away; the others move back."""
    at = 0
    for i in range(slots.shape[0]):
        slot = slots[i]
        slots[i] = EMPTY
        if slot != EMPTY and slot & CODE_MASK < n_codes:
            at = max(at, home_of(slot >> 32, n_homes))
            slots[at] = slot
            at += 1


@inlined
def _renumber_slots(n_codes: int, codes: Codes, slots: OffsetsOut) -> None:
    """Give the slots of new strings their codes, and put those of one tag in order."""
    for i in range(slots.shape[0]):
        code = slots[i] & CODE_MASK
        if slots[i] == EMPTY or code < n_codes:
            continue
        slot = slots[i] - code + codes[code - n_codes]
        at = i
        while at > 0 and slots[at - 1] != EMPTY and slots[at - 1] > slot:
            slots[at] = slots[at - 1]
            at -= 1
        slots[at] = slot


@kernel
def insert_many(
    strings: Strings,
    keys: Offsets,
    free: Codes,
    n_codes: int,
    n_bytes: int,
    pool: Pool,
    codes: CodesOut,
    counts: OffsetsOut,
) -> bool:
    """Put strings that are absent into the table, as `insert` does, most of which are new.

    Slots are taken in the order of groups of tags, so that those of a group are in
    the cache; a new string ``i`` has the code ``n_codes + i`` there, until all of
    them have theirs. A million ids of 12 characters take 50 ns each, and 230 by
    `find` and `insert` on a machine whose memory is shared with others.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    keys : int64 array, shape (n,)
        From `group_tags`.
    free : int32 array
    n_codes, n_bytes : int
    pool : Pool
        Changed. It has records, homes and arena for all strings.
    codes : int32 array, shape (n,)
        Out: the codes of all strings.
    counts : int64 array, shape (3,)
        Out: as of `insert`.

    Returns
    -------
    bool
        False where a string finds no slot near its home: nothing has changed then,
        but for ``codes``.
    """
    n_found = _take_slots(strings, keys, n_codes, pool, codes)
    if n_found < 0:
        _drop_slots(n_codes, pool.n_homes, pool.slots)
        return False
    n_new = 0
    for i in range(codes.shape[0]):
        if codes[i] == n_codes + i:
            code = next_code(free, n_codes, n_new)
            n_bytes = keep_string(strings, i, code, n_bytes, pool)
            codes[i] = code
            n_new += 1
        elif codes[i] >= n_codes:
            codes[i] = codes[codes[i] - n_codes]
    if n_found > 0 or free.shape[0] > 0:
        _renumber_slots(n_codes, codes, pool.slots)
    put_counts(free, n_codes, n_new, n_bytes, counts)
    return True
