"""Kernels of the string table: hashing, look-up, insertion, and bytes out.

How a table lies in memory is said in `_pool`, and what is a string in `_bytes`.
"""

from __future__ import annotations

from ecs_columnar.kernels._bytes import (
    MAX_TAG,
    Offsets,
    OffsetsOut,
    Strings,
    are_equal,
    copy_bytes,
    tag_of,
)
from ecs_columnar.kernels._jit import inlined, kernel
from ecs_columnar.kernels._pool import (
    CODE_MASK,
    EMPTY,
    NO_START,
    STRING_RECORD,
    TAG_BITS,
    Pool,
    PoolView,
    Records,
    RecordsOut,
    code_from,
    home_of,
    keep_string,
    next_code,
    put_counts,
    put_slot,
    seek,
)
from ecs_columnar.kernels._types import Bytes, BytesOut, Codes, CodesOut

__all__ = [
    "EMPTY",
    "MAX_TAG",
    "NO_START",
    "STRING_RECORD",
    "TAG_BITS",
    "Pool",
    "PoolView",
    "Strings",
]


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
        out[i] = tag_of(strings.data, strings.starts[i], strings.ends[i], seed)


# --- slots ---------------------------------------------------------------------------


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
        buffer[i] = slots[home_of(int(tags[i]), pool.n_homes)]
    for i in range(n):
        tag = int(tags[i])
        slot = buffer[i]
        if slot < tag << 32:
            slot = slots[seek(slots, home_of(tag, pool.n_homes) + 1, tag << 32)]
        out[i] = slot & CODE_MASK if slot >> 32 == tag else -1
    for i in range(n):
        length = strings.ends[i] - strings.starts[i]
        fits = out[i] >= 0 and records[out[i]]["length"] == length
        buffer[i] = records[out[i]]["start"] if fits else NO_START
    n_absent = n_bytes = 0
    for i in range(n):
        start, length = strings.starts[i], strings.ends[i] - strings.starts[i]
        if out[i] >= 0 and not (
            buffer[i] >= 0 and are_equal(strings.data, start, pool.arena, buffer[i], length)
        ):
            tag = int(tags[i])
            at = seek(slots, home_of(tag, pool.n_homes), tag << 32)
            out[i] = code_from(strings, i, tag, at + 1, pool)
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
    tag = tag_of(data, 0, length, seed)
    at = seek(slots, home_of(tag, n_homes), tag << 32)
    while slots[at] >> 32 == tag:
        code = slots[at] & CODE_MASK
        if records[code]["length"] == length and are_equal(
            data, 0, arena, records[code]["start"], length
        ):
            return code  # type: ignore[no-any-return]
        at += 1
    return -1


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
    slots, n_new = pool.slots, 0
    n_spare = slots.shape[0] - 1 - pool.n_homes
    n_done: int = tags.shape[0]
    for i in range(tags.shape[0]):
        if codes[i] >= 0:
            continue
        tag = int(tags[i])
        home = home_of(tag, pool.n_homes)
        at = seek(slots, home, tag << 32)
        code = code_from(strings, i, tag, at, pool)
        if code < 0:
            if _is_crowded(slots, home, n_spare):
                n_done = i
                break
            code = next_code(free, n_codes, n_new)
            n_bytes = keep_string(strings, i, code, n_bytes, pool)
            put_slot(slots, at, tag << 32 | code)
            n_new += 1
        codes[i] = code
    put_counts(free, n_codes, n_new, n_bytes, counts)
    return n_done


# --- strings out of the table --------------------------------------------------------


@inlined
def _remove(code: int, pool: Pool) -> None:
    """Take a string out of slots and records; greater slots move back to it."""
    slots, record = pool.slots, pool.records[code]
    tag = tag_of(pool.arena, record["start"], record["start"] + record["length"], pool.seed)
    at = seek(slots, home_of(tag, pool.n_homes), tag << 32 | code)
    while slots[at + 1] != EMPTY and home_of(slots[at + 1] >> 32, pool.n_homes) <= at:
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
            home = home_of(source[i] >> 32, n_homes)
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
            copy_bytes(arena, record["start"], out, at, length)
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
        copy_bytes(strings.data, start, out, at, length)
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
            copy_bytes(arena, record["start"], out, at, length)
            record["start"] = at
            at += length
