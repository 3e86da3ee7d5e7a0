"""Broken files by the million: ``python -m tests.broken_files FAMILY N [SEED]``.

An example is a function of its family and its number. Examples run in a child
process, which says in which one it is; where it dies, the next child goes on
behind. A finding is anything but: loaded soundly, or refused with nothing changed,
within a time, and without a write elsewhere.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

import ecs_columnar as ecs
from ecs_columnar.checkpoint import manifest as manifests
from ecs_columnar.checkpoint.disk import FileRecord
from ecs_columnar.io import alike
from ecs_columnar.io.limits import Limits
from ecs_columnar.services import Services, create_default_services_with_config
from tests.checkpoints import a_small_world
from tests.checkpoints import load as load_checkpoint
from tests.world_files import ACTOR, HARBOUR_TOWN, HEALTH, instance, load, world_of, write

SECONDS: Final = 20
LIMITS: Final = Limits(file_bytes=2**20, rows=10_000, table_bytes=2**24)

TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[\[\]{}:,]')
BYTES: Final = (b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\0", b"\xff", b"\n", b"-", b"9")
WORDS: Final = (
    b'""', b'" "', b'"ann"', b'"core:actor"', b'"core:health"', b'"core:position"', b'"../x"',
    b'"\\ud83d\\ude00"', b'"\\u0000"', b'"$ref"', b'"#"', b'"points"', b'"type"', b'"string"',
    b'"number"', b'"pattern"', b'"(a+)+$"', b'"enum"', b'"items"', b'"__class__"', b'"id"',
    b"0", b"-1", b"-0.0", b"1e400", b"1e308", b"9007199254740993", b"18446744073709551616", b"NaN",
    b"true", b"false", b"null", b"[]", b"{}", b"[[]]", b'{"":0}', b'{"a":1,"a":2}', b"1" * 400,
    b"[" * 70, b'"' + b"x" * 5000 + b'"',
)  # fmt: skip


def with_other_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, insert, repeat, turn round or overwrite bytes."""
    for _ in range(rng.randint(1, 3)):
        at, length = rng.randrange(len(data) + 1), rng.randint(1, 40)
        part = data[at : at + length]
        number = rng.choice((0, 1, 127, 128, 255, 2**31 - 1, 2**32 - 1, 2**62, 2**63, 2**64 - 1))
        data = rng.choice(
            [
                data[:at] + bytes(b ^ 1 << rng.randrange(8) for b in part[:1]) + data[at + 1 :],
                data[:at],
                data[:at] + rng.choice(BYTES) + data[at:],
                data[:at] + part + data[at:],
                data[:at] + data[at + length :],
                data[:at] + part[::-1] + data[at + length :],
                data[:at] + number.to_bytes(8, "little")[: rng.choice((1, 4, 8))] + data[at + 8 :],
            ]
        )
    return data


def with_other_footer(data: bytes, rng: random.Random) -> bytes:
    """Change a Parquet or an Arrow file: its footer, whose length is right then, or any part.

    Little of a file is its footer, and most of what is believed of it is there.
    """
    if rng.randrange(2):
        return with_other_bytes(data, rng)
    n_behind = 4 + len(b"PAR1" if data.endswith(b"PAR1") else b"ARROW1")
    start = len(data) - n_behind - int.from_bytes(data[-n_behind:][:4], "little")
    footer = with_other_bytes(data[start:-n_behind], rng)
    return data[:start] + footer + len(footer).to_bytes(4, "little") + data[4 - n_behind :]


def with_other_tokens(data: bytes, rng: random.Random) -> bytes:
    """Replace tokens of JSON by others, so that most of it is JSON still."""
    spans = values_in(data)
    chosen = sorted({rng.choice(spans) for _ in range(rng.randint(1, 3))} if spans else ())
    changed = data
    for start, end in reversed(chosen):
        new = rng.choice(WORDS) if rng.randrange(2) else data[slice(*rng.choice(spans))]
        changed = changed[:start] + new + changed[end:]
    return changed


