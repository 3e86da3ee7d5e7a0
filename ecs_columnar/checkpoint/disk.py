"""The calls that change a disk, all in one file, so that tests can record them and let them fail.

* A file is created, never overwritten.
* What is durable is synced in the order of dependence: files, the folder that
  names them, the rename that commits it, the folder that names that.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import xxhash
from numpy.typing import NDArray

from ecs_columnar.errors import CheckpointError

Part: TypeAlias = "bytes | NDArray[Any]"

# What is hashed is then written, or was just read, so it should be in the cache:
# of 128 kB to 16 MB, 512 kB and 1 MB were fastest.
_BLOCK: Final = 1 << 20

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
# A link is not followed, and a pipe not waited for.
_READ: Final = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)


class FileRecord(NamedTuple):
    """What a manifest knows of a file.

    Attributes
    ----------
    size : int
        Bytes.
    checksum : str
        XXH3 with 128 bits, 32 hexadecimal digits.
    """

    size: int
    checksum: str


def checksum(data: bytes) -> str:
    """Return the XXH3 of bytes, 32 hexadecimal digits."""
    return xxhash.xxh3_128(data).hexdigest()


# --- writing -------------------------------------------------------------------------


def write_file(path: Path, parts: Iterable[Part], *, durable: bool) -> FileRecord:
    """Create a file of parts, one after the other.

    Raises
    ------
    OSError
        When it cannot be created, written or synced; it may be there in part.
    """
    hasher, size = xxhash.xxh3_128(), 0
    file = os.open(path, _CREATE, 0o666)
    try:
        for part in parts:
            data = _bytes_of(part)
            for start in range(0, len(data), _BLOCK):
                block = data[start : start + _BLOCK]
                hasher.update(block)
                _write_all(file, block)
            size += len(data)
        if durable:
            os.fsync(file)
    finally:
        os.close(file)
    return FileRecord(size, hasher.hexdigest())


def create(path: Path) -> int:
    """Create a file to `append` to, and return its descriptor."""
    return os.open(path, _CREATE | os.O_APPEND, 0o666)


def append(file: int, parts: Iterable[Part]) -> None:
    """Write parts at the end of a file, one after the other.

    Raises
    ------
    OSError
        When not all could be written; some may have been.
    """
    for part in parts:
        _write_all(file, _bytes_of(part))


def cut(file: int, size: int) -> None:
    """Cut off what lies behind so many bytes of a file."""
    os.ftruncate(file, size)


def sync(file: int) -> None:
    """Wait until a file is on disk."""
    os.fsync(file)


def close(file: int) -> None:
    """Close a file."""
    os.close(file)


def remove_file(path: Path) -> None:
    """Remove a file."""
    os.unlink(path)  # noqa: PTH108


def make_folders(path: Path, *, durable: bool) -> None:
    """Make a folder, and those above it, unless they are there."""
    if path.is_dir():
        return
    make_folders(path.parent, durable=durable)
    os.mkdir(path)  # noqa: PTH102 - calls of `os` are what tests replace
    if durable:
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Wait until the names in a folder are on disk; where folders can be synced."""
    if os.name == "nt":  # there the file system's own log has to do
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def rename(old: Path, new: Path) -> None:
    """Give a folder another name, which nothing has. Atomic."""
    os.rename(old, new)  # noqa: PTH104


def remove_folder(path: Path) -> None:
    """Remove a folder of files. Does not follow links."""
    for name in os.listdir(path):  # noqa: PTH208 - one call, which leaves nothing open
        os.unlink(path / name)  # noqa: PTH108
    os.rmdir(path)  # noqa: PTH106


def _bytes_of(part: Part) -> memoryview[Any]:
    if isinstance(part, bytes):
        return memoryview(part)
    # Through bytes of NumPy: times have no memoryview.
    return memoryview(part.reshape(-1).view("u1").data)


