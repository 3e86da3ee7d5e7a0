"""Calls that happen as a whole, or leave the world as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.transaction import Transaction


@contextmanager
def whole(catalogue: Catalogue) -> Iterator[Transaction]:
    """Undo what the block does if it raises, or rolls the transaction back.

    Events that tell of it are told when it ends, one a kind; or not at all.
    """
    with catalogue.world.transaction() as transaction:
        n_before = len(catalogue.world._storage.outbox)
        yield transaction
        if transaction.is_open:
            catalogue.events.merge(n_before)
