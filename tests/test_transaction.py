"""Transactions keep what is done in them, or take all of it back."""

from __future__ import annotations

import gc
from contextlib import nullcontext, suppress
from typing import Any

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import Mut
from ecs_columnar.undo_log import restoring
from tests.fingerprint import assert_unchanged, fingerprint
from tests.scene import a_scene, change_much
from tests.strategies import Bag, Burning, Health, Label, Mass, Position, Shape, new_world


def test_a_block_that_raises_is_taken_back_bit_by_bit() -> None:
    scene = a_scene()
    before, digest = fingerprint(scene.world), scene.world.digest()

    def break_off() -> None:
        with scene.world.transaction():
            change_much(scene)
            raise KeyError

    with pytest.raises(KeyError):
        break_off()

    assert_unchanged(before, scene.world)
    assert scene.world.digest() == digest
    scene.world.check()


def test_a_block_that_ends_leads_to_the_world_that_it_leads_to_without_a_transaction() -> None:
    one, two = a_scene(), a_scene()

    with one.world.transaction():
        change_much(one)
    change_much(two)

    assert one.world.digest() == two.world.digest()


def test_writing_through_views_in_a_transaction_does_not_move_the_clock() -> None:
    world = new_world()
    world.spawn(3, Position([1, 2, 3]))
    tick = world.tick

    with world.transaction() as transaction:
        for rows in world.query(Mut[Position]):
            rows[Position].x += 1.0
        assert world.tick == tick
        transaction.rollback()

    assert world.get(world.query(), Position).x.tolist() == [1, 2, 3]


def test_inner_transactions_are_taken_back_alone_and_with_the_outer_one() -> None:
    world = new_world()
    ships = world.spawn(2, Health(1))

    with world.transaction() as outer:
        world.set(ships, Health(2))
        with world.transaction() as inner:
            world.set(ships, Health(3))
            inner.rollback()
        assert world.get(ships, Health).points.tolist() == [2, 2]
        with world.transaction():
            world.set(ships, Health(4))
        assert world.get(ships, Health).points.tolist() == [4, 4]
        outer.rollback()

    assert world.get(ships, Health).points.tolist() == [1, 1]


def test_all_that_an_inner_transaction_kept_is_taken_back_with_the_outer_one() -> None:
    scene = a_scene()
    before, digest = fingerprint(scene.world), scene.world.digest()

    with scene.world.transaction() as outer:
        scene.world.spawn(2, Position(1.0), Health(1), ids=["i", "j"], at="here")
        with scene.world.transaction():
            change_much(scene)
        outer.rollback()

    assert_unchanged(before, scene.world)
    assert scene.world.digest() == digest


def test_rows_that_an_inner_transaction_kept_are_no_reason_to_forget_the_older_ones() -> None:
    world = new_world()
    world.spawn(10, Health(np.arange(10)))
    before = fingerprint(world)

    with world.transaction() as outer:
        with world.transaction():
            world.spawn(1, Health(99))
        world.set(world.query(), Health(50))
        outer.rollback()

    assert_unchanged(before, world)


@pytest.mark.parametrize("around", [nullcontext, ecs.World.transaction], ids=["", "within one"])
def test_rows_that_an_outer_transaction_removed_come_back_though_an_inner_one_wrote_over_them(
    around: Any,
) -> None:
    world = new_world()
    ships = world.spawn(10, Health(np.arange(10)), ids=[f"s{i}" for i in range(10)])
    before = fingerprint(world)

    with around(world), world.transaction() as outer:
        world.despawn(ships[5:])
        with world.transaction():
            world.spawn(4, Health(99))
        outer.rollback()

    assert_unchanged(before, world)


@pytest.mark.parametrize("around", [nullcontext, ecs.World.transaction], ids=["", "within one"])
def test_rows_that_were_removed_come_back_though_their_column_was_remembered_whole_after(
    around: Any,
) -> None:
    world = new_world()
    ships = world.spawn(10, Health(np.arange(10)))
    before = fingerprint(world)

    with around(world), world.transaction() as transaction:
        world.despawn(ships[5:])
        world.set(world.query(), Health(50))
        world.set(ships[:5], Health(51))
        world.spawn(4, Health(99))
        transaction.rollback()

    assert_unchanged(before, world)


