"""A world that nobody uses any more is gone at once, with all that it has in memory.

Else its arrays, which the garbage collector does not count, stay until it comes
round, which may be when several worlds have come and gone.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import ecs_columnar as ecs
from ecs_columnar import Mut
from ecs_columnar.services import create_default_services_with_config
from tests.services_world import furnished


class Position(ecs.Component):
    x: ecs.f4 = 0.0
    name: ecs.str_ = ""
    parent: ecs.ref = None
    values: ecs.object_ = None


def populated() -> ecs.World:
    world = ecs.World()
    world.spawn(9, Position(), ids=[f"actor-{i}" for i in range(9)], at="harbour")
    return world


def spawn(world: ecs.World, _: Path) -> Any:
    return world.spawn(2, Position(name=["a", "b"]), at=["inn", "market"])


def query(world: ecs.World, _: Path) -> Any:
    for table in world.query(Mut[Position]):
        table[Position].x += 1
    return world.query(Position).to_pandas()


def change(world: ecs.World, _: Path) -> None:
    world.move("actor-1", "inn")
    world.remove("actor-2", Position)
    world.set("actor-3", Position(x=4.0))
    world.despawn("actor-4")
    actor = world.entity("actor-5")
    actor[Position].x = 2.0


def fail(world: ecs.World, _: Path) -> Any:
    try:
        world.spawn(2, ids=["actor-1", "new"])
    except ecs.DuplicateEntityError as error:
        return str(error)


def roll_back(world: ecs.World, _: Path) -> None:
    try:
        with world.transaction(), world.transaction():
            world.despawn("actor-1")
            raise ValueError
    except ValueError:
        pass


def restore(world: ecs.World, _: Path) -> Any:
    snapshot = world.snapshot()
    world.despawn("actor-1")
    world.restore(snapshot)
    return world.digest()


def keep_history(world: ecs.World, _: Path) -> None:
    history = world.history(2)
    history.record()
    world.despawn("actor-1")
    history.rollback()


def save(world: ecs.World, path: Path) -> None:
    world.save(path, background=True).wait()
    world.save(path)


def keep_a_log(world: ecs.World, path: Path) -> None:
    with world.journal(path):
        world.despawn("actor-1")


def listen(world: ecs.World, _: Path) -> Any:
    heard: list[Any] = []
    world.events.on("despawned", heard.append)
    world.despawn("actor-1")
    return len(heard)


def serve(world: ecs.World, _: Path) -> Any:
    services = create_default_services_with_config(world=furnished(world))
    services.components.register(Position)
    services.events.on("entity_created", print, per_entity=True)
    manager = services.batch_operation_manager
    result = manager.batch_create_entities(
        [{"definition_id": "core:actor", "opts": {"instance_id": i}} for i in ("one", "actor-1")]
    )
    services.entity_lifecycle_manager.remove_entity_instance("one")
    return len(result.successes), len(result.failures)


def provide_nothing(world: ecs.World, _: Path) -> None:
    services = create_default_services_with_config(world=furnished(world))
    with contextlib.suppress(ZeroDivisionError):
        services.batch_spatial_index_manager.synchronize(lambda: [1 // 0])


def interrupt(world: ecs.World, _: Path) -> None:
    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    services = create_default_services_with_config(world=furnished(world))
    services.events.on("entity_created", stop)
    with contextlib.suppress(KeyboardInterrupt):
        services.batch_operation_manager.batch_create_entities([{"definition_id": "core:actor"}])


def run_out_of_time(world: ecs.World, path: Path) -> Any:
    performance = {"BATCH_TIMEOUT_MS": 1, "WORLD_LOADING_BATCH_SIZE": 5}
    services = create_default_services_with_config(
        {"performance": performance}, world=furnished(world), clock=itertools.count().__next__
    )
    loading = services.world_loading_service
    entities = [{"instanceId": f"e{i}", "definitionId": "core:actor"} for i in range(9)]
    first = loading.load_world({"entities": entities})
    with (path.with_suffix(".ndjson")).open("w") as file:
        file.writelines(
            json.dumps({**each, "instanceId": f"f{i}"}) + "\n" for i, each in enumerate(entities)
        )
    second = loading.load_world(path.with_suffix(".ndjson"))
    return first.optimization_used, second.optimization_used


def write_and_read(world: ecs.World, path: Path) -> None:
    files = create_default_services_with_config(world=furnished(ecs.World()))
    manager = files.batch_operation_manager
    manager.batch_create_entities([{"definition_id": "core:actor"}] * 3)
    for kind in ("json", "ndjson", "parquet", "arrow"):
        files.world.to_files(path / kind, format=kind)
        ecs.World.from_files(path / kind)


USES: list[Callable[[ecs.World, Path], Any]] = [
    spawn,
    query,
    change,
    fail,
    roll_back,
    restore,
    keep_history,
    save,
    keep_a_log,
    listen,
    serve,
    provide_nothing,
    interrupt,
    run_out_of_time,
    write_and_read,
]


@pytest.fixture
def no_gc() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_gc")
@pytest.mark.parametrize("use", USES)
def test_a_world_is_gone_with_the_last_who_uses_it(
    use: Callable[[ecs.World, Path], Any], tmp_path: Path
) -> None:
    world = populated()
    use(world, tmp_path / "w")
    storage = weakref.ref(world._storage)

    del world

    assert storage() is None


@pytest.mark.usefixtures("no_gc")
@pytest.mark.parametrize("format", ["json", "ndjson", "parquet", "arrow"])
def test_a_world_from_files_is_gone_with_the_last_who_uses_it(format: Any, tmp_path: Path) -> None:
    written = create_default_services_with_config(world=furnished(ecs.World()))
    written.batch_operation_manager.batch_create_entities([{"definition_id": "core:actor"}] * 3)
    written.world.to_files(tmp_path / "w", format=format)
    world = ecs.World.from_files(tmp_path / "w")
    storage = weakref.ref(world._storage)

    del world

    assert storage() is None


@pytest.mark.usefixtures("no_gc")
def test_arrays_that_could_not_be_saved_are_gone_with_the_world(tmp_path: Path) -> None:
    world = ecs.World()
    world.spawn(1, Position(values=object()))
    saving = world.save(tmp_path, background=True)
    with pytest.raises(ecs.CheckpointError):
        saving.wait()
    handles = weakref.ref(world._storage.tables[-1].handles.data)

    del world, saving

    assert handles() is None


@pytest.mark.usefixtures("no_gc")
def test_whoever_holds_a_result_or_an_entity_holds_the_world() -> None:
    services = create_default_services_with_config(world=furnished(ecs.World()))
    result = services.batch_operation_manager.batch_create_entities(
        [{"definition_id": "core:actor", "opts": {"instance_id": "one"}}]
    )
    storage = weakref.ref(services.world._storage)

    del services
    (entity,) = result.successes
    del result

    assert entity.id == "one"
    assert entity.get_component_data("core:health") == {"points": 100}
    del entity
    assert storage() is None
