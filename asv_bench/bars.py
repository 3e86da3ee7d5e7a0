"""Measure all bars, and print a table: ``python asv_bench/bars.py [word ...]``.

With words, only rows that contain one of them. Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import benchmarks
from benchmarks import (
    add,
    despawn,
    files,
    ids,
    move,
    query,
    remove,
    scalar,
    services,
    snapshot,
    spawn,
    transaction,
)
from benchmarks.base import SIZES, Contest, OneCall, Operation, costs
from benchmarks.imports import Import
from benchmarks.memory import Memory

N: Final = SIZES[-1]
N_LARGEST: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit that a figure is held against.

    Attributes
    ----------
    operation, against : str
        What is measured, and what it is a multiple of.
    limit : float
        Not to be passed.
    measure : callable
        Returns the figure; lower is better.
    unit : str
    faster : bool
        Whether limit and figure are written as how many times we are faster.
    """

    operation: str
    against: str
    limit: float
    measure: Callable[[], float]
    unit: str = "x"
    faster: bool = False

    def row(self, figure: float) -> str:
        """Write the row of the table."""
        verdict = "pass" if figure <= self.limit else "**miss**"
        cells = (self.operation, self.against, self.bar, self._written(figure), verdict)
        return f"| {' | '.join(cells)} |"

    @property
    def bar(self) -> str:
        """The limit in words."""
        return f"{'at least' if self.faster else 'at most'} {self._written(self.limit)}"

    def _written(self, figure: float) -> str:
        if self.faster:
            return f"{1 / figure:.3g} x faster"
        return f"{figure:.3g} {self.unit}"


def contest(kind: type[Contest], n: int = N) -> Callable[[], float]:
    """Measure a ratio at ``n``."""

    def measure() -> float:
        sides = kind()
        sides.setup(n)
        return sides.track_ratio(n)

    return measure


def alone(kind: type[Contest], n: int) -> Callable[[], float]:
    """Measure what an item of ours costs at ``n``, in microseconds."""

    def measure() -> float:
        sides = kind()
        sides.setup(n)
        return 1e6 * costs([sides.ours], sides.n_rounds)[0]

    return measure


def nanoseconds(kind: type[Operation]) -> Callable[[], float]:
    """Measure the cost of an item at `N`."""

    def measure() -> float:
        operation = kind()
        operation.setup(N)
        return operation.track_cost(N)

    return measure


def microseconds(kind: type[OneCall], n: int = N) -> Callable[[], float]:
    """Measure the cost of one call at ``n``."""

    def measure() -> float:
        operation = kind()
        operation.setup(n)
        return operation.track_cost(n) / 1000

    return measure


def growth(kind: type[Operation]) -> Callable[[], float]:
    """Measure the cost of an item at `N_LARGEST`, as a multiple of that at 10,000."""

    def measure() -> float:
        operation = kind()
        operation.setup(N_LARGEST)
        return operation.track_ratio_growth(N_LARGEST)

    return measure


def memory(track: Callable[[Memory, int], float]) -> Callable[[], float]:
    """Measure bytes an entity at `N`."""

    def measure() -> float:
        world = Memory()
        world.setup(N)
        return track(world, N)

    return measure


def creation_memory() -> float:
    """Measure the peak of creating `N` entities, as a multiple of what is left."""
    track = services.CreationMemory()
    track.setup(N)
    return track.track_peak(N)


def operations() -> Iterator[type[Operation]]:
    """Find all batch operations."""
    for found in pkgutil.iter_modules(benchmarks.__path__):
        module = importlib.import_module(f"benchmarks.{found.name}")
        for member in vars(module).values():
            if (
                inspect.isclass(member)
                and issubclass(member, Operation)
                and member.__module__ == module.__name__
                and not inspect.isabstract(member)
            ):
                yield member


