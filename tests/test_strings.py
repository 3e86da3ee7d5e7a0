"""The string table against a dict."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from numpy.typing import NDArray

from ecs_columnar import string_pool, strings
from ecs_columnar.coded import OFTEN, Coded
from ecs_columnar.errors import InvalidArgumentError, RepositoryConsistencyError
from ecs_columnar.strings import Mark, StringTable, encode

texts = st.one_of(st.text(st.characters(), max_size=9), st.text("ab\0", max_size=3))
text_lists = st.lists(texts, max_size=12)


def to_codes(*codes: int) -> NDArray[np.int32]:
    return np.array(codes, np.int32)


def table_of(*items: str) -> StringTable:
    table = StringTable()
    table.intern(encode(items))
    return table


def intern(table: StringTable, *items: str) -> list[int]:
    return table.intern(encode(items))[0].tolist()  # type: ignore[no-any-return]


def find(table: StringTable, *items: str) -> list[int]:
    return table.find(encode(items)).tolist()  # type: ignore[no-any-return]


def decoded(table: StringTable, *codes: int) -> list[str | None]:
    return table.decode(to_codes(*codes)).tolist()  # type: ignore[no-any-return]


def state_of(table: StringTable) -> dict[str, Any]:
    """Return all that is in use, byte by byte."""
    pool = table._pool
    return {
        "records": pool.records[: table._n_codes].tolist(),
        "arena": pool.arena[: table._n_bytes].tobytes(),
        "free": table._free[: table._n_free].tolist(),
        "n_waste": table._n_waste,
        "n_discards": table._n_discards,
        "seed": pool.seed,
    }


def many(n: int) -> list[str]:
    return [f"actor-{i}" for i in range(n)]


def test_a_new_table_is_empty() -> None:
    table = StringTable()

    assert len(table) == table.n_codes == 0
    assert find(table, "a") == [-1]
    assert table.code("") == -1
    assert decoded(table) == []
    assert decoded(table, -1, -1) == [None, None]
    table.check()


def test_new_strings_have_codes_in_the_order_in_which_they_first_occur() -> None:
    table = StringTable()

    codes, n_new = table.intern(encode(["b", "a", "b", "", "a", "c"]))

    assert codes.dtype == np.int32
    assert codes.tolist() == [0, 1, 0, 2, 1, 3]
    assert n_new == 4
    assert table.intern(encode(["c", "d"]))[1] == 1
    assert len(table) == table.n_codes == 5


@given(text_lists, text_lists)
def test_strings_are_found_by_all_of_their_characters(known: list[str], others: list[str]) -> None:
    table = table_of(*known)
    codes = {item: code for code, item in enumerate(dict.fromkeys(known))}

    expected = [codes.get(item, -1) for item in known + others]
    assert find(table, *known, *others) == expected
    assert [table.code(item) for item in known + others] == expected
    assert [table.string(code) for code in range(len(codes))] == list(codes)


def test_find_changes_nothing() -> None:
    table = table_of("a", "b")
    before, n_bytes = state_of(table), table.nbytes

    table.find(encode(many(100)))

    assert state_of(table) == before
    assert table.nbytes == n_bytes


def test_missing_strings_have_no_code() -> None:
    table = StringTable()
    encoded = encode(["a", None, "", None, "a"], missing=True)

    codes, n_new = table.intern(encoded)

    assert codes.tolist() == [0, -1, 1, -1, 0]
    assert n_new == 2
    assert table.find(encoded).tolist() == [0, -1, 1, -1, 0]


@pytest.mark.parametrize("n", [strings._N_AT_ONCE - 1, 2 * strings._N_AT_ONCE + 1])
def test_large_batches_are_taken_in_parts(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "_N_AT_ONCE", 100)
    n = n // 40
    items = many(n)

    table = table_of(*items[::-1], *items)

    assert find(table, *items) == list(range(n))[::-1]
    assert table.n_codes == n
    table.check()


def test_a_batch_of_few_names_takes_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings, "_N_AT_ONCE", 10)
    names, ids = StringTable(), StringTable()

    names.intern(encode(many(10) * 1000))
    ids.intern(encode(many(10_000)))

    assert names._pool.records.shape[0] <= 40
    assert names.nbytes < 4000
    assert ids._pool.records.shape[0] == 10_000
    assert ids.nbytes < 10_000 * (28 + 14)


def test_room_for_new_strings_and_those_announced_is_made_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strings, "_N_AT_ONCE", 10)
    table = StringTable()

    table.intern(encode(many(1000)), 3000, are_new=True)
    arrays = table._pool
    table.intern(encode(many(4000)[1000:]), are_new=True)

    assert table._pool.records is arrays.records
    assert table._pool.slots is arrays.slots
    assert table._pool.arena is arrays.arena
    assert table.nbytes < 4000 * (28 + 10) * 1.1
    table.check()


@given(st.lists(st.integers(0, 300), min_size=200, max_size=400), st.booleans(), st.data())
def test_many_strings_are_put_in_as_few_are(
    numbers: list[int], are_new: bool, data: st.DataObject
) -> None:
    items = [f"actor-{number}" for number in numbers]
    known = data.draw(st.lists(st.sampled_from(items), unique=True))
    gone = data.draw(st.integers(0, len(known)))
    tables = [table_of(*known), table_of(*known)]
    for table in tables:
        table.discard(np.arange(gone, dtype=np.int32))
    n_at_once = strings._N_AT_ONCE

    results = []
    for table, n in zip(tables, (10, n_at_once), strict=True):
        strings._N_AT_ONCE = n
        try:
            results.append(table.intern(encode(items), are_new=are_new))
        finally:
            strings._N_AT_ONCE = n_at_once

    assert results[0][0].tolist() == results[1][0].tolist()
    assert results[0][1] == results[1][1]
    assert state_of(tables[0]) == state_of(tables[1])
    tables[0].check()


def test_code_takes_a_string_only() -> None:
    with pytest.raises(InvalidArgumentError, match="cannot look up 3: it is not a str"):
        StringTable().code(3)  # type: ignore[arg-type]


# --- decode --------------------------------------------------------------------------


@given(st.lists(texts, min_size=1, max_size=9, unique=True), st.data())
def test_codes_are_decoded(items: list[str], data: st.DataObject) -> None:
    table = table_of(*items)
    codes = data.draw(st.lists(st.integers(-1, len(items) - 1), max_size=20))

    texts = table.decode(to_codes(*codes))

    assert texts.dtype == object
    assert texts.tolist() == [None if code == -1 else items[code] for code in codes]
    assert table.encoded(to_codes(*range(len(items)))).texts() == items


def test_strings_that_occur_often_are_made_once() -> None:
    table = table_of("harbour", "market", "tower")
    table.discard(to_codes(1))

    texts = decoded(table, 2, 0, -1, 2, 0)

    assert texts == ["tower", "harbour", None, "tower", "harbour"]
    assert texts[0] is texts[3]


@pytest.mark.parametrize("code", [-2, 1, 3, 2**31 - 1])
def test_a_code_of_no_string_is_refused(code: int) -> None:
    table = table_of("a", "b", "c")
    table.discard(to_codes(1))

    with pytest.raises(InvalidArgumentError, match=f"1 of 2 are of no string \\({code}\\)"):
        table.decode(to_codes(0, code))
    with pytest.raises(InvalidArgumentError, match="of no string"):
        table.string(code)
    with pytest.raises(InvalidArgumentError, match="of no string"):
        table.discard(to_codes(0, code))


# --- discard -------------------------------------------------------------------------


def test_codes_of_discarded_strings_are_used_again() -> None:
    table = table_of(*"abcde")

    table.discard(to_codes(3, 1))
    assert find(table, *"abcde") == [0, -1, 2, -1, 4]
    assert len(table) == 3
    table.discard(to_codes(0))

    assert intern(table, *"vwxyz") == [0, 3, 1, 5, 6]
    table.check()


def test_interning_discarded_strings_in_the_same_order_gives_the_same_codes() -> None:
    table = table_of(*"abcde")

    table.discard(to_codes(3, 1, 4))

    assert intern(table, *"dbe") == [3, 1, 4]


def test_strings_can_be_discarded_once() -> None:
    table = table_of(*"abc")
    before = state_of(table)

    with pytest.raises(InvalidArgumentError, match=r"1 of 3 are -1 or there twice \(0\)"):
        table.discard(to_codes(0, 1, 0))
    with pytest.raises(InvalidArgumentError, match=r"1 of 1 are -1 or there twice \(-1\)"):
        table.discard(to_codes(-1))

    assert state_of(table) == before


def test_discarding_nothing_changes_nothing() -> None:
    table = table_of("a")

    table.discard(to_codes())

    assert find(table, "a") == [0]


def test_the_arena_is_compacted_when_more_than_half_is_waste() -> None:
    table = table_of("a" * 100, "b" * 100, "c" * 100, "d" * 100)

    table.discard(to_codes(2, 0))
    assert table._pool.arena.shape[0] == 400
    table.discard(to_codes(3))

    assert table._pool.arena.shape[0] == 100
    assert table.string(1) == "b" * 100
    assert intern(table, "e" * 300) == [3]
    table.check()
    table.discard(to_codes(1, 3))
    assert table._pool.arena.shape[0] == 0
    table.check()


def test_waste_stays_when_there_is_no_memory_to_compact(monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(*many(9))
    table.discard(to_codes(8))

    fail_at(monkeypatch, strings, 2)
    table.discard(to_codes(*range(7)))
    monkeypatch.undo()

    assert table._n_waste > table._n_bytes / 2
    table.check()
    table.discard(to_codes(7))
    assert table._n_bytes == 0
    table.check()


# --- rollback ------------------------------------------------------------------------


@given(text_lists, st.lists(st.booleans(), min_size=12, max_size=12), text_lists, text_lists)
def test_rollback_undoes_all_interns_since_the_mark(
    known: list[str], is_gone: list[bool], first: list[str], second: list[str]
) -> None:
    table = table_of(*known)
    table.discard(np.flatnonzero(is_gone[: len(table)]).astype(np.int32))
    table._pool = string_pool.with_homes(table._pool, table.n_codes, 40, 40)
    before, slots = state_of(table), table._pool.slots.copy()

    mark = table.mark()
    intern(table, *first)
    middle = state_of(table)
    inner = table.mark()
    intern(table, *second)
    table.rollback(inner)
    assert state_of(table) == middle
    table.rollback(mark)

    assert state_of(table) == before
    assert np.array_equal(table._pool.slots, slots)
    table.check()
    assert intern(table, *first) == intern(table, *first)


def test_rollback_leaves_slots_as_those_of_a_table_grown_to_the_same_size() -> None:
    table = table_of(*many(3))
    mark = table.mark()
    intern(table, *many(1000))

    table.rollback(mark)

    n = table._pool.n_homes // string_pool.HOMES_PER_STRING
    expected = string_pool.with_homes(table_of(*many(3))._pool, 3, n, n)
    assert np.array_equal(table._pool.slots, expected.slots)


def test_a_mark_does_not_outlive_a_discard() -> None:
    table = table_of("a", "b")
    mark = table.mark()
    table.discard(to_codes(1))

    with pytest.raises(InvalidArgumentError, match="cannot roll back") as caught:
        table.rollback(mark)

    assert caught.value.parameter == "mark"


def test_a_mark_that_has_been_undone_is_refused() -> None:
    table = table_of("a")
    outer = table.mark()
    intern(table, "b")
    inner = table.mark()
    table.rollback(outer)

    with pytest.raises(InvalidArgumentError, match="cannot roll back"):
        table.rollback(inner)
    with pytest.raises(InvalidArgumentError, match="cannot roll back"):
        table.rollback(Mark(0, -1, 0, 0))


# --- memory --------------------------------------------------------------------------


def fail_at(monkeypatch: pytest.MonkeyPatch, module: Any, n: int) -> None:
    """Let a module run out of memory at the n-th array that it makes."""
    calls = itertools.count(1)

    def failing(make: Callable[..., Any]) -> Callable[..., Any]:
        def make_or_fail(*arguments: Any, **options: Any) -> Any:
            if next(calls) == n:
                raise MemoryError
            return make(*arguments, **options)

        return make_or_fail

    makers = {name: failing(getattr(np, name)) for name in ("empty", "full", "zeros")}
    monkeypatch.setattr(module, "np", SimpleNamespace(**{**vars(np), **makers}))


@pytest.mark.parametrize("module", [strings, string_pool])
def test_an_intern_that_runs_out_of_memory_changes_nothing(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strings, "_N_AT_ONCE", 50)
    monkeypatch.setattr(string_pool, "N_SPARE", 3)  # so that strings are hashed again, too
    for n in itertools.count(1):
        table = table_of(*many(30))
        table.discard(to_codes(3, 4))
        before = state_of(table)
        with monkeypatch.context() as patch:
            fail_at(patch, module, n)
            try:
                intern(table, *many(300))
                break
            except MemoryError:
                pass

        after = state_of(table)
        assert after.pop("seed") >= before.pop("seed")
        assert after == before
        assert find(table, *many(4)) == [0, 1, 2, -1]
        table.check()

    assert n > 5
    table.check()


def test_a_discard_that_runs_out_of_memory_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = table_of(*many(30))
    before = state_of(table)

    fail_at(monkeypatch, strings, 1)
    with pytest.raises(MemoryError):
        table.discard(to_codes(1, 2))
    monkeypatch.undo()

    assert state_of(table) == before
    table.check()


def test_rollback_allocates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    table = StringTable()
    mark = table.mark()
    intern(table, "a", "b")

    monkeypatch.setattr(strings, "np", None)
    table.rollback(mark)
    monkeypatch.undo()

    assert len(table) == 0


@pytest.mark.parametrize("limit", ["_MAX_LENGTH", "_MAX_STRINGS"])
def test_what_does_not_fit_in_32_bits_is_refused(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = table_of("a")
    monkeypatch.setattr(strings, limit, 2)

    assert intern(table, "b") == [1]
    before = state_of(table)
    with pytest.raises(InvalidArgumentError, match="cannot intern strings"):
        intern(table, "abc")

    assert state_of(table) == before


def test_many_short_strings_may_be_longer_together_than_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strings, "_MAX_LENGTH", 2)

    assert intern(StringTable(), "ab", "cd") == [0, 1]


# --- crowded homes -------------------------------------------------------------------


@pytest.mark.parametrize("n_spare", [0, 1, 2])
def test_strings_are_hashed_again_when_there_is_no_slot_near_their_home(
    n_spare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(string_pool, "N_SPARE", max(1, n_spare))
    table = StringTable()
    items = many(3000)

    codes = intern(table, *items, *items)

    assert codes == list(range(3000)) * 2
    assert table._pool.seed > 0
    assert string_pool.n_spare_slots(table._pool) > n_spare
    assert [table.code(item) for item in items[::100]] == list(range(0, 3000, 100))
    table.check()


def test_strings_are_hashed_again_when_a_larger_table_has_no_slot_near_their_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(string_pool, "HOMES_PER_STRING", 1)
    table = table_of(*many(100))
    spare = np.full(2, string_pool.empty_slots(0, 0)[0])
    slots = table._pool.slots
    # As many slots as homes and one: full tables have strings further away.
    pool = table._pool._replace(slots=np.concatenate([slots[slots != slots[-1]], spare]))
    n_homes = len(pool.slots) - 2

    larger = string_pool.with_homes(pool._replace(n_homes=n_homes), 100, 101, 101)

    assert larger.seed > 0
    table._pool = larger
    table.check()


@pytest.mark.parametrize("n_new", [7, 9000])
def test_strings_find_their_codes_when_room_for_them_took_another_seed(
    n_new: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = table_of("inn", "harbour")

    def grown(pool: Any, n_codes: int, n_needed: int, n_hoped: int) -> Any:
        larger = string_pool.with_homes(pool, n_codes, n_needed, n_hoped)
        return string_pool.with_next_seed(larger, n_codes, string_pool.n_spare_slots(larger))

    monkeypatch.setattr(strings, "with_homes", grown)

    codes = intern(table, *many(n_new), "harbour")

    assert codes == [*range(2, n_new + 2), 1]
    assert find(table, *many(n_new), "inn") == [*range(2, n_new + 2), 0]
    table.check()


# --- check ---------------------------------------------------------------------------


def spoil_free(table: StringTable) -> None:
    table._free[0] = 0


def spoil_count(table: StringTable) -> None:
    table._counts[0] -= 1


def spoil_bytes(table: StringTable) -> None:
    table._n_waste += 1


def spoil_end(table: StringTable) -> None:
    table._pool.records["start"][1] = table._n_bytes


def spoil_text(table: StringTable) -> None:
    table._pool.arena[:] += 1


def spoil_slots(table: StringTable) -> None:
    slots = table._pool.slots
    slots[-2] = (slots[-1] >> 32) - 1 << 32


@pytest.mark.parametrize(
    "spoil", [spoil_free, spoil_count, spoil_bytes, spoil_end, spoil_text, spoil_slots]
)
def test_check_finds_what_is_wrong(spoil: Callable[[StringTable], None]) -> None:
    table = table_of(*many(5))
    table.discard(to_codes(2))
    table.check()

    spoil(table)

    with pytest.raises(RepositoryConsistencyError, match="cannot trust the strings"):
        table.check()


# --- the rest ------------------------------------------------------------------------


def test_a_copy_shares_nothing() -> None:
    table = table_of(*many(50))
    table.discard(to_codes(7, 8))
    before = state_of(table)

    other = deepcopy(table)
    assert state_of(other) == before
    other.discard(to_codes(*range(6)))
    intern(other, "x", "y", "z")

    assert state_of(table) == before
    table.check()
    other.check()


def test_the_same_calls_give_the_same_bytes() -> None:
    def history() -> StringTable:
        table = table_of(*many(500))
        table.discard(np.arange(10, 400, 3, dtype=np.int32))
        intern(table, *(f"other-{i}" for i in range(200)))
        return table

    one, other = history(), history()

    assert state_of(one) == state_of(other)
    assert np.array_equal(one._pool.slots, other._pool.slots)


def test_a_table_says_how_large_it_is() -> None:
    table = table_of("a", "b")

    assert repr(table) == f"<StringTable: 2 strings, {table.nbytes} bytes>"
    assert table.nbytes > 28 * 2


class Tables(RuleBasedStateMachine):
    """A table and a dict that are told the same."""

    @initialize(n_spare=st.sampled_from([2, 256]), n_at_once=st.sampled_from([3, 4096]))
    def start(self, n_spare: int, n_at_once: int) -> None:
        self.restore = (strings._N_AT_ONCE, string_pool.N_SPARE)
        strings._N_AT_ONCE, string_pool.N_SPARE = n_at_once, n_spare
        self.table = StringTable()
        self.codes: dict[str, int] = {}
        self.free: list[int] = []
        self.n_codes = 0
        self.marks: list[tuple[Mark, dict[str, int], list[int], int, dict[str, Any]]] = []

    def teardown(self) -> None:
        strings._N_AT_ONCE, string_pool.N_SPARE = self.restore

    @rule(items=text_lists, are_new=st.booleans())
    def intern(self, items: list[str], are_new: bool) -> None:
        n_before = len(self.codes)
        for item in items:
            if item not in self.codes:
                code = self.free.pop() if self.free else self.n_codes
                self.codes[item] = code
                self.n_codes = max(self.n_codes, code + 1)

        codes, n_new = self.table.intern(encode(items), are_new=are_new)

        assert codes.tolist() == [self.codes[item] for item in items]
        assert n_new == len(self.codes) - n_before

    @rule(items=text_lists)
    def find(self, items: list[str]) -> None:
        assert find(self.table, *items) == [self.codes.get(item, -1) for item in items]

    @rule(item=texts)
    def code(self, item: str) -> None:
        assert self.table.code(item) == self.codes.get(item, -1)

    @rule()
    def mark(self) -> None:
        state = state_of(self.table)
        model = (dict(self.codes), list(self.free), self.n_codes)
        self.marks.append((self.table.mark(), *model, state))

    @precondition(lambda self: self.marks)
    @rule(data=st.data())
    def rollback(self, data: st.DataObject) -> None:
        k = data.draw(st.integers(0, len(self.marks) - 1))
        mark, self.codes, self.free, self.n_codes, state = self.marks[k]
        del self.marks[k:]

        self.table.rollback(mark)

        assert {**state_of(self.table), "seed": 0} == {**state, "seed": 0}

    @precondition(lambda self: self.codes)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        items = data.draw(st.lists(st.sampled_from(sorted(self.codes)), unique=True))
        codes = [self.codes.pop(item) for item in items]
        self.free += codes[::-1]
        self.marks.clear()

        self.table.discard(to_codes(*codes))

    @rule()
    def copy(self) -> None:
        self.table = deepcopy(self.table)

    @invariant()
    def is_as_the_model(self) -> None:
        assert len(self.table) == len(self.codes)
        assert self.table.n_codes == self.n_codes
        assert decoded(self.table, *self.codes.values()) == list(self.codes)
        assert self.table.live_codes().tolist() == sorted(self.codes.values())
        self.table.check()

    @precondition(lambda self: self.codes)
    @rule(data=st.data(), times=st.integers(1, 20))
    def column(self, data: st.DataObject, times: int) -> None:
        items = data.draw(st.lists(st.sampled_from(sorted(self.codes)), max_size=5)) * times

        column = self.table.column(to_codes(*map(self.codes.__getitem__, items)))

        assert column.tolist() == items
        if isinstance(column, Coded):
            assert len(set(items)) * OFTEN <= len(items)
            assert column.texts.tolist() == list(dict.fromkeys(items))


Tables.TestCase.settings = settings(stateful_step_count=20)
test_a_table_does_what_a_dict_does = Tables.TestCase
