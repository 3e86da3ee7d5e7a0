"""Strings as bytes, from everything that holds strings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib.machinery import ModuleSpec
from random import Random
from types import ModuleType
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoded import FIRST_SEED, Encoded, to_bytes, to_text, to_texts
from ecs_columnar.encoding import blank, coded, encode, n_characters, to_objects
from ecs_columnar.errors import InvalidArgumentError, ValidationError

texts = st.one_of(st.text(st.characters(), max_size=9), st.text("ab\0 é", max_size=3))
without_end_zeros = st.text(st.characters(), max_size=9).map(lambda text: text.rstrip("\0"))

SAMPLE = ["harbour", "", "café", "a\ud800", "x" * 100, "harbour"]
PLAIN = ["harbour", "", "café", "x" * 100, "harbour"]


class Name(str):
    """A string of another class."""

    __slots__ = ()


def to_categorical(items: list[str]) -> pd.Categorical:
    """Make categories as objects: pandas' own strings have no lone surrogates."""
    categories = list(dict.fromkeys(items))
    codes = [categories.index(item) for item in items]
    return pd.Categorical.from_codes(codes, pd.Index(categories, dtype=object))


def texts_of(strings: Iterable[object], **options: Any) -> list[str | None]:
    return encode(strings, **options).texts()


@given(st.lists(texts, max_size=9))
def test_strings_come_back(items: list[str]) -> None:
    encoded = encode(items)

    assert encoded.texts() == items
    assert encoded.n_strings == len(items)
    assert encoded.missing is None


@given(texts)
def test_a_string_is_one_string(item: str) -> None:
    assert texts_of(item) == [item]
    assert to_text(to_bytes(item)) == item


@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=9), min_size=1))
def test_texts_with_zero_bytes_between_them_come_back(items: list[str]) -> None:
    assert to_texts(to_bytes("\0".join(items))) == items


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        iter,
        dict.fromkeys,
        lambda items: np.array(items, object),
        lambda items: np.array(items, object)[::1].reshape(-1),
        lambda items: pd.Series(items, dtype=object),
        lambda items: pd.Index(items, dtype=object),
        to_categorical,
        lambda items: pd.Series(to_categorical(items), index=list("fedcba")),
        lambda items: list(map(Name, items)),
    ],
)
def test_any_holder_of_objects_is_read(make: Callable[[list[str]], Any]) -> None:
    expected = list(dict.fromkeys(SAMPLE)) if make == dict.fromkeys else SAMPLE

    assert texts_of(make(SAMPLE)) == expected


@given(st.lists(without_end_zeros, max_size=9))
def test_arrays_of_fixed_width_are_read(items: list[str]) -> None:
    assert texts_of(np.array(items, "U")) == items


def test_other_arrays_of_strings_are_read() -> None:
    array = np.array(PLAIN, np.dtypes.StringDType())

    assert texts_of(array) == PLAIN
    assert texts_of(array[::-2]) == PLAIN[::-2]
    assert texts_of(np.array("harbour")) == ["harbour"]
    assert texts_of(np.array(PLAIN, ">U100")) == PLAIN


@pytest.mark.parametrize("dtype", ["str", "string", "category"])
def test_series_of_strings_are_read(dtype: str) -> None:
    series = pd.Series(PLAIN, dtype=dtype)

    assert texts_of(series) == PLAIN
    assert texts_of(series.array) == PLAIN
    assert texts_of(pd.Index(series)) == PLAIN
    assert texts_of(series[::-2]) == PLAIN[::-2]


def test_categories_share_their_bytes() -> None:
    encoded = encode(pd.Categorical(["b", "a", "b"] * 1000, categories=["a", "b", "unused"]))

    assert encoded.data.shape[0] < 20
    assert encoded.texts() == ["b", "a", "b"] * 1000


def test_missing_strings_are_marked_where_they_may_be() -> None:
    items = ["a", None, float("nan"), np.nan, pd.NA, pd.NaT, ""]

    encoded = encode(items, missing=True)

    assert encoded.texts() == ["a", None, None, None, None, None, ""]
    assert encoded.missing is not None
    assert encoded.missing.tolist() == [False, True, True, True, True, True, False]
    assert (encoded.starts == encoded.ends).tolist()[1:6] == [True] * 5
    assert encode(["a"], missing=True).missing is None


