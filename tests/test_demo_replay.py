"""The demo's world: who is in it, and that all ways of moving end alike."""

from __future__ import annotations

import numpy as np
import pytest

from ecs_columnar.demo import oracle, report
from ecs_columnar.demo.agreement import compare
from ecs_columnar.demo.components import (
    Aircraft,
    Airport,
    Built,
    Cabin,
    Coordinates,
    CruisingSpeed,
    Engines,
    Plane,
    TimeZone,
    Unregistered,
)
from ecs_columnar.demo.fleet import Fleet, build_fleet
from ecs_columnar.demo.replay import Timing, fly, fly_by_id, fly_one_by_one
from tests.demo_year import january, journal_of_january, year


@pytest.fixture
def fleet() -> Fleet:
    return build_fleet(january(), journal_of_january())


def test_airports_have_the_columns_of_their_file(fleet: Fleet) -> None:
    file = year().airports
    airports = fleet.world.ids[file["faa"].tolist()]

    assert fleet.world.query(Airport).count() == 1_458
    assert fleet.world.get(airports, Airport).name.tolist() == file["name"].tolist()
    assert fleet.world.get(airports, Airport).altitude.tolist() == file["alt"].tolist()
    assert fleet.world.get(airports, Coordinates).lat.tolist() == file["lat"].tolist()
    assert fleet.world.get(airports, TimeZone).name.tolist() == file["tzone"].fillna("").tolist()


def test_planes_have_the_columns_of_their_file(fleet: Fleet) -> None:
    file = year().planes
    planes = fleet.world.ids[file["tailnum"].tolist()]

    assert fleet.world.get(planes, Aircraft).model.tolist() == file["model"].tolist()
    assert fleet.world.get(planes, Engines).kind.tolist() == file["engine"].tolist()
    assert fleet.world.get(planes, Cabin).seats.tolist() == file["seats"].tolist()


def test_a_plane_lacks_what_its_file_lacks(fleet: Fleet) -> None:
    file = year().planes
    planes = fleet.world.ids[file["tailnum"].tolist()]

    assert fleet.world.has(planes, Built).tolist() == file["year"].notna().tolist()
    assert fleet.world.has(planes, CruisingSpeed).tolist() == file["speed"].notna().tolist()
    fast = planes[file["speed"].notna()]
    assert fleet.world.get(fast, CruisingSpeed).mph.tolist() == file["speed"].dropna().tolist()


def test_a_plane_that_is_not_on_file_is_unregistered(fleet: Fleet) -> None:
    journal = journal_of_january()
    unregistered = fleet.world.query(Unregistered)

    assert unregistered.count() == journal.n_planes - journal.n_on_file > 0
    assert fleet.world.query(Plane).count() == journal.n_planes
    assert not fleet.world.has(unregistered, Aircraft).any()


def test_all_planes_are_nowhere_at_first(fleet: Fleet) -> None:
    assert fleet.world.locations.count() == 0
    assert (fleet.last_places() == np.array([None])).all()


@pytest.mark.parametrize("n_days", [1, 3, 31])
def test_planes_end_where_pandas_puts_them(n_days: int) -> None:
    files, journal = january(n_days), journal_of_january(n_days)
    fleet = build_fleet(files, journal)

    fly(fleet, journal)

    agreement = compare(fleet.ids, fleet.last_places(), oracle.last_places(files))
    assert agreement.is_total, agreement.disagreements
    fleet.world.check()


def test_the_census_counts_the_planes_of_each_airport_each_day(fleet: Fleet) -> None:
    journal = journal_of_january()
    names = journal.place_names()
    where: dict[int, str | None] = {}

    _, census = fly(fleet, journal)

    for i in range(journal.n_days):
        day = journal.day(i)
        where.update(zip(journal.plane[day].tolist(), names[day].tolist(), strict=True))
        seen = list(where.values())
        counts = dict(zip(census.places, census.counts[i].tolist(), strict=True))
        assert {name: n for name, n in counts.items() if n} == {
            name: seen.count(name) for name in set(seen) - {None}
        }
        assert census.nowhere[i] == journal.n_planes - sum(counts.values())


