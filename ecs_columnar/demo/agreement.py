"""Whether the world and pandas say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many planes are where they must be.

    Attributes
    ----------
    n_planes : int
        All planes, those that never flew included.
    n_agreeing : int
    disagreements : tuple of str
        The first three planes that are elsewhere: which, where, and where they must be.
    """

    n_planes: int
    n_agreeing: int
    disagreements: tuple[str, ...]

    @property
    def is_total(self) -> bool:
        """Whether all planes are where they must be."""
        return self.n_agreeing == self.n_planes


def compare(ids: NDArray[Any], found: NDArray[Any], expected: pd.Series) -> Agreement:
    """Compare where planes are with where they must be.

    Parameters
    ----------
    ids, found : object array of str, shape (n_copies, n_planes)
        Planes and the names of their places, None for nowhere.
    expected : Series of str or None
        By tail number, which are the ids of the first copy; a plane that is not in
        it must be nowhere.

    Returns
    -------
    Agreement
    """
    places = expected.to_dict()
    must = np.array([places.get(tail) for tail in ids[0]], object)
    agrees = found == must
    wrong = [
        f"{ids[at]} is at {found[at]}, not {must[at[1]]}"
        for at in zip(*np.nonzero(~agrees), strict=True)
    ]
    return Agreement(found.size, int(np.count_nonzero(agrees)), tuple(wrong[:3]))