@pytest.mark.parametrize("dtype", ["str", "string", "category", object])
def test_missing_strings_of_a_series_are_marked(dtype: Any) -> None:
    series = pd.Series(["a", None, "b", None], dtype=dtype)

    assert texts_of(series, missing=True) == ["a", None, "b", None]
    with pytest.raises(InvalidArgumentError, match="2 of 4 items are not str"):
        encode(series)


def test_missing_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pandas")

    assert texts_of(["a", None], missing=True) == ["a", None]
    with pytest.raises(InvalidArgumentError, match=r"1 of 2 items are not str \(3 at 1\)"):
        encode(["a", 3], missing=True)


def test_strings_are_read_while_another_thread_imports_pandas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("pandas", "pyarrow"):
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setattr(module.__spec__, "_initializing", True, raising=False)
        monkeypatch.setitem(sys.modules, name, module)

    assert encode(["inn", None], missing=True).texts() == ["inn", None]
    assert coded(["inn"]) == ["inn"]


def test_an_error_names_what_is_not_a_string() -> None:
    items = ["a", 1.5, None, "b", b"c", 7]

    with pytest.raises(InvalidArgumentError) as caught:
        encode(items, parameter="ids")

    assert str(caught.value) == (
        "cannot use ids: 4 of 6 items are not str (1.5 at 1, None at 2, b'c' at 4, ...); "
        "pass strings only"
    )
    assert caught.value.parameter == "ids"
    assert caught.value.value == items


@pytest.mark.parametrize(
    "strings",
    [
        [1],
        ("a", 2),
        np.arange(3),
        np.array([b"a"]),
        pd.Series([1, 2]),
        pd.Index([1.5]),
        pd.Categorical([1, 2]),
        b"bytes",
        pd.Series(["a"], dtype="str").astype("category").cat.codes,
        pd.Series([1], dtype="Int64"),
        pd.date_range("2013-01-01", periods=2),
    ],
)
def test_what_is_not_a_string_is_refused(strings: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="are not str"):
        encode(strings, missing=True)


@pytest.mark.parametrize("strings", [5, None, 1.5, object])
def test_what_holds_no_items_is_refused(strings: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="it is not a str"):
        encode(strings)


@pytest.mark.parametrize("strings", [np.full((2, 2), "a"), pd.DataFrame({"a": ["b"]})])
def test_more_than_one_dimension_is_refused(strings: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="more than one dimension"):
        encode(strings)


def test_a_category_that_is_no_string_matters_only_where_it_is_used() -> None:
    categories = pd.Index(["a", 5], dtype=object)

    assert texts_of(pd.Categorical(["a", "a"], categories=categories)) == ["a", "a"]
    with pytest.raises(InvalidArgumentError, match=r"1 of 3 items are not str \(5 at 1\)"):
        encode(pd.Categorical(["a", 5, "a"], categories=categories))


@given(st.lists(texts, max_size=9))
def test_trimmed_strings_are_stripped(items: list[str]) -> None:
    assert texts_of(items, trim=True) == [item.strip() for item in items]


def test_trimming_keeps_what_is_missing() -> None:
    assert texts_of([" a ", None], missing=True, trim=True) == ["a", None]


@given(st.lists(texts, max_size=9))
def test_blank_strings_are_found(items: list[str]) -> None:
    assert blank(encode(items)).tolist() == [not item.strip() for item in items]


@given(st.lists(st.none() | texts, min_size=1, max_size=9), st.data())
def test_some_of_the_strings_can_be_taken(items: list[str | None], data: st.DataObject) -> None:
    encoded = encode(items, missing=True)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(items), max_size=len(items))))
    rows = np.flatnonzero(mask)

    expected = [items[i] for i in rows]
    assert encoded.take(mask).texts() == encoded.take(rows).texts() == expected
    assert encoded.take(slice(1, None)).texts() == items[1:]


# --- pyarrow -------------------------------------------------------------------------


@pytest.fixture(name="pa")
def arrow() -> Any:
    return pytest.importorskip("pyarrow")


