"""Which items of a call run, one item at a time."""

from __future__ import annotations

from typing import Any


def run(
    is_bad: list[bool], batch_size: int, stop_on_error: Any, max_failures: int | None
) -> tuple[int, str | None, list[tuple[int, ...]]]:
    """Return how many items run, what stops them, and the progress after each batch."""
    n, n_run, n_failed = len(is_bad), 0, 0
    progress = []
    for batch, start in enumerate(range(0, n, batch_size)):
        stopped_by = None
        in_batch = 0
        for i in range(start, min(start + batch_size, n)):
            n_run += 1
            in_batch += is_bad[i]
            if is_bad[i] and stop_on_error:
                stopped_by = "error"
                if stop_on_error == "item":
                    break
        n_failed += in_batch
        progress.append((batch, -(-n // batch_size), n_run, n, n_run - n_failed, n_failed))
        if stopped_by is None and max_failures is not None and in_batch >= max_failures:
            stopped_by = "max_failures"
        if stopped_by is not None:
            return n_run, stopped_by, progress
    return n_run, None, progress