@lru_cache(maxsize=64)
def values_in(data: bytes) -> list[tuple[int, int]]:
    """Return where strings, numbers and names are in a text of JSON."""
    return [found.span() for found in TOKEN.finditer(data) if found[0] not in b"[]{}:,"]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Change a file of JSON a little."""
    return (with_other_bytes if rng.random() < 0.4 else with_other_tokens)(data, rng)


# --- what is broken ------------------------------------------------------------------

RICH: Final = {
    "id": "core:rich",
    "dataSchema": {
        "properties": {
            "name": {"type": "string", "minLength": 1, "pattern": "^[a-z]+$"},
            "mass": {"type": "number", "multipleOf": 0.5},
            "is_on": {"type": ["boolean", "null"]},
            "kind": {"enum": ["a", "b"]},
            "parts": {"type": "array", "items": {"$ref": "#/definitions/part"}},
        },
        "definitions": {"part": {"type": "object", "required": ["id"]}},
    },
}
SIMPLE: Final = {
    "id": "core:simple",
    "dataSchema": {
        "properties": {
            "mass": {"type": "number", "maximum": 10},
            "text": {"type": "string", "maxLength": 9},
            "is_on": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
}
RICH_DATA: Final = {"name": "x", "mass": 1.5, "is_on": None, "kind": "a", "parts": [{"id": 1}]}
INSTANCES: Final = [
    instance("ann", health={"points": 3}),
    instance("ben", position={"locationId": "ann"}, rich=RICH_DATA),
    instance("cleo"),
]
ALIKE: Final = [
    json.dumps(
        instance(f"a{i}", health={"points": i}, position={"locationId": f"p{i % 2}"}, simple=data)
    ).encode()
    for i, data in enumerate([{"mass": i / 8, "text": "a\n", "is_on": i > 1} for i in range(4)])
]


def _whole() -> dict[str, Any]:
    world = world_of(
        *INSTANCES,
        worlds=[{"id": "core:w", "instances": [{"instanceId": "ann"}, {"instanceId": "ben"}]}],
        startWorld="core:w",
    )
    return world | {"components": [HEALTH, RICH]}


def _plain() -> dict[str, Any]:
    entities = [{"instanceId": "ann", "definitionId": "core:actor", "components": {}}]
    return {
        "components": [HEALTH],
        "definitions": [ACTOR],
        "entities": entities,
        "locations": [{"entityId": "ann", "locationId": "inn"}],
    }


def tables() -> list[pa.Table]:
    """Make tables of instances, of all types that columns have."""
    n = 40
    ids = [f"a{i}" for i in range(n)]
    points = pa.array([None if i % 7 == 0 else i for i in range(n)])
    places = pa.array(["inn", None] * (n // 2))
    shared = {"instance_id": ids, "definition_id": pa.array(["core:actor"] * n)}
    coded = pa.dictionary(pa.uint8(), pa.string())
    parts = pa.list_(pa.struct([("id", pa.large_string()), ("kind", coded)]))
    rich = [json.dumps(RICH_DATA) if i % 3 else None for i in range(n)]
    return [
        pa.table({**shared, "core:health.points": points, "core:position.locationId": places}),
        pa.table(
            {
                "instance_id": pa.array(ids, pa.large_string()),
                "definition_id": shared["definition_id"].dictionary_encode(),
                "core:position.locationId": places.dictionary_encode(),
                "core:rich.name": pa.array(["x", "y"] * (n // 2), pa.string_view()),
                "core:rich.kind": pa.array(["a", "b"] * (n // 2)).dictionary_encode(),
                "core:rich.mass": pa.array([0.5] * n, pa.float32()),
                "core:rich.parts": pa.array([[{"id": 1}]] * n),
            }
        ),
        pa.table({**shared, "core:rich": pa.array(rich)}),
        pa.table(
            {
                **shared,
                "core:rich.name": pa.array(["x", None] * (n // 2)).cast(coded),
                "core:rich.is_on": pa.nulls(n),
                "core:rich.parts": pa.array([[{"id": "a", "kind": "b"}], None] * (n // 2), parts),
            }
        ),
    ]


def _parquet_files() -> list[bytes]:
    options: list[dict[str, Any]] = [
        {"write_page_checksum": True},
        {"compression": "none"},
        {"compression": "zstd", "row_group_size": 10},
        {"compression": "gzip", "use_dictionary": False, "data_page_version": "2.0"},
    ]
    return [_written(pq.write_table, table, **each) for table in tables() for each in options]


def _arrow_files() -> list[bytes]:
    def write_ipc(table: pa.Table, sink: Any, compression: str | None) -> None:
        options = pa.ipc.IpcWriteOptions(compression=compression, unify_dictionaries=True)
        with pa.ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=15)

    return [
        _written(write_ipc, table, compression=each)
        for table in tables()
        for each in (None, "zstd", "lz4")
    ]


def _written(write_table: Callable[..., Any], table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


# --- what is checked -----------------------------------------------------------------


class Target:
    """Loads files into a world that has somebody in it; a new one when it has changed.

    Parameters
    ----------
    knows_types : bool
        Whether the world knows the component types already.
    """

    def __init__(self, *, knows_types: bool = False) -> None:
        self._knows_types = knows_types
        self._services: Services | None = self._fresh()
        self._before = self._state(self._services)

    def load(self, path: Path) -> None:
        """Load a world; if it is refused, nothing has happened, else it is sound."""
        services = self._services or self._fresh()
        self._services = None
        try:
            result = load(path, services, limits=LIMITS)
        except ecs.WorldInitializationError as error:
            refusal = error
        else:
            refusal = None
        if refusal is not None:
            assert refusal.problems
            assert self._state(services) == self._before
            self._services = services
            return
        assert result.total_processed == result.instantiated_count + result.failed_count
        assert result.instantiated_count == len(services.world) - 1
        assert len(result.problems) >= result.failed_count
        for problem in result.problems:
            assert len(str(problem).splitlines()) == 1
            assert len(str(problem)) < 5000
        services.world.check()

    def _fresh(self) -> Services:
        services = create_default_services_with_config()
        services.world.spawn(1, ids=["resident"], at="home")
        if self._knows_types:
            for declared in (HEALTH, RICH, SIMPLE):
                services.components.register(declared)
            services.definitions.register(ACTOR)
        return services

    def _state(self, services: Services) -> tuple[str, list[str]]:
        return services.world.digest(), services.components.ids()


class OneFile:
    """One file that is broken anew for each example."""

    def __init__(
        self, root: Path, name: str, originals: list[bytes], change: Any, *, knows_types: bool
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._path = root / name
        self._originals, self._change = originals, change
        self._target = Target(knows_types=knows_types)

    def __call__(self, rng: random.Random) -> None:
        self._path.write_bytes(self._change(rng.choice(self._originals), rng))
        self._target.load(self._path)


class OneOfFolder:
    """A folder of which one file is broken."""

    def __init__(self, root: Path) -> None:
        self._files = {
            str(path.relative_to(HARBOUR_TOWN)): path.read_bytes()
            for path in sorted(HARBOUR_TOWN.rglob("*.json"))
        }
        self._root = write(root, dict(self._files))
        self._target = Target()

    def __call__(self, rng: random.Random) -> None:
        name = rng.choice(sorted(self._files))
        (self._root / name).write_bytes(mutated(self._files[name], rng))
        try:
            self._target.load(self._root)
        finally:
            (self._root / name).write_bytes(self._files[name])


class Checkpoint:
    """A checkpoint of which one file is broken, and has the right checksum in half of all cases."""

    def __init__(self, root: Path) -> None:
        a_small_world().save(root / "w", durable=False)
        self._root = root / "w"
        self._folder = next(path for path in self._root.iterdir() if path.is_dir())
        self._files = {path.name: path.read_bytes() for path in self._folder.iterdir()}
        self._digest = load_checkpoint(self._root).digest()

    def __call__(self, rng: random.Random) -> None:
        name = rng.choice(sorted(self._files))
        is_manifest = name == manifests.NAME
        data = self._files[name]
        manifest = json.loads(self._files[manifests.NAME])["manifest"]
        is_forged = bool(rng.randrange(2))
        if is_forged and is_manifest:
            changed = mutated(json.dumps(manifest).encode(), rng)
        else:
            change = mutated if name.endswith(".json") else with_other_bytes
            changed = change(data, rng)
            manifest["files"][name] = FileRecord(len(changed), xxhash.xxh3_128(changed).hexdigest())
            if not is_manifest:
                (self._folder / name).write_bytes(changed)
            if is_forged:
                changed = json.dumps(manifest, separators=(",", ":")).encode()
        if is_forged:
            digest = xxhash.xxh3_128(changed).hexdigest().encode()
            changed = b'{"xxh3_128":"' + digest + b'","manifest":' + changed + b"}\n"
        if is_forged or is_manifest:
            (self._folder / manifests.NAME).write_bytes(changed)
        try:
            self._load(is_forged)
        finally:
            for each in {name, manifests.NAME}:
                (self._folder / each).write_bytes(self._files[each])

    def _load(self, is_forged: bool) -> None:
        try:
            world = load_checkpoint(self._root)
        except ecs.CheckpointError:
            return
        world.check()
        assert is_forged or world.digest() == self._digest


def family(name: str, root: Path) -> Callable[[random.Random], None]:
    """Return what breaks files of a family and looks at what becomes of them."""
    if name == "folder":
        return OneOfFolder(root)
    if name == "checkpoint":
        return Checkpoint(root)
    if name == "json":
        texts = [json.dumps(each).encode() for each in (_whole(), _plain(), INSTANCES)]
        texts.append(b"[" + b",\n".join(ALIKE) + b"]")
        return OneFile(root, "w.json", texts, mutated, knows_types=False)
    if name == "ndjson":
        rows = [json.dumps(each).encode() for each in INSTANCES]
        texts = [b"".join(row + b"\n" for row in each) for each in (rows, ALIKE)]
        return OneFile(root, "w.ndjson", texts, mutated, knows_types=True)
    files = {"parquet": _parquet_files, "arrow": _arrow_files}[name]()
    return OneFile(root, f"w.{name}", files, with_other_footer, knows_types=True)


FAMILIES: Final = ("json", "ndjson", "folder", "parquet", "arrow", "checkpoint")

# --- examples in a process of their own ----------------------------------------------


class TooSlowError(Exception):
    """An example has taken too long."""


class WroteElsewhereError(Exception):
    """Something was written outside of the folder of the examples."""


_WRITES: Final = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink"}


@contextmanager
def guarded(root: Path) -> Iterator[None]:
    """Raise when something is written outside a folder, while the block runs."""
    is_on = True
    own = (str(root), "/dev/null")

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if not is_on:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = (mode and set(mode) & set("wax+")) or flags & (os.O_WRONLY | os.O_RDWR)
        else:
            path, writes = (arguments or (None,))[0], event in _WRITES
        if writes and isinstance(path, str | os.PathLike) and not str(path).startswith(own):
            raise WroteElsewhereError(f"{event} {path}")

    sys.addaudithook(look)
    try:
        yield
    finally:
        is_on = False


@contextmanager
def short_runs() -> Iterator[None]:
    """Read instances as columns where two of them are written alike, while the block runs."""
    least = alike.LEAST_BYTES, alike.LEAST_ROWS
    alike.LEAST_BYTES = alike.LEAST_ROWS = 0  # type: ignore[misc]
    try:
        yield
    finally:
        alike.LEAST_BYTES, alike.LEAST_ROWS = least  # type: ignore[misc]


def run_examples(name: str, start: int, stop: int, tell: Callable[[str], object]) -> None:
    """Run examples, and tell of each finding and of where we are."""

    def too_slow(*_: object) -> None:
        raise TooSlowError(f"more than {SECONDS} s")

    signal.signal(signal.SIGALRM, too_slow)
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        run = family(name, Path(folder))
        ecs.warmup()  # or it would be written into the cache of Numba, which lies elsewhere
        run_quietly(run, name, start)  # imports what is imported late
        gc.freeze()  # a tenth of the time is spent in looking at modules otherwise
        armed = -math.inf
        with guarded(Path(folder)), short_runs():
            for i in range(start, stop):
                tell(f"at {i}")
                if time.monotonic() - armed > SECONDS:  # to arm it starts a thread
                    faulthandler.dump_traceback_later(3 * SECONDS, exit=True)
                    armed = time.monotonic()
                signal.alarm(SECONDS)
                finding = run_quietly(run, name, i)
                signal.alarm(0)
                if finding:
                    tell(f"finding {i}\n{finding}")
        faulthandler.cancel_dump_traceback_later()
        tell(f"at {stop}")


def run_quietly(run: Callable[[random.Random], None], name: str, i: int) -> str:
    """Run an example, and return what it raised as text."""
    try:
        run(random.Random(f"{name} {i}"))
    except Exception:  # noqa: BLE001  # whatever it is, it is a finding
        return traceback.format_exc()
    return ""


def _memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def findings(name: str, start: int, stop: int) -> list[str]:
    """Run examples in child processes, and return what was found."""
    found: list[str] = []
    while start < stop:
        command = [sys.executable, "-m", "tests.broken_files", "--child", name]
        with tempfile.TemporaryFile() as errors:
            done = subprocess.run(
                [*command, str(start), str(stop)],
                check=False,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            errors.seek(0)
            text = errors.read()[-4000:].decode(errors="replace")
        lines = done.stdout.split("\0")
        found += [f"{name} {line}" for line in lines if line.startswith("finding")]
        at = [int(line.split()[1]) for line in lines if line.startswith("at")]
        reached = at[-1] if at else start
        if reached < stop:
            found.append(f"{name}: the process died in {reached} with {done.returncode}\n{text}")
            if not at:
                return found
        start = reached + 1
    return found


def _child(name: str, start: int, stop: int) -> None:
    faulthandler.enable()
    run_examples(name, start, stop, lambda line: os.write(1, f"{line}\0".encode(errors="replace")))


def main(arguments: list[str]) -> int:
    """Run many examples, a part at a time, and print what was found."""
    if arguments[0] == "--child":
        _child(arguments[1], int(arguments[2]), int(arguments[3]))
        return 0
    name, n, seed = arguments[0], int(arguments[1]), int((arguments[2:] or ["0"])[0])
    n_found, seen = 0, set()
    for start in range(seed, seed + n, 10_000):
        found = findings(name, start, min(start + 10_000, seed + n))
        n_found += len(found)
        for each in found:
            kind = re.sub(r"\d+", "#", each.strip().splitlines()[-1])
            print(each if kind not in seen else each.splitlines()[0], flush=True)
            seen.add(kind)
        print(f"{name}: {min(start + 10_000 - seed, n)} examples, {n_found} findings", flush=True)
    return int(n_found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