def arrays_of(pa: Any, items: list[str | None]) -> list[Any]:
    """Make every kind of array that holds these strings."""
    array = pa.array(items, pa.string())
    padded = pa.array(["first", *items, "last"], pa.string())
    return [
        array,
        padded.slice(1, len(items)),
        array.cast(pa.large_string()),
        array.cast(pa.string_view()),
        array.dictionary_encode(),
        padded.dictionary_encode().slice(1, len(items)),
        array.cast(pa.dictionary(pa.uint8(), pa.large_string())),
        pa.chunked_array([array]),
        pa.chunked_array([array[:1], array[1:]]),
        pa.chunked_array([array[:1].dictionary_encode(), array[1:].dictionary_encode()]),
    ]


@given(items=st.lists(st.text(max_size=9), max_size=9))
def test_arrow_arrays_are_read(items: list[str]) -> None:
    pa = pytest.importorskip("pyarrow")
    for array in arrays_of(pa, items):  # type: ignore[arg-type]
        assert texts_of(array) == items


@given(items=st.lists(st.none() | st.text(max_size=9), max_size=9))
def test_nulls_of_arrow_arrays_are_missing(items: list[str | None]) -> None:
    pa = pytest.importorskip("pyarrow")
    for array in arrays_of(pa, items):
        encoded = encode(array, missing=True)

        assert encoded.texts() == items
        assert (encoded.missing is None) == (None not in items)
        if None in items:
            with pytest.raises(InvalidArgumentError, match="None at"):
                encode(array)


def test_arrow_arrays_are_not_copied(pa: Any) -> None:
    array = pa.array(["harbour", "market"], pa.large_string())

    encoded = encode(array)

    assert encoded.data.ctypes.data == array.buffers()[2].address
    assert encoded.starts.ctypes.data == array.buffers()[1].address


def test_arrow_arrays_without_chunks_are_empty(pa: Any) -> None:
    assert texts_of(pa.chunked_array([], pa.string())) == []
    assert texts_of(pa.array([], pa.dictionary(pa.int8(), pa.string()))) == []


def test_nulls_among_the_values_of_a_dictionary_are_missing(pa: Any) -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["a", None]))

    assert texts_of(array, missing=True) == ["a", None, None]


def test_what_lies_under_a_null_is_not_read(pa: Any) -> None:
    offsets, data = np.array([0, 2, 3], np.int32), b"abc"
    buffers = [pa.py_buffer(b"\2"), pa.py_buffer(offsets), pa.py_buffer(data)]
    array = pa.Array.from_buffers(pa.string(), 2, buffers)

    encoded = encode(array, missing=True)

    assert encoded.texts() == [None, "c"]
    assert blank(encoded).tolist() == [True, False]


def test_arrow_arrays_of_other_types_are_refused(pa: Any) -> None:
    for array in (pa.array([1, 2]), pa.array([1, 1]).dictionary_encode(), pa.array([b"a"])):
        with pytest.raises(InvalidArgumentError, match="are not str"):
            encode(array)
    assert texts_of(pa.nulls(2), missing=True) == [None, None]


def test_arrow_arrays_of_invalid_bytes_are_refused(pa: Any) -> None:
    buffers = [None, pa.py_buffer(np.array([0, 2], np.int32)), pa.py_buffer(b"\xff\xfe")]
    array = pa.Array.from_buffers(pa.string(), 1, buffers)

    with pytest.raises(InvalidArgumentError, match="cannot use ids: Invalid UTF8"):
        encode(array, parameter="ids")


def test_an_encoded_batch_is_of_contiguous_arrays(pa: Any) -> None:
    for encoded in (encode(PLAIN), encode("a"), encode(pa.array(PLAIN)), encode([])):
        assert isinstance(encoded, Encoded)
        assert encoded.data.dtype == np.uint8
        for array in (encoded.starts, encoded.ends):
            assert array.dtype == np.int64
            assert array.flags.c_contiguous


CODED = Coded(np.array([2, 0, 2, 1]), np.array(["inn", None, " harbour ", "unused"], object))


