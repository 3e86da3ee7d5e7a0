"""What an Arrow file says of its sizes, read before Arrow makes room for it.

A compressed buffer begins with its length as it will be in memory, eight bytes
that anybody can write. pyarrow has no way to ask for them without decompressing,
so the few parts of the file's flatbuffers that lead there are read here; what is
no valid part of a file raises `struct.error` or `ValueError`. Formats:
https://arrow.apache.org/docs/format/Columnar.html and
https://flatbuffers.dev/internals.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

_MAGIC: Final = b"ARROW1"
_CONTINUES: Final = 0xFFFFFFFF
_DICTIONARY_BATCH: Final = 2
_RECORD_BATCH: Final = 3
_MOST_METADATA: Final = 64 * 2**20


class Sizes(NamedTuple):
    """Sizes of a file, by its own account.

    Attributes
    ----------
    n_rows : int
    n_bytes : int
        Of all buffers in memory, decompressed, those of dictionaries included.
    """

    n_rows: int
    n_bytes: int


def declared_sizes(file: BinaryIO) -> Sizes:
    """Read what an Arrow file says of its sizes. O(batches and columns).

    Parameters
    ----------
    file : binary file
        It is left where it was.

    Raises
    ------
    struct.error, ValueError
        When the file is none of Arrow.
    """
    before = file.tell()
    try:
        return _declared_sizes(file)
    finally:
        file.seek(before)


def _declared_sizes(file: BinaryIO) -> Sizes:
    footer = _footer(file)
    n_rows = n_bytes = 0
    for number, is_dictionary in ((2, True), (3, False)):
        for at in footer.structs(number, 24):
            start, n_metadata, n_body = struct.unpack_from("<qi4xq", footer.data, at)
            batch = _batch(file, start, n_metadata, is_dictionary=is_dictionary)
            n_rows += 0 if is_dictionary else batch.number(0)
            n_bytes += _n_bytes(file, batch, start + n_metadata, n_body)
    return Sizes(n_rows, n_bytes)


class _Table(NamedTuple):
    """A table of a flatbuffer."""

    data: bytes
    start: int

    @classmethod
    def root(cls, data: bytes) -> _Table:
        """Return the table that a flatbuffer is about."""
        return cls(data, *struct.unpack_from("<I", data))

    def at(self, number: int) -> int | None:
        """Return where a field lies, None where it is left out."""
        (distance,) = struct.unpack_from("<i", self.data, self.start)
        fields = self.start - distance
        if fields < 0:
            raise ValueError("a table of the file lies outside of it")
        (n_bytes,) = struct.unpack_from("<H", self.data, fields)
        slot = 4 + 2 * number
        offset = struct.unpack_from("<H", self.data, fields + slot)[0] if slot < n_bytes else 0
        return self.start + offset if offset else None

    def number(self, number: int) -> int:
        """Return a field of 64 bits."""
        at = self.at(number)
        return 0 if at is None else int(struct.unpack_from("<q", self.data, at)[0])

    def kind(self, number: int) -> int:
        """Return a field of 8 bits."""
        at = self.at(number)
        return 0 if at is None else int(struct.unpack_from("<B", self.data, at)[0])

    def table(self, number: int) -> _Table | None:
        """Return a table within this one."""
        at = self.at(number)
        return None if at is None else _Table(self.data, _target(self.data, at))

    def structs(self, number: int, n_bytes: int) -> Iterator[int]:
        """Yield where each item of a vector lies."""
        at = self.at(number)
        if at is None:
            return
        start = _target(self.data, at)
        (n,) = struct.unpack_from("<I", self.data, start)
        if n * n_bytes > len(self.data):
            raise ValueError("a list of the file is longer than it")
        for i in range(n):
            yield start + 4 + i * n_bytes


def _target(data: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", data, at)[0])


def _footer(file: BinaryIO) -> _Table:
    n_end = 4 + len(_MAGIC)
    end = file.seek(0, 2)
    if end < n_end:
        raise ValueError("it is too short for an Arrow file")
    tail = _read(file, end - n_end, n_end)
    (n,) = struct.unpack_from("<i", tail)
    if tail[4:] != _MAGIC or n <= 0 or n > end - n_end:
        raise ValueError("it does not end as an Arrow file does")
    return _Table.root(_read(file, end - n_end - n, n))


def _batch(file: BinaryIO, start: int, n: int, *, is_dictionary: bool) -> _Table:
    """Return the table of a batch of records; that of a dictionary has one."""
    data = _read(file, start, n)
    (first,) = struct.unpack_from("<I", data)
    message = _Table.root(data[8 if first == _CONTINUES else 4 :])
    kind, wanted = message.kind(1), _DICTIONARY_BATCH if is_dictionary else _RECORD_BATCH
    batch = message.table(2) if kind == wanted else None
    if batch is not None and is_dictionary:
        batch = batch.table(1)
    if batch is None:
        raise ValueError("a batch of the file is none")
    return batch


def _n_bytes(file: BinaryIO, batch: _Table, body: int, n_body: int) -> int:
    is_compressed = batch.at(3) is not None
    total = 0
    for at in batch.structs(2, 16):
        start, n = struct.unpack_from("<qq", batch.data, at)
        if start < 0 or n < 0 or start + n > n_body:
            raise ValueError("a buffer of the file lies outside of its batch")
        total += _length(file, body + start, n) if is_compressed and n >= 8 else n
    return total


def _length(file: BinaryIO, start: int, n: int) -> int:
    """Return the length of a buffer in memory; -1 says that it is not compressed."""
    (length,) = struct.unpack("<q", _read(file, start, 8))
    return n - 8 if length < 0 else int(length)


def _read(file: BinaryIO, start: int, n: int) -> bytes:
    if start < 0 or not 0 <= n <= _MOST_METADATA:
        raise ValueError("a part of the file lies outside of it")
    file.seek(start)
    data = file.read(n)
    if len(data) < n:
        raise ValueError("the file ends too early")
    return data
