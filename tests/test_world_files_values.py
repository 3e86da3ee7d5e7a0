"""What arrays of Arrow have that JSON has not is refused, and what they show many times counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

import ecs_columnar as ecs
from ecs_columnar.io import arrow_columns
from ecs_columnar.io.arrow_values import as_plain, fault_of_schema, n_bytes_shown
from ecs_columnar.io.limits import Limits
from ecs_columnar.services.columns import factorize
from tests.broken_files import Target
from tests.test_world_files_tables import MEGABYTE, columns_of, ipc, services
from tests.world_files import lines, load

# --- types ---------------------------------------------------------------------------

TWINS = pa.struct([("id", pa.int8()), ("id", pa.int8())])
REFUSED = (
    pa.timestamp("s"), pa.date32(), pa.duration("ns"), pa.binary(), pa.decimal128(9, 2), TWINS,
    pa.map_(pa.string(), pa.int8()), pa.list_view(pa.int8()), pa.large_list_view(pa.int8()),
    pa.run_end_encoded(pa.int32(), pa.int8()), pa.dictionary(pa.int8(), pa.list_(pa.int8())),
    pa.dictionary(pa.int8(), pa.null()), pa.dense_union([pa.field("a", pa.int8())]),
    pa.uuid(),
)  # fmt: skip
TAKEN = (
    pa.null(), pa.bool_(), pa.int8(), pa.uint64(), pa.float32(), pa.string(), pa.large_string(),
    pa.string_view(), pa.dictionary(pa.uint32(), pa.string()), pa.struct([("id", pa.int8())]),
    pa.struct([]), pa.list_(pa.string_view()), pa.large_list(pa.int8()),
    pa.dictionary(pa.uint32(), pa.large_string()), pa.dictionary(pa.int8(), pa.string_view()),
)  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED, ids=str)
def test_types_that_json_has_not_are_refused_wherever_they_are(kind: pa.DataType) -> None:
    around = [kind, pa.list_(kind), pa.struct([("x", kind)]), pa.large_list(pa.list_(kind, 2))]

    faults = [fault_of_schema(pa.schema([("a", pa.int8()), ("b", each)])) for each in around]

    message = "the column is of Arrow type {}, which no component takes; cast it"
    assert faults == [("b", message.format(each)) for each in around]


@pytest.mark.parametrize("kind", TAKEN, ids=str)
def test_types_that_json_has_are_taken_wherever_they_are(kind: pa.DataType) -> None:
    around = [kind, pa.list_(kind), pa.struct([("x", kind)]), pa.large_list(pa.list_(kind, 2))]

    assert [fault_of_schema(pa.schema([("a", each)])) for each in around] == [None] * 4


@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_a_time_that_python_does_not_know_is_refused_before_it_is_read(
    tmp_path: Path, suffix: str
) -> None:
    times = pa.array([[2**62]], pa.list_(pa.timestamp("us")))
    table, path = pa.table(columns_of(1, rich_parts=times)), tmp_path / f"w.{suffix}"
    if suffix == "arrow":
        path.write_bytes(ipc(table))
    else:
        pq.write_table(table, path)

    (line,) = lines(load(path, services()))

    assert line.startswith(f"w.{suffix}: $['core:rich.parts']: the column is of Arrow type list<")


def test_the_name_of_a_field_that_is_no_text_is_refused(tmp_path: Path) -> None:
    data = ipc(pa.table(columns_of(1, rich_parts=pa.array([[{"unique": 1}]]))))
    assert data.count(b"unique") == 2  # at the start, and in the footer
    (tmp_path / "w.arrow").write_bytes(data.replace(b"unique", b"uni\xffue"))

    (line,) = lines(load(tmp_path / "w.arrow", services()))

    assert line.startswith("w.arrow: $: cannot be read: 'utf-8' codec can't decode byte 0xff")


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.uint32(), pa.uint64()], ids=str)
def test_numbers_of_a_dictionary_may_be_unsigned(kind: pa.DataType) -> None:
    column = pa.array(["b", None, "a", "b"]).cast(pa.dictionary(kind, pa.string()))

    codes, values = factorize(column)

    assert [values[code] for code in codes.tolist()] == ["b", None, "a", "b"]


@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_a_world_of_nobody_is_loaded_as_it_was_written(tmp_path: Path, suffix: Any) -> None:
    ecs.World().to_files(tmp_path / "w", format=suffix)

    assert len(ecs.World.from_files(tmp_path / "w")) == 0


# --- sizes ---------------------------------------------------------------------------


def n_shown(kind: pa.DataType, values: list[Any]) -> int:
    """Count what `n_bytes_shown` does, with the values at hand."""
    there = [value for value in values if value is not None]
    if pa.types.is_struct(kind):
        return sum(n_shown(each.type, [value[each.name] for value in there]) for each in kind)
    if any(getattr(pa.types, f"is_{name}")(kind) for name in ("list", "fixed_size_list")):
        items = [item for value in there for item in value]
        return 8 * len(items) + n_shown(kind.value_type, items)
    is_once = pa.types.is_string_view(kind) or pa.types.is_dictionary(kind)
    return sum(len(value.encode()) for value in there if isinstance(value, str)) if is_once else 0


text = st.text(max_size=20) | st.sampled_from(["ann", "core:actor", "inn", '{"points": 1}', "[]"])
scalars = st.sampled_from(
    [
        (pa.null(), st.none()),
        (pa.bool_(), st.booleans()),
        (pa.int8(), st.integers(-9, 9)),
        (pa.uint64(), st.integers(0, 2**64 - 1)),
        (pa.float32(), st.floats(width=32)),
        (pa.dictionary(pa.int8(), pa.int64()), st.integers(0, 9)),
        *(
            (kind, text)
            for kind in (
                pa.string(),
                pa.string_view(),
                pa.dictionary(pa.uint32(), pa.string()),
                pa.dictionary(pa.int8(), pa.large_string()),
            )
        ),
    ]
)


def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make lists and structures of what is within."""

    def nested(drawn: tuple[pa.DataType, Any], form: str) -> tuple[pa.DataType, Any]:
        kind, values = drawn[0], st.none() | drawn[1]
        if form == "struct":
            return pa.struct([("a", kind), ("b", pa.int8())]), st.fixed_dictionaries({"a": values})
        if form == "fixed":
            return pa.list_(kind, 2), st.lists(values, min_size=2, max_size=2)
        return pa.list_(kind), st.lists(values, max_size=3)

    return st.builds(nested, inner, st.sampled_from(["struct", "fixed", "list"]))


