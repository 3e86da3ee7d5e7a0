"""How a way of doing something is timed.

Ways take turns, so that a busy machine is busy for all. The best round of each
counts: noise only adds. What a round does is timed, what puts things back is not.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple


class Way(NamedTuple):
    """A way of doing something.

    Attributes
    ----------
    do : callable
        One round; returns how many items succeeded.
    undo : callable
        What comes after it, untimed: it puts things back.
    n_items : int
        Items of a round.
    """

    do: Callable[[], int]
    undo: Callable[[], object]
    n_items: int


def costs(ways: Sequence[Way], *, n_rounds: int) -> list[float]:
    """Return the seconds that an item takes, in the best round of each way.

    Raises
    ------
    RuntimeError
        When not all items of a round succeeded: to fail is quick, and no figure.
    """
    gc.collect()
    for way in ways:  # a round that does not count: pages, caches, compiled code
        seconds(way)
    rounds = [[seconds(way) for way in ways] for _ in range(n_rounds)]
    best = (min(times) for times in zip(*rounds, strict=True))
    return [time / way.n_items for time, way in zip(best, ways, strict=True)]


def seconds(way: Way) -> float:
    """Time one round, without the garbage collector, which looks at all objects alive."""
    gc.disable()
    try:
        started = perf_counter()
        n_succeeded = way.do()
        elapsed = perf_counter() - started
    finally:
        gc.enable()
    if n_succeeded != way.n_items:
        raise RuntimeError(f"cannot time a round: {n_succeeded} of {way.n_items} items succeeded")
    way.undo()
    return elapsed
