"""What comes next is made ready while what is here is worked on."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")

_END: Final = object()


def ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield items, the next of which is made in a thread meanwhile.

    One thread, and one item ahead: the order is that of the items, and so is what is
    raised. When the loop is left, it waits for the item that is being made.

    Parameters
    ----------
    items : iterator
        Which nobody else goes through. That it lets go of the interpreter's lock is what
        makes it worth while.

    Examples
    --------
    >>> list(ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ecs_columnar") as pool:
        coming = [pool.submit(next, items, _END)]
        # Taken out, as an error that this held would hold this by its traceback: a circle.
        while (item := coming.pop().result()) is not _END:
            coming.append(pool.submit(next, items, _END))
            yield item  # type: ignore[misc]  # it is not the end
