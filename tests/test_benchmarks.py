"""Every benchmark runs, at its smallest size and in one round; peers do what the world does."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("asv_runner", reason="the extra bench is not installed")
pytest.importorskip("esper", reason="the extra bench is not installed")
pytest.importorskip("polars", reason="the extra bench is not installed")

import bars
from asv_runner.discovery import disc_benchmarks

from benchmarks import move
from benchmarks.base import Contest, Draw, OneCall, Operation, Side, costs
from benchmarks.imports import Import
from benchmarks.peers import frames, groups, sets
from benchmarks.worlds import N_PLACES, names_of, places_of

ROOT = Path(__file__).parent.parent
BENCHMARKS = {found.name: found for found in disc_benchmarks(str(ROOT / "asv_bench/benchmarks"))}
N = 10_000


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_measures_something_at_its_smallest_size(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (Operation, OneCall, Contest, Import):
        monkeypatch.setattr(kind, "n_rounds", 1)
    benchmark = BENCHMARKS[name]
    if benchmark.params:
        benchmark.set_param_idx(0)

    benchmark.do_setup()
    figure = benchmark.do_run()

    assert math.isfinite(figure)
    assert figure > 0


def test_sizes_come_first_and_smallest_first() -> None:
    for benchmark in BENCHMARKS.values():
        if benchmark.params:
            sizes = [int(size) for size in benchmark.params[0]]
            assert benchmark.param_names == ["n"]
            assert sizes == sorted(sizes)


def test_every_figure_has_a_unit() -> None:
    assert {benchmark.unit for benchmark in BENCHMARKS.values()} == {"ns", "x", "bytes", "s"}


def test_every_operation_is_held_against_the_bar_of_growth() -> None:
    measured = {name.rsplit(".", 2)[1] for name in BENCHMARKS if name.endswith("growth")}
    one_by_one = {"SetOne", "SpawnOne", "MoveOne"}

    listed = {bar.operation.split(":")[0] for bar in bars.bars() if bar.against == "at 10k"}

    assert listed == measured - one_by_one


def test_sides_take_turns_and_what_puts_back_follows_each_round() -> None:
    calls: list[str] = []

    def side(name: str) -> Side:
        return Side(lambda: calls.append(name), lambda: calls.append(f"undo {name}"))

    costs([side("ours"), side("theirs")], n_rounds=2)

    assert calls == ["ours", "undo ours", "theirs", "undo theirs"] * 3


def test_a_row_says_whether_the_bar_is_missed() -> None:
    slower = bars.Bar("spawn", "copies", 2.0, lambda: 3.0)
    faster = bars.Bar("move", "sets", 0.025, lambda: 0.02, faster=True)

    assert slower.row(3.0) == "| spawn | copies | at most 2 x | 3 x | **miss** |"
    assert faster.row(0.02) == "| move | sets | at least 40 x faster | 50 x faster | pass |"


def places_after(n_rounds: int) -> list[int]:
    """Draw and move as all sides do, in an array of places."""
    draw, places = Draw(N), places_of(N)
    for _ in range(n_rounds):
        draw.next()
        places[draw.chosen] = draw.rng.integers(0, N_PLACES, draw.n_chosen)
    return places.tolist()


def run_rounds(side: Side, n_rounds: int) -> None:
    for _ in range(n_rounds):
        side.do()
        side.undo()


@pytest.mark.parametrize("named", [False, True])
def test_the_world_moves_whom_it_is_told(named: bool) -> None:
    rounds = move.Moving(N, names=names_of(N) if named else None)

    run_rounds(rounds.side, 3)

    names = rounds.world.locations.of(rounds.entities).tolist()
    assert names == [f"place-{place}" for place in places_after(3)]
    rounds.world.check()


def test_the_dict_of_sets_moves_whom_it_is_told() -> None:
    rounds = sets.Moving(N)

    run_rounds(rounds.side, 3)

    assert list(rounds.sets.place_of.values()) == places_after(3)
    for entity, place in rounds.sets.place_of.items():
        assert entity in rounds.sets.members[place]


def test_the_bare_loop_moves_whom_it_is_told() -> None:
    rounds = groups.Groups(N)

    run_rounds(rounds.side, 3)

    places, slots = rounds.spots["place"], rounds.spots["slot"]
    assert places.tolist() == places_after(3)
    assert np.array_equal(rounds.members[rounds.groups["start"][places] + slots], np.arange(N))
    assert np.array_equal(np.bincount(places, minlength=N_PLACES), rounds.groups["count"])


def test_the_frame_moves_whom_it_is_told() -> None:
    rounds = frames.Frame(N)
    side = Side(rounds.do, rounds.next)

    run_rounds(side, 3)

    assert rounds.frame["place"].to_list() == [f"place-{place}" for place in places_after(3)]
