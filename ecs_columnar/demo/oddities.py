"""What is missing, contradictory or strange in the data, counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ecs_columnar.demo.files import Files
from ecs_columnar.demo.legs import NEW_YORK, Times, local_times


@dataclass(frozen=True, slots=True)
class Oddities:
    """Counts of what the replay has to deal with.

    Attributes
    ----------
    cancelled : int
        Flights that never left; left out.
    cancelled_without_tail, left_without_tail : int
        Flights without a tail number, by whether they left; left out.
    unregistered : int
        Tail numbers of flights that are not in the planes file.
    never_left : int
        Planes of which all flights were cancelled; they stay nowhere.
    places_not_on_file : tuple of str
        Airports of flights that are not in the airports file.
    lost : int
        Flights that left and never landed at their destination.
    diverted : int
        Flights that landed there after a stop elsewhere: no delay is noted.
    next_day : int
        Flights that left on a later day than the one that they are filed under.
    in_two_places : int
        Flights whose plane leaves again before it has landed.
    not_there : int
        Departures of planes that were last seen at another airport: they came back
        on flights to New York, which the data do not have.
    without_year, without_speed : int
        Planes of the planes file that lack the year or the speed.
    zones_missing : int
        Airports of the airports file without a time zone.
    """

    cancelled: int
    cancelled_without_tail: int
    left_without_tail: int
    unregistered: int
    never_left: int
    places_not_on_file: tuple[str, ...]
    lost: int
    diverted: int
    next_day: int
    in_two_places: int
    not_there: int
    without_year: int
    without_speed: int
    zones_missing: int


def count_oddities(files: Files, legs: pd.DataFrame) -> Oddities:
    """Count what is odd.

    Parameters
    ----------
    files : Files
    legs : DataFrame
        What `find_legs` made of the same files.

    Returns
    -------
    Oddities
    """
    airports, planes, flights = files
    has_left = flights["dep_time"].notna()
    has_tail = flights["tailnum"].notna()
    tails = set(flights["tailnum"].dropna())
    flown = flights[has_left & has_tail]
    places = set(flights["origin"]) | set(flights["dest"])
    in_two_places, not_there = _contradictions(legs)
    return Oddities(
        cancelled=int((~has_left).sum()),
        cancelled_without_tail=int((~has_left & ~has_tail).sum()),
        left_without_tail=int((has_left & ~has_tail).sum()),
        unregistered=len(tails - set(planes["tailnum"])),
        never_left=len(tails - set(flown["tailnum"])),
        places_not_on_file=tuple(sorted(places - set(airports["faa"]))),
        lost=int(legs["landed"].isna().sum()),
        diverted=int((flown["arr_time"].notna() & flown["arr_delay"].isna()).sum()),
        next_day=int((_days(legs["left"].to_numpy()) != _filed_days(flown)).sum()),
        in_two_places=in_two_places,
        not_there=not_there,
        without_year=int(planes["year"].isna().sum()),
        without_speed=int(planes["speed"].isna().sum()),
        zones_missing=int(airports["tzone"].isna().sum()),
    )


def _days(left: Times) -> Times:
    return local_times(left, NEW_YORK).astype("datetime64[D]")


def _filed_days(flights: pd.DataFrame) -> Times:
    month_and_day = flights[["month", "day"]].assign(year=2013)
    return pd.to_datetime(month_and_day).to_numpy("datetime64[D]")


def _contradictions(legs: pd.DataFrame) -> tuple[int, int]:
    """Count legs that overlap the next of their plane, and that start elsewhere."""
    planes = pd.factorize(legs["tail"])[0]
    left, landed = legs["left"].to_numpy(), legs["landed"].to_numpy()
    order = np.lexsort((left, planes))
    leg, following = order[:-1], order[1:]
    same_plane = planes[leg] == planes[following]
    overlaps = same_plane & (landed[leg] > left[following])
    origin, dest = legs["origin"].to_numpy(object), legs["dest"].to_numpy(object)
    is_elsewhere = same_plane & (dest[leg] != origin[following])
    return int(np.count_nonzero(overlaps)), int(np.count_nonzero(is_elsewhere))
