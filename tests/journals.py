"""Worlds that are recorded while they change, and what their logs have to lead to."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

import ecs_columnar as ecs
from tests.checkpoints import Recorder, a_small_world, after_power_loss, load, on_disk
from tests.strategies import Bag, Burning, Health, Label, Link, Note, Position

Step: TypeAlias = Callable[[ecs.World], Any]
"""Does one thing that is one record, and nothing or all of it may be lost."""


class Moment(NamedTuple):
    """A world after a record: where the log ended then, and the digest."""

    size: int
    digest: str


def an_eventful_log(path: Path, *, durable: bool = False) -> list[Moment]:
    """Do something of every kind with a journal; return what was after each record."""
    world = a_small_world()
    with world.journal(path, durable=durable) as journal:
        moments = [Moment(journal.nbytes, world.digest())]
        for step in STEPS:
            step(world)
            journal.flush()
            moments.append(Moment(journal.nbytes, world.digest()))
    return moments


def _spawn(world: ecs.World) -> None:
    world.spawn(
        3,
        Position([1, 2, 3]),
        Label(["x", "\ud800", "x"]),
        Bag([{"a": 1}, None, [1]]),
        ids=["i1", " i2 ", "i3"],
        at=["quay", None, "harbour"],
    )


def _spawn_groups(world: ecs.World) -> None:
    groups = [
        ecs.Group((Health([1, 2]), Link(["i1", "i3"])), np.array([0, 2])),
        ecs.Group((Note("n", {"k": (1,)}), Bag((1, 2))), np.array([1])),
    ]
    world.spawn_groups(3, groups, at="i1")


def _draw_and_set(world: ecs.World) -> None:
    x = world.generators["weather"].random(3)
    world.set(["i1", " i2 ", "i3"], Position, x=x)


def _write_views(world: ecs.World) -> None:
    for rows in world.query(ecs.Mut[Position], without=Bag):
        rows[Position].x[:] += 1


def _assign_to_a_view(world: ecs.World) -> None:
    for rows in world.query(ecs.Mut[Label], Bag):
        rows[Label].language = "de"


def _write_a_view_and_break(world: ecs.World) -> None:
    for rows in world.query(ecs.Mut[Health]):
        rows[Health].points[0] = 77
        break


def _write_a_cell(component: type, name: str, value: Any) -> Step:
    return lambda world: setattr(world.entity("i1")[component], name, value)


def _transaction(world: ecs.World) -> None:
    with world.transaction():
        world.move("i3", "i1")
        with world.transaction() as inner:
            world.despawn("i1")
            inner.rollback()
        world.despawn("p")
        for rows in world.query(ecs.Mut[Health]):
            rows[Health].points += 1


def _draw_only(world: ecs.World) -> None:
    world.generators["weather"].random()
    world.generators["tide"] = np.random.Generator(np.random.MT19937(3))


STEPS: tuple[Step, ...] = (
    _spawn,
    _spawn_groups,
    _draw_and_set,
    lambda world: world.move(["i1", "i3"], [" quay ", None]),
    lambda world: world.move(["i1"], world.ids[[" i2 "]]),
    _write_views,
    _assign_to_a_view,
    _write_a_view_and_break,
    _write_a_cell(Position, "y", 2.5),
    _write_a_cell(Label, "text", "neu"),
    _write_a_cell(Bag, "content", [1, {"two": 2}]),
    _transaction,
    lambda world: world.define("core:new", Health(3), Bag({"of": [1]})),
    lambda world: world.spawn(2, definition="core:new"),
    lambda world: world.add(["i1", " i2 "], Burning([1.0, 2.0]), Health(4)),
    lambda world: world.add("i1", Burning(3.0)),
    lambda world: world.set(["i1", "i1"], Burning([4.0, 5.0])),
    lambda world: world.remove(["i1", " i2 "], Burning, Position),
    _draw_only,
    lambda world: world.despawn(world.query(Health)),
    lambda world: world.spawn(0, at=[]),
    lambda world: world.spawn(4),
)
WITHOUT_A_CALL = {_write_views, _write_a_view_and_break, _draw_only}
"""What is recorded by the next record, or when it is asked for."""


# -- losses of power ------------------------------------------------------------------


class Cut(NamedTuple):
    """A point at which power is lost.

    Attributes
    ----------
    n : int
        How much was done to the disk until then.
    expected : set of str
        Digests of what may load; None is nothing.
    is_at_rest : bool
        Whether nothing was under way.
    """

    n: int
    expected: set[str | None]
    is_at_rest: bool


def power_losses_of_a_log(
    folder: Path,
    n_states: int,
    skipped: int = -1,
    *,
    durable: bool,
    stride: int = 1,
    until_bad: bool = False,
) -> tuple[int, int]:
    """Lose power at points of an eventful life, and count what loads wrongly.

    Returns
    -------
    n_bad, n_tried : int
        States in which not the last acknowledged world loads, nor the one that was being made;
        or which are said to be damaged though nothing was under way.
    """
    folder.mkdir(exist_ok=True)
    recorder = Recorder(skipped)
    root, path, target = recorder.key_of(folder), folder / "world", folder / "after"
    rng, n_bad, n_tried = random.Random(skipped), 0, 0
    cuts = _cuts(recorder, path, stride=stride, durable=durable)
    for cut in (cut for cut in cuts if cut.n >= recorder.skipped_at):
        for _ in range(n_states):
            after_power_loss(recorder.trace[: cut.n], root, target, rng)
            n_tried += 1
            n_bad += not _is_good(target / path.name, cut, goes_on=rng.random() < 0.1)
            if n_bad and until_bad:
                return n_bad, n_tried
    return n_bad, n_tried


def syncs_of_a_log(folder: Path, *, durable: bool) -> list[int]:
    """Return the numbers of the syncs that somebody was told of, so that none may be left out."""
    recorder = Recorder()
    _cuts(recorder, folder, stride=1, durable=durable)
    return [n for n in range(recorder.n_syncs) if n not in recorder.interrupted]


def _cuts(recorder: Recorder, path: Path, *, stride: int, durable: bool) -> list[Cut]:
    """Live an eventful life, and return the points of it at which to lose power."""
    cuts: list[Cut] = []
    last: str | None = None
    start = 0
    with on_disk(recorder):
        for digests in _live(path, recorder, durable=durable):
            end = len(recorder.trace)
            cuts += [Cut(n, {last, *digests}, False) for n in range(start + 1, end, stride)]
            start, last = end, digests[-1]
            cuts.append(Cut(end, {last}, True))
    return cuts


def _live(path: Path, recorder: Recorder, *, durable: bool) -> Iterator[list[str]]:
    """Do something of every kind with a journal.

    Yields
    ------
    list of str
        Digests of what may be on disk meanwhile, and has to be now: the last of them.
    """
    world = a_small_world()
    journal = world.journal(path, durable=durable)
    yield [world.digest()]
    for number, step in enumerate(STEPS):
        step(world)
        if not durable or step in WITHOUT_A_CALL:
            journal.flush()
        yield [world.digest()]
        if number % 4 == 3:
            would_be = _interrupted(world, recorder, "fsync" if durable else "write")
            if not durable:
                journal.flush()
            yield [would_be, world.digest()]
        if number == len(STEPS) // 2:
            world.save(path, durable=True)
            yield [world.digest()]
    world.spawn(1)
    journal.close()
    yield [world.digest()]


def _interrupted(world: ecs.World, recorder: Recorder, call: str) -> str:
    """Have a change recorded, and not be done after all; return the digest it would have led to."""
    before, twin = world.digest(), deepcopy(world)
    twin.spawn(2, Health(3))
    recorder.interrupts = call
    with suppress(KeyboardInterrupt):
        world.spawn(2, Health(3))
    assert (recorder.interrupts, world.digest()) == ("", before)
    return twin.digest()


def _is_good(path: Path, cut: Cut, *, goes_on: bool) -> bool:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        try:
            world = load(path)
        except ecs.CheckpointError:
            return None in cut.expected
    is_good = world.digest() in cut.expected and not (caught and cut.is_at_rest)
    if goes_on:
        _go_on(world, path)
    return is_good


def _go_on(world: ecs.World, path: Path) -> None:
    """Live on after a loss of power."""
    before = world.digest()
    with world.journal(path, durable=False):
        assert load(path).digest() == before
        world.spawn(1, Health(5), at="after all")
        assert load(path).digest() == world.digest()
