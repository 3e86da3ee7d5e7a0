"""Bytes that are not values of components, from what the world says of its arrays.

Not from the process: its peak under Numba is mostly that of the import.
"""

from __future__ import annotations

import ecs_columnar as ecs
from benchmarks.base import SIZES, compile_kernels
from benchmarks.worlds import N_PLACES, moving, places_of


class Memory:
    """A world spawned in one call; capacity that is not used counts."""

    params = SIZES
    param_names = ("n",)

    def setup(self, n: int) -> None:
        compile_kernels()
        self.n = n

    def track_overhead(self, n: int) -> float:
        """Measure bytes an entity, of entities that are nowhere."""
        world, _ = moving(n)
        return world.stats().overhead_per_entity

    def track_overhead_in_places(self, n: int) -> float:
        """Measure bytes an entity, of entities in ten thousand places; these count too."""
        world = ecs.World()
        places = world.spawn(N_PLACES)
        world.spawn(n, at=places[places_of(n)])
        return world.stats().overhead_per_entity

    track_overhead.unit = "bytes"  # type: ignore[attr-defined]
    track_overhead_in_places.unit = "bytes"  # type: ignore[attr-defined]