@st.composite
def columns(draw: st.DrawFn, n: int | None = None) -> pa.Array:
    kind, values = draw(st.recursive(scalars, around, max_leaves=3))
    n_rows = {"max_size": 6} if n is None else {"min_size": n, "max_size": n}
    column = pa.array(draw(st.lists(st.none() | values, **n_rows)), kind)
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type) and draw(st.booleans()):
        return pa.DictionaryArray.from_arrays(column.indices, column.dictionary.cast("string_view"))
    return column


@settings(max_examples=200)
@given(column=columns(), start=st.integers(0, 2))
def test_what_is_shown_is_counted_as_it_will_be(column: pa.Array, start: int) -> None:
    column = column[start:]
    is_dictionary = pa.types.is_dictionary(column.type)

    found = n_bytes_shown(column)

    assert found == (0 if is_dictionary else n_shown(column.type, column.to_pylist()))


@settings(max_examples=200)
@given(column=columns(), start=st.integers(0, 2))
def test_a_plain_column_has_the_same_values_and_no_views(column: pa.Array, start: int) -> None:
    column = column[start:]
    is_dictionary = pa.types.is_dictionary(column.type)

    found = as_plain(column)

    found.validate(full=True)
    assert repr(found.to_pylist()) == repr(column.to_pylist())  # NaN is NaN here
    assert "view" not in str(found.type)
    assert ("dictionary" in str(found.type)) == is_dictionary
    assert (found is column) == (str(column.type) == str(found.type))


