"""How many planes are where, at the end of each day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.demo.legs import Times


@dataclass(frozen=True, slots=True)
class Census:
    """Planes by airport and day.

    Attributes
    ----------
    days : datetime64[D] array, shape (n_days,)
    places : object array of str, shape (n_places,)
    counts : int64 array, shape (n_days, n_places)
        Planes in each place when the day ends.
    nowhere : int64 array, shape (n_days,)
        Planes not seen yet, or lost.
    """

    days: Times
    places: NDArray[Any]
    counts: NDArray[np.int64]
    nowhere: NDArray[np.int64]

    @property
    def n_planes(self) -> int:
        """Planes of the fleet, nowhere or somewhere."""
        return int(self.counts[-1].sum() + self.nowhere[-1])

    def largest(self, n: int) -> NDArray[np.intp]:
        """Return the ``n`` places with most planes on the last day, the largest first.

        Equal ones stand in alphabetical order.
        """
        return np.lexsort((self.places.astype(str), -self.counts[-1]))[:n]
