"""A set of strings, each with a small code: what ids, place names and ``str`` fields are.

* A code is valid until its string is discarded. Codes of discarded strings are
  used again, the last ones first, before fresh ones.
* Everything is a function of the history of calls: the same calls give the same
  codes and the same bytes on every run and platform. So the hash has no random
  seed, unlike Python's. Strings that have been made to collide are met by
  another seed (see `StringTable`).
* Room is made before anything is written, and the kernels that write cannot
  fail. A call that runs out of memory changes nothing but capacity.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import setitem
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.coded import OFTEN, Coded, Texts
from ecs_columnar.column import grown_capacity, owned
from ecs_columnar.dtypes import CODE, NO_CODE, ROW
from ecs_columnar.encoded import Encoded, to_bytes, to_text, to_texts
from ecs_columnar.encoding import blank, coded, encode
from ecs_columnar.errors import InvalidArgumentError, RepositoryConsistencyError, first_three
from ecs_columnar.state import Stateful
from ecs_columnar.steps import Step, run
from ecs_columnar.string_pool import (
    empty_pool,
    empty_slots,
    live_codes,
    n_spare_slots,
    sorted_slots,
    view_strings,
    with_bytes,
    with_homes,
    with_next_seed,
    with_records,
)

if TYPE_CHECKING:
    from ecs_columnar.kernels.strings import Pool

__all__ = ["Coded", "Encoded", "Mark", "StringTable", "Texts", "blank", "coded", "encode"]

# Strings are taken in so many at a time that what one kernel reads is in the
# cache for the next: of 1k to 256k, 2k to 8k were fastest.
_N_AT_ONCE: Final = 4096

# Of strings that are new, more are taken at a time: they are put in by the order
# of their slots, and a pass over all slots pays for many. Their keys take 12 bytes each.
_N_NEW_AT_ONCE: Final = 1 << 21
_MOST_TIMES: Final = 4

# Bytes of slots that are looked at together: about the second cache.
_SLOTS_AT_ONCE: Final = 1 << 20

_MAX_STRINGS: Final = 2**30
_MAX_LENGTH: Final = 2**31 - 1


class Mark(NamedTuple):
    """A state of a `StringTable` to go back to."""

    n_codes: int
    n_free: int
    n_bytes: int
    n_discards: int


class Room(NamedTuple):
    """What to make room for, beyond what is needed.

    Attributes
    ----------
    times : float
        How many times as many strings are to follow.
    is_sure : bool
        Whether they will be new.
    """

    times: float
    is_sure: bool

    def for_strings(self, n: int) -> int:
        """Return how many strings there may be, of which ``n`` are there.

        Four times as many at most, unless they are sure to be new: strings that are all
        new say little of those that follow. They may be the names, a few thousand, that
        then come again and again.
        """
        return n + int((self.times if self.is_sure else min(self.times, _MOST_TIMES - 1)) * n)

    def for_bytes(self, n: int) -> int:
        """Return how many bytes they may have: an eighth more, as numbers grow longer."""
        n_hoped = self.for_strings(n) - n
        return n + n_hoped + (n_hoped >> 3)


class StringTable(Stateful):
    """A set of distinct strings, each with an int32 code.

    Memory is 28 bytes a string, and its own bytes in UTF-8; after a growth up
    to half as much again is spare. A million ids of 12 characters take 40 MB.

    Notes
    -----
    Look-ups hash and compare bytes in compiled loops (`kernels.strings`). A
    million ids of 12 characters take 30 to 60 ns each to put in and 25 to 50 to find,
    and before that what `encode` takes.

    The hash is fast, known, and no defence against somebody who chooses strings
    to collide. The harm is bounded: when a string would lie more than 256 slots
    behind its home, all are hashed again with the next seed, and twice the
    slots are allowed from then on. To get there somebody needs hundreds of
    strings that collide, to get there again hundreds that collide under both
    seeds, and so on; each time costs one pass over the table.

    Examples
    --------
    >>> table = StringTable()
    >>> table.intern(encode(["harbour", "market", "harbour"]))
    (array([0, 1, 0], dtype=int32), 2)
    >>> table.find(encode(["market", "tower"]))
    array([ 1, -1], dtype=int32)
    >>> table.decode(np.array([1, -1, 0], np.int32))
    array(['market', None, 'harbour'], dtype=object)
    """

    STATE = ("_counts", "_free", "_n_discards", "_n_waste", "_pool")
    __slots__ = (
        "_counts",
        "_free",
        "_n_discards",
        "_n_waste",
        "_pool",
    )

    _pool: Pool

    def __init__(self) -> None:
        self._counts = np.zeros(3, np.int64)  # of codes, of free ones, of bytes in the arena
        self._n_waste = 0  # bytes of discarded strings
        self._n_discards = 0
        self._free = np.empty(0, CODE)  # a stack: the last one is used first
        self._pool = empty_pool()

    def __len__(self) -> int:
        return self._n_codes - self._n_free

    def __repr__(self) -> str:
        return f"<StringTable: {len(self)} strings, {self.nbytes} bytes>"

    @property
    def _n_codes(self) -> int:
        return self._counts.item(0)

    @property
    def _n_free(self) -> int:
        return self._counts.item(1)

    @property
    def _n_bytes(self) -> int:
        return self._counts.item(2)

    @property
    def n_codes(self) -> int:
        """One more than the highest code ever given: the length of an array by code."""
        return self._n_codes

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, capacity included."""
        pool = self._pool
        return pool.slots.nbytes + pool.records.nbytes + pool.arena.nbytes + self._free.nbytes

    # --- strings to codes ------------------------------------------------------------

    def find(self, encoded: Encoded) -> NDArray[np.int32]:
        """Return the codes of strings; changes nothing.

        Parameters
        ----------
        encoded : Encoded
            ``n`` strings.

        Returns
        -------
        int32 array, shape (n,)
            -1 where a string is not in the table, or is missing.
        """
        codes = np.empty(encoded.n_strings, CODE)
        for rows in _parts(encoded.n_strings):
            self._find(_part(encoded, rows), codes[rows])
        if encoded.missing is not None:
            codes[encoded.missing] = NO_CODE
        return codes

    def code(self, string: str) -> int:
        """Return the code of one string, -1 if it is not in the table.

        Raises
        ------
        InvalidArgumentError
            When it is not a `str`.
        """
        if not isinstance(string, str):
            message = f"cannot look up {string!r}: it is not a str"
            raise InvalidArgumentError("string", string, message)
        slots, records, arena, n_homes, seed = self._pool
        data = to_bytes(string)
        return kernels.strings.find_one(data, slots, records, arena, n_homes, seed)

    def intern(
        self, encoded: Encoded, n_later: int = 0, *, are_new: bool = False
    ) -> tuple[NDArray[np.int32], int]:
        """Return the codes of strings; those that are not in the table come into it.

        Parameters
        ----------
        encoded : Encoded
            ``n`` strings.
        n_later : int, optional
            How many like these are announced to follow.
        are_new : bool, optional
            Whether room for all of them is made at once, because none is expected to be
            known.

        Returns
        -------
        codes : int32 array, shape (n,)
            New strings have codes in the order in which they first occur: those
            of discarded strings, the last ones first, then fresh ones. -1 where
            a string is missing.
        n_new : int
            Number of strings that were not in the table.

        Raises
        ------
        MemoryError
            Nothing has changed.
        InvalidArgumentError
            When a string has 2**31 bytes or more, or the table 2**30 strings.
            Nothing has changed.
        """
        codes = np.full(encoded.n_strings, NO_CODE, CODE)
        if encoded.missing is not None:
            present = np.flatnonzero(~encoded.missing)
            encoded = encoded.take(present)._replace(missing=None)
            codes[present], n_new = self.intern(encoded, n_later, are_new=are_new)
            return codes, n_new
        n_before, mark = len(self), self.mark()
        try:
            self._intern_all(encoded, codes, n_later, are_new=are_new)
        except BaseException:
            self.rollback(mark)
            raise
        return codes, len(self) - n_before

    # --- codes to strings ------------------------------------------------------------

    def string(self, code: int) -> str:
        """Return the string of one code.

        Raises
        ------
        InvalidArgumentError
            When the code is of no string.
        """
        no_string = kernels.strings.NO_START, 0
        is_code = 0 <= code < self._n_codes
        start, length = self._pool.records.item(code) if is_code else no_string
        if start == kernels.strings.NO_START:
            raise _not_codes(np.array([code]), 1, "of no string")
        return to_text(self._pool.arena[start : start + length])

    def decode(self, codes: NDArray[np.int32]) -> NDArray[Any]:
        """Return the strings of codes, as an object array; None for -1.

        Parameters
        ----------
        codes : int32 array, shape (n,)

        Raises
        ------
        InvalidArgumentError
            When a code, other than -1, is of no string.
        """
        codes = np.ascontiguousarray(codes, CODE)
        self._measure(codes)
        if codes.shape[0] <= self._n_codes:
            texts = self._texts(codes)
            texts[codes < 0] = None
            return texts
        # Some occur more than once: make each string once. The last item, that
        # of code -1, stays None.
        texts = np.empty(self._n_codes + 1, object)
        live = live_codes(self._pool, self._n_codes)
        texts[live.astype(ROW)] = self._texts(live)
        return np.asarray(texts[codes.astype(np.intp)])

    def encoded(self, codes: NDArray[np.int32]) -> Encoded:
        """Return the strings of codes as bytes: a view, until the table changes.

        Parameters
        ----------
        codes : int32 array, shape (n,)
            Of strings in the table.
        """
        return view_strings(self._pool, np.asarray(codes, CODE))

    def column(self, codes: NDArray[np.int32]) -> Coded | Texts:
        """Return the strings of codes as a column, without a Python string for each.

        Parameters
        ----------
        codes : int32 array, shape (n,)
            Of strings in the table.

        Returns
        -------
        Coded or Texts
            The strings that occur, numbered, if there are few in the table; bytes
            else, which are a view, until the table changes.
        """
        n = codes.shape[0]
        if self._n_codes * OFTEN > n:
            return Texts(self.encoded(codes))
        numbers = np.full(self._n_codes, NO_CODE, CODE)
        labels, order = np.empty((2, n), CODE)
        n_distinct = kernels.rows.number_codes(codes, numbers, labels, order)
        texts = self.decode(order[:n_distinct])
        return Coded(labels.astype(np.intp), texts, is_distinct=True)

    def live_codes(self) -> NDArray[np.int32]:
        """Return the codes that have a string, increasing. O(codes)."""
        return live_codes(self._pool, self._n_codes)

    def joined(self, codes: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Copy the bytes of strings, one after the other, and their lengths.

        Parameters
        ----------
        codes : int32 array, shape (n,)
            Of strings in the table.
        """
        encoded = self.encoded(codes)
        data = np.empty(self._measure(codes), np.uint8)
        kernels.strings.write_strings(codes, self._pool.records, self._pool.arena, 0, data)
        return data, np.asarray(encoded.ends - encoded.starts, np.int64)

    # --- going back ------------------------------------------------------------------

    def mark(self) -> Mark:
        """Return a mark to which `rollback` goes back."""
        n_codes, n_free, n_bytes = self._counts.tolist()
        return Mark(n_codes, n_free, n_bytes, self._n_discards)

    def rollback(self, mark: Mark) -> None:
        """Undo all that `intern` did since the mark.

        All is as it was, byte by byte, except that capacity stays, and that
        slots whose number or seed has changed stay so. O(strings undone).

        Parameters
        ----------
        mark : Mark
            The last one, or one from before that.

        Raises
        ------
        InvalidArgumentError
            When strings have been discarded since, or the mark has been undone.
        """
        run(self.rolling_back(mark))

    def rolling_back(self, mark: Mark) -> list[Step]:
        """Return what `rollback` does, for steps to run."""
        n_codes, n_free, n_bytes, n_discards = mark
        if n_discards != self._n_discards or not (
            n_codes <= self._n_codes and n_free >= self._n_free and n_bytes <= self._n_bytes
        ):
            message = "cannot roll back: strings were discarded since, or an older mark undone"
            raise InvalidArgumentError("mark", mark, message)
        if mark == self.mark():
            return []
        self.own()
        reused = self._free[self._n_free : n_free]
        return [
            kernels.step(kernels.strings.remove, reused, n_codes, self._n_codes, self._pool),
            (setitem, self._counts, slice(None), (n_codes, n_free, n_bytes)),
        ]

    def discard(self, codes: NDArray[np.int32]) -> None:
        """Forget strings. To intern them again in the same order gives the same codes.

        Parameters
        ----------
        codes : int32 array, shape (n,)
            Distinct, of strings in the table.

        Raises
        ------
        InvalidArgumentError
            When they are not. Nothing has changed.
        MemoryError
            Nothing has changed.
        """
        run(self.discarding(codes))

    def discarding(self, codes: NDArray[np.int32]) -> list[Step]:
        """Return what `discard` does, for steps to run."""
        codes = np.ascontiguousarray(codes, CODE)
        n_waste = self._n_waste + self._measure_distinct(codes)
        self.own()
        n_free = self._n_free + codes.shape[0]
        if n_free > self._free.shape[0]:
            free = np.empty(grown_capacity(self._free.shape[0], n_free), CODE)
            free[: self._n_free] = self._free[: self._n_free]
            self._free = free
        steps: list[Step] = [
            kernels.step(kernels.strings.remove, codes, 0, 0, self._pool),
            (setitem, self._free, slice(self._n_free, n_free), codes[::-1].copy()),
            (setitem, self._counts, 1, n_free),
            (setattr, self, "_n_waste", n_waste),
            (setattr, self, "_n_discards", self._n_discards + 1),
        ]
        if 2 * n_waste > self._n_bytes:
            steps += self._compacting(self._n_bytes - n_waste)
        return steps

    def own(self) -> None:
        """Copy the arrays that a snapshot holds."""
        pool = self._pool
        if not pool.records.flags.writeable:
            self._free = owned(self._free)
            self._counts = owned(self._counts)
            self._pool = pool._replace(
                slots=owned(pool.slots), records=owned(pool.records), arena=owned(pool.arena)
            )

    def check(self) -> None:
        """Verify that codes, strings, slots and free codes agree. O(codes).

        Raises
        ------
        RepositoryConsistencyError
            When they do not.
        """
        live = live_codes(self._pool, self._n_codes)
        codes = np.sort(np.concatenate([live, self._free[: self._n_free]]))
        if not np.array_equal(codes, np.arange(self._n_codes)):
            raise RepositoryConsistencyError(
                f"cannot trust the strings: of {self._n_codes} codes {live.shape[0]} are in use "
                f"and {self._n_free} free"
            )
        encoded = self.encoded(live)
        n_live_bytes = int((encoded.ends - encoded.starts).sum())
        last = int(encoded.ends.max(initial=0))
        if last > self._n_bytes or n_live_bytes != self._n_bytes - self._n_waste:
            raise RepositoryConsistencyError(
                f"cannot trust the strings: they have {n_live_bytes} bytes up to {last}, not "
                f"{self._n_bytes - self._n_waste} up to {self._n_bytes}"
            )
        n_astray = int(np.count_nonzero(self.find(encoded) != live))
        if n_astray:
            raise RepositoryConsistencyError(
                f"cannot trust the strings: {n_astray} of {live.shape[0]} do not find their code"
            )
        pool, slots = self._pool, empty_slots(self._pool.n_homes, n_spare_slots(self._pool))
        kernels.strings.move_slots(sorted_slots(pool, live, pool.seed), pool.n_homes, slots)
        if not np.array_equal(slots, pool.slots):
            raise RepositoryConsistencyError("cannot trust the strings: slots are out of order")

    # --- parts -----------------------------------------------------------------------

    def _find(self, part: Encoded, codes: NDArray[np.int32]) -> tuple[NDArray[np.int32], int, int]:
        """Find codes; return the tags of the strings, and how many, of what size, are absent."""
        tags, buffer = part.tags_of(self._pool.seed), np.empty(part.n_strings, np.int64)
        view = kernels.strings.PoolView(*self._pool)
        return tags, *kernels.strings.find(part.for_kernels(), tags, view, buffer, codes)

    def _intern_all(
        self, encoded: Encoded, codes: NDArray[np.int32], n_later: int, *, are_new: bool
    ) -> None:
        """Intern strings in parts: while most are new, three times as many as were new so far."""
        n, start, n_known = encoded.n_strings, 0, len(self)
        size = _N_NEW_AT_ONCE if are_new else _N_AT_ONCE
        while start < n:
            stop, n_before = min(n, start + size), len(self)
            part, is_large = encoded.take(slice(start, stop)), stop - start > _N_AT_ONCE
            # A large part is what was hoped for.
            n_after = n_later if is_large and not are_new else n - stop + n_later
            put_in = self._intern_new if is_large else self._intern
            put_in(part, codes[start:stop], Room(n_after / (stop - start), are_new))
            are_most_new = 2 * (len(self) - n_before) > stop - start
            n_hoped = (_MOST_TIMES - 1) * (len(self) - n_known) if are_most_new else 0
            size, start = min(max(n_hoped, _N_AT_ONCE), _N_NEW_AT_ONCE), stop

    def _intern(self, part: Encoded, codes: NDArray[np.int32], room: Room) -> None:
        """Intern some strings: look for them, and put in those that are absent."""
        tags, n_absent, n_bytes = self._find(part, codes)
        if n_absent == 0:
            return
        seed = self._pool.seed
        self._reserve(part, n_absent, n_bytes, room)
        if self._pool.seed != seed:  # the larger table had no slot near some home
            tags = part.tags_of(self._pool.seed)
        while not self._insert(part, tags, codes):
            tags = self._hash_anew(part)

    def _intern_new(self, part: Encoded, codes: NDArray[np.int32], room: Room) -> None:
        """Intern strings most of which are new: put them in, and find the others by that."""
        self._reserve(part, part.n_strings, int(part.ends.sum() - part.starts.sum()), room)
        while not self._insert_many(part, part.tags_of(self._pool.seed), codes):
            self._hash_anew(part)

    def _hash_anew(self, part: Encoded) -> NDArray[np.int32]:
        """Take the next seed, for all strings in the table; return the tags of a part."""
        pool = self._pool
        self._pool = with_next_seed(pool, self._n_codes, n_spare_slots(pool))
        return part.tags_of(self._pool.seed)

    def _reserve(self, part: Encoded, n_new: int, n_bytes: int, room: Room) -> None:
        """Make room for strings of a part, and as many times more as are hoped for."""
        self.own()
        if n_bytes > _MAX_LENGTH and (part.ends - part.starts).max() > _MAX_LENGTH:
            message = "cannot intern strings: one has 2**31 bytes or more; cut it"
            raise InvalidArgumentError("encoded", part, message)
        if len(self) + n_new > _MAX_STRINGS:
            message = f"cannot intern strings: a table holds {_MAX_STRINGS} of them; use several"
            raise InvalidArgumentError("encoded", n_new, message)
        n_strings = n_new, room.for_strings(n_new)
        n_fresh = [self._n_codes + max(0, n - self._n_free) for n in n_strings]
        pool = with_records(self._pool, self._n_codes, *n_fresh)
        n_all = (self._n_bytes + n for n in (n_bytes, room.for_bytes(n_bytes)))
        pool = with_bytes(pool, self._n_bytes, *n_all)
        self._pool = with_homes(pool, self._n_codes, *(len(self) + n for n in n_strings))

    def _insert(self, part: Encoded, tags: NDArray[np.int32], codes: NDArray[np.int32]) -> bool:
        """Put absent strings in; return whether each one found a slot near its home."""
        n_done = kernels.strings.insert(
            part.for_kernels(),
            tags,
            self._free[: self._n_free],
            self._n_codes,
            self._n_bytes,
            self._pool,
            codes,
            self._counts,
        )
        return n_done == part.n_strings

    def _insert_many(
        self, part: Encoded, tags: NDArray[np.int32], codes: NDArray[np.int32]
    ) -> bool:
        """Put strings in that may be absent; return whether each one found a slot near its home."""
        n_groups = max(1, self._pool.slots.nbytes // _SLOTS_AT_ONCE)
        shift = max(0, kernels.strings.TAG_BITS - n_groups.bit_length())
        starts = np.zeros((kernels.strings.MAX_TAG >> shift) + 2, np.int64)
        keys = np.empty(part.n_strings, np.int64)
        kernels.new_strings.group_tags(tags, shift, starts, keys)
        return kernels.new_strings.insert_many(
            part.for_kernels(),
            keys,
            self._free[: self._n_free],
            self._n_codes,
            self._n_bytes,
            self._pool,
            codes,
            self._counts,
        )

    def _measure(self, codes: NDArray[np.int32]) -> int:
        """Return the bytes of strings; raise if a code, other than -1, is of none."""
        n_bytes, n_absent = kernels.strings.measure(codes, self._pool.records[: self._n_codes])
        if n_absent:
            is_live = np.isin(codes, live_codes(self._pool, self._n_codes)) | (codes == NO_CODE)
            raise _not_codes(codes[~is_live], codes.shape[0], "of no string")
        return n_bytes

    def _measure_distinct(self, codes: NDArray[np.int32]) -> int:
        """Return the bytes of strings; raise if one is there twice or not at all."""
        ordered = np.sort(codes)
        is_fault = ordered == NO_CODE
        is_fault[1:] |= ordered[1:] == ordered[:-1]
        if is_fault.any():
            raise _not_codes(ordered[is_fault], codes.shape[0], "-1 or there twice")
        return self._measure(codes)

    def _texts(self, codes: NDArray[np.int32]) -> NDArray[Any]:
        """Return the strings of codes as an object array, empty ones for -1."""
        n, pool = codes.shape[0], self._pool
        data = np.zeros(self._measure(codes) + max(0, n - 1), np.uint8)
        kernels.strings.write_strings(codes, pool.records, pool.arena, 1, data)
        texts = to_texts(data)
        if len(texts) != n:  # some contain the separator, or there are none
            texts = [self.string(code) if code >= 0 else "" for code in codes.tolist()]
        out = np.empty(n, object)
        out[:] = texts
        return out

    def _compacting(self, n_bytes: int) -> list[Step]:
        """Move the strings to an arena of no waste, if there is memory for one."""
        old = self._pool
        try:
            pool = old._replace(arena=np.empty(n_bytes, np.uint8), records=old.records.copy())
        except MemoryError:
            return []  # waste is no fault, and the next discard tries again
        used = pool.records[: self._n_codes]
        return [
            (setitem, pool.records.view(np.uint8), slice(None), old.records.view(np.uint8)),
            kernels.step(kernels.strings.compact, old.arena, used, pool.arena),
            (setattr, self, "_pool", pool),
            (setattr, self, "_n_waste", 0),
            (setitem, self._counts, 2, n_bytes),
        ]


def _parts(n: int) -> Iterator[slice]:
    """Cut ``n`` strings into as many as are taken at a time."""
    return (slice(start, min(n, start + _N_AT_ONCE)) for start in range(0, n, _N_AT_ONCE))


def _part(encoded: Encoded, rows: slice) -> Encoded:
    """Return one of these parts."""
    return encoded if rows.stop - rows.start == encoded.n_strings else encoded.take(rows)


def _not_codes(faults: NDArray[Any], n: int, fault: str) -> InvalidArgumentError:
    message = (
        f"cannot use codes: {faults.shape[0]} of {n} are {fault} ({first_three(faults)}); "
        "a code is valid until its string is discarded"
    )
    return InvalidArgumentError("codes", faults, message)
