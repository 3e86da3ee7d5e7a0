"""Remove entities."""

from __future__ import annotations

import numpy as np

from ecs_columnar.change import Change
from ecs_columnar.selection import Selection, ordered
from ecs_columnar.storage import Storage


def despawn(storage: Storage, selection: Selection) -> None:
    """Remove entities with all that they have; see `World.despawn`."""
    storage.begin_structural_change("despawn")
    parts = [ordered(part, "despawn") for part in selection.parts]
    if not parts:
        return
    with Change(storage) as change, change:
        # In the order of rows, so that indices that are used again lie together.
        handles = np.concatenate([part.handles() for part in parts])
        storage.forget(change, handles)
        for sparse in storage.sparse.values():
            if len(sparse.table):
                sparse.remove(change, handles[sparse.rows_of(handles) >= 0])
        for part in parts:
            removal = part.table.plan_removal(part.rows)
            movers = part.table.handles.gather(removal.movers)
            part.table.remove(change, removal)
            storage.entities.set_rows(change, movers, removal.holes)
        storage.entities.release(change, handles)
        change.record("despawn", selection)
        change.tell("despawned", lambda: handles)
        change.apply()
