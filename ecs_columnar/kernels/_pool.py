"""The arrays of a string table, and how its slots lie.

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
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.dtypes import CODE
from ecs_columnar.kernels._bytes import Offsets, OffsetsOut, Strings, are_equal, copy_bytes
from ecs_columnar.kernels._jit import inlined
from ecs_columnar.kernels._types import Argument, Bytes, BytesOut, Codes

EMPTY: Final = 2**63 - 1
"""A slot that holds no string; its tag is one more than the greatest."""

NO_START: Final = -1
"""The start of a string that is not in the table."""

STRING_RECORD: Final = np.dtype([("start", np.int64), ("length", CODE)])

Records: TypeAlias = Annotated[NDArray[np.void], Argument((STRING_RECORD, 1))]
RecordsOut: TypeAlias = Annotated[NDArray[np.void], Argument((STRING_RECORD, 1), writable=True)]

TAG_BITS: Final = 31

CODE_MASK: Final = 0xFFFFFFFF


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


@inlined
def home_of(tag: int, n_homes: int) -> int:
    """Return the first slot that a string of this tag may have."""
    return (tag * n_homes) >> TAG_BITS


@inlined
def seek(slots: Offsets, start: int, slot: int) -> int:
    """Return the first position from ``start`` on whose slot is not smaller."""
    at = start
    while slots[at] < slot:
        at += 1
    return at


@inlined
def code_from(strings: Strings, i: int, tag: int, at: int, pool: PoolView | Pool) -> int:
    """Return the code of string ``i`` among the slots of its tag from ``at`` on, or -1."""
    start, length = strings.starts[i], strings.ends[i] - strings.starts[i]
    while pool.slots[at] >> 32 == tag:
        code = pool.slots[at] & CODE_MASK
        record = pool.records[code]
        if record["length"] == length and are_equal(
            strings.data, start, pool.arena, record["start"], length
        ):
            return code  # type: ignore[no-any-return]
        at += 1
    return -1


@inlined
def put_slot(slots: OffsetsOut, at: int, slot: int) -> int:
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
def next_code(free: Codes, n_codes: int, n_new: int) -> int:
    """Return the code of the next string, when so many are new: the last free one, or a new one."""
    n_free = free.shape[0]
    return int(free[n_free - 1 - n_new]) if n_new < n_free else n_codes + n_new - n_free


@inlined
def keep_string(strings: Strings, i: int, code: int, n_bytes: int, pool: Pool) -> int:
    """Put the bytes of string ``i`` behind those of the arena; return how many there are then."""
    length = int(strings.ends[i] - strings.starts[i])
    copy_bytes(strings.data, strings.starts[i], pool.arena, n_bytes, length)
    pool.records[code]["start"] = n_bytes
    pool.records[code]["length"] = length
    return n_bytes + length


@inlined
def put_counts(free: Codes, n_codes: int, n_new: int, n_bytes: int, counts: OffsetsOut) -> None:
    """Count codes ever given, free ones and bytes, when so many strings were new."""
    n_reused = min(n_new, free.shape[0])
    counts[0] = n_codes + n_new - n_reused
    counts[1] = free.shape[0] - n_reused
    counts[2] = n_bytes
