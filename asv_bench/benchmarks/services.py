"""The batch services: from dicts and from columns, against the scalar calls and the core."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

import ecs_columnar as ecs
from benchmarks.base import SIZES, Contest, OneCall, Operation, Side, compile_kernels
from benchmarks.worlds import names_of, places_of
from ecs_columnar.services.batch_operation_manager import BatchOperationManager
from ecs_columnar.services.batch_spatial_index_manager import BatchSpatialIndexManager
from ecs_columnar.services.catalogue import catalogue_of
from ecs_columnar.services.component_mutation_service import ComponentMutationService
from ecs_columnar.services.entity_lifecycle_manager import EntityLifecycleManager
from ecs_columnar.services.factory import create_default_services_with_config
from ecs_columnar.services.spatial_index_manager import SpatialIndexManager
from ecs_columnar.services.world_loading_service import WorldLoadingService

N_ALONE: Final = 200
"""Items that the scalar calls get: a round of theirs would take minutes otherwise."""

N_NAMES: Final = 1000

N_OBSERVED: Final = 100
"""Batches that monitoring is timed for: one takes some microseconds."""


class Name(ecs.Component, id="core:name"):
    """A text of few kinds."""

    text: ecs.str_


class Health(ecs.Component, id="core:health"):
    """A number."""

    points: ecs.i8


class Crew:
    """A world of services, and ``n`` actors to create in it.

    Parameters
    ----------
    n : int
    in_schema : bool
        Whether component types come from JSON Schema, and not from classes.
    """

    def __init__(self, n: int, *, in_schema: bool = True) -> None:
        compile_kernels()
        self.n = n
        self.world = ecs.World()
        catalogue = catalogue_of(self.world)
        for declared in SCHEMAS if in_schema else (Name, Health):
            catalogue.components.register(declared)
        catalogue.definitions.register({"id": "core:actor", "components": {}})
        self.operations = BatchOperationManager(self.world)
        self.spatial = BatchSpatialIndexManager(self.world)
        self.one_by_one = EntityLifecycleManager(self.world)
        self.places_one_by_one = SpatialIndexManager(self.world)
        self.ids = np.array(names_of(n), object)
        self.places = np.array([f"place-{i}" for i in places_of(n) % N_NAMES], object)
        self.points = np.arange(n) % 100

    def dicts(self) -> list[dict[str, Any]]:
        """Return all actors as dicts."""
        rows = zip(self.ids.tolist(), self.places.tolist(), self.points.tolist(), strict=True)
        return [
            {
                "definition_id": "core:actor",
                "opts": {
                    "instance_id": instance_id,
                    "component_overrides": {
                        "core:name": {"text": f"name {points}"},
                        "core:position": {"locationId": place},
                        "core:health": {"points": points},
                    },
                },
            }
            for instance_id, place, points in rows
        ]

    def columns(self) -> dict[str, Any]:
        """Return all actors as columns, names of few kinds as categories."""
        names = pd.Categorical([f"name {points}" for points in self.points.tolist()])
        return {
            "definition_id": "core:actor",
            "instance_id": self.ids,
            "core:name.text": names,
            "core:position.locationId": pd.Categorical(self.places),
            "core:health.points": self.points,
        }

    def loadable(self, n: int) -> dict[str, Any]:
        """Return the first ``n`` actors as a world to load."""
        entities = {
            "definition_id": "core:actor",
            "instance_id": self.ids[:n],
            "core:health.points": self.points[:n],
        }
        return {
            "entities": entities,
            "locations": {"entity_id": self.ids[:n], "location_id": self.places[:n]},
        }

    def creating(self, items: Any) -> Side:
        """Create a batch; it is removed again."""
        return Side(lambda: self.operations.batch_create_entities(items), self.clear, self.n)

    def creating_alone(self, items: Any) -> Side:
        """Create a few, one by one."""
        few = items[:N_ALONE]
        return Side(
            lambda: self.one_by_one.batch_create_entities(few), self.clear, min(N_ALONE, self.n)
        )

    def clear(self) -> None:
        """Remove everybody."""
        self.world.despawn(self.world.query())

    def populated(self) -> Crew:
        """Create everybody."""
        self.operations.batch_create_entities(self.columns())
        self.handles = self.world.ids[self.ids]
        return self

    def adding(self, items: Any) -> Side:
        """Replace the health of everybody."""
        return Side(lambda: self.operations.batch_add_components(items), n_items=self.n)

    def removing(self) -> Side:
        """Take the health of everybody away; it is given back."""
        items = {"instance_id": self.handles, "component_type_id": "core:health"}
        health = {"instance_id": self.handles, "core:health.points": self.points}
        return Side(
            lambda: self.operations.batch_remove_components(items),
            lambda: self.operations.batch_add_components(health),
            self.n,
        )

    def moving(self, entities: Any, places: Callable[[], Any]) -> Side:
        """Move everybody to other places each round."""
        updates: dict[str, Any] = {"entity_id": entities, "new_location_id": places()}

        def draw() -> None:
            updates["new_location_id"] = places()

        return Side(lambda: self.spatial.batch_move(updates), draw, self.n)


SCHEMAS: Final = (
    {
        "id": "core:name",
        "dataSchema": {
            "type": "object",
            "properties": {"text": {"type": "string", "minLength": 1}},
            "required": ["text"],
            "additionalProperties": False,
        },
    },
    {
        "id": "core:health",
        "dataSchema": {
            "type": "object",
            "properties": {"points": {"type": "integer", "minimum": 0}},
            "required": ["points"],
            "additionalProperties": False,
        },
    },
)


class CreateFromDictsAgainstScalar(Contest):
    """Create from dicts, against the scalar call."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        items = Crew(n).dicts()
        self.ours, self.theirs = Crew(n).creating(items), Crew(n).creating_alone(items)


