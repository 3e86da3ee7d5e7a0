"""Break an operation off at its k-th step, and see that nothing is half done.

A step is a line or a bytecode of the library. The operation is done once to
write down its steps, each with the call that it is in, so that to get to one of
them only that call is traced. After each time a `Memento` puts the scene back,
and the step that is broken off next has to be the one that was written down.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Literal, NamedTuple

import ecs_columnar as ecs
from ecs_columnar.change import Change
from tests.checkpoints import load
from tests.fingerprint import Fingerprint, differences, fingerprint
from tests.memento import Memento, Part
from tests.scene import ENDS, JOURNALLED, OPERATIONS, WITH_A_JOURNAL, Scene, a_scene

EVERY = {**OPERATIONS, **JOURNALLED}
PACKAGE = str(Path(ecs.__file__).parent)
Kind = Literal["line", "opcode"]
Trace = Callable[[FrameType, str, Any], Any]


class Injected(BaseException):
    """Raised at a line; no error of the library's, and not caught by what catches errors."""


class Step(NamedTuple):
    """One line or bytecode on the way through an operation.

    Attributes
    ----------
    n_calls, n_within : int
        It is the ``n_within``-th step of the ``n_calls``-th call of the library.
    code : CodeType
    at : int
        The number of the line or the offset of the bytecode.
    path : int
        The same for equal stacks of calls.
    """

    n_calls: int
    n_within: int
    code: CodeType
    at: int
    path: int


def is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)


def position(frame: FrameType, kind: Kind) -> int:
    return frame.f_lineno if kind == "line" else frame.f_lasti


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """Trace, and let no garbage be collected: to close a generator of ours is a call of ours."""
    before = sys.gettrace()
    gc.disable()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
        gc.enable()


def steps_of(call: Callable[[], Any], kind: Kind) -> list[Step]:
    """Call, and write down all steps."""
    steps: list[Step] = []
    paths: dict[tuple[Any, ...], int] = {}
    path_of: dict[FrameType, int] = {}
    n_calls = 0

    def trace(frame: FrameType, event: str, _: Any) -> Trace | None:
        nonlocal n_calls
        if not is_ours(frame):
            return None
        n_calls += 1
        frame.f_trace_opcodes = kind == "opcode"
        path_of[frame] = path = _path_of(frame, paths, path_of)
        return _noting(steps, kind, n_calls, path)

    with traced(trace):
        call()
    return steps


def distinct(steps: Iterable[Step]) -> list[Step]:
    """Return one of the steps that are the same, on the same stack of calls: the first."""
    found: dict[tuple[Any, ...], Step] = {}
    for step in steps:
        found.setdefault((step.path, step.code, step.at), step)
    return list(found.values())


def _path_of(
    frame: FrameType, paths: dict[tuple[Any, ...], int], path_of: dict[FrameType, int]
) -> int:
    """Return a number for a stack of calls: where each call is made, down to the library."""
    key: tuple[Any, ...] = (frame.f_code,)
    outer = frame.f_back
    while outer is not None and outer not in path_of:
        key += (outer.f_code, outer.f_lasti)
        outer = outer.f_back
    if outer is not None:
        key += (path_of[outer], outer.f_lasti)
    return paths.setdefault(key, len(paths))


def _noting(steps: list[Step], kind: Kind, n_calls: int, path: int) -> Trace:
    n_within = 0

    def note(frame: FrameType, event: str, _: Any) -> Trace:
        nonlocal n_within
        if event == kind:
            n_within += 1
            steps.append(Step(n_calls, n_within, frame.f_code, position(frame, kind), path))
        return note

    return note


class Fuse:
    """A trace function that raises at one step."""

    def __init__(self, kind: Kind, step: Step) -> None:
        self.kind, self.step = kind, step
        self.n_calls = self.n_within = 0
        self.is_blown = self.is_on_the_way = False

    def trace(self, frame: FrameType, event: str, _: Any) -> Trace | None:
        if not is_ours(frame):
            return None
        self.n_calls += 1
        if self.n_calls != self.step.n_calls:
            return None
        frame.f_trace_opcodes = self.kind == "opcode"
        return self.count

    def count(self, frame: FrameType, event: str, _: Any) -> Trace:
        if event == self.kind:
            self.n_within += 1
            if self.n_within == self.step.n_within:
                self.is_blown = True
                self.is_on_the_way = (
                    frame.f_code is self.step.code and position(frame, self.kind) == self.step.at
                )
                blow(self.kind)
        return self.count


