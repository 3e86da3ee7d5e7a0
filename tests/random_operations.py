"""Random operations on a world and its reference, by the hundred thousand.

`tests.test_world_stateful` draws rich input and shrinks what fails. This here is
plain and fast: small batches, a seed, and one operation after the other, with
transactions within transactions, snapshots and histories in between. What fails
fails again with the same seed, and after the same number of operations.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import Mut
from tests.reference.world import ReferenceWorld
from tests.strategies import (
    Bag,
    Batch,
    Burning,
    Health,
    Label,
    Link,
    Note,
    Position,
    batch_of,
    fields_of,
    new_world,
)
from tests.test_world_stateful import WorldMachine

# Few, because a digest goes through all tables, and there is one for each set of them.
COMPONENTS = (Position, Health, Label, Bag, Burning, Note)
IN_TABLES = (Position, Health, Label, Bag)
IDS = tuple(f"id {i}" for i in range(40))
PLACES = ("harbour", "inn", "dock", "名前", "id 1", "id 2", "id 3", None)
UNFIT: tuple[ecs.Component, ...] = (
    Position("far"),
    Health(2**31),
    Label(3),
    Bag([1, 2, 3, 4, 5, 6, 7]),
    Burning(1j),
    Link(5),
)
MAX_ENTITIES = 48
MAX_DEPTH = 3


class Moment(NamedTuple):
    """What the world was, to be compared with when it is gone back to."""

    reference: ReferenceWorld
    digest: str


class Driver:
    """Does random operations, and knows what each of them has to lead to."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.world = new_world()
        self.reference = ReferenceWorld()
        self.dead: deque[int] = deque([1 << 33], maxlen=40)
        self.open: list[tuple[ecs.Transaction, Moment]] = []
        self.snapshots: list[tuple[ecs.Snapshot, Moment]] = []
        self.history = self.world.history(4)
        self.moments: deque[Moment] = deque(maxlen=4)
        self.judge = WorldMachine()
        names, weights = zip(*WEIGHTS.items(), strict=True)
        self.choose: Callable[[], str] = lambda: self.rng.choices(names, weights)[0]
        self.counts = dict.fromkeys(names, 0)

    def run(self, n_operations: int, *, compare_every: int = 2500) -> None:
        """Do operations; the whole world is compared every so many of them, and at the end."""
        for i in range(n_operations):
            name = "despawn" if len(self.reference.entities) > MAX_ENTITIES else self.choose()
            self.counts[name] += 1
            getattr(self, name)()
            if i % compare_every == 0:
                self.compare()
        self.compare()

    def compare(self) -> None:
        judge = self.judge
        judge.world, judge.reference, judge.dead = self.world, self.reference, []
        judge.the_world_trusts_itself()
        judge.entities_and_their_components_agree()
        judge.ids_agree()
        judge.places_agree()
        assert set(self.world.definitions) == set(self.reference.definitions)

    # -- entities -------------------------------------------------------------------

    def spawn(self) -> None:
        n = self.rng.randrange(5)
        batches = self.batches(n)
        ids = self.rng.sample(IDS, n) if n and self.rng.random() < 0.4 else None
        keys = [self.place() for _ in range(n)]
        definition = self.rng.choice((None, None, "core:a", "core:b"))
        faults = self.reference.spawn_faults(n, ids, keys, definition)
        given = [batch.given for batch in batches]
        handles = self.attempt(
            faults,
            lambda: self.world.spawn(
                n, *given, ids=ids, at=self.given_places(keys), definition=definition
            ),
        )
        if handles is not None:
            rows = {batch.component: batch.rows for batch in batches}
            self.reference.spawn(handles.tolist(), rows, ids, keys, definition)

    def spawn_one(self) -> None:
        batches = self.batches(1)
        if self.rng.random() < 0.5:
            points = self.rng.randrange(9)
            batches = [Batch(Health(points), [{"points": points}])]
        entity = self.world.spawn_one(*(batch.given for batch in batches))
        rows = {batch.component: batch.rows for batch in batches}
        self.reference.spawn([entity.handle], rows, None, [None], None)

    def spawn_groups(self) -> None:
        one, two = batch_of(Health, 2, b"\1", []), batch_of(Note, 1, self.bytes(), [])
        groups = [
            ecs.Group((one.given,), np.array([0, 2])),
            ecs.Group((two.given,), np.array([1])),
        ]
        handles = self.world.spawn_groups(3, groups, at="inn").tolist()
        for i, (batch, k) in enumerate(((one, 0), (two, 0), (one, 1))):
            rows = {batch.component: [batch.rows[k]]}
            self.reference.spawn([handles[i]], rows, None, ["inn"], None)

    def despawn(self) -> None:
        handles = self.some(14 if len(self.reference.entities) > MAX_ENTITIES else 3)
        faults = self.faults(handles, distinct=True)
        if self.attempt(faults, lambda: self.despawn_by(handles)) is not None:
            self.reference.despawn(handles)
            self.dead += handles

    def despawn_by(self, handles: list[int]) -> bool:
        if len(handles) == 1:
            ecs.Entity(self.world._storage, handles[0]).despawn()
        else:
            self.world.despawn(handles)
        return True

    def define(self) -> None:
        definition = self.rng.choice(("core:a", "core:b"))
        points = self.rng.randrange(99)
        faults = {"DuplicateContentError"} if definition in self.reference.definitions else set()
        given = Health(points), Label(f"a string of {points}")
        if self.attempt(faults, lambda: self.world.define(definition, *given)) is not None:
            label = {"text": f"a string of {points}", "language": "en"}
            self.reference.define(definition, {Health: {"points": points}, Label: label})

    # -- components -----------------------------------------------------------------

    def add(self) -> None:
        handles = self.some(5)
        batches = self.batches(len(handles)) or [batch_of(Health, len(handles), b"\0", [])]
        given = [batch.given for batch in batches]
        faults = self.faults(handles, distinct=True)
        if self.attempt(faults, lambda: self.did(self.world.add, handles, *given)) is not None:
            self.reference.add(handles, {batch.component: batch.rows for batch in batches})

    def add_to_all_of_a_kind(self) -> None:
        if self.reference.entities:
            one = self.one()
            kind = self.reference.signature(one)
            handles = [h for h in self.reference.entities if self.reference.signature(h) == kind]
            batch = batch_of(self.rng.choice(IN_TABLES), len(handles), self.bytes(), [])
            self.world.add(handles, batch.given)
            self.reference.add(handles, {batch.component: batch.rows})

    def remove(self) -> None:
        handles = self.some(5)
        components = [self.rng.choice(COMPONENTS)]
        if self.rng.random() < 0.8:  # mostly what they have
            components = self.common(handles)[:2]
        faults = self.faults(handles, distinct=True)
        faults |= self.reference.lacking_faults(handles, components)
        done = self.attempt(faults, lambda: self.did(self.world.remove, handles, *components))
        if done is not None:
            self.reference.remove(handles, components)

    def set(self) -> None:
        handles = self.some(5)
        components = self.common(handles)[:2] or [Health]
        batches = [batch_of(c, len(handles), self.bytes(), []) for c in components]
        faults = self.faults(handles) | self.reference.lacking_faults(handles, components)
        given = [batch.given for batch in batches]
        if self.attempt(faults, lambda: self.did(self.world.set, handles, *given)) is not None:
            self.reference.set(handles, {batch.component: batch.rows for batch in batches})

    def set_fields(self) -> None:
        handles = self.some(5)
        component = next(iter(self.common(handles)), Health)
        fields = fields_of(component, len(handles), self.bytes(), [])
        faults = self.faults(handles) | self.reference.lacking_faults(handles, [component])
        done = self.attempt(
            faults, lambda: self.did(self.world.set, handles, component, **fields.given)
        )
        if done is not None:
            self.reference.set(handles, {component: fields.rows})

    def write_a_cell(self) -> None:
        if not self.reference.entities:
            return
        handle = self.one()
        x, text = float(self.rng.randrange(9)), self.rng.choice(("de", "a new text", "x" * 70))
        entity = self.world.entity(handle)
        if Position in self.reference.entities[handle]:
            entity[Position].x = x if self.rng.random() < 0.8 else int(x)
            self.reference.set([handle], {Position: [{"x": repr(x)}]})
        if Label in self.reference.entities[handle]:
            entity[Label].text = text
            self.reference.set([handle], {Label: [{"text": text}]})

    def write_a_view(self) -> None:
        for rows in self.world.query(Mut[Health], without=Label):
            handles, points = rows.handles.tolist(), self.rng.randrange(99)
            if points % 2:
                rows[Health].points[:] = points
            else:
                rows[Health].points = points
            self.reference.set(handles, {Health: [{"points": points}] * len(handles)})

    def use_unfit_values(self) -> None:
        handles = self.some(3)
        unfit, n = self.rng.choice(UNFIT), len(handles)
        new = f"novel {self.rng.random()}"
        faults = {"ValidationError"} | self.faults(handles, distinct=True)
        calls: tuple[Callable[[], Any], ...] = (
            lambda: self.world.spawn(n, Note(new), unfit, ids=[f"{new} {i}" for i in range(n)]),
            lambda: self.world.add(handles, Note(new), unfit),
        )
        self.attempt(faults, self.rng.choice(calls))

    # -- places ---------------------------------------------------------------------

    def move(self) -> None:
        handles = self.some(6)
        keys = [self.place() for _ in handles]
        faults = self.faults(handles)
        given = self.given_places(keys)
        if self.attempt(faults, lambda: self.did(self.world.move, handles, given)) is not None:
            self.reference.move(handles, keys)

    def move_one(self) -> None:
        if self.reference.entities:
            handle, place = self.one(), self.rng.choice(PLACES)
            self.world.entity(handle).move(place)
            self.reference.move([handle], [place])

    # -- going back -----------------------------------------------------------------

    def begin(self) -> None:
        if len(self.open) < MAX_DEPTH:
            moment = self.moment()
            self.open.append((self.world.transaction().__enter__(), moment))

    def commit(self) -> None:
        if self.open:
            transaction, _ = self.open.pop()
            before = self.world.digest()
            transaction.commit()
            assert self.world.digest() == before

    def roll_back(self) -> None:
        if self.open:
            transaction, moment = self.open.pop()
            if self.rng.random() < 0.5:
                transaction.rollback()
            else:
                transaction.__exit__(ValueError, ValueError(), None)
            self.go_back_to(moment)

    def take_a_snapshot(self) -> None:
        if len(self.snapshots) < 3:
            self.snapshots.append((self.world.snapshot(), self.moment()))

    def restore(self) -> None:
        if self.snapshots:
            at = self.rng.randrange(len(self.snapshots))
            snapshot, moment = self.snapshots[at]
            if self.open:
                self.attempt({"TransactionError"}, lambda: self.world.restore(snapshot))
                return
            if self.rng.random() < 0.5:
                del self.snapshots[at]
            self.world.restore(snapshot)
            self.go_back_to(moment)

    def record(self) -> None:
        self.history.record()
        self.moments.append(self.moment())

    def go_back_in_the_history(self) -> None:
        if self.moments and not self.open:
            k = self.rng.randint(1, len(self.moments))
            self.history.rollback(k)
            self.go_back_to(self.moments[-k])
            for _ in range(k - 1):
                self.moments.pop()

    def moment(self) -> Moment:
        return Moment(self.reference.copy(), self.world.digest())

    def go_back_to(self, moment: Moment) -> None:
        self.reference = moment.reference.copy()
        assert self.world.digest() == moment.digest

    # -- what operations are made of ------------------------------------------------

    def attempt(self, faults: set[str], call: Callable[[], Any]) -> Any:
        """Call; where there are faults, expect one of their errors and no change."""
        if not faults:
            return call()
        is_looked_at = self.rng.random() < 0.3  # a digest takes as long as ten operations
        before = self.world.digest() if is_looked_at else None
        with pytest.raises(ecs.EcsColumnarError) as caught:
            call()
        assert type(caught.value).__name__ in faults
        assert not is_looked_at or self.world.digest() == before
        return None

    def did(self, method: Callable[..., Any], *arguments: Any, **fields: Any) -> bool:
        method(*arguments, **fields)
        return True

    def batches(self, n: int) -> list[Batch]:
        chosen = self.rng.sample(COMPONENTS, self.rng.randrange(3))
        references = [self.one()] if self.reference.entities else []
        return [batch_of(c, n, self.bytes(), references) for c in chosen]

    def bytes(self) -> bytes:
        return self.rng.randbytes(6)

    def one(self) -> int:
        live = list(self.reference.entities)
        return live[self.rng.randrange(len(live))]

    def some(self, n: int) -> list[int]:
        live = list(self.reference.entities)
        handles = self.rng.sample(live, self.rng.randint(0, min(n, len(live))))
        if self.rng.random() < 0.04:
            handles.append(self.rng.choice(self.dead))
        elif handles and self.rng.random() < 0.04:
            handles.append(handles[0])
        return handles

    def faults(self, handles: list[int], *, distinct: bool = False) -> set[str]:
        faults = self.reference.dead_faults(handles)
        return faults | (self.reference.duplicate_faults(handles) if distinct else set())

    def common(self, handles: list[int]) -> list[type]:
        rows = [self.reference.entities.get(handle, {}) for handle in handles]
        found = [c for c in COMPONENTS if rows and all(c in row for row in rows)]
        return self.rng.sample(found, len(found))

    def place(self) -> str | int | None:
        """Choose a place: mostly a name, sometimes an entity."""
        if self.reference.entities and self.rng.random() < 0.2:
            return self.one()
        return self.rng.choice(PLACES)

    def given_places(self, keys: list[Any]) -> Any:
        """Give places in one array: names, or the handles that are meant by all."""
        if keys and all(isinstance(key, int) for key in keys):
            return np.array(keys, np.int64)
        for i, key in enumerate(keys):
            if isinstance(key, int):
                keys[i] = "inn"
        return keys


WEIGHTS = {
    "spawn": 12, "spawn_one": 6, "spawn_groups": 2, "despawn": 8, "define": 1,
    "add": 8, "add_to_all_of_a_kind": 2, "remove": 8, "set": 7, "set_fields": 5,
    "write_a_cell": 6, "write_a_view": 3, "use_unfit_values": 2, "move": 9, "move_one": 6,
    "begin": 4, "commit": 2, "roll_back": 2, "take_a_snapshot": 2, "restore": 2,
    "record": 2, "go_back_in_the_history": 1,
}  # fmt: skip
