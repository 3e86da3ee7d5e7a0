"""Worlds come from files: what fits together loads, and everything else is a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import ecs_columnar as ecs
from ecs_columnar.io import blocks
from ecs_columnar.io.limits import Limits
from ecs_columnar.services import create_default_services_with_config
from tests.services_world import members, state
from tests.world_files import (
    ACTOR,
    CORE,
    CORE_FILES,
    HARBOUR_TOWN,
    HEALTH,
    fingerprint,
    game,
    instance,
    lines,
    load,
    manifest,
    world_of,
    write,
)


def fatal(path: Any, **options: Any) -> list[str]:
    """Return why a world cannot be loaded; nothing has happened then."""
    services = create_default_services_with_config()
    before = fingerprint(services.world)

    with pytest.raises(ecs.WorldInitializationError) as caught:
        load(path, services, **options)

    assert fingerprint(services.world) == before
    assert services.components.ids() == ["core:position"]
    assert services.definitions.ids() == []
    return list(caught.value.problems)


# --- what loads ----------------------------------------------------------------------


def test_the_harbour_town_loads_without_a_problem() -> None:
    services = create_default_services_with_config()

    result = load(HARBOUR_TOWN, services)

    assert lines(result) == []
    assert (result.world_id, result.mods) == ("town:morning", ("core", "town"))
    assert (result.instantiated_count, result.failed_count) == (27, 0)
    cat = services.entity_lifecycle_manager.get_entity("town:cat")
    assert cat.component_type_ids == ("core:name", "core:health", "core:position", "town:asleep")
    assert cat.get_component_data("core:name") == {"text": "Bosun"}
    assert cat.location_id == "town:ann"
    assert members(services.world)["town:inn"] == {"town:attic", "town:ben", "town:jon"}
    services.world.check()


@pytest.mark.parametrize("name", ["game.json", "mods/core/mod-manifest.json", "mods/core"])
def test_a_game_file_and_a_single_mod_load(tmp_path: Path, name: str) -> None:
    write(tmp_path, game(CORE) | CORE_FILES)

    result = load(tmp_path / name)

    assert lines(result) == []
    assert result.instantiated_count == 1


def test_one_file_has_all_of_it(tmp_path: Path) -> None:
    services = create_default_services_with_config()
    data = world_of(
        instance("ann", health={"points": 3}, position={"locationId": "inn"}), instance("ben")
    )

    result = load(write(tmp_path, {"w.json": data}) / "w.json", services)

    assert lines(result) == []
    assert members(services.world) == {"inn": {"ann"}}
    assert [e.id for e in result.entities.successes] == ["ann", "ben"]


def test_a_file_of_entities_and_locations_loads_as_such_a_mapping_does(tmp_path: Path) -> None:
    data = {
        "components": [HEALTH],
        "definitions": [ACTOR],
        "entities": [
            {
                "instanceId": f"e{i}",
                "definitionId": "core:actor",
                "components": {"core:health": {"points": i}},
            }
            for i in range(-1, 6)
        ],
        "locations": [{"entityId": "e1", "locationId": "inn"}],
    }

    result = load(write(tmp_path, {"w.json": data}) / "w.json")

    assert result.instantiated_count == 7
    assert (result.components.success_count, result.components.failure_count) == (6, 1)
    assert "less than the minimum" in lines(result)[0]


def test_small_and_large_worlds_are_the_same_in_batches_and_one_by_one(tmp_path: Path) -> None:
    many = [instance(f"e{i}", health={"points": i}) for i in range(50)] + [instance("e7")]
    path = write(tmp_path, {"w.json": world_of(*many)}) / "w.json"
    fast = create_default_services_with_config()
    slow = create_default_services_with_config({"performance": {"ENABLE_BATCH_OPERATIONS": False}})

    results = [load(path, services) for services in (fast, slow)]

    assert [r.optimization_used for r in results] == ["batch", "sequential"]
    assert lines(results[0]) == lines(results[1]) != []
    assert state(fast.world) == state(slow.world)


def test_lines_are_streamed_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BYTES_AT_ONCE", 1000)
    services = create_default_services_with_config()
    services.components.register(HEALTH)
    services.definitions.register(ACTOR)
    text = b"\n".join(json.dumps(instance(f"e{i}")).encode() for i in range(100))
    broken = text.replace(b'"e31"', b'"e31').replace(
        b'"core:actor"}\n{"instanceId": "e60"', b'"?"}\n\n{"instanceId": "e60"'
    )

    result = load(write(tmp_path, {"i.ndjson": broken}) / "i.ndjson", services)

    assert result.instantiated_count == 98
    assert len(result.entities.handles) == 98
    assert [line.split(": ")[0] for line in lines(result)] == ["i.ndjson:32", "i.ndjson:60"]
    assert [failure.index for failure in result.entities.failures] == [58]


def test_faults_of_lines_that_are_read_ahead_come_in_the_order_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BYTES_AT_ONCE", 1000)
    items = [
        instance(f"e{i}", **({"health": {"points": -1}} if i % 5 == 0 else {})) for i in range(300)
    ]
    texts = [json.dumps(item)[: -1 if i % 7 == 0 else None] for i, item in enumerate(items)]
    path = write(tmp_path, {"i.ndjson": "\n".join(texts).encode()}) / "i.ndjson"

    def loaded() -> tuple[list[str], str]:
        services = create_default_services_with_config()
        services.components.register(HEALTH)
        services.definitions.register(ACTOR)
        return lines(load(path, services)), services.world.digest()

    found = loaded()
    monkeypatch.setattr(blocks, "ahead", lambda pieces: pieces)

    assert found == loaded()
    assert len(found[0]) == len({*range(0, 300, 5), *range(0, 300, 7)})


def test_the_world_that_is_asked_for_is_loaded(tmp_path: Path) -> None:
    worlds = [
        {"id": "core:a", "instances": [{"instanceId": "ann"}]},
        {"id": "core:b", "instances": [{"instanceId": "ben"}, {"instanceId": "ann"}]},
        {"id": "core:c"},
    ]
    data = world_of(*map(instance, ["ann", "ben", "cleo"]), worlds=worlds, startWorld="core:a")
    path = write(tmp_path, {"w.json": data}) / "w.json"

    counts = [load(path, world_id=w).instantiated_count for w in (None, "core:b", "core:c")]

    assert counts == [1, 2, 3]


def test_what_is_known_already_is_used_as_it_is(tmp_path: Path) -> None:
    class Health(ecs.Component, id="core:health"):
        points: ecs.i4

    services = create_default_services_with_config()
    services.components.register(Health)
    path = write(tmp_path, {"w.json": world_of(instance("ann"))}) / "w.json"

    first, second = load(path, services), load(path, services)

    assert lines(first) == []
    assert int(services.world.entity("ann")[Health].points) == 100
    assert [type(f.error).__name__ for f in second.entities.failures] == ["DuplicateEntityError"]
    assert len(second.problems) == 1


def test_progress_is_told_and_its_errors_change_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, {"w.json": world_of(*map(instance, "abcdefg"))}) / "w.json"
    told: list[tuple[int, ...]] = []

    def on_progress(*numbers: int) -> None:
        told.append(numbers)
        raise ValueError

    assert load(path, on_progress=on_progress).instantiated_count == 7
    assert told == [(0, 1, 7, 7, 7, 0)]


def test_a_load_is_one_event_and_one_record(tmp_path: Path) -> None:
    path = write(tmp_path, {"w.json": world_of(*map(instance, "abcdefg"))}) / "w.json"
    services = create_default_services_with_config()
    events: list[Any] = []
    for kind in ("entity_created", "world_loaded"):
        services.events.on(kind, events.append)

    load(path, services)

    assert [len(event.handles) for event in events] == [7, 7]
    records = services.monitoring.to_frame()
    assert records.to_string().count("load_world") == 1


def test_a_new_world_comes_from_files() -> None:
    world = ecs.World.from_files(HARBOUR_TOWN)

    assert len(world) == 27


# --- what does not load --------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "accepted", "refused"),
    [
        ("1.2.3", "1.2.3", "1.2.4"),
        ("1.2.3", "^1.0.0", "^2.0.0"),
        ("0.2.5", "^0.2.3", "^0.1.0"),
        ("1.2.9", "~1.2.3", "~1.1.0"),
        ("1.9.0", "1.x", "2.x"),
        ("1.9.0", "1", "2"),
        ("1.5.0", ">=1.0.0 <2.0.0", ">1.5.0 <2.0.0"),
        ("1.5.0", ">= 1.0.0  < 2.0.0", "> 1.5.0"),
        ("1.5.0", "1.0.0 - 2.0.0", "1.6.0 - 2.0.0"),
        ("3.1.0", "^1.0.0 || ^3.0.0", "^1.0.0||^2.0.0"),
        ("1.0.0-alpha", ">=1.0.0-alpha", "^1.0.0"),
        ("1.0.0", "*", "latest"),
        ("1.0.0", "", "="),
    ],
)
def test_ranges_of_versions_are_read_as_npm_does(
    tmp_path: Path, version: str, accepted: str, refused: str
) -> None:
    core = manifest(version=version)
    for text, is_fine in ((accepted, True), (refused, False)):
        town = manifest("town", dependencies=[{"id": "core", "version": text}])
        root = write(tmp_path / str(is_fine), game(town, core))
        if is_fine:
            assert load(root).mods == ("core", "town")
        else:
            assert len(fatal(root)) == 1


def test_core_comes_first_and_dependencies_before_those_who_need_them(tmp_path: Path) -> None:
    needs = lambda *ids: [{"id": i, "version": "^1.0.0"} for i in ids]  # noqa: E731
    mods = [
        manifest("a", dependencies=needs("c")),
        manifest("b"),
        manifest("c", dependencies=needs("b")),
        manifest("d"),
        CORE,
    ]

    result = load(write(tmp_path, game(*mods) | CORE_FILES))

    assert result.mods == ("core", "b", "c", "a", "d")


def test_all_that_keeps_mods_apart_is_named_at_once(tmp_path: Path) -> None:
    mods = [
        manifest("a", dependencies=[{"id": "gone", "version": "*"}]),
        manifest("b", dependencies=[{"id": "a", "version": ">=2.0.0"}]),
        manifest("c", conflicts=["a", {"id": "b", "version": "<1.0.0"}]),
        manifest("d", dependencies=["e"]),
        manifest("e", dependencies=["d"]),
        manifest("f", dependencies=["f"]),
        manifest("g", dependencies=["e"]),
    ]
    files = game(*mods)
    files["game.json"]["mods"].append("lost")

    found = fatal(write(tmp_path, files))

    assert found == [
        "mods/lost/mod-manifest.json: $: is not there",
        "mods/a/mod-manifest.json: $.dependencies[0]: the mod gone is missing; request it as well",
        "mods/b/mod-manifest.json: $.dependencies[0]: needs a >=2.0.0, and there is version 1.0.0",
        (
            "mods/c/mod-manifest.json: $.conflicts[0]: is in conflict with a 1.0.0; "
            "request one of them"
        ),
        "mods/d/mod-manifest.json: $.dependencies: mods need each other: d -> e -> d",
        "mods/f/mod-manifest.json: $.dependencies: mods need each other: f -> f",
    ]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([instance("ben"), instance("ann")]).encode(),
        b"".join(json.dumps(instance(name)).encode() + b"\n" for name in ("ben", "ann")),
    ],
)
def test_files_of_one_instance_and_of_many_come_as_they_are_listed(
    tmp_path: Path, content: bytes
) -> None:
    names = ["ann.json", "more.json" if content.startswith(b"[") else "more.ndjson", "cat.json"]
    core = {**CORE, "content": {**CORE["content"], "entities": {"definitions": ["actor.json"]}}}
    core["content"]["entities"]["instances"] = names
    folder = "mods/core/entities/instances/"
    more = {folder + names[1]: content, folder + names[2]: instance("cat")}

    result = load(write(tmp_path, game(core) | CORE_FILES | more))

    assert [entity.id for entity in result.entities.successes] == ["ann", "ben", "cat"]
    (failure,) = result.entities.failures
    assert (failure.index, failure.error.entity_id) == (2, "ann")
    assert result.entities.successes[0].get_component_data("core:health") == {"points": 3}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "../core"}, "$.id"),
        ({"id": "other"}, "$.id"),
        ({"version": "1"}, "$.version"),
        ({"version": None}, "$.version"),
        ({"dependencies": "core"}, "$.dependencies"),
        ({"dependencies": [{"id": "x", "version": "latest"}]}, "$.dependencies[0]"),
        ({"conflicts": [3]}, "$.conflicts[0]"),
        ({"content": []}, "$.content"),
        ({"content": {"entities": {"instances": "x"}}}, "$.content.entities.instances"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_fatal(
    tmp_path: Path, change: dict[str, Any], path: str
) -> None:
    files = game(CORE) | {"mods/core/mod-manifest.json": {**CORE, **change}}

    (problem,) = fatal(write(tmp_path, files))

    assert problem.startswith(f"mods/core/mod-manifest.json: {path}: ")


def test_each_fault_is_a_line_and_the_rest_loads(tmp_path: Path) -> None:
    content = {
        "components": ["health.component.json", "again.json", "foreign.json", "bad.json"],
        "entities": {
            "definitions": ["actor.json", "unfit.json", "gone.json", 3],
            "instances": ["ann.json", "broken.json", "many.json"],
        },
    }
    many = [instance("ben"), instance("cleo", health={"points": -1}), instance("ann"), None]
    files = game({**CORE, "content": content}) | CORE_FILES
    files |= {
        "mods/core/components/again.json": {**HEALTH, "dataSchema": {}},
        "mods/core/components/foreign.json": {"id": "other:x", "dataSchema": {}},
        "mods/core/components/bad.json": {"id": "core:bad", "dataSchema": {"type": 3}},
        "mods/core/entities/definitions/unfit.json": {
            "id": "core:unfit",
            "components": {"core:health": {"points": "x"}},
        },
        "mods/core/entities/instances/broken.json": b'{"instanceId": ',
        "mods/core/entities/instances/many.json": many,
    }

    result = load(write(tmp_path, files))

    assert [line.removeprefix("mods/core/").split(": ")[:2] for line in lines(result)] == [
        ["components/foreign.json", "$.id"],
        ["entities/definitions/gone.json", "$"],
        ["mod-manifest.json", "$.content.entities.definitions[3]"],
        ["entities/instances/broken.json", "$"],
        ["components/again.json", "$"],
        ["components/bad.json", "$"],
        ["entities/definitions/unfit.json", "$.components"],
        ["entities/instances/many.json", "$[1].componentOverrides['core:health']"],
        ["entities/instances/many.json", "$[2]"],
        ["entities/instances/many.json", "$[3]"],
    ]
    assert result.instantiated_count == 2
    assert all("\n" not in line for line in lines(result))


def test_a_start_world_with_unknown_instances_is_rejected_with_all_of_it(tmp_path: Path) -> None:
    worlds = [{"id": "w", "instances": [{"instanceId": "ann"}, {"instanceId": "gone"}]}]
    path = write(tmp_path, {"w.json": world_of(instance("ann"), worlds=worlds)}) / "w.json"

    (problem,) = fatal(path)

    assert "'gone'" in problem


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("ann.json", '{"instanceId": "ann", "definitionId": NaN}'),
        ("ann.ndjson", '{"instanceId": "ann",\n'),
        ("ann.arrow", "ARROW1"),
    ],
)
def test_a_broken_file_whose_instances_the_start_world_lists_is_named(
    tmp_path: Path, file: str, text: str
) -> None:
    content = {"entities": {"instances": [file]}, "worlds": ["w.json"]}
    files = game(manifest(content=content))
    files["mods/core/worlds/w.json"] = {"id": "w", "instances": [{"instanceId": "ann"}]}
    root = write(tmp_path, files)
    folder = root / "mods/core/entities/instances"
    folder.mkdir(parents=True)
    (folder / file).write_text(text)

    world, broken = fatal(root)

    assert world.startswith("mods/core/worlds/w.json: $.instances: ")
    assert broken.startswith(f"mods/core/entities/instances/{file}")


def test_another_world_with_unknown_instances_is_a_line(tmp_path: Path) -> None:
    worlds = [{"id": "v", "instances": [{"instanceId": "gone"}]}, {"id": "w"}, {"id": "w"}, 3]
    data = world_of(instance("ann"), worlds=worlds, startWorld="w")

    result = load(write(tmp_path, {"w.json": data}) / "w.json")

    assert [line.split(": ")[1] for line in lines(result)] == [
        "$.worlds[2]",
        "$.worlds[3]",
        "$.worlds[0].instances",
    ]
    assert result.instantiated_count == 1


def test_a_path_that_leads_to_no_world_is_fatal(tmp_path: Path) -> None:
    write(tmp_path, {"w.json": 3})

    with pytest.raises(ecs.InvalidArgumentError, match="no file and no folder"):
        load(tmp_path / "nowhere")
    assert len(fatal(tmp_path / "w.json")) == 1
    assert fatal(tmp_path) == ["game.json: $: is not there, and neither is mod-manifest.json"]


def test_files_are_the_only_thing_that_has_worlds_and_limits() -> None:
    services = create_default_services_with_config()

    with pytest.raises(ecs.InvalidArgumentError, match="world_id"):
        services.world_loading_service.load_world({"entities": []}, world_id="w")
    with pytest.raises(ecs.InvalidArgumentError, match="depth"):
        Limits(depth=0)


def test_a_new_world_takes_all_or_what_can_be_had(tmp_path: Path) -> None:
    path = (
        write(tmp_path, {"w.json": world_of(instance("ann"), instance("b", "core:x"))}) / "w.json"
    )

    with pytest.raises(ecs.WorldInitializationError, match="strict=False") as caught:
        ecs.World.from_files(path)

    assert len(caught.value.problems) == 1
    assert len(ecs.World.from_files(path, strict=False)) == 1
