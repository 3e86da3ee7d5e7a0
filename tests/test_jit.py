"""Kernels have the signatures that they declare, and are compiled once for all processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NamedTuple

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from ecs_columnar import dtypes, kernels
from ecs_columnar.kernels import _cache, _jit
from ecs_columnar.kernels._jit import inlined, kernel, scalar_kernel, sorting_kernel
from ecs_columnar.kernels._types import (
    Argument,
    Entities,
    EntitiesOut,
    HandlesOut,
    Rows,
    RowsOut,
    Words,
    WordsOut,
)
from ecs_columnar.warmup import warmup

needs_jit = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="the JIT is off")

Grid = Annotated[NDArray[Any], Argument(*((word, 2) for word in (np.uint8, np.uint64)))]
GridOut = Annotated[
    NDArray[Any], Argument(*((word, 2) for word in (np.uint8, np.uint64)), writable=True)
]


class Pair(NamedTuple):
    rows: Rows
    handles: HandlesOut


@inlined
def twice(number: int) -> int:
    return number * 2


@kernel
def double(rows: Rows, out: RowsOut) -> None:
    for i in range(rows.shape[0]):
        out[i] = twice(rows[i])


@kernel
def quadruple(rows: Rows, out: RowsOut) -> None:
    double(rows, out)
    double(out, out)


@kernel
def place(entities: EntitiesOut, rows: Rows) -> int:
    for i in range(rows.shape[0]):
        entities[i]["row"] = rows[i]
    return rows.shape[0]


@kernel
def sum_rows(entities: Entities) -> int:
    total = 0
    for i in range(entities.shape[0]):
        total += entities[i]["row"]
    return total


@kernel
def copy_words(source: Words, n: int, out: WordsOut) -> None:
    for i in range(n):
        out[i] = source[i]


@kernel
def copy_grid(source: Grid, out: GridOut) -> None:
    for i in range(source.shape[0]):
        for k in range(source.shape[1]):
            out[i, k] = source[i, k]


@kernel
def copy_pair(pair: Pair) -> None:
    for i in range(pair.rows.shape[0]):
        pair.handles[i] = pair.rows[i]


@scalar_kernel
def place_one(entities: EntitiesOut, index: int, row: int) -> int:
    entities[index]["row"] = row
    return row


@sorting_kernel
def sort_part(rows: RowsOut, start: int, stop: int) -> None:
    rows[start:stop].sort()


@kernel
def pick(first: float, second: float, is_first: bool) -> float:
    return first if is_first else second


@kernel
def wrap_around(number: np.uint64) -> np.uint64:
    return number + np.uint64(2)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    array = array.copy()
    array.flags.writeable = False
    return array


# ------------------------------------------------------------------ what is accepted


@pytest.mark.parametrize("freeze", [np.copy, read_only])
def test_a_kernel_reads_writable_and_read_only_arrays(freeze: Any) -> None:
    out = np.zeros(3, np.intp)

    double(freeze(np.arange(3)), out)

    assert out.tolist() == [0, 2, 4]


@pytest.mark.parametrize("freeze", [np.copy, read_only])
def test_records_are_read_and_written(freeze: Any) -> None:
    entities = np.zeros(3, dtypes.ENTITY_RECORD)

    assert place(entities, freeze(np.array([4, 5, 6]))) == 3
    assert sum_rows(freeze(entities)) == 15


@pytest.mark.parametrize("word", ["u1", "u2", "u4", "u8"])
@pytest.mark.parametrize("freeze", [np.copy, read_only])
def test_words_of_all_sizes_are_moved(freeze: Any, word: str) -> None:
    source = np.array([250, 7, 0], word)
    out = np.zeros_like(source)

    copy_words(freeze(source), 3, out)

    assert out.tolist() == [250, 7, 0]


@pytest.mark.parametrize("freeze", [np.copy, read_only])
def test_arrays_may_have_two_dimensions(freeze: Any) -> None:
    source = np.arange(6, dtype=np.uint64).reshape(2, 3)
    out = np.zeros_like(source)

    copy_grid(freeze(source), out)

    assert out.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("freeze", [np.copy, read_only])
def test_a_named_tuple_of_arrays_is_one_argument(freeze: Any) -> None:
    pair = Pair(freeze(np.arange(3)), np.zeros(3, np.int64))

    copy_pair(pair)

    assert pair.handles.tolist() == [0, 1, 2]


def test_scalars_of_python_and_numpy_are_accepted() -> None:
    assert pick(1, np.float32(2.5), np.bool_(True)) == 1.0
    assert pick(1.5, 2.5, False) == 2.5
    assert wrap_around(np.uint64(3)) == 5


@needs_jit
def test_a_hash_wraps_around() -> None:
    assert wrap_around(np.uint64(2**64 - 1)) == 1


def test_arguments_may_be_named() -> None:
    out = np.zeros(2, np.intp)

    double(out=out, rows=np.arange(2))

    assert out.tolist() == [0, 2]


def test_a_kernel_calls_a_kernel_of_its_file() -> None:
    out = np.zeros(3, np.intp)

    quadruple(read_only(np.arange(3)), out)

    assert out.tolist() == [0, 4, 8]


def test_a_sorting_kernel_sorts_a_part_of_an_array() -> None:
    rows = np.array([4, 3, 2, 1])

    sort_part(rows, 1, 4)

    assert rows.tolist() == [4, 1, 2, 3]


def test_a_scalar_kernel_is_called_directly() -> None:
    entities = np.zeros(3, dtypes.ENTITY_RECORD)

    assert place_one.direct(entities, 1, 6) == 6
    assert place_one(entities, 2, 7) == 7

    assert entities["row"].tolist() == [0, 6, 7]


@needs_jit
def test_what_is_called_directly_is_compiled_when_it_is_first_called_and_once() -> None:
    @scalar_kernel
    def count_down(rows: RowsOut) -> None:
        rows[0] -= 1

    assert count_down.signatures == []  # type: ignore[attr-defined]
    rows = np.array([3])

    count_down.direct(rows)  # type: ignore[attr-defined]
    count_down.direct(rows)  # type: ignore[attr-defined]
    count_down(rows)

    assert rows.tolist() == [0]
    assert len(count_down.signatures) == 1  # type: ignore[attr-defined]


# ------------------------------------------------------------------ what is refused

ROWS = np.arange(4)
OUT = np.zeros(4, np.intp)
ENTITIES = np.zeros(4, dtypes.ENTITY_RECORD)
WORDS = np.zeros(4, np.uint32)
GRID = np.zeros((4, 4), np.uint64)


@needs_jit
@pytest.mark.parametrize(
    ("function", "arguments", "culprit"),
    [
        (double, (ROWS.astype(np.int32), OUT), "rows"),
        (double, (ROWS.astype(np.uint64), OUT), "rows"),
        (double, (ROWS.astype(float), OUT), "rows"),
        (double, (ROWS.astype(">i8"), OUT), "rows"),
        (double, (ROWS[::2], OUT), "rows"),
        (double, (ROWS.reshape(2, 2), OUT), "rows"),
        (double, ([0, 1], OUT), "rows"),
        (double, (None, OUT), "rows"),
        (double, (0, OUT), "rows"),
        (double, (ROWS, read_only(OUT)), "out"),
        (place, (read_only(ENTITIES), ROWS), "entities"),
        (place, (np.zeros(4, dtypes.LOCATION_RECORD), ROWS), "entities"),
        (copy_words, (WORDS, 4, WORDS.astype(np.uint64)), "out"),
        (copy_words, (WORDS.view(np.int32), 4, WORDS), "source"),
        (copy_words, (WORDS, 3.0, WORDS), "n"),
        (copy_words, (WORDS, np.uint64(3), WORDS), "n"),
        (copy_grid, (np.asfortranarray(GRID), GRID), "source"),
        (copy_grid, (GRID, GRID.T), "out"),
        (copy_pair, (Pair(ROWS, read_only(OUT)),), "pair"),
        (copy_pair, ((ROWS, OUT),), "pair"),
        (pick, (1.0, 2.0, 1), "is_first"),
    ],
)
def test_any_other_argument_is_refused_by_name(
    function: Any, arguments: tuple[Any, ...], culprit: str
) -> None:
    before = list(function.signatures)

    with pytest.raises(
        TypeError, match=rf"cannot call {function.__name__}: {culprit} is .*convert"
    ):
        function(*arguments)

    assert function.signatures == before


@needs_jit
def test_too_few_and_too_many_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="not enough arguments"):
        double(ROWS)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="too many arguments"):
        double(ROWS, OUT, OUT)  # type: ignore[call-arg]


@needs_jit
def test_default_values_are_refused() -> None:
    with pytest.raises(TypeError, match="kernels have no defaults"):

        @kernel
        def with_default(n: int = 1) -> int:
            return n


# ------------------------------------------------------------------ when it is compiled


@needs_jit
def test_only_the_called_signature_is_compiled() -> None:
    @kernel
    def first_word(source: Words, out: WordsOut) -> None:
        out[0] = source[0]

    assert first_word.signatures == []  # type: ignore[attr-defined]

    first_word(WORDS, WORDS.copy())
    first_word(read_only(WORDS), WORDS.copy())

    assert [str(s[0].dtype) for s in first_word.signatures] == ["uint32"]  # type: ignore[attr-defined]


@needs_jit
def test_threads_that_call_a_new_kernel_at_once_compile_it_once() -> None:
    @kernel
    def increment(rows: Rows, out: RowsOut) -> None:
        for i in range(rows.shape[0]):
            out[i] = rows[i] + 1

    outs = [np.zeros(4, np.intp) for _ in range(8)]
    threads = [threading.Thread(target=increment, args=(ROWS, out)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [out.tolist() for out in outs] == [[1, 2, 3, 4]] * 8
    (signature,) = increment._accepted  # type: ignore[attr-defined]
    increment.compile(signature)  # type: ignore[attr-defined]  # as a thread that comes late does
    assert increment._accepted == {signature}  # type: ignore[attr-defined]


@needs_jit
def test_all_signatures_of_all_families_can_be_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    @kernel
    def last_word(source: Words, out: WordsOut) -> None:
        out[-1] = source[-1]

    family = ModuleType("ecs_columnar.kernels.made_up")
    vars(family).update(last_word=last_word, twice=twice, np=np)
    monkeypatch.setitem(sys.modules, family.__name__, family)
    monkeypatch.setattr(kernels, "__all__", ["made_up"])

    _jit.compile_all()

    assert len(last_word.signatures) == 4  # type: ignore[attr-defined]


def test_without_the_jit_the_decorators_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def plain(n: int) -> int:
        return n

    monkeypatch.setattr(_jit.config, "DISABLE_JIT", 1)

    assert kernel(plain) is plain
    assert sorting_kernel(plain) is plain
    assert inlined(plain) is plain
    assert scalar_kernel(plain) is plain
    assert plain.direct is plain  # type: ignore[attr-defined]


def test_a_family_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'no_such_family'"):
        kernels.no_such_family  # noqa: B018


def test_without_the_jit_everything_can_be_compiled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "__all__", [])

    _jit.compile_all()


def test_warming_up_compiles_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    monkeypatch.setattr(_jit, "compile_all", lambda: compiled.append("all"))

    warmup()

    assert compiled == ["all"]


# ------------------------------------------------------------------ steps that run no Python


@needs_jit
def test_a_step_is_compiled_when_it_is_made_for_all_arrays_that_could_come() -> None:
    @kernel
    def add_up(rows: Rows, out: RowsOut, scale: int) -> None:
        for i in range(rows.shape[0]):
            out[0] += rows[i] * scale

    out = np.zeros(1, np.intp)
    arguments = np.arange(4), out, 10

    assert not add_up.is_ready(arguments)  # type: ignore[attr-defined]
    function, *given = kernels.step(add_up, *arguments)
    assert add_up.is_ready(arguments)  # type: ignore[attr-defined]

    assert function is add_up and given == [*arguments]
    assert out.tolist() == [0]
    assert len(add_up.signatures) == 1  # type: ignore[attr-defined]
    # Read-only arrays are read, and what is written cannot be one.
    assert len(add_up._accepted) == 2  # type: ignore[attr-defined]
    function(*given)
    assert out.tolist() == [60]


@needs_jit
def test_a_step_over_words_is_compiled_for_the_words_that_come() -> None:
    @kernel
    def move_words(source: Words, n: int, out: WordsOut) -> None:
        for i in range(n):
            out[i] = source[i]

    short, long = np.arange(3, dtype=np.uint16), np.arange(3, dtype=np.uint64)
    kernels.step(move_words, short, 3, short.copy())

    assert move_words.is_ready((short, 3, short))  # type: ignore[attr-defined]
    assert not move_words.is_ready((long, 3, long))  # type: ignore[attr-defined]


# ------------------------------------------------------------------ the cache on disk

FAMILY = """
from ecs_columnar.kernels._jit import inlined, kernel
from ecs_columnar.kernels._types import Rows

