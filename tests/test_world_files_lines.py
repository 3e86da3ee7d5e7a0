"""Lines that are made of columns are the same bytes as those that are written one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import ecs_columnar as ecs
from ecs_columnar.errors import SchemaError
from ecs_columnar.io.json_text import write_lines
from ecs_columnar.services import (
    Services,
    create_default_services_with_config,
    instance_export,
    instance_lines,
)
from ecs_columnar.services.catalogue import catalogue_of
from ecs_columnar.services.class_codec import ClassCodec
from ecs_columnar.services.instance_export import InstanceExport
from ecs_columnar.services.instance_lines import InstanceLines
from tests.services_json import TEXTS, data_for, schemas
from tests.services_world import creations, new_world, operations

ids = st.one_of(
    st.sampled_from(["a", "b", 'the "bat"', "é\n", "\\", "\ud800"]),
    st.text(st.characters(), min_size=1, max_size=4),
).filter(lambda name: bool(name.strip()))
places = st.one_of(st.none(), st.sampled_from(["inn", 'the "inn"', "\tx\0y", "\udfff"]), TEXTS)


@pytest.fixture(autouse=True, scope="module")
def few_are_many() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instance_lines, "LEAST_ROWS", 1)
        yield


class Kit(ecs.Component, id="Kit"):
    small: ecs.f4 = 0.0
    half: ecs.f2 = 0.0
    large: ecs.u8 = 0
    owner: ecs.ref = None
    text: ecs.str_ = ""
    is_worn: ecs.bool_ = False
    corners: ecs.array(ecs.f8, (2, 2)) = ((0, 0), (0, 0))  # type: ignore[valid-type]
    flags: ecs.array(ecs.bool_, 2) = (False, True)  # type: ignore[valid-type]
    more: ecs.object_ = None


class Mark(ecs.Component, id="core:mark", storage="sparse"):
    number: ecs.i4


class Log(ecs.Component, id="core:log"):
    at: ecs.datetime("s")  # type: ignore[valid-type]


kits = st.fixed_dictionaries(
    {},
    optional={
        "small": st.floats(width=32),
        "half": st.floats(width=16),
        "large": st.integers(0, 2**64 - 1),
        "text": TEXTS,
        "is_worn": st.booleans(),
        "corners": st.lists(st.floats(-1e9, 1e9), min_size=4, max_size=4).map(
            lambda each: [each[:2], each[2:]]
        ),
        "flags": st.lists(st.booleans(), min_size=2, max_size=2),
        "more": st.one_of(
            TEXTS, st.lists(st.floats(), max_size=2), st.just({1: {2}}), st.just(print), st.none()
        ).map(lambda value: [value]),
    },
)


def outcome(write: Any) -> Any:
    """Return what is written, or the error that is raised."""
    try:
        return b"".join(write())
    except (ecs.EcsColumnarError, ValueError) as error:
        return type(error), str(error)


def same_as_one_by_one(world: ecs.World, separator: bytes = b",\n") -> int:
    """Write the lines of a world both ways; return how many blocks were not of columns."""
    n_slow = 0
    export = InstanceExport(catalogue_of(world))
    real = export.block

    def counted(rows: Any) -> Any:
        nonlocal n_slow
        n_slow += 1
        return real(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InstanceExport, "block", lambda _, rows: counted(rows))
        found = outcome(lambda: (each.data for each in InstanceLines(export, separator).blocks()))
    expected = outcome(
        lambda: (
            line + separator
            for block in export.blocks()
            for line in write_lines(block, [item["instanceId"] for item in block])
        )
    )

    assert found == expected
    if isinstance(found, bytes):
        for data, ends in InstanceLines(export, separator).blocks():
            lines = data.tobytes().split(separator)
            assert lines.pop() == b""
            assert np.array_equal(ends, np.cumsum([len(line) + 2 for line in lines]) - 2)
    return n_slow


@settings(max_examples=300)
@given(st.data())
def test_data_of_any_schema(data: st.DataObject) -> None:
    services = create_default_services_with_config()
    given_schemas = data.draw(st.lists(schemas(), min_size=1, max_size=3))
    types = {}
    for i, schema in enumerate(given_schemas):
        try:
            codec = services.components.register({"id": f"core:t{i}", "dataSchema": schema})
        except SchemaError:
            continue
        types[f"core:t{i}"] = codec, schema
    declare(services, data, types)

    for i in range(data.draw(st.integers(0, 6))):
        create(services, data, types, i)

    same_as_one_by_one(services.world)
    with pytest.MonkeyPatch.context() as patch:
        for module in (instance_export, instance_lines):
            patch.setattr(module, "ITEMS_AT_ONCE", 2)
        same_as_one_by_one(services.world)


def declare(services: Services, data: st.DataObject, types: dict[str, Any]) -> None:
    """Register definitions that have some of the components."""
    services.definitions.register({"id": "core:bare", "components": {}})
    components = overrides(data, types)
    services.definitions.register({"id": 'core:"full"', "components": components})


def overrides(data: st.DataObject, types: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for type_id in data.draw(st.permutations([*types])):
        codec, schema = types[type_id]
        datum = data.draw(data_for(schema))
        if data.draw(st.booleans()) and not codec.validate(datum):
            found[type_id] = datum
    if data.draw(st.booleans()):
        found["core:position"] = {"locationId": data.draw(places)}
    return found


def create(services: Services, data: st.DataObject, types: dict[str, Any], i: int) -> None:
    services.entity_lifecycle_manager.create_entity_instance(
        data.draw(st.sampled_from(["core:bare", 'core:"full"'])),
        instance_id=f"{data.draw(ids).strip()}{i}",
        component_overrides=overrides(data, types),
    )


@settings(max_examples=50)
@given(items=st.lists(creations(bad=False), max_size=12))
def test_worlds_of_the_services(items: list[Any]) -> None:
    world = new_world()
    operations(world).batch_create_entities(items, allow_empty=True)

    assert same_as_one_by_one(world) == 0


@settings(max_examples=100)
@given(st.lists(st.tuples(kits, places), max_size=6))
def test_classes_and_entities_without_definition(given_kits: list[Any]) -> None:
    services = create_default_services_with_config()
    services.components.register(Kit)
    for kit, place in given_kits:
        services.world.spawn(1, Kit(**kit), at=[(place and place.strip()) or None])
    services.world.spawn(1, Kit(owner=0), ids=["ann"])
    services.world.spawn(2, Kit(owner="ann"), at=np.array([services.world.ids["ann"]] * 2))

    same_as_one_by_one(services.world)


def test_what_is_plain_is_written_of_columns() -> None:
    services = create_default_services_with_config()
    services.components.register(Kit)
    properties = {"i": {"type": "integer"}, "n": {"type": ["number", "null"]}, "x": {}}
    loose = {"id": "core:loose", "dataSchema": {"properties": properties}}
    services.components.register(loose)
    services.definitions.register({"id": "core:thing", "components": {}})
    data: list[dict[str, Any]] = [
        {"i": 1, "n": 2.5, "x": [None, "a,b"]},
        {"i": 1.0, "n": 2},
        {"n": None},
        {"more": 2**70, "i": -(2**70)},
        {},
    ]
    for i, datum in enumerate(data):
        kit = {"Kit": {"text": 'a "b"', "more": {"a": None}}} if i % 2 else {}
        services.entity_lifecycle_manager.create_entity_instance(
            "core:thing", instance_id=f"e{i}", component_overrides={**kit, "core:loose": datum}
        )
    services.components.register(Mark)
    nameless = services.world.spawn(2, Kit(1.5), Mark([7, 8]), at=["e0", None])
    services.world.spawn(2, Mark(9), ids=["f0", "f1"], at=nameless)

    assert same_as_one_by_one(services.world) == 0


def test_others_are_written_before_it_is_known_who_cannot_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instance_lines, "ITEMS_AT_ONCE", 2)
    services = create_default_services_with_config()
    for definition_id in ("core:thing", "core:\udfff"):
        services.definitions.register({"id": definition_id, "components": {}})
    for i, definition_id in enumerate(["core:thing"] * 3 + ["core:\udfff"]):
        services.entity_lifecycle_manager.create_entity_instance(definition_id, instance_id=f"e{i}")
    export = InstanceExport(catalogue_of(services.world))

    blocks = InstanceLines(export, b"\n").blocks()

    first = b'{"instanceId":"e0","definitionId":"core:thing"}\n'
    data, ends = next(blocks)
    assert data.tobytes() == first + first.replace(b"e0", b"e1")
    assert ends.tolist() == [len(first) - 1, 2 * len(first) - 1]
    with pytest.raises(ecs.InvalidArgumentError, match="'e3'"):
        next(blocks)


no_json = [{"a": float("nan")}, [float("inf")], {(1,): 2}, {"a": print}, "\ud800"]


@pytest.mark.parametrize("value", no_json)
def test_what_json_may_not_have_is_looked_at_one_by_one(value: Any) -> None:
    services = create_default_services_with_config()
    services.components.register(Kit)
    services.world.spawn(1, Kit(more=[value]))

    assert same_as_one_by_one(services.world) == 1


def test_a_few_are_written_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    world = new_world()
    operations(world).batch_create_entities(
        {"definition_id": "core:actor", "instance_id": [f"e{i}" for i in range(10)]}
    )

    monkeypatch.setattr(instance_lines, "LEAST_ROWS", 10)
    assert same_as_one_by_one(world) == 0
    monkeypatch.setattr(instance_lines, "LEAST_ROWS", 11)
    assert same_as_one_by_one(world) == 1


def test_times_are_refused_as_they_were() -> None:
    services = create_default_services_with_config()
    services.components.register(Log)
    services.world.spawn(1, Log(np.datetime64("2020-01-01", "s")))

    assert same_as_one_by_one(services.world) == 1


def test_a_codec_of_another_class_is_read_by_itself() -> None:
    class Shout(ClassCodec):
        def decode(self, component: Any, n: int) -> list[dict[str, Any]]:
            return [{"loud": item["text"].upper()} for item in super().decode(component, n)]

    services = create_default_services_with_config()
    services.components.register(Shout(services.world, Kit))
    services.world.spawn(2, Kit(text=["a", "b"]))

    assert same_as_one_by_one(services.world) == 0
    export = InstanceExport(catalogue_of(services.world))
    (lines,) = InstanceLines(export, b"\n").blocks()
    assert b'{"Kit":{"loud":"A"}}' in lines.data.tobytes()


@pytest.mark.parametrize("n_bytes", [1, 150, 400, 10_000])
def test_parts_are_cut_where_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_bytes: int
) -> None:
    monkeypatch.setattr("ecs_columnar.services.world_files._PART", n_bytes)
    monkeypatch.setattr(instance_lines, "ITEMS_AT_ONCE", 4)
    world = new_world()
    for i in range(11):
        item = {"definition_id": "core:actor", "opts": {"instance_id": f"e{i}" * (i + 1)}}
        operations(world).batch_create_entities([item])
    expected: list[list[bytes]] = [[]]
    for block in InstanceExport(catalogue_of(world)).blocks():
        for line in write_lines(block, [item["instanceId"] for item in block]):
            if expected[-1] and sum(len(each) + 2 for each in expected[-1]) + len(line) > n_bytes:
                expected.append([])
            expected[-1].append(line)

    world.to_files(tmp_path / "w")

    folder = tmp_path / "w/mods/world/entities/instances"
    found = [path.read_bytes() for path in sorted(folder.iterdir())]
    assert found == [b"[\n" + b",\n".join(lines) + b"\n]\n" for lines in expected]


@pytest.mark.parametrize("name", ["w", "w.json"])
def test_a_world_without_entities_has_an_empty_list(tmp_path: Path, name: str) -> None:
    new_world().to_files(tmp_path / name)

    (file,) = [*(tmp_path / name).rglob("instances-*")] or [tmp_path / name]
    assert b"[\n\n" in file.read_bytes()