class CreateFromColumnsAgainstScalar(Contest):
    """Create from columns, against the scalar call."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        crew = Crew(n)
        self.ours = Crew(n).creating(crew.columns())
        self.theirs = Crew(n).creating_alone(crew.dicts())


class CreateFromColumnsAgainstCore(Contest):
    """Create from columns, against what the core takes to spawn the same."""

    def setup(self, n: int) -> None:
        crew, floor = Crew(n), Crew(n, in_schema=False)
        columns = crew.columns()
        components = Name(columns["core:name.text"]), Health(columns["core:health.points"])
        at = columns["core:position.locationId"]
        self.ours = crew.creating(columns)
        self.theirs = Side(
            lambda: floor.world.spawn(n, *components, ids=floor.ids, at=at), floor.clear, n
        )


class CreateInSmallBatchesAgainstLarge(Contest):
    """Create in batches of 50, against batches of 200."""

    def setup(self, n: int) -> None:
        small, large = Crew(n), Crew(n)
        columns = small.columns()
        self.ours, self.theirs = (
            Side(lambda crew=crew, size=size: create(crew, columns, size), crew.clear, n)
            for crew, size in ((small, 50), (large, 200))
        )


class CreationMemory:
    """The most memory that a batch of creations holds at once, of what it leaves behind.

    From `tracemalloc`, to which NumPy reports its arrays; what was there before
    the call, the columns among it, does not count.
    """

    params = SIZES
    param_names = ("n",)

    def setup(self, n: int) -> None:
        Crew(100).populated()
        self.crew = Crew(n)
        self.columns = self.crew.columns()

    def track_peak(self, n: int) -> float:
        """Measure the peak of one call, as a multiple of what the world and the result hold."""
        del n
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            result = self.crew.operations.batch_create_entities(self.columns)
            after, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert result.failure_count == 0
        return (peak - before) / (after - before)

    track_peak.unit = "x"  # type: ignore[attr-defined]


def create(crew: Crew, columns: Any, batch_size: int) -> object:
    """Create in batches of a size."""
    return crew.operations.batch_create_entities(columns, batch_size=batch_size)


class CreateTenAgainstScalar(Contest):
    """Create ten in a batch, against ten scalar calls."""

    params = SIZES[:1]

    def setup(self, n: int) -> None:
        items = Crew(10).dicts()
        self.ours, self.theirs = Crew(10).creating(items), Crew(10).creating_alone(items)


class MonitoringAgainstBatch(Contest):
    """What monitoring does around a batch, by itself, against the batch without it.

    It is too little to be seen as a difference of two batches, which vary by more.
    """

    params = (1000,)
    n_rounds = 50

    def setup(self, n: int) -> None:
        compile_kernels()
        services = create_default_services_with_config()
        unseen = Crew(n)
        manager = services.batch_operation_manager

        def observe() -> None:
            for _ in range(N_OBSERVED):
                with manager._observed("batch_create_entities", n, "batch"):
                    pass

        self.ours = Side(observe, n_items=N_OBSERVED)
        self.theirs = unseen.creating(unseen.dicts())._replace(n_items=1)


class AddFromColumnsAgainstScalar(Contest):
    """Replace a component from columns, by handles, against the scalar call."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        crew, alone = Crew(n).populated(), Crew(n).populated()
        self.ours = crew.adding({"instance_id": crew.handles, "core:health.points": crew.points})
        items = [
            {"instance_id": i, "component_type_id": "core:health", "component_data": {"points": 5}}
            for i in alone.ids[:N_ALONE].tolist()
        ]
        self.theirs = Side(lambda: alone.one_by_one.batch_add_components(items), n_items=N_ALONE)


