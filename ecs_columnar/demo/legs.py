"""When and where each flight left and landed.

The data have New York's clock for departures and the destination's clock for
landings, without dates. ``time_hour`` is the scheduled hour in UTC, which fixes
the departure; the landing is the first instant after it at which the clock of
the destination shows ``arr_time``. That is right to the minute for all 327,346
flights that also have a scheduled landing and a delay.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecs_columnar.demo.files import Files

Times: TypeAlias = "NDArray[np.datetime64]"

NEW_YORK: Final = "America/New_York"
DAY_MINUTES: Final = 24 * 60

ZONES_NOT_ON_FILE: Final = {
    "BQN": "America/Puerto_Rico",
    "PSE": "America/Puerto_Rico",
    "SJU": "America/Puerto_Rico",
    "STT": "America/Puerto_Rico",
}
"""Time zones of the destinations that are not in the airports file."""


def find_legs(files: Files) -> pd.DataFrame:
    """Return the flights that left, with their instants.

    Parameters
    ----------
    files : Files

    Returns
    -------
    DataFrame
        A row per flight that left, in the order of the file: ``tail``, ``origin``,
        ``dest``, and in UTC without a zone ``left`` and ``landed``, to the minute;
        ``landed`` is NaT where the flight never landed at its destination.
    """
    flights = files.flights
    flights = flights[flights["dep_time"].notna() & flights["tailnum"].notna()]
    left = _departures(flights)
    return pd.DataFrame(
        {
            "tail": flights["tailnum"].to_numpy(object),
            "origin": flights["origin"].to_numpy(object),
            "dest": flights["dest"].to_numpy(object),
            "left": left,
            "landed": _landings(flights, left, zones_of(files)),
        }
    )


def zones_of(files: Files) -> dict[str, str]:
    """Return the time zone of every airport that has one."""
    known = files.airports.dropna(subset=["tzone"])
    return ZONES_NOT_ON_FILE | dict(zip(known["faa"], known["tzone"], strict=True))


def local_times(instants: Times, zone: str) -> Times:
    """Return what the clocks of a zone show, date included, at instants in UTC."""
    local = pd.DatetimeIndex(instants).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    return np.asarray(local.to_numpy(), dtype="datetime64[s]")


def _departures(flights: pd.DataFrame) -> Times:
    hours = pd.to_datetime(flights["time_hour"]).dt.tz_convert("UTC").dt.tz_localize(None)
    minutes = (flights["minute"] + flights["dep_delay"]).to_numpy("timedelta64[m]")
    return np.asarray(hours.to_numpy("datetime64[s]") + minutes)


def _landings(flights: pd.DataFrame, left: Times, zones: dict[str, str]) -> Times:
    clock = flights["arr_time"].to_numpy(np.float64)
    has_landed = np.isfinite(clock)
    shown = np.where(has_landed, clock // 100 * 60 + clock % 100, 0).astype(np.int64)
    zone_codes, zone_names = pd.factorize(flights["dest"].map(zones))
    landed = np.full(left.shape[0], "NaT", "datetime64[s]")
    for code, zone in enumerate(zone_names):
        rows = np.flatnonzero(has_landed & (zone_codes == code))
        elapsed = (shown[rows] - _minutes_of_day(local_times(left[rows], zone))) % DAY_MINUTES
        landed[rows] = left[rows] + elapsed.astype("timedelta64[m]")
    return landed


def _minutes_of_day(times: Times) -> NDArray[np.int64]:
    since_midnight = times - times.astype("datetime64[D]")
    return np.asarray(since_midnight.astype("timedelta64[m]"), np.int64)
