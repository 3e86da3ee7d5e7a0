"""A progress bar for a batch call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.services.options import CallOptions


@contextmanager
def shown(options: CallOptions, description: str, n: int | None) -> Iterator[CallOptions]:
    """Show a bar while a call runs, if it was asked for; return options that move it.

    Raises
    ------
    InvalidArgumentError
        When tqdm is not installed.
    """
    if not options.progress:
        yield options
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise InvalidArgumentError(
            "progress",
            True,
            "cannot show progress: tqdm is not installed; pip install tqdm, or pass on_progress",
        ) from None
    asked = options.on_progress
    with tqdm(total=n, desc=description, unit=" items", dynamic_ncols=True) as bar:

        def move(*numbers: int) -> None:
            bar.update(numbers[2] - bar.n)
            if asked is not None:
                asked(*numbers)

        yield replace(options, on_progress=move)
