"""Work that may be done in threads, with the same outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def run_all(calls: Sequence[Callable[[], Result]], *, in_threads: bool) -> list[Result]:
    """Call functions that do not depend on each other; return what they return, in order.

    Parameters
    ----------
    calls : sequence of callable
    in_threads : bool
        Whether each may run in a thread of its own. What gains by it is work on
        arrays, and all of it in a Python without a global lock.
    """
    if not in_threads or len(calls) < 2:
        return [call() for call in calls]
    with ThreadPoolExecutor(len(calls), thread_name_prefix="ecs_columnar") as pool:
        return list(pool.map(lambda call: call(), calls))
