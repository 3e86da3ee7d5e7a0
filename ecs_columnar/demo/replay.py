"""The same moves, three ways: in batches by handle, by id, and one at a time.

Only the calls that move are timed. What they are given (arrays of handles,
names and entities) is made ready before; the planes are counted after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecs_columnar.demo.census import Census
from ecs_columnar.demo.fleet import Fleet
from ecs_columnar.demo.journal import Journal
from ecs_columnar.entity import Entity


@dataclass(slots=True)
class Timing:
    """How many moves took how long.

    Attributes
    ----------
    n_moves : int
    seconds : float
    """

    n_moves: int = 0
    seconds: float = 0.0

    def add(self, n_moves: int, started: float) -> None:
        """Count moves that began at ``started`` and end now."""
        self.seconds += perf_counter() - started
        self.n_moves += n_moves

    @property
    def per_second(self) -> float:
        """Moves a second."""
        return self.n_moves / max(self.seconds, 1e-9)

    @property
    def nanoseconds(self) -> float:
        """Nanoseconds a move."""
        return self.seconds / max(self.n_moves, 1) * 1e9


class Race(NamedTuple):
    """The three ways side by side.

    Attributes
    ----------
    by_handle, by_id, one_by_one : Timing
    ends_alike : bool
        Whether the same moves led to the same places.
    """

    by_handle: Timing
    by_id: Timing
    one_by_one: Timing
    ends_alike: bool

    @property
    def ratio(self) -> float:
        """How many times as many moves a second a batch makes as the scalar API."""
        return self.by_handle.per_second / max(self.one_by_one.per_second, 1e-9)


class Batch(NamedTuple):
    """The moves of a day, for all copies of the fleet.

    Attributes
    ----------
    columns : intp array, shape (n_moves,)
        Planes, as positions in the flattened fleet: a copy after the other, each
        in order of time.
    places : Categorical of str, shape (n_moves,)
        Missing is nowhere.
    """

    columns: NDArray[np.intp]
    places: pd.Categorical


def batches(fleet: Fleet, journal: Journal, *, limit: int | None = None) -> Iterator[Batch]:
    """Yield the batch of each day, until there were ``limit`` moves; the last is cut."""
    n_copies, n_planes = fleet.planes.shape
    firsts = np.arange(n_copies, dtype=np.intp)[:, None] * n_planes
    airports = pd.Index(journal.places)
    left = len(journal) * n_copies if limit is None else limit
    for i in range(journal.n_days):
        if left <= 0:
            return
        day = journal.day(i)
        columns = (firsts + journal.plane[day]).ravel()[:left]
        codes = np.tile(journal.place[day], n_copies)[:left]
        yield Batch(columns, pd.Categorical.from_codes(codes, airports))
        left -= columns.shape[0]


def fly(fleet: Fleet, journal: Journal, *, quiet: bool = True) -> tuple[Timing, Census]:
    """Move the planes by handle, a day at a time, and count them after each day.

    Returns
    -------
    Timing
        Of the moves alone.
    Census
    """
    handles = fleet.planes.ravel()
    timing = Timing()
    counts = []
    for batch in _watched(batches(fleet, journal), "by handle", journal.n_days, quiet):
        planes = handles[batch.columns]
        started = perf_counter()
        fleet.world.move(planes, batch.places)
        timing.add(planes.shape[0], started)
        counts.append(fleet.world.locations.counts())
    return timing, _census(fleet, journal, counts)


def fly_by_id(
    fleet: Fleet, journal: Journal, *, limit: int | None = None, quiet: bool = True
) -> Timing:
    """Move the planes by tail number, a day at a time.

    Returns
    -------
    Timing
    """
    ids = fleet.ids.ravel()
    timing = Timing()
    for batch in _watched(batches(fleet, journal, limit=limit), "by id", journal.n_days, quiet):
        planes = ids[batch.columns]
        started = perf_counter()
        fleet.world.move(planes, batch.places)
        timing.add(planes.shape[0], started)
    return timing


def fly_one_by_one(
    fleet: Fleet, journal: Journal, *, limit: int | None = None, quiet: bool = True
) -> Timing:
    """Move the planes one after the other, through the scalar API.

    The entities are at hand: looking them up is not timed.

    Returns
    -------
    Timing
    """
    entities: dict[int, Entity] = {}
    handles = fleet.planes.ravel()
    timing = Timing()
    for batch in _watched(
        batches(fleet, journal, limit=limit), "one by one", journal.n_days, quiet
    ):
        for column in np.unique(batch.columns).tolist():
            if column not in entities:
                entities[column] = fleet.world.entity(handles[column])
        planes = [entities[column] for column in batch.columns.tolist()]
        places = np.array([*journal.places, None], object)[batch.places.codes].tolist()
        started = perf_counter()
        for plane, place in zip(planes, places, strict=True):
            plane.move(place)
        timing.add(len(planes), started)
    return timing


def _census(fleet: Fleet, journal: Journal, counts: list[NDArray[np.int32]]) -> Census:
    """Stack the counts of all days; places that came later held nobody before."""
    n_places = len(fleet.world.locations)
    table = np.zeros((len(counts), n_places), np.int64)
    for row, count in zip(table, counts, strict=True):
        row[: count.shape[0]] = count
    return Census(
        days=journal.days,
        places=fleet.world.locations.names(),
        counts=table,
        nowhere=fleet.planes.size - table.sum(axis=1),
    )


def _watched(days: Iterator[Batch], title: str, n_days: int, quiet: bool) -> Iterator[Batch]:
    """Show a progress bar, unless it is to be quiet or nobody is looking."""
    from tqdm import tqdm

    bar: Iterator[Batch] = tqdm(
        days, desc=f"{title:>10}", total=n_days, unit="day", leave=False, disable=quiet or None
    )
    return bar
