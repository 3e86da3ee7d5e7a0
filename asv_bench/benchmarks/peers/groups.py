"""The floor of moving: a bare Numba loop over a location index.

The records are those of the library, a location and a slot for each entity, and
a start and a count for each place. The groups lie in one array, with room that
is never used up: nothing is checked, and nothing grows.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from benchmarks.base import Draw, Side
from benchmarks.worlds import N_PLACES, places_of

SPOT = np.dtype([("place", np.int32), ("slot", np.int32)])
GROUP = np.dtype([("start", np.int32), ("count", np.int32)])


@numba.njit(cache=True)
def swap_remove(
    spots: NDArray[np.void],
    groups: NDArray[np.void],
    members: NDArray[np.int32],
    movers: NDArray[np.int64],
    places: NDArray[np.int64],
) -> None:
    """Take each mover out of its group, and put it at the end of another."""
    for i in range(len(movers)):
        mover = movers[i]
        spot = spots[mover]
        left = groups[spot["place"]]
        left["count"] -= 1
        last = members[left["start"] + left["count"]]
        members[left["start"] + spot["slot"]] = last
        spots[last]["slot"] = spot["slot"]
        reached = groups[places[i]]
        members[reached["start"] + reached["count"]] = mover
        spot["place"] = places[i]
        spot["slot"] = reached["count"]
        reached["count"] += 1


class Groups:
    """Moves of a share of the entities, by indices that are at hand."""

    def __init__(self, n: int, parts: int = 10) -> None:
        self.draw = Draw(n, parts)
        self.spots, self.groups, self.members = _grouped(places_of(n))
        self.side = Side(self.do, self.next, self.draw.n_chosen)
        self.next()

    def do(self) -> None:
        swap_remove(self.spots, self.groups, self.members, self.draw.chosen, self.places)

    def next(self) -> None:
        self.draw.next()
        self.places = self.draw.rng.integers(0, N_PLACES, self.draw.n_chosen)


def moves(n: int, parts: int = 10) -> Side:
    """Move a share of ``n`` entities."""
    return Groups(n, parts).side


def _grouped(
    places: NDArray[np.intp],
) -> tuple[NDArray[np.void], NDArray[np.void], NDArray[np.int32]]:
    n = len(places)
    counts = np.bincount(places, minlength=N_PLACES)
    order = np.argsort(places, kind="stable")
    # Ten standard deviations of a count, and some: the rounds of a run never fill it.
    room = n // N_PLACES + 16 + int(16 * (n / N_PLACES) ** 0.5)
    groups = np.zeros(N_PLACES, GROUP)
    groups["start"], groups["count"] = np.arange(N_PLACES) * room, counts
    spots = np.zeros(n, SPOT)
    spots["place"] = places
    spots["slot"][order] = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    members = np.zeros(N_PLACES * room, np.int32)
    members[groups["start"][places] + spots["slot"]] = np.arange(n)
    return spots, groups, members
