"""Storages to disk and back: what `World.save` and `World.load` do."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias, TypeVar

from ecs_columnar.checkpoint import disk
from ecs_columnar.checkpoint.classes import find_classes, stand_in
from ecs_columnar.checkpoint.generations import Generations
from ecs_columnar.checkpoint.journal import Journal
from ecs_columnar.checkpoint.loading import load
from ecs_columnar.checkpoint.lock import Lock
from ecs_columnar.checkpoint.log import Base, LogReader, path_of
from ecs_columnar.checkpoint.manifest import ComponentEntry, Manifest
from ecs_columnar.checkpoint.reader import Reader, refuse_big_endian
from ecs_columnar.checkpoint.replay import replay
from ecs_columnar.checkpoint.saving import Saving
from ecs_columnar.checkpoint.writer import write
from ecs_columnar.content import Content, share, take
from ecs_columnar.errors import (
    CheckpointError,
    InvalidArgumentError,
    StructuralChangeError,
    TransactionError,
)
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Component
from ecs_columnar.storage import Storage

Result = TypeVar("Result")


def save_storage(
    storage: Storage, path: str | os.PathLike[str], *, durable: bool, background: bool
) -> Saving:
    """Save a storage; see `World.save`."""
    if storage.log is not None:
        raise TransactionError(
            "cannot save in a transaction: what is saved could be taken back; end the "
            "transaction first"
        )
    folder = _to_path(path)
    refuse_big_endian("save to", folder)
    journal = storage.journal
    if journal is not None and journal.folder == folder.resolve():
        _refuse_background(folder, background=background)
        return Saving(
            folder,
            lambda: _telling(folder, "save to", lambda: journal.renew(durable=durable)),
            background=False,
        )
    lock = Lock(folder)
    turn = [lock]  # taken by the thread that writes, or by whoever gives up before it begins
    try:
        _telling(folder, "save to", lambda: _take(lock, folder, durable=durable))
        content = share(storage) if background else take(storage)
        types = list(storage.registry)

        def add() -> Path:
            if background and not _is_taken(turn):
                raise CheckpointError(
                    f"cannot save to {folder}: it was interrupted before it began", path=folder
                )
            with lock:
                return _add(folder, content, types, durable=durable)

        def run() -> Path:
            return _telling(folder, "save to", add)

        return Saving(folder, run, background=background)
    except BaseException:
        # An interrupt may come when the thread has begun; it gives the lock back then.
        if not background or _is_taken(turn):
            lock.release()
        raise


def _is_taken(turn: list[Lock]) -> bool:
    """Take a turn, and tell whether nobody else had: one call into C, so one thread has it."""
    try:
        turn.pop()
    except IndexError:
        return False
    return True


def load_storage(
    path: str | os.PathLike[str],
    *,
    generation: int | None,
    components: Iterable[type[Component]] | None,
    mmap: bool,
) -> Storage:
    """Load a storage; see `World.load`."""
    folder = Generations(_to_path(path)).find(generation)
    known = None if components is None else tuple(components)

    def find(entries: Iterable[ComponentEntry]) -> list[type[Component]]:
        return find_classes(entries, known)

    def run() -> tuple[Storage, LogReader | None]:
        reader = Reader(folder, mmap=mmap)
        log = log_of(reader) if generation is None else None
        return _load(reader, log, find), log

    storage, log = _telling(folder, "load", run)
    if log is not None and log.damage is not None:
        warnings.warn(
            f"{log.path}: {log.damage}; the world is as it was at tick {storage.tick}",
            RuntimeWarning,
            stacklevel=3,
        )
    return storage


def open_journal(storage: Storage, path: str | os.PathLike[str], *, durable: bool) -> Journal:
    """Begin to record the changes of a storage; see `World.journal`."""
    folder = _to_path(path)
    _refuse_to_open(storage, folder)
    lock = Lock(folder)
    try:
        _telling(folder, "save to", lambda: _take(lock, folder, durable=True))
        journal = _telling(
            folder, "save to", lambda: Journal(storage, folder, lock, durable=durable)
        )
        storage.journal = journal
        return journal
    except BaseException:
        if storage.journal is None:
            lock.release()
        raise


def read_manifest(path: str | os.PathLike[str], generation: int | None) -> tuple[Path, Manifest]:
    """Return the folder of a generation and its manifest, which alone is verified.

    Raises
    ------
    CheckpointError
    """
    folder = Generations(_to_path(path)).find(generation)
    return folder, _telling(folder, "load", lambda: Reader(folder).manifest)


def read_log(path: str | os.PathLike[str], generation: int | None) -> tuple[LogReader | None, int]:
    """Return the log of a generation, all of it verified, and the tick that it leads to.

    Raises
    ------
    CheckpointError
    """
    folder = Generations(_to_path(path)).find(generation)

    def run() -> tuple[LogReader | None, int]:
        reader = Reader(folder)
        log, tick = log_of(reader), reader.manifest.tick
        for record in log.records() if log is not None else ():
            tick = record.tick
        return log, tick

    return _telling(folder, "load", run)


def log_of(reader: Reader) -> LogReader | None:
    """Return the log that lies beside a generation, not read yet; None where there is none."""
    number = int(reader.folder.name)
    path = path_of(reader.folder.parent, number)
    return LogReader(path, Base(number, reader.checksum)) if os.path.lexists(path) else None


def check_storage(
    path: str | os.PathLike[str], generation: int | None
) -> tuple[Path, Storage, LogReader | None]:
    """Load a generation and its log without component classes, and verify all that can be.

    Returns
    -------
    Path, Storage, LogReader or None
        The folder, and what is in it, of components that stand for those saved.

    Raises
    ------
    CheckpointError, RepositoryConsistencyError
    """
    folder = Generations(_to_path(path)).find(generation)

    def run() -> Storage:
        return _load(reader, log, lambda entries: [stand_in(entry) for entry in entries])

    reader = _telling(folder, "load", lambda: Reader(folder))
    log = log_of(reader)
    storage = _telling(folder, "load", run)
    storage.check()
    return folder, storage, log


Find: TypeAlias = Callable[[Iterable[ComponentEntry]], list[type[Component]]]
"""Returns the classes of components."""


def _load(reader: Reader, log: LogReader | None, find: Find) -> Storage:
    entries = reader.manifest.components
    classes = find(entries)
    storage = load(reader, classes)
    if log is None:
        return storage
    known = dict(zip(map(_without_counts, entries), classes, strict=True))

    def find_one(entry: ComponentEntry) -> type[Component]:
        if entry not in known:
            known[entry] = find([entry])[0]
        return known[entry]

    replay(storage, log, find_one)
    return storage


def _without_counts(entry: ComponentEntry) -> ComponentEntry:
    fields = tuple(field._replace(n_strings=0, n_bytes=0) for field in entry.fields)
    return entry._replace(fields=fields)


def _refuse_background(folder: Path, *, background: bool) -> None:
    if background:
        raise CheckpointError(
            f"cannot save to {folder} in the background: a journal is open there, and what is "
            "recorded has to follow what is saved; save without background=True, or elsewhere",
            path=folder,
        )


def _refuse_to_open(storage: Storage, folder: Path) -> None:
    if storage.log is not None:
        raise TransactionError(
            "cannot open a journal in a transaction: what is saved could be taken back; end the "
            "transaction first"
        )
    if storage.journal is not None:
        raise CheckpointError(
            f"cannot open a journal in {folder}: this world has one in "
            f"{storage.journal.folder}; close it first",
            path=folder,
        )
    storage.count_loops()
    if storage.exposed:
        raise StructuralChangeError(
            "cannot open a journal while a query with Mut is open: what is written through its "
            "views could not be recorded; open it before the loop"
        )
    refuse_big_endian("save to", folder)


def _to_path(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path)
    except TypeError as error:
        raise InvalidArgumentError(
            "path", path, f"cannot use {path!r} as the folder of a checkpoint; give a path"
        ) from error


def _take(lock: Lock, folder: Path, *, durable: bool) -> None:
    disk.make_folders(folder, durable=durable)
    lock.take()


def _add(folder: Path, content: Content, types: Iterable[ComponentType], *, durable: bool) -> Path:
    with Generations(folder).adding(durable=durable) as (new, path):
        write(content, types, new, durable=durable)
    Generations(folder).forget_logs(int(path.name))
    return path


def _telling(folder: Path, verb: str, function: Callable[[], Result]) -> Result:
    """Call a function, and make errors of the disk errors of the checkpoint."""
    try:
        return function()
    except OSError as error:
        path = error.filename or folder
        raise CheckpointError(f"cannot {verb} {folder}: {error}", path=path) from error
