"""Storages to disk and back: what `World.save` and `World.load` do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from ecs_columnar.checkpoint import disk
from ecs_columnar.checkpoint.classes import find_classes, stand_in
from ecs_columnar.checkpoint.generations import Generations
from ecs_columnar.checkpoint.loading import load
from ecs_columnar.checkpoint.lock import Lock
from ecs_columnar.checkpoint.manifest import Manifest
from ecs_columnar.checkpoint.reader import Reader, refuse_big_endian
from ecs_columnar.checkpoint.saving import Saving
from ecs_columnar.checkpoint.writer import write
from ecs_columnar.content import Content, share, take
from ecs_columnar.errors import CheckpointError, InvalidArgumentError, TransactionError
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
    lock = _telling(folder, "save to", lambda: _lock(folder, durable=durable))
    try:
        content = share(storage) if background else take(storage)
        types = list(storage.registry)

        def add() -> Path:
            with lock:
                return _add(folder, content, types, durable=durable)

        def run() -> Path:
            return _telling(folder, "save to", add)

        return Saving(folder, run, background=background)
    except BaseException:
        lock.release()
        raise


def load_storage(
    path: str | os.PathLike[str],
    *,
    generation: int | None,
    components: Iterable[type[Component]] | None,
    mmap: bool,
) -> Storage:
    """Load a storage; see `World.load`."""
    folder = Generations(_to_path(path)).find(generation)

    def run() -> Storage:
        reader = Reader(folder, mmap=mmap)
        return load(reader, find_classes(reader.manifest.components, components))

    return _telling(folder, "load", run)


def read_manifest(path: str | os.PathLike[str], generation: int | None) -> tuple[Path, Manifest]:
    """Return the folder of a generation and its manifest, which alone is verified.

    Raises
    ------
    CheckpointError
    """
    folder = Generations(_to_path(path)).find(generation)
    return folder, _telling(folder, "load", lambda: Reader(folder).manifest)


def check_storage(path: str | os.PathLike[str], generation: int | None) -> tuple[Path, Storage]:
    """Load a generation without its component classes, and verify all that can be.

    Returns
    -------
    Path, Storage
        The folder, and what is in it, of components that stand for those saved.

    Raises
    ------
    CheckpointError, RepositoryConsistencyError
    """
    folder = Generations(_to_path(path)).find(generation)

    def run() -> Storage:
        reader = Reader(folder)
        return load(reader, [stand_in(entry) for entry in reader.manifest.components])

    storage = _telling(folder, "load", run)
    storage.check()
    return folder, storage


def _to_path(path: str | os.PathLike[str]) -> Path:
    try:
        return Path(path)
    except TypeError as error:
        raise InvalidArgumentError(
            "path", path, f"cannot use {path!r} as the folder of a checkpoint; give a path"
        ) from error


def _lock(folder: Path, *, durable: bool) -> Lock:
    disk.make_folders(folder, durable=durable)
    return Lock(folder)


def _add(folder: Path, content: Content, types: Iterable[ComponentType], *, durable: bool) -> Path:
    with Generations(folder).adding(durable=durable) as (new, path):
        write(content, types, new, durable=durable)
    return path


def _telling(folder: Path, verb: str, function: Callable[[], Result]) -> Result:
    """Call a function, and make errors of the disk errors of the checkpoint."""
    try:
        return function()
    except OSError as error:
        path = error.filename or folder
        raise CheckpointError(f"cannot {verb} {folder}: {error}", path=path) from error