@given(st.lists(st.text(max_size=9), max_size=9), st.data())
def test_hashes_go_with_their_strings(items: list[str], data: st.DataObject) -> None:
    plain = encode([f" {item}" for item in items])
    hashed = plain.hashed()
    rows = np.array(data.draw(st.permutations(range(len(items)))), np.intp)

    assert hashed.texts() == plain.texts()
    assert hashed.hashed() is hashed
    for seed in (FIRST_SEED, FIRST_SEED + 1):
        assert hashed.tags_of(seed).tolist() == plain.tags_of(seed).tolist()
        assert hashed.take(rows).tags_of(seed).tolist() == plain.take(rows).tags_of(seed).tolist()
    trimmed = encode(hashed, trim=True)
    assert (
        trimmed.tags_of(FIRST_SEED).tolist()
        == encode(plain, trim=True).tags_of(FIRST_SEED).tolist()
    )


def test_coded_strings_are_encoded_as_if_they_were_spelled_out() -> None:
    spelled = encode(CODED.objects(), missing=True, trim=True)

    coded = encode(CODED, missing=True, trim=True)

    assert coded.texts() == spelled.texts() == ["harbour", "inn", "harbour", None]


def test_coded_strings_are_a_sequence_of_strings() -> None:
    assert (
        list(CODED)
        == CODED.tolist()
        == to_objects(CODED)
        == [" harbour ", "inn", " harbour ", None]
    )
    assert list(CODED[1:3]) == ["inn", " harbour "]
    assert list(CODED[CODED.codes == 2]) == [" harbour ", " harbour "]
    assert [CODED[1], CODED[3]] == ["inn", None]
    assert repr(CODED) == "<Coded: 4 strings, 4 distinct>"


@given(st.lists(st.text()))
def test_characters_are_counted_as_len_counts_them(texts: list[str]) -> None:
    assert n_characters(encode(texts)).tolist() == list(map(len, texts))


def test_coded_strings_that_do_not_occur_are_not_looked_at() -> None:
    distinct = Coded(np.array([0, 0]), np.array(["inn", 7], object)).distinct()

    assert distinct.texts.tolist() == ["inn"]
    assert distinct.codes.tolist() == [0, 0]


def test_what_is_known_to_be_distinct_is_not_looked_at_again() -> None:
    distinct = CODED.distinct()
    others = distinct.with_texts(np.array(["a", "b", "c"], object))

    assert distinct.distinct() is distinct
    assert others.distinct() is others
    assert list(others) == ["a", "b", "a", "c"]
    assert list(distinct[2:].distinct()) == [" harbour ", None]
    assert distinct[1:2].distinct().texts.tolist() == ["inn"]


@given(st.lists(st.integers(0, 3000), max_size=20))
def test_distinct_strings_are_in_the_order_in_which_they_first_occur(codes: list[int]) -> None:
    texts = np.array([f"place {i}" for i in range(3001)], object)
    expected = list(dict.fromkeys(f"place {i}" for i in codes))

    distinct = Coded(np.array(codes, np.intp), texts).distinct()

    assert distinct.texts.tolist() == expected
    assert list(distinct) == [f"place {i}" for i in codes]


def test_a_world_spawned_with_coded_strings_is_the_same() -> None:
    class Cargo(ecs.Component):
        of: ecs.str_

    coded, spelled = ecs.World(), ecs.World()
    cargo = Coded(np.array([1, 0, 1]), np.array(["tea", "salt"], object))
    places = Coded(np.array([2, 0, 1]), np.array(["inn", " inn", None], object))

    coded.spawn(3, Cargo(cargo), at=places)
    spelled.spawn(3, Cargo(cargo.objects()), at=places.objects())

    assert coded.digest() == spelled.digest()
    assert coded.locations.of(coded.query().handles()).tolist() == [None, "inn", "inn"]


def test_a_world_counts_coded_strings() -> None:
    class Cargo(ecs.Component):
        of: ecs.str_

    cargo = Coded(np.array([1, 0, 1]), np.array(["tea", "salt"], object))

    with pytest.raises(ValidationError, match="3 values, the batch has 2 entities"):
        ecs.World().spawn(2, Cargo(cargo))


