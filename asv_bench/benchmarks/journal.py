"""What a journal adds to a change: to write it down, without waiting for the disk."""

from __future__ import annotations

import atexit
import shutil
import tempfile

from benchmarks.base import Contest, Draw, Side, floats
from benchmarks.worlds import Body, bodies

N_ROWS = 100
N_CALLS = 100


def writes(n: int, n_rows: int, n_calls: int, *, is_recorded: bool) -> Side:
    """Write one field of random rows, in as many calls."""
    draw = Draw(n, n // n_rows)
    world, entities = bodies(n)
    some, values = entities[draw.chosen], floats(draw.n_chosen)
    if is_recorded:
        folder = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        world.journal(folder, durable=False)

    def do() -> None:
        for _ in range(n_calls):
            world.set(some, Body, x=values)

    return Side(do, n_items=n_calls)


class RecordedTenthAgainstSet(Contest):
    """Set for a random tenth with a journal, against the same without one."""

    def setup(self, n: int) -> None:
        self.ours = writes(n, n // 10, 1, is_recorded=True)
        self.theirs = writes(n, n // 10, 1, is_recorded=False)


class RecordedHundredRowsAgainstSet(Contest):
    """Set for a hundred rows with a journal, against the same without one."""

    def setup(self, n: int) -> None:
        self.ours = writes(n, N_ROWS, N_CALLS, is_recorded=True)
        self.theirs = writes(n, N_ROWS, N_CALLS, is_recorded=False)
