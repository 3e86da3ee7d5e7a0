"""Build the location index anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.dtypes import INDEX_MASK
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.items import Items
from ecs_columnar.services.relocation import relocate
from ecs_columnar.services.spatial import PlacedEntities, Placing, PreparedPlacing


class Rebuilding(Placing):
    """Put entities into places, and take all others out of theirs.

    All items are one block: what is left out cannot be known before the last
    one is read.
    """

    is_whole = True
    is_one_step = False

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue, "spatial_rebuild", "rebuild")

    def prepare(self, items: Items) -> PreparedRebuilding:
        """Validate all items."""
        return PreparedRebuilding(self, items, *self.names_of(items))


class PreparedRebuilding(PreparedPlacing):
    """All items of a rebuilding, validated."""

    def apply(self, n_run: int) -> PlacedEntities:
        """Put the good ones among the items where they say, and all others nowhere.

        Who is there already stays where it stands: to empty all places first costs
        as much again.
        """
        placed = super().apply(n_run)
        catalogue = self.operation.catalogue
        members = catalogue.world.locations.groups().members
        others = members[~_are_among(members, placed.handles)]
        if others.shape[0]:
            relocate(catalogue, others, None)
        return placed


def _are_among(entities: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which living entities are among some others. O(entities + others)."""
    is_there = np.zeros(int((entities & INDEX_MASK).max(initial=0)) + 1, np.bool_)
    indices = others & INDEX_MASK
    is_there[indices[indices < is_there.shape[0]]] = True
    return np.asarray(is_there[entities & INDEX_MASK])
