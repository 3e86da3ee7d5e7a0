"""Which entities are in each location, and where each entity is.

* ``members`` holds handles, the group of each location in one piece with slack
  behind it, so that the members of a location are a slice.
* A move leaves one group and joins another, in place. A full group goes to the
  tail of ``members`` first, as a vector does when it grows.
* When the tail has no room, or the batch moves a large share of all, all groups
  are packed anew: in the order of locations, first who stays, in the order that
  was, then who arrives, in the order of the batch. What a group left behind is
  free again then, and only then.
* So the order within a location follows from the operations alone.
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

# Measured at 1M entities in 10,000 locations, ns a move in place and by packing:
# 23 and 54 for a batch of 10 % of all, 19 and 33 for 30 %, 17 and 29 for half, 16
# and 22 for all. The lines do not cross (nor at a million locations), so a batch
# is never too large to be moved in place, as long as there is room.
TIGHT_SHARE: Final = 0.5
"""Moves, as a share of placed entities and locations, after which packing leaves no room."""


class Plan(NamedTuple):
    """A batch of moves, with all memory that it needs.

    Attributes
    ----------
    handles : int64 array, shape (k,)
    codes : int32 array, shape (k,)
    n_locations : int
    records, groups, arrivals : array
        Of the index, grown.
    crowded, capacities : int32 array
        Groups that have to grow first, and to what.
    packed : int64 array or None
        New members, when all groups are packed anew.
    """

    handles: NDArray[np.int64]
    codes: NDArray[np.int32]
    n_locations: int
    records: NDArray[np.void]
    groups: NDArray[np.void]
    arrivals: NDArray[np.int32]
    crowded: NDArray[np.int32]
    capacities: NDArray[np.int32]
    packed: NDArray[np.int64] | None


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


class LocationIndex:
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
    n_locations : int
        One more than the highest code that anybody was ever placed at.
    n_placed : int
    tail : int
        Where ``members`` is free.

    Examples
    --------
    >>> import numpy as np
    >>> index = LocationIndex()
    >>> harbour, inn = 0, 1
    >>> crew = (np.int64(1) << 32) + np.arange(3)
    >>> index.place(crew, np.array([harbour, inn, harbour], np.int32))
    >>> index.counts()
    array([2, 1], dtype=int32)
    >>> index.place_one(int(crew[0]), inn)
    >>> [hex(handle) for handle in index.members_of(inn)]
    ['0x100000001', '0x100000000']
    """

    __slots__ = (
        "_view",
        "arrivals",
        "groups",
        "members",
        "n_locations",
        "n_placed",
        "records",
        "tail",
    )

    def __init__(self) -> None:
        self.records: NDArray[np.void] = np.empty(0, LOCATION_RECORD)
        self.groups: NDArray[np.void] = np.empty(0, GROUP_RECORD)
        self.arrivals = np.empty(0, CODE)
        self.n_locations = 0
        self.n_placed = 0
        self.tail = 0
        self._hold(np.empty(0, HANDLE), 0)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, capacity included."""
        arrays = (self.records, self.groups, self.arrivals, self.members)
        return sum(array.nbytes for array in arrays)

    # --- moves -----------------------------------------------------------------------

    def prepare(self, handles: NDArray[np.int64], codes: NDArray[np.int32]) -> Plan:
        """Allocate all that a batch of moves needs; changes nothing.

        Parameters
        ----------
        handles : int64 array, shape (k,)
            Of living entities. One that is there again moves again.
        codes : int32 array, shape (k,)
            New locations; -1 takes an entity out of where it is.

        Returns
        -------
        Plan
            For `apply`, before anything else changes the index. O(k), unless
            all groups have to be packed anew.
        """
        n_records, n_locations = kernels.groups.find_limits(handles, codes)
        n_locations = max(n_locations, self.n_locations)
        groups = grown(self.groups, n_locations, 0)
        arrivals = grown(self.arrivals, n_locations, 0)
        crowded, capacities, n_slots = _find_crowded(codes, groups, arrivals)
        packed = None
        if self.tail + n_slots > self.members.shape[0]:
            packed = self._allocate_packed(handles, n_locations)
        records = _grown_records(self.records, n_records)
        return Plan(
            handles, codes, n_locations, records, groups, arrivals, crowded, capacities, packed
        )

    def apply(self, plan: Plan) -> None:
        """Do the moves of a plan; does not allocate.

        O(moves), or when all groups are packed anew O(placed + locations), which
        comes once in so many moves that the cost a move stays bounded.
        """
        self.records = plan.records
        self.groups = plan.groups
        self.arrivals = plan.arrivals
        self.n_locations = plan.n_locations
        if plan.packed is not None:
            self._pack(plan.handles, plan.codes, plan.packed)
            return
        self.tail = kernels.groups.relocate(
            plan.crowded, plan.capacities, self.tail, self.groups, self.members
        )
        self.n_placed += kernels.groups.place(
            plan.handles, plan.codes, self.records, self.groups, self.members
        )

    def place(self, handles: NDArray[np.int64], codes: NDArray[np.int32]) -> None:
        """Move entities to locations; `prepare` and `apply` in one."""
        self.apply(self.prepare(handles, codes))

    def place_one(self, handle: int, code: int) -> None:
        """Move one living entity to a location, -1 for nowhere."""
        change = kernels.groups.place_one(handle, code, self.records, self.groups, self.members)
        if change == kernels.groups.NO_ROOM:
            self.place(np.array([handle], HANDLE), np.array([code], CODE))
        else:
            self.n_placed += change

    def remove(self, handles: NDArray[np.int64]) -> None:
        """Take entities out of where they are; does not allocate. O(k)."""
        self.n_placed -= kernels.groups.take_out(handles, self.records, self.groups, self.members)

    def compact(self) -> None:
        """Pack all groups anew, in the order of locations. O(placed + locations)."""
        packed = np.empty(_packed_length(self.n_placed, self.n_locations), HANDLE)
        self._pack(np.empty(0, HANDLE), np.empty(0, CODE), packed)

    def _allocate_packed(self, handles: NDArray[np.int64], n_locations: int) -> NDArray[np.int64]:
        n_placed = self.n_placed + kernels.groups.count_unplaced(handles, self.records)
        is_small = handles.shape[0] < TIGHT_SHARE * (self.n_placed + n_locations)
        length = _roomy_length if is_small else _packed_length
        return np.empty(length(n_placed, n_locations), HANDLE)

    def _pack(
        self, handles: NDArray[np.int64], codes: NDArray[np.int32], packed: NDArray[np.int64]
    ) -> None:
        self.n_placed += kernels.groups.mark(
            handles, codes, self.records, self.groups, self.members, self.arrivals
        )
        tail = kernels.groups.pack(self.records, self.groups, self.members, self.arrivals, packed)
        kernels.groups.append(handles, self.records, self.groups, packed)
        self._hold(packed, tail)

    def _hold(self, members: NDArray[np.int64], tail: int) -> None:
        self.members = members
        self.tail = tail
        self._view = members.view()
        self._view.flags.writeable = False

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

    def copy(self) -> LocationIndex:
        """Copy the index; moves of one do not change the other."""
        other = LocationIndex()
        other.records = self.records.copy()
        other.groups = self.groups.copy()
        other.arrivals = self.arrivals.copy()
        other.n_locations = self.n_locations
        other.n_placed = self.n_placed
        other._hold(self.members.copy(), self.tail)
        return other

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


def _grown_records(records: NDArray[np.void], n_records: int) -> NDArray[np.void]:
    """Return records for so many indices; the new ones are nowhere."""
    if n_records <= records.shape[0]:
        return records
    # As integers, because NumPy takes 30 times as long to fill records. All
    # bits of -1 are set, whatever the byte order.
    return grown(records.view(np.int64), n_records, NOWHERE).view(LOCATION_RECORD)


def _find_crowded(
    codes: NDArray[np.int32], groups: NDArray[np.void], arrivals: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Find the groups that have to grow, what to, and how many slots that takes."""
    n = min(codes.shape[0], groups.shape[0])
    crowded, capacities = np.empty(n, CODE), np.empty(n, CODE)
    n_crowded, n_slots = kernels.groups.find_crowded(codes, groups, arrivals, crowded, capacities)
    return crowded[:n_crowded], capacities[:n_crowded], n_slots


def _packed_length(n_placed: int, n_locations: int) -> int:
    """Return how many slots packed groups take at most."""
    return n_placed + n_placed // 4 + min(2 * n_locations, n_placed // 4)


def _roomy_length(n_placed: int, n_locations: int) -> int:
    """Return a number of slots that leaves packed groups room to grow.

    At least half of what is placed: so there are a tenth as many moves from
    one packing to the next, and packing costs a move as much as ten slots do.
    """
    return 2 * n_placed + n_locations // 4 + 16
