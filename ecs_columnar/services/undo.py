"""Undoing what several operations of the core did together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from ecs_columnar.services.catalogue import Catalogue


@contextmanager
def undoable(catalogue: Catalogue) -> Iterator[None]:
    """Undo what the block does if it raises: the world, and the events that tell of it."""
    with catalogue.events.collected() as events:
        try:
            with getattr(catalogue.world, "transaction", nullcontext)():
                yield
        except BaseException:
            events.drop()
            raise
