"""Instances that are written alike: the same world and the same faults as one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import ecs_columnar as ecs
from ecs_columnar.content import take
from ecs_columnar.digest import digests
from ecs_columnar.io import alike, blocks
from ecs_columnar.io.json_text import JsonReader
from ecs_columnar.io.limits import Limits
from ecs_columnar.services import Services, create_default_services_with_config
from ecs_columnar.services.world_files import contents_digest
from tests.world_files import ACTOR, CORE, CORE_FILES, HEALTH, game, lines, load, write

MANY = {
    "id": "core:many",
    "dataSchema": {
        "properties": {
            "whole": {"type": "integer", "minimum": -5},
            "part": {"type": "number"},
            "is_on": {"type": "boolean"},
            "text": {"type": "string", "maxLength": 5},
            "kind": {"enum": ["a", "b"]},
            "code": {"type": "string", "pattern": "^[ab]*$"},
        }
    },
}
LOOSE = {
    "id": "core:loose",
    "dataSchema": {"properties": {"deep": {"type": "object"}}, "maxProperties": 2},
}
TAG = {"id": "core:tag", "dataSchema": {"properties": {}, "additionalProperties": False}}
TYPES = [HEALTH, MANY, LOOSE, TAG]


class Kit(ecs.Component, id="core:kit"):
    weight: ecs.f4 = 0.0
    count: ecs.i4 = 0
    label: ecs.str_ = ""
    is_worn: ecs.bool_ = False


def services_of_types() -> Services:
    services = create_default_services_with_config()
    for declared in (*TYPES, Kit):
        services.components.register(declared)
    services.definitions.register(ACTOR)
    services.definitions.register({"id": "core:other", "components": {"core:tag": {}}})
    services.world.spawn(1, ids=["taken"], at="home")
    return services


def outcome(path: Path) -> Any:
    """Load a file, and return everything that this has led to."""
    services = services_of_types()
    try:
        result = load(path, services)
    except ecs.WorldInitializationError as error:
        return error.problems
    services.world.check()
    failures = [(f.item, type(f.error), str(f.error), f.index) for f in result.entities.failures]
    world = services.world
    told = [(e.id, e.definition_id, e.component_type_ids) for e in result.entities.successes]
    data = [
        {t: e.get_component_data(t) for t in ids}
        for e, (*_, ids) in zip(result.entities.successes, told, strict=True)
    ]
    order = digests(take(world._storage))
    for name in ("the tick", "the order of rows"):  # of blocks, which are others
        del order[name]
    return order, contents_digest(world), lines(result), repr(failures), told, repr(data)


def same_as_one_by_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Load a file both ways; return how many blocks of columns there were."""
    n_blocks = 0
    real = blocks.ColumnBlock

    def counted(*given: Any) -> Any:
        nonlocal n_blocks
        n_blocks += 1
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(alike, "LEAST_BYTES", 1)
        patch.setattr(alike, "LEAST_ROWS", 0)
        patch.setattr(blocks, "ColumnBlock", counted)
        found = outcome(path)
    with monkeypatch.context() as patch:
        patch.setattr(alike, "LEAST_BYTES", 2**60)
        expected = outcome(path)

    assert found == expected
    return n_blocks


def as_list(rows: list[str]) -> bytes:
    return ("[\n" + ",\n".join(rows) + "\n]\n").encode()


def as_lines(rows: list[str]) -> bytes:
    return "".join(row + "\n" for row in rows).encode()


def as_whole(rows: list[str]) -> bytes:
    instances = ",\n".join(rows)
    return f'{{"entities": {{"instances" : [\n{instances} ]}}, "components": []}}'.encode()


FORMATS: dict[str, Callable[[list[str]], bytes]] = {
    "json": as_list,
    "ndjson": as_lines,
    "whole.json": as_whole,
}

numbers = st.one_of(
    st.integers(-3, 9).map(str),
    st.sampled_from(
        [
            "-0",
            "-0.0",
            "1.0",
            "2.5",
            "1e3",
            "1E400",
            "9007199254740993",
            "18446744073709551616",
            "0.1234567890123456789",
            "123456789012345678",
            "1e-400",
        ]
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(json.dumps),
)
strings = st.one_of(
    st.text('ab \\"é\n', max_size=6).map(json.dumps),
    st.text("abé", max_size=3).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(['"a"', '"b"', '"\\ud800"', '"\\u0061"', '""']),
)
booleans = st.sampled_from(["true", "false"])
values = {
    "whole": numbers,
    "part": numbers,
    "is_on": booleans,
    "text": strings,
    "kind": strings,
    "code": strings,
    "points": numbers,
    "deep": strings,
    "weight": numbers,
    "count": numbers,
    "label": strings,
    "is_worn": booleans,
    "locationId": strings,
    "x": st.one_of(numbers, strings, booleans),
}
fields = {
    "core:many": ["whole", "part", "is_on", "text", "kind", "code", "x"],
    "core:health": ["points", "x"],
    "core:loose": ["deep", "x"],
    "core:kit": ["weight", "count", "label", "is_worn", "x"],
    "core:position": ["locationId"],
    "core:tag": [],
    "core:unknown": ["x"],
}


@st.composite
def shapes(draw: st.DrawFn) -> list[tuple[str, list[str]]]:
    types = draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=4))
    return [
        (
            t,
            draw(st.lists(st.sampled_from(fields[t]), unique=True, max_size=4))
            if fields[t]
            else [],
        )
        for t in types
    ]