def blow(kind: Kind) -> None:
    if kind == "line":
        raise Injected
    signal.raise_signal(signal.SIGINT)  # the default handler raises KeyboardInterrupt


EXIT = Change.__exit__.__code__
N_LEAVING = 12
"""Bytecodes that Python takes at most from an exception in a block to ``__exit__``."""


def on_the_way_out(steps: list[Step]) -> list[Step]:
    """Return the steps from shortly before the first end of a change on."""
    first = next((k for k, step in enumerate(steps) if step.code is EXIT), len(steps))
    return steps[max(0, first - N_LEAVING) :]


class Stage:
    """A scene that has been set for an operation; ``folder`` is where a journal lies."""

    def __init__(self, name: str, setting: str, folder: Path) -> None:
        self.scene: Scene = a_scene()
        self.told: list[Any] = []
        self.outer = None
        world = self.scene.world
        self.call: Callable[[], Any]
        if setting in WITH_A_JOURNAL:
            world.journal(folder, durable=False)
        if setting.endswith("in a transaction") and name not in ENDS:
            self.outer = world.transaction().__enter__()
            world.move(self.scene.crew[1], "inn")
            world.spawn(1, ids=["early"])
        self.call = EVERY[name].prepare(self.scene)
        if setting == "with a listener":
            for kind in ("spawned", "despawned", "added", "removed", "set", "moved"):
                world.events.on(kind, self.told.append)
        self.snapshot = world.snapshot() if setting == "with a snapshot" else None
        self.before = state_of(world)
        self.transaction = world.open_transaction


class Record:
    """The log of a world's journal, and what it leads to.

    Attributes
    ----------
    size : int
        Bytes, before the operation; what is in them stays.
    before : str
        The digest that they lead to.
    is_behind : bool
        Whether the world has been written to through views since.
    """

    def __init__(self, world: ecs.World, *, is_behind: bool) -> None:
        self.path: Path = world._storage.journal.path
        self.size = self.path.stat().st_size
        self._digests: dict[bytes, str] = {}
        self.before, self.is_behind = self.digest(), is_behind

    def digest(self) -> str:
        data = self.new_data()
        if data not in self._digests:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # its end is being written
                self._digests[data] = load(self.path.parent).digest()
        return self._digests[data]

    def new_data(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.size)
            return file.read()

    def put_back(self) -> None:
        os.truncate(self.path, self.size)

    def judge(self, world: ecs.World, *, is_done: bool) -> None:
        """See that the log leads to the world that is, and goes on to lead there."""
        is_open = world.open_transaction is not None
        expected = {self.before if is_open else world.digest()}
        if self.is_behind and not is_done:
            expected.add(self.before)
        assert self.digest() in expected, "the log does not lead to the world"
        while world.open_transaction is not None:
            world.open_transaction.commit()
        world._storage.journal.flush()
        assert self.digest() == world.digest(), "the log will not lead to the world"


def state_of(world: ecs.World) -> Fingerprint:
    """Write down the world. Events that wait are told by the next operation; a log is replayed."""
    world._storage.count_loops()
    found = fingerprint(world)
    others = "._storage.outbox", "._storage.journal"
    return {path: value for path, value in found.items() if not any(o in path for o in others)}


def nbytes_of(part: Part) -> int:
    """Return how much there is of what changed, to tell one capacity from another."""
    seen = part.look()
    items = seen if isinstance(seen, (list, tuple)) else ()
    return sum(getattr(item, "nbytes", 1) for item in items)


