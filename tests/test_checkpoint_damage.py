"""Whatever happens to a disk, what loads is a world that was saved, or nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Timer
from typing import Any

import numpy as np
import pytest
import xxhash

import ecs_columnar as ecs
from ecs_columnar import cli
from ecs_columnar.checkpoint import manifest as manifests
from ecs_columnar.checkpoint import threads
from ecs_columnar.checkpoint.disk import FileRecord
from ecs_columnar.checkpoint.npy import header
from tests.checkpoints import (
    Disk,
    a_small_world,
    fail_each_call,
    fails,
    files_of,
    is_short,
    is_short_then_fails,
    load,
    on_disk,
    power_losses,
)
from tests.kills import kill_while_saving


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    a_small_world().save(tmp_path / "world", durable=False)
    return tmp_path / "world"


# -- bits, bytes and files ------------------------------------------------------------


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("is_mapped", [False, True])
def test_every_flipped_bit_is_found(saved: Path, is_mapped: bool) -> None:
    files, n_missed = files_of(saved), 0

    for path in files:
        data = path.read_bytes()
        step = 157  # the stress test flips all
        for bit in range(len(data) % step, 8 * len(data), step):
            path.write_bytes(flip(data, bit))
            n_missed += loads(saved, mmap=is_mapped)
        path.write_bytes(data)

    assert len(files) > 15
    assert n_missed == 0
    assert loads(saved)


def loads(path: Path, **options: Any) -> bool:
    try:
        load(path, **options)
    except ecs.CheckpointError:
        return False
    return True


def test_truncated_longer_and_missing_files_are_found(saved: Path) -> None:
    for path in files_of(saved):
        data = path.read_bytes()
        for changed in (b"", data[:1], data[:-1], data + b"\0"):
            path.write_bytes(changed)
            assert not loads(saved), path
        path.unlink()
        assert not loads(saved), path
        path.write_bytes(data)
    assert loads(saved)


def test_links_folders_and_pipes_are_no_files(saved: Path, tmp_path: Path) -> None:
    for path in files_of(saved):
        elsewhere = tmp_path / "elsewhere"
        shutil.copy(path, elsewhere)
        data = path.read_bytes()
        for make in (partial(os.symlink, elsewhere), Path.mkdir, os.mkfifo):
            path.unlink()
            make(path)
            assert not loads(saved), path
            path.rmdir() if path.is_dir() else path.unlink()
            path.write_bytes(data)
    (saved / "000000000001").rename(tmp_path / "real")
    (saved / "000000000001").symlink_to(tmp_path / "real")
    with pytest.raises(ecs.CheckpointError, match="it is a link"):
        load(saved)


def test_a_damaged_generation_is_never_passed_over_in_silence(saved: Path) -> None:
    first = load(saved).digest()
    a_small_world(1).save(saved)
    (saved / "000000000002" / "manifest.json").write_bytes(b"")

    with pytest.raises(ecs.CheckpointError, match="an older generation may still be good"):
        load(saved)

    assert load(saved, generation=1).digest() == first


# -- files that somebody made, checksums and all --------------------------------------


def forge(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of a generation, and give it the right checksum."""
    file = path / "000000000001" / manifests.NAME
    manifest = json.loads(file.read_bytes())["manifest"]
    change(manifest)
    data = json.dumps(manifest, separators=(",", ":")).encode()
    digest = xxhash.xxh3_128(data).hexdigest().encode()
    file.write_bytes(b'{"xxh3_128":"' + digest + b'","manifest":' + data + b"}\n")


def forge_file(path: Path, name: str, data: bytes) -> None:
    """Put other bytes into a file, with the right size and checksum in the manifest."""
    (path / "000000000001" / name).write_bytes(data)
    record = FileRecord(len(data), xxhash.xxh3_128(data).hexdigest())
    forge(path, lambda manifest: manifest["files"].update({name: list(record)}))


