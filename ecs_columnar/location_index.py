"""Which entities are in each location, and where each entity is.

* ``members`` holds handles, the group of each location in one piece with slack
  behind it, so that the members of a location are a slice.
* A move leaves one group, where the last member fills the hole, and joins the
  end of another. A full group goes to the tail of ``members`` first, as a vector
  does when it grows. When the tail has no room, all groups are laid out anew.
* Where a group lies and how much slack it has decides nothing: the order within
  a location follows from the moves alone, however they were cut into batches.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.column import grown
from ecs_columnar.dtypes import (
    CODE,
    GROUP_RECORD,
    HANDLE,
    INDEX_MASK,
    LOCATION_RECORD,
    NOWHERE,
    ROW,
)
from ecs_columnar.errors import RepositoryConsistencyError
from ecs_columnar.state import State, Stateful, aligned, received
from ecs_columnar.steps import Step, run

# Measured at 1M entities in 10,000 locations, ns a move in place and by counting
# all anew: 23 and 54 for a batch of 10 % of all, 19 and 33 for 30 %, 17 and 29 for
# half, 16 and 22 for all. The lines do not cross (nor at a million locations), so
# a batch is never too large to be moved in place.
TIGHT_SHARE: Final = 0.5
"""Moves, as a share of placed entities and locations, after which a layout has no spare tail."""

_NOTHING: Final = np.empty(0, LOCATION_RECORD)


class Grouped(NamedTuple):
    """All placed entities, grouped by location.

    Attributes
    ----------
    starts : intp array, shape (n_locations + 1,)
        Where the members of each location start.
    members : int64 array, shape (n_placed,)
        Handles.
    """

    starts: NDArray[np.intp]
    members: NDArray[np.int64]


class LocationIndex(Stateful):
    """Entities grouped by an integer code.

    Attributes
    ----------
    records : LOCATION_RECORD array, shape (capacity,)
        By entity index, up to the highest that was ever placed.
    groups : GROUP_RECORD array, shape (capacity,)
        By location.
    members : int64 array, shape (capacity,)
    arrivals : int32 array, shape (capacity,)
        By location; all 0 between calls.
    counters : int64 array, shape (2,)
        Number of placed entities, and where ``members`` is free: where kernels can
        change them.
    n_locations : int
        One more than the highest code that there was ever room for.

    Examples
    --------
    >>> import numpy as np
    >>> index = LocationIndex()
    >>> harbour, inn = 0, 1
    >>> crew = (np.int64(1) << 32) + np.arange(3)
    >>> index.place(crew, np.array([harbour, inn, harbour], np.int32))
    >>> index.counts()
    array([2, 1], dtype=int32)
    >>> index.place(crew[:1], np.array([inn], np.int32))
    >>> [hex(handle) for handle in index.members_of(inn)]
    ['0x100000001', '0x100000000']
    """

    STATE = ("records", "counters", "n_locations", "groups", "members")
    __slots__ = (
        "_view",
        "arrivals",
        "counters",
        "groups",
        "members",
        "n_locations",
        "records",
    )

    def __init__(self) -> None:
        self.records: NDArray[np.void] = np.empty(0, LOCATION_RECORD)
        self.groups: NDArray[np.void] = np.empty(0, GROUP_RECORD)
        self.arrivals = np.empty(0, CODE)
        self.counters = np.zeros(2, np.int64)
        self.n_locations = 0
        self.members = np.empty(0, HANDLE)
        self._view = _read_only(self.members)

    @property
    def n_placed(self) -> int:
        """Number of entities that are somewhere."""
        return self.counters.item(kernels.groups.N_PLACED)

    @property
    def tail(self) -> int:
        """Where ``members`` is free."""
        return self.counters.item(kernels.groups.TAIL)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, capacity included."""
        arrays = (self.records, self.groups, self.arrivals, self.members)
        return sum(array.nbytes for array in arrays)

    # --- moves -----------------------------------------------------------------------

    def reserve(
        self, handles: NDArray[np.int64], codes: NDArray[np.int32], times_later: float = 0.0
    ) -> None:
        """Make room for a batch of moves; changes nothing that can be seen.

        O(k), or when all groups are laid out anew O(placed + locations), which
        comes once in so many moves that the cost a move stays bounded.

        Parameters
        ----------
        handles : int64 array, shape (k,)
        codes : int32 array, shape (k,)
            New locations; -1 is nowhere.
        times_later : float, optional
            How many times as many moves of entities that are nowhere yet are to
            follow, to these locations.
        """
        n_records, n_locations = kernels.groups.find_limits(handles, codes)
        n_locations = max(n_locations, self.n_locations)
        self.own()
        self.records = _grown_records(self.records, n_records, int(times_later * codes.shape[0]))
        self.groups = grown(self.groups, n_locations, 0)
        self.arrivals = grown(self.arrivals, n_locations, 0)
        self.n_locations = n_locations
        crowded, capacities, n_slots = _find_crowded(codes, self.groups, self.arrivals)
        if self.tail + n_slots > self.members.shape[0]:
            self._lay_out(codes, times_later)
        else:
            kernels.groups.relocate(crowded, capacities, self.groups, self.members, self.counters)
        self.own()

    def placing(
        self, handles: NDArray[np.int64], codes: NDArray[np.int32], before: NDArray[np.void]
    ) -> Step:
        """Move entities to locations, for which there is room.

        Parameters
        ----------
        handles : int64 array, shape (k,)
            Of living entities. One that is there again moves again.
        codes : int32 array, shape (k,)
            New locations; -1 takes an entity out of where it is.
        before : LOCATION_RECORD array, shape (k,) or (0,)
            Out: where each was before its move.
        """
        arrays = self.records, self.groups, self.members, before, self.counters
        return kernels.step(kernels.groups.place, handles, codes, *arrays)

    def unplacing(
        self, handles: NDArray[np.int64], codes: NDArray[np.int32], before: NDArray[np.void]
    ) -> list[Step]:
        """Take back moves: all since some time, in their order; makes room for that."""
        self.reserve(handles, np.ascontiguousarray(before["location"]))
        arrays = self.records, self.groups, self.members, self.counters
        return [kernels.step(kernels.groups.unplace, handles, codes, before, *arrays)]

    def place(self, handles: NDArray[np.int64], codes: NDArray[np.int32]) -> None:
        """Move entities to locations, at once."""
        self.reserve(handles, codes)
        run([self.placing(handles, codes, _NOTHING)])

    def place_one(
        self, handle: int, code: int, entities: NDArray[np.void], clock: NDArray[np.int64]
    ) -> bool:
        """Move one entity to a location, -1 for nowhere, if it lives and that needs no more memory.

        Returns
        -------
        bool
            Whether it was done, and the clock moved on.
        """
        groups = self.groups
        if code >= self.n_locations or not groups.flags.writeable:
            return False
        return kernels.groups.place_one.direct(
            handle, code, entities, self.records, groups, self.members, self.counters, clock
        )

    def own(self) -> None:
        """Copy the arrays that a snapshot holds."""
        if not (self.groups.flags.writeable and self.records.flags.writeable):
            self.copy_arrays()

    def thawing(self, state: State) -> list[Step]:
        """Return the steps that go back to a state."""
        members = state[self.STATE.index("members")]
        return [*super().thawing(state), (setattr, self, "_view", _read_only(members))]

    def __getstate__(self) -> tuple[State, NDArray[np.int32]]:
        return self.state(), self.arrivals

    def __setstate__(self, state: tuple[State, NDArray[np.int32]]) -> None:
        kept, arrivals = state
        self.arrivals = aligned(arrivals)
        run(self.thawing(received(kept)))

    def _lay_out(self, codes: NDArray[np.int32], times_later: float) -> None:
        """Lay out all groups in the order of locations, with room for a batch."""
        groups = self.groups.copy()
        counts = groups["count"].astype(np.int64)
        n_arrivals = np.bincount(codes[codes >= 0], minlength=counts.shape[0])
        n_arrivals += (times_later * n_arrivals).astype(n_arrivals.dtype)
        capacities = _capacities(counts, n_arrivals)
        ends = np.cumsum(capacities)
        groups["start"] = ends - capacities
        groups["capacity"] = capacities
        tail = length = int(ends[-1])
        is_small = codes.shape[0] < TIGHT_SHARE * (self.n_placed + self.n_locations)
        if is_small:
            length = max(length, _roomy_length(self.n_placed, self.n_locations))
        if times_later:
            length += length >> 4  # for the few groups that get more than their share
        members = np.empty(length, HANDLE)
        starts = (ends - capacities).astype(ROW)
        kernels.groups.copy_members(self.groups, self.members, starts, members)
        self.replace(groups, members, np.array([self.n_placed, tail], np.int64))

    def replace(
        self, groups: NDArray[np.void], members: NDArray[np.int64], counters: NDArray[np.int64]
    ) -> None:
        """Take other arrays for the groups and their members, all at once. O(1)."""
        values = {"groups": groups, "members": members, "counters": counters}
        values["_view"] = _read_only(members)
        run([(setattr, self, name, value) for name, value in values.items()])

    # --- reading ---------------------------------------------------------------------

    def members_of(self, code: int) -> NDArray[np.int64]:
        """Return who is at a location.

        Returns
        -------
        int64 array, shape (n,)
            Handles, a read-only view: the next move may change it. Empty where
            nobody was ever placed.
        """
        if not 0 <= code < self.n_locations:
            return self._view[:0]
        start, count, _ = self.groups[code].item()
        return self._view[start : start + count]

    def location_of(self, indices: NDArray[np.int64]) -> NDArray[np.int32]:
        """Copy the location of each entity index, -1 for nowhere. O(k)."""
        codes = np.empty(indices.shape[0], CODE)
        kernels.groups.find_locations(indices, self.records, codes)
        return codes

    def counts(self) -> NDArray[np.int32]:
        """Copy the number of members of each location, shape (n_locations,)."""
        counts: NDArray[np.int32] = self.groups["count"][: self.n_locations].copy()
        return counts

    def grouped(self) -> Grouped:
        """Copy all members in the order of locations, without gaps. O(placed + locations)."""
        starts = np.zeros(self.n_locations + 1, ROW)
        np.cumsum(self.groups["count"][: self.n_locations], out=starts[1:])
        members = np.empty(self.n_placed, HANDLE)
        kernels.groups.copy_members(self.groups[: self.n_locations], self.members, starts, members)
        return Grouped(starts, members)

    def first_members(self, codes: NDArray[np.int32], n: int) -> Grouped:
        """Copy the first members of some locations, at most ``n`` of each. O(k * n).

        Parameters
        ----------
        codes : int32 array, shape (k,)
            A code that no location has is of nobody.
        n : int

        Returns
        -------
        Grouped
            In the order of ``codes``.
        """
        is_there = (codes >= 0) & (codes < self.n_locations)
        groups = self.groups[np.where(is_there, codes, 0)] if self.n_locations else None
        starts = np.zeros(codes.shape[0] + 1, ROW)
        if groups is None:
            return Grouped(starts, np.empty(0, HANDLE))
        counts = np.where(is_there, np.minimum(groups["count"], n), 0)
        np.cumsum(counts, out=starts[1:])
        offsets = np.repeat(groups["start"] - starts[:-1], counts)
        return Grouped(starts, self.members[np.arange(starts[-1]) + offsets])

    # --- invariants ------------------------------------------------------------------

    def check(self) -> None:
        """Verify that groups and records agree. O(placed + locations).

        Raises
        ------
        RepositoryConsistencyError
            When they do not.
        """
        self._check_groups()
        self._check_members()

    def _check_groups(self) -> None:
        starts, counts, capacities = (self.groups[name] for name in ("start", "count", "capacity"))
        ends = starts + capacities
        _require(self.tail <= self.members.shape[0], "the tail is behind the members")
        _require(not self.arrivals.any(), "arrivals are left over")
        _require(not capacities[self.n_locations :].any(), "there are unknown groups")
        _require(bool((counts >= 0).all()), "a group has fewer than no members")
        _require(bool((counts <= capacities).all()), "a group has more members than room")
        _require(int(counts.sum(dtype=np.int64)) == self.n_placed, "the number of placed is wrong")
        _require(
            bool((starts >= 0).all() and (ends <= self.tail).all()), "a group is out of bounds"
        )
        used = np.flatnonzero(capacities)
        used = used[np.argsort(starts[used])]
        _require(bool((ends[used[:-1]] <= starts[used[1:]]).all()), "two groups overlap")

    def _check_members(self) -> None:
        starts, members = self.grouped()
        counts = np.diff(starts)
        indices = members & INDEX_MASK
        locations, slots = self.records["location"], self.records["slot"]
        _require(bool((indices < self.records.shape[0]).all()), "a member has no record")
        codes = np.repeat(np.arange(self.n_locations), counts)
        _require(np.array_equal(locations[indices], codes), "a member is said to be elsewhere")
        expected = np.arange(members.shape[0]) - np.repeat(starts[:-1], counts)
        _require(np.array_equal(slots[indices], expected), "a member is in another slot")
        n_located = int(np.count_nonzero(locations >= 0))
        _require(n_located == self.n_placed, "an entity is a member of no group")


