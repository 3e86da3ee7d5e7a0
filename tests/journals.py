"""Worlds that are recorded while they change, and what their logs have to lead to."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

import ecs_columnar as ecs
from tests.checkpoints import a_small_world
from tests.strategies import Bag, Burning, Health, Label, Link, Note, Position


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
    for rows in world.query(ecs.Mut[Position], ecs.Mut[Label]):
        rows[Position].x[:] += 1
        rows[Label].language = "de"


def _write_a_view_and_break(world: ecs.World) -> None:
    for rows in world.query(ecs.Mut[Health]):
        rows[Health].points[0] = 77
        break


def _write_cells(world: ecs.World) -> None:
    entity = world.entity("i1")
    entity[Position].y = 2.5
    entity[Label].text = "neu"
    entity[Bag].content = [1, {"two": 2}]


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


STEPS = (
    _spawn,
    _spawn_groups,
    _draw_and_set,
    lambda world: world.move(["i1", "i3"], [" quay ", None]),
    lambda world: world.move(["i1"], world.ids[[" i2 "]]),
    _write_views,
    _write_a_view_and_break,
    _write_cells,
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