def test_rows_that_an_inner_transaction_removed_come_back_though_others_came_after_it() -> None:
    world = new_world()
    ships = world.spawn(10, Health(np.arange(10)))
    before = fingerprint(world)

    with world.transaction() as outer:
        with world.transaction():
            world.despawn(ships[5:])
        with world.transaction():
            world.spawn(1, Mass(1.0))
        world.set(world.query(Health), Health(50))
        world.spawn(4, Health(99))
        outer.rollback()

    assert_unchanged(before, world)


def test_what_was_written_twice_in_one_call_and_again_whole_is_taken_back() -> None:
    world = new_world()
    ships = world.spawn(40, Position(np.arange(40.0), 1.0), Shape(corner=np.ones((40, 3))))
    before, snapshot = fingerprint(world), world.snapshot()

    with world.transaction() as transaction:
        world.set(ships[[3, 5, 3]], Position, x=[10.0, 11.0, 12.0])
        world.set(ships[[5, 7, 7]], Position([20.0, 21.0, 22.0], 2.0), Shape(corner=np.eye(3)))
        assert world.get(ships[3:8], Position).x.tolist() == [12, 4, 20, 6, 22]
        log = world._storage.log
        assert log is not None and not log.whole  # a write of some rows keeps some
        world.set(ships, Position, x=np.zeros(40))
        world.set(ships[[4, 4]], Position, x=[20.0, 21.0])
        transaction.rollback()

    assert world.snapshot() == snapshot
    assert_unchanged(before, world)


def test_an_operation_that_fails_takes_its_part_back_and_leaves_the_rest() -> None:
    world = new_world()
    with world.transaction():
        ships = world.spawn(4, Label("a"))
        with pytest.raises(ecs.ValidationError):
            world.add(ships, Label("new"), Health(1.5))
        with pytest.raises(ecs.ValidationError):
            world.spawn(1, Burning("hot"), at="a new place")

    assert len(world) == 4
    assert "a new place" not in world.locations


def test_ids_that_are_freed_and_taken_again_survive_the_end() -> None:
    world = new_world()
    first = world.spawn(2, ids=["kestrel", "heron"])

    with world.transaction():
        world.despawn(first)
        second = world.spawn(1, ids=["heron"])

    assert world.ids["heron"] == second[0]
    assert "kestrel" not in world.ids
    world.check()


def test_generators_are_taken_back_whether_drawn_from_replaced_or_new() -> None:
    world = new_world()
    world.generators["a"] = kept = np.random.default_rng(1)
    digest = world.digest()

    with world.transaction() as transaction:
        world.generators["a"].random()
        world.generators["a"] = np.random.Generator(np.random.Philox(2))
        world.generators["b"] = np.random.default_rng(3)
        transaction.rollback()

    assert world.digest() == digest
    assert world.generators["a"] is kept
    assert list(world.generators) == ["a"]


def test_the_world_knows_its_innermost_transaction() -> None:
    world = new_world()
    assert world.open_transaction is None

    with world.transaction() as outer:
        with world.transaction() as inner:
            assert world.open_transaction is inner
        assert world.open_transaction is outer

    assert world.open_transaction is None
    assert not outer.is_open


def test_the_end_of_an_outer_block_ends_what_was_left_open_within_it() -> None:
    world = new_world()

    def break_off() -> None:
        with world.transaction():
            world.transaction().__enter__()
            world.spawn(2)
            raise KeyError

    with pytest.raises(KeyError):
        break_off()

    assert world.open_transaction is None
    assert len(world) == 0


def test_an_interrupt_in_the_beginning_leaves_no_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = new_world()
    calls = []

    def run(steps: object) -> None:
        calls.append(steps)
        original(steps)
        if len(calls) == 1:
            raise KeyboardInterrupt

    from ecs_columnar import transaction

    original, attempt = transaction.run, world.transaction()
    monkeypatch.setattr(transaction, "run", run)
    with pytest.raises(KeyboardInterrupt):
        attempt.__enter__()

    assert world.open_transaction is None
    assert not attempt.is_open
    assert len(calls) == 2


@pytest.mark.parametrize("verb", ["commit", "rollback"])
def test_a_transaction_is_ended_once_and_innermost_first(verb: str) -> None:
    world = new_world()
    never = world.transaction()
    words = {"commit": "commit", "rollback": "roll back"}[verb]
    with pytest.raises(ecs.TransactionError, match=f"cannot {words}: the transaction is not open"):
        getattr(never, verb)()

    with world.transaction() as outer:
        with world.transaction():
            message = f"cannot {words}: a transaction within this one is open"
            with pytest.raises(ecs.TransactionError, match=message):
                getattr(outer, verb)()
        getattr(outer, verb)()
        with pytest.raises(ecs.TransactionError, match="end it once"):
            getattr(outer, verb)()