def test_all_three_ways_end_alike() -> None:
    files, journal = january(), journal_of_january()
    fleets = [build_fleet(files, journal) for _ in range(3)]

    timings = [
        fly(fleets[0], journal)[0],
        fly_by_id(fleets[1], journal),
        fly_one_by_one(fleets[2], journal),
    ]

    by_handle, by_id, one_by_one = (fleet.last_places() for fleet in fleets)
    assert np.array_equal(by_handle, by_id)
    assert np.array_equal(by_handle, one_by_one)
    assert [timing.n_moves for timing in timings] == [len(journal)] * 3
    assert all(timing.seconds > 0 for timing in timings)


def test_a_limit_stops_in_the_middle_of_a_day() -> None:
    files, journal = january(), journal_of_january()
    fleets = [build_fleet(files, journal) for _ in range(2)]
    limit = int(journal.starts[1]) + 100

    by_id = fly_by_id(fleets[0], journal, limit=limit)
    one_by_one = fly_one_by_one(fleets[1], journal, limit=limit)

    assert by_id.n_moves == one_by_one.n_moves == limit
    assert np.array_equal(fleets[0].last_places(), fleets[1].last_places())
    last = dict(zip(journal.plane[:limit].tolist(), journal.place[:limit].tolist(), strict=True))
    flown = fleets[0].last_places()[0, list(last)]
    assert flown.tolist() == [
        None if place < 0 else journal.places[place] for place in last.values()
    ]


def test_copies_of_the_fleet_fly_the_same() -> None:
    files, journal = january(), journal_of_january()
    fleet = build_fleet(files, journal, n_copies=3)

    timing, census = fly(fleet, journal)

    first, second, third = fleet.last_places()
    assert timing.n_moves == 3 * len(journal)
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)
    assert census.n_planes == 3 * journal.n_planes
    tail = journal.tails[0]
    assert fleet.ids[:, 0].tolist() == [tail, f"{tail}~2", f"{tail}~3"]
    assert fleet.world.ids[f"{tail}~3"] == fleet.planes[2, 0]
    assert compare(fleet.ids, fleet.last_places(), oracle.last_places(files)).is_total


def test_a_destination_that_is_not_on_file_is_a_dangling_place(fleet: Fleet) -> None:
    fly(fleet, journal_of_january())

    assert set(fleet.world.locations.dangling()) <= {"BQN", "PSE", "SJU", "STT"}
    assert fleet.world.locations.count("SJU") > 0
    assert "SJU" not in fleet.world.ids


def test_the_report_lists_a_place_without_an_entity_by_its_name_alone(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, census = fly(fleet, journal_of_january())
    monkeypatch.setattr(report, "N_TOP", len(census.places))

    lines = report.fleet_lines(fleet, census)

    n_planes = fleet.world.locations.count("SJU")
    assert f"  SJU  {n_planes:>9}" in "\n".join(lines)
    assert sum("(not in the airports file)" in line for line in lines) == len(
        fleet.world.locations.dangling()
    )


def test_a_plane_in_the_wrong_place_is_named(fleet: Fleet) -> None:
    journal = journal_of_january()
    fly(fleet, journal)
    expected = oracle.last_places(january())
    tails = expected.index[:4]
    fleet.world.move(tails.tolist(), "Atlantis")

    agreement = compare(fleet.ids, fleet.last_places(), expected)

    assert not agreement.is_total
    assert agreement.n_planes - agreement.n_agreeing == 4
    assert len(agreement.disagreements) == 3
    assert all(" is at Atlantis, not " in text for text in agreement.disagreements)


def test_a_timing_adds_up() -> None:
    timing = Timing(n_moves=4, seconds=2.0)

    assert timing.per_second == 2.0
    assert timing.nanoseconds == 5e8
