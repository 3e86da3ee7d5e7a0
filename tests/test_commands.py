"""World files on the command line."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest

import ecs_columnar as ecs
from ecs_columnar import cli
from ecs_columnar.services.world_files import contents_digest
from tests.world_files import HARBOUR_TOWN, instance, world_of, write

TOWN = str(HARBOUR_TOWN)


def test_inspect_says_what_is_in_a_world(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", TOWN]) == 0

    text = capsys.readouterr().out
    for part in (
        "world town:morning, mods: core, town",
        "27 of 27 instances loaded",
        "6 component types, 4 definitions",
        "11 rows, ",
        "24 placed in 12 places; most in town:quay (5)",
    ):
        assert part in text


def test_inspect_says_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", TOWN, "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["instances"] == {"loaded": 27, "failed": 0}
    assert sum(table["rows"] for table in found["content"]["tables"]) == 27
    assert found["problems"] == []
    assert set(found["milliseconds"]) == {"read", "register", "read instances", "create instances"}


def test_load_names_what_failed_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [instance(f"e{i}", "core:gone") for i in range(30)]
    write(tmp_path, {"w.json": world_of(instance("ann"), *bad)})

    assert cli.main(["load", str(tmp_path / "w.json")]) == 1

    text = capsys.readouterr().out
    assert "1 of 31 instances loaded" in text
    assert "w.json: $.entities.instances[1]: cannot create from 'core:gone'" in text
    assert "and 10 more; --json prints all" in text


def test_what_is_no_world_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["load", str(tmp_path)]) == 2
    assert "game.json: $: is not there" in capsys.readouterr().err
    for command in ("load", "inspect"):
        assert cli.main([command, str(tmp_path / "gone")]) == 2
        assert "no file and no folder" in capsys.readouterr().err
    assert cli.main(["inspect", str(tmp_path)]) == 2


def test_load_saves_a_checkpoint_that_inspect_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "saved")
    town = ecs.World.from_files(TOWN)  # has the component classes, and keeps them

    assert cli.main(["load", TOWN, "--save", out]) == 0
    assert cli.main(["inspect", out]) == 0
    gc.collect()

    assert "27 entities in 5 tables" in capsys.readouterr().out
    assert len(ecs.World.load(out)) == len(town) == 27


@pytest.mark.parametrize("form", ["json", "ndjson", "parquet", "arrow"])
def test_convert_writes_an_equal_world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    out = tmp_path / "w"

    assert cli.main(["convert", TOWN, str(out), "--format", form]) == 0
    assert cli.main(["convert", TOWN, str(out), "--format", form]) == 2

    assert "there already" in capsys.readouterr().err
    one, other = (ecs.World.from_files(path) for path in (TOWN, out))
    assert contents_digest(one) == contents_digest(other)


def test_convert_tells_programs_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "w"

    assert cli.main(["convert", TOWN, str(out), "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["written"] == str(out)
    assert found["instances"] == {"loaded": len(ecs.World.from_files(out)), "failed": 0}
    assert found["problems"] == []


def test_generate_writes_the_same_world_for_the_same_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = []
    for name, n, seed in [("a", 500, 1), ("b", 500, 1), ("c", 500, 2), ("d", 1, 0)]:
        out = str(tmp_path / name)
        arguments = ["generate", "--instances", str(n), "--seed", str(seed), "--out", out]
        assert cli.main(arguments) == 0
        world = ecs.World.from_files(out)
        assert len(world) == n
        digests.append(contents_digest(world))

    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert "500 instances in " in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["generate", "--out", "x", "--instances", "0"], ["convert", "x"], ["load"]]
)
def test_wrong_arguments_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)

    assert caught.value.code == 2
