"""Entities of several component sets brought to life as one batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.encoding import Encoded
from ecs_columnar.schema import Component
from ecs_columnar.world import World


class Group(NamedTuple):
    """Entities with the same components.

    Attributes
    ----------
    rows : intp array, shape (k,), or slice
        Where they stand in the batch.
    n : int
        How many they are.
    components : tuple of Component
    """

    rows: NDArray[np.intp] | slice
    n: int
    components: tuple[Component, ...]


def spawn_groups(world: World, groups: list[Group], *, ids: Encoded, at: Any) -> NDArray[np.int64]:
    """Bring entities to life, and put them into places in the order of the batch.

    Parameters
    ----------
    world : World
    groups : list of Group
        Every row of the batch is in one of them.
    ids : Encoded
        Of ``n`` entities.
    at : object array or list of ``n`` places, one place, or None

    Returns
    -------
    int64 array, shape (n,)
        Handles.
    """
    if len(groups) == 1:
        (group,) = groups
        return world.spawn(group.n, *group.components, ids=ids, at=at)
    handles = np.empty(ids.n_strings, np.int64)
    for group in groups:
        handles[group.rows] = world.spawn(group.n, *group.components, ids=ids.take(group.rows))
    if at is not None:
        world.move(handles, at)
    return handles
