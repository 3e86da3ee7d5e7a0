"""The moves of all planes, in order of time, cut into days.

Every flight that left makes two moves: of its plane to where it leaves from, at
the departure; and to its destination, at the landing. A plane in the air counts
where it took off. Of a plane that left and never landed at its destination, the
data do not say where it came down: its second move is to nowhere, at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecs_columnar.demo.files import Files
from ecs_columnar.demo.legs import NEW_YORK, Times, find_legs, local_times

NOWHERE: Final = -1

# Moves of one minute: a plane lands before it leaves, and leaves before it is lost.
LANDS, LEAVES, IS_LOST = range(3)


@dataclass(frozen=True, slots=True)
class Journal:
    """All moves of a fleet, by number of plane and of place.

    Attributes
    ----------
    tails : object array of str, shape (n_planes,)
        Tail numbers: the planes file first, then those that only the flights know.
    n_on_file : int
        How many of them are in the planes file.
    places : object array of str, shape (n_places,)
        Airports that planes leave from or land at.
    plane, place : intp array, shape (n_moves,)
        Which plane moves, and to which place; `NOWHERE` where that is unknown.
    time : datetime64[s] array, shape (n_moves,)
        UTC, increasing.
    days : datetime64[D] array, shape (n_days,)
        Days on which a plane moved, by New York's calendar.
    starts : intp array, shape (n_days + 1,)
        Offsets of the days in the moves.
    """

    tails: NDArray[Any]
    n_on_file: int
    places: NDArray[Any]
    plane: NDArray[np.intp]
    place: NDArray[np.intp]
    time: Times
    days: Times
    starts: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.plane)

    @property
    def n_planes(self) -> int:
        """Planes of the fleet, those that never moved included."""
        return len(self.tails)

    @property
    def n_days(self) -> int:
        """Days on which a plane moved."""
        return len(self.days)

    def day(self, i: int) -> slice:
        """Return where the moves of a day are."""
        return slice(int(self.starts[i]), int(self.starts[i + 1]))

    def place_names(self) -> NDArray[Any]:
        """Return the name of the place of each move, None for nowhere; a copy."""
        names: NDArray[Any] = np.array([*self.places, None], object)[self.place]
        return names


def write_journal(files: Files, legs: pd.DataFrame | None = None) -> Journal:
    """Turn flights into moves.

    Parameters
    ----------
    files : Files
    legs : DataFrame, optional
        What `find_legs` returned, where it is at hand.

    Returns
    -------
    Journal
    """
    legs = find_legs(files) if legs is None else legs
    tails = _fleet(files)
    places = np.unique(np.concatenate([legs["origin"].unique(), legs["dest"].unique()]))
    plane = pd.Index(tails).get_indexer(legs["tail"])
    origin = pd.Index(places).get_indexer(legs["origin"])
    dest = pd.Index(places).get_indexer(legs["dest"])
    left, landed = legs["left"].to_numpy(), legs["landed"].to_numpy()
    is_lost = np.isnat(landed)

    time = np.concatenate([left, np.where(is_lost, left, landed)])
    kind = np.concatenate([np.full(len(legs), LEAVES), np.where(is_lost, IS_LOST, LANDS)])
    order = np.lexsort((kind, time))
    place = np.concatenate([origin, np.where(is_lost, NOWHERE, dest)])[order]
    time = time[order]
    days, starts = _days(time)
    return Journal(
        tails=tails,
        n_on_file=len(files.planes),
        places=places,
        plane=np.concatenate([plane, plane])[order],
        place=place,
        time=time,
        days=days,
        starts=starts,
    )


def _fleet(files: Files) -> NDArray[Any]:
    on_file = files.planes["tailnum"].to_numpy(object)
    flown = files.flights["tailnum"].dropna().unique().astype(object)
    others = flown[~pd.Index(flown).isin(on_file)]
    return np.concatenate([on_file, others])


def _days(time: Times) -> tuple[Times, NDArray[np.intp]]:
    calendar = local_times(time, NEW_YORK).astype("datetime64[D]")
    days, first = np.unique(calendar, return_index=True)
    return days, np.append(first, time.shape[0]).astype(np.intp)
