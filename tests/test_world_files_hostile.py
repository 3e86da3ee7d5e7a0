"""Whatever files say, a world is loaded, or not: nothing crashes, hangs, leaks or half happens."""

from __future__ import annotations

import json
import os
import random
import socket
import time
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import ecs_columnar as ecs
from ecs_columnar.io.folder import Folder, fault_of_name
from ecs_columnar.io.json_text import JsonReader
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.problem import WorldFileError
from ecs_columnar.services import create_default_services_with_config
from tests.broken_files import Target, with_other_bytes
from tests.world_files import (
    ACTOR,
    CORE,
    CORE_FILES,
    HARBOUR_TOWN,
    HEALTH,
    game,
    instance,
    lines,
    load,
    world_of,
    write,
)

FILES = {
    str(path.relative_to(HARBOUR_TOWN)): path.read_bytes()
    for path in sorted(HARBOUR_TOWN.rglob("*.json"))
}


# --- anything at all -----------------------------------------------------------------

junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
        st.sampled_from(["core:health", "core:actor", "../x", "ann"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["id", "instances", "instanceId", "definitionId", "componentOverrides", "type"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@st.composite
def replaced(draw: st.DrawFn, data: Any) -> Any:
    """Put something else somewhere into plain data."""
    if isinstance(data, dict) and data and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(data)))
        return {**data, key: draw(replaced(data[key]))}
    if isinstance(data, list) and data and draw(st.integers(0, 4)):
        i = draw(st.integers(0, len(data) - 1))
        return [*data[:i], draw(replaced(data[i])), *data[i + 1 :]]
    return draw(junk)


WHOLE = world_of(
    instance("ann", health={"points": 3}),
    instance("ben", position={"locationId": "ann"}),
    worlds=[{"id": "core:w", "instances": [{"instanceId": "ann"}]}],
    startWorld="core:w",
)
TREE = {name: json.loads(data) for name, data in FILES.items()}


@settings(max_examples=200)
@given(data=replaced(WHOLE))
def test_a_file_that_says_anything_is_loaded_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    root = write(tmp_path_factory.mktemp("w"), {"w.json": data})

    Target().load(root / "w.json")


@settings(max_examples=150)
@given(data=st.data(), name=st.sampled_from(sorted(TREE)))
def test_a_folder_that_says_anything_is_loaded_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, name: str
) -> None:
    changed = data.draw(replaced(TREE[name]))

    Target().load(write(tmp_path_factory.mktemp("w"), FILES | {name: changed}))


@pytest.mark.parametrize("suffix", ["ndjson", "parquet", "arrow"])
def test_flipped_and_cut_files_of_instances_are_loaded_or_refused(
    tmp_path: Path, suffix: str
) -> None:
    world = ecs.World.from_files(HARBOUR_TOWN)
    world.to_files(tmp_path / "w", format=suffix)  # type: ignore[arg-type]
    (path,) = (tmp_path / "w").rglob(f"*.{suffix}")
    whole = path.read_bytes()
    rng = random.Random(5)
    target = Target()

    for _ in range(60):
        path.write_bytes(with_other_bytes(whole, rng))
        target.load(tmp_path / "w")


# --- JSON ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "truncated"),
        (b"NaN", "malformed"),
        (b"[Infinity]", "malformed"),
        (b"[-Infinity]", "malformed"),
        (b"1e400", "out of range"),
        (b"-1e400", "out of range"),
        (b"9" * 5000, "out of range"),
        (b'"\xff"', "UTF-8|utf-8"),
        (b'"\\ud800"', "JSON"),
        (b"\xef\xbb\xbf{}", "malformed"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is there twice"),
        (b'{"a": 1, "\\u0061": 2}', "'a' is there twice"),
        (b"[" * 65 + b"]" * 65, "64 levels"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "64 levels"),
        (b"[" * 1_000_000, "64 levels"),
        (b"{}{}", "trailing"),
        (b"{'a': 1}", "malformed"),
        (b"[1,]", "malformed"),
        (b"// hello", "malformed"),
        (b"\x00", "malformed"),
    ],
)
def test_what_is_no_json_within_limits_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(WorldFileError, match=why):
        JsonReader().read(text, "x.json")