def test_a_transaction_is_entered_once() -> None:
    world = new_world()
    with world.transaction() as transaction:
        pass

    with pytest.raises(ecs.TransactionError, match="cannot enter a transaction twice"):
        transaction.__enter__()


def test_a_transaction_does_not_begin_under_writable_views() -> None:
    world = new_world()
    world.spawn(1, Position(0.0))

    for rows in world.query(Mut[Position]):
        rows[Position].x += 1.0
        with pytest.raises(ecs.TransactionError, match="while a query with Mut is open"):
            world.transaction().__enter__()
    with world.transaction():
        pass


def test_nothing_is_taken_back_by_hand_under_an_open_query() -> None:
    world = new_world()
    world.spawn(1, Position(0.0))

    with world.transaction() as transaction:
        for _ in world.query(Position):
            with pytest.raises(ecs.StructuralChangeError, match="cannot roll back a transaction"):
                transaction.rollback()
        assert transaction.is_open


def test_a_snapshot_is_not_restored_in_a_transaction() -> None:
    world = new_world()
    snapshot = world.snapshot()

    with (
        world.transaction(),
        pytest.raises(ecs.TransactionError, match="cannot restore in a transaction"),
    ):
        world.restore(snapshot)


@pytest.mark.parametrize("is_by_hand", [True, False], ids=["rollback", "error"])
def test_the_cells_of_an_entity_are_right_after_a_rollback(is_by_hand: bool) -> None:
    world = new_world()
    ship = world.spawn_one(Position(1.0), Bag({"gold": 1}))
    world.spawn_one(Position(2.0), Bag({"gold": 2}))  # so that the first one changes its table
    cells = ship[Position]

    structure = world._storage.structure
    with suppress(KeyError), world.transaction() as transaction:
        cells.x = 5.0
        world.add(ship, Health(3))
        cells.x = 6.0
        if not is_by_hand:
            raise KeyError
        transaction.rollback()

    assert cells.x == 1.0
    assert dict(ship[Bag].content) == {"gold": 1}
    assert ship.components == (Position, Bag)
    assert world._storage.structure > structure  # or rows that moved could be taken for settled


def test_a_transaction_shows_what_it_is() -> None:
    world = new_world()
    transaction = world.transaction()
    assert repr(transaction) == "<Transaction, not begun>"
    assert not transaction.is_open

    with transaction:
        assert repr(transaction) == "<Transaction since tick 0, open>"

    assert repr(transaction) == "<Transaction, ended>"


def test_a_first_rare_component_goes_again_when_its_operation_fails_or_is_taken_back() -> None:
    world = ecs.World()
    ships = world.spawn(2)
    world.query(Burning, Label)
    before = fingerprint(world)

    assert not world.has(ships, Burning).any()
    with pytest.raises(ecs.DuplicateEntityError):
        world.add([ships[0], ships[0]], Burning(1.0))
    with world.transaction() as transaction:
        world.add(ships, Burning(1.0))
        transaction.rollback()

    assert_unchanged(before, world)


def test_an_operation_leaves_nothing_for_the_garbage_collector() -> None:
    world = ecs.World()
    for ids in ("abc", "def"):  # what is loaded by the first of its kind is no garbage of ours
        world.spawn(3, ids=list(ids), at="inn")
    gc.collect()
    gc.disable()
    try:
        world.spawn(3, ids=["g", "h", "i"], at="inn")
        n_unreachable = gc.collect()
    finally:
        gc.enable()

    assert n_unreachable == 0


def test_a_spawn_in_a_transaction_that_is_taken_back_leaves_no_ids_and_no_records() -> None:
    world = ecs.World()
    old = world.spawn(4, ids=list("abcd"))
    world.despawn(old[1:3])
    before = world.digest()

    with world.transaction() as attempt:
        mixed = world.spawn(5, ids=list("bcxyz"))
        world.despawn(mixed[:4])
        world.spawn(3, ids=list("xyb"))
        attempt.rollback()

    assert world.digest() == before
    assert not world.alive(mixed).any()
    world._storage.check()
    assert world.spawn(5, ids=list("bcxyz")).tolist() == mixed.tolist()