STEP = 1

@inlined
def last(rows, i):
    return rows[i] + STEP

@kernel
def element(rows: Rows, i: int) -> int:
    return last(rows, i)
"""

CALL = """
import numpy as np, family
got = family.element(np.arange(3), {i})
print(got, family.element.stats.cache_hits.total(), family.element.stats.cache_misses.total())
"""


class Calls:
    """Calls a kernel of a family of its own, each time in a new process."""

    def __init__(self, folder: Path) -> None:
        self.family = folder / "family.py"
        self.cache = folder / "cache"
        self.family.write_text(FAMILY)

    def __call__(self, i: int = 2, **variables: str) -> tuple[int, str]:
        """Return what the kernel returned, and whether it was compiled or loaded."""
        own = {
            "PYTHONPATH": os.pathsep.join([str(self.family.parent), *sys.path]),
            _cache.ENVIRONMENT_VARIABLE: str(self.cache),
            "NUMBA_DISABLE_JIT": "0",
            "NUMBA_BOUNDSCHECK": "0",
        }
        result = subprocess.run(
            [sys.executable, "-c", CALL.format(i=i)],
            env=os.environ | own | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise RuntimeError(result.stderr)
        got, hits, misses = map(int, result.stdout.split())
        return got, {(1, 0): "loaded", (0, 1): "compiled"}[hits, misses]

    def entries(self) -> list[Path]:
        return sorted(self.cache.iterdir())


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    return Calls(tmp_path)


def test_a_kernel_is_compiled_once_wherever_and_whenever_its_file_was_written(
    calls: Calls, tmp_path: Path
) -> None:
    assert calls() == (3, "compiled")

    os.utime(calls.family, (1, 1))
    assert calls() == (3, "loaded")

    (tmp_path / "elsewhere").mkdir()
    calls.family = calls.family.rename(tmp_path / "elsewhere" / "family.py")
    assert calls() == (3, "loaded")


def test_an_edit_compiles_anew_and_its_undoing_finds_the_old_code(calls: Calls) -> None:
    assert calls() == (3, "compiled")

    calls.family.write_text(FAMILY.replace("STEP = 1", "STEP = 2"))
    assert calls() == (4, "compiled")

    calls.family.write_text(FAMILY)
    assert calls() == (3, "loaded")


def test_bounds_are_checked_when_asked_and_such_code_is_kept_apart(calls: Calls) -> None:
    assert calls() == (3, "compiled")

    with pytest.raises(RuntimeError, match="IndexError"):
        calls(3, NUMBA_BOUNDSCHECK="1")
    assert calls(NUMBA_BOUNDSCHECK="1") == (3, "loaded")


def test_a_damaged_entry_is_compiled_anew(calls: Calls) -> None:
    calls()
    (entry,) = calls.entries()
    content = bytearray(entry.read_bytes())
    content[len(content) // 2] ^= 1
    entry.write_bytes(content)

    assert calls() == (3, "compiled")
    assert calls() == (3, "loaded")


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(_cache.ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    _cache.directory.cache_clear()
    yield tmp_path / "cache"
    _cache.directory.cache_clear()


@needs_jit
def test_a_kernel_leaves_one_entry_for_each_signature(cache_folder: Path) -> None:
    @kernel
    def first(source: Words) -> int:
        return int(source[0])

    first.compile_declared()  # type: ignore[attr-defined]

    assert len(list(cache_folder.iterdir())) == 4
    assert first.stats.cache_path == str(cache_folder)  # type: ignore[attr-defined]


@needs_jit
def test_a_kernel_that_is_defined_again_is_loaded(cache_folder: Path) -> None:
    def define() -> Any:
        @kernel
        def last(rows: Rows) -> int:
            return rows[rows.shape[0] - 1]

        return last

    for hits in (0, 1):
        last = define()

        assert last(np.array([1, 7])) == 7
        assert last.stats.cache_hits.total() == hits


@needs_jit
def test_what_cannot_be_written_is_not_cached_and_works(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    @kernel
    def first(rows: Rows) -> int:
        return rows[0]

    monkeypatch.setattr(Path, "replace", fail)

    assert first(np.array([7])) == 7
    assert list(cache_folder.iterdir()) == []


def test_a_folder_that_vanishes_is_no_error(tmp_path: Path) -> None:
    _cache._write(tmp_path / "gone" / "entry.kernel", b"code")

    assert _cache._read(tmp_path / "gone" / "entry.kernel") is None


@needs_jit
def test_what_was_typed_at_a_prompt_is_not_cached(cache_folder: Path) -> None:
    names: dict[str, Any] = {"kernel": kernel}
    source = "@kernel\ndef twice(n: int) -> int:\n    return 2 * n"
    exec(compile(source, "<typed>", "exec"), names)

    assert names["twice"](4) == 8
    assert list(cache_folder.iterdir()) == []


@needs_jit
def test_a_closure_is_not_cached(cache_folder: Path) -> None:
    factor = 3

    @kernel
    def multiply(n: int) -> int:
        return factor * n

    assert multiply(4) == 12
    assert list(cache_folder.iterdir()) == []


def test_the_cache_cannot_be_switched() -> None:
    cache = _cache.DiskCache(test_the_cache_cannot_be_switched, {})

    cache.enable()
    cache.disable()
    cache.flush()


# ------------------------------------------------------------------ its folder


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No variable is set, the home and the temporary files are in `tmp_path`."""
    for name in (_cache.ENVIRONMENT_VARIABLE, "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_cache.config, "CACHE_DIR", "")
    monkeypatch.setattr(_cache.Path, "home", lambda: tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(_cache.tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    _cache.directory.cache_clear()
    yield tmp_path
    _cache.directory.cache_clear()


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", ".cache/ecs_columnar"),
        ("darwin", "Library/Caches/ecs_columnar"),
        ("win32", "AppData/Local/ecs_columnar"),
    ],
)
def test_the_cache_is_in_the_cache_folder_of_the_user(
    folders: Path, monkeypatch: pytest.MonkeyPatch, platform: str, expected: str
) -> None:
    monkeypatch.setattr(_cache.sys, "platform", platform)

    assert _cache.directory() == folders / expected


def test_variables_move_the_cache(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folders / "xdg"))
    assert _cache.directory() == folders / "xdg" / "ecs_columnar"

    monkeypatch.setattr(_cache.config, "CACHE_DIR", str(folders / "numba"))
    _cache.directory.cache_clear()
    assert _cache.directory() == folders / "numba" / "ecs_columnar"

    monkeypatch.setenv(_cache.ENVIRONMENT_VARIABLE, str(folders / "own"))
    _cache.directory.cache_clear()
    assert _cache.directory() == folders / "own"