def test_what_is_json_within_limits_is_read_exactly() -> None:
    reader = JsonReader()

    assert reader.read(b"[" * 64 + b"]" * 64, "x") is not None
    assert reader.read(b'{"\\u0061": 18446744073709551616, "b": -0.0}', "x") == {
        "a": 2**64,
        "b": -0.0,
    }
    assert reader.read(json.dumps({str(i): i for i in range(70_000)}).encode(), "x")["69999"]


def test_many_repeated_keys_are_found_in_time() -> None:
    text = b"{" + b",".join(b'"%d":0' % i for i in range(200_000)) + b',"7":0}'
    started = time.monotonic()

    with pytest.raises(WorldFileError, match="'7' is there twice"):
        JsonReader().read(text, "x.json")

    assert time.monotonic() - started < 60  # a hang is hours


def test_large_files_and_lines_are_refused_before_they_are_read(tmp_path: Path) -> None:
    limits = Limits(file_bytes=500)
    write(tmp_path, {"w.json": b" " * 501, "i.ndjson": b" " * 400 + b"\n" + b"1" * 600 + b"\n"})
    with (tmp_path / "sparse.json").open("wb") as file:
        file.truncate(2**40)

    for name in ("w.json", "sparse.json"):
        with pytest.raises(ecs.WorldInitializationError, match="500 are allowed"):
            load(tmp_path / name, limits=limits)
    result = load(tmp_path / "i.ndjson", limits=limits)

    assert "more than 500 bytes" in lines(result)[-1]


# --- names ---------------------------------------------------------------------------

BAD_NAMES = [
    "../secret.json",
    "a/../../secret.json",
    "/etc/passwd",
    "..",
    "C:\\secret.json",
    "a\\..\\secret.json",
    "a\0b.json",
    "a\nb.json",
    "",
    " ",
    "x" * 2000,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_lead_out_are_refused_unread(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"secret.json": HEALTH})
    content = {"components": [name], "entities": {"definitions": [name], "instances": [name]}}
    root = write(tmp_path / "w", game({**CORE, "content": content}))

    result = load(root)

    assert len(lines(result)) == 3
    assert all("is no name of a file" in line for line in lines(result))
    assert result.total_processed == 0
    assert fault_of_name(name) is not None


@pytest.mark.parametrize("name", ["..", "../core", "a/b", "", ".", "x" * 200, "a:b", 3, None])
def test_ids_of_mods_that_are_no_names_of_folders_are_fatal(tmp_path: Path, name: Any) -> None:
    root = write(tmp_path, {"game.json": {"mods": [name]}})

    with pytest.raises(ecs.WorldInitializationError, match=r"\$\.mods\[0\]"):
        load(root)


def test_links_are_followed_within_the_folder_only(tmp_path: Path) -> None:
    write(tmp_path, {"outside.json": instance("eve")})
    names = ["ann.json", "inside.json", "outside.json", "loop.json", "folder"]
    content = {**CORE["content"], "entities": {**CORE["content"]["entities"], "instances": names}}
    root = write(tmp_path / "w", game({**CORE, "content": content}) | CORE_FILES)
    folder = root / "mods/core/entities/instances"
    (folder / "inside.json").symlink_to(folder / "ann.json")
    (folder / "outside.json").symlink_to(tmp_path / "outside.json")
    (folder / "loop.json").symlink_to(folder / "loop.json")
    (folder / "folder").mkdir()

    result = load(root)

    found = [line.removeprefix("mods/core/entities/instances/") for line in lines(result)]
    assert found[0] == "outside.json: $: is a link that leads out of the folder of the world"
    assert found[1].startswith("loop.json: $: cannot be read")
    assert found[2] == "folder: $: is no regular file"
    assert "the id is taken" in found[3]  # what inside.json leads to is there twice
    assert result.instantiated_count == 1


def test_pipes_devices_and_sockets_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    os.mkfifo(tmp_path / "pipe.ndjson")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.json"))
        for path in (tmp_path / "pipe.json", tmp_path / "pipe.ndjson", tmp_path / "s.json"):
            with pytest.raises(ecs.WorldInitializationError, match="no regular file"):
                load(path)
    for device in ("/dev/zero", "/dev/stdin", "/dev/null"):
        with pytest.raises((ecs.WorldInitializationError, ecs.InvalidArgumentError)):
            load(device)