def test_a_column_is_remembered_whole_at_most_once_and_new_rows_are_not() -> None:
    world = new_world()
    ships = world.spawn(10, Health(1))
    with world.transaction() as transaction:
        world.spawn(10, Health(2))
        assert n_remembered(transaction) == 0
        world.set(ships[:1], Health(3))
        assert n_remembered(transaction) == 1
        world.set(ships, Health(4))
        world.set(ships, Health(5))

        assert n_remembered(transaction) == 1 + 10


def test_rows_that_are_new_are_not_remembered_whenever_they_came() -> None:
    world = new_world()
    world.spawn(10, Health(1))

    with world.transaction() as transaction:
        for _ in range(2):
            world.spawn(10, Health(2))
        world.spawn(1, Label("of a kind that was not there"))
        world.set(world.query(Health), Health(3))
        world.set(world.query(Label), Label("b"))

        assert n_remembered(transaction) == 10


def test_a_component_that_all_rows_get_is_not_remembered() -> None:
    world = new_world()
    ships = world.spawn(10, Health(1))
    before = fingerprint(world)

    with world.transaction() as transaction:
        world.add(ships, Mass(2.0))
        assert n_remembered(transaction) == 0
        world.add(ships, Position(1.0), Health(2))
        assert n_remembered(transaction) == 10
        transaction.rollback()

    assert_unchanged(before, world)


def test_rows_that_come_to_another_table_are_not_remembered_there() -> None:
    world = new_world()
    ships = world.spawn(10, Health(np.arange(10)))
    before = fingerprint(world)

    with world.transaction() as transaction:
        world.add(ships[8:], Mass(2.0))  # the last ones, which leave no hole to fill
        assert n_remembered(transaction) == 0
        world.add(ships[7:8], Mass(3.0))
        assert n_remembered(transaction) == 0
        assert world.get(ships[7:], Mass).kilograms.tolist() == [3, 2, 2]
        transaction.rollback()

    assert_unchanged(before, world)


@pytest.mark.parametrize(("n_written", "n_whole"), [(10, 0), (11, 1)])
def test_a_column_is_remembered_whole_when_more_than_a_quarter_is_written(
    n_written: int, n_whole: int
) -> None:
    world = new_world()
    ships = world.spawn(40, Health(np.arange(40)))

    with world.transaction() as transaction:
        world.set(ships[:n_written], Health(np.arange(n_written)))
        assert transaction._log is not None
        assert len(transaction._log.whole) == n_whole


def test_what_an_inner_transaction_remembered_whole_is_not_remembered_again() -> None:
    world = new_world()
    ships = world.spawn(10, Health(1), Mass(1.0))

    with world.transaction() as outer:
        world.set(ships, Mass(2.0))
        with world.transaction():
            world.set(ships, Health(2))
        world.set(ships, Health(3), Mass(3.0))

        assert n_remembered(outer) == 20


def n_remembered(transaction: ecs.Transaction) -> int:
    """Return how many rows of columns a transaction has copied."""
    assert transaction._log is not None
    entries, _, _ = transaction._log.joined()
    return sum(len(values) for function, *_, values in entries if function is restoring)


@pytest.mark.parametrize("n_removed", [1, 300])
def test_ids_that_are_given_and_taken_again_and_again_are_forgotten_once(n_removed: int) -> None:
    world, ids = ecs.World(), [f"actor-{i}" for i in range(300)]
    world.spawn(300, ids=ids)

    with world.transaction():
        world.despawn(ids[:n_removed])
        world.spawn(n_removed, ids=ids[:n_removed])
        world.despawn(ids[:n_removed])

    world.check()
    assert [name in world.ids for name in ids] == [i >= n_removed for i in range(300)]
    assert len(world._storage.symbols) == 300 - n_removed


def test_what_is_written_into_arrays_of_handles_changes_nothing_that_is_taken_back() -> None:
    world = ecs.World()
    crew = world.spawn(3, at=["inn", "market", "harbour"])
    before = world.digest()

    with world.transaction() as voyage:
        world.move(crew, ["harbour", "inn", "market"])
        crew[:] = crew[::-1].copy()
        others = world.spawn(3, ids=["ann", "bob", "cid"], at="inn")
        others[:] = others[0]
        voyage.rollback()

    world.check()
    assert world.digest() == before