def bars() -> list[Bar]:
    """List all bars, in the order of the table."""
    return [
        Bar(
            "spawn 1M with Position and Velocity, into kept capacity",
            "`np.copyto` of the same bytes and `np.arange`",
            2.0,
            contest(spawn.SpawnAgainstCopies),
        ),
        Bar(
            "its floor: that, the handle of each row, and where each entity is",
            "`np.copyto` of the same bytes and `np.arange`",
            2.0,
            contest(spawn.BareSpawnAgainstCopies),
        ),
        Bar(
            "`x += dx * dt` over a query of 1M",
            "the same arrays, at hand",
            1.1,
            contest(query.StepAgainstArrays),
        ),
        Bar(
            "move a random 10 % of 1M among 10,000 places, handles given",
            "dict of sets",
            1 / 40,
            contest(move.MoveTenthAgainstSets),
            faster=True,
        ),
        Bar(
            "its floor: a bare Numba loop",
            "dict of sets",
            1 / 40,
            contest(move.LoopAgainstSets),
            faster=True,
        ),
        Bar("the move", "the bare Numba loop", 2.0, contest(move.MoveTenthAgainstLoop)),
        Bar(
            "move a random 1 %, cost of a move",
            "of the 10 %",
            1.5,
            contest(move.MoveHundredthAgainstTenth),
        ),
        Bar(
            "its floor: the bare Numba loop",
            "of the 10 %",
            1.5,
            contest(move.HundredthOfLoopAgainstTenth),
        ),
        Bar(
            "add a float32 component to all, by query",
            "`np.full`",
            3.0,
            contest(add.AddToAllAgainstFill),
        ),
        Bar("add it to all, by handles", "`np.full`", 3.0, contest(add.AddToAllHandlesAgainstFill)),
        Bar(
            "its floor: to compare the handles, and `np.full`",
            "`np.full`",
            3.0,
            contest(add.CompareAgainstFill),
        ),
        Bar(
            "add it to a random 10 %",
            "esper",
            0.1,
            contest(add.AddToTenthAgainstEsper),
            faster=True,
        ),
        Bar(
            "remove it from them",
            "esper",
            0.1,
            contest(remove.RemoveFromTenthAgainstEsper),
            faster=True,
        ),
        Bar(
            "despawn a random 10 %",
            "esper",
            0.1,
            contest(despawn.DespawnTenthAgainstEsper),
            faster=True,
        ),
        Bar(
            "spawn 1M with string ids",
            "`dict(zip(ids, range(n)))`",
            1.2,
            contest(spawn.SpawnNamedAgainstDict),
        ),
        Bar(
            "`world.ids[list of 100k]`, stored objects",
            "list comprehension over a dict",
            0.5,
            contest(ids.LookUpTenthAgainstDict),
            faster=True,
        ),
        Bar(
            "`world.ids[list of 100k]`, fresh strings",
            "list comprehension over a dict",
            0.5,
            contest(ids.LookUpFreshTenthAgainstDict),
            faster=True,
        ),
        Bar(
            "move a random 10 % by string ids and place names",
            'polars `update(on="id")`, no index',
            1.0,
            contest(move.MoveTenthByNameAgainstPolars),
            faster=True,
        ),
        *one_by_one(),
        *going_back(),
        *by_services(),
        *by_files(),
        *footprint(),
        *(
            Bar(f"{kind.__name__}: cost of an item at 5M", "at 10k", 3.0, growth(kind))
            for kind in operations()
            if kind.__module__ != scalar.__name__
        ),
    ]


def one_by_one() -> list[Bar]:
    """List the bars of the scalar API."""
    writing, spawning, moving = "`entity[Position].x = v`", "spawn one", "move one, by place name"
    checked = "its floor: four numbers checked and written, and one call of machine code"
    looked_up = "its floor: a look-up in a dict, and one call of machine code"
    indexed = "esper and a dict of sets, of who is where"
    ratios = [
        (writing, "esper", scalar.SetOneAgainstEsper),
        (spawning, "esper", scalar.SpawnOneAgainstEsper),
        (checked, "esper", scalar.BareSpawnAgainstEsper),
        (moving, "esper", scalar.MoveOneAgainstEsper),
        (looked_up, "esper", scalar.BareMoveAgainstEsper),
        (moving, indexed, scalar.MoveOneAgainstIndexedEsper),
        ("move one, 0.1 entities a place", "esper", scalar.MoveOneInThinPlacesAgainstEsper),
    ]
    calls = [(writing, scalar.SetOne), (spawning, scalar.SpawnOne), (moving, scalar.MoveOne)]
    return [
        *(Bar(name, peer, 3.0, contest(kind)) for name, peer, kind in ratios),
        *(Bar(name, "", 10.0, microseconds(kind), "us") for name, kind in calls),
    ]