def test_a_folder_reads_only_what_is_below_it(tmp_path: Path) -> None:
    write(tmp_path, {"a/b.json": 3})

    assert Folder(tmp_path).read("a/b.json") == b"3"
    for name in BAD_NAMES:
        with pytest.raises(WorldFileError):
            Folder(tmp_path / "a").read(name)
    with pytest.raises(WorldFileError, match="is no regular file"):
        Folder(tmp_path / "a").read(".")


# --- tables --------------------------------------------------------------------------


def test_tables_with_more_than_is_allowed_are_refused(tmp_path: Path) -> None:
    world = ecs.World.from_files(HARBOUR_TOWN)
    for suffix in ("parquet", "arrow"):
        world.to_files(tmp_path / suffix, format=suffix)  # type: ignore[arg-type]
        for limits in (Limits(rows=20), Limits(table_bytes=100)):
            result = load(tmp_path / suffix, limits=limits)
            assert result.total_processed == 0
            assert "are allowed" in lines(result)[0]


def test_columns_that_no_instance_has_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    services = create_default_services_with_config()
    services.components.register(HEALTH)
    services.definitions.register(ACTOR)
    good = {"instance_id": ["a"], "definition_id": ["core:actor"]}
    tables = [
        {**good, "nonsense": [1]},
        {**good, "core:health.points": pa.array([b"x"])},
        {**good, "core:health.points": pa.array([1], pa.timestamp("s"))},
        {**good, "instance_id": [3]},
        {**good, "core:health": ["{"]},
    ]

    for i, columns in enumerate(tables):
        pq.write_table(pa.table(columns), tmp_path / f"{i}.parquet")
        result = load(tmp_path / f"{i}.parquet", services)
        assert len(lines(result)) == 1
        assert len(services.world) == 0
    pq.write_table(pa.table({"definition_id": ["core:actor"]}), tmp_path / "x.parquet")
    assert "the id ''" in lines(load(tmp_path / "x.parquet", services))[0]


# --- what random changes have found --------------------------------------------------


def test_a_definition_that_puts_into_no_living_entity_fails_who_is_made_of_it(
    tmp_path: Path,
) -> None:
    lost = {"id": "core:lost", "components": {"core:position": {"locationId": 100}}}
    data = world_of(
        instance("ann", "core:lost"),
        instance("ben", "core:lost", position={"locationId": "inn"}),
        instance("cleo"),
    )
    data["entities"]["definitions"].append(lost)
    root = write(tmp_path, {"w.json": data})

    result = load(root / "w.json")

    assert result.instantiated_count == 2
    (line,) = lines(result)
    assert "'core:lost'" in line
    assert line.endswith("$.locationId: this entity, where 'core:lost' puts it, is dead")


@pytest.mark.parametrize(
    ("entities", "locations", "key"),
    [
        ({"instances": [instance("ann")]}, [], "entities"),
        ({"instance_id": ["ann"], "nonsense": [1]}, [], "entities"),
        (3, [], "entities"),
        ("x", [], "entities"),
        ([], 3, "locations"),
        ([instance("ann")], {"x": [1]}, "locations"),
    ],
)
def test_entities_and_locations_that_are_no_lists_are_refused(
    tmp_path: Path, entities: Any, locations: Any, key: str
) -> None:
    data = {"components": [HEALTH], "entities": entities, "locations": locations}
    root = write(tmp_path, {"w.json": data})
    services = create_default_services_with_config()

    with pytest.raises(ecs.WorldInitializationError, match=rf"\$\.{key}: is no list"):
        load(root / "w.json", services)

    assert services.components.ids() == ["core:position"]


def test_what_is_said_of_a_long_value_is_short(tmp_path: Path) -> None:
    long = "x" * 100_000
    data = world_of(instance("ann", long), instance("ben", health={"points": long}))
    root = write(tmp_path, {"w.json": data | {long: 1}})

    result = load(root / "w.json")

    assert len(lines(result)) == 3
    assert max(map(len, lines(result))) < 1500


def test_a_type_that_is_nearly_one_that_is_known_is_asked_about(tmp_path: Path) -> None:
    data = world_of(instance("ann", helth={"points": 1}), instance("ben", xyz={}))
    root = write(tmp_path, {"w.json": data})

    asked, plain = lines(load(root / "w.json"))

    assert asked.endswith("no component type of this id is registered; did you mean 'core:health'?")
    assert plain.endswith("no component type of this id is registered")
