"""The five operations, each in three ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from ecs_columnar.bench.crew import DEFINITION, HEALTH, POSITION, Crew
from ecs_columnar.bench.timing import Way, costs
from ecs_columnar.services.world_loading_service import WorldLoadingService
from ecs_columnar.warmup import warmup

LARGER: Final = (10_000, 1_000_000)
"""Sizes at which all operations are measured, besides their own."""

N_ALONE: Final = 1000
"""Scalar calls a round, at most. More would take minutes, and the same an item."""

N_DICTS: Final = 100_000
"""Dicts a round, at most. A million would take more memory than the world."""


class Ways(NamedTuple):
    """The ways of one operation; all lead to the same world.

    Attributes
    ----------
    sequential : Way
        Scalar calls in a loop.
    dicts, columns : Way
        One batch call.
    """

    sequential: Way
    dicts: Way
    columns: Way


class Operation(NamedTuple):
    """Something that is measured.

    Attributes
    ----------
    name : str
    n : int
        Items, in the specification.
    ways : callable
        Makes the ways for a number of items.
    """

    name: str
    n: int
    ways: Callable[[int], Ways]


class Comparison(NamedTuple):
    """What was measured of one operation at one size.

    Attributes
    ----------
    operation : str
    n : int
        Items of the batch of columns, and of the world.
    n_sequential, n_dicts : int
        Items that the other two ways had.
    sequential, dicts, columns : float
        Seconds an item.
    """

    operation: str
    n: int
    n_sequential: int
    n_dicts: int
    sequential: float
    dicts: float
    columns: float


def measure(*, n_rounds: int, quick: bool = False) -> Iterator[Comparison]:
    """Measure all operations, from the smallest size to the largest.

    Parameters
    ----------
    n_rounds : int
    quick : bool
        Whether the largest size is left out.

    Yields
    ------
    Comparison
    """
    warmup()
    larger = LARGER[:-1] if quick else LARGER
    for size in (None, *larger):
        for operation in OPERATIONS:
            yield compare(operation, operation.n if size is None else size, n_rounds=n_rounds)


def compare(operation: Operation, n: int, *, n_rounds: int) -> Comparison:
    """Measure one operation at one size."""
    ways = operation.ways(n)
    counts = ways.sequential.n_items, ways.dicts.n_items
    return Comparison(operation.name, n, *counts, *costs(ways, n_rounds=n_rounds))


def creating(n: int) -> Ways:
    """Create entities with an id, a place and a health."""
    crew, few, some = _crew_and_shares(n)
    manager = crew.services.batch_operation_manager
    create = crew.services.entity_lifecycle_manager.create_entity_instance
    ids, overrides = crew.ids[:some].tolist(), crew.overrides(some)
    given = list(zip(ids, overrides, strict=True))
    dicts = [
        {"definition_id": DEFINITION, "opts": {"instance_id": i, "component_overrides": parts}}
        for i, parts in given
    ]
    columns = {
        "definition_id": DEFINITION,
        "instance_id": crew.ids,
        f"{POSITION}.locationId": crew.place_column,
        f"{HEALTH}.points": crew.points,
    }

    def one_by_one() -> int:
        for i, parts in given[:few]:
            create(DEFINITION, instance_id=i, component_overrides=parts)
        return few

    return Ways(
        Way(one_by_one, crew.clear, few),
        Way(lambda: manager.batch_create_entities(dicts).success_count, crew.clear, some),
        Way(lambda: manager.batch_create_entities(columns).success_count, crew.clear, n),
    )


def adding(n: int) -> Ways:
    """Give a component to entities that do not have it."""
    crew, few, some = _crew_and_shares(n)
    crew.populate()
    manager = crew.services.batch_operation_manager
    add = crew.services.component_mutation_service.add_component
    ids, points = crew.ids[:some].tolist(), crew.points[:some].tolist()
    dicts = [
        {"instance_id": i, "component_type_id": HEALTH, "component_data": {"points": k}}
        for i, k in zip(ids, points, strict=True)
    ]
    columns = {"instance_id": crew.handles, f"{HEALTH}.points": crew.points}
    taken = {"instance_id": crew.handles, "component_type_id": HEALTH}

    def one_by_one() -> int:
        for item in dicts[:few]:
            add(item["instance_id"], HEALTH, item["component_data"])
        return few

    def undo() -> None:
        manager.batch_remove_components(taken)

    return Ways(
        Way(one_by_one, undo, few),
        Way(lambda: manager.batch_add_components(dicts).success_count, undo, some),
        Way(lambda: manager.batch_add_components(columns).success_count, undo, n),
    )


def placing(n: int) -> Ways:
    """Put entities that are nowhere into the index of places."""
    crew, few, some = _crew_and_shares(n)
    crew.populate()
    manager = crew.services.batch_spatial_index_manager
    add = crew.services.spatial_index_manager.add
    given = list(zip(crew.ids[:some].tolist(), crew.places[:some].tolist(), strict=True))
    dicts = [{"entity_id": i, "location_id": place} for i, place in given]
    columns = {"entity_id": crew.handles, "location_id": crew.place_column}

    def one_by_one() -> int:
        for i, place in given[:few]:
            add(i, place)
        return few

    def undo() -> None:
        manager.batch_remove(crew.handles)

    return Ways(
        Way(one_by_one, undo, few),
        Way(lambda: manager.batch_add(dicts).success_count, undo, some),
        Way(lambda: manager.batch_add(columns).success_count, undo, n),
    )


def removing(n: int) -> Ways:
    """Remove entities; a list of ids stands for the dicts."""
    crew, few, some = _crew_and_shares(n)
    crew.populate()
    manager = crew.services.batch_operation_manager
    remove = crew.services.entity_lifecycle_manager.remove_entity_instance
    ids = crew.ids[:some].tolist()

    def one_by_one() -> int:
        for i in ids[:few]:
            remove(i)
        return few

    return Ways(
        Way(one_by_one, lambda: crew.create(few), few),
        Way(
            lambda: manager.batch_remove_entities(ids).success_count,
            lambda: crew.create(some),
            some,
        ),
        Way(
            lambda: manager.batch_remove_entities(crew.ids).success_count,
            lambda: crew.create(n),
            n,
        ),
    )


def loading(n: int) -> Ways:
    """Load a world: entities, components and places."""
    crew, few, some = _crew_and_shares(n)
    batches = crew.services.world_loading_service
    singly = WorldLoadingService(crew.services.world, enable_optimization=False)
    ids, points = crew.ids[:some].tolist(), crew.points[:some].tolist()
    entities = [
        {"instanceId": i, "definitionId": DEFINITION, "components": {HEALTH: {"points": k}}}
        for i, k in zip(ids, points, strict=True)
    ]
    places = zip(ids, crew.places[:some].tolist(), strict=True)
    locations = [{"entityId": i, "locationId": place} for i, place in places]
    part = {"entities": entities[:few], "locations": locations[:few]}
    dicts = {"entities": entities, "locations": locations}
    columns = {
        "entities": {
            "definition_id": DEFINITION,
            "instance_id": crew.ids,
            f"{HEALTH}.points": crew.points,
        },
        "locations": {"entity_id": crew.ids, "location_id": crew.place_column},
    }
    return Ways(
        Way(lambda: singly.load_world(part).spatial.success_count, crew.clear, few),
        Way(lambda: batches.load_world(dicts).spatial.success_count, crew.clear, some),
        Way(lambda: batches.load_world(columns).spatial.success_count, crew.clear, n),
    )


def _crew_and_shares(n: int) -> tuple[Crew, int, int]:
    """Make a crew, and say how many of it scalar calls and dicts are measured on."""
    return Crew(n), min(n, N_ALONE), min(n, N_DICTS)


OPERATIONS: Final = (
    Operation("create entities", 50, creating),
    Operation("add components", 100, adding),
    Operation("put into places", 200, placing),
    Operation("remove entities", 75, removing),
    Operation("load a world", 100, loading),
)
"""What the specification of the services measures, at its sizes."""