def forge_array(path: Path, name: str, change: Callable[[np.ndarray], Any]) -> None:
    array = np.load(path / "000000000001" / name)
    change(array)
    forge_file(path, name, header(array.dtype, array.shape) + array.tobytes())


def test_a_manifest_that_is_forged_in_form_loads(saved: Path) -> None:
    forge(saved, lambda manifest: manifest.update(tick=99))

    assert load(saved).tick == 99


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another version": lambda m: m.update(version=2),
    "no version": lambda m: m.pop("version"),
    "a boolean version": lambda m: m.update(version=True),
    "no tick": lambda m: m.pop("tick"),
    "a negative tick": lambda m: m.update(tick=-1),
    "a tick that is no integer": lambda m: m.update(tick=1.0),
    "more indices": lambda m: m["counts"].update(used=m["counts"]["used"] + 1),
    "fewer indices": lambda m: m["counts"].update(used=2),
    "too many indices": lambda m: m["counts"].update(used=2**31),
    "a huge count": lambda m: m["counts"].update(placed=2**31 - 1),
    "no free": lambda m: m["counts"].update(free=0),
    "no names": lambda m: m["counts"].update(named=0),
    "a path": lambda m: m["files"].update({"../../etc/passwd": [1, "0" * 32]}),
    "an absolute path": lambda m: m["files"].update({"/etc/passwd": [1, "0" * 32]}),
    "an unknown file": lambda m: m["files"].update({"x.npy": [1, "0" * 32]}),
    "no files": lambda m: m["files"].clear(),
    "a file of another form": lambda m: m["files"].update({"handles.npy": 1}),
    "an unknown component": lambda m: m["tables"][0][0].append(99),
    "a component twice": lambda m: m["tables"][0][0].append(m["tables"][0][0][0]),
    "two tables of a set": lambda m: m["tables"].append([m["tables"][0][0], 0]),
    "more rows": lambda m: m["tables"].append([[], 1]),
    "a sparse component in a table": lambda m: m["tables"].append([m["sparse"][0][0], 0]),
    "a table component outside": lambda m: m["sparse"].append([[0], 0]),
    "two sparse components": lambda m: m["sparse"][0][0].append(0),
    "a sparse component twice": lambda m: m["sparse"].append([m["sparse"][0][0], 0]),
    "a definition twice": lambda m: m["definitions"].extend(m["definitions"][:1]),
    "a definition of other fields": lambda m: m["definitions"][0]["components"][0][1].clear(),
    "an unknown generator": lambda m: m["generators"][0][1].update(bit_generator="Pickle"),
    "a generator without state": lambda m: m["generators"][0].pop(),
    "a generator of no state": lambda m: m["generators"][0].__setitem__(1, {}),
    "tables that are no list": lambda m: m.update(tables={}),
    "a component without fields": lambda m: m["components"][0].pop("fields"),
    "a dtype of objects": lambda m: m["components"][0]["fields"][0].update(dtype="|O"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_manifest_that_no_world_has_is_refused(saved: Path, name: str) -> None:
    forge(saved, FORGERIES[name])

    assert not loads(saved)
    assert cli.main(["check", str(saved)]) == 1


def put(row: int, value: int) -> Callable[[np.ndarray], None]:
    return lambda array: array.__setitem__(row, value)


ARRAYS: dict[str, tuple[str, Callable[[np.ndarray], Any]]] = {
    "a handle twice": ("handles.npy", lambda a: put(1, a[0])(a)),
    "a handle of generation 0": ("handles.npy", put(0, 0)),
    "a negative handle": ("handles.npy", put(0, -1)),
    "a handle out of bounds": ("handles.npy", put(0, 1 << 32 | 10**6)),
    "a free handle of the living": ("free.npy", put(0, 1 << 32)),
    "a free handle out of bounds": ("free.npy", put(0, 2 << 32 | 10**6)),
    "a free handle of no generation": ("free.npy", put(0, 3)),
    "a negative free handle": ("free.npy", put(0, -1)),
    "an id out of bounds": ("ids.npy", put(0, 10**6)),
    "an id twice": ("ids.npy", put(0, 1)),
    "an id below": ("ids.npy", put(0, -2)),
    "an id of the dead": ("ids.npy", lambda a: put(3, a[4])(a) or put(4, -1)(a)),
    "a place out of bounds": ("place-symbols.npy", put(0, 10**6)),
    "a place twice": ("place-symbols.npy", put(0, 5)),
    "a place of another entity": ("place-entities.npy", put(0, 1 << 32 | 1)),
    "a member of the dead": ("members.npy", put(0, 1 << 32 | 3)),
    "a member twice": ("members.npy", lambda a: put(1, a[0])(a)),
    "a negative count": ("place-counts.npy", lambda a: put(0, -1)(a) or put(1, a[1] + 3)(a)),
    "a wrong count": ("place-counts.npy", put(0, 10**6)),
    "strings out of bounds": ("symbols-ends.npy", put(0, 10**9)),
    "a string that ends before it starts": ("symbols-ends.npy", put(1, 0)),
    "strings that are no UTF-8": ("symbols-bytes.npy", put(0, 0xFF)),
    "a string twice": ("symbols-bytes.npy", lambda a: put(-1, a[-2])(a)),
    "holders that are dead": ("component-5-handles.npy", put(0, 1 << 32 | 3)),
    "a holder twice": ("component-5-handles.npy", lambda a: put(1, a[0])(a)),
    "a code out of bounds": ("component-1-field-0.npy", put(0, 10**6)),
    "a negative code": ("component-1-field-0.npy", put(0, -1)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_no_world_has_are_refused(saved: Path, name: str) -> None:
    file, change = ARRAYS[name]
    forge_array(saved, file, change)

    assert not loads(saved)


def test_booleans_that_are_none_and_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    Odd = ecs.make_component("Odd", {"flag": ecs.bool_})
    world = ecs.World()
    world.spawn(2, Odd(True))
    world.save(tmp_path)
    forge_array(tmp_path, "component-0-field-0.npy", lambda a: a.view("u1").fill(2))

    with pytest.raises(ecs.CheckpointError, match=r"Odd\.flag is not boolean"):
        ecs.World.load(tmp_path, components=[Odd])


@pytest.mark.parametrize(
    "array",
    [
        np.array([{}] * 5, object), np.zeros(5, "f8"), np.zeros(5, ">f4"), np.zeros((5, 1), "f4"),
        np.zeros(10, "f2"), np.zeros(4, "f4"),
    ],
    ids=lambda array: f"{array.dtype.str}-{array.shape}",
)  # fmt: skip
def test_a_file_of_another_array_is_refused_and_no_pickle_is_loaded(
    saved: Path, tmp_path: Path, array: np.ndarray
) -> None:
    np.save(tmp_path / "other.npy", array, allow_pickle=True)

    forge_file(saved, "component-0-field-0.npy", (tmp_path / "other.npy").read_bytes())

    assert not loads(saved)


def test_objects_of_other_rows_and_of_no_json_are_refused(saved: Path) -> None:
    for data in (b"[]", b"{}", b"[1,2", b'[{"$pickle":""},1]', b"[NaN,1]", b""):
        forge_file(saved, "component-3-field-0.json", data)
        assert not loads(saved), data


def test_a_manifest_beyond_the_limit_is_not_read(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "MAX_BYTES", 100)

    with pytest.raises(ecs.CheckpointError, match="100 are the limit"):
        load(saved)
    with pytest.raises(ecs.CheckpointError, match="100 are the limit"):
        a_small_world().save(saved)


# -- a disk that fails ----------------------------------------------------------------


@pytest.mark.parametrize("fault", [fails, is_short_then_fails], ids=lambda f: f.__name__)
@pytest.mark.parametrize("durable", [True, False])
def test_whichever_call_fails_the_last_checkpoint_loads_and_the_caller_is_told(
    tmp_path: Path, durable: bool, fault: Any
) -> None:
    n_told, n_runs = fail_each_call(tmp_path, fault, durable=durable, stride=7)

    assert n_runs > 8
    assert n_told == n_runs


def test_short_writes_are_gone_on_with(tmp_path: Path) -> None:
    class Short(Disk):
        def done(self, name: str, true: Any, *arguments: Any) -> Any:
            return is_short(name, true, *arguments)

    with on_disk(Short()):
        a_small_world().save(tmp_path)

    assert load(tmp_path).digest() == a_small_world().digest()


# -- a process that is killed, a machine that loses power -----------------------------


def test_a_process_that_is_killed_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    n_saving = kill_while_saving(tmp_path / "world", 40)

    assert n_saving > 20
    a_small_world().save(tmp_path / "world")


def test_a_loss_of_power_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    n_bad, n_states = power_losses(tmp_path, 1, stride=5)

    assert n_states > 60
    assert n_bad == 0


@pytest.mark.parametrize("skipped", ["file", "manifest", "new folder", "folder above"])
def test_a_save_that_forgets_to_sync_is_caught_by_a_loss_of_power(
    tmp_path: Path, skipped: str
) -> None:
    # Of the first save: one sync for the folder that was made, then those of the files.
    a_small_world().save(tmp_path / "count", durable=False)
    n_files = len(files_of(tmp_path / "count"))
    numbers = {"file": 1, "manifest": n_files, "new folder": n_files + 1}

    skipped_sync = numbers.get(skipped, n_files + 2)
    n_bad, _ = power_losses(tmp_path / "lost", 20, skipped_sync, stride=9, until_bad=True)

    assert n_bad == 1


# -- the command line -----------------------------------------------------------------


def test_inspect_shows_what_is_in_a_checkpoint(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["inspect", str(saved)]) == 0
    text = capsys.readouterr().out
    assert cli.main(["inspect", str(saved), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)

    assert "6 entities in 2 tables, 6 of them in 3 places" in text
    assert "4 x (Label, Position)" in text
    assert "2 x Burning, sparse" in text
    assert (found["entities"], found["generation"], found["places"]) == (6, 1, 3)
    assert found["definitions"] == ["core:actor"]
    assert {c["id"] for c in found["components"]} >= {"core:health", "Note"}
    assert cli.main(["inspect", str(saved), "--generation", "7"]) == 2
    assert "generation 7" in capsys.readouterr().err


def test_check_needs_no_classes_and_tells_good_from_damaged(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", str(saved)]) == 0
    assert "generation 1 is good: 6 entities" in capsys.readouterr().out
    assert cli.main(["check", str(saved), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True

    path = files_of(saved)[0]
    path.write_bytes(flip(path.read_bytes(), 999))

    assert cli.main(["check", str(saved)]) == 1
    assert path.name in capsys.readouterr().err
    assert cli.main(["check", str(saved), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["path"]) == (False, str(path))


def test_what_is_damaged_is_found_while_columns_are_read_in_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "SMALL", 0)
    monkeypatch.setattr(threads, "N_THREADS", 3)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 4)
    world = a_small_world()
    world.save(tmp_path)
    assert load(tmp_path).digest() == world.digest()

    for path in files_of(tmp_path):
        data = path.read_bytes()
        path.write_bytes(flip(data, 8 * len(data) // 2))

        assert not loads(tmp_path)
        path.write_bytes(data)


def test_calls_that_have_not_begun_are_dropped_when_the_block_raises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "N_THREADS", 2)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 2)
    has_failed, called = Event(), list[int]()

    def call(i: int) -> None:
        has_failed.wait(10)
        called.append(i)

    def fail() -> None:
        with threads.begun(call, range(50), nbytes=threads.SMALL):
            Timer(0.05, has_failed.set).start()
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert len(called) < 50
