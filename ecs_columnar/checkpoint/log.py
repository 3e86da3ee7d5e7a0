"""The file of a log: a head that names a checkpoint, and records, each with a checksum.

* The checksum of a record covers the one before it. So a record is good only where
  it was written: behind the same records, in the log of the same checkpoint.
* A record counts when its writer acknowledges it. What lies behind the last one
  that counts is cut off before anything is written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import xxhash

from ecs_columnar.checkpoint import disk
from ecs_columnar.errors import CheckpointError

VERSION: Final = 1

_MAGIC: Final = b"ECSJRNL\n"
_HEAD: Final = struct.Struct("<8sIIQ16s8x")
_RECORD: Final = struct.Struct("<QQq")
_CHECKSUM: Final = 16
# Below, a copy takes less time than a second call.
_SMALL: Final = 1 << 16
HEAD_SIZE: Final = _HEAD.size + _CHECKSUM
RECORD_SIZE: Final = _RECORD.size + _CHECKSUM
"""Bytes before the payload of a record."""


class Base(NamedTuple):
    """The checkpoint that a log begins at.

    Attributes
    ----------
    generation : int
    checksum : str
        Of its manifest.
    """

    generation: int
    checksum: str


class Position(NamedTuple):
    """How far a log counts.

    Attributes
    ----------
    size : int
        Bytes.
    n_records : int
    checksum : bytes
        Of the last record, or of the head.
    """

    size: int
    n_records: int
    checksum: bytes


class Record(NamedTuple):
    """What one call, or one transaction, did.

    Attributes
    ----------
    number : int
        From 1.
    tick : int
        Of the world, after it.
    payload : bytes
    """

    number: int
    tick: int
    payload: bytes


def path_of(folder: Path, generation: int) -> Path:
    """Return the file of the log of a generation."""
    return folder / f"journal-{generation:012d}"


class Log:
    """A log that is written.

    Parameters
    ----------
    path : Path
        Of a file that is not there yet.
    base : Base
    durable : bool
        Whether to wait until each record is on disk; for the head, `sync` does.

    Attributes
    ----------
    position : Position
        Of the last record that counts; whoever appended one moves it.

    Raises
    ------
    OSError
    """

    __slots__ = ("_end", "_file", "durable", "path", "position")

    def __init__(self, path: Path, base: Base, *, durable: bool) -> None:
        self.path: Final = path
        self.durable: Final = durable
        head = _head(base)
        self._file = disk.create(path)
        try:
            disk.append(self._file, [head])
        except BaseException:
            self.close()
            raise
        self._end = len(head)
        self.position = Position(len(head), 0, head[-_CHECKSUM:])

    def append(self, tick: int, payload: Sequence[bytes]) -> Position:
        """Write a record behind the last one that counts.

        Returns
        -------
        Position
            For `position`, when it is to count.

        Raises
        ------
        OSError
            When it could not be written, or synced.
        """
        self.cut()
        size, n_records, last = self.position
        head = _RECORD.pack(sum(map(len, payload)), n_records + 1, tick)
        checksum = _checksum(last, head, *payload)
        end = size + RECORD_SIZE + sum(map(len, payload))
        self._end = end
        parts = [head, checksum, *payload]
        disk.append(self._file, [b"".join(parts)] if end - size < _SMALL else parts)
        if self.durable:
            disk.sync(self._file)
        return Position(end, n_records + 1, checksum)

    def cut(self) -> None:
        """Cut off what does not count.

        Raises
        ------
        OSError
        """
        if self._end != self.position.size:
            disk.cut(self._file, self.position.size)
            if self.durable:  # or a loss of power brings it back
                disk.sync(self._file)
            self._end = self.position.size

    def sync(self) -> None:
        """Wait until all records are on disk."""
        disk.sync(self._file)

    def close(self) -> None:
        """Close the file, and leave it where it is."""
        if self._file >= 0:
            file, self._file = self._file, -1
            disk.close(file)


class LogReader:
    """Reads the records of a log, as far as they are what was written.

    Parameters
    ----------
    path : Path
    base : Base
        That it has to belong to.

    Attributes
    ----------
    size : int
        Bytes of the file.
    end, n_records : int
        Bytes and records that were good so far.
    damage : str or None
        Why there are bytes behind the last good one, when all has been read.
    """

    __slots__ = ("base", "damage", "end", "n_records", "path", "size")

    def __init__(self, path: Path, base: Base) -> None:
        self.path: Final = path
        self.base: Final = base
        self.size = 0
        self.end = 0
        self.n_records = 0
        self.damage: str | None = None

    def records(self) -> Iterator[Record]:
        """Yield the records, from the first to the last that is whole.

        Raises
        ------
        CheckpointError
            When the log is of another checkpoint, or of another version.
        """
        file, self.size = disk.open_file(self.path)
        try:
            last = self._read_head(file)
            while last and self.end < self.size:
                found = self._read_record(file, last, self.n_records + 1)
                if found is None:
                    return
                record, last = found
                self.n_records += 1
                yield record
        finally:
            disk.close(file)

    def _read_head(self, file: int) -> bytes:
        if self.size < HEAD_SIZE:
            self._is_damaged("its head is not whole")
            return b""
        head = disk.read_next(file, HEAD_SIZE, self.path)
        if head[-_CHECKSUM:] != _checksum(head[: _HEAD.size]):
            self._is_damaged("its head is not what was written")
            return b""
        _, version, _, _, _ = _HEAD.unpack(head[: _HEAD.size])
        if version != VERSION or head[:8] != _MAGIC:
            raise self.fault(
                f"it has version {version}, and this library reads version {VERSION}; use the "
                "version of the library that wrote it"
            )
        if head != _head(self.base):
            raise self.fault("it is the log of another checkpoint")
        self.end = HEAD_SIZE
        return head[-_CHECKSUM:]

    def _read_record(self, file: int, last: bytes, number: int) -> tuple[Record, bytes] | None:
        """Return a record and its checksum; None, and `damage`, where it is not good."""
        n_left = self.size - self.end
        head = disk.read_next(file, min(RECORD_SIZE, n_left), self.path)
        n_bytes = _RECORD.unpack(head[: _RECORD.size])[0] if len(head) == RECORD_SIZE else n_left
        if RECORD_SIZE + n_bytes > n_left:
            self._is_damaged(f"record {number} is not whole")
            return None
        payload = disk.read_next(file, n_bytes, self.path)
        facts, checksum = head[: _RECORD.size], head[_RECORD.size :]
        _, found, tick = _RECORD.unpack(facts)
        if checksum != _checksum(last, facts, payload) or found != number:
            self._is_damaged(f"record {number} is not what was written")
            return None
        self.end += RECORD_SIZE + n_bytes
        return Record(number, tick, payload), checksum

    def _is_damaged(self, fault: str) -> None:
        self.damage = f"{fault}: {self.size - self.end} of {self.size} bytes are left out"

    def fault(self, text: str) -> CheckpointError:
        """Make the error for a log that cannot be used."""
        return CheckpointError(
            f"cannot load {self.path}: {text}; World.load(folder, "
            f"generation={self.base.generation}) loads the checkpoint without its log",
            path=self.path,
        )


def _head(base: Base) -> bytes:
    head = _HEAD.pack(_MAGIC, VERSION, 0, base.generation, bytes.fromhex(base.checksum))
    return head + _checksum(head)


def _checksum(*parts: bytes) -> bytes:
    hasher = xxhash.xxh3_128()
    for part in parts:
        hasher.update(part)
    return hasher.digest()
