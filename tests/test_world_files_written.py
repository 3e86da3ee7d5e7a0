"""What is written loads to an equal world, in every format."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import ecs_columnar as ecs
from ecs_columnar.io.limits import Limits
from ecs_columnar.services import create_default_services_with_config
from ecs_columnar.services.instance_lines import InstanceLines
from ecs_columnar.services.world_files import contents_digest
from tests.services_world import creations, new_world, operations, state
from tests.world_files import HARBOUR_TOWN

FORMATS = ["json", "ndjson", "parquet", "arrow", "one file"]

LOOSE = {
    "id": "core:loose",
    "dataSchema": {
        "properties": {
            "n": {"type": ["number", "null"]},
            "i": {"type": "integer"},
            "s": {"type": "string"},
            "b": {"type": ["boolean", "null"]},
        }
    },
}
FREE = {"id": "core:free", "dataSchema": {}}

texts = st.text("ab .\0é", max_size=3)
numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.just(-0.0)
)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
loose = st.fixed_dictionaries(
    {},
    optional={
        "n": st.one_of(numbers, st.none()),
        "i": st.one_of(st.integers(-(2**70), 2**70), st.just(3.0)),
        "s": texts,
        "b": st.one_of(st.booleans(), st.none()),
        "more": plain,
    },
)


def round_trip(world: ecs.World, folder: Path, form: str, number: int = 0) -> ecs.World:
    path = folder / f"w{number}{'.json' if form == 'one file' else ''}"
    world.to_files(path, format="json" if form == "one file" else form)  # type: ignore[arg-type]
    return ecs.World.from_files(path)


def unordered(facts: dict[str, Any]) -> dict[str, Any]:
    """Leave out the order of components, which columns do not keep."""
    return {
        name: {**each, "components": sorted(each["components"], key=lambda part: part[0])}
        for name, each in facts.items()
    }


@pytest.mark.parametrize("form", FORMATS)
def test_the_harbour_town_comes_back(tmp_path: Path, form: str) -> None:
    world = ecs.World.from_files(HARBOUR_TOWN)

    found = round_trip(world, tmp_path, form)

    assert contents_digest(found) == contents_digest(world)
    assert unordered(state(found)) == unordered(state(world))
    found.check()


@settings(max_examples=25)
@given(items=st.lists(creations(bad=False), max_size=12), form=st.sampled_from(FORMATS))
def test_worlds_of_the_services_come_back(
    tmp_path_factory: pytest.TempPathFactory, items: list[Any], form: str
) -> None:
    world = new_world()
    operations(world).batch_create_entities(items, allow_empty=True)

    found = round_trip(world, tmp_path_factory.mktemp("w"), form)

    keeps_order = form not in ("parquet", "arrow")
    compared = (lambda facts: facts) if keeps_order else unordered
    assert compared(state(found)) == compared(state(world))
    assert contents_digest(found) == contents_digest(world)


@settings(max_examples=40)
@given(
    data=st.lists(st.tuples(loose, st.dictionaries(texts, plain, max_size=3)), max_size=6),
    form=st.sampled_from(FORMATS),
)
def test_any_data_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, data: list[Any], form: str
) -> None:
    services = create_default_services_with_config()
    for each in (LOOSE, FREE):
        services.components.register(each)
    services.definitions.register({"id": "core:thing", "components": {}})
    for i, (a, b) in enumerate(data):
        services.entity_lifecycle_manager.create_entity_instance(
            "core:thing",
            instance_id=f"e{i}",
            component_overrides={"core:loose": a, "core:free": b} if i % 2 else {"core:loose": a},
        )

    found = round_trip(services.world, tmp_path_factory.mktemp("w"), form)

    assert repr(unordered(state(found))) == repr(unordered(state(services.world)))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("empty", [{}, [{}], {"b": {}}, [[{}]], {"b": [], "c": {}}])
def test_mappings_without_keys_come_back(tmp_path: Path, form: str, empty: Any) -> None:
    services = create_default_services_with_config()
    services.components.register(FREE)
    services.definitions.register({"id": "core:thing", "components": {"core:free": {"a": empty}}})
    services.entity_lifecycle_manager.create_entity_instance(
        "core:thing", instance_id="ann", component_overrides={"core:free": {"a": empty, "b": 1}}
    )

    found = round_trip(services.world, tmp_path, form)

    assert state(found) == state(services.world)


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_done_around_the_services_is_written(tmp_path: Path, form: str) -> None:
    class Sail(ecs.Component, id="Sail"):
        area: ecs.f4
        torn: ecs.bool_ = False
        corners: ecs.array(ecs.i2, 3) = (0, 0, 0)  # type: ignore[valid-type]

    services = create_default_services_with_config(world=new_world())
    services.components.register(Sail)
    services.definitions.register({"id": "core:boat", "components": {"Sail": {"area": 0.1}}})
    create = services.entity_lifecycle_manager.create_entity_instance
    boats = [create("core:boat", instance_id=f"b{i}").handle for i in range(3)]
    services.world.set(boats[1], Sail, area=9.5)
    services.world.move(boats[2], "sea")
    services.world.spawn(2, Sail(1.0, corners=[1, 2, 3]), at=[None, "b0"])

    found = round_trip(services.world, tmp_path, form)

    assert contents_digest(found) != contents_digest(new_world())
    facts = state(found)
    assert facts["b1"]["components"][0][1]["area"] == 9.5
    assert facts["b0"]["components"][0][1]["area"] == float(np.float32(0.1))
    assert facts["b2"]["location"] == "sea"
    others = [each for each in facts.values() if each["definition"] == "world:any"]
    assert [each["location"] for each in others] == [None, "b0"]
    assert others[0]["components"][0][1]["corners"] == [1, 2, 3]


@pytest.mark.parametrize("form", FORMATS)
def test_nowhere_is_a_place_where_the_definition_says_otherwise(tmp_path: Path, form: str) -> None:
    world = new_world()
    operations(world).batch_create_entities(
        [{"definition_id": "core:item", "opts": {"instance_id": "a"}}]
    )
    world.move(["a"], None)

    found = round_trip(world, tmp_path, form)

    assert state(found)["a"]["location"] is None


def test_large_worlds_are_written_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecs_columnar.services.world_files._PART", 1000)
    world = new_world()
    operations(world).batch_create_entities(
        {"definition_id": "core:actor", "instance_id": [f"e{i}" for i in range(100)]}
    )

    found = round_trip(world, tmp_path, "json")

    parts = sorted((tmp_path / "w0/mods/world/entities/instances").iterdir())
    assert len(parts) > 3
    assert max(part.stat().st_size for part in parts) < 1200
    assert [str(e) for e in found.ids] == [f"e{i}" for i in range(100)]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "precious").touch()
    (tmp_path / "w.json").touch()
    world = new_world()

    for name in ("w", "w.json"):
        with pytest.raises(ecs.InvalidArgumentError, match="there already"):
            world.to_files(tmp_path / name)
    (tmp_path / "empty").mkdir()
    world.to_files(tmp_path / "empty")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "w", "w.json"]
    assert json.loads((tmp_path / "empty" / "game.json").read_bytes())["mods"] == ["core", "world"]


def fails_to_write(
    world: ecs.World, folder: Path, match: str, *, name: str = "w", **options: Any
) -> None:
    with pytest.raises(ecs.EcsColumnarError, match=match):
        world.to_files(folder / name, **options)
    assert list(folder.iterdir()) == []


def test_what_the_format_has_no_name_for_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    class Log(ecs.Component, id="core:log"):
        at: ecs.datetime("s")  # type: ignore[valid-type]

    class Speed(ecs.Component, id="core:speed"):
        knots: ecs.f8

    class Name(ecs.Component, id="not a folder:name"):
        text: ecs.str_

    for component, value, match in [
        (Log, np.datetime64("2020-01-01", "s"), "no name for at"),
        (Speed, float("nan"), "NaN"),
        (Name, "x", "no id of a mod"),
    ]:
        services = create_default_services_with_config()
        services.world.spawn(1, component(value))
        fails_to_write(services.world, tmp_path, "is registered")
        services.components.register(component)
        fails_to_write(services.world, tmp_path, match)
    fails_to_write(new_world(), tmp_path, "give one of", format="xml")


def test_an_entity_that_lacks_what_its_definition_has_is_refused(tmp_path: Path) -> None:
    services = create_default_services_with_config(world=new_world())
    services.entity_lifecycle_manager.create_entity_instance("core:actor", instance_id="ann")
    services.world.remove("ann", services.components["core:health"].component)

    fails_to_write(services.world, tmp_path, r"1 of 1 entities \(ann\)")


@pytest.mark.parametrize("n", [1, 100])
@pytest.mark.parametrize(
    "value", [{1, 2}, b"a", date(2020, 1, 1), {1: 2}, {"a": [(0, {3})]}, np.arange(2)]
)
def test_objects_that_would_come_back_as_others_are_refused(
    tmp_path: Path, n: int, value: Any
) -> None:
    class Free(ecs.Component, id="core:free"):
        value: ecs.object_ = None

    services = create_default_services_with_config()
    services.components.register(Free)
    services.world.spawn(n, ids=[f"e{i}" for i in range(n)])
    services.world.add(f"e{n - 1}", Free([value]))

    for form in ("json", "ndjson", "parquet", "arrow"):
        fails_to_write(services.world, tmp_path, f"cannot write 'e{n - 1}'", format=form)


@pytest.mark.parametrize("value", [float("nan"), "\ud800"])
def test_a_definition_that_json_has_no_name_for_is_refused(tmp_path: Path, value: Any) -> None:
    class Free(ecs.Component, id="core:free"):
        value: ecs.object_ = None

    services = create_default_services_with_config()
    services.components.register(Free)
    components = {"core:free": {"value": value}}
    services.definitions.register({"id": "core:thing", "components": components})

    for form in ("json", "arrow"):
        fails_to_write(services.world, tmp_path, "cannot write 'core:thing'", format=form)


def test_an_id_that_is_made_up_is_not_that_of_another(tmp_path: Path) -> None:
    world = ecs.World()
    world.spawn(1, ids=["1v1"])
    world.spawn(1)

    fails_to_write(world, tmp_path, r"1 of 2 entities \(1v1\): they have no id")


def test_white_space_around_the_id_of_a_place_is_not_lost(tmp_path: Path) -> None:
    world = ecs.World()
    inn, *guests = world.spawn(3, ids=[" inn ", "ann", "ben"])
    world.move(guests, inn)

    fails_to_write(world, tmp_path, r"2 of 3 entities \(ann, ben\): they are in ' inn '")


def test_one_file_is_not_larger_than_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = ecs.World()
    world.spawn(100)
    world.to_files(tmp_path / "w.json")
    n_bytes = (tmp_path / "w.json").stat().st_size

    monkeypatch.setattr(
        "ecs_columnar.services.world_files.Limits", lambda: Limits(file_bytes=n_bytes)
    )
    world.to_files(tmp_path / "same.json")
    monkeypatch.setattr(
        "ecs_columnar.services.world_files.Limits", lambda: Limits(file_bytes=n_bytes - 1)
    )
    with pytest.raises(ecs.InvalidArgumentError, match="name of a folder"):
        world.to_files(tmp_path / "large.json")

    assert not (tmp_path / "large.json").exists()


def test_no_more_is_made_of_one_file_than_it_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, made = ecs.World(), []
    world.spawn(100)
    monkeypatch.setattr("ecs_columnar.services.instance_lines.ITEMS_AT_ONCE", 10)
    monkeypatch.setattr("ecs_columnar.services.world_files.Limits", lambda: Limits(file_bytes=1000))
    real = InstanceLines._lines
    monkeypatch.setattr(InstanceLines, "_lines", lambda *args: made.append(1) or real(*args))

    fails_to_write(world, tmp_path, "more than 1,000 bytes", name="w.json")

    assert 0 < len(made) < 5
