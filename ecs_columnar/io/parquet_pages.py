"""What the pages of a Parquet file say of their sizes, read before any is decoded.

Empty items of lists are repeated by a count: a page of 60 bytes can say that there
are 2**31 of them, whatever the file's metadata says. pyarrow decodes it as it
comes, and has no way to ask for the count, so the heads of pages are read here. A text
of a dictionary is repeated by its number, or its start by a length: so they tell as well
how long a text may be that takes no bytes where it comes again.
What is no valid head raises `ValueError`. Formats:
https://parquet.apache.org/docs/file-format/data-pages and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS: Final = (4, 5, 6)
_FEW_BYTES: Final = 1 << 9
_MOST_BYTES: Final = 1 << 20
_MOST_LEVELS: Final = 8
_LONG: Final = 15

# Of the head of a page, by the numbers of their fields.
_KIND: Final = 1
_SIZE: Final = 2
_COMPRESSED_SIZE: Final = 3
_N_VALUES: Final = 1

# By kind of page, data and data of the second version: where it says more, and there.
_PAGES: Final = {0: 5, 3: 8}
_ENCODING: Final = {0: 2, 3: 4}

# Plain texts, numbers of texts in a dictionary (two names of it), texts after their lengths.
_WITHOUT_REPEATS: Final = frozenset({0, 2, 6, 8})


def n_values_in_pages(file: BinaryIO, start: int, stop: int) -> Iterator[int]:
    """Yield how many values each data page of a column has, by its own account.

    Parameters
    ----------
    file : binary file
        It is left anywhere.
    start, stop : int
        Where the pages of the column are in the file.

    Raises
    ------
    ValueError
        When something else is there.
    """
    for fields in _heads(file, start, stop):
        for number in _PAGES.values():
            if number in fields:
                yield _n_values(fields[number])


def n_bytes_repeated(file: BinaryIO, start: int, stop: int) -> int:
    """Return how long a text of a column is at most that takes no bytes where it comes again.

    No longer than the page that has it: of a dictionary, or with texts that begin as the
    one before. What a page says of its size is what pyarrow makes room for.

    Parameters
    ----------
    file : binary file
        It is left anywhere.
    start, stop : int
        Where the pages of the column are in the file.

    Raises
    ------
    ValueError
        When something else is there.
    """
    return max((_n_repeated(fields) for fields in _heads(file, start, stop)), default=0)


def _n_repeated(fields: dict[int, Any]) -> int:
    kind: Any = fields.get(_KIND)
    if not isinstance(kind, int):
        raise ValueError("a page is of no kind")
    page, number = fields.get(_PAGES.get(kind, _KIND)), _ENCODING.get(kind)
    encoding = page.get(number) if isinstance(page, dict) else None
    if isinstance(encoding, int) and encoding in _WITHOUT_REPEATS:
        return 0
    sizes = (fields.get(number) for number in (_SIZE, _COMPRESSED_SIZE))
    return max(size for size in sizes if isinstance(size, int))


def _heads(file: BinaryIO, start: int, stop: int) -> Iterator[dict[int, Any]]:
    """Yield the head of each page, by the numbers of its fields."""
    while start < stop:
        fields, n_bytes = _read_head(file, start, stop)
        size = fields.get(_COMPRESSED_SIZE)
        if not isinstance(size, int) or size < 0:
            raise ValueError("a page has no size")
        yield fields
        start += n_bytes + size


def _read_head(file: BinaryIO, start: int, stop: int) -> tuple[dict[int, Any], int]:
    """Return the fields of a head, and how many bytes it has.

    Most have 50. To read the most that one may have takes five times as long where pages have
    a kilobyte, and a file can have a million pages of nothing.
    """
    n_bytes = min(_FEW_BYTES, stop - start)
    while True:
        file.seek(start)
        head = _Head(file.read(n_bytes))
        try:
            return head.read_struct(), head.at
        except _TooShortError:
            if n_bytes >= min(_MOST_BYTES, stop - start):
                raise
            n_bytes = min(8 * n_bytes, _MOST_BYTES, stop - start)


def _n_values(page: Any) -> int:
    n = page.get(_N_VALUES) if isinstance(page, dict) else None
    if not isinstance(n, int) or n < 0:
        raise ValueError("a page has no number of values")
    return n


class _TooShortError(ValueError):
    """What is there of the head of a page is not all of it."""


class _Head:
    """A struct of Thrift's compact protocol.

    Attributes
    ----------
    at : int
        Where the next byte is.
    """

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes) -> None:
        self._data: Final = data
        self.at = 0

    def read_struct(self, n_above: int = 0) -> dict[int, Any]:
        """Read all fields: integers and structs, None for any other value."""
        if n_above > _MOST_LEVELS:
            raise ValueError("the head of a page is nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            fields[number] = None if kind in (_TRUE, _FALSE) else self._value(kind, n_above)
        return fields

    def _value(self, kind: int, n_above: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _STRUCT:
            return self.read_struct(n_above + 1)
        if kind in (_LIST, _SET):
            head = self._byte()
            n = head >> 4 if head >> 4 < _LONG else self._unsigned()
            self._skip_items(n, (head & 15,), n_above)
        elif kind == _MAP:
            n = self._unsigned()
            kinds = self._byte() if n else 0
            self._skip_items(n, (kinds >> 4, kinds & 15), n_above)
        elif kind in (_BYTE, _DOUBLE, _BINARY):
            self._skip({_BYTE: 1, _DOUBLE: 8}.get(kind) or self._unsigned())
        else:
            raise ValueError("the head of a page has a field of no type")
        return None

    def _skip_items(self, n: int, kinds: tuple[int, ...], n_above: int) -> None:
        for _ in range(n):
            for kind in kinds:
                if kind in (_TRUE, _FALSE):
                    self._skip(1)
                else:
                    self._value(kind, n_above + 1)

    def _skip(self, n: int) -> None:
        if n > len(self._data) - self.at:
            raise _TooShortError("the head of a page ends too early")
        self.at += n

    def _byte(self) -> int:
        self._skip(1)
        return self._data[self.at - 1]

    def _unsigned(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7
            if shift > 63:
                raise ValueError("the head of a page has an integer of more than 64 bits")

    def _integer(self) -> int:
        number = self._unsigned()
        return number >> 1 ^ -(number & 1)