def going_back() -> list[Bar]:
    """List the bars of transactions and snapshots, of 1M entities of 32 bytes."""
    rollback, copied = "set 100 random rows and roll back", "copy of all columns"
    found = [
        (
            rollback,
            "a copy of all columns in new memory, to go back to",
            1 / 500,
            transaction.RollBackHundredRowsAgainstCopy,
        ),
        (
            "the same",
            "a copy in memory that was used before",
            1 / 500,
            transaction.RollBackHundredRowsAgainstCopyOver,
        ),
        ("set a random 10 % in a transaction", "outside", 1.6, transaction.LoggedSetAgainstSet),
        ("snapshot, all new", "`copyto`", 1.3, snapshot.FirstSnapshotAgainstCopy),
        ("first write after it", copied, 1.3, snapshot.FirstWriteAfterSnapshotAgainstCopy),
        ("snapshot and write of 1 column", "of 8", 1 / 6, snapshot.SnapshotOfOneColumnAgainstFull),
        ("restore", "`copyto`", 1.5, snapshot.RestoreAgainstCopy),
    ]
    bars = [Bar(name, peer, limit, contest(kind)) for name, peer, limit, kind in found]
    unchanged = microseconds(snapshot.SnapshotOfNothingNew)
    bars.append(Bar("snapshot, nothing new", "", 100.0, unchanged, "us"))
    deep = contest(snapshot.SnapshotAgainstDeepCopy, 100_000)
    bars.append(Bar("snapshot of 100k", "deep copy in esper", 1 / 1000, deep, faster=True))
    return bars


def by_services() -> list[Bar]:
    """List the bars of the batch services."""
    scalar_calls = [
        ("create 100k from dicts", services.CreateFromDictsAgainstScalar, 1 / 8),
        ("create 100k from columns", services.CreateFromColumnsAgainstScalar, 1 / 100),
        ("add a component to 100k, from columns", services.AddFromColumnsAgainstScalar, 1 / 50),
        ("remove it", services.RemoveFromColumnsAgainstScalar, 1 / 50),
        ("remove 100k entities by handles", services.RemoveEntitiesAgainstScalar, 1 / 50),
        ("load a world of 100k, from columns", services.LoadFromColumnsAgainstSequential, 1 / 50),
        ("move 100k by string ids", services.MoveByNameAgainstScalar, 1 / 20),
        ("move 100k by handles", services.MoveByHandleAgainstScalar, 1 / 100),
    ]
    spatial = [services.SpatialAdd, services.SpatialRemove, services.SpatialRebuild]
    return [
        *(
            Bar(name, "scalar calls", limit, contest(kind, 100_000), faster=True)
            for name, kind, limit in scalar_calls
        ),
        *(
            Bar(f"{name}, an entity", "", limit, alone(kind, 100_000), "us")
            for (name, kind, _), limit in zip(scalar_calls, (1.5, 0.3), strict=False)
        ),
        *calls_of_services(),
        Bar("create ten", "scalar calls", 1.2, contest(services.CreateTenAgainstScalar, 10)),
        Bar(
            "create 1M from columns",
            "`world.spawn` of the same",
            2.0,
            contest(services.CreateFromColumnsAgainstCore),
        ),
        Bar(
            "create 1M in batches of 50",
            "of 200",
            1.1,
            contest(services.CreateInSmallBatchesAgainstLarge),
        ),
        Bar(
            "monitoring of a batch of 1,000",
            "the batch",
            0.03,
            contest(services.MonitoringAgainstBatch, 1000),
        ),
        *(Bar(f"{kind.__name__}, 1M handles", "", 60, nanoseconds(kind), "ns") for kind in spatial),
        Bar(
            "peak memory of creating 1M from columns",
            "what is created",
            1.3,
            creation_memory,
        ),
    ]


def calls_of_services() -> list[Bar]:
    """List the bars of calls of the services about one entity."""
    found = [
        ("create one, with a name, a place and a number", services.CreateOne, 100),
        ("move one, by id and place name", services.MoveOneByService, 30),
        ("add a component to one", services.AddOne, 100),
        ("remove it", services.RemoveOne, 100),
        ("read it", services.GetOne, 100),
    ]
    return [
        Bar(f"services: {name}", "", limit, microseconds(kind, SIZES[0]), "us")
        for name, kind, limit in found
    ]


