"""Some hundred broken files of each kind, in a process that may die of them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import broken_files
from tests.broken_files import FAMILIES, TooSlowError, WroteElsewhereError, findings, guarded

SIZES = {"json": 400, "ndjson": 400, "folder": 250, "parquet": 250, "arrow": 300, "checkpoint": 400}


@pytest.mark.parametrize("family", FAMILIES)
def test_broken_files_are_loaded_or_refused(family: str) -> None:
    assert findings(family, 0, SIZES[family]) == []


def test_an_example_is_a_function_of_its_number(tmp_path: Path) -> None:
    for family in FAMILIES:
        made = []
        for name in ("a", "b"):
            run = broken_files.family(family, tmp_path / f"{family}-{name}")
            path = getattr(run, "_path", None)
            broken_files.run_quietly(run, family, 7)
            made.append(path.read_bytes() if path else b"")
        assert made[0] == made[1]


def with_examples(monkeypatch: pytest.MonkeyPatch, example: Callable[[], None]) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(broken_files, "family", lambda *_: lambda rng: example())
    monkeypatch.setattr(broken_files, "SECONDS", 1)
    broken_files.run_examples("json", 0, 1, told.append)
    return [line for line in told if line.startswith("finding")]


def _write(path: Path) -> None:
    path.write_bytes(b"")


def test_what_takes_too_long_or_writes_elsewhere_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = with_examples(monkeypatch, lambda: time.sleep(5))
    names = iter("ab")  # the first example is only to import things

    astray = with_examples(monkeypatch, lambda: _write(tmp_path / next(names)))

    assert TooSlowError.__name__ in slow[0]
    assert WroteElsewhereError.__name__ in astray[0]
    assert not (tmp_path / "b").exists()


def test_only_writes_elsewhere_are_refused_and_only_in_the_block(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "read").write_bytes(b"x")

    with guarded(inside):
        (inside / "x").write_bytes(b"")
        (tmp_path / "read").read_bytes()
        for write in (
            lambda: (tmp_path / "x").write_bytes(b""),
            (tmp_path / "x").mkdir,
            (tmp_path / "read").unlink,
        ):
            with pytest.raises(WroteElsewhereError):
                write()
    (tmp_path / "x").write_bytes(b"")


def test_a_process_that_dies_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broken_files.sys, "executable", "/bin/false")

    (found,) = findings("json", 3, 5)

    assert "json: the process died in 3 with 1" in found


@pytest.mark.parametrize(("family", "n_magic"), [("parquet", 4), ("arrow", 6)])
def test_half_of_what_is_changed_in_tables_is_their_footer(family: str, n_magic: int) -> None:
    files = broken_files._parquet_files() if family == "parquet" else broken_files._arrow_files()
    n_only_footer = 0
    for i in range(100):
        whole = files[i % len(files)]

        made = broken_files.with_other_footer(whole, random.Random(i))

        n_footer = int.from_bytes(made[-n_magic - 4 : -n_magic], "little")
        body = made[: -n_magic - 4 - n_footer]
        n_only_footer += body == whole[: len(body)] and len(body) > 0 and made != whole
    assert 40 < n_only_footer < 80


def test_mutations_change_most_files_and_are_deterministic() -> None:
    data = b'{"id": "core:actor", "components": {"core:health": {"points": 100}}}'
    for change in (broken_files.with_other_bytes, broken_files.with_other_tokens):
        made = [change(data, random.Random(i)) for i in range(200)]

        assert made == [change(data, random.Random(i)) for i in range(200)]
        assert sum(each != data for each in made) > 150
