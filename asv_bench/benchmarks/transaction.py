"""What a transaction adds to what is done in it, and to take it back."""

from __future__ import annotations

from benchmarks.base import Contest, Draw, Operation, Side, floats
from benchmarks.peers import arrays
from benchmarks.worlds import Body, bodies

N_ROWS = 100
N_CALLS = 100


def taken_back(n: int) -> Side:
    """Write one field of a hundred random rows, and take it back."""
    draw = Draw(n, n // N_ROWS)
    world, entities = bodies(n)
    some, values = entities[draw.chosen], floats(N_ROWS)

    def do() -> None:
        for _ in range(N_CALLS):
            with world.transaction() as transaction:
                world.set(some, Body, x=values)
                transaction.rollback()

    return Side(do, n_items=N_CALLS)


class RollBackHundredRows(Operation):
    """Set a field of a hundred rows in a transaction, and roll back."""

    def setup(self, n: int) -> None:
        self.ours = taken_back(n)


class RollBackHundredRowsAgainstCopy(Contest):
    """The same, against going back to a copy of all columns, which that takes first."""

    in_new_memory = True

    def setup(self, n: int) -> None:
        rows = Draw(n, n // N_ROWS).chosen
        self.ours = taken_back(n)
        self.theirs = arrays.rollbacks(n, rows, in_new_memory=self.in_new_memory)


class RollBackHundredRowsAgainstCopyOver(RollBackHundredRowsAgainstCopy):
    """The same, against a copy into memory that was used before."""

    in_new_memory = False


def writes(n: int, *, is_logged: bool) -> Side:
    """Write one field of a random tenth."""
    draw = Draw(n)
    world, entities = bodies(n)
    some, values = entities[draw.chosen], floats(draw.n_chosen)

    def do() -> None:
        world.set(some, Body, x=values)

    def do_logged() -> None:
        with world.transaction():
            world.set(some, Body, x=values)

    return Side(do_logged if is_logged else do, n_items=len(some))


class LoggedSetAgainstSet(Contest):
    """Set for a random tenth in a transaction, against the same outside of one."""

    def setup(self, n: int) -> None:
        self.ours, self.theirs = writes(n, is_logged=True), writes(n, is_logged=False)
