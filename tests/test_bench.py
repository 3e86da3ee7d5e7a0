"""The benchmarks of the command line: all ways do the same, and what is printed is right."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ecs_columnar import cli
from ecs_columnar.bench import operations
from ecs_columnar.bench.crew import HEALTH, Crew
from ecs_columnar.bench.operations import OPERATIONS, Comparison, Operation
from ecs_columnar.bench.report import footer, row, to_json
from ecs_columnar.bench.timing import Way, costs
from tests.services_world import members, state

N_SMALL = 10


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all sizes be small; scalar calls have less than the larger ones, dicts than the last."""
    few = tuple(operation._replace(n=N_SMALL) for operation in OPERATIONS)
    monkeypatch.setattr(operations, "OPERATIONS", few)
    monkeypatch.setattr(operations, "LARGER", (12, 14))
    monkeypatch.setattr(operations, "N_ALONE", 11)
    monkeypatch.setattr(operations, "N_DICTS", 13)


def worlds_after(
    operation: Operation, n: int, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[dict[str, Any], dict[str, set[str]]]]:
    """Do an operation in each way, in a world of its own, and return what is in the worlds."""
    crews: list[Crew] = []

    def remembered(n: int) -> Crew:
        crews.append(Crew(n))
        return crews[-1]

    monkeypatch.setattr(operations, "Crew", remembered)
    for name in operations.Ways._fields:
        assert getattr(operation.ways(n), name).do() == n
        crews[-1].services.world.check()
    worlds = [crew.services.world for crew in crews]
    return [(state(world), members(world)) for world in worlds]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_all_ways_lead_to_the_same_world(
    operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequential, dicts, columns = worlds_after(operation, 20, monkeypatch)

    assert sequential == dicts
    assert sequential == columns


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_a_round_can_be_done_again_after_it_was_undone(operation: Operation) -> None:
    for way in operation.ways(12):
        for _ in range(3):
            assert way.do() == way.n_items == 12
            way.undo()


@pytest.mark.usefixtures("small")
def test_shares_are_done_in_a_world_of_all() -> None:
    ways = operations.adding(14)

    assert [way.n_items for way in ways] == [11, 13, 14]
    assert ways.sequential.do() == 11


def test_a_crew_is_in_as_many_places_as_there_are() -> None:
    crew = Crew(2000)

    assert len(set(crew.places.tolist())) == 1000
    assert crew.place_column.to_numpy().tolist() == crew.places.tolist()
    assert crew.overrides(3)[2] == {
        "core:position": {"locationId": crew.places[2]},
        HEALTH: {"points": 2},
    }


def test_the_sizes_of_the_specification_come_first_and_quick_leaves_the_largest_out(
    small: None,
) -> None:
    all_sizes = [found.n for found in operations.measure(n_rounds=1)]
    quick_sizes = [found.n for found in operations.measure(n_rounds=1, quick=True)]

    assert all_sizes == [*[N_SMALL] * 5, *[12] * 5, *[14] * 5]
    assert quick_sizes == [*[N_SMALL] * 5, *[12] * 5]
    assert [operation.n for operation in OPERATIONS] == [50, 100, 200, 75, 100]


@pytest.mark.usefixtures("small")
def test_the_table_has_a_row_an_operation_and_a_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--rounds", "1"]) == 0

    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if re.search(r" x +[\d.,]+ x$", line)]
    assert len(rows) == 15
    assert rows[0].split()[:3] == ["create", "entities", "10"]
    assert rows[-1].split()[:4] == ["load", "a", "world", "14"]
    assert rows[0].count("*") == 0
    assert rows[5].count("*") == 1  # scalar calls on a share
    assert rows[-1].count("*") == 2  # dicts as well
    assert lines[-1] == "* measured on a share of the items, at most 11 of them (13 dicts)"
    assert max(map(len, lines)) <= 88


@pytest.mark.usefixtures("small")
def test_json_has_the_same_rows_and_says_on_how_many_items(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["bench", "--json", "--quick", "--rounds", "1"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["rounds"] == 1
    assert set(document["versions"]) == {"python", "ecs_columnar", "numpy", "numba", "pandas"}
    assert [found["operation"] for found in document["comparisons"]] == [
        operation.name for operation in OPERATIONS
    ] * 2
    last = document["comparisons"][-1]
    assert (last["items"], last["sequential"]["items"], last["dicts"]["items"]) == (12, 11, 12)
    for name in ("dicts", "columns"):
        assert last["ratio"][name] == pytest.approx(last["sequential"]["us"] / last[name]["us"])


def test_a_row_has_microseconds_and_ratios() -> None:
    measured = Comparison("create entities", 1_000_000, 1000, 100_000, 2e-3, 25e-6, 5e-7)

    text = row(measured)

    assert text.split() == [
        *("create", "entities", "1,000,000"),
        *("2,000*", "25.0*", "0.50", "80.0", "x", "4,000", "x"),
    ]


def test_nothing_is_said_about_shares_where_there_are_none() -> None:
    measured = [Comparison("create entities", 50, 50, 50, 1e-3, 1e-4, 1e-5)]

    assert not any("share" in line for line in footer(measured, n_rounds=2))
    assert json.loads(to_json(measured, n_rounds=2))["comparisons"][0]["ratio"]["columns"] > 99


def test_a_round_in_which_items_fail_is_no_figure() -> None:
    fails = Way(lambda: 3, lambda: None, 4)

    with pytest.raises(RuntimeError, match="3 of 4 items succeeded"):
        costs([fails], n_rounds=1)


def test_ways_take_turns_and_are_undone_after_each_round() -> None:
    calls: list[str] = []

    def way(name: str) -> Way:
        return Way(lambda: calls.append(name) or 1, lambda: calls.append(f"undo {name}"), 1)

    costs([way("a"), way("b")], n_rounds=2)

    assert calls == ["a", "undo a", "b", "undo b"] * 3
