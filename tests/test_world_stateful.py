"""A world and its reference, driven by the same operations, agree on everything.

Bad input is mixed in everywhere: where the reference finds faults, the world
raises one of the errors that they call for and stays bit-identical.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import ecs_columnar as ecs
from ecs_columnar import Mut
from tests.fingerprint import assert_unchanged, fingerprint
from tests.reference.world import Place, PlaceKey, ReferenceWorld
from tests.strategies import (
    COMPONENTS,
    IN_TABLES,
    Bag,
    Batch,
    Burning,
    Frozen,
    Health,
    Label,
    Link,
    Mass,
    Note,
    Position,
    Shape,
    Times,
    Velocity,
    Widths,
    any_number,
    batch_of,
    budget,
    component_sets,
    fields_of,
    instance_ids,
    new_world,
    place_names,
    plain,
    plain_column,
    seeds,
    some_components,
)

REFUSED = object()
GARBAGE = (0, -1, 5, 2**61, 2**63 - 1, -(2**63), 1 << 32 | 0xFFFFFFFF, 1 << 62)
UNKNOWN_ID = "nobody is called this"

WAYS = (
    "all of a table", "some", "one", "all shuffled", "ids", "query", "repeated", "entities",
    "list", "one id", "one entity", "none", "members", "rows", "dead", "garbage", "unknown id",
)  # fmt: skip
choices = st.tuples(st.sampled_from(WAYS), seeds)

# What no component takes, for any number of entities: a batch of n of it.
UNFIT: tuple[Callable[[int], ecs.Component], ...] = (
    lambda n: Position(np.zeros(n + 2, "f4")),
    lambda n: Position("far"),
    lambda n: Position(1e300),
    lambda n: Position(1j),
    lambda n: Health(1.5),
    lambda n: Health([2**31] * max(n, 1)),
    lambda n: Health(np.int64(-(2**31) - 1)),
    lambda n: Mass(float("nan")),
    lambda n: Mass(np.full(max(n, 1), -np.inf)),
    lambda n: Widths(flag=1),
    lambda n: Widths(i8=np.uint64(2**63)),
    lambda n: Widths(u1=-1),
    lambda n: Widths(f2=np.float64(1e6)),
    lambda n: Times(at=np.datetime64(1, "ms")),
    lambda n: Times(at=3),
    lambda n: Shape(corner=np.zeros((max(n, 1), 2), "f4")),
    lambda n: Shape(matrix=[[1, 2], [3, 2**15]]),
    lambda n: Label(3),
    lambda n: Label(["too", "many"] * (n + 1)),
    lambda n: Link(5),
    lambda n: Link(UNKNOWN_ID),
    lambda n: Burning("hot"),
    lambda n: Note(text=2.0),
    lambda n: Bag([None] * (n + 1)),
)


class Picked(NamedTuple):
    """Entities as they are given to the world, and who they are."""

    given: Any
    handles: list[int]
    faults: set[str]


class Places(NamedTuple):
    """Places as they are given to the world, and one for each entity."""

    given: Any
    keys: list[PlaceKey]
    faults: set[str]


class Moment(NamedTuple):
    """A state of the world and its reference to go back to."""

    reference: ReferenceWorld
    dead: list[int]
    digest: str
    fingerprint: Any


class WorldMachine(RuleBasedStateMachine):
    """Every operation of a world, valid and not, beside the reference."""

    def __init__(self) -> None:
        super().__init__()
        self.world = new_world()
        self.reference = ReferenceWorld()
        self.dead: list[int] = []
        self.n_novel = 0
        self.queries: dict[Any, ecs.Query] = {}
        self.open: list[tuple[ecs.Transaction, Moment]] = []
        self.snapshots: list[tuple[ecs.Snapshot, Moment]] = []
        self.kept: dict[int, ecs.Entity] = {}

    # -- going back -----------------------------------------------------------------

    def moment(self) -> Moment:
        found = fingerprint(self.world)
        return Moment(copy.deepcopy(self.reference), list(self.dead), self.world.digest(), found)

    def go_back_to(self, moment: Moment) -> None:
        self.reference = copy.deepcopy(moment.reference)
        self.dead = list(moment.dead)
        assert self.world.digest() == moment.digest
        assert_unchanged(moment.fingerprint, self.world)

    @precondition(lambda self: len(self.open) < 3)
    @rule()
    def begin(self) -> None:
        moment = self.moment()
        self.open.append((self.world.transaction().__enter__(), moment))

    @precondition(lambda self: self.open)
    @rule()
    def commit(self) -> None:
        transaction, _ = self.open.pop()
        transaction.commit()

    @precondition(lambda self: self.open)
    @rule(by_exception=st.booleans())
    def roll_back(self, by_exception: bool) -> None:
        transaction, moment = self.open.pop()
        if by_exception:
            transaction.__exit__(ValueError, ValueError(), None)
        else:
            transaction.rollback()
        self.go_back_to(moment)

    @precondition(lambda self: len(self.snapshots) < 4)
    @rule()
    def take_a_snapshot(self) -> None:
        snapshot = self.world.snapshot()
        self.snapshots.append((snapshot, self.moment()))
        assert snapshot.digest() == self.snapshots[-1][1].digest

    @precondition(lambda self: self.snapshots and not self.open)
    @rule(which=st.integers(0, 3), is_kept=st.booleans())
    def restore(self, which: int, is_kept: bool) -> None:
        at = which % len(self.snapshots)
        snapshot, moment = self.snapshots[at] if is_kept else self.snapshots.pop(at)
        self.world.restore(snapshot)
        self.go_back_to(moment)

    # -- entities come and go -------------------------------------------------------

    @initialize(components=component_sets, seed=seeds)
    def begin_with_some(self, components: list[type], seed: bytes) -> None:
        self._spawn(3, [batch_of(c, 3, seed, []) for c in components], None, None, None)

    @precondition(lambda self: len(self.reference.entities) < 250)
    @rule(
        n=st.integers(0, 6),
        components=component_sets,
        seed=seeds,
        place=st.none() | choices,
        definition=st.none() | st.sampled_from(["core:actor", "core:ship", "core:rock"]),
    )
    def spawn(
        self, n: int, components: list[type], seed: bytes, place: Any, definition: str | None
    ) -> None:
        batches = [batch_of(c, n, seed, self.some_references()) for c in components]
        self._spawn(n, batches, None, place, definition)

    @precondition(lambda self: len(self.reference.entities) < 250)
    @rule(
        ids=st.lists(instance_ids, min_size=1, max_size=6),
        components=component_sets,
        seed=seeds,
        place=st.none() | choices,
    )
    def spawn_with_ids(
        self, ids: list[str], components: list[type], seed: bytes, place: Any
    ) -> None:
        batches = [batch_of(c, len(ids), seed, self.some_references()) for c in components]
        self._spawn(len(ids), batches, ids, place, None)

    @precondition(lambda self: len(self.reference.entities) < 250)
    @rule(
        n=st.integers(30, 90),
        places=st.lists(place_names, min_size=1, max_size=4),
        components=st.sampled_from([(Position,), (Position, Health), (Position, Burning), ()]),
        seed=seeds,
    )
    def spawn_a_crowd(
        self, n: int, places: list[str], components: tuple[type, ...], seed: bytes
    ) -> None:
        batches = [batch_of(c, n, seed, []) for c in components]
        keys = [places[i % len(places)] for i in range(n)]
        handles = self.world.spawn(n, *(batch.given for batch in batches), at=keys)
        rows = {batch.component: batch.rows for batch in batches}
        self.reference.spawn(handles.tolist(), rows, None, list(keys), None)

    @precondition(lambda self: len(self.reference.entities) < 250)
    @rule(
        components=component_sets,
        seed=seeds,
        entity_id=st.none() | instance_ids,
        place=st.none() | place_names,
        definition=st.none() | st.sampled_from(["core:actor", "core:ship"]),
    )
    def spawn_one(
        self,
        components: list[type],
        seed: bytes,
        entity_id: str | None,
        place: str | None,
        definition: str | None,
    ) -> None:
        batches = [batch_of(c, 1, seed, self.some_references()) for c in components]
        ids = None if entity_id is None else [entity_id]
        faults = self.reference.spawn_faults(1, ids, [place], definition)
        entity = self.attempt(
            faults,
            lambda: self.world.spawn_one(
                *(b.given for b in batches), id=entity_id, at=place, definition=definition
            ),
        )
        if entity is not REFUSED:
            rows = {b.component: b.rows for b in batches}
            self.reference.spawn([entity.handle], rows, ids, [place], definition)

    @rule(
        definition=st.sampled_from(["core:actor", "core:ship"]),
        components=component_sets,
        seed=seeds,
    )
    def define(self, definition: str, components: list[type], seed: bytes) -> None:
        zeros = bytes(len(seed))  # form "one": definitions take one value a field
        batches = [batch_of(c, 1, zeros, []) for c in components]
        if seed[0] & 1:
            defaulted = [c for c in components if c not in (Label, Position)]
            batches = [Batch(c(), [default_row(c)]) for c in defaulted]
        faults = {"DuplicateContentError"} if definition in self.reference.definitions else set()
        given = [b.given for b in batches]
        if self.attempt(faults, lambda: self.world.define(definition, *given)) is not REFUSED:
            self.reference.define(definition, {b.component: b.rows[0] for b in batches})

    @rule(choice=choices)
    def despawn(self, choice: Any) -> None:
        picked = self.pick(choice)
        faults = picked.faults or self.faults_of(picked, distinct=True)
        if self.attempt(faults, lambda: self.world.despawn(picked.given)) is not REFUSED:
            self.reference.despawn(picked.handles)
            self.dead += picked.handles

    # -- components come and go -----------------------------------------------------

    @rule(choice=choices, components=some_components, seed=seeds)
    def add(self, choice: Any, components: list[type], seed: bytes) -> None:
        picked = self.pick(choice)
        n = len(picked.handles)
        batches = [batch_of(c, n, seed, self.some_references()) for c in components]
        faults = picked.faults or self.faults_of(picked, distinct=True)
        given = [b.given for b in batches]
        if self.attempt(faults, lambda: self.world.add(picked.given, *given)) is not REFUSED:
            self.reference.add(picked.handles, {b.component: b.rows for b in batches})

    @rule(choice=choices, components=some_components, common=st.booleans())
    def remove(self, choice: Any, components: list[type], common: bool) -> None:
        picked = self.pick(choice)
        if common:  # mostly what they have, so that something is removed
            components = self.common_components(picked)
        faults = picked.faults or (
            self.faults_of(picked, distinct=True)
            | self.reference.lacking_faults(picked.handles, components)
        )
        done = self.attempt(faults, lambda: self.world.remove(picked.given, *components))
        if done is not REFUSED:
            self.reference.remove(picked.handles, components)

    @rule(choice=choices, components=some_components, seed=seeds, common=st.booleans())
    def set_whole(self, choice: Any, components: list[type], seed: bytes, common: bool) -> None:
        picked = self.pick(choice)
        if common:
            components = self.common_components(picked)
        n = len(picked.handles)
        batches = [batch_of(c, n, seed, self.some_references()) for c in components]
        faults = picked.faults or (
            self.faults_of(picked) | self.reference.lacking_faults(picked.handles, components)
        )
        given = [b.given for b in batches]
        if self.attempt(faults, lambda: self.world.set(picked.given, *given)) is not REFUSED:
            self.reference.set(picked.handles, {b.component: b.rows for b in batches})

    @rule(choice=choices, seed=seeds, component=st.sampled_from(COMPONENTS), common=st.booleans())
    def set_fields(self, choice: Any, seed: bytes, component: type, common: bool) -> None:
        picked = self.pick(choice)
        if common:
            component = next(iter(self.common_components(picked)), component)
        if not component.__schema__.fields:
            return
        fields = fields_of(component, len(picked.handles), seed, self.some_references())
        faults = picked.faults or (
            self.faults_of(picked) | self.reference.lacking_faults(picked.handles, [component])
        )
        done = self.attempt(faults, lambda: self.world.set(picked.given, component, **fields.given))
        if done is not REFUSED:
            self.reference.set(picked.handles, {component: fields.rows})

    @rule(
        choice=choices,
        unfit=st.sampled_from(UNFIT),
        operation=st.sampled_from(["spawn", "add", "set", "set field"]),
    )
    def refuse_unfit_values(
        self, choice: Any, unfit: Callable[[int], ecs.Component], operation: str
    ) -> None:
        """New strings, places and ids beside an unfit value leave no trace."""
        picked = self.pick(choice)
        n = len(picked.handles)
        component = unfit(n)
        self.n_novel += 1
        novel = Label(f"new {self.n_novel}") if not isinstance(component, Label) else Position(1.0)
        faults = {"ValidationError"} | picked.faults | self.faults_of(picked, distinct=True)
        if operation == "spawn":
            call = lambda: self.world.spawn(  # noqa: E731
                n,
                novel,
                component,
                ids=[f"new {self.n_novel} {i}" for i in range(n)],
                at=f"new place {self.n_novel}",
            )
        elif operation == "add":
            call = lambda: self.world.add(picked.given, novel, component)  # noqa: E731
        elif operation == "set":
            faults |= {"ComponentNotFoundError"}
            call = lambda: self.world.set(picked.given, novel, component)  # noqa: E731
        else:
            faults |= {"ComponentNotFoundError"}
            values = {f.name: getattr(component, f.name) for f in type(component).__schema__.fields}
            call = lambda: self.world.set(picked.given, type(component), **values)  # noqa: E731
        assert self.attempt(faults, call) is REFUSED

    # -- places ---------------------------------------------------------------------

    @rule(choice=choices, place=choices)
    def move(self, choice: Any, place: Any) -> None:
        picked = self.pick(choice)
        places = self.pick_places(place, len(picked.handles))
        faults = picked.faults | self.faults_of(picked) | places.faults
        if self.attempt(faults, lambda: self.world.move(picked.given, places.given)) is not REFUSED:
            self.reference.move(picked.handles, places.keys)

    @rule(seed=st.integers(0, 2**16), share=st.sampled_from([0.05, 0.3, 1.0]))
    def move_a_crowd(self, seed: int, share: float) -> None:
        rng = np.random.default_rng(seed)
        live = np.array(list(self.reference.entities), np.int64)
        movers = rng.permutation(live)[: int(len(live) * share) + 1]
        names = ["harbour", "inn", "a", "b", "名前", None]
        keys = [names[k] for k in rng.integers(0, len(names), len(movers))]
        self.world.move(movers, keys)
        self.reference.move(movers.tolist(), keys)

    @rule(name=place_names, seed=seeds)
    def look_into_a_place(self, name: str, seed: bytes) -> None:
        place = self.reference.place_by_name.get(name)
        assert (name in self.world.locations) == (place is not None)
        if place is None and name not in self.reference.handle_of:
            self.attempt({"LocationNotFoundError"}, lambda: self.world.locations[name])
        else:
            members = self.world.locations[name]
            assert not members.flags.writeable
            assert sorted(members.tolist()) == sorted(place.members if place else ())

    # -- queries --------------------------------------------------------------------

    @rule(
        terms=st.lists(st.sampled_from(COMPONENTS), unique=True, max_size=2),
        without=st.lists(st.sampled_from(COMPONENTS), unique=True, max_size=2),
    )
    def query(self, terms: list[type], without: list[type]) -> None:
        if set(terms) & set(without):
            self.attempt(
                {"InvalidArgumentError"}, lambda: self.world.query(*terms, without=without)
            )
            return
        expected = self.reference.matching(terms, without)

        made = self.world.query(*terms, without=without)
        query = self.queries.setdefault((*terms, None, *without), made)
        handles = query.handles()

        assert query.count() == len(query) == len(expected)
        assert sorted(handles.tolist()) == sorted(expected)
        self.check_frame(query, terms, handles)
        self.check_values(handles, terms)
        if any(c.__schema__.storage == "sparse" for c in (*terms, *without)):
            self.attempt({"InvalidArgumentError"}, lambda: list(query))
            return
        seen = []
        for table in query:
            seen += table.handles.tolist()
            assert len(table) == len(table.handles) > 0
            for component in terms:
                self.check_view(table, component)
        assert sorted(seen) == sorted(expected)

    @rule(component=st.sampled_from(IN_TABLES), seed=seeds)
    def write_through_views(self, component: type, seed: bytes) -> None:
        for table in self.world.query(Mut[component]):
            handles = table.handles.tolist()
            fields = component.__schema__.fields
            batch = batch_of(component, len(handles), seed, self.some_references())
            for k, field in enumerate(fields):
                value = getattr(batch.given, field.name)
                view = getattr(table[component], field.name)
                is_exact = isinstance(value, np.ndarray) and value.dtype == view.dtype
                if is_exact and view.flags.writeable and k % 2 == 0:
                    view[:] = value
                else:
                    setattr(table[component], field.name, value)
            self.reference.set(handles, {component: batch.rows})

    @rule(operation=st.sampled_from(["set", "set fields", "assign", "add", "spawn"]), seed=seeds)
    def write_what_a_view_shows(self, operation: str, seed: bytes) -> None:
        """Values may be the very memory that is written to."""
        rng = np.random.default_rng(seed[0])
        field_x, field_y = Position.__schema__.fields
        for table in self.world.query(Mut[Position]):
            x, y = table[Position].x, table[Position].y
            entities = rng.permutation(table.handles)
            plain_x, plain_y = plain_column(x, field_x), plain_column(y, field_y)
            rows = [{"x": b, "y": a} for a, b in zip(plain_x, plain_y, strict=True)]
            if operation == "set":
                self.world.set(entities, Position(y, x))
            elif operation == "set fields":
                self.world.set(entities, Position, x=x)
                rows = [{"x": a} for a in plain_x]
            elif operation == "assign":
                entities = table.handles.copy()
                table[Position].x = x[::-1]
                rows = [{"x": a} for a in plain_x[::-1]]
            else:
                break
            self.reference.set(entities.tolist(), {Position: rows})
        else:
            return
        if operation == "add":
            self.world.add(entities, Position(y, x), Velocity(x, y))
            turned = [{"dx": row["y"], "dy": row["x"]} for row in rows]
            self.reference.add(entities.tolist(), {Position: rows, Velocity: turned})
        elif len(self.reference.entities) < 250:
            handles = self.world.spawn(len(x), Position(y, x)).tolist()
            self.reference.spawn(handles, {Position: rows}, None, [None] * len(handles), None)

    @rule(component=st.sampled_from(IN_TABLES), seed=seeds, place=place_names)
    def change_structure_while_a_query_is_open(
        self, component: type, seed: bytes, place: str
    ) -> None:
        for table in self.world.query(component):
            handles = table.handles.copy()
            calls = (
                lambda: self.world.spawn(1, Frozen()),
                lambda handles=handles: self.world.despawn(handles),
                lambda handles=handles: self.world.add(handles, Frozen()),
                lambda handles=handles: self.world.remove(handles, component),
                lambda handles=handles: self.world.entity(int(handles[0])).despawn(),
            )
            self.attempt({"StructuralChangeError"}, calls[seed[0] % len(calls)])
            self.world.move(handles, place)
            self.reference.move(handles.tolist(), [place] * len(handles))
            batch = batch_of(component, len(handles), seed, [])
            self.world.set(handles, batch.given)
            self.reference.set(handles.tolist(), {component: batch.rows})

    # -- one entity -----------------------------------------------------------------

    @precondition(lambda self: self.reference.entities)
    @rule(
        which=st.integers(0, 10**6),
        component=st.sampled_from(COMPONENTS),
        seed=seeds,
        place=st.none() | place_names,
        operation=st.sampled_from(["write", "add", "set", "remove", "move", "despawn"]),
    )
    def use_one_entity(
        self, which: int, component: type, seed: bytes, place: str | None, operation: str
    ) -> None:
        handle = self.nth(which)
        by_id = self.reference.id_of.get(handle, handle)
        entity = self.world.entity(by_id if seed[0] & 1 else handle)
        batch = batch_of(component, 1, seed, self.some_references())
        lacking = self.reference.lacking_faults([handle], [component])

        if operation == "write":
            self.attempt(lacking, lambda: self.write_cells(entity, batch))
        elif operation == "add":
            entity.add(batch.given)
            self.reference.add([handle], {component: batch.rows})
        elif operation == "set":
            done = self.attempt(lacking, lambda: entity.__setitem__(component, batch.given))
            if done is not REFUSED:
                self.reference.set([handle], {component: batch.rows})
        elif operation == "remove":
            if self.attempt(lacking, lambda: entity.remove(component)) is not REFUSED:
                self.reference.remove([handle], [component])
        elif operation == "move":
            entity.move(place)
            self.reference.move([handle], [place])
        else:
            entity.despawn()
            self.reference.despawn([handle])
            self.dead.append(handle)
            assert not entity.is_alive
            return
        self.check_entity(entity)
        if len(self.kept) < 6:
            self.kept[handle] = entity

    @precondition(lambda self: self.dead)
    @rule(which=st.integers(0, 10**6), component=st.sampled_from(COMPONENTS))
    def use_a_dead_entity(self, which: int, component: type) -> None:
        handle = self.dead[which % len(self.dead)]
        entity = ecs.Entity(self.world._storage, handle)
        calls: tuple[Callable[[], Any], ...] = (
            lambda: self.world.entity(handle),
            lambda: entity[component],
            lambda: entity.id,
            lambda: entity.location,
            lambda: entity.components,
            lambda: entity.has(component),
            lambda: entity.add(Frozen()),
            lambda: entity.set(Frozen()),
            lambda: entity.remove(Frozen),
            lambda: entity.move("harbour"),
            entity.despawn,
            lambda: self.world.locations.of(handle),
            lambda: self.world.locations[handle],
            lambda: self.world.ids.names(handle),
        )
        self.attempt({"StaleHandleError"}, calls[which % len(calls)])
        assert not entity.is_alive

    # -- after every step -----------------------------------------------------------

    @invariant()
    def the_world_trusts_itself(self) -> None:
        self.world.check()

    @invariant()
    def entities_and_their_components_agree(self) -> None:
        live = np.array(list(self.reference.entities), np.int64)
        assert len(self.world) == self.world.stats().n_entities == len(live)
        every = np.array([*live, *self.dead, *GARBAGE], np.int64)
        alive = self.world.alive(every)
        assert alive.tolist() == [True] * len(live) + [False] * (len(every) - len(live))
        for component in COMPONENTS:
            having = np.array(sorted(self.reference.matching([component])), np.int64)
            handles = self.world.query(component).handles()
            assert np.array_equal(np.sort(handles), having)
            has = [component in self.reference.entities[handle] for handle in live.tolist()]
            assert self.world.has(live, component).tolist() == has
            self.check_values(having[::-1], [component])

    @invariant()
    def entities_that_were_kept_agree(self) -> None:
        for handle, entity in self.kept.items():
            if handle in self.reference.entities:
                self.check_entity(entity)
            else:
                assert not entity.is_alive

    @invariant()
    def ids_agree(self) -> None:
        ids = self.world.ids
        assert len(ids) == len(self.reference.handle_of)
        assert set(ids) == set(self.reference.handle_of)
        names = list(self.reference.handle_of)
        assert ids[names].tolist() == list(self.reference.handle_of.values())
        live = list(self.reference.entities)
        assert list(ids.names(live)) == [self.reference.name(handle) for handle in live]

    @invariant()
    def places_agree(self) -> None:
        locations, places = self.world.locations, self.reference.places
        live = list(self.reference.entities)
        names = [self.reference.location_name(handle) for handle in live]
        assert list(locations.of(live)) == names
        assert locations.count() == len(self.reference.place_of)
        assert sorted(locations) == sorted(place.text for place in places)
        assert len(locations) == len(places)
        assert sorted(locations.dangling()) == sorted(p.text for p in self.reference.dangling())
        for place in places:
            self.check_place(place)
        self.check_groups()

    def check_place(self, place: Place) -> None:
        # White space around the name of a place is not part of it; around an id it is.
        is_plain = place.name is not None and place.name == place.name.strip()
        for key in (place.name if is_plain else None, place.entity):
            if key is not None:
                members = self.world.locations[key].tolist()
                assert sorted(members) == sorted(place.members)
                assert self.world.locations.count(key) == len(place.members)
                assert key in self.world.locations

    def check_groups(self) -> None:
        locations = self.world.locations
        names, counts, (starts, members) = locations.names(), locations.counts(), locations.groups()
        by_name: dict[str, set[int]] = {}
        for i, name in enumerate(names):
            group = members[starts[i] : starts[i + 1]].tolist()
            assert len(group) == len(set(group)) == counts[i]
            by_name[name] = set(group)
        assert by_name == {place.text: place.members for place in self.reference.places}
        points = locations.sum(Health, "points")
        for name, total in zip(names, points.tolist(), strict=True):
            holders = [self.reference.entities[h] for h in by_name[name]]
            assert total == sum(row[Health]["points"] for row in holders if Health in row)

    def check_values(self, handles: np.ndarray, components: list[type]) -> None:
        for component in components:
            rows = self.reference.get(handles.tolist(), component)
            found = self.world.get(handles, component)
            for field in component.__schema__.fields:
                values = getattr(found, field.name)
                assert values.shape == (len(handles), *field.shape)
                assert plain_column(values, field) == [row[field.name] for row in rows]

    def check_frame(self, query: ecs.Query, terms: list[type], handles: np.ndarray) -> None:
        frame = query.to_pandas()
        assert frame.index.tolist() == handles.tolist()
        for component in terms:
            rows = self.reference.get(handles.tolist(), component)
            for field in component.__schema__.fields:
                if field.shape:
                    continue
                column = frame[f"{component.__schema__.type_id}.{field.name}"]
                values = list(column) if field.kind != "number" else column.to_numpy()
                assert plain_column(values, field) == [row[field.name] for row in rows]

    def check_view(self, table: ecs.TableView, component: type) -> None:
        rows = self.reference.get(table.handles.tolist(), component)
        for field in component.__schema__.fields:
            view = getattr(table[component], field.name)
            assert view.flags.c_contiguous and not view.flags.writeable
            if field.kind != "string":
                assert plain_column(view, field) == [row[field.name] for row in rows]

    def check_entity(self, entity: ecs.Entity) -> None:
        handle = entity.handle
        assert entity.is_alive
        assert entity.id == self.reference.name(handle)
        assert entity.location == self.reference.location_name(handle)
        assert set(entity.components) == set(self.reference.entities[handle])
        for component, row in self.reference.entities[handle].items():
            assert component in entity and entity.has(component)
            cells, one = entity[component], self.world.get(handle, component)
            for field in component.__schema__.fields:
                assert plain(getattr(cells, field.name), field) == row[field.name]
                assert plain(getattr(one, field.name), field) == row[field.name]

    # -- what the rules are made of -------------------------------------------------

    def attempt(self, faults: set[str], call: Callable[[], Any]) -> Any:
        """Call; where there are faults, expect one of their errors and no change."""
        if not faults:
            return call()
        before = fingerprint(self.world)
        with pytest.raises(ecs.EcsColumnarError) as caught:
            call()
        assert type(caught.value).__name__ in faults
        assert str(caught.value).startswith("cannot ")
        assert_unchanged(before, self.world)
        return REFUSED

    def _spawn(
        self, n: int, batches: list[Batch], ids: list[str] | None, place: Any, definition: Any
    ) -> None:
        places = Places(None, [None] * n, set()) if place is None else self.pick_places(place, n)
        faults = places.faults | self.reference.spawn_faults(n, ids, [], definition)
        given = [batch.given for batch in batches]
        handles = self.attempt(
            faults,
            lambda: self.world.spawn(n, *given, ids=ids, at=places.given, definition=definition),
        )
        if handles is not REFUSED:
            assert handles.dtype == np.int64 and handles.shape == (n,)
            rows = {batch.component: batch.rows for batch in batches}
            self.reference.spawn(handles.tolist(), rows, ids, places.keys, definition)

    def write_cells(self, entity: ecs.Entity, batch: Batch) -> None:
        """Write each field of one entity on its own."""
        cells = entity[batch.component]
        for field in batch.component.__schema__.fields:
            value, meaning = getattr(batch.given, field.name), batch.rows[0][field.name]
            if field.kind == "object":  # a list would be values of several entities
                value = {"item": value}
                meaning = plain(value, field)
            setattr(cells, field.name, value)
            row = {field.name: meaning}
            self.reference.set([entity.handle], {batch.component: [row]})

    def pick(self, choice: tuple[str, bytes]) -> Picked:
        """Choose entities in one of many ways, some of them faulty."""
        way, seed = choice
        live = list(self.reference.entities)
        some = [h for i, h in enumerate(live) if seed[i % len(seed)] + i & 3 == 3] or live[:1]
        named = [h for h in (live if len(seed) > 3 else some) if h in self.reference.id_of]
        one = self.nth(seed[0]) if live else None
        if way == "all of a table" and live:
            signature = self.reference.signature(one)
            some = [h for h in live if self.reference.signature(h) == signature]
        elif way == "all shuffled":
            some = np.random.default_rng(seed[0]).permutation(live).tolist()
        elif way == "repeated":
            some = [*some, *some[:1], *some[:2]]
        elif way == "dead" and self.dead:
            some = [*some[:2], self.dead[seed[0] % len(self.dead)], *some[2:]]
        elif way == "garbage":
            some = [*some[:1], GARBAGE[seed[0] % len(GARBAGE)], *some[1:]]
        elif way == "none":
            some = []
        elif way == "one" and live:
            return Picked(one, [one], set())
        elif way == "one entity" and live:
            return Picked(self.world.entity(one), [one], set())
        elif way == "one id" and named:
            return Picked(self.reference.id_of[named[0]], [named[0]], set())
        elif way == "ids" and named:
            ids = [self.reference.id_of[h] for h in named]
            forms = (ids, np.array(ids, object), tuple(ids))
            return Picked(forms[seed[0] % len(forms)], named, set())
        elif way == "unknown id":
            ids = [self.reference.id_of[h] for h in named[:2]]
            return Picked([*ids, UNKNOWN_ID], [*named[:2], 0], {"EntityNotFoundError"})
        elif way == "entities" and some:
            return Picked([self.world.entity(h) for h in some], some, set())
        elif way == "list":
            return Picked(self.form_of(some, seed), some, set())
        elif way == "members" and self.reference.places:
            place = self.reference.places[seed[0] % len(self.reference.places)]
            if place.name is not None:
                members = self.world.locations[place.name]  # which changes under a move
                return Picked(members, members.tolist(), set())
        elif way == "rows" and live:
            views = [table.handles for table in self.world.query()]
            handles = views[seed[0] % len(views)]  # which change when the table does
            return Picked(handles, handles.tolist(), set())
        elif way == "query":
            query = self.world.query(*[COMPONENTS[seed[0] % len(COMPONENTS)]][: seed[-1] & 1])
            return Picked(query, query.handles().tolist(), set())
        return Picked(np.array(some, np.int64), some, set())

    def form_of(self, handles: list[int], seed: bytes) -> Any:
        """Give handles in one of the forms that arrays of them have."""
        array = np.array(handles, np.int64)
        frozen = array.copy()
        frozen.flags.writeable = False
        forms = (
            handles,
            frozen,
            np.repeat(array, 2)[::2],
            array.astype(">i8"),
            array.astype("u8"),
            pd.Series(array, dtype="int64"),
            pd.Index(array, dtype="int64"),
            tuple(array),
        )
        return forms[seed[-1] % len(forms)]

    def pick_places(self, choice: tuple[str, bytes], n: int) -> Places:
        """Choose places in one of many ways, some of them faulty."""
        way, seed = choice
        names: list[str | None] = ["harbour", None, "inn", " harbour\t", "", "a", "b", "Zürich"]
        many = [names[(seed[i % len(seed)] + i) % len(names)] for i in range(n)]
        live = list(self.reference.entities)
        if way in ("all of a table", "all shuffled", "some", "list"):
            keys = [None if name is None or not name.strip() else name.strip() for name in many]
            return Places(many if way != "some" else np.array(many, object), keys, set())
        if way == "ids":
            strings = [name or " \t" for name in many]
            return Places(np.array(strings, "U8"), [s.strip() or None for s in strings], set())
        if way == "repeated":
            return Places([*many, "harbour"], [], {"InvalidArgumentError"})
        if way in ("one", "one entity", "one id", "query") and live:
            handle = self.nth(seed[0])
            given = self.world.entity(handle) if way == "one entity" else handle
            if way == "one id" and handle in self.reference.id_of:
                name = self.reference.id_of[handle]
                given, handle = name, name.strip()
            return Places(given, [handle] * n, set())
        if way == "entities" and live:
            handles = [self.nth(seed[i % len(seed)] + i) for i in range(n)]
            return Places(np.array(handles, np.int64), list(handles), set())
        if way in ("dead", "garbage"):
            bad = self.dead[-1] if way == "dead" and self.dead else GARBAGE[seed[0] % len(GARBAGE)]
            return Places(bad, [], {"StaleHandleError"})
        if way == "unknown id":
            return Places(2.5, [], {"InvalidArgumentError"})
        if way == "none":
            return Places(None, [None] * n, set())
        name = names[seed[0] % len(names)]
        return Places(name, [(name or "").strip() or None] * n, set())

    def faults_of(self, picked: Picked, *, distinct: bool = False) -> set[str]:
        faults = self.reference.dead_faults(picked.handles)
        return faults | (self.reference.duplicate_faults(picked.handles) if distinct else set())

    def common_components(self, picked: Picked) -> list[type]:
        live = [h for h in picked.handles if self.reference.is_alive(h)]
        sets = [self.reference.entities[h] for h in live]
        return [c for c in COMPONENTS if sets and all(c in s for s in sets)][:3]

    def some_references(self) -> list[int]:
        return list(self.reference.entities)[:3]

    def nth(self, which: int) -> int:
        live = list(self.reference.entities)
        return live[which % len(live)]


def default_row(component: type[ecs.Component]) -> dict[str, Any]:
    value = component()
    return {f.name: plain(getattr(value, f.name), f) for f in component.__schema__.fields}


TestWorldAgreesWithItsReference = WorldMachine.TestCase
TestWorldAgreesWithItsReference.settings = settings(
    max_examples=budget(60),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@settings(max_examples=budget(40), deadline=None)
@given(data=st.data(), component=st.sampled_from([Position, Velocity, Mass, Widths, Times, Shape]))
def test_any_number_comes_back_bit_by_bit(data: Any, component: type[ecs.Component]) -> None:
    n = data.draw(st.integers(0, 4))
    values = {
        field.name: np.array([data.draw(any_number(field)) for _ in range(n)], field.dtype).reshape(
            n, *field.shape
        )
        for field in component.__schema__.fields
    }
    world = ecs.World()

    entities = world.spawn(n, component(**values))
    found = world.get(entities, component)

    for name, given_values in values.items():
        assert getattr(found, name).tobytes() == given_values.tobytes()
