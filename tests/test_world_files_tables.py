"""Parquet and Arrow files: what they say of themselves is checked, and what they say is taken."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

import ecs_columnar as ecs
from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoding import to_objects
from ecs_columnar.io import arrow_columns, arrow_output
from ecs_columnar.io.arrow_columns import ArrowSource
from ecs_columnar.io.arrow_sizes import declared_sizes
from ecs_columnar.io.folder import Folder
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.parquet_pages import n_bytes_repeated, n_values_in_pages
from ecs_columnar.io.problem import WorldFileError
from ecs_columnar.services import Services, create_default_services_with_config
from ecs_columnar.services.world_files import contents_digest
from tests.broken_files import RICH
from tests.world_files import ACTOR, HEALTH, lines, load

MEGABYTE = 2**20

ENCODINGS = ("PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY")


def services() -> Services:
    found = create_default_services_with_config()
    for declared in (HEALTH, RICH):
        found.components.register(declared)
    found.definitions.register(ACTOR)
    return found


def columns_of(n: int, **more: Any) -> dict[str, Any]:
    ids = {"instance_id": [f"a{i}" for i in range(n)], "definition_id": ["core:actor"] * n}
    return ids | {f"core:{name.replace('_', '.', 1)}": column for name, column in more.items()}


def ipc(table: pa.Table, compression: str | None = None) -> bytes:
    sink, options = pa.BufferOutputStream(), pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=15)
    return sink.getvalue().to_pybytes()


# --- sizes ---------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@given(
    texts=st.lists(st.text(max_size=30) | st.none(), max_size=40),
    is_coded=st.booleans(),
)
def test_sizes_are_known_before_anything_is_decompressed(
    compression: str, texts: list[str | None], is_coded: bool
) -> None:
    text = pa.array(texts, pa.string())
    table = pa.table({"text": text.dictionary_encode() if is_coded else text, "n": [1] * len(text)})
    plain, small = (io.BytesIO(ipc(table, each)) for each in (None, compression))

    sizes = declared_sizes(small)

    assert sizes.n_rows == len(texts)
    assert sizes == declared_sizes(plain)
    assert sizes.n_bytes >= table.nbytes - 8 * len(texts)  # a mask that is all ones is left out
    assert small.tell() == 0


@given(data=st.data())
def test_what_is_no_arrow_file_has_no_sizes_and_breaks_nothing(data: st.DataObject) -> None:
    whole = ipc(pa.table(columns_of(20)), "zstd")
    at = data.draw(st.integers(0, len(whole) - 8))
    number = data.draw(st.sampled_from([0, 1, 2**31 - 1, 2**32 - 1, 2**62, 2**63]))
    changed = whole[:at] + struct.pack("<Q", number) + whole[at + 8 :]

    try:
        sizes = declared_sizes(io.BytesIO(changed[: data.draw(st.sampled_from([-1, at]))]))
    except (ValueError, struct.error):
        return

    assert isinstance(sizes.n_bytes, int)


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_an_arrow_file_that_would_fill_the_memory_is_refused_compressed(
    tmp_path: Path, compression: str
) -> None:
    zeros = pa.array(np.zeros(4 * MEGABYTE, np.int64))
    n = len(zeros)
    table = pa.table({**columns_of(0), "core:health.points": pa.array([], pa.int64())})
    big = pa.table({"core:health.points": zeros})
    sink, options = pa.BufferOutputStream(), pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(sink, big.schema, options=options) as writer:
        writer.write_table(big)
    (tmp_path / "w.arrow").write_bytes(sink.getvalue())
    assert (tmp_path / "w.arrow").stat().st_size < MEGABYTE
    del big, zeros, table, sink
    before = pa.total_allocated_bytes()

    by_bytes = load(tmp_path / "w.arrow", services(), limits=Limits(table_bytes=MEGABYTE))
    by_rows = load(tmp_path / "w.arrow", services(), limits=Limits(rows=n - 1))

    assert lines(by_bytes) == [
        f"w.arrow: $: has {8 * n:,} table_bytes, {MEGABYTE:,} are allowed; raise Limits.table_bytes"
    ]
    assert "raise Limits.rows" in lines(by_rows)[0]
    assert pa.total_allocated_bytes() <= before


def test_a_forged_length_of_a_buffer_is_refused(tmp_path: Path) -> None:
    whole = ipc(pa.table(columns_of(15, health_points=[7] * 15)), "zstd")
    length = struct.pack("<q", 8 * 15)
    assert length in whole
    (tmp_path / "w.arrow").write_bytes(whole.replace(length, struct.pack("<q", 2**50)))

    result = load(tmp_path / "w.arrow", services())

    assert "raise Limits.table_bytes" in lines(result)[0]


def test_a_long_text_that_parquet_has_once_is_counted_for_each_row(tmp_path: Path) -> None:
    n, long = 3000, "x" * (MEGABYTE // 4)
    pq.write_table(pa.table(columns_of(n, rich_kind=[long] * n)), tmp_path / "w.parquet")
    assert (tmp_path / "w.parquet").stat().st_size < MEGABYTE
    pool = pa.default_memory_pool()
    limits = Limits(table_bytes=8 * MEGABYTE)

    result = load(tmp_path / "w.parquet", services(), limits=limits)

    assert "raise Limits.table_bytes" in lines(result)[-1]
    assert result.instantiated_count == 0
    if pool.max_memory() is not None and pool.backend_name != "system":
        assert pa.total_allocated_bytes() < 64 * MEGABYTE


def test_a_long_start_that_parquet_has_once_is_counted_for_each_row(tmp_path: Path) -> None:
    n, long = 3000, "x" * (MEGABYTE // 4)
    table = pa.table(columns_of(n, rich_kind=[f"{long}{i}" for i in range(n)]))
    encoding = dict.fromkeys(table.column_names, "PLAIN") | {"core:rich.kind": "DELTA_BYTE_ARRAY"}
    pq.write_table(table, tmp_path / "w.parquet", use_dictionary=False, column_encoding=encoding)
    assert (tmp_path / "w.parquet").stat().st_size < MEGABYTE
    del table

    result = load(tmp_path / "w.parquet", services(), limits=Limits(table_bytes=8 * MEGABYTE))

    assert "raise Limits.table_bytes" in lines(result)[-1]
    assert result.instantiated_count == 0


def test_rows_that_are_read_a_few_at_a_time_are_all_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = 500
    names = ["ab" * (i % 3) + "x" for i in range(n)]
    table = pa.table(columns_of(n, rich_name=names, health_points=list(range(n))))
    pq.write_table(table, tmp_path / "w.parquet", row_group_size=70)
    known = [services(), services()]
    load(tmp_path / "w.parquet", known[0])

    monkeypatch.setattr(arrow_columns, "ROWS_AT_ONCE", 150)
    monkeypatch.setattr(arrow_columns, "_safe_rows", lambda *_: 7)
    result = load(tmp_path / "w.parquet", known[1])

    assert result.instantiated_count == n
    assert len({contents_digest(each.world) for each in known}) == 1


def pages_of(data: bytes) -> list[list[int]]:
    group = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0)
    found = []
    for column in map(group.column, range(group.num_columns)):
        offsets = [column.data_page_offset, column.dictionary_page_offset]
        start = min(offset for offset in offsets if offset is not None)
        stop = start + column.total_compressed_size
        found.append(list(n_values_in_pages(io.BytesIO(data), start, stop)))
    return found


@settings(max_examples=30)
@given(
    lists=st.lists(st.none() | st.lists(st.none() | st.text(max_size=3), max_size=5), min_size=1),
    version=st.sampled_from(["1.0", "2.0"]),
    compression=st.sampled_from(["none", "zstd", "snappy"]),
    is_coded=st.booleans(),
    has_checksum=st.booleans(),
)
def test_pages_say_how_many_values_they_have(
    lists: list[Any], version: str, compression: str, is_coded: bool, has_checksum: bool
) -> None:
    sink = pa.BufferOutputStream()
    table = pa.table({"x": pa.array(lists, pa.list_(pa.string())), "y": [1.5] * len(lists)})
    pq.write_table(
        table,
        sink,
        data_page_version=version,
        compression=compression,
        use_dictionary=is_coded,
        write_page_checksum=has_checksum,
        data_page_size=1,
        write_batch_size=3,
    )

    found = pages_of(sink.getvalue().to_pybytes())

    assert [sum(each) for each in found] == [sum(len(x or [0]) or 1 for x in lists), len(lists)]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("encoding", ["dictionary", *ENCODINGS])
def test_pages_say_how_long_a_text_may_be_that_comes_again(
    encoding: str, compression: str, version: str
) -> None:
    texts = ["x" * 1000, "x" * 1000, "y" * 500] * 20
    is_coded = encoding == "dictionary"
    sink, options = pa.BufferOutputStream(), {"column_encoding": encoding}
    pq.write_table(
        pa.table({"x": texts}),
        sink,
        use_dictionary=is_coded,
        data_page_version=version,
        compression=compression,
        **({} if is_coded else options),
    )
    file = io.BytesIO(sink.getvalue().to_pybytes())
    column = pq.read_metadata(file).row_group(0).column(0)

    found = n_bytes_repeated(file, *arrow_columns._pages_of(column))

    if encoding in ("PLAIN", "DELTA_LENGTH_BYTE_ARRAY"):
        assert found == 0
    else:
        assert 1000 <= found <= len("".join(texts))


def test_a_page_is_of_the_kind_that_it_says_whatever_else_it_has() -> None:
    def head(kind: int, first: int, second: int) -> bytes:
        """Write the head of a page with what both kinds say: values, and encodings."""
        sizes = bytes([0x15, 2 * kind, 0x15, 2 * 60, 0x15, 2 * 5])
        of_first = bytes([0x2C, 0x15, 2, 0x15, 2 * first, 0])
        of_second = bytes([0x3C, 0x15, 2, 0x15, 0, 0x15, 0, 0x15, 2 * second, 0])
        return sizes + of_first + of_second + b"\0" + bytes(5)

    plain, delta = 0, 7
    found = {
        (kind, *encodings): n_bytes_repeated(io.BytesIO(data), 0, len(data))
        for kind in (0, 2, 3)
        for encodings in ((plain, plain), (plain, delta), (delta, plain))
        for data in [head(kind, *encodings)]
    }

    assert [key for key, n in found.items() if n == 0] == [
        (0, plain, plain),
        (0, plain, delta),
        (3, plain, plain),
        (3, delta, plain),
    ]
    assert {n for n in found.values() if n} == {60}


@pytest.mark.parametrize("kind", [b"\x1c\x15\x02\0", b""], ids=["a structure", "none"])
def test_a_page_of_no_kind_is_refused(kind: bytes) -> None:
    sizes = bytes([0x25 if not kind else 0x15, 2 * 60, 0x15, 2 * 5])

    with pytest.raises(ValueError, match="a page is of no kind"):
        n_bytes_repeated(io.BytesIO(kind + sizes + b"\0" + bytes(5)), 0, len(kind) + 10)


def test_a_page_whose_encoding_is_no_number_counts_with_all_its_bytes() -> None:
    page = bytes([0x2C, 0x15, 2, 0x1C, 0, 0])
    data = bytes([0x15, 0, 0x15, 2 * 60, 0x15, 2 * 5]) + page + b"\0" + bytes(5)

    assert n_bytes_repeated(io.BytesIO(data), 0, len(data)) == 60


@pytest.mark.parametrize("n_bytes", [0, 400, 512, 5000, MEGABYTE - 30, MEGABYTE])
def test_the_head_of_a_page_may_be_long_and_not_longer_than_a_megabyte(n_bytes: int) -> None:
    sizes = bytes([0x15, 0, 0x15, 2 * 60, 0x15, 2 * 5])
    unknown = b"\x18" + varint(n_bytes) + bytes(n_bytes)
    page = sizes + unknown + bytes([0x1C, 0x15, 2 * 7, 0, 0]) + bytes(5)
    data = io.BytesIO(b"xy" + page * 2)

    found = n_values_in_pages(data, 2, 2 + 2 * len(page))

    if n_bytes < MEGABYTE:
        assert list(found) == [7, 7]
    else:
        with pytest.raises(ValueError, match="ends too early"):
            next(found)


def test_parquet_has_no_dictionary_of_ids(tmp_path: Path) -> None:
    def encodings(more: dict[str, Any]) -> list[bool]:
        path = tmp_path / "w.parquet"
        with path.open("wb") as file:
            columns = {name: pa.array(values) for name, values in (columns_of(9) | more).items()}
            arrow_output.write_columns(columns, file, is_parquet=True)
        group = pq.read_metadata(path).row_group(0)
        return [group.column(i).has_dictionary_page for i in range(group.num_columns)]

    assert encodings({}) == [False, True]
    assert encodings({"core:rich.parts": [["a"]] * 9}) == [True, True, True]


@given(st.binary(max_size=80))
def test_what_is_no_page_has_no_values_and_breaks_nothing(data: bytes) -> None:
    try:
        found = list(n_values_in_pages(io.BytesIO(data), 0, len(data)))
    except ValueError:
        return
    assert all(n >= 0 for n in found)


def varint(n: int) -> bytes:
    return bytes([n & 127 | 128]) + varint(n >> 7) if n > 127 else bytes([n])


def empty_items(n: int) -> bytes:
    items = pa.ListArray.from_arrays(pa.array([0, n], pa.int32()), pa.nulls(n, pa.int8()))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns_of(1, rich_parts=items)), sink, data_page_size=1 << 30)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("is_forged", [False, True])
def test_empty_items_are_counted_before_they_are_decoded(tmp_path: Path, is_forged: bool) -> None:
    n = 20_000_000
    data = empty_items(n)
    if is_forged:  # the metadata says less than the page
        at = data.rindex(b"element", 0, data.index(varint(n << 1), len(data) // 2))
        at = data.index(varint(n << 1), at)
        data = data[:at] + varint(16_800_000 << 1) + data[at + 4 :]
        metadata = pq.ParquetFile(io.BytesIO(data)).metadata
        assert metadata.row_group(0).column(2).num_values == 16_800_000
    (tmp_path / "w.parquet").write_bytes(data)
    before = pa.total_allocated_bytes()

    result = load(tmp_path / "w.parquet", services(), limits=Limits(table_bytes=70 * MEGABYTE))

    (line,) = lines(result)
    assert "has 80,000,000 table_bytes, 73,400,320 are allowed" in line
    assert pa.total_allocated_bytes() == before


# --- what has crashed ----------------------------------------------------------------

FORGED = """
import struct, sys
import pyarrow as pa
from tests.test_world_files_tables import columns_of, ipc, services
from tests.world_files import load, lines
table = pa.table(columns_of(5, rich_parts=pa.array([["x"] * 7] * 5)))
whole = ipc(table)
offsets = struct.pack("<6i", 0, 7, 14, 21, 28, 35)
assert whole.count(offsets) == 1
with open(sys.argv[1], "wb") as file:
    file.write(whole.replace(offsets, struct.pack("<6i", 0, 7, 14, 21, 28, 2**31 - 8)))
