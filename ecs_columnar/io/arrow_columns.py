"""Instances as columns, in Parquet and Arrow files.

Nothing in such a file is believed before it has been checked: Arrow arrays are
validated, so that no offset leads out of a buffer; sizes are looked at before
columns are decompressed, and counted as they come.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any, BinaryIO, Final

from ecs_columnar.coded import OFTEN, Coded, Texts
from ecs_columnar.encoding import coded, view_arrow
from ecs_columnar.extras import require
from ecs_columnar.io.ahead import ahead
from ecs_columnar.io.arrow_sizes import declared_sizes
from ecs_columnar.io.arrow_values import as_plain, fault_of_schema, n_bytes_shown
from ecs_columnar.io.blocks import ColumnBlock, InstanceSource, Report
from ecs_columnar.io.folder import Folder
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.parquet_footer import read_footer
from ecs_columnar.io.parquet_pages import n_bytes_repeated, n_values_in_pages
from ecs_columnar.io.problem import WorldFileError

SUFFIXES: Final = (".parquet", ".arrow", ".feather")
ROWS_AT_ONCE: Final = 1 << 17
BYTES_AT_ONCE: Final = 1 << 28

_N_LOOKED_AT: Final = 1024
"""Texts of which it is told whether they repeat."""

_BYTES_OF_LEVELS: Final = 4
"""Of an item of a list while it is decoded: two levels of int16."""

_BYTES_OF_TEXT: Final = 4
"""Of the length of a text that is not in a dictionary."""

_REFUSED: Final = (OSError, ValueError, OverflowError, MemoryError, struct.error)
"""What reading such a file raises, beside what is pyarrow's own."""


class ArrowSource(InstanceSource):
    """A Parquet or an Arrow file.

    Parameters
    ----------
    folder : Folder
    name : str
        Its suffix says which.

    Raises
    ------
    MissingExtraError
        When pyarrow is not installed.
    """

    def __init__(self, folder: Folder, name: str) -> None:
        require("read " + name, ("pyarrow",), "arrow")
        self._folder: Final = folder
        self._name: Final = name

    @cached_property
    def n_instances(self) -> int | None:
        """How many there are, by the file's own account; None where that cannot be so."""
        import pyarrow as pa

        try:
            with self._folder.open(self._name) as file:
                n_rows = _n_rows(file) if self._is_parquet else declared_sizes(file).n_rows
        except (*_REFUSED, WorldFileError, pa.ArrowException):
            return None  # reading it will say why
        return n_rows if 0 <= n_rows <= self.limits.rows else None

    def blocks(self, report: Report) -> Iterator[ColumnBlock]:  # noqa: ARG002
        """Yield the instances of a hundred thousand rows; the next are read meanwhile.

        Raises
        ------
        WorldFileError
            When it is none, or broken, or too large.
        """
        import pyarrow as pa

        read = _parquet if self._is_parquet else _ipc
        with self._folder.open(self._name) as file:
            try:
                with closing(ahead(self._blocks(read(file, self)))) as blocks:
                    yield from blocks
            except (*_REFUSED, pa.ArrowException) as error:
                if isinstance(error, WorldFileError):
                    raise
                raise WorldFileError(self._name, f"cannot be read: {error}") from error

    @property
    def limits(self) -> Limits:
        """What is allowed."""
        return self._folder.limits

    def refuse_too_much(self, limit: str, n: int) -> None:
        """Raise when there is more of something than the limit of that name."""
        most = getattr(self.limits, limit)
        if n > most:
            raise WorldFileError(
                self._name, f"has {n:,} {limit}, {most:,} are allowed; raise Limits.{limit}"
            )

    def refuse_other_types(self, schema: Any) -> None:
        """Raise when a column has values that no component has."""
        fault = fault_of_schema(schema)
        if fault is not None:
            column, message = fault
            raise WorldFileError(self._name, message, path=f"$[{column!r}]")

    @property
    def _is_parquet(self) -> bool:
        return self._name.endswith(".parquet")

    def _blocks(self, batches: Iterable[Any]) -> Iterator[ColumnBlock]:
        n_rows = 0
        for batch in batches:
            n_before, n_rows = n_rows, n_rows + batch.num_rows
            self.refuse_too_much("rows", n_rows)
            for start in range(0, batch.num_rows, ROWS_AT_ONCE):
                yield self._block(batch.slice(start, ROWS_AT_ONCE), n_before + start)

    def _block(self, batch: Any, n_before: int) -> ColumnBlock:
        names = batch.schema.names
        if len(set(names)) < len(names):
            raise WorldFileError(self._name, "two columns have the same name; rename one")
        name = self._name
        columns = dict(zip(names, map(_as_texts, batch.columns), strict=True))
        return ColumnBlock(columns, batch.num_rows, lambda i: (name, f"$[{n_before + i}]"))


