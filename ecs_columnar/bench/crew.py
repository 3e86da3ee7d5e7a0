"""The world that is worked on: actors with a health, in places that have names."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from ecs_columnar.services.factory import create_default_services_with_config

DEFINITION: Final = "core:actor"
HEALTH: Final = "core:health"
POSITION: Final = "core:position"
N_PLACES: Final = 1000

_HEALTH_SCHEMA: Final = {
    "id": HEALTH,
    "dataSchema": {
        "type": "object",
        "properties": {"points": {"type": "integer", "minimum": 0}},
        "required": ["points"],
        "additionalProperties": False,
    },
}

# The defaults, but for what would log, or end, a call of a million items.
_CONFIG: Final = {
    "performance": {"SLOW_OPERATION_THRESHOLD": 10**9, "BATCH_TIMEOUT_MS": 10**9},
}


class Crew:
    """Services with an empty world, and ``n`` actors for it: as dicts and as columns.

    Parameters
    ----------
    n : int

    Attributes
    ----------
    ids, places : object array of str, shape (n,)
    points : int64 array, shape (n,)
    handles : int64 array, shape (n,)
        After `populate`.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.services = create_default_services_with_config(_CONFIG)
        self.services.components.register(_HEALTH_SCHEMA)
        self.services.definitions.register({"id": DEFINITION, "components": {}})
        names = [f"place-{i}" for i in range(N_PLACES)]
        # Neighbours are in different places, as in a world that has been running.
        codes = np.arange(n) * 617 % N_PLACES
        self.ids = np.array([f"actor-{i}" for i in range(n)], object)
        self.places = np.array(names, object)[codes]
        self.place_column = pd.Categorical(self.places)
        self.points = np.arange(n) % 100

    def populate(self) -> Crew:
        """Create everybody, without health and nowhere."""
        self.create(self.n)
        self.handles = self.services.world.ids[self.ids]
        return self

    def create(self, n: int) -> None:
        """Create the first ``n``, without health and nowhere."""
        self.services.batch_operation_manager.batch_create_entities(
            {"definition_id": DEFINITION, "instance_id": self.ids[:n]}
        )

    def clear(self) -> None:
        """Remove everybody."""
        self.services.world.despawn(self.services.world.query())

    def overrides(self, n: int) -> list[dict[str, Any]]:
        """Return the components of the first ``n``, as dicts."""
        rows = zip(self.places[:n].tolist(), self.points[:n].tolist(), strict=True)
        return [{POSITION: {"locationId": place}, HEALTH: {"points": k}} for place, k in rows]
