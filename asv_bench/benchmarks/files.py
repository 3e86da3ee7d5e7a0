"""World files and checkpoints, against what reads or writes the same bytes and no more.

Files lie in a temporary folder, warm in the page cache.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any, Final, Literal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

import ecs_columnar as ecs
from benchmarks.base import SIZES, Contest, Side, compile_kernels
from benchmarks.services import N_ALONE, Crew
from benchmarks.worlds import Body, bodies
from ecs_columnar.io.arrow_output import write_columns
from ecs_columnar.services.world_loading_service import WorldLoadingService

Format = Literal["json", "ndjson", "parquet", "arrow"]

ALLOWED: Final = 200_000_000
"""Bytes that a load may take whatever the size of the world."""

PEAK: Final = """
import resource, sys
import psutil
import ecs_columnar as ecs

def peak():
    if sys.platform == "linux":  # where maxrss is inherited from the parent
        text = open("/proc/self/status").read()
        return int(text.split("VmHWM:")[1].split()[0]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024

ecs.warmup()
ecs.World.from_files(sys.argv[1])  # imports what it needs, and is small
before = psutil.Process().memory_info().rss
world = ecs.World.from_files(sys.argv[2])
print(peak() - before, world.stats().nbytes)
"""


@functools.cache
def folder() -> Path:
    """Return a folder that is there as long as the process."""
    made = tempfile.TemporaryDirectory(prefix="ecs-bench-")
    atexit.register(made.cleanup)
    return Path(made.name)


@functools.cache
def written(n: int, format: Format) -> Path:
    """Write a world of ``n`` actors as files, once a process."""
    path = folder() / f"{format}-{n}"
    Crew(n).populated().world.to_files(path, format=format)
    return path


def files_in(path: Path) -> list[Path]:
    """Return the files that have the instances."""
    return sorted(file for file in path.rglob("entities/instances/*") if file.is_file())


def loading(n: int, format: Format) -> Side:
    """Load a world from files."""
    compile_kernels()
    path = written(n, format)
    return making(lambda: ecs.World.from_files(path), n)


def making(make: Callable[[], ecs.World], n: int) -> Side:
    """Make a world, and keep it until the next one has been made.

    So the memory of a world is used again, as that of pyarrow's columns is, which keeps
    what it has. Else it would depend on where things lie whether `malloc` gives it back.
    """
    kept: list[ecs.World] = []

    def do() -> None:
        kept.append(make())

    def undo() -> None:
        del kept[:-1]

    return Side(do, undo, n_items=n)


def parsing(n: int) -> Side:
    """Parse the same JSON with orjson."""

    def do() -> list[Any]:
        return [orjson.loads(file.read_bytes()) for file in files_in(written(n, "json"))]

    return Side(do, n_items=n)


def parsing_lines(n: int) -> Side:
    """Parse the same lines with orjson."""

    def do() -> list[Any]:
        (file,) = files_in(written(n, "ndjson"))
        with file.open("rb") as lines:
            return list(map(orjson.loads, lines))

    return Side(do, n_items=n)


def loading_alone(n: int, format: Format) -> Side:
    """Load a few instances from files, one by one."""
    n = min(N_ALONE, n)
    path = written(n, format)

    def do() -> ecs.World:
        world = ecs.World()
        WorldLoadingService(world, enable_optimization=False).load_world(path)
        return world

    return Side(do, n_items=n)


class LoadJsonAgainstOrjson(Contest):
    """JSON, against parsing it."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        self.ours, self.theirs = loading(n, "json"), parsing(n)


class LoadJsonAsUsersDo(LoadJsonAgainstOrjson):
    """The same with the garbage collector on, which looks at dicts while they are made."""

    def setup(self, n: int) -> None:
        super().setup(n)
        self.ours, self.theirs = (side._replace(has_gc=True) for side in (self.ours, self.theirs))


class LoadJsonAgainstScalar(Contest):
    """JSON, against loading one by one."""

    params = SIZES[:2]
    n_rounds = 3

    def setup(self, n: int) -> None:
        self.ours, self.theirs = loading(n, "json"), loading_alone(n, "json")


class LoadLinesAgainstOrjson(Contest):
    """NDJSON, against parsing each line."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        self.ours, self.theirs = loading(n, "ndjson"), parsing_lines(n)


class LoadLinesAsUsersDo(LoadLinesAgainstOrjson):
    """The same with the garbage collector on."""

    def setup(self, n: int) -> None:
        super().setup(n)
        self.ours, self.theirs = (side._replace(has_gc=True) for side in (self.ours, self.theirs))


class LoadLinesAgainstScalar(Contest):
    """NDJSON, against loading one by one."""

    params = SIZES[:2]
    n_rounds = 3

    def setup(self, n: int) -> None:
        self.ours, self.theirs = loading(n, "ndjson"), loading_alone(n, "ndjson")


class WriteLinesAgainstOrjson(Contest):
    """NDJSON, against making the same lines of dicts that are there, and writing them."""

    params = SIZES[:2]

    def setup(self, n: int) -> None:
        (file,) = files_in(written(n, "ndjson"))
        items = list(map(orjson.loads, file.read_bytes().splitlines()))
        world, ours, theirs = Crew(n).populated().world, folder() / "world", folder() / "lines"

        def do() -> None:
            with theirs.open("wb") as lines:
                lines.writelines(orjson.dumps(item) + b"\n" for item in items)

        self.ours = Side(
            lambda: world.to_files(ours, format="ndjson"),
            lambda: shutil.rmtree(ours),
            n_items=n,
        )
        self.theirs = Side(do, theirs.unlink, n_items=n)


class LoadParquetAgainstPyarrow(Contest):
    """Parquet, against reading the columns in one thread.

    `pyarrow.parquet.read_table` reads ahead in others, whatever it is told.
    """

    def setup(self, n: int) -> None:
        (file,) = files_in(written(n, "parquet"))

        def do() -> Any:
            with pq.ParquetFile(file) as parquet:
                return parquet.read(use_threads=False)

        self.ours, self.theirs = loading(n, "parquet"), Side(do, n_items=n)


class LoadParquetAgainstThreads(LoadParquetAgainstPyarrow):
    """The same, against reading them in as many threads as there are cores."""

    def setup(self, n: int) -> None:
        super().setup(n)
        (file,) = files_in(written(n, "parquet"))
        self.theirs = Side(lambda: pq.read_table(file), n_items=n)


class LoadArrowAgainstMap(Contest):
    """Arrow, against mapping the file, of which nothing is read then."""

    def setup(self, n: int) -> None:
        (file,) = files_in(written(n, "arrow"))

        def do() -> Any:
            with pa.memory_map(str(file)) as mapped:
                return pa.ipc.open_file(mapped).read_all()

        self.ours, self.theirs = loading(n, "arrow"), Side(do, n_items=n)


class LoadArrowAgainstDecoding(Contest):
    """Arrow, against reading the file, validating it, and decoding its dictionaries."""

    def setup(self, n: int) -> None:
        (file,) = files_in(written(n, "arrow"))

        def do() -> list[Any]:
            table = pa.ipc.open_file(file.read_bytes()).read_all()
            table.validate(full=True)
            return [decoded(column) for column in table.columns]

        self.ours, self.theirs = loading(n, "arrow"), Side(do, n_items=n)


def decoded(column: Any) -> Any:
    """Return a column in memory of its own, without a dictionary."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column.combine_chunks()


class SpawnReadAgainstParquet(LoadParquetAgainstPyarrow):
    """The floor of it on one core: to read the columns, and then to spawn them."""

    def setup(self, n: int) -> None:
        super().setup(n)
        self.ours = both(self.theirs, spawning(n))


class SpawnReadAgainstDecoding(LoadArrowAgainstDecoding):
    """The same, of Arrow."""

    def setup(self, n: int) -> None:
        super().setup(n)
        self.ours = both(self.theirs, spawning(n))


def both(first: Side, second: Side) -> Side:
    """Do one thing after the other."""
    return second._replace(do=lambda: (first.do(), second.do()))


class Actor(ecs.Component):
    """What an actor has, as classes say it."""

    text: ecs.str_
    points: ecs.i8


def spawning(n: int) -> Side:
    """Spawn the actors of an Arrow file into a new world, when it has been read."""
    (file,) = files_in(written(n, "arrow"))
    table = pa.ipc.open_file(file.read_bytes()).read_all()
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    ids, places = columns["instance_id"], columns["core:position.locationId"]
    actors = Actor(columns["core:name.text"], columns["core:health.points"].to_numpy())

    def make() -> ecs.World:
        world = ecs.World()
        world.spawn(n, actors, ids=ids, at=places)
        return world

    return making(make, n)


def writing(n: int, format: Format) -> Side:
    """Write a world as files, of which those of the round before are gone."""
    world, path = Crew(n).populated().world, folder() / f"out-{format}-{n}"
    return Side(lambda: world.to_files(path, format=format), lambda: rmtree(path), n_items=n)


def writing_columns(n: int, format: Format) -> Side:
    """Write the same columns, ready made, as the same file."""
    (source,) = files_in(written(n, format))
    is_parquet = format == "parquet"
    table = pq.read_table(source) if is_parquet else pa.ipc.open_file(source).read_all()
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    path = folder() / f"columns-{n}.{format}"

    def do() -> None:
        with path.open("wb") as file:
            write_columns(columns, file, is_parquet=is_parquet)

    return Side(do, path.unlink, n_items=n)


class WriteParquetAgainstPyarrow(Contest):
    """Parquet, against writing the columns when they are there."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = writing(n, "parquet"), writing_columns(n, "parquet")


class WriteArrowAgainstPyarrow(Contest):
    """Arrow, against the same, which copies the columns into the file and no more."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = writing(n, "arrow"), writing_columns(n, "arrow")


class LinesInMemory:
    """The peak of a process that loads NDJSON."""

    params = SIZES
    param_names = ("n",)
    timeout = 600

    def setup(self, n: int) -> None:
        compile_kernels()
        self.paths = written(100, "ndjson"), written(n, "ndjson")

    def track_peak(self, n: int) -> float:
        """Measure what is above imports, as a multiple of 1.5 times the world and `ALLOWED`."""
        peak, world = measured(PEAK, self.paths)
        return peak / (1.5 * world + ALLOWED)

    track_peak.unit = "x"  # type: ignore[attr-defined]


def measured(program: str, arguments: Sequence[Path]) -> tuple[int, int]:
    """Run a program that prints two numbers, on the package that is imported here."""
    package = str(Path(ecs.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": package},
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.split()
    return int(first), int(second)


# --- checkpoints ---------------------------------------------------------------------


class Arrays:
    """The columns of ``n`` bodies as files of NumPy."""

    def __init__(self, n: int) -> None:
        self._path = folder() / f"arrays-{n}"
        self._path.mkdir(exist_ok=True)
        names = [field.name for field in Body.__schema__.fields]
        self._columns = {name: np.random.default_rng(0).random(n, np.float32) for name in names}

    def save(self, *, durable: bool) -> None:
        """Write all columns, to the disk itself if it is to be durable."""
        for name, column in self._columns.items():
            with (self._path / f"{name}.npy").open("wb") as file:
                np.save(file, column)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
        if durable:
            _sync_folder(self._path)

    def load(self) -> list[Any]:
        """Read all columns."""
        return [np.load(self._path / f"{name}.npy") for name in self._columns]


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def saving(n: int, *, durable: bool) -> tuple[Side, Side]:
    """Save a world of bodies; save its columns."""
    world, _ = bodies(n)
    arrays, path = Arrays(n), folder() / f"saved-{n}-{durable}"
    theirs: Callable[[], None] = functools.partial(arrays.save, durable=durable)
    return Side(lambda: world.save(path, durable=durable)), Side(theirs)


class SaveAgainstArrays(Contest):
    """A checkpoint, left to the system to write, against `np.save` of the columns."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = saving(n, durable=False)


class SaveDurablyAgainstArrays(Contest):
    """A durable checkpoint, against `np.save` of the columns and `fsync` of each file."""

    n_rounds = 3

    def setup(self, n: int) -> None:
        self.ours, self.theirs = saving(n, durable=True)


class LoadAgainstArrays(Contest):
    """Load a checkpoint, checksums verified, against `np.load` of the columns."""

    def setup(self, n: int) -> None:
        world, _ = bodies(n)
        arrays, path = Arrays(n), folder() / f"loaded-{n}"
        world.save(path, durable=False)
        arrays.save(durable=False)
        self.ours = Side(lambda: ecs.World.load(path, components=[Body]))
        self.theirs = Side(arrays.load)
