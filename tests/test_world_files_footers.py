"""What the footer of a Parquet file says is looked at where pyarrow can refuse it."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from ecs_columnar.io.parquet_footer import read_footer

N_ROWS = 3
MAGIC = b"PAR1"

# Of Thrift's compact protocol: a byte has the distance to the next field, and the type.
I64, BINARY, LIST, STRUCT, STOP = 6, 8, 9, 12, b"\0"


def integer(n: int) -> bytes:
    n <<= 1
    found = b""
    while n > 127:
        found += bytes([n & 127 | 128])
        n >>= 7
    return found + bytes([n])


def field(distance: int, kind: int, *values: bytes) -> bytes:
    return bytes([distance << 4 | kind]) + b"".join(values)


def items(kind: int, *values: bytes) -> bytes:
    return bytes([len(values) << 4 | kind]) + b"".join(values)


HISTOGRAM = items(I64, integer(0), integer(N_ROWS))
LONGER = items(I64, integer(0), integer(N_ROWS), integer(0))
OF_NUMBERS = field(3, STRUCT, field(2, LIST, items(I64)), field(1, LIST, HISTOGRAM))
OF_TEXTS = field(3, STRUCT, field(1, I64, integer(1)), field(1, LIST, items(I64)))
END_OF_STATISTICS = HISTOGRAM + 3 * STOP
"""And of the metadata, and of the column."""

KEY = field(2, STRUCT, field(1, LIST, items(BINARY, b"\x01x")), STOP)
ENCRYPTED = END_OF_STATISTICS[:-1] + field(5, STRUCT, KEY, STOP) + STOP


def written(**columns: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def with_footer(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return a file with something else in its footer."""
    (n,) = struct.unpack("<I", data[-8:-4])
    body, footer = data[: -8 - n], data[-8 - n : -8]
    assert footer.count(old) == 1
    return of_footer(footer.replace(old, new), body)


def of_footer(footer: bytes, body: bytes = MAGIC) -> bytes:
    return body + footer + struct.pack("<I", len(footer)) + MAGIC


def with_columns(n: int) -> bytes:
    """Return a file of one column, whose group of rows has another number of them."""
    data = written(x=[1, 2, 3])
    group = pq.read_metadata(io.BytesIO(data)).row_group(0)
    footer = data[-8 - struct.unpack("<I", data[-8:-4])[0] : -8]
    head = field(1, LIST, items(STRUCT, b""))
    start = footer.index(head + field(2, I64)) + len(head)
    end = footer.rindex(field(1, I64, integer(group.total_byte_size)) + field(1, I64), start)
    one = footer[start:end]
    return with_footer(data, head + one, field(1, LIST, items(STRUCT, *[one] * n)))


def without_columns(n_rows: int) -> bytes:
    """Return a file that has rows and nothing in them."""
    root = field(4, BINARY, b"\x01r") + field(1, 5, integer(0)) + STOP
    group = field(1, LIST, items(STRUCT)) + field(1, I64, integer(0))
    group += field(1, I64, integer(n_rows)) + STOP
    schema, groups = items(STRUCT, root), items(STRUCT, group)
    rest = field(1, I64, integer(N_ROWS)) + field(1, LIST, groups) + STOP
    return of_footer(field(1, 5, integer(2)) + field(1, LIST, schema) + rest)


NUMBERS = written(x=[1, 2, 3])
FORGED = {
    "longer": with_footer(NUMBERS, field(1, LIST, HISTOGRAM), field(1, LIST, LONGER)),
    "texts": with_footer(NUMBERS, OF_NUMBERS[:3], OF_TEXTS),
    "encrypted": with_footer(NUMBERS, END_OF_STATISTICS, ENCRYPTED),
    "more": with_columns(2),
    "fewer": with_columns(0),
    "nothing": without_columns(2**40),
}
LINES = {
    "longer": "Definition level histogram size mismatch",
    "texts": "Unencoded byte array data bytes does not support",
    "encrypted": "Cannot decrypt ColumnMetadata",
    "more": "its rows have 2 columns in a group, and 1 in all",
    "fewer": "its rows have 0 columns in a group, and 1 in all",
    "nothing": "it has no columns",
}
LOADS = """
import sys
from tests.test_world_files_footers import FORGED
from tests.test_world_files_tables import services
from tests.world_files import load, lines
for name, data in FORGED.items():
    path = f"{sys.argv[1]}/{name}.parquet"
    with open(path, "wb") as file:
        file.write(data)
    print(*lines(load(path, services())), flush=True)
"""


def test_a_forged_footer_is_refused_and_ends_no_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOADS, str(tmp_path)]

    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    for line, (name, reason) in zip(done.stdout.splitlines(), LINES.items(), strict=True):
        assert line.startswith(f"{name}.parquet: $: cannot be read: {reason}")


@pytest.mark.parametrize("name", FORGED)
def test_what_is_wrong_with_any_column_is_raised_with_the_footer(name: str) -> None:
    with pytest.raises((OSError, ValueError), match=LINES[name]):
        read_footer(io.BytesIO(FORGED[name]))


@settings(max_examples=50)
@given(
    numbers=st.lists(st.none() | st.integers(0, 9), max_size=12),
    texts=st.lists(st.none() | st.lists(st.text(max_size=3), max_size=3), min_size=12, max_size=12),
    group_size=st.integers(1, 5),
    version=st.sampled_from(["1.0", "2.0"]),
)
def test_a_footer_is_what_pyarrow_reads(
    numbers: list[int | None], texts: list[list[str] | None], group_size: int, version: str
) -> None:
    n, file = len(numbers), io.BytesIO()
    parts = pa.array([{"a": number} for number in numbers], pa.struct({"a": pa.int8()}))
    columns = {"n": pa.array(numbers, pa.int64()), "t": pa.array(texts[:n]), "p": parts}
    pq.write_table(pa.table(columns), file, row_group_size=group_size, data_page_version=version)

    found = read_footer(file)

    assert found == pq.read_metadata(file)
    for number in range(found.num_row_groups):
        for i in range(found.num_columns):
            assert found.row_group(number).column(i).num_values >= 0


class Counting(io.BytesIO):
    """A file that tells what was read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.read_from: list[int] = []

    def read(self, n_bytes: int | None = -1) -> bytes:
        self.read_from.append(self.tell())
        return super().read(n_bytes)


def test_a_footer_is_read_without_any_page() -> None:
    data = written(x=range(100_000))
    file = Counting(data)

    metadata = read_footer(file)

    column = metadata.row_group(0).column(0)
    assert min(file.read_from) >= column.data_page_offset
    assert len(data) - min(file.read_from) <= 2**16 + 8


@pytest.mark.parametrize("data", [b"", MAGIC, NUMBERS[:-1], b"x" * 100])
def test_what_has_no_footer_is_refused(data: bytes) -> None:
    with pytest.raises((OSError, ValueError)):
        read_footer(io.BytesIO(data))
