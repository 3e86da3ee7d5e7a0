"""Columns that are written without a Python object an entity are those that objects make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

import ecs_columnar as ecs
from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.encoding import encode
from ecs_columnar.io import arrow_texts
from ecs_columnar.io.arrow_output import to_arrow
from ecs_columnar.services import Services, create_default_services_with_config
from ecs_columnar.services.catalogue import catalogue_of
from ecs_columnar.services.column_export import export_columns
from ecs_columnar.services.instance_export import InstanceExport
from ecs_columnar.services.world_files import contents_digest

NOTE = {
    "id": "core:note",
    "dataSchema": {
        "properties": {
            "text": {"type": "string"},
            "kind": {"type": "string", "enum": ["a", "b", "long"]},
            "from": {"type": ["string", "null"]},
            "n": {"type": "integer"},
        },
        "required": ["text"],
    },
}
ODD = {"id": "core:odd", "dataSchema": {"minProperties": 1}}
PLACE = "core:position"


class Label(ecs.Component, id="core:label"):
    """A class with strings."""

    text: ecs.str_
    size: ecs.f4 = 1.0


texts = st.text("ab\0é한", max_size=4)
wild = st.text(st.characters(), max_size=3)
notes = st.fixed_dictionaries(
    {"text": texts},
    optional={
        "kind": st.sampled_from(["a", "b", "long"]),
        "from": st.none() | texts,
        "n": st.integers(0, 9) | st.just(2**70),
        "more": texts,
    },
)
whole_notes = st.fixed_dictionaries(
    {"text": texts, "kind": st.sampled_from(["a", "b"]), "from": texts, "n": st.integers(0, 9)}
)
labels = st.fixed_dictionaries({"text": texts}, optional={"size": st.sampled_from([0.0, -0.0, 2])})
places = st.sampled_from([None, "inn", "e0", "e1", "1v1", "2v1"])
gappy_notes = st.fixed_dictionaries(
    {"text": texts},
    optional={"kind": st.sampled_from(["a", "b"]), "from": texts, "n": st.integers(0, 9)},
)
odds = st.fixed_dictionaries({}, optional={"b": st.integers(0, 9), "a": texts}).filter(bool)


def services() -> Services:
    found = create_default_services_with_config()
    for declared in (NOTE, ODD, Label):
        found.components.register(declared)
    found.definitions.register({"id": "core:thing", "components": {}})
    components = {"core:note": {"text": "a"}, PLACE: {"locationId": "inn"}}
    found.definitions.register({"id": "core:letter", "components": components})
    return found


@st.composite
def worlds(draw: st.DrawFn) -> ecs.World:
    """Draw a world: some data many times over, ids and none, places that are entities."""
    found = services()
    someone = st.fixed_dictionaries(
        {},
        optional={
            "core:note": draw(st.sampled_from([notes, whole_notes, gappy_notes])),
            "core:label": labels,
            "core:odd": odds,
            PLACE: places.map(lambda place: {"locationId": place}),
        },
    )
    data = draw(st.lists(st.tuples(st.sampled_from(["thing", "letter"]), someone), max_size=5))
    n = len(data) * draw(st.sampled_from([1, 20]))
    tail = draw(texts)
    items = [
        {
            "definition_id": f"core:{data[i % len(data)][0]}",
            "opts": {"instance_id": f"e{i}{tail}", "component_overrides": data[i % len(data)][1]},
        }
        for i in range(n)
    ]
    found.batch_operation_manager.batch_create_entities(items, allow_empty=True)
    world = found.world
    n_others = draw(st.integers(0, 12))
    others = world.spawn(n_others, Label(draw(texts)), at=draw(st.sampled_from([None, "inn"])))
    if n and n_others:
        world.move(world.query().handles()[: draw(st.integers(0, 3))], others[0])
    gone = draw(st.lists(st.integers(0, 200), max_size=4))
    handles = world.query().handles()
    world.despawn(handles[[i for i in set(gone) if i < handles.shape[0]]])
    world.spawn(draw(st.integers(0, 2)))
    return world


def column_of_objects(export: InstanceExport, name: str) -> Any:
    """Return a column as Python objects make it."""
    world, handles = export.catalogue.world, export.handles
    whole = {"instance_id": world.ids.names(handles), "definition_id": export.definitions.objects()}
    if name in whole:
        return pa.array(np.asarray(whole[name], object))
    type_id, _, part = name.partition(".")
    rows = np.flatnonzero(export.written[type_id])
    if type_id == PLACE:
        values = pa.array(world.locations.of(handles[rows]))
    else:
        component = world.get(handles[rows], export.catalogue.class_of(type_id))
        arrays = export.catalogue.codec(type_id).to_arrays(component, rows.shape[0])
        values = pa.array(arrays[part])
    gaps = np.full(len(export), None, object)
    gaps[rows] = values.to_pylist()
    return pa.array(gaps, values.type)


@settings(max_examples=60)
@given(worlds())
def test_columns_are_those_that_python_objects_make(world: ecs.World) -> None:
    export = InstanceExport(catalogue_of(world))

    found = export_columns(export)

    assert {name.partition(".")[0] for name in found} == {
        "instance_id",
        "definition_id",
        *(type_id for type_id, mask in export.written.items() if mask.any()),
    }
    for name, column in found.items():
        column.validate(full=True)
        if name in export.written:  # as JSON
            continue
        expected = column_of_objects(export, name)
        if pa.types.is_dictionary(column.type):
            expected = expected.dictionary_encode()
        assert column.equals(expected), name


@settings(max_examples=40)
@given(world=worlds(), form=st.sampled_from(["parquet", "arrow"]))
def test_worlds_of_columns_come_back(
    tmp_path_factory: pytest.TempPathFactory, world: ecs.World, form: Any
) -> None:
    path = tmp_path_factory.mktemp("w") / "w"

    world.to_files(path, format=form)
    found = ecs.World.from_files(path)

    assert contents_digest(found) == contents_digest(world)


@given(
    items=st.lists(st.none() | texts | wild, min_size=1, max_size=20),
    is_coded=st.booleans(),
    n_bytes=st.sampled_from([2**31 - 1, 5]),
    data=st.data(),
)
def test_strings_as_bytes_are_the_arrow_arrays_of_objects(
    items: list[str | None], is_coded: bool, n_bytes: int, data: st.DataObject
) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(items) - 1), min_size=1)), np.intp)
    expected = to_arrow(np.array([items[row] for row in rows], object))
    columns = Coded(rows, np.array([*items, None], object)), Texts(encode(items, missing=True))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_texts, "_MOST_BYTES", n_bytes)
        found = to_arrow(columns[0].distinct() if is_coded else columns[1][rows])

    assert (found is None) == (expected is None)
    if found is not None:
        found.validate(full=True)
        assert found.type == expected.type
        assert found.to_pylist() == expected.to_pylist()


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_ids_that_are_no_unicode_are_refused_and_named(tmp_path: Path, form: Any) -> None:
    world = services().world
    world.spawn(3, ids=["a", "\ud800", "c"])

    with pytest.raises(ecs.InvalidArgumentError, match=r"1 of 3 entities \('\\ud800'\)"):
        world.to_files(tmp_path / "w", format=form)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize(("text", "place"), [("\ud800", "inn"), ("a", "\udfff")])
def test_texts_that_are_no_unicode_are_refused(
    tmp_path: Path, form: Any, text: str, place: str
) -> None:
    world = services().world
    world.spawn(2, Label([text, "b"]), at=place)

    with pytest.raises(ecs.InvalidArgumentError, match="surrogates not allowed"):
        world.to_files(tmp_path / "w", format=form)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["json", "ndjson", "parquet", "arrow"])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "u8", "bool_"])
def test_numbers_of_every_size_come_back(tmp_path: Path, form: Any, kind: str) -> None:
    class Size(ecs.Component, id="core:size"):
        x: getattr(ecs, kind)  # type: ignore[valid-type]

    found = create_default_services_with_config()
    found.components.register(Size)
    found.world.spawn(2, Size([0, 1] if kind != "bool_" else [False, True]))

    found.world.to_files(tmp_path / "w", format=form)
    again = ecs.World.from_files(tmp_path / "w")

    assert contents_digest(again) == contents_digest(found.world)


def test_no_object_is_made_an_entity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 100
    found = services()
    items = {
        "definition_id": "core:thing",
        "instance_id": [f"e{i}" for i in range(n)],
        "core:note.text": [f"text {i}" for i in range(n)],
        "core:label.text": ["a", "b"] * (n // 2),
        "core:position.locationId": ["inn"] * n,
    }
    found.batch_operation_manager.batch_create_entities(items)
    found.world.spawn(n)
    monkeypatch.setattr(Encoded, "texts", lambda _: pytest.fail("strings are made"))
    monkeypatch.setattr(Coded, "objects", lambda _: pytest.fail("objects are made"))

    found.world.to_files(tmp_path / "w", format="arrow")

    (path,) = tmp_path.rglob("instances.arrow")
    table = pa.ipc.open_file(path.read_bytes()).read_all()[:n]
    assert table["core:note.text"].to_pylist() == items["core:note.text"]
    assert table["core:label.text"].to_pylist() == items["core:label.text"]


@pytest.mark.parametrize("form", ["json", "ndjson", "parquet", "arrow"])
def test_empty_data_of_a_type_that_is_no_tag_comes_back(tmp_path: Path, form: Any) -> None:
    found = services()
    schema = {"properties": {"a": {"type": "integer"}}, "maxProperties": 1}
    found.components.register({"id": "core:choice", "dataSchema": schema})
    items = [
        {"definition_id": "core:thing", "opts": {"component_overrides": {"core:choice": {}}}}
        for _ in range(2)
    ]
    found.batch_operation_manager.batch_create_entities(items)

    found.world.to_files(tmp_path / "w", format=form)
    again = ecs.World.from_files(tmp_path / "w")

    assert contents_digest(again) == contents_digest(found.world)


@pytest.mark.parametrize("type_id", ["instance_id", "definitionId", "opts", "componentOverrides"])
def test_component_types_that_are_called_as_fields_of_items_are_no_columns(
    type_id: str, tmp_path: Path
) -> None:
    services = create_default_services_with_config()
    services.components.register({"id": type_id, "dataSchema": {"properties": {"n": {}}}})
    services.definitions.register({"id": "core:a", "components": {}})
    services.batch_operation_manager.batch_create_entities(
        [{"definition_id": "core:a", "opts": {"component_overrides": {type_id: {"n": 1}}}}]
    )

    for form in ("parquet", "arrow"):
        with pytest.raises(ecs.InvalidArgumentError, match=f"cannot write {type_id} as a column"):
            services.world.to_files(tmp_path / form, format=form)
        assert not (tmp_path / form).exists()
    services.world.to_files(tmp_path / "w", format="ndjson")

    found = ecs.World.from_files(tmp_path / "w")
    assert contents_digest(found) == contents_digest(services.world)
