"""What the demo says, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from ecs_columnar.demo.agreement import Agreement
from ecs_columnar.demo.census import Census
from ecs_columnar.demo.components import Airport, Cabin
from ecs_columnar.demo.files import Files
from ecs_columnar.demo.fleet import Fleet
from ecs_columnar.demo.journal import Journal
from ecs_columnar.demo.oddities import Oddities
from ecs_columnar.demo.replay import Race, Timing
from ecs_columnar.stats import Stats
from ecs_columnar.world import World

N_TOP: Final = 12
NOT_ON_FILE: Final = "(not in the airports file)"


def data_lines(files: Files, oddities: Oddities) -> list[str]:
    """Say what there is, what is left out and what is odd, and why."""
    odd = oddities
    return [
        title("Data: nycflights13, all flights that were to leave New York in 2013"),
        _counted(len(files.airports), "airports in the airports file"),
        _counted(len(files.planes), "planes in the planes file"),
        _counted(len(files.flights), "flights"),
        "  left out",
        _counted(odd.cancelled, "flights that never left"),
        _counted(odd.cancelled_without_tail, "  of them without a tail number"),
        *_unless_none(odd.left_without_tail, "flights that left without a tail number"),
        "  replayed, and odd",
        _counted(odd.unregistered, "planes not in the planes file: a definition of their own"),
        _counted(odd.never_left, "planes whose flights were all cancelled: they stay nowhere"),
        _counted(
            len(odd.places_not_on_file),
            f"destinations not in the airports file ({', '.join(odd.places_not_on_file)}):",
        ),
        _more("places with a name and no entity"),
        _counted(odd.lost, "flights left and never landed at their destination:"),
        _more("their planes are nowhere until they leave again"),
        _counted(odd.diverted, "flights landed there after a stop elsewhere, hours late"),
        _counted(odd.next_day, "flights left after midnight of the day that they are filed under"),
        _counted(odd.in_two_places, "flights whose plane leaves again before it has landed"),
        _counted(odd.not_there, "departures of planes last seen at another airport: they came"),
        _more("back on flights to New York, which the data do not have"),
        "  missing values, so the entity has no such component",
        _counted(odd.without_year, "planes without the year of building"),
        _counted(odd.without_speed, "planes without a cruising speed (a sparse component)"),
    ]


def world_lines(stats: Stats) -> list[str]:
    """Say what the world holds and how many bytes that takes."""
    n = max(stats.n_entities, 1)
    n_tables = sum(table.n_rows > 0 for table in stats.tables)
    rest = stats.nbytes - stats.payload_nbytes - stats.id_nbytes
    return [
        title("World"),
        _counted(stats.n_entities, f"entities, {stats.n_named:,} with an id, in {n_tables} tables"),
        _counted(stats.n_places, f"places with {stats.n_placed:,} planes in them"),
        f"  {_bytes(stats.nbytes):>11}  memory, in bytes an entity {stats.bytes_per_entity:,.0f}:",
        _counted(round(stats.payload_nbytes / n), "  component values"),
        _counted(round(stats.id_nbytes / n), "  ids, and names of places"),
        _counted(round(rest / n), "  records, location index, spare room"),
    ]


def replay_lines(journal: Journal, race: Race) -> list[str]:
    """Say how many moves there were and how fast they went, each way."""
    n_moves, n_sampled = race.by_handle.n_moves, race.one_by_one.n_moves
    lines = [
        title("Replay: two moves a flight, to its origin and to its destination"),
        _counted(n_moves, f"moves in {journal.n_days} batches, a day each"),
        f"  {'':22}{'moves':>13}{'seconds':>10}{'moves/s':>14}{'ns a move':>12}",
        _timing("batch, by handle", race.by_handle),
        _timing("batch, by tail number", race.by_id),
        _timing("scalar, one by one", race.one_by_one),
    ]
    if n_sampled < n_moves:
        lines.append(f"  the last two on the first {n_sampled:,} moves only")
    same = "the same places" if race.ends_alike else "DIFFERENT places"
    return [
        *lines,
        f"  a batch by handle is {race.ratio:,.0f} times as fast as one by one",
        f"  the same moves lead to {same}, whichever way they are made",
    ]


def fleet_lines(fleet: Fleet, census: Census) -> list[str]:
    """Say where the fleet is after the last move."""
    world = fleet.world
    seats = world.locations.sum(Cabin, "seats")
    top = census.largest(N_TOP)
    others = np.delete(census.counts[-1], top)
    lines = [
        title(f"Fleet at the end of {census.days[-1]}, after the last landing"),
        f"  {'':5}{'planes':>9}{'known seats':>13}  airport",
    ]
    for code in top:
        name = str(census.places[code])
        planes = census.counts[-1, code]
        lines.append(f"  {name:5}{planes:>9,}{seats[code]:>13,}  {_full_name(world, name)}")
    dangling = [f"{name} {world.locations.count(name):,}" for name in world.locations.dangling()]
    return [
        *lines,
        _elsewhere(others.sum(), f"{np.count_nonzero(others)} other airports"),
        _elsewhere(census.nowhere[-1], "nowhere: never left, or lost"),
        f"  planes in places that no entity is: {', '.join(dangling) or 'none'}",
    ]


def summary_lines(race: Race, agreement: Agreement, picture: Path) -> list[str]:
    """Say what matters, in three lines; more only where something is wrong."""
    by_handle = race.by_handle
    speed = f"{by_handle.per_second / 1e6:.1f} million a second"
    times = f"{race.ratio:,.0f} times the scalar API"
    lines = [
        f"{by_handle.n_moves:,} moves in {by_handle.seconds:.2f} s: {speed}, {times}",
        f"{agreement.n_agreeing:,} of {agreement.n_planes:,} planes are where pandas puts them",
    ]
    lines += [f"  {text}" for text in agreement.disagreements]
    lines.append(f"picture: {picture}")
    return lines


def title(text: str) -> str:
    """Return a headline."""
    return f"\n{text}\n{'-' * len(text)}"


def _counted(count: int, text: str) -> str:
    return f"  {count:>11,}  {text}"


def _more(text: str) -> str:
    return f"  {'':11}  {text}"


def _unless_none(count: int, text: str) -> Iterable[str]:
    return [_counted(count, text)] if count else []


def _timing(way: str, timing: Timing) -> str:
    return (
        f"  {way:22}{timing.n_moves:>13,}{timing.seconds:>10.3f}"
        f"{timing.per_second:>14,.0f}{timing.nanoseconds:>12,.0f}"
    )


def _elsewhere(n_planes: int, where: str) -> str:
    return f"  {'':5}{n_planes:>9,}{'':>13}  {where}"


def _bytes(n: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= size:
            return f"{n / size:,.1f} {unit}"
    return f"{n} B"


def _full_name(world: World, place: str) -> str:
    if place not in world.ids:
        return NOT_ON_FILE
    return str(world.entity(place)[Airport].name)