def _require(holds: bool, fault: str) -> None:
    if not holds:
        raise RepositoryConsistencyError(f"cannot trust the location index: {fault}")


def _grown_records(records: NDArray[np.void], n_records: int, n_later: int) -> NDArray[np.void]:
    """Return records for so many indices; the new ones are nowhere."""
    if n_records <= records.shape[0]:
        return records
    # As integers, because NumPy takes 30 times as long to fill records. All
    # bits of -1 are set, whatever the byte order.
    return grown(records.view(np.int64), n_records, NOWHERE, n_later).view(LOCATION_RECORD)


def _find_crowded(
    codes: NDArray[np.int32], groups: NDArray[np.void], arrivals: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Find the groups that have to grow, what to, and how many slots that takes."""
    n = min(codes.shape[0], groups.shape[0])
    crowded, capacities = np.empty(n, CODE), np.empty(n, CODE)
    n_crowded, n_slots = kernels.groups.find_crowded(codes, groups, arrivals, crowded, capacities)
    return crowded[:n_crowded], capacities[:n_crowded], n_slots


def _capacities(counts: NDArray[np.int64], n_arrivals: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return capacities for groups: all may arrive before anybody leaves.

    With a quarter more than the larger of both, and two; but at most half more,
    or many groups of one or two would take three times their size.
    """
    larger = np.maximum(counts, n_arrivals)
    spare = (larger >> 2) + np.minimum(larger >> 2, 2)
    return np.asarray(np.maximum(counts + n_arrivals, larger + spare))


def _roomy_length(n_placed: int, n_locations: int) -> int:
    """Return a number of slots that leaves groups room to grow.

    At least half of what is placed: so there are a tenth as many moves from one
    layout to the next, and a new layout costs a move as much as ten slots do.
    """
    return 2 * n_placed + n_locations // 4 + 16


def _read_only(array: NDArray[np.int64]) -> NDArray[np.int64]:
    view = array.view()
    view.flags.writeable = False
    return view