class RemoveFromColumnsAgainstScalar(Contest):
    """Remove a component from columns, by handles, against the scalar call."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        crew, alone = Crew(n).populated(), Crew(n).populated()
        self.ours = crew.removing()
        ids = alone.ids[:N_ALONE].tolist()
        items = [{"instance_id": i, "component_type_id": "core:health"} for i in ids]
        health = {"instance_id": ids, "core:health.points": [5] * N_ALONE}
        self.theirs = Side(
            lambda: alone.one_by_one.batch_remove_components(items),
            lambda: alone.operations.batch_add_components(health),
            N_ALONE,
        )


class RemoveEntitiesAgainstScalar(Contest):
    """Remove entities by handles, against the scalar call; they are created again."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        crew, alone = Crew(n).populated(), Crew(n).populated()
        few = min(N_ALONE, n)
        ids = alone.ids[:few].tolist()
        back = {"definition_id": "core:actor", "instance_id": alone.ids[:few]}
        self.ours = Side(
            lambda: crew.operations.batch_remove_entities(crew.handles), crew.populated, n
        )
        self.theirs = Side(
            lambda: alone.one_by_one.batch_remove_entities(ids),
            lambda: alone.operations.batch_create_entities(back),
            few,
        )


class LoadFromColumnsAgainstSequential(Contest):
    """Load a world from columns, against the same service item by item."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        crew, alone = Crew(n), Crew(n)
        few = min(N_ALONE, n)
        batches = WorldLoadingService(crew.world)
        singly = WorldLoadingService(alone.world, enable_optimization=False)
        columns, part = crew.loadable(n), alone.loadable(few)
        self.ours = Side(lambda: batches.load_world(columns), crew.clear, n)
        self.theirs = Side(lambda: singly.load_world(part), alone.clear, few)


class MoveByNameAgainstScalar(Contest):
    """Move from columns of string ids and names, against the scalar call."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        crew = Crew(n).populated()
        self.ours = crew.moving(crew.ids, lambda: _shuffled(crew.places))
        self.theirs = _moving_alone(n)


