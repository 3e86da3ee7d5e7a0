"""The demo from end to end: read, replay, check, report, draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from ecs_columnar.demo import oracle, report
from ecs_columnar.demo.agreement import compare
from ecs_columnar.demo.files import Files, read_files
from ecs_columnar.demo.fleet import Fleet, build_fleet
from ecs_columnar.demo.journal import Journal, write_journal
from ecs_columnar.demo.legs import find_legs
from ecs_columnar.demo.oddities import count_oddities
from ecs_columnar.demo.picture import draw
from ecs_columnar.demo.replay import Race, Timing, fly, fly_by_id, fly_one_by_one
from ecs_columnar.warmup import warmup

Say: TypeAlias = Callable[[Iterable[str]], None]

SAMPLE: Final = 1_000_000
"""How many moves are made by id and one by one, at most."""


def replay_year(path: Path, *, n_copies: int = 1, quiet: bool = False) -> bool:
    """Replay all flights, print the report, and draw the picture.

    Parameters
    ----------
    path : Path
        File of the picture.
    n_copies : int, default 1
        How often the fleet flies.
    quiet : bool, default False
        Whether to print the summary only, without progress bars.

    Returns
    -------
    bool
        Whether every plane is where pandas puts it, whichever way it was moved.
    """
    say = _silence if quiet else _say
    files = read_files()
    journal = _prepare(files, say)
    say(["", "Loading kernels; the first time on a machine they are compiled ..."])
    warmup()
    fleet = build_fleet(files, journal, n_copies=n_copies)
    by_handle, census = fly(fleet, journal, quiet=quiet)
    say(report.world_lines(fleet.world.stats()))

    race = _race(files, journal, fleet, by_handle, quiet=quiet)
    say(report.replay_lines(journal, race))
    say(report.fleet_lines(fleet, census))

    agreement = compare(fleet.ids, fleet.last_places(), oracle.last_places(files))
    draw(census, files.airports, path)
    say([report.title("Summary")])
    _say(report.summary_lines(race, agreement, path))
    return agreement.is_total and race.ends_alike


def _prepare(files: Files, say: Say) -> Journal:
    """Make the moves, and say what the data are like."""
    legs = find_legs(files)
    say(report.data_lines(files, count_oddities(files, legs)))
    return write_journal(files, legs)


def _race(files: Files, journal: Journal, fleet: Fleet, by_handle: Timing, *, quiet: bool) -> Race:
    """Fly the other two ways, each in a world of its own, one after the other."""
    limit = min(SAMPLE, by_handle.n_moves)
    n_copies = fleet.planes.shape[0]
    other = build_fleet(files, journal, n_copies=n_copies)
    by_id = fly_by_id(other, journal, limit=limit, quiet=quiet)
    ends = [other.last_places()]

    other = build_fleet(files, journal, n_copies=n_copies)
    one_by_one = fly_one_by_one(other, journal, limit=limit, quiet=quiet)
    ends.append(other.last_places())

    if limit == by_handle.n_moves:
        ends.append(fleet.last_places())
    ends_alike = all(np.array_equal(ends[0], end) for end in ends[1:])
    return Race(by_handle, by_id, one_by_one, ends_alike)


def _say(lines: Iterable[str]) -> None:
    print("\n".join(lines), flush=True)


def _silence(lines: Iterable[str]) -> None:
    pass
