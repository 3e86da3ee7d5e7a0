"""Check that the steps of a simulation can be taken again, and lead to the same world.

What goes back in time, replays a log or runs on two machines needs steps whose
outcome depends on the world alone. A step that also depends on something else,
a global counter or a random generator that the world does not know, looks right
until it is taken a second time. Here it is taken twice each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ecs_columnar.errors import InvalidArgumentError, SynchronisationError, first_three
from ecs_columnar.names import format_handle
from ecs_columnar.snapshot import Snapshot
from ecs_columnar.world import World

if TYPE_CHECKING:
    import pandas as pd

Step = Callable[[World], object]


class SyncTest:
    """Takes steps, each of them again from a few steps back; made by `synctest`.

    Attributes
    ----------
    world : World
    n_steps : int
        Steps taken so far, those that were taken again not counted.
    """

    __slots__ = ("_after", "_depth", "_history", "_step", "n_steps", "world")

    def __init__(self, world: World, step: Step, depth: int) -> None:
        self.world: Final = world
        self.n_steps = 0
        self._step: Final = step
        self._depth: Final = depth
        self._history: Final = world.history(depth)
        self._after: list[Snapshot] = []

    def run(self, n_steps: int) -> None:
        """Take steps; after each, go back ``depth`` steps, take them again and compare.

        O(depth) steps and a digest of the world for each of them.

        Raises
        ------
        SynchronisationError
            When a step leads to another world the second time. The world is
            the one that the second time led to.
        InvalidArgumentError
            When the number is none.
        """
        if not isinstance(n_steps, int) or isinstance(n_steps, bool) or n_steps < 0:
            raise InvalidArgumentError(
                "n_steps", n_steps, f"cannot take {n_steps!r} steps: give a number, 0 or more"
            )
        for _ in range(n_steps):
            self._advance()

    def __repr__(self) -> str:
        return f"<SyncTest of {self._depth} steps back: {self.n_steps} steps agreed>"

    def _advance(self) -> None:
        """Take one step, then the last ones again."""
        self._history.record()
        self._step(self.world)
        self._after = [*self._after, self.world.snapshot()][-self._depth :]
        self.n_steps += 1
        n_again = len(self._history)
        self._history.rollback(n_again)
        for i, first in enumerate(self._after):
            if i:
                self._history.record()
            self._step(self.world)
            self._compare(first, self.n_steps - n_again + i + 1)

    def _compare(self, first: Snapshot, n: int) -> None:
        second = self.world.snapshot()
        if first == second:
            return
        differences = first.diff(second)
        where = [*_fields(differences), *first.other_differences(second)]
        raise SynchronisationError(
            f"cannot repeat step {n}: taken again from the same world it led to another one, "
            f"different in {first_three(where)}{_example(differences)}; have the step depend on "
            "the world alone, and draw from generators in world.generators",
            step=n,
            where=tuple(where),
            differences=differences,
        )


def synctest(world: World, step: Step, *, depth: int = 1) -> SyncTest:
    """Check that a step, taken again from the same world, leads to the same world.

    Parameters
    ----------
    world : World
        It moves on with the steps that agree.
    step : callable
        Called with the world, to change it.
    depth : int, default 1
        How many steps back each step is taken again from. A fault that is only
        seen after some steps, such as a cache that goes stale, needs more.

    Returns
    -------
    SyncTest

    Raises
    ------
    InvalidArgumentError
        When the depth is not a number, 1 or more, or the step can't be called.

    Examples
    --------
    >>> import numpy as np
    >>> import ecs_columnar as ecs
    >>> class Drift(ecs.Component):
    ...     x: ecs.f8 = 0.0
    >>> world = ecs.World()
    >>> boats = world.spawn(3, Drift())
    >>> def step(world):
    ...     for rows in world.query(ecs.Mut[Drift]):
    ...         rows[Drift].x += rng.normal(size=len(rows))

    The world doesn't know the generator, so it isn't set back:

    >>> rng = np.random.default_rng(1)
    >>> ecs.synctest(world, step, depth=3).run(10)
    Traceback (most recent call last):
    ecs_columnar.errors.SynchronisationError: cannot repeat step 1: taken again from the same
    world it led to another one, different in Drift.x (first: Drift.x of 0v1, ...

    >>> world.generators["currents"] = rng
    >>> check = ecs.synctest(world, step, depth=3)
    >>> check.run(10)
    >>> check
    <SyncTest of 3 steps back: 10 steps agreed>
    """
    if not callable(step):
        raise InvalidArgumentError(
            "step", step, f"cannot take {step!r} as a step: give a function of the world"
        )
    if not isinstance(depth, int) or isinstance(depth, bool) or depth < 1:
        raise InvalidArgumentError(
            "depth", depth, f"cannot go back {depth!r} steps: give a number, 1 or more"
        )
    return SyncTest(world, step, depth)


def _fields(differences: pd.DataFrame) -> list[str]:
    """Name the components and fields that are different."""
    pairs = differences[["component", "field"]].drop_duplicates()
    return [_name(*pair) for pair in pairs.itertuples(index=False)]


def _name(component: Any, field: Any) -> str:
    if component is None:
        return {"alive": "who is alive", "place": "places"}.get(field, str(field))
    return str(component) if field is None else f"{component}.{field}"


def _example(differences: pd.DataFrame) -> str:
    if not len(differences):
        return ""
    entity, _, component, field, before, after = differences.iloc[0]
    where = _name(component, field)
    values = " and then ".join(map(repr, map(_plain, (before, after))))
    return f" (first: {where} of {format_handle(entity)}, {values})"


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