class Outcomes:
    """An operation, and what the world is before and after it when it is left alone."""

    def __init__(self, name: str, setting: str, folder: Path) -> None:
        # A process that runs in the background may have been told to ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.name, self.setting = name, setting
        self.stage = stage = Stage(name, setting, folder)
        self.memento = Memento(stage)
        self.old = stage.before
        # Not of the stage: what it knows of the log is not put back.
        self.record: Record | None = None
        if setting in WITH_A_JOURNAL:
            self.record = Record(stage.scene.world, is_behind=name in JOURNALLED)
        stage.call()
        self.new: Fingerprint = state_of(stage.scene.world)
        self.is_ended = stage.scene.world.open_transaction is not stage.transaction
        self._judged: dict[Any, bool] = {}
        self._gone_on_from: set[Any] = set()
        self.n_judged = 0
        self.put_back()

    def put_back(self) -> None:
        self.memento.put_back(self.memento.changed())
        if self.record is not None:
            self.record.put_back()

    def steps(self, kind: Kind) -> list[Step]:
        """Return the steps of the operation when it is left alone."""
        found = steps_of(self.stage.call, kind)
        self.put_back()
        return found

    def break_off_at(self, kind: Kind, steps: Iterable[Step]) -> int:
        """Break off at one step after the other; return how many there were."""
        n_steps = 0
        for step in steps:
            self.break_off(kind, step)
            n_steps += 1
        return n_steps

    def break_off(self, kind: Kind, step: Step) -> bool:
        """Break off at a step; return whether the operation was done."""
        fuse = Fuse(kind, step)
        caught: BaseException | None = None
        try:
            with traced(fuse.trace):
                self.stage.call()
        except (Injected, KeyboardInterrupt) as error:
            caught = error
        assert fuse.is_on_the_way, f"not what is at {step} when the operation is left alone"
        assert caught is not None, f"nobody was told of what was raised at {step}"
        return self.judge(caught)

    def judge(self, caught: BaseException) -> bool:
        """See that world and log are the old ones or the new ones, and put the old ones back."""
        stage = self.stage
        world = stage.scene.world
        if world.open_transaction is not stage.transaction and not self.is_ended:
            # Not even the end of a block was let begin: the transaction can still be ended.
            while world.open_transaction is not stage.transaction:
                world.open_transaction.rollback()
        world._storage.count_loops()
        changed = self.memento.changed()
        # Bit for bit what has been judged before, capacity and all, is as good as that was.
        key = self.memento.essence(changed)
        if key is not None and self.record is not None:
            key += (self.record.new_data(),)
        is_done = self._judged.get(key)
        if is_done is None:
            is_done = self.judge_world(changed)
            changed = self.memento.changed()
            if key is not None:
                self._judged[key] = is_done
        self.judge_notes(caught, is_done)
        self.memento.put_back(changed)
        if self.record is not None:
            self.record.put_back()
        return is_done

    def judge_world(self, changed: list[Part]) -> bool:
        self.n_judged += 1
        world = self.stage.scene.world
        found = state_of(world)
        is_done = found != self.old if self.old == self.new else found == self.new
        expected = self.new if is_done else self.old
        assert found == expected, (
            f"neither old nor new; to old: {differences(self.old, found)[:6]}, "
            f"to new: {differences(self.new, found)[:6]}"
        )
        if self.is_ended:
            assert (world.open_transaction is self.stage.transaction) == (not is_done)
        # From the same state in the same parts it goes on alike; spare room holds anything.
        if self.record is not None:
            self.record.judge(world, is_done=is_done)
        sort = is_done, *((id(part), nbytes_of(part)) for part in changed)
        if sort not in self._gone_on_from:
            self._gone_on_from.add(sort)
            self.go_on()
        return is_done

    def judge_notes(self, caught: BaseException, is_done: bool) -> None:
        """Notes say whether the operation was done, where there is one operation."""
        if self.old == self.new or not EVERY[self.name].is_one:
            return
        for note in getattr(caught, "__notes__", ()):
            assert ("was done" in note) == is_done, note

    def go_on(self) -> None:
        """The world is as good as any: it can be gone back in, and worked with."""
        world = self.stage.scene.world
        world.check()
        while world.open_transaction is not None:
            world.open_transaction.rollback()
        if self.stage.snapshot is not None:
            digest = self.stage.snapshot.digest()
            world.restore(self.stage.snapshot)
            assert world.digest() == digest
        handles = world.spawn(2, ids=["after", "afterwards"], at="after all")
        world.despawn(handles)
        world.check()
        assert not world._storage.outbox
        if self.record is not None:
            self.record.judge(world, is_done=True)
