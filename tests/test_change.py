"""A change that is refused is taken back, whatever comes in between."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

import ecs_columnar as ecs
from ecs_columnar import change as changes
from ecs_columnar.steps import Step
from tests.fingerprint import fingerprint
from tests.strategies import Label


@pytest.mark.parametrize("is_before", [True, False], ids=["before it", "after it"])
def test_an_interrupt_in_the_taking_back_of_a_refused_change_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, is_before: bool
) -> None:
    world = ecs.World()
    world.spawn(1, Label("known"), ids=["taken"], at="inn")
    before, original, calls = fingerprint(world), changes.run, []

    def run(steps: Iterable[Step]) -> None:
        calls.append(steps)
        if len(calls) == 1 and is_before:
            raise KeyboardInterrupt
        original(steps)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(changes, "run", run)
    with pytest.raises(KeyboardInterrupt) as caught:
        world.spawn(1, Label("unknown"), ids=["taken"], at="nowhere before")

    assert fingerprint(world) == before
    assert len(calls) == 1 + is_before  # what has been taken back is not taken back again
    assert caught.value.__notes__ == [
        "the operation was not done; the world is as it was, at tick 1"
    ]
    assert isinstance(caught.value.__context__, ecs.DuplicateEntityError)
