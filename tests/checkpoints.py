"""Worlds to save, ways to break what was saved, and a disk that fails or loses power."""

from __future__ import annotations

import errno
import os
import random
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

import ecs_columnar as ecs
from ecs_columnar.checkpoint import disk, generations, lock
from tests.strategies import COMPONENTS, Bag, Burning, Health, Label, Note, Position


def a_small_world(seed: int = 0) -> ecs.World:
    """Make a world that has something in every file, and little of it."""
    world = ecs.World()
    world.define("core:actor", Health(7), Label("actor"))
    world.generators["weather"] = np.random.default_rng(seed)
    crew = world.spawn(
        5,
        Position(np.arange(5) + seed),
        Label(list("abcab")),
        ids=list("pqrst"),
        at=["harbour", "inn", "harbour", None, "inn"],
    )
    world.spawn(2, Health(3), Bag([{"gold": seed}, None]), at=crew[0])
    world.add(crew[:2], Burning(2.0), Note("smoke", ("x", seed)))
    world.despawn(crew[3:4])
    return world


def load(path: Path, **options: Any) -> ecs.World:
    return ecs.World.load(path, components=COMPONENTS, **options)


def files_of(path: Path, generation: int = 1) -> list[Path]:
    return sorted((path / f"{generation:012d}").iterdir())


# -- a disk that fails ----------------------------------------------------------------

CALLS = (
    "open",
    "write",
    "fsync",
    "rename",
    "mkdir",
    "unlink",
    "rmdir",
    "close",
    "listdir",
    "ftruncate",
)


class Disk:
    """Stands for `os`: counts the calls that matter, and lets one of them fail.

    ``fault`` is called instead of the call of number ``at``, with the true function.
    """

    def __init__(self, at: int = -1, fault: Callable[..., Any] | None = None) -> None:
        self.n_calls = 0
        self.at, self.fault = at, fault

    def __getattr__(self, name: str) -> Any:
        true = getattr(os, name)
        if name not in CALLS:
            return true

        def call(*arguments: Any) -> Any:
            self.n_calls += 1
            if self.n_calls - 1 == self.at and self.fault is not None:
                return self.fault(name, true, *arguments)
            return self.done(name, true, *arguments)

        return call

    def done(self, name: str, true: Callable[..., Any], *arguments: Any) -> Any:
        return true(*arguments)


@contextmanager
def on_disk(replacement: Any) -> Iterator[None]:
    """Have checkpoints call something instead of `os`."""
    modules = (disk, generations, lock)
    try:
        for module in modules:
            module.os = replacement  # type: ignore[attr-defined]
        yield
    finally:
        for module in modules:
            module.os = os  # type: ignore[attr-defined]