def test_a_relative_xdg_folder_is_ignored(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cache.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")

    assert _cache.directory() == folders / ".cache" / "ecs_columnar"


def test_without_a_writable_folder_the_cache_is_a_private_temporary_one(folders: Path) -> None:
    (folders / ".cache").write_text("not a folder")
    (folders / "Library").write_text("not a folder")
    (folders / "AppData").write_text("not a folder")

    folder = _cache.directory()

    assert folder is not None
    assert folder.parent == folders / "tmp"
    assert folder.stat().st_mode & 0o077 == 0


def test_without_a_home_the_cache_is_a_private_temporary_one(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(_cache.Path, "home", fail)

    folder = _cache.directory()

    assert folder is not None
    assert folder.parent == folders / "tmp"


@pytest.mark.skipif(sys.platform == "win32", reason="temporary files are private there")
def test_a_temporary_folder_that_others_can_write_is_not_used(folders: Path) -> None:
    folder = _cache._private_temporary_directory()
    assert folder is not None

    folder.chmod(0o777)
    assert _cache._private_temporary_directory() is None

    folder.rmdir()
    folder.symlink_to(folders)
    assert _cache._private_temporary_directory() is None

    folder.unlink()
    folder.write_text("not a folder")
    assert _cache._private_temporary_directory() is None


def test_without_any_folder_nothing_is_cached(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cache, "_is_usable", lambda _: False)

    assert _cache.directory() is None
    assert _cache.DiskCache(test_without_any_folder_nothing_is_cached, {}).cache_path is None


def test_the_entries_unused_for_longest_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cache, "MAX_ENTRIES", 4)
    for age in range(4):
        _cache._write(tmp_path / f"{age}.kernel", b"code")
        os.utime(tmp_path / f"{age}.kernel", (1000 - age, 1000 - age))
    assert _cache._read(tmp_path / "3.kernel") == b"code"

    _cache._write(tmp_path / "new.kernel", b"code")

    assert sorted(path.stem for path in tmp_path.iterdir()) == ["0", "3", "new"]


def test_an_entry_that_another_process_removes_first_is_no_error(tmp_path: Path) -> None:
    assert _cache._last_use(tmp_path / "gone.kernel") == 0.0