print(*lines(load(sys.argv[1], services())))
"""


def test_a_list_that_ends_outside_of_its_file_is_refused_and_ends_no_process(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", FORGED, str(tmp_path / "w.arrow")]

    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "w.arrow: $: cannot be read: " in done.stdout


# --- strings as bytes ----------------------------------------------------------------

NAMED = {
    "id": "core:named",
    "dataSchema": {
        "properties": {
            "short": {"type": "string", "minLength": 2, "maxLength": 4},
            "needed": {"type": ["string", "null"]},
            "kind": {"enum": ["ab", "é😀"]},
            "match": {"type": "string", "pattern": "^[a-zé]*$"},
        },
        "required": ["needed"],
    },
}
TYPES = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()))
texts = st.one_of(
    st.none(), st.sampled_from(["", "ab", "é😀", "éé", "ABC", "abcde"]), st.text(max_size=6)
)


@settings(max_examples=30)
@given(
    rows=st.lists(st.tuples(texts, texts, texts, texts, texts), min_size=1, max_size=12),
    kind=st.sampled_from(TYPES),
    start=st.integers(0, 2),
)
def test_strings_of_arrow_are_taken_as_lists_of_them_are(
    rows: list[tuple[str | None, ...]], kind: pa.DataType, start: int
) -> None:
    names = ["short", "needed", "kind", "match"]
    found = []
    for is_arrow in (True, False):
        made = services()
        made.components.register(NAMED)
        columns: dict[str, Any] = {
            "instance_id": [f"a{i}" for i in range(len(rows))],
            "definition_id": ["core:actor"] * len(rows),
        }
        for name, values in zip([*names, "place"], zip(*rows, strict=True), strict=True):
            whole = pa.array([None] * start + list(values), pa.string()).cast(kind)
            key = "core:position.locationId" if name == "place" else f"core:named.{name}"
            columns[key] = whole[start:] if is_arrow else list(values)
        result = made.batch_operation_manager.batch_create_entities(columns)
        errors = [(f.index, str(f.error)) for f in result.failures]
        made.world.check()
        found.append((errors, made.world.digest()))

    assert found[0] == found[1]


def test_strings_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    odd = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(struct.pack("<3i", 0, 1, 2)), pa.py_buffer(b"a\xff")]
    )
    (tmp_path / "w.arrow").write_bytes(ipc(pa.table(columns_of(2, rich_name=odd))))

    result = load(tmp_path / "w.arrow", services())

    assert len(result.problems) == 1
    assert result.total_processed == 0


# --- components as JSON --------------------------------------------------------------


def test_who_has_broken_json_is_named_and_the_others_are_loaded(tmp_path: Path) -> None:
    n = 30
    texts = ['{"points": 1}'] * n
    texts[17], texts[29] = "{", '{"points": -1}'
    (tmp_path / "w.arrow").write_bytes(ipc(pa.table(columns_of(n, health=texts))))

    result = load(tmp_path / "w.arrow", services())

    assert result.instantiated_count == n - 2
    assert len(lines(result)) == 2
    assert lines(result)[0].startswith("w.arrow: $[17]['core:health']: ")
    assert lines(result)[1].startswith("w.arrow: $[29].componentOverrides['core:health']: ")


@pytest.mark.parametrize("is_coded", [False, True])
def test_json_in_columns_is_not_longer_than_a_file_or_a_table(
    tmp_path: Path, is_coded: bool
) -> None:
    texts = pa.array(['{"points": ' + " " * 1000 + "1}"] * 20)
    column = texts.dictionary_encode() if is_coded else texts
    (tmp_path / "w.arrow").write_bytes(ipc(pa.table(columns_of(20, health=column)), "zstd"))

    one = load(tmp_path / "w.arrow", services(), limits=Limits(file_bytes=1000))
    fits = load(tmp_path / "w.arrow", services(), limits=Limits(file_bytes=1013))

    assert "a text has 1,013 bytes of JSON, 1,000 are allowed" in lines(one)[0]
    assert fits.instantiated_count == 20
    if is_coded:
        every = load(tmp_path / "w.arrow", services(), limits=Limits(table_bytes=10_000))
        assert "a part of the column has 15,195 bytes of JSON" in lines(every)[0]


def test_a_world_of_columns_is_the_one_of_lines(tmp_path: Path) -> None:
    made = services()
    columns = columns_of(40, health_points=list(range(40)), position_locationId=["a1", None] * 20)
    made.batch_operation_manager.batch_create_entities(columns)
    digests = set()
    for suffix in ("json", "ndjson", "parquet", "arrow"):
        made.world.to_files(tmp_path / suffix, format=suffix)  # type: ignore[arg-type]
        digests.add(contents_digest(ecs.World.from_files(tmp_path / suffix)))

    assert len(digests) == 1


# --- how many there are --------------------------------------------------------------


@pytest.mark.parametrize("name", ["crew.arrow", "crew.parquet"])
def test_a_file_says_how_many_there_are_before_it_is_read(name: str, tmp_path: Path) -> None:
    table, told = pa.table(columns_of(40)), []
    path = tmp_path / name
    if name.endswith("arrow"):
        path.write_bytes(ipc(table))
    else:
        pq.write_table(table, path, row_group_size=15)

    result = load(
        path, services(), on_progress=lambda i, n_blocks, done, total, *rest: told.append(total)
    )

    assert result.instantiated_count == 40
    assert set(told) == {40}


@pytest.mark.parametrize("name", ["crew.arrow", "crew.parquet"])
def test_a_file_that_cannot_say_how_many_there_are_is_refused_when_it_is_read(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(b"PAR1 ARROW1")
    source = ArrowSource(Folder(tmp_path, Limits()), name)

    assert source.n_instances is None
    with pytest.raises(WorldFileError, match="cannot be read"):
        list(source.blocks(print))


def test_a_file_that_says_more_than_is_allowed_says_nothing(tmp_path: Path) -> None:
    pq.write_table(pa.table(columns_of(40)), tmp_path / "crew.parquet")

    assert ArrowSource(Folder(tmp_path, Limits(rows=39)), "crew.parquet").n_instances is None


def world_of(path: Path, services: Services) -> str:
    services.world_loading_service.load_world(path)
    return contents_digest(services.world)


@pytest.mark.parametrize("rows_at_once", [7, 1 << 18])
@pytest.mark.parametrize("group_size", [3, 20, 1000])
def test_texts_that_come_again_are_the_same_as_others(
    group_size: int, rows_at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow_columns, "ROWS_AT_ONCE", rows_at_once)
    texts = [f"text {i % 3}" if i % 7 else None for i in range(200)]
    table = pa.table(columns_of(200, rich_text=pa.array(texts)))
    paths = [tmp_path / name for name in ("few.parquet", "plain.parquet", "plain.arrow")]
    pq.write_table(table, paths[0], row_group_size=group_size)
    pq.write_table(table, paths[1], row_group_size=group_size, use_dictionary=False)
    paths[2].write_bytes(ipc(table))

    sources = [ArrowSource(Folder(tmp_path, Limits()), path.name) for path in paths]
    kinds = [
        {type(block.columns["core:rich.text"]) for block in source.blocks(print)}
        for source in sources
    ]
    worlds = [world_of(path, services()) for path in paths]

    assert len(set(worlds)) == 1
    are_enough = rows_at_once > 200
    assert group_size < 1000 or kinds[0] == {Coded if are_enough else pa.DictionaryArray}
    assert kinds[1] <= ({Coded} if are_enough else {pa.StringArray, Texts})
    assert kinds[2] <= {pa.StringArray, Texts}  # of which a batch has a few


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([f"kind {i % 5}" for i in range(2000)], Coded),
        ([f"kind {i % 5}" if i % 3 else None for i in range(2000)], Coded),
        ([f"text {i}" for i in range(2000)], Texts),
        (["kind"] * 1024 + [f"text {i}" for i in range(1024)], Texts),
        ([f"text {i}" if i % 3 else None for i in range(2000)], pa.StringArray),
        ([], Texts),
    ],
)
def test_texts_that_repeat_are_told_apart_where_they_are_read(
    texts: list[str | None], expected: type
) -> None:
    column = arrow_columns._as_texts(pa.array(texts, pa.string()))

    assert type(column) is expected
    assert to_objects(column) == texts


def test_a_large_batch_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_columns, "ROWS_AT_ONCE", 7)
    (tmp_path / "w.arrow").write_bytes(ipc(pa.table(columns_of(15, health_points=[*range(15)]))))

    blocks = list(ArrowSource(Folder(tmp_path, Limits()), "w.arrow").blocks(print))

    assert [len(block) for block in blocks] == [7, 7, 1]
    assert [block.place(0) for block in blocks] == [("w.arrow", f"$[{i}]") for i in (0, 7, 14)]
    assert blocks[1].columns["core:health.points"].to_pylist() == [*range(7, 14)]
    assert load(tmp_path / "w.arrow", services()).instantiated_count == 15


def test_arrow_makes_no_room_for_bytes_that_a_file_has_not(tmp_path: Path) -> None:
    path = tmp_path / "some"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        pooled = arrow_columns.PooledFile(file)

        first = pooled.read_buffer(4).to_pybytes()
        rest = pooled.read_buffer(2**60).to_pybytes()
        nothing = pooled.read_buffer(2**60).to_pybytes()
        pooled.close()

        assert (first, rest, nothing) == (b"0123", b"456789", b"")
        assert pooled.closed
        assert not file.closed