def fails(name: str, true: Callable[..., Any], *arguments: Any) -> Any:
    """Do nothing, and say that the disk is full; but let go of what is closed."""
    if name == "close":
        true(*arguments)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def is_short(name: str, true: Callable[..., Any], *arguments: Any) -> Any:
    """Write a part of it, as a call may."""
    if name == "write":
        file, data = arguments
        return true(file, data[: max(1, len(data) // 2)])
    return true(*arguments)


def is_short_then_fails(name: str, true: Callable[..., Any], *arguments: Any) -> Any:
    """Write a part of it, and say that the disk is full."""
    found = is_short(name, true, *arguments)
    if name == "open":
        os.close(found)
    elif name == "close":
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fail_each_call(folder: Path, fault: Any, *, durable: bool, stride: int) -> tuple[int, int]:
    """Save on a disk on which one call fails, for every such call, or every ``stride``-th.

    Returns
    -------
    n_told, n_runs : int
        How often the caller was told, and there was something to tell. Each time the world that
        was saved before, or the new one, loads, and another one can be saved.
    """
    path, digests = folder / "world", [a_small_world(seed).digest() for seed in range(2)]
    n_told = n_runs = at = 0
    while True:
        shutil.rmtree(path, ignore_errors=True)
        a_small_world(0).save(path, durable=False)
        disk_that_fails = Disk(at, fault)
        with on_disk(disk_that_fails):
            is_told = _is_told(a_small_world(1), path, durable=durable)
        if disk_that_fails.n_calls <= at:
            return n_told, n_runs
        n_told, n_runs, at = n_told + is_told, n_runs + 1, at + stride
        assert load(path).digest() in digests
        a_small_world(1).save(path, durable=False)
        assert load(path).digest() == digests[1]


def _is_told(world: ecs.World, path: Path, *, durable: bool) -> bool:
    """Save; return whether an error or a warning said that something went wrong."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        try:
            world.save(path, durable=durable)
        except ecs.CheckpointError:
            return True
    return any("could not be removed" in str(each.message) for each in caught)


# -- a disk that loses power ----------------------------------------------------------

SECTOR = 64
"""Bytes that are written as a whole; those of disks are larger, so that they lose less."""


class Recorder(Disk):
    """Keeps what was done to a disk, in order.

    Operations are ``("write", key, (start, bytes))``, ``("cut", key, size)``, ``("sync", key)``,
    and ``("name", key, change)`` of a folder, where a change is ``("file", name, key)``,
    ``("folder", name, key)``, ``("rename", old, new)`` or ``("gone", name)``. ``key`` names what
    was created, whatever it is called later. ``skipped`` is the number of a sync that is left
    out; ``interrupts`` the name of a call after which there is an interrupt, once.
    """

    def __init__(self, skipped: int = -1) -> None:
        super().__init__()
        self.trace: list[tuple[Any, ...]] = []
        self.keys: dict[Path, int] = {}
        self.open_files: dict[int, int] = {}
        self.sizes: dict[int, int] = {}
        self.n_syncs = 0
        self.skipped, self.skipped_at = skipped, 0
        self.interrupts = ""
        self.interrupted: list[int] = []

    def key_of(self, path: Path) -> int:
        return self.keys.setdefault(path, len(self.trace) + 1_000_000 * (len(self.keys) + 1))

    def done(self, name: str, true: Callable[..., Any], *arguments: Any) -> Any:
        found = true(*arguments)
        getattr(self, f"_{name}", lambda *_: None)(found, *arguments)
        if name == self.interrupts:
            self.interrupts = ""
            self.interrupted += [self.n_syncs - 1] if name == "fsync" else []
            raise KeyboardInterrupt
        return found

    def _open(self, file: int, path: Path, flags: int, mode: int = 0) -> None:
        path = Path(path)
        if flags & os.O_EXCL:
            self.keys.pop(path, None)
            self._names(path.parent, "file", path.name, self.key_of(path))
        self.open_files[file] = self.key_of(path)

    def _write(self, n: int, file: int, data: Any) -> None:
        key = self.open_files[file]
        start = self.sizes.get(key, 0)
        self.sizes[key] = start + n
        self.trace.append(("write", key, (start, bytes(data[:n]))))

    def _ftruncate(self, _: None, file: int, size: int) -> None:
        key = self.open_files[file]
        self.sizes[key] = size
        self.trace.append(("cut", key, size))

    def _fsync(self, _: None, file: int) -> None:
        self.n_syncs += 1
        if self.n_syncs - 1 != self.skipped:
            self.trace.append(("sync", self.open_files[file]))
        else:
            self.skipped_at = len(self.trace)

    def _mkdir(self, _: None, path: Path) -> None:
        self.keys.pop(Path(path), None)
        self._names(path.parent, "folder", path.name, self.key_of(path))

    def _rename(self, _: None, old: Path, new: Path) -> None:
        for path in [p for p in self.keys if p == old or old in p.parents]:
            self.keys[new / path.relative_to(old)] = self.keys.pop(path)
        self._names(old.parent, "rename", old.name, new.name)

    def _unlink(self, _: None, path: Path) -> None:
        self._names(path.parent, "gone", path.name)

    _rmdir = _unlink

    def _names(self, folder: Path, *change: Any) -> None:
        self.trace.append(("name", self.key_of(folder), change))


def after_power_loss(
    trace: list[tuple[Any, ...]], root: int, target: Path, rng: random.Random
) -> None:
    """Make a folder that a trace, cut off here, may have left on disk.

    What was not synced may have happened or not, each for itself: changes of names in folders,
    and of files that they were cut, that they grew, and what was written, sector by sector. What
    was synced has happened.
    """
    contents: dict[int, bytearray] = {}
    names: dict[int, dict[str, tuple[str, int]]] = {}
    pending: dict[int, list[tuple[Any, ...]]] = {}
    for kind, key, *what in trace:
        if kind == "sync":
            for change in pending.pop(key, []):
                _apply(change, contents, names)
        else:
            pending.setdefault(key, []).append((kind, key, *what))
    for changes in pending.values():
        share = rng.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for change in chain.from_iterable(map(_pieces, changes)):
            if rng.random() < share:
                _apply(change, contents, names)
    shutil.rmtree(target, ignore_errors=True)
    _materialise(root, target, contents, names)


def _pieces(change: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the parts of a change that may be lost without the others."""
    kind, key, what = change
    if kind != "write":
        yield change
        return
    start, data = what
    yield "write", key, (start + len(data), b"")
    bounds = [0, *range(SECTOR - start % SECTOR, len(data), SECTOR), len(data)]
    for at, end in pairwise(bounds):
        yield "write", key, (start + at, data[at:end])


def _apply(
    change: tuple[Any, ...],
    contents: dict[int, bytearray],
    names: dict[int, dict[str, tuple[str, int]]],
) -> None:
    kind, key, what = change
    if kind == "name":
        _rename(what, names.setdefault(key, {}))
        return
    content = contents.setdefault(key, bytearray())
    if kind == "cut":
        del content[what:]
        return
    start, data = what
    # What was not written yet is read as zeros.
    content.extend(bytes(max(0, start + len(data) - len(content))))
    content[start : start + len(data)] = data


def _rename(what: tuple[Any, ...], found: dict[str, tuple[str, int]]) -> None:
    if what[0] in ("file", "folder"):
        found[what[1]] = what[0], what[2]
    elif what[0] == "rename" and what[1] in found:
        found[what[2]] = found.pop(what[1])
    elif what[0] == "gone":
        found.pop(what[1], None)


def _materialise(
    key: int,
    target: Path,
    contents: dict[int, bytearray],
    names: dict[int, dict[str, tuple[str, int]]],
) -> None:
    target.mkdir()
    for name, (kind, inner) in names.get(key, {}).items():
        if kind == "folder":
            _materialise(inner, target / name, contents, names)
        else:
            (target / name).write_bytes(contents.get(inner, b""))


def power_losses(
    folder: Path, n_states: int, skipped: int = -1, *, stride: int = 1, until_bad: bool = False
) -> tuple[int, int]:
    """Save four times, lose power at points of it, and count what loads wrongly.

    Returns
    -------
    n_bad, n_tried : int
        States in which not the last acknowledged world, or the one being saved, loads.
    """
    folder.mkdir(exist_ok=True)
    path, target, rng = folder / "world", folder / "after", random.Random(skipped)
    recorder, digests, cuts = Recorder(skipped), [], []
    root = recorder.key_of(folder)
    with on_disk(recorder):
        for seed in range(4):
            world, start = a_small_world(seed), len(recorder.trace)
            digests.append(world.digest())
            world.save(path)
            cuts += [(n, seed - 1) for n in range(start, len(recorder.trace), stride)]
            cuts += [(len(recorder.trace), seed)]
    n_bad = n_tried = 0
    for n, acknowledged in cuts:
        for _ in range(n_states):
            after_power_loss(recorder.trace[:n], root, target, rng)
            n_tried += 1
            n_bad += not _is_good(target / path.name, digests, acknowledged)
            if n_bad and until_bad:
                return n_bad, n_tried
    return n_bad, n_tried


def _is_good(path: Path, digests: list[str], acknowledged: int) -> bool:
    try:
        found = load(path).digest()
    except ecs.CheckpointError:
        return acknowledged < 0
    return found in digests[max(acknowledged, 0) : acknowledged + 2]
