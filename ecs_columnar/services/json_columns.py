"""Data of a component type as columns that JSON texts are made of, without a dict an item."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


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