def by_files() -> list[Bar]:
    """List the bars of world files, and of checkpoints of 1M entities of 32 bytes."""
    small, decoding = 100_000, "reading, validating and decoding the columns"
    collecting = "with the garbage collector on"
    in_one_thread = "`pyarrow`, in one thread"
    save, load = "save 1M entities of 32 bytes", "load them, checksums verified"
    floor = "its floor on one core: that, and `world.spawn` of the columns"
    of_files = [
        ("load 100k from JSON", "`orjson.loads`", 3.0, files.LoadJsonAgainstOrjson, small),
        ("load 100k from NDJSON", "`orjson.loads`", 3.0, files.LoadLinesAgainstOrjson, small),
        (f"JSON, {collecting}", "`orjson.loads`", 3.0, files.LoadJsonAsUsersDo, small),
        (f"NDJSON, {collecting}", "`orjson.loads`", 3.0, files.LoadLinesAsUsersDo, small),
        ("write 100k as NDJSON", "`orjson.dumps`", 3.0, files.WriteLinesAgainstOrjson, small),
        ("load 1M from Parquet", in_one_thread, 2.0, files.LoadParquetAgainstPyarrow, N),
        (floor, in_one_thread, 2.0, files.SpawnReadAgainstParquet, N),
        ("load 1M from Parquet", "`pyarrow`, in threads", 2.0, files.LoadParquetAgainstThreads, N),
        ("load 1M from Arrow", decoding, 2.0, files.LoadArrowAgainstDecoding, N),
        (floor, decoding, 2.0, files.SpawnReadAgainstDecoding, N),
        ("load 1M from Arrow", "a memory map, unread", 2.0, files.LoadArrowAgainstMap, N),
        ("write 1M as Parquet", "`pyarrow`, of columns", 2.0, files.WriteParquetAgainstPyarrow, N),
        (f"{save}, not durable", "`np.save`", 2.0, files.SaveAgainstArrays, N),
        (f"{save}, durable", "`np.save` and `fsync`", 2.0, files.SaveDurablyAgainstArrays, N),
        (load, "`np.load`", 2.0, files.LoadAgainstArrays, N),
    ]
    one_by_one = [
        ("load 100k from JSON", files.LoadJsonAgainstScalar),
        ("load 100k from NDJSON", files.LoadLinesAgainstScalar),
    ]
    return [
        *(Bar(name, peer, limit, contest(kind, n)) for name, peer, limit, kind, n in of_files),
        *(
            Bar(name, "one by one", 0.1, contest(kind, small), faster=True)
            for name, kind in one_by_one
        ),
        Bar("peak of loading 1M from NDJSON", "1.5 x the world and 200 MB", 1.0, peak_of_lines),
    ]


def peak_of_lines() -> float:
    """Measure the peak of a process that loads `N` lines."""
    lines = files.LinesInMemory()
    lines.setup(N)
    return lines.track_peak(N)


def footprint() -> list[Bar]:
    """List the bars of memory and of starting."""
    return [
        Bar("memory above values, nowhere", "", 40, memory(Memory.track_overhead), "bytes"),
        Bar(
            "memory above values, in places",
            "",
            40,
            memory(Memory.track_overhead_in_places),
            "bytes",
        ),
        Bar("`import ecs_columnar`", "above `import numpy`", 0.1, Import().track_import, "s"),
        Bar("first batch, nothing compiled", "", 5.0, Import().track_first_batch_cold, "s"),
        Bar("first batch, compiled code on disk", "", 0.2, Import().track_first_batch_warm, "s"),
        Bar(
            "its floor: importing Numba, and one loop on disk",
            "",
            0.2,
            Import().track_first_loop_warm,
            "s",
        ),
    ]


def main() -> int:
    """Measure, and print each row when it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", metavar="word")
    words = parser.parse_args().words
    print("| operation | against | bar | measured | |\n|---|---|---|---|---|")
    n_missed = 0
    for bar in bars():
        if words and not any(word in f"{bar.operation} {bar.against}" for word in words):
            continue
        figure = bar.measure()
        n_missed += figure > bar.limit
        print(bar.row(figure), flush=True)
        gc.collect()
    return int(n_missed > 0)


if __name__ == "__main__":
    sys.exit(main())