class MoveByHandleAgainstScalar(Contest):
    """Move from columns of handles, against the scalar call."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        crew = Crew(n).populated()
        rooms = crew.world.spawn(N_NAMES)
        self.ours = crew.moving(crew.handles, lambda: _shuffled(rooms[places_of(n) % N_NAMES]))
        self.theirs = _moving_alone(n)


class CreateOne(OneCall):
    """Create an entity with a name, a place and a number."""

    def setup(self, n: int) -> None:
        crew = Crew(n)
        items = crew.dicts()[:N_ALONE]
        create = crew.one_by_one.create_entity_instance

        def do() -> None:
            for item in items:
                create(item["definition_id"], **item["opts"])

        self.ours = Side(do, crew.clear, N_ALONE)


class MoveOneByService(OneCall):
    """Move an entity, by its id and the name of a place."""

    def setup(self, n: int) -> None:
        crew = Crew(n).populated()
        ids, places = crew.ids[:N_ALONE].tolist(), crew.places[:N_ALONE].tolist()
        move = crew.places_one_by_one.move

        def do() -> None:
            for entity_id, place in zip(ids, places, strict=True):
                move(entity_id, None, place)

        self.ours = Side(do, lambda: places.append(places.pop(0)), N_ALONE)


class AddOne(OneCall):
    """Replace the health of an entity."""

    def setup(self, n: int) -> None:
        crew = Crew(n).populated()
        ids = crew.ids[:N_ALONE].tolist()
        add = ComponentMutationService(crew.world).add_component

        def do() -> None:
            for i in ids:
                add(i, "core:health", {"points": 5})

        self.ours = Side(do, n_items=N_ALONE)


class RemoveOne(OneCall):
    """Take the health of an entity away; it is given back."""

    def setup(self, n: int) -> None:
        crew = Crew(n).populated()
        ids = crew.ids[:N_ALONE].tolist()
        remove = ComponentMutationService(crew.world).remove_component
        health = {"instance_id": ids, "core:health.points": [5] * N_ALONE}

        def do() -> None:
            for i in ids:
                remove(i, "core:health")

        self.ours = Side(do, lambda: crew.operations.batch_add_components(health), N_ALONE)


class GetOne(OneCall):
    """Read the health of an entity."""

    def setup(self, n: int) -> None:
        crew = Crew(n).populated()
        entities = [crew.one_by_one.get_entity(i) for i in crew.ids[:N_ALONE].tolist()]

        def do() -> None:
            for entity in entities:
                entity.get_component_data("core:health")

        self.ours = Side(do, n_items=N_ALONE)


class SpatialAdd(Operation):
    """Put everybody into places, by handles."""

    def setup(self, n: int) -> None:
        crew, additions = _in_rooms(n)

        def draw() -> None:
            additions["location_id"] = _shuffled(additions["location_id"])

        self.ours = Side(lambda: crew.spatial.batch_add(additions), draw, n)


class SpatialRemove(Operation):
    """Take everybody out of places, by handles."""

    def setup(self, n: int) -> None:
        crew, additions = _in_rooms(n)
        crew.spatial.batch_add(additions)
        entities = additions["entity_id"]
        self.ours = Side(
            lambda: crew.spatial.batch_remove(entities),
            lambda: crew.spatial.batch_add(additions),
            n,
        )


class SpatialRebuild(Operation):
    """Build the index anew, by handles."""

    def setup(self, n: int) -> None:
        crew, additions = _in_rooms(n)
        self.ours = Side(lambda: crew.spatial.rebuild(additions), n_items=n)


def _in_rooms(n: int) -> tuple[Crew, dict[str, Any]]:
    crew = Crew(1)
    rooms = crew.world.spawn(10 * N_NAMES)
    entities = crew.world.spawn(n)
    return crew, {"entity_id": entities, "location_id": rooms[places_of(n)]}


def _moving_alone(n: int) -> Side:
    crew = Crew(n).populated()
    updates: list[dict[str, Any]] = []

    def draw() -> None:
        places = _shuffled(crew.places)[:N_ALONE].tolist()
        updates[:] = [
            {"entity_id": i, "new_location_id": place}
            for i, place in zip(crew.ids[:N_ALONE].tolist(), places, strict=True)
        ]

    draw()
    return Side(lambda: crew.places_one_by_one.batch_move(updates), draw, N_ALONE)


def _shuffled(places: Any) -> Any:
    return np.random.default_rng().permutation(places)
