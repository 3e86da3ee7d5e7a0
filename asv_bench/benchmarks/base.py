"""What all benchmarks share: sides, how they are timed, and the base classes.

A side is timed in rounds. What a round does is timed, what puts things back is
not: so a world is built once, and its memory is kept, as in use. Two sides take
turns, so that a busy machine is busy for both. The best round counts: noise only
adds. All figures are better when lower, as asv takes them.

Not ``time_*``: between two calls asv can only run `setup`, a world built anew.
"""

from __future__ import annotations

import functools
import gc
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

import ecs_columnar as ecs

SIZES: Final = (10_000, 100_000, 1_000_000)
SEED: Final = 20
N_ROUNDS: Final = 7


def nothing() -> None:
    """Put back nothing."""


class Side(NamedTuple):
    """Something to time.

    Attributes
    ----------
    do : callable
        One round.
    undo : callable
        What comes after it, untimed: puts things back, draws what is next.
    n_items : int
        What a round handles; costs are given for one of them.
    has_gc : bool
        Whether the garbage collector is on, as it is for users.
    """

    do: Callable[[], object]
    undo: Callable[[], object] = nothing
    n_items: int = 1
    has_gc: bool = False


class Draw:
    """A random tenth of the entities, or another share, drawn anew for each round.

    The entities of the last round lie together, at the end of their table or of
    their group: to take them again would not be random.

    Attributes
    ----------
    chosen : intp array, shape (n // parts,)
        In random order.
    """

    def __init__(self, n: int, parts: int = 10) -> None:
        self.rng = np.random.default_rng(SEED)
        self.n = n
        self.n_chosen = n // parts
        self.next()

    def next(self) -> None:
        """Draw others."""
        self.chosen = self.rng.choice(self.n, self.n_chosen, replace=False)


class OneCall(ABC):
    """A call, as a rule about one entity; `setup` makes ``ours``.

    Attributes
    ----------
    ours : Side
    """

    params: Sequence[object] = SIZES[:1]
    param_names = ("n",)
    timeout = 600
    n_rounds = N_ROUNDS
    ours: Side

    @abstractmethod
    def setup(self, n: int) -> None: ...

    def track_cost(self, n: int) -> float:
        """Measure ns an item."""
        return 1e9 * costs([self.ours], self.n_rounds)[0]

    track_cost.unit = "ns"  # type: ignore[attr-defined]


class Operation(OneCall):
    """An operation of a world; subclasses define `setup`, which makes ``ours``."""

    params = SIZES

    def track_ratio_growth(self, n: int) -> float:
        """Measure the cost of an item, as a multiple of that in the smallest world."""
        smallest = type(self)()
        smallest.setup(SIZES[0])
        return ratio(self.ours, smallest.ours, self.n_rounds)

    track_ratio_growth.unit = "x"  # type: ignore[attr-defined]


class Contest(ABC):
    """An operation against a peer or a floor; `setup` makes ``ours`` and ``theirs``.

    Attributes
    ----------
    ours, theirs : Side
    """

    params: Sequence[object] = SIZES
    param_names = ("n",)
    timeout = 600
    n_rounds = N_ROUNDS
    ours: Side
    theirs: Side

    @abstractmethod
    def setup(self, n: int) -> None: ...

    def track_ratio(self, n: int) -> float:
        """Measure our cost of an item, as a multiple of theirs."""
        return ratio(self.ours, self.theirs, self.n_rounds)

    track_ratio.unit = "x"  # type: ignore[attr-defined]


@functools.cache
def compile_kernels() -> None:
    """Compile all kernels, once a process."""
    ecs.warmup()


def floats(n: int) -> NDArray[np.float32]:
    """Draw ``n`` float32."""
    return np.random.default_rng(SEED).random(n, dtype=np.float32)


def ratio(ours: Side, theirs: Side, n_rounds: int) -> float:
    """Return the cost of an item of one side, as a multiple of the other's."""
    our_cost, their_cost = costs([ours, theirs], n_rounds)
    return our_cost / their_cost


def costs(sides: Sequence[Side], n_rounds: int) -> list[float]:
    """Return the seconds that an item takes, in the best round of each side."""
    for side in sides:  # a round that does not count: pages, caches, branches
        seconds(side)
    rounds = [[seconds(side) for side in sides] for _ in range(n_rounds)]
    best = (min(times) for times in zip(*rounds, strict=True))
    return [time / side.n_items for time, side in zip(best, sides, strict=True)]


def seconds(side: Side) -> float:
    """Time one round; as a rule without the garbage collector, which looks at all objects alive."""
    if not side.has_gc:
        gc.disable()
    try:
        start = time.perf_counter()
        done = side.do()
        stop = time.perf_counter()
    finally:
        gc.enable()
    del done  # what was returned is freed after the clock, on both sides
    side.undo()
    return stop - start
