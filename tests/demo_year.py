"""The data of the demo, read once for all tests."""

from __future__ import annotations

from functools import cache

import pandas as pd

from ecs_columnar.demo.files import Files, read_files
from ecs_columnar.demo.journal import Journal, write_journal
from ecs_columnar.demo.legs import find_legs


@cache
def year() -> Files:
    return read_files()


@cache
def january(n_days: int = 3) -> Files:
    return year().first_days(n_days)


@cache
def legs_of_the_year() -> pd.DataFrame:
    return find_legs(year())


@cache
def journal_of_january(n_days: int = 3) -> Journal:
    return write_journal(january(n_days))