@st.composite
def rows_alike(draw: st.DrawFn) -> list[str]:
    rows: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        shape = draw(shapes())
        definition = draw(
            st.sampled_from(["core:actor", "core:actor", "core:other", "core:none", " "])
        )
        colon, has_id = draw(st.sampled_from([":", ": "])), draw(st.integers(0, 8)) > 0
        for _ in range(draw(st.integers(1, 5))):
            parts = [
                f'"{t}"{colon}{{'
                + ",".join(
                    f'"{f}"{colon}{draw(values[f if draw(st.integers(0, 30)) else "x"])}'
                    for f in names
                )
                + "}"
                for t, names in shape
            ]
            name = draw(
                st.sampled_from([f"i{len(rows)}"] * 9 + ["taken", "i0", " ", "\\u0061", "é"])
            )
            head = f'"instanceId"{colon}"{name}",' if has_id else ""
            rows.append(
                f'{{{head}"definitionId"{colon}"{definition}"'
                + (f',"componentOverrides"{colon}{{{",".join(parts)}}}' if shape or has_id else "")
                + "}"
            )
    return rows


@settings(max_examples=100)
@given(rows=rows_alike(), suffix=st.sampled_from(sorted(FORMATS)))
def test_a_world_is_the_same_whichever_way_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], suffix: str
) -> None:
    path = tmp_path_factory.mktemp("w") / f"w.{suffix}"
    path.write_bytes(FORMATS[suffix](rows))

    with pytest.MonkeyPatch.context() as monkeypatch:
        same_as_one_by_one(path, monkeypatch)


def row(i: int, more: str = "") -> str:
    return (
        f'{{"instanceId":"i{i}","definitionId":"core:actor","componentOverrides":'
        f'{{"core:health":{{"points":{i}}},"core:many":{{"text":"\\n{i % 3}"{more}}}}}}}'
    )


@pytest.mark.parametrize("suffix", sorted(FORMATS))
@pytest.mark.parametrize(
    ("rows", "n_blocks"),
    [
        ([row(i) for i in range(50)], 1),
        ([row(i) for i in range(9)] + [row(i, ',"part":1.5') for i in range(9, 20)], 2),
        ([row(i, f',"part":{[1, 2.5, -0.0, 2**70][i % 4]}') for i in range(20)], 1),
        ([row(i, f',"whole":{10**19 * (i % 2)}') for i in range(9)], 1),
        ([row(i).replace(":", ": ").replace(",", " , ") for i in range(9)], 1),
        ([row(i, ',"kind":null') for i in range(9)], 0),
        ([row(i, ',"kind":{"a":1}') for i in range(9)], 0),
        ([row(i, ',"kind":[]') for i in range(9)], 0),
        ([row(i, ',"a.b":1') for i in range(9)], 0),
        ([row(i).replace("definitionId", "other") for i in range(9)], 0),
        ([row(1), row(2, ',"text":"a"'), row(3)], 0),
        ([row(1), "3", row(2)], 0),
    ],
)
def test_only_what_is_written_alike_becomes_columns(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    rows: list[str],
    n_blocks: int,
) -> None:
    path = tmp_path / f"w.{suffix}"
    path.write_bytes(FORMATS[suffix](rows))

    assert same_as_one_by_one(path, monkeypatch) == n_blocks


