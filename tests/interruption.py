"""Break an operation off at its k-th step, and see that nothing is half done."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import ecs_columnar as ecs
from tests.fingerprint import Fingerprint, differences, fingerprint
from tests.scene import ENDS, OPERATIONS, Scene, a_scene

PACKAGE = str(Path(ecs.__file__).parent)
Step = Literal["line", "opcode"]


class Injected(BaseException):
    """Raised at a line; no error of the library's, and not caught by what catches errors."""


class Fuse:
    """A trace function that raises at the k-th line or opcode inside the library."""

    def __init__(self, step: Step, at: int) -> None:
        self.step = step
        self.at = at
        self.n_steps = 0

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes = self.step == "opcode"
        return self.count

    def count(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == self.step:
            self.n_steps += 1
            if self.n_steps == self.at:
                blow(self.step)
        return self.count


def blow(step: Step) -> None:
    if step == "line":
        raise Injected
    signal.raise_signal(signal.SIGINT)  # the default handler raises KeyboardInterrupt


@contextmanager
def traced(fuse: Fuse) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(fuse.trace)
    try:
        yield
    finally:
        sys.settrace(before)


def count_steps(name: str, setting: str, step: Step) -> int:
    """Return how many steps an operation takes that is left alone."""
    stage = Stage(name, setting)
    fuse = Fuse(step, 0)
    with traced(fuse):
        stage.call()
    return fuse.n_steps


class Stage:
    """A scene that has been set for an operation."""

    def __init__(self, name: str, setting: str) -> None:
        self.scene: Scene = a_scene()
        self.told: list[Any] = []
        self.outer = None
        world = self.scene.world
        self.call: Callable[[], Any]
        if setting == "in a transaction" and name not in ENDS:
            self.outer = world.transaction().__enter__()
            world.move(self.scene.crew[1], "inn")
            world.spawn(1, ids=["early"])
        self.call = OPERATIONS[name].prepare(self.scene)
        if setting == "with a listener":
            for kind in ("spawned", "despawned", "added", "removed", "set", "moved"):
                world.events.on(kind, self.told.append)
        self.snapshot = world.snapshot() if setting == "with a snapshot" else None
        self.before = state_of(world)
        self.transaction = world.open_transaction


def state_of(world: ecs.World) -> Fingerprint:
    """Write down the world. Events that wait are told by the next operation."""
    world._storage.count_loops()
    found = fingerprint(world)
    return {path: value for path, value in found.items() if "._storage.outbox" not in path}


class Outcomes:
    """What the world is before and after an operation that is left alone."""

    def __init__(self, name: str, setting: str) -> None:
        self.name, self.setting = name, setting
        stage = Stage(name, setting)
        self.old = stage.before
        self.ended_with = stage.transaction
        stage.call()
        self.new: Fingerprint = state_of(stage.scene.world)
        self.is_ended = stage.scene.world.open_transaction is not stage.transaction
        self.n_told = len(stage.told)

    def break_off(self, step: Step, at: int) -> bool:
        """Break off at a step; return whether the operation was done."""
        stage = Stage(self.name, self.setting)
        assert stage.before == self.old
        caught: BaseException | None = None
        try:
            with traced(Fuse(step, at)):
                stage.call()
        except (Injected, KeyboardInterrupt) as error:
            caught = error
        assert caught is not None, "the operation ended before it could be broken off"
        return self.judge(stage, caught)

    def judge(self, stage: Stage, caught: BaseException) -> bool:
        world = stage.scene.world
        if world.open_transaction is not stage.transaction and not self.is_ended:
            # Not even the end of a block was let begin: the transaction can still be ended.
            while world.open_transaction is not stage.transaction:
                world.open_transaction.rollback()
        found = state_of(world)
        is_done = found != self.old if self.old == self.new else found == self.new
        expected = self.new if is_done else self.old
        assert found == expected, (
            f"neither old nor new; to old: {differences(self.old, found)[:6]}, "
            f"to new: {differences(self.new, found)[:6]}"
        )
        if self.is_ended:
            assert (world.open_transaction is stage.transaction) == (not is_done)
        world.check()
        self.judge_notes(caught, is_done)
        self.go_on(stage)
        return is_done

    def judge_notes(self, caught: BaseException, is_done: bool) -> None:
        """Notes say whether the operation was done, where there is one operation."""
        if not OPERATIONS[self.name].is_one or self.old == self.new:
            return
        for note in getattr(caught, "__notes__", ()):
            assert ("was done" in note) == is_done, note

    def go_on(self, stage: Stage) -> None:
        """The world is as good as any: it can be gone back in, and worked with."""
        world = stage.scene.world
        while world.open_transaction is not None:
            world.open_transaction.rollback()
        if stage.snapshot is not None:
            digest = stage.snapshot.digest()
            world.restore(stage.snapshot)
            assert world.digest() == digest
        handles = world.spawn(2, ids=["after", "afterwards"], at="after all")
        world.despawn(handles)
        world.check()
        assert not world._storage.outbox
