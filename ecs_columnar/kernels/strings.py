"""Kernels of the string table: hashing, look-up, insertion, and bytes in and out.

* A string is a run of UTF-8 bytes. Inside a table it has a code, a record that
  says where its bytes lie in the arena, and a slot.
* A slot is ``tag << 32 | code``. The tag is 31 bits of the hash, and the home
  of a tag is its share of the ``n_homes`` first slots, so homes rise with tags.
* Slots are sorted. Each string lies at its home or, if that is taken by smaller
  slots, in the next place after them. So the slots depend only on what is in
  the table, not on its history; a search ends at the first greater slot; and a
  larger table is filled by one pass from left to right.
* `EMPTY` is greater than any slot. The last slot is always empty.

The layout is the ordered hash table of O. Amble and D. E. Knuth, "Ordered hash
tables", The Computer Journal 17 (1974), with homes that keep the order of keys.

Bytes are read in words of eight. Numba's compiler makes one load of the eight
shifted bytes, on processors of either byte order, because the indices are
unsigned; signed ones may count from the end and are loaded one by one.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.dtypes import CODE, INDEX_BITS, INDEX_MASK
from ecs_columnar.kernels._jit import inlined, kernel
from ecs_columnar.kernels._prefetch import prefetch
from ecs_columnar.kernels._types import (
    Argument,
    Bytes,
    BytesOut,
    Codes,
    CodesOut,
    Handles,
    MaskOut,
)

EMPTY: Final = 2**63 - 1
"""A slot that holds no string."""

MAX_TAG: Final = 2**31 - 2
"""The greatest tag of a string: that of `EMPTY` is one more."""

NO_START: Final = -1
"""The start of a string that is not in the table."""

STRING_RECORD: Final = np.dtype([("start", np.int64), ("length", CODE)])

Offsets: TypeAlias = Annotated[NDArray[np.int64], Argument((np.int64, 1))]
OffsetsOut: TypeAlias = Annotated[NDArray[np.int64], Argument((np.int64, 1), writable=True)]
Records: TypeAlias = Annotated[NDArray[np.void], Argument((STRING_RECORD, 1))]
RecordsOut: TypeAlias = Annotated[NDArray[np.void], Argument((STRING_RECORD, 1), writable=True)]

TAG_BITS: Final = 31

HANDLE_BYTES: Final = 21
"""What a handle takes at most, written in two numbers of ten digits."""

_ZERO: Final = ord("0")
_V: Final = ord("v")

AHEAD: Final = 48
"""How many strings before its turn one asks for its slot."""

_CODE_MASK: Final = 0xFFFFFFFF

_U1: Final = np.uint64(1)
_U4: Final = np.uint64(4)
_U8: Final = np.uint64(8)
_U16: Final = np.uint64(16)
_U24: Final = np.uint64(24)
_U32: Final = np.uint64(32)
_U40: Final = np.uint64(40)
_U48: Final = np.uint64(48)
_U56: Final = np.uint64(56)
_BYTE: Final = np.uint64(0xFF)
_LOW: Final = np.uint64(0xFFFFFFFF)
_TAG: Final = np.uint64(0x7FFFFFFF)
_GREATEST_TAG: Final = np.uint64(MAX_TAG)
# The constants of wyhash32.
_KEY_LOW: Final = np.uint64(0x53C5CA59)
_KEY_HIGH: Final = np.uint64(0x74743C1B)


class Strings(NamedTuple):
    """Strings as bytes: string ``i`` is ``data[starts[i]:ends[i]]``."""

    data: Bytes
    starts: Offsets
    ends: Offsets


class PoolView(NamedTuple):
    """A `Pool` to read from, whose arrays may be read-only."""

    slots: Offsets
    records: Records
    arena: Bytes
    n_homes: int
    seed: int


class Pool(NamedTuple):
    """The arrays of a string table.

    ``slots`` is of shape (n_homes + n_spare + 1,), ``records`` has one record
    for each code, and ``seed`` is that of the hash.
    """

    slots: OffsetsOut
    records: RecordsOut
    arena: BytesOut
    n_homes: int
    seed: int


# --- bytes ---------------------------------------------------------------------------


@inlined
def _word(data: Bytes, at: np.uint64) -> np.uint64:
    """Read eight bytes, the first one lowest."""
    return (
        np.uint64(data[at])
        | np.uint64(data[at + np.uint64(1)]) << _U8
        | np.uint64(data[at + np.uint64(2)]) << _U16
        | np.uint64(data[at + np.uint64(3)]) << _U24
        | np.uint64(data[at + np.uint64(4)]) << _U32
        | np.uint64(data[at + np.uint64(5)]) << _U40
        | np.uint64(data[at + np.uint64(6)]) << _U48
        | np.uint64(data[at + np.uint64(7)]) << _U56
    )


@inlined
def _half_word(data: Bytes, at: np.uint64) -> np.uint64:
    """Read four bytes, the first one lowest."""
    return (
        np.uint64(data[at])
        | np.uint64(data[at + np.uint64(1)]) << _U8
        | np.uint64(data[at + np.uint64(2)]) << _U16
        | np.uint64(data[at + np.uint64(3)]) << _U24
    )


@inlined
def _short(data: Bytes, at: np.uint64, length: np.uint64) -> np.uint64:
    """Read less than eight bytes; no two strings of one length read the same."""
    if length >= _U4:
        return _half_word(data, at) | _half_word(data, at + length - _U4) << _U32
    if length > np.uint64(0):
        middle = np.uint64(data[at + (length >> _U1)]) << _U8
        return np.uint64(data[at]) | middle | np.uint64(data[at + length - _U1]) << _U16
    return np.uint64(0)


@inlined
def _are_equal(a: Bytes, a_start: int, b: Bytes, b_start: int, n_bytes: int) -> bool:
    """Compare two runs of bytes of the same length."""
    a_at, b_at, length = np.uint64(a_start), np.uint64(b_start), np.uint64(n_bytes)
    if length < _U8:
        return bool(_short(a, a_at, length) == _short(b, b_at, length))
    last = length - _U8
    k = np.uint64(0)
    while k < last:
        if _word(a, a_at + k) != _word(b, b_at + k):
            return False
        k += _U8
    return bool(_word(a, a_at + last) == _word(b, b_at + last))


@inlined
def _put_word(out: BytesOut, at: np.uint64, word: np.uint64) -> None:
    """Write eight bytes, the lowest one first."""
    out[at] = np.uint8(word & _BYTE)
    out[at + np.uint64(1)] = np.uint8(word >> _U8 & _BYTE)
    out[at + np.uint64(2)] = np.uint8(word >> _U16 & _BYTE)
    out[at + np.uint64(3)] = np.uint8(word >> _U24 & _BYTE)
    out[at + np.uint64(4)] = np.uint8(word >> _U32 & _BYTE)
    out[at + np.uint64(5)] = np.uint8(word >> _U40 & _BYTE)
    out[at + np.uint64(6)] = np.uint8(word >> _U48 & _BYTE)
    out[at + np.uint64(7)] = np.uint8(word >> _U56 & _BYTE)


@inlined
def _copy(source: Bytes, source_start: int, out: BytesOut, out_start: int, n_bytes: int) -> None:
    """Copy a run of bytes to another array.

    By words: a loop over bytes takes 4 to 8 times as long for ids of 12 bytes,
    because it is vectorised for long runs.
    """
    read, write, length = np.uint64(source_start), np.uint64(out_start), np.uint64(n_bytes)
    k = np.uint64(0)
    if length < _U8:
        while k < length:
            out[write + k] = source[read + k]
            k += _U1
        return
    last = length - _U8
    while k < last:
        _put_word(out, write + k, _word(source, read + k))
        k += _U8
    _put_word(out, write + last, _word(source, read + last))


# --- hashing -------------------------------------------------------------------------


@inlined
def _mix(state: np.uint64) -> np.uint64:
    """Mix 64 bits by one multiplication of 32 by 32 bits, which cannot overflow."""
    product = ((state & _LOW) ^ _KEY_LOW) * ((state >> _U32) ^ _KEY_HIGH)
    return product ^ (state << _U32 | state >> _U32)


@inlined
def _tag_of(data: Bytes, start: int, end: int, seed: int) -> int:
    """Hash one string, as `hash_strings` does."""
    at, stop = np.uint64(start), np.uint64(end)
    length = stop - at
    state = np.uint64(seed) << _U32 ^ length
    if length < _U8:
        state = _mix(state ^ _short(data, at, length))
    else:
        last = stop - _U8
        while at < last:
            state = _mix(state ^ _word(data, at))
            at += _U8
        state = _mix(state ^ _word(data, last))
    state = _mix(state)
    tag = min((state >> _U32 ^ state) & _TAG, _GREATEST_TAG)
    return int(np.int64(tag))  # int() alone keeps it unsigned, when compiled


@kernel
def hash_strings(strings: Strings, seed: int, out: CodesOut) -> None:
    """Hash strings to tags.

    The function is wyhash32 of Wang Yi (https://github.com/wangyi-fudan/wyhash,
    public domain), with 64 bits of state in one number and the state added to
    each product, so that a factor of zero does not wipe it out (the "condom" of
    wyhash). All products are of 32 by 32 bits: the same in Python, in NumPy and
    compiled, on every platform.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    seed : int
        Not negative, below 2**32.
    out : int32 array, shape (n,)
        Out: a number from 0 to `MAX_TAG` for each string.
    """
    for i in range(strings.starts.shape[0]):
        out[i] = _tag_of(strings.data, strings.starts[i], strings.ends[i], seed)


# --- slots ---------------------------------------------------------------------------


@inlined
def _home(tag: int, n_homes: int) -> int:
    """Return the first slot that a string of this tag may have."""
    return (tag * n_homes) >> TAG_BITS


@inlined
def _seek(slots: Offsets, start: int, slot: int) -> int:
    """Return the first position from ``start`` on whose slot is not smaller."""
    at = start
    while slots[at] < slot:
        at += 1
    return at


@inlined
def _code_from(strings: Strings, i: int, tag: int, at: int, pool: PoolView | Pool) -> int:
    """Return the code of string ``i`` among the slots of its tag from ``at`` on, or -1."""
    start, length = strings.starts[i], strings.ends[i] - strings.starts[i]
    while pool.slots[at] >> 32 == tag:
        code = pool.slots[at] & _CODE_MASK
        record = pool.records[code]
        if record["length"] == length and _are_equal(
            strings.data, start, pool.arena, record["start"], length
        ):
            return code  # type: ignore[no-any-return]
        at += 1
    return -1


@kernel
def find(
    strings: Strings, tags: Codes, pool: PoolView, buffer: OffsetsOut, out: CodesOut
) -> tuple[int, int]:
    """Find the codes of strings.

    Four short loops instead of one: each one waits for memory only in ways
    that do not depend on each other or on a branch, so that the processor has
    many loads on the way. 100,000 of a million strings in random order take 51
    ns each, and 88 in one loop.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    tags : int32 array, shape (n,)
        Their tags, from `hash_strings` with the seed of the pool.
    pool : PoolView
    buffer : int64 array, shape (n,)
        Overwritten.
    out : int32 array, shape (n,)
        Out: their codes, -1 if absent.

    Returns
    -------
    n_absent, n_bytes : int
        Number of strings that are absent, and of their bytes.
    """
    slots, records, n = pool.slots, pool.records, tags.shape[0]
    for i in range(n):
        buffer[i] = slots[_home(int(tags[i]), pool.n_homes)]
    for i in range(n):
        tag = int(tags[i])
        slot = buffer[i]
        if slot < tag << 32:
            slot = slots[_seek(slots, _home(tag, pool.n_homes) + 1, tag << 32)]
        out[i] = slot & _CODE_MASK if slot >> 32 == tag else -1
    for i in range(n):
        length = strings.ends[i] - strings.starts[i]
        fits = out[i] >= 0 and records[out[i]]["length"] == length
        buffer[i] = records[out[i]]["start"] if fits else NO_START
    n_absent = n_bytes = 0
    for i in range(n):
        start, length = strings.starts[i], strings.ends[i] - strings.starts[i]
        if out[i] >= 0 and not (
            buffer[i] >= 0 and _are_equal(strings.data, start, pool.arena, buffer[i], length)
        ):
            tag = int(tags[i])
            at = _seek(slots, _home(tag, pool.n_homes), tag << 32)
            out[i] = _code_from(strings, i, tag, at + 1, pool)
        if out[i] < 0:
            n_absent += 1
            n_bytes += length
    return n_absent, n_bytes


@kernel
def find_one(
    data: Bytes, slots: Offsets, records: Records, arena: Bytes, n_homes: int, seed: int
) -> int:
    """Find the code of one string, or -1: `find` without its overhead a call.

    Parameters
    ----------
    data : uint8 array
        The bytes of the string.
    slots, records, arena, n_homes, seed
        The fields of a `Pool`. Apart, because Numba takes 0.5 us to look
        through a NamedTuple.
    """
    length = data.shape[0]
    tag = _tag_of(data, 0, length, seed)
    at = _seek(slots, _home(tag, n_homes), tag << 32)
    while slots[at] >> 32 == tag:
        code = slots[at] & _CODE_MASK
        if records[code]["length"] == length and _are_equal(
            data, 0, arena, records[code]["start"], length
        ):
            return code  # type: ignore[no-any-return]
        at += 1
    return -1


@inlined
def _put_slot(slots: OffsetsOut, at: int, slot: int) -> int:
    """Put a slot in its sorted place; return which one was empty: greater ones move up to it."""
    found = slots[at]
    while found != EMPTY:
        if found > slot:
            slots[at], slot = slot, found
        at += 1
        found = slots[at]
    slots[at] = slot
    return at


@inlined
def _is_crowded(slots: Offsets, home: int, n_spare: int) -> bool:
    """Tell whether all slots from a home to ``n_spare`` further on are taken."""
    at = home
    while slots[at] != EMPTY and at <= home + n_spare:
        at += 1
    return at > home + n_spare


@kernel
def insert(
    strings: Strings,
    tags: Codes,
    free: Codes,
    n_codes: int,
    n_bytes: int,
    pool: Pool,
    codes: CodesOut,
    counts: OffsetsOut,
) -> int:
    """Put strings that are absent into the table, once each, in order.

    Stops before a string for which there is no slot near its home.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    tags : int32 array, shape (n,)
    free : int32 array
        Codes to give to new strings, the last one first.
    n_codes : int
        The code to give after those, and then the next ones.
    n_bytes : int
        Bytes of the arena that are used.
    pool : Pool
        Changed. It has records and arena for all absent strings.
    codes : int32 array, shape (n,)
        -1 where a string may be absent. Out: the codes of all strings before
        the stop.
    counts : int64 array, shape (3,)
        Out: the code to give next that was never given, how many of ``free`` are
        left, and bytes that are used. Written here, so that the pool and its
        counts change as one.

    Returns
    -------
    int
        Strings before the stop.
    """
    slots, records, n_new = pool.slots, pool.records, 0
    n_free, n_spare = free.shape[0], slots.shape[0] - 1 - pool.n_homes
    n_done: int = tags.shape[0]
    for i in range(tags.shape[0]):
        if codes[i] >= 0:
            continue
        tag = int(tags[i])
        home = _home(tag, pool.n_homes)
        at = _seek(slots, home, tag << 32)
        code = _code_from(strings, i, tag, at, pool)
        if code < 0:
            if _is_crowded(slots, home, n_spare):
                n_done = i
                break
            code = int(free[n_free - 1 - n_new]) if n_new < n_free else n_codes + n_new - n_free
            length = strings.ends[i] - strings.starts[i]
            _copy(strings.data, strings.starts[i], pool.arena, n_bytes, length)
            records[code]["start"] = n_bytes
            records[code]["length"] = length
            _put_slot(slots, at, tag << 32 | code)
            n_bytes += length
            n_new += 1
        codes[i] = code
    n_reused = min(n_new, n_free)
    counts[0] = n_codes + n_new - n_reused
    counts[1] = n_free - n_reused
    counts[2] = n_bytes
    return n_done


# --- many new strings ----------------------------------------------------------------


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
    """Return the code of string ``i``, as `_code_from` does; what is new has no record yet."""
    at, tag = slot_at, pool.slots[slot_at] >> 32
    start, length = strings.starts[i], strings.ends[i] - strings.starts[i]
    while pool.slots[at] >> 32 == tag:
        code = pool.slots[at] & _CODE_MASK
        if code >= n_codes:
            other_start = strings.starts[code - n_codes]
            if strings.ends[code - n_codes] - other_start == length and _are_equal(
                strings.data, start, strings.data, other_start, length
            ):
                return code  # type: ignore[no-any-return]
        elif pool.records[code]["length"] == length and _are_equal(
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
            prefetch(slots, _home(keys[k + AHEAD] >> 32, n_homes))
        tag, i = keys[k] >> 32, keys[k] & _CODE_MASK
        home = _home(tag, n_homes)
        at = _seek(slots, home, tag << 32)
        code = -1
        if slots[at] >> 32 == tag:
            code = _code_or_next(strings, i, at, n_codes, pool)
        if code >= 0:
            n_found += 1
        else:
            code = n_codes + i
            if _put_slot(slots, at, tag << 32 | code) > home + n_spare:
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
        if slot != EMPTY and slot & _CODE_MASK < n_codes:
            at = max(at, _home(slot >> 32, n_homes))
            slots[at] = slot
            at += 1


@inlined
def _renumber_slots(n_codes: int, codes: Codes, slots: OffsetsOut) -> None:
    """Give the slots of new strings their codes, and put those of one tag in order."""
    for i in range(slots.shape[0]):
        code = slots[i] & _CODE_MASK
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
    records, arena, data = pool.records, pool.arena, strings.data
    n_found = _take_slots(strings, keys, n_codes, pool, codes)
    if n_found < 0:
        _drop_slots(n_codes, pool.n_homes, pool.slots)
        return False
    n_new, n_free = 0, free.shape[0]
    for i in range(codes.shape[0]):
        if codes[i] == n_codes + i:
            code = int(free[n_free - 1 - n_new]) if n_new < n_free else n_codes + n_new - n_free
            start, length = strings.starts[i], strings.ends[i] - strings.starts[i]
            _copy(data, start, arena, n_bytes, length)
            records[code]["start"] = n_bytes
            records[code]["length"] = length
            codes[i] = code
            n_bytes += length
            n_new += 1
        elif codes[i] >= n_codes:
            codes[i] = codes[codes[i] - n_codes]
    if n_found > 0 or n_free > 0:
        _renumber_slots(n_codes, codes, pool.slots)
    n_reused = min(n_new, n_free)
    counts[0] = n_codes + n_new - n_reused
    counts[1] = n_free - n_reused
    counts[2] = n_bytes
    return True


# --- strings out of the table --------------------------------------------------------


@inlined
def _remove(code: int, pool: Pool) -> None:
    """Take a string out of slots and records; greater slots move back to it."""
    slots, record = pool.slots, pool.records[code]
    tag = _tag_of(pool.arena, record["start"], record["start"] + record["length"], pool.seed)
    at = _seek(slots, _home(tag, pool.n_homes), tag << 32 | code)
    while slots[at + 1] != EMPTY and _home(slots[at + 1] >> 32, pool.n_homes) <= at:
        slots[at] = slots[at + 1]
        at += 1
    slots[at] = EMPTY
    record["start"] = NO_START
    record["length"] = 0


@kernel
def remove(codes: Codes, first: int, stop: int, pool: Pool) -> None:
    """Take strings out of the table; their bytes stay in the arena.

    Parameters
    ----------
    codes : int32 array, shape (k,)
        Distinct, of strings that are in the table.
    first, stop : int
        All codes from ``first`` to ``stop - 1`` as well; none of them is in ``codes``.
    pool : Pool
        Changed.
    """
    for i in range(codes.shape[0]):
        _remove(int(codes[i]), pool)
    for code in range(first, stop):
        _remove(code, pool)


@kernel
def move_slots(source: Offsets, n_homes: int, out: OffsetsOut) -> bool:
    """Put slots into a table of another size: one pass from left to right.

    Parameters
    ----------
    source : int64 array
        Slots in increasing order, with empty ones anywhere.
    n_homes : int
    out : int64 array, shape (n_homes + n_spare + 1,)
        All `EMPTY`.

    Returns
    -------
    bool
        Whether each slot is at most ``n_spare`` behind its home. If not, some
        are missing.
    """
    n_spare = out.shape[0] - 1 - n_homes
    at = 0
    for i in range(source.shape[0]):
        if source[i] != EMPTY:
            home = _home(source[i] >> 32, n_homes)
            at = max(at, home)
            if at > home + n_spare:
                return False
            out[at] = source[i]
            at += 1
    return True


# --- bytes out -----------------------------------------------------------------------


@kernel
def measure(codes: Codes, records: Records) -> tuple[int, int]:
    """Add up the lengths of strings.

    Parameters
    ----------
    codes : int32 array, shape (k,)
        Any numbers.
    records : STRING_RECORD array, shape (n_codes,)

    Returns
    -------
    n_bytes : int
        Bytes of the strings that are in the table.
    n_absent : int
        Codes, other than -1, of no string.
    """
    n_bytes = n_absent = 0
    for i in range(codes.shape[0]):
        code = codes[i]
        if 0 <= code < records.shape[0] and records[code]["start"] != NO_START:
            n_bytes += int(records[code]["length"])
        else:
            n_absent += code != -1
    return n_bytes, n_absent


@kernel
def locate_strings(codes: Codes, records: Records, starts: OffsetsOut, ends: OffsetsOut) -> None:
    """Tell where strings lie in the arena.

    Parameters
    ----------
    codes : int32 array, shape (k,)
        Of strings that are in the table; -1 is an empty one.
    records : STRING_RECORD array
    starts, ends : int64 array, shape (k,)
        Out.
    """
    for i in range(codes.shape[0]):
        starts[i] = ends[i] = 0
        if codes[i] >= 0:
            record = records[codes[i]]
            starts[i] = record["start"]
            ends[i] = record["start"] + int(record["length"])


@kernel
def write_strings(codes: Codes, records: Records, arena: Bytes, gap: int, out: BytesOut) -> None:
    """Write strings one after the other.

    Parameters
    ----------
    codes : int32 array, shape (k,)
        Of strings that are in the table; -1 writes an empty one.
    records : STRING_RECORD array
    arena : uint8 array
    gap : int
        Bytes left as they are after each string.
    out : uint8 array
        Out: with room for all.
    """
    at = 0
    for i in range(codes.shape[0]):
        if codes[i] >= 0:
            record = records[codes[i]]
            length = int(record["length"])
            _copy(arena, record["start"], out, at, length)
            at += length
        at += gap


@kernel
def join(strings: Strings, out: BytesOut) -> None:
    """Copy strings one after the other.

    Parameters
    ----------
    strings : Strings
    out : uint8 array
        Out: with room for all.
    """
    at = 0
    for i in range(strings.ends.shape[0]):
        start = strings.starts[i]
        length = strings.ends[i] - start
        _copy(strings.data, start, out, at, length)
        at += length


@kernel
def compact(arena: Bytes, records: RecordsOut, out: BytesOut) -> None:
    """Copy the strings of a table to another arena, in the order of their codes.

    Parameters
    ----------
    arena : uint8 array
    records : STRING_RECORD array, shape (n_codes,)
        Changed: where the strings lie in ``out``.
    out : uint8 array
        Out: with room for all.
    """
    at = 0
    for code in range(records.shape[0]):
        record = records[code]
        if record["start"] != NO_START:
            length = int(record["length"])
            _copy(arena, record["start"], out, at, length)
            record["start"] = at
            at += length


@inlined
def _put_number(number: int, out: BytesOut, at: int) -> int:
    """Write a number, not negative, in decimal digits; return where it ends."""
    end, rest = at + 1, number // 10
    while rest > 0:
        end, rest = end + 1, rest // 10
    for place in range(end - 1, at - 1, -1):
        out[place] = _ZERO + number % 10
        number //= 10
    return end


@kernel
def write_handles(handles: Handles, ends: OffsetsOut, out: BytesOut) -> None:
    """Write handles as index and generation, ``17v2``, one after the other.

    Parameters
    ----------
    handles : int64 array, shape (k,)
        Of entities, so not negative.
    ends : int64 array, shape (k,)
        Out: where each of them ends.
    out : uint8 array
        Out: with room for `HANDLE_BYTES` each.
    """
    at = 0
    for i in range(handles.shape[0]):
        at = _put_number(handles[i] & INDEX_MASK, out, at)
        out[at] = _V
        at = ends[i] = _put_number(handles[i] >> INDEX_BITS, out, at + 1)


# --- white space ---------------------------------------------------------------------


@inlined
def _is_plain(byte: int) -> bool:
    """Tell whether a byte is a character by itself, and no white space.

    Nearly all strings start and end with one.
    """
    return 0x20 < byte < 0x80


@inlined
def _space_length(data: Bytes, at: int, end: int) -> int:
    """Return the length of the white space character that starts at ``at``, or 0.

    White space is what `str.isspace` says: 10 characters of one byte, 2 of two
    and 17 of three.
    """
    lead = int(np.int64(data[at]))
    if lead < 0x80:
        return 1 if lead == 0x20 or 0x09 <= lead <= 0x0D or 0x1C <= lead <= 0x1F else 0
    if lead == 0xC2 and at + 1 < end:
        return 2 if data[at + 1] == 0x85 or data[at + 1] == 0xA0 else 0
    if 0xE1 <= lead <= 0xE3 and at + 2 < end:
        rest = lead << 16 | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2])
        is_space = (
            0xE28080 <= rest <= 0xE2808A  # U+2000 to U+200A
            or rest == 0xE19A80  # U+1680
            or rest == 0xE280A8  # U+2028
            or rest == 0xE280A9  # U+2029
            or rest == 0xE280AF  # U+202F
            or rest == 0xE2819F  # U+205F
            or rest == 0xE38080  # U+3000
        )
        return 3 if is_space else 0
    return 0


@inlined
def _trimmed_start(data: Bytes, start: int, end: int) -> int:
    """Return where the white space at the start of a string ends."""
    while start < end:
        length = _space_length(data, start, end)
        if length == 0:
            break
        start += length
    return start


@inlined
def _last_space_length(data: Bytes, start: int, end: int) -> int:
    """Return the length of the white space character that ends at ``end``, or 0."""
    if data[end - 1] < 0x80:
        return _space_length(data, end - 1, end)
    if end - 2 >= start and _space_length(data, end - 2, end) == 2:
        return 2
    if end - 3 >= start and _space_length(data, end - 3, end) == 3:
        return 3
    return 0


@inlined
def _trimmed_end(data: Bytes, start: int, end: int) -> int:
    """Return where the white space at the end of a string starts."""
    while start < end:
        length = _last_space_length(data, start, end)
        if length == 0:
            break
        end -= length
    return end


@kernel
def trim(strings: Strings, starts: OffsetsOut, ends: OffsetsOut) -> None:
    """Find where strings start and end without their outer white space.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    starts, ends : int64 array, shape (n,)
        Out: as `str.strip` does; equal for a string of nothing else.
    """
    data = strings.data  # once: each look into the tuple counts references, 5 ns
    for i in range(strings.starts.shape[0]):
        start, end = strings.starts[i], strings.ends[i]
        is_plain = start < end and _is_plain(data[start]) and _is_plain(data[end - 1])
        starts[i] = start if is_plain else _trimmed_start(data, start, end)
        ends[i] = end if is_plain else _trimmed_end(data, starts[i], end)


@kernel
def count_characters(strings: Strings, out: OffsetsOut) -> None:
    """Count the code points of strings: the bytes that do not go on with a character.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    out : int64 array, shape (n,)
    """
    for i in range(strings.starts.shape[0]):
        n = 0
        for at in range(strings.starts[i], strings.ends[i]):
            n += strings.data[at] & 0xC0 != 0x80
        out[i] = n


@kernel
def are_blank(strings: Strings, out: MaskOut) -> None:
    """Tell which strings are empty or only white space.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    out : bool array, shape (n,)
    """
    data = strings.data
    for i in range(strings.starts.shape[0]):
        start, end = strings.starts[i], strings.ends[i]
        is_plain = start < end and _is_plain(data[start])
        out[i] = not is_plain and _trimmed_start(data, start, end) == end