NAMES = (
    "instance_id", "definition_id", "core:health", "core:health.points", "core:position",
    "core:position.locationId", "core:rich", "core:rich.name", "core:rich.mass", "core:rich.is_on",
    "core:rich.kind", "core:rich.parts", "core:simple.text", "core:simple.is_on",
)  # fmt: skip


@settings(max_examples=150)
@given(data=st.data(), names=st.lists(st.sampled_from(NAMES), max_size=3), n=st.integers(1, 3))
def test_columns_of_any_types_are_loaded_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, names: list[str], n: int
) -> None:
    table = pa.table(columns_of(n) | {name: data.draw(columns(n)) for name in names})
    path = tmp_path_factory.mktemp("w") / "w.arrow"
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)

    Target(knows_types=True).load(path)


@pytest.mark.parametrize("kind", [pa.list_(pa.string()), pa.struct([("string", pa.string())])])
def test_an_id_is_a_string_and_has_not_just_some_in_it(tmp_path: Path, kind: pa.DataType) -> None:
    ids = pa.array([None], kind)
    (tmp_path / "w.arrow").write_bytes(ipc(pa.table(columns_of(1) | {"instance_id": ids})))

    (line,) = lines(load(tmp_path / "w.arrow", services()))

    assert line.endswith(f"the column is of Arrow type {kind}, and not string")


def viewed(n: int, long: str) -> pa.Array:
    """Return views of one text."""
    one = pa.array([long], pa.string_view())
    views = pa.py_buffer(one.buffers()[1].to_pybytes() * n)
    return pa.Array.from_buffers(pa.string_view(), n, [None, views, *one.buffers()[2:]])


def coded(n: int, long: str) -> pa.Array:
    """Return lists of one text, which a dictionary has."""
    texts = pa.DictionaryArray.from_arrays(np.zeros(n, np.int32), pa.array([long]))
    return pa.ListArray.from_arrays(np.arange(n + 1, dtype=np.int32), texts)


def nothings(n: int, long: str) -> pa.Array:
    """Return lists of nulls, which lie nowhere."""
    starts = np.arange(n + 1, dtype=np.int32) * len(long)
    return pa.ListArray.from_arrays(starts, pa.nulls(n * len(long)))


@pytest.mark.parametrize("of", [viewed, coded, nothings])
def test_what_a_file_has_once_is_counted_for_each_row(tmp_path: Path, of: Any) -> None:
    n, path = 1000, tmp_path / "w.arrow"
    name = "rich_name" if of is viewed else "rich_parts"
    table = pa.table(columns_of(n, **{name: of(n, "x" * (MEGABYTE // 4))}))
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)
    assert path.stat().st_size < MEGABYTE

    (line,) = lines(load(path, services(), limits=Limits(table_bytes=8 * MEGABYTE)))

    assert "table_bytes, 8,388,608 are allowed; raise Limits.table_bytes" in line


def test_a_parquet_column_is_a_text_where_the_schema_says_so_and_not_its_groups(
    tmp_path: Path,
) -> None:
    n, long = 3000, "x" * (MEGABYTE // 4)
    pq.write_table(pa.table(columns_of(n, rich_kind=[long] * n)), tmp_path / "w.parquet")
    data = (tmp_path / "w.parquet").read_bytes()
    is_text, is_number = b"\x1c\x15\x0c\x19", b"\x1c\x15\x04\x19"  # and encodings behind
    assert data.count(is_text) == 3
    (tmp_path / "w.parquet").write_bytes(data.replace(is_text, is_number))
    with (tmp_path / "w.parquet").open("rb") as file:
        metadata = pq.read_metadata(file)
        group = metadata.row_group(0)
        assert {group.column(i).physical_type for i in range(3)} == {"INT64"}

        assert arrow_columns._safe_rows(file, metadata.schema, group, 8 * MEGABYTE) < 40
