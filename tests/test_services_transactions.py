"""What is done together is undone together."""

from __future__ import annotations

from typing import Any

import pytest

import ecs_columnar as ecs
from ecs_columnar.services import BatchTransactionManager
from ecs_columnar.services.additions import PreparedAddition
from ecs_columnar.services.batch_service import Surroundings
from tests.fingerprint import assert_unchanged, fingerprint
from tests.services_world import (
    add,
    catalogue,
    create,
    lifecycle,
    operations,
    populated,
    spatial,
    state,
)


def change(world: ecs.World) -> None:
    manager = operations(world)
    manager.batch_create_entities([create("new"), create("other", position={"locationId": "mill"})])
    manager.batch_add_components([add("e0", "health", {"points": 1}), add("e1", "hidden", {})])
    manager.batch_remove_entities(["e2"])
    spatial(world).batch_add([{"entity_id": "e3", "location_id": "inn"}])


def test_what_was_recorded_is_taken_back_the_last_first() -> None:
    world = populated(4)
    before = fingerprint(world)
    transaction = BatchTransactionManager(world)

    change(world)
    transaction.record_operation("createEntity", {"instance_id": "new"}, True)
    transaction.record_operation("addComponent", {"instance_id": "e0"}, True)
    transaction.record_operation("removeEntity", {"instance_id": "e2"}, True)
    assert len(transaction.operations) == 3
    result = transaction.rollback()

    assert_unchanged(before, world)
    assert (result.rolled_back, result.failed) == (3, 0)
    assert [o["operation_type"] for o in result.operations] == [
        "removeEntity",
        "addComponent",
        "createEntity",
    ]


def test_an_operation_of_another_type_is_reported_as_failed() -> None:
    transaction = BatchTransactionManager(populated(1))
    transaction.record_operation("createEntity", {}, True)
    transaction.record_operation("paintEntity", {}, True)

    result = transaction.rollback()

    assert (result.rolled_back, result.failed) == (1, 1)
    assert [o["success"] for o in result.operations] == [False, True]
    assert "paintEntity" in result.operations[0]["error"]


def test_nothing_recorded_is_nothing_rolled_back() -> None:
    transaction = BatchTransactionManager(populated(1))

    assert transaction.rollback() == transaction.rollback()
    assert transaction.rollback().operations == ()


def test_nothing_is_taken_back_when_rollback_is_off() -> None:
    world = populated(1)
    transaction = BatchTransactionManager(world, enable_rollback=False)

    operations(world).batch_create_entities([create(1)])
    transaction.record_operation("createEntity", {}, True)
    result = transaction.rollback()

    assert (result.rolled_back, result.failed, result.operations) == (0, 0, ())
    assert "e1" in world.ids


def test_what_was_committed_stands() -> None:
    world = populated(4)
    transaction = BatchTransactionManager(world)

    change(world)
    transaction.record_operation("createEntity", {}, True)
    transaction.commit()

    assert transaction.rollback().rolled_back == 0
    assert "new" in world.ids


def test_a_block_is_committed_at_its_end() -> None:
    world = populated(4)

    with BatchTransactionManager(world) as transaction:
        change(world)
        transaction.record_operation("createEntity", {}, True)

    assert "new" in world.ids
    with world.transaction() as free:
        assert free.is_open


def test_a_block_that_raises_is_rolled_back() -> None:
    world = populated(4)
    before = fingerprint(world)

    def fail() -> None:
        with BatchTransactionManager(world):
            change(world)
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert_unchanged(before, world)


def test_a_manager_can_be_used_again() -> None:
    world = populated(1)
    transaction = BatchTransactionManager(world)
    transaction.commit()

    with transaction:
        operations(world).batch_remove_entities(["e0"])
        assert transaction.rollback().rolled_back == 0

    assert "e0" in world.ids


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_manager_within_another_is_ended_first(end: str) -> None:
    world = populated(1)
    outer, inner = BatchTransactionManager(world), BatchTransactionManager(world)
    operations(world).batch_create_entities([create(1)])
    outer.record_operation("createEntity", {}, True)

    with pytest.raises(ecs.TransactionError, match="within this one"):
        getattr(outer, end)()
    inner.commit()

    assert "e1" in world.ids
    assert outer.rollback().rolled_back == 1
    assert "e1" not in world.ids


