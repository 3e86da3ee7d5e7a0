"""Data of a component type as columns that JSON texts are made of, without a dict an item."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.operations.write import get_texts
from ecs_columnar.schema import Component
from ecs_columnar.selection import select
from ecs_columnar.world import World


class Part(NamedTuple):
    """The values of a property that some items have.

    Attributes
    ----------
    items : intp array, shape (k,), or None
        Positions; None is all items.
    values : array, Texts, list, or None
        Of each of them: numbers and booleans as an array, strings as texts, anything
        else as Python objects. None where the value of all of them is null.
    """

    items: NDArray[np.intp] | None
    values: Any


class JsonColumns(NamedTuple):
    """Data of ``n`` items.

    Attributes
    ----------
    properties : list of (str, list of Part)
        In order. An item has no such property if it is in none of the parts.
    is_odd : bool array, shape (n,)
        Which items have more than columns say: these are in no part.
    """

    properties: list[tuple[str, list[Part]]]
    is_odd: NDArray[np.bool_]


def stored_values(
    world: World, entities: NDArray[np.int64], component: type[Component]
) -> dict[str, Any]:
    """Return the values of a component that entities have, by field; strings as `Texts`.

    These are a view of the world's strings, until it is changed.
    """
    storage = world._storage
    selection = select(storage, entities, "get")
    return get_texts(storage, selection, storage.registry.of(component))
