"""A small world that has some of everything, and every operation, to be broken off half way.

Each operation is prepared first, so that what is traced, interrupted or starved
of memory is the call itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import ecs_columnar as ecs
from ecs_columnar import Mut
from tests.strategies import (
    Bag,
    Burning,
    Frozen,
    Health,
    Label,
    Link,
    Marked,
    Note,
    Position,
    Shape,
    Velocity,
    new_world,
)

Call = Callable[[], Any]


class Scene(NamedTuple):
    """A world, who is in it, and what an operation may need that was there before."""

    world: ecs.World
    crew: np.ndarray
    ships: np.ndarray
    kept: dict[str, Any]


def a_scene(scale: int = 1) -> Scene:
    """Make a world of two tables, sparse components, ids, places and free indices.

    ``scale`` multiplies the number of entities.
    """
    world = new_world()
    world.generators["weather"] = np.random.default_rng(3)
    n = 6 * scale
    crew = world.spawn(
        n,
        Position(np.arange(n, dtype="f4"), 1.0),
        Label([f"sailor {i}" for i in range(n)]),
        Bag([{"gold": i} for i in range(n)]),
        ids=[f"crew-{i}" for i in range(n)],
        at="harbour",
    )
    ships = world.spawn(4 * scale, Health(3), Shape(), at="open sea")
    gone = world.spawn(3 * scale, Position(0.0), ids=[f"gone-{i}" for i in range(3 * scale)])
    world.move(crew[: 2 * scale], np.repeat(ships[:1], 2 * scale))
    world.add(crew[::2], Burning(2.0), Note("smoke"))
    world.despawn(gone)
    world.define("core:actor", Health(7), Label("actor"))
    kept = {"before": world.snapshot().digest()}
    # Everything is written once after the snapshot, so that nothing is shared.
    world.set(crew, Position(np.arange(n, dtype="f4"), 2.0), Label("nobody"), Bag([1] * n))
    world.set(ships, Health(4), Shape())
    world.set(crew[::2], Burning(3.0), Note("ash"))
    world.move(crew[:1], "harbour")
    world.spawn(1, Position(0.0), ids=["late"], at="inn")
    return Scene(world, crew, ships, kept)


class Operation(NamedTuple):
    """Something to do to a scene.

    ``prepare`` returns the call; ``is_one`` tells whether it is one change, whose
    exceptions carry a note that says whether it was done.
    """

    prepare: Callable[[Scene], Call]
    is_one: bool = True


# -- the operations -------------------------------------------------------------------


def _spawn(s: Scene) -> Call:
    n = 3 * len(s.ships)
    labels = [f"new {i}" for i in range(n)]
    components = Position(np.arange(n, dtype="f4")), Label(labels), Bag([[i] for i in range(n)])
    rare = Burning(np.arange(n, dtype="f4")), Marked()
    ids = [f"new-{i}" for i in range(n)]
    ids[0] = "harbour"  # which is a place already
    places = [f"new place {i}" for i in range(n)]
    return lambda: s.world.spawn(n, *components, *rare, ids=ids, at=places)


def _spawn_into_a_new_table(s: Scene) -> Call:
    value = Health(np.arange(5, dtype="i4")), Velocity(1.0), Frozen()
    return lambda: s.world.spawn(5, *value, at=s.ships[0], definition="core:actor")


def _spawn_groups(s: Scene) -> Call:
    groups = [
        ecs.Group((Health([1, 2]), Shape()), np.array([0, 2])),
        ecs.Group((Position(1.0), Note(["a", "b", "c"])), np.array([1, 3, 4])),
    ]
    return lambda: s.world.spawn_groups(5, groups, ids=list("pqrst"), at="inn")


def _spawn_one(s: Scene) -> Call:
    s.world.spawn(1, Health(1))
    value = Health(5)
    return lambda: s.world.spawn_one(value)


def _spawn_one_fresh(s: Scene) -> Call:
    s.world.spawn(3 * len(s.ships), Health(1))
    value = Health(5)
    return lambda: s.world.spawn_one(value)


def _spawn_one_with_an_id(s: Scene) -> Call:
    value = Label("x")
    return lambda: s.world.spawn_one(value, id="the one", at="a new place")


def _despawn(s: Scene) -> Call:
    some = np.concatenate([s.crew[::2], s.ships[:1]])  # a ship is a place
    return lambda: s.world.despawn(some)


def _despawn_all(s: Scene) -> Call:
    every = s.world.query()
    return lambda: s.world.despawn(every)


def _add(s: Scene) -> Call:
    n = len(s.crew) // 2
    value = Velocity(np.arange(n, dtype="f4")), Label([f"added {i}" for i in range(n)])
    return lambda: s.world.add(s.crew[:n], *value)


def _add_to_all_of_a_table(s: Scene) -> Call:
    n = len(s.crew)
    value = Link(s.ships[0]), Position(np.arange(n, dtype="f4")), Note([f"n{i}" for i in range(n)])
    return lambda: s.world.add(s.crew, *value)


def _add_and_overwrite(s: Scene) -> Call:
    n = len(s.crew)
    value = Bag([{"i": [i]} for i in range(n)]), Burning(np.arange(n, dtype="f4")), Marked()
    return lambda: s.world.add(s.crew[::-1], *value)


def _remove(s: Scene) -> Call:
    return lambda: s.world.remove(s.crew[::2], Label, Bag, Burning)


def _remove_from_all_of_a_table(s: Scene) -> Call:
    return lambda: s.world.remove(s.crew, Bag)


def _set(s: Scene) -> Call:
    n = len(s.crew)
    value = Position(np.arange(n, dtype="f4"), 9.0), Label([f"set {i}" for i in range(n)]), Bag(3)
    return lambda: s.world.set(s.crew[::-1], *value)


def _set_fields(s: Scene) -> Call:
    n = len(s.crew[1::2])
    text = [f"field {i}" for i in range(n)]
    return lambda: s.world.set(s.crew[1::2], Label, text=text, language="de")


def _set_rare(s: Scene) -> Call:
    n = len(s.crew[::2])
    value = Note([f"rare {i}" for i in range(n)], extra=[[i] for i in range(n)])
    return lambda: s.world.set(s.crew[::2], value)


def _move(s: Scene) -> Call:
    n = len(s.crew)
    places = [f"dock {i % (n // 2 + 1)}" for i in range(n)]
    return lambda: s.world.move(s.crew, places)


def _move_into_entities(s: Scene) -> Call:
    return lambda: s.world.move(s.ships, np.roll(s.ships, 1))


def _move_one(s: Scene) -> Call:
    entity = s.world.entity(int(s.crew[3]))
    entity.move("inn")
    return lambda: entity.move("harbour")


def _move_one_to_a_new_place(s: Scene) -> Call:
    entity = s.world.entity(int(s.crew[3]))
    return lambda: entity.move("far away")


def _define(s: Scene) -> Call:
    values = Health(1), Label("a new string")
    return lambda: s.world.define("core:ship", *values)


def _write_a_cell(component: type, name: str, value: Any) -> Callable[[Scene], Call]:
    def prepare(s: Scene) -> Call:
        cells = s.world.entity(int(s.crew[2]))[component]
        return lambda: setattr(cells, name, value)

    return prepare


def _assign_to_a_view(component: type, name: str) -> Callable[[Scene], Call]:
    def prepare(s: Scene) -> Call:
        rows = next(iter(s.world.query(Mut[component])))
        view = rows[component]
        n = len(rows)
        values = {"x": np.arange(n, dtype="f4"), "text": [f"view {i}" for i in range(n)]}
        return lambda: setattr(view, name, values[name])

    return prepare


def _expose(s: Scene) -> Call:
    def call() -> None:
        for rows in s.world.query(Mut[Position]):
            assert rows[Position].x is not rows[Position].y

    return call


def _entity(method: str, *arguments: Any) -> Callable[[Scene], Call]:
    def prepare(s: Scene) -> Call:
        entity = s.world.entity(int(s.crew[2]))
        return lambda: getattr(entity, method)(*arguments)

    return prepare


def change_much(s: Scene) -> None:
    """Do what touches every part of a world."""
    world, crew, ships = s.world, s.crew, s.ships
    world.move(crew[::2], "a new place")
    born = world.spawn(2, Position(5.0), Label(["p", "q"]), ids=["born", "borne"], at=crew[0])
    world.add(ships[:2], Velocity(1.0), Marked())
    world.despawn(crew[1::2])
    world.remove(crew[:1], Burning)
    world.set(born, Label, text="new text")
    world.define("core:new", Health(1))
    world.generators["weather"].random()


def _commit(s: Scene) -> Call:
    transaction = s.world.transaction().__enter__()
    change_much(s)
    return transaction.commit


def _roll_back(s: Scene) -> Call:
    transaction = s.world.transaction().__enter__()
    change_much(s)
    return transaction.rollback


def _transaction(s: Scene) -> Call:
    def call() -> None:
        with s.world.transaction():
            s.world.move(s.crew[:2], "inside")
            with s.world.transaction():
                s.world.despawn(s.crew[4])

    return call


class Broken(Exception):
    """What a block raises to be taken back."""


def _broken_transaction(s: Scene) -> Call:
    def call() -> None:
        try:
            with s.world.transaction():
                s.world.move(s.crew[:2], "inside")
                s.world.despawn(s.crew[4])
                raise Broken
        except Broken:
            pass

    return call


def _snapshot(s: Scene) -> Call:
    return s.world.snapshot


def _restore(s: Scene) -> Call:
    snapshot = s.world.snapshot()
    change_much(s)
    return lambda: s.world.restore(snapshot)


def _history(s: Scene) -> Call:
    history = s.world.history(3)
    for _ in range(3):
        history.record()
        change_some(s, len(history))
    return lambda: history.rollback(3)


def change_some(s: Scene, i: int) -> None:
    """Change a little, something else for each ``i``."""
    s.world.move(s.crew[i % len(s.crew)], f"place {i}")
    s.world.set(s.crew, Position, x=float(i))


def _failing(prepare: Callable[[Scene], Call]) -> Callable[[Scene], Call]:
    """An operation that is refused after it has prepared much, all of which is undone."""

    def prepare_to_fail(s: Scene) -> Call:
        call = prepare(s)

        def fail() -> None:
            try:
                call()
            except ecs.EcsColumnarError:
                return
            raise AssertionError("it was not refused")

        return fail

    return prepare_to_fail


def _spawn_with_an_id_that_is_taken(s: Scene) -> Call:
    value = Label(["p", "q", "new"]), Note("new as well"), Velocity(1.0)
    ids = ["one", "two", "crew-1"]
    return lambda: s.world.spawn(3, *value, ids=ids, at=["far", "away", "out there"])


def _spawn_at_a_place_that_is_gone(s: Scene) -> Call:
    gone = s.world.spawn(1)
    s.world.despawn(gone)
    value = Label(["p", "q"]), Frozen()
    places = np.array([s.crew[0], gone[0]])
    return lambda: s.world.spawn(2, *value, ids=["one", "two"], at=places)


def _add_what_does_not_fit(s: Scene) -> Call:
    value = Label("a new text"), Note("another one"), Bag(2), Health(2**31)
    return lambda: s.world.add(s.crew[::2], *value)


def _set_what_does_not_fit(s: Scene) -> Call:
    value = Label([f"set {i}" for i in range(len(s.crew))]), Bag(2), Position("far")
    return lambda: s.world.set(s.crew, *value)


def _define_what_is_defined(s: Scene) -> Call:
    value = Label("a new text"), Note("another one")
    return lambda: s.world.define("core:actor", *value)


OPERATIONS: dict[str, Operation] = {
    "spawn": Operation(_spawn),
    "spawn into a new table": Operation(_spawn_into_a_new_table),
    "spawn groups": Operation(_spawn_groups),
    "spawn one": Operation(_spawn_one),
    "spawn one of a fresh index": Operation(_spawn_one_fresh),
    "spawn one with an id": Operation(_spawn_one_with_an_id),
    "despawn": Operation(_despawn),
    "despawn all": Operation(_despawn_all),
    "add": Operation(_add),
    "add to all of a table": Operation(_add_to_all_of_a_table),
    "add and overwrite": Operation(_add_and_overwrite),
    "remove": Operation(_remove),
    "remove from all of a table": Operation(_remove_from_all_of_a_table),
    "set": Operation(_set),
    "set fields": Operation(_set_fields),
    "set what is rare": Operation(_set_rare),
    "move": Operation(_move),
    "move into entities": Operation(_move_into_entities),
    "move one": Operation(_move_one),
    "move one to a new place": Operation(_move_one_to_a_new_place),
    "define": Operation(_define),
    "write a number": Operation(_write_a_cell(Position, "x", 8.5)),
    "write a number that is cast": Operation(_write_a_cell(Position, "x", 8)),
    "write a string": Operation(_write_a_cell(Label, "text", "a new text")),
    "write an object": Operation(_write_a_cell(Bag, "content", {"a": [1, 2]})),
    "write a rare number": Operation(_write_a_cell(Burning, "heat", 8)),
    "assign numbers to a view": Operation(_assign_to_a_view(Position, "x")),
    "assign strings to a view": Operation(_assign_to_a_view(Label, "text")),
    "ask for writable views": Operation(_expose),
    "add to one": Operation(_entity("add", Velocity(1.0), Label("one"))),
    "remove from one": Operation(_entity("remove", Label, Note)),
    "set one": Operation(_entity("set", Position(7.0), Label("one"))),
    "despawn one": Operation(_entity("despawn")),
    "commit": Operation(_commit, is_one=False),
    "roll back": Operation(_roll_back, is_one=False),
    "a transaction": Operation(_transaction, is_one=False),
    "a broken transaction": Operation(_broken_transaction, is_one=False),
    "snapshot": Operation(_snapshot),
    "restore": Operation(_restore),
    "go back in a history": Operation(_history),
    "spawn with an id that is taken": Operation(_failing(_spawn_with_an_id_that_is_taken)),
    "spawn at a place that is gone": Operation(_failing(_spawn_at_a_place_that_is_gone)),
    "add what does not fit": Operation(_failing(_add_what_does_not_fit)),
    "set what does not fit": Operation(_failing(_set_what_does_not_fit)),
    "define what is defined": Operation(_failing(_define_what_is_defined)),
}


def _flush(s: Scene) -> Call:
    write_and_draw(s)
    return s.world._storage.journal.flush


def _move_after_writing(s: Scene) -> Call:
    write_and_draw(s)
    return lambda: s.world.move(s.crew[:2], "a new place")


def _begin_after_writing(s: Scene) -> Call:
    write_and_draw(s)
    return lambda: s.world.transaction().__enter__().rollback()


def write_and_draw(s: Scene) -> None:
    """Do what a journal finds by looking."""
    rows = next(iter(s.world.query(Mut[Position])))
    rows[Position].x[1:] = 5.5
    s.world.generators["weather"].random()


JOURNALLED: dict[str, Operation] = {
    "flush": Operation(_flush),
    "move after writing": Operation(_move_after_writing),
    "begin after writing": Operation(_begin_after_writing, is_one=False),
}
"""Operations of worlds with a journal, which holds less than the world before them."""

SETTINGS = ("alone", "with a snapshot", "in a transaction", "with a listener")
WITH_A_JOURNAL = ("with a journal", "with a journal, in a transaction")
REFUSED = {name for name in OPERATIONS if name.endswith(("taken", "gone", "fit", "defined"))}
ENDS = {"commit", "roll back", "restore", "go back in a history"}  # not in a transaction of ours
UNRECORDED = {"restore", "go back in a history"}  # which a journal refuses
CASES = [
    (name, setting)
    for name in [*OPERATIONS, *JOURNALLED]
    for setting in (*SETTINGS, *WITH_A_JOURNAL)
    if not (name in ENDS | set(JOURNALLED) and setting.endswith("in a transaction"))
    and not (name in UNRECORDED and setting in WITH_A_JOURNAL)
    and not (name in JOURNALLED and setting not in WITH_A_JOURNAL)
]