def _as_texts(column: Any) -> Any:
    """Return strings, which have been validated, as bytes or by number; others without views."""
    import pyarrow as pa

    column = as_plain(column)
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    found = coded(
        column.dictionary_encode() if is_text and _repeat(column) else column, missing=True
    )
    if isinstance(found, Coded):
        return found.distinct()
    if not is_text or column.null_count:
        return column
    return Texts(view_arrow(column).hashed())  # here, as this is the thread that reads


def _repeat(texts: Any) -> bool:
    """Tell whether each of the first texts comes again and again, as kinds do, and ids do not."""
    first = texts.slice(0, _N_LOOKED_AT)
    return len(first.unique()) * OFTEN <= len(first)


def _n_rows(file: BinaryIO) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(file).num_rows)


def _parquet(file: BinaryIO, source: ArrowSource) -> Iterator[Any]:
    import pyarrow.parquet as pq

    metadata = read_footer(file)
    source.refuse_too_much("rows", metadata.num_rows)
    groups = _groups(metadata)
    n_bytes = sum(group.total_byte_size for group in groups)
    source.refuse_too_much("table_bytes", n_bytes)
    source.refuse_too_much("table_bytes", _n_bytes_of_levels(file, metadata))
    few = [name for i, name in _texts_in(metadata.schema) if _are_few(i, groups)]
    with pq.ParquetFile(
        file, metadata=metadata, read_dictionary=few, page_checksum_verification=True
    ) as parquet:
        source.refuse_other_types(parquet.schema_arrow)
        yield from _joined(_checked(_batches(file, parquet, source.limits.table_bytes), source))


def _batches(file: BinaryIO, parquet: Any, table_bytes: int) -> Iterator[Any]:
    """Read a group of rows after the other; a large one in parts, which takes longer."""
    for number, group in enumerate(_groups(parquet.metadata)):
        n_at_once = _safe_rows(file, parquet.schema, group, table_bytes)
        if group.num_rows > n_at_once:
            yield from parquet.iter_batches(n_at_once, row_groups=[number], use_threads=False)
        else:
            yield from parquet.read_row_group(number, use_threads=False).to_batches()


def _texts_in(schema: Any) -> Iterator[tuple[int, str]]:
    """Yield the columns of texts that lie in nothing else."""
    for number in range(len(schema)):
        column = schema.column(number)
        if column.path == column.name and column.logical_type.type == "STRING":
            yield number, column.name


def _are_few(number: int, groups: Sequence[Any]) -> bool:
    """Tell whether most texts of a column are in a dictionary: others take four bytes at least."""
    columns = [group.column(number) for group in groups]
    n_bytes = sum(column.total_uncompressed_size for column in columns)
    n_values = sum(column.num_values for column in columns)
    return bool(n_bytes < _BYTES_OF_TEXT * n_values)