def test_what_was_done_before_it_began_is_reported_as_failed() -> None:
    world = populated(1)
    created = operations(world).batch_create_entities([create(1)])
    transaction = BatchTransactionManager(world)
    transaction.record_operation("createEntity", {}, created)
    transaction.record_operation("createEntity", {}, created.successes[0])

    before = transaction.rollback()
    removed = operations(world).batch_remove_entities(["e0"])
    transaction.record_operation("removeEntity", {}, removed)
    after = transaction.rollback()

    assert (before.rolled_back, before.failed) == (0, 2)
    assert (after.rolled_back, after.failed) == (0, 1)
    assert "before the manager began" in after.operations[0]["error"]
    assert "e1" in world.ids
    assert "e0" not in world.ids


def test_a_type_is_a_string() -> None:
    kind: Any = 5

    with pytest.raises(ecs.InvalidArgumentError):
        BatchTransactionManager(populated(1)).record_operation(kind, {}, True)


# --- calls ---------------------------------------------------------------------------


def test_a_call_that_raises_in_a_later_block_has_changed_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = populated(100)
    before, heard = fingerprint(world), []
    catalogue(world).events.on("component_added", heard.append)
    before = fingerprint(world)
    apply, n_calls = PreparedAddition.apply, []

    def fail(self: PreparedAddition, n_run: int) -> Any:
        n_calls.append(n_run)
        if len(n_calls) == 3:
            raise MemoryError
        return apply(self, n_run)

    monkeypatch.setattr(PreparedAddition, "apply", fail)
    around = Surroundings(max_block=lambda: 20)
    with pytest.raises(MemoryError):
        operations(world, surroundings=around).batch_add_components(
            [add(i, "health", {"points": i}) for i in range(100)], batch_size=5
        )

    assert n_calls == [20, 20, 20]
    assert_unchanged(before, world)
    assert heard == []


def test_an_atomic_call_of_many_blocks_is_undone_when_the_last_one_fails() -> None:
    world = populated(3)
    before = fingerprint(world)
    around = Surroundings(max_block=lambda: 10)
    items = [create(i) for i in range(3, 45)]
    items[25] = create(4)

    result = operations(world, surroundings=around).batch_create_entities(
        items, batch_size=5, atomic=True
    )

    assert_unchanged(before, world)
    assert (result.rolled_back, result.failure_count, result.skipped) == (41, 1, 0)
    assert result.handles.size == 0
    assert result.failures[0].index == 25


def test_an_atomic_call_that_runs_out_of_time_is_undone() -> None:
    world = populated(3)
    before = fingerprint(world)
    times = iter(range(10**6))
    around = Surroundings(clock=lambda: float(next(times)))

    result = operations(world, surroundings=around).batch_create_entities(
        [create(i) for i in range(3, 300)], batch_size=10, timeout_ms=1, atomic=True
    )

    assert_unchanged(before, world)
    assert (result.stopped_by, result.success_count) == ("timeout", 0)
    assert (result.rolled_back, result.skipped) == (10, 287)


def test_an_outer_transaction_takes_a_batch_back() -> None:
    world = populated(4)
    before = world.digest()

    with world.transaction() as attempt:
        change(world)
        assert lifecycle(world).get_entity("e0").has_component_override("core:health")
        attempt.rollback()

    assert world.digest() == before
    assert not lifecycle(world).get_entity("e0").has_component_override("core:health")


def test_a_snapshot_knows_definitions_and_overrides() -> None:
    world = populated(4)
    snapshot, before = world.snapshot(), state(world)

    change(world)
    world.restore(snapshot)

    assert state(world) == before
