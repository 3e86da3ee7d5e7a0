"""Journals that are opened, saved under and closed, broken off at every step.

What is on disk cannot be put back as what is in memory is, so each time there is
a new world in a new folder.
"""

from __future__ import annotations

import shutil
import signal
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import ecs_columnar as ecs
from tests.checkpoints import a_small_world, load
from tests.interruption import Fuse, Injected, Kind, Step, distinct, steps_of, traced

Call = Callable[[], Any]


def _open(world: ecs.World, path: Path) -> Call:
    world.save(path, durable=False)
    world.spawn(1)
    return lambda: world.journal(path, durable=False)


def _save(world: ecs.World, path: Path) -> Call:
    world.journal(path, durable=False)
    world.spawn(1)
    return lambda: world.save(path, durable=False)


def _close(world: ecs.World, path: Path) -> Call:
    journal = world.journal(path, durable=False)
    world.spawn(1)
    world.generators["weather"].random()
    return journal.close


ENDS_OF_LOGS = {"open": _open, "save": _save, "close": _close}


def steps_of_journal(name: str, folder: Path, kind: Kind) -> list[Step]:
    """Return the steps of a call, one of those that are the same."""
    call = ENDS_OF_LOGS[name](a_small_world(), folder / "steps")
    return distinct(steps_of(call, kind))


def break_off_journal(name: str, folder: Path, kind: Kind, steps: Iterable[Step]) -> int:
    """Break a call off at each of some steps; return how many there were."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    path, n_steps = folder / "world", 0
    for step in steps:
        world, fuse = a_small_world(), Fuse(kind, step)
        call = ENDS_OF_LOGS[name](world, path)
        before = world.digest()
        with pytest.raises((Injected, KeyboardInterrupt)), traced(fuse.trace):
            call()
        assert fuse.is_on_the_way, f"not what is at {step} when it is left alone"
        assert world.digest() == before, step
        _go_on(world, path, step)
        shutil.rmtree(path)
        n_steps += 1
    return n_steps


def _go_on(world: ecs.World, path: Path, step: Step) -> None:
    """Change the world: that is recorded, or refused until there is a save."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what was cut off is damaged
        load(path).check()
    journal = world._storage.journal
    if journal is not None and ", broken:" in repr(journal):
        with pytest.raises(ecs.CheckpointError, match="is broken"):
            world.spawn(1)
        world.save(path, durable=False)
    world.spawn(1)
    if journal is None:
        world.journal(path, durable=False)
    assert load(path).digest() == world.digest(), step
    world._storage.journal.close()
    world.save(path, durable=False)
