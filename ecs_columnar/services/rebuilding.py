"""Build the location index anew."""

from __future__ import annotations

import numpy as np

from ecs_columnar.operations.move import Moved
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.columns import take
from ecs_columnar.services.items import Items
from ecs_columnar.services.relocation import moved, place_array, tell_moves
from ecs_columnar.services.spatial import PlacedEntities, Placing, PreparedPlacing


class Rebuilding(Placing):
    """Put entities into places, and take all others out of theirs.

    All items are one block: what is left out cannot be known before the last
    one is read.
    """

    is_whole = True

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue, "spatial_rebuild", "rebuild")

    def prepare(self, items: Items) -> PreparedRebuilding:
        """Validate all items."""
        return PreparedRebuilding(self, items, *self.names_of(items))


class PreparedRebuilding(PreparedPlacing):
    """All items of a rebuilding, validated."""

    def apply(self, n_run: int) -> PlacedEntities:
        """Empty all places, and put the good ones among the items where they say."""
        catalogue = self.operation.catalogue
        rows = np.flatnonzero(~self.is_bad[:n_run])
        is_all = rows.shape[0] == self.is_bad.shape[0]
        handles = self.handles if is_all else self.handles[rows]
        column = self.places.column if is_all else take(self.places.column, rows)
        locations = catalogue.world.locations
        before = locations.groups().members
        touched = np.union1d(before, handles) if catalogue.events.is_heard("entity_moved") else None
        old = None if touched is None else locations.codes_of(touched)
        catalogue.world.move(before, None)
        moves = moved(catalogue.world, handles, place_array(column))
        if touched is not None and old is not None:
            tell_moves(catalogue, touched, Moved(old, locations.codes_of(touched)))
        return PlacedEntities(self.operation, handles, self.entities, rows, moves)
