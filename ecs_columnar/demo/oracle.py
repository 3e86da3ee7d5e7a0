"""Where every plane must be at the end, by pandas alone.

Nothing here is shared with the replay: the landing is the scheduled one plus the
delay, and the clocks follow from the ``tz`` and ``dst`` columns of the airports
file, not from a time zone database. (A flight that came in after a diversion
has no delay; its landing is read off the destination's clock.)
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from ecs_columnar.demo.files import Files

MINUTE: Final = pd.Timedelta(minutes=1)
DAY: Final = 24 * 60

# United States, 2013: from 2 o'clock on the second Sunday of March, standard
# time, to 2 o'clock on the first Sunday of November, daylight saving time.
SUMMER: Final = (pd.Timestamp("2013-03-10 02:00"), pd.Timestamp("2013-11-03 01:00"))
ATLANTIC: Final = -4


def last_places(files: Files) -> pd.Series:
    """Return the last place of every plane that left New York.

    Parameters
    ----------
    files : Files

    Returns
    -------
    Series of str or None
        By tail number; None where the plane left and did not land at its destination.
    """
    flights = files.flights.dropna(subset=["tailnum", "dep_time"])
    scheduled = pd.to_datetime(flights["time_hour"]).dt.tz_localize(None)
    scheduled = scheduled + flights["minute"] * MINUTE
    left = scheduled + flights["dep_delay"] * MINUTE
    hours = _hours_from_utc(files.airports, flights["dest"], scheduled)
    landed = _next_time(scheduled, hours, flights["sched_arr_time"])
    landed = landed + flights["arr_delay"] * MINUTE
    landed = landed.fillna(_next_time(left, hours, flights["arr_time"]))

    ends = flights[["tailnum", "origin", "dest"]].assign(left=left, landed=landed)
    return _last(ends)


def _last(ends: pd.DataFrame) -> pd.Series:
    """Return the place of the latest departure, landing or loss of each plane."""
    is_lost = ends["landed"].isna()
    seen = pd.concat(
        [
            _sightings(ends[~is_lost], "landed", "dest"),
            _sightings(ends, "left", "origin"),
            _sightings(ends[is_lost], "left", None),
        ]
    )
    latest = seen.sort_values("time", kind="stable").drop_duplicates("tail", keep="last")
    places = latest.set_index("tail")["place"].sort_index()
    return places.where(places.notna(), None)


def _sightings(ends: pd.DataFrame, time: str, place: str | None) -> pd.DataFrame:
    names = None if place is None else ends[place].astype(object)
    seen = pd.DataFrame({"tail": ends["tailnum"], "time": ends[time]})
    return seen.assign(place=pd.Series(names, index=ends.index, dtype=object))


def _hours_from_utc(airports: pd.DataFrame, dest: pd.Series, instant: pd.Series) -> pd.Series:
    by_name = airports.set_index("faa")
    hours: pd.Series = dest.map(by_name["tz"]).fillna(ATLANTIC)
    standard = instant + hours * 60 * MINUTE
    is_summer = (standard >= SUMMER[0]) & (standard < SUMMER[1])
    is_later = is_summer & (dest.map(by_name["dst"]) == "A")
    return hours.where(~is_later, hours + 1)


def _next_time(instant: pd.Series, hours: pd.Series, clock: pd.Series) -> pd.Series:
    """Return the first instant from the given one on at which a clock shows a time."""
    local = instant + hours * 60 * MINUTE
    shown = clock // 100 * 60 + clock % 100
    wait = (shown - (local.dt.hour * 60 + local.dt.minute)) % DAY
    first: pd.Series = instant + wait * MINUTE
    return first
