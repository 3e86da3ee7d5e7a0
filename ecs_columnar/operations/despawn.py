"""Remove entities."""

from __future__ import annotations

import numpy as np

from ecs_columnar.selection import Selection, ordered
from ecs_columnar.storage import Storage


def despawn(storage: Storage, selection: Selection) -> None:
    """Remove entities with all that they have; see `World.despawn`."""
    storage.begin_structural_change("despawn")
    parts = [ordered(part, "despawn") for part in selection.parts]
    if not parts:
        return
    removals = [part.table.plan_removal(part.rows) for part in parts]
    movers = [
        part.table.handles.gather(removal.movers)
        for part, removal in zip(parts, removals, strict=True)
    ]
    # In the order of rows, so that indices that are used again lie together.
    handles = np.concatenate([part.handles() for part in parts])
    storage.entities.reserve_free(handles.shape[0])

    storage.forget(handles)
    for sparse in storage.sparse.values():
        if len(sparse.table):
            sparse.remove(handles[sparse.rows_of(handles) >= 0])
    for part, removal, moved in zip(parts, removals, movers, strict=True):
        part.table.remove(removal)
        storage.entities.set_rows(moved, removal.holes)
    storage.entities.release(handles)