def _safe_rows(file: BinaryIO, schema: Any, group: Any, table_bytes: int) -> int:
    """Return how many rows surely fit into memory, beside what their pages take.

    A page has a text once, and a byte for thousands of rows that have it.
    """
    # What a group says of the type of a column does not decide how it is read.
    texts = [i for i in range(len(schema)) if schema.column(i).physical_type == "BYTE_ARRAY"]
    columns = map(group.column, texts)
    longest = sum(n_bytes_repeated(file, *_pages_of(column)) for column in columns)
    return max(1, min(ROWS_AT_ONCE, table_bytes // max(longest, 1)))


def _n_bytes_of_levels(file: BinaryIO, metadata: Any) -> int:
    """Return what the levels of lists take in memory, empty items too: all have two."""
    lists = [
        i for i in range(metadata.num_columns) if metadata.schema.column(i).max_repetition_level > 0
    ]
    n_values = 0
    for group in _groups(metadata):
        for column in map(group.column, lists):
            n_values += sum(n_values_in_pages(file, *_pages_of(column)))
    return _BYTES_OF_LEVELS * n_values


def _groups(metadata: Any) -> list[Any]:
    return [metadata.row_group(number) for number in range(metadata.num_row_groups)]


def _pages_of(column: Any) -> tuple[int, int]:
    """Return where the pages of a column of a group of rows start and stop."""
    start = column.data_page_offset
    if column.has_dictionary_page and 0 < column.dictionary_page_offset < start:
        start = column.dictionary_page_offset
    return start, start + column.total_compressed_size


def _checked(batches: Iterable[Any], source: ArrowSource) -> Iterator[Any]:
    """Validate batches, and count what they have in memory."""
    n_bytes = 0
    for batch in batches:
        batch.validate(full=True)  # before anything else: nbytes follows offsets
        n_bytes += batch.nbytes + sum(map(n_bytes_shown, batch.columns))
        source.refuse_too_much("table_bytes", n_bytes)
        yield batch


def _joined(batches: Iterable[Any]) -> Iterator[Any]:
    """Join small batches to batches of a hundred thousand rows, or of many bytes."""
    parts: list[Any] = []
    n_rows = n_bytes = 0
    for batch in batches:
        if n_rows + batch.num_rows > ROWS_AT_ONCE:
            yield from _as_one(parts)
            parts, n_rows, n_bytes = [], 0, 0
        parts.append(batch)
        n_rows += batch.num_rows
        n_bytes += batch.nbytes
        if n_rows >= ROWS_AT_ONCE or n_bytes >= BYTES_AT_ONCE:
            yield from _as_one(parts)
            parts, n_rows, n_bytes = [], 0, 0
    yield from _as_one(parts)


def _as_one(batches: list[Any]) -> Iterator[Any]:
    import pyarrow as pa

    if len(batches) < 2:
        yield from batches
    else:
        yield from pa.Table.from_batches(batches).combine_chunks().to_batches()


def _ipc(file: BinaryIO, source: ArrowSource) -> Iterator[Any]:
    import pyarrow as pa

    sizes = declared_sizes(file)
    source.refuse_too_much("rows", sizes.n_rows)
    source.refuse_too_much("table_bytes", sizes.n_bytes)
    with pa.ipc.open_file(pa.PythonFile(PooledFile(file), mode="r")) as reader:
        source.refuse_other_types(reader.schema)
        yield from _checked(map(reader.get_batch, range(reader.num_record_batches)), source)


class PooledFile:
    """A file from which Arrow reads into memory of its own pool.

    Arrow asks a file of Python for bytes, which are memory anew for each read: a third of
    the time of reading went into that.

    Parameters
    ----------
    file : file
        Open, to be read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._readinto: Final = file.readinto  # type: ignore[attr-defined]  # as files have
        self._size: Final = os.fstat(file.fileno()).st_size
        self.seek: Final = file.seek
        self.tell: Final = file.tell
        self.read: Final = file.read
        self.closed = False

    def read_buffer(self, n_bytes: int) -> Any:
        """Return so many bytes, fewer at the end of the file: whoever wrote it may ask for any."""
        import pyarrow as pa

        n_left = max(0, self._size - self.tell())
        buffer = pa.allocate_buffer(min(n_bytes, n_left))
        n_read = self._readinto(memoryview(buffer))
        return buffer.slice(0, n_read)

    def close(self) -> None:
        """Leave the file open: whoever opened it closes it."""
        self.closed = True
