"""Steps run one after the other, and no line of Python in between."""

from __future__ import annotations

import sys
from operator import setitem
from typing import Any

import numpy as np
import pytest

from ecs_columnar.steps import run


def test_steps_run_in_order() -> None:
    numbers = [1, 2]

    run([(numbers.append, 3), (numbers.reverse,), (setitem, numbers, 0, 9)])

    assert numbers == [9, 2, 1]


def test_a_step_that_raises_is_the_last_one() -> None:
    numbers: list[int] = []

    with pytest.raises(ZeroDivisionError):
        run([(numbers.append, 1), (divmod, 1, 0), (numbers.append, 2)])

    assert numbers == [1]


def test_no_line_of_python_is_between_steps() -> None:
    array, events = np.zeros(3), []
    steps = [(setitem, array, slice(i, i + 1), np.float64(i)) for i in range(3)]

    def trace(frame: Any, event: str, _: Any) -> Any:
        events.append((frame.f_code.co_name, event))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run(steps)
    finally:
        sys.settrace(before)

    assert array.tolist() == [0, 1, 2]
    assert [event for event in events if event[0] == "run"] == [
        ("run", "call"), ("run", "line"), ("run", "return"),
    ]  # fmt: skip
    assert {name for name, _ in events} == {"run"}