def _write_all(file: int, data: memoryview[Any]) -> None:
    while data:
        n = os.write(file, data)
        if not n:
            raise OSError("nothing was written")
        data = data[n:]


# --- reading -------------------------------------------------------------------------


def read_file(path: Path, record: FileRecord, parts: Sequence[Any]) -> None:
    """Fill writable buffers, one after the other, with a whole file, and verify it.

    Parameters
    ----------
    path : Path
    record : FileRecord
        Whose size is that of all parts.
    parts : sequence of bytearray or array

    Raises
    ------
    CheckpointError
        When it is no plain file, or not the one that was written.
    """
    hasher, file = xxhash.xxh3_128(), _open(path, record.size)
    try:
        for part in parts:
            data = memoryview(part) if isinstance(part, bytearray) else _bytes_of(part)
            for start in range(0, len(data), _BLOCK):
                block = data[start : start + _BLOCK]
                _read_all(file, block, path)
                hasher.update(block)
    finally:
        os.close(file)
    _verify(path, record, hasher.hexdigest())


def map_file(path: Path, record: FileRecord) -> mmap.mmap:
    """Map a file into memory, read-only, and verify it.

    Raises
    ------
    CheckpointError
        When it is no plain file, or not the one that was written.
    """
    file = _open(path, record.size)
    try:
        mapped = mmap.mmap(file, record.size, access=mmap.ACCESS_READ)
    finally:
        os.close(file)
    _verify(path, record, xxhash.xxh3_128(mapped).hexdigest())
    return mapped


def read_bytes(path: Path, limit: int) -> bytes:
    """Return what is in a file, of at most so many bytes.

    Raises
    ------
    CheckpointError
        When it is no plain file, or larger.
    """
    file = _open(path, None)
    try:
        size = os.fstat(file).st_size
        if size > limit:
            raise CheckpointError(
                f"cannot load {path}: it has {size} bytes, and {limit} are the limit", path=path
            )
        data = bytearray(size)
        _read_all(file, memoryview(data), path)
    finally:
        os.close(file)
    return bytes(data)


def open_file(path: Path) -> tuple[int, int]:
    """Open a plain file, and return its descriptor and how many bytes it has."""
    file = _open(path, None)
    return file, os.fstat(file).st_size


def read_next(file: int, n: int, path: Path) -> bytes:
    """Return the next ``n`` bytes of an open file, which are there."""
    data = bytearray(n)
    _read_all(file, memoryview(data), path)
    return bytes(data)


def refuse_size(path: Path, size: int) -> None:
    """Refuse a file that is not plain, or not of this size."""
    os.close(_open(path, size))


def _open(path: Path, size: int | None) -> int:
    """Open a plain file of a size."""
    try:
        file = os.open(path, _READ)
    except OSError as error:
        raise CheckpointError(
            f"cannot load {path}: {error.strerror}; a checkpoint is a folder of plain files, and "
            "this one is not whole",
            path=path,
        ) from error
    found = os.fstat(file)
    if stat.S_ISREG(found.st_mode) and size in (None, found.st_size):
        return file
    os.close(file)
    is_plain = stat.S_ISREG(found.st_mode)
    fault = f"it has {found.st_size} bytes, not {size}" if is_plain else "it is no plain file"
    raise CheckpointError(f"cannot load {path}: {fault}", path=path)


def _read_all(file: int, data: memoryview[Any], path: Path) -> None:
    while data:
        n = _read_some(file, data)
        if not n:
            raise CheckpointError(f"cannot load {path}: it ends too early", path=path)
        data = data[n:]


def _read_some(file: int, data: memoryview[Any]) -> int:
    if hasattr(os, "readv"):
        return os.readv(file, [data])
    block = os.read(file, len(data))
    data[: len(block)] = block
    return len(block)


def _verify(path: Path, record: FileRecord, found: str) -> None:
    if found != record.checksum:
        raise CheckpointError(
            f"cannot load {path}: its checksum is {found}, not {record.checksum}: it is not what "
            "was written",
            path=path,
        )