@pytest.mark.parametrize(
    ("name", "data", "n_blocks"),
    [
        ("w.json", f"[{row(1)},{row(2)},]", 0),
        ("w.json", f"[{row(1)}{row(2)}]", 0),
        ("w.json", f"[{row(1)},\n{row(2)} ,{row(3)}\t]\r\n", 2),
        ("w.json", f"[{row(1)},{row(2)}] x", 0),
        ("w.json", f"[{row(1)},{row(2)}", 0),
        ("w.json", "[]", 0),
        ("w.json", row(1), 0),
        ("w.json", f'{{"entities": {{"instances": [{row(1)}], "instances": [{row(2)}]}}}}', 0),
        ("w.json", f'{{"entities": {{"instances": [{row(1)}]}}', 0),
        ("w.json", f'{{"entities": {{"instances": [{row(1)}] }} }}', 1),
        ("w.json", f'{{"entities": {{"instances": [{row(1)}]}}, "locations": []}}', 0),
        ("w.json", f'{{"instances": [{row(1)}]}}', 0),
        ("w.json", f'{{"worlds": [{{"instances": [{row(1)}]}}]}}', 0),
        ("w.json", f'{{"worlds": [{{"instances": [{row(1)}]}}], "entities": {{}}}}', 0),
        ("w.json", f'{{"entities": [{{"instances": [{row(1)}]}}]}}', 0),
        ("w.ndjson", f"{row(1)}\n{row(2)}", 2),
        ("w.ndjson", f"{row(1)}\r\n{row(2)}\r\n", 1),
        ("w.ndjson", f"{row(1)}\n\n{row(2)}\n", 0),
        ("w.ndjson", f"{row(1)}\n{row(2)}\n\n", 0),
        ("w.ndjson", f"{row(1)} {row(2)}\n", 0),
        ("w.ndjson", row(1).replace(",", ",\n", 1) + "\n", 0),
        ("w.ndjson", f"{row(1)}\n{row(2)}\x00\n", 0),
        ("w.ndjson", f"{row(1)}\n{row(2)[:-1]}\n", 0),
    ],
)
def test_what_stands_between_instances_is_as_strict_as_the_parser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: str, n_blocks: int
) -> None:
    (tmp_path / name).write_bytes(data.encode())

    assert same_as_one_by_one(tmp_path / name, monkeypatch) == n_blocks


@pytest.mark.parametrize("data", [b"\xff", b"\xed\xa0\x80", b"\x01", b"\xc0\xaf"])
def test_bytes_that_are_no_text_are_left_to_the_parser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    rows = [row(i) for i in range(4)]
    path = tmp_path / "w.ndjson"
    path.write_bytes(as_lines(rows).replace(b'"i2"', b'"i' + data + b'"'))

    assert same_as_one_by_one(path, monkeypatch) == 0


def test_only_members_of_a_world_are_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [{"instanceId": f"i{i}"} for i in range(0, 400, 3)]
    files = game(
        {
            **CORE,
            "content": {
                **CORE["content"],
                "entities": {"definitions": ["actor.json"], "instances": ["all.json"]},
                "worlds": ["w.world.json"],
            },
        },
        start="core:w",
    )
    files |= CORE_FILES | {
        "mods/core/entities/instances/all.json": as_list([row(i) for i in range(400)]),
        "mods/core/worlds/w.world.json": {"id": "core:w", "instances": members},
    }
    root = write(tmp_path, files)

    n_blocks = same_as_one_by_one(root, monkeypatch)

    assert n_blocks > 0
    assert outcome(root)[4][1] == ("i3", "core:actor", ("core:health", "core:many"))


def test_ids_that_are_huge_numbers_are_in_no_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [json.loads(row(i)) | {"instanceId": 10**30 + i} for i in range(4)]
    whole = {
        "components": [HEALTH, MANY],
        "entities": {"definitions": [ACTOR], "instances": rows},
        "worlds": [{"id": "core:w", "instances": [{"instanceId": "i3"}]}],
        "startWorld": "core:w",
    }
    path = write(tmp_path, {"w.json": whole}) / "w.json"
    monkeypatch.setattr(alike, "LEAST_BYTES", 0)
    monkeypatch.setattr(alike, "LEAST_ROWS", 0)

    with pytest.raises(ecs.WorldInitializationError, match="'i3'"):
        load(path)


def test_types_whose_names_run_together_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [{"id": "core:many.text", "dataSchema": {}}]
    monkeypatch.setattr("tests.test_world_files_alike.TYPES", [*TYPES, *both])
    path = tmp_path / "w.ndjson"
    path.write_bytes(as_lines([row(i) for i in range(9)]))

    assert same_as_one_by_one(path, monkeypatch) == 1


def test_runs_that_are_short_are_left_to_the_parser() -> None:
    rows = [row(i, ',"part":1' if i % 2 else "") for i in range(100)]

    assert alike.read_lines_alike(as_lines(rows), JsonReader()) is None
    assert len(alike.read_lines_alike(as_lines(rows[::2]), JsonReader()) or ()) == 1
    assert alike.read_lines_alike(as_lines(rows[::2]), JsonReader(Limits(depth=4))) is None
    assert alike.read_lines_alike(as_lines(rows[:2]), JsonReader()) is None