def test_encoded_strings_are_taken_as_they_are_unless_one_is_missing() -> None:
    whole, torn = encode(["a", "b"]), encode(["a", None], missing=True)

    assert encode(whole) is whole
    assert encode(torn, missing=True) is torn
    with pytest.raises(InvalidArgumentError, match="1 of 2"):
        encode(torn)


@given(st.lists(st.text(max_size=4), max_size=8), st.randoms())
def test_strings_are_joined_in_whatever_order_they_lie(strings: list[str], rng: Random) -> None:
    order = np.array(rng.sample(range(len(strings)), len(strings)), np.intp)

    data, starts = encode(strings).take(order).joined()

    assert data.tobytes().decode() == "".join(strings[i] for i in order)
    assert np.diff(starts).tolist() == [len(strings[i].encode()) for i in order]
    assert starts.tolist()[0] == 0


def test_strings_that_lie_one_after_the_other_are_joined_without_a_copy() -> None:
    data = np.frombuffer(b"xinnharbour", np.uint8)
    encoded = Encoded(data, np.array([1, 4]), np.array([4, 11]))

    joined, starts = encoded.joined()

    assert joined.tobytes() == b"innharbour"
    assert starts.tolist() == [0, 3, 10]
    assert np.shares_memory(joined, data)


def test_texts_may_be_missing_some() -> None:
    texts = Texts(encode(["inn", None, ""], missing=True))

    assert texts.tolist() == [texts[i] for i in range(3)] == ["inn", None, ""]
    assert encode(texts, missing=True).texts() == ["inn", None, ""]
    with pytest.raises(InvalidArgumentError, match="1 of 3"):
        encode(texts)


@given(st.lists(st.text("aé\0", max_size=4), max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_texts_are_a_column_of_strings(strings: list[str], start: int, stop: int) -> None:
    texts = Texts(encode(strings))

    assert texts.tolist() == list(texts) == [texts[i] for i in range(len(texts))] == strings
    assert texts[start:stop].tolist() == strings[start:stop]
    assert encode(texts[start:stop]).texts() == strings[start:stop]
    assert repr(texts) == f"<Texts: {len(strings)} strings>"


# --- strings that are there once -----------------------------------------------------


def dictionary_of(items: list[str | None]) -> Any:
    return pa.array(items, pa.string()).dictionary_encode()


@pytest.mark.parametrize(
    "make",
    [
        dictionary_of,
        lambda items: pa.chunked_array([dictionary_of(items[:3]), dictionary_of(items[3:])]),
        pd.Categorical,
        lambda items: pd.Series(pd.Categorical(items)),
    ],
)
def test_categories_are_coded(make: Any) -> None:
    items = ["inn", "harbour", "inn", "market"] * 10
    gaps = ["inn", None] * 20

    found, with_gaps = coded(make(items)), coded(make(gaps), missing=True)

    assert isinstance(found, Coded)
    assert isinstance(with_gaps, Coded)
    assert found.objects().tolist() == items
    assert with_gaps.objects().tolist() == gaps


def test_only_few_categories_that_are_all_there_are_coded() -> None:
    many, gaps = dictionary_of(["inn", "harbour"]), dictionary_of(["inn", None] * 20)
    broken = pa.DictionaryArray.from_arrays(
        pa.array([0] * 20, pa.int32()),
        pa.Array.from_buffers(
            pa.string(), 1, [None, pa.py_buffer(np.array([0, 1], np.int32)), pa.py_buffer(b"\xff")]
        ),
    )
    others = [["inn"] * 20, pa.array(["inn"] * 20), "inn", 3, None, dictionary_of([])]

    for strings in (many, gaps, broken, *others):
        assert coded(strings) is strings


def test_objects_of_a_dictionary_are_made_once_each() -> None:
    items = ["x" * 9, None, "y" * 9] * 3

    made = to_objects(dictionary_of(items))

    assert made == items
    assert len({id(item) for item in made}) == 3
    assert to_objects(pa.array(items)) == items
    assert to_objects(np.array([1, 2])) == [1, 2]
    assert to_objects(Texts(encode(["a"]))) == ["a"]
    assert to_objects(items) is items
