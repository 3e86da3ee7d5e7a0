"""Python values that cannot be changed, as object columns hold them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np


def freeze(value: Any) -> Any:
    """Copy a value deeply into one that cannot be changed.

    Mappings become read-only mappings, lists tuples, sets frozen sets, arrays
    read-only arrays; any other value is deep-copied.

    Examples
    --------
    >>> freeze({"items": ["sword", {"gold": 3}]})
    mappingproxy({'items': ('sword', mappingproxy({'gold': 3}))})
    """
    if isinstance(value, (str, bytes, int, float, bool, type(None))):
        return value
    if isinstance(value, Mapping):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    if isinstance(value, (set, frozenset)):
        return frozenset(freeze(item) for item in value)
    frozen = copy.deepcopy(value)
    if isinstance(frozen, np.ndarray):
        frozen.flags.writeable = False
    return frozen


def thaw(value: Any) -> Any:
    """Turn read-only mappings back into dicts, which can be pickled; keep all else.

    Examples
    --------
    >>> thaw(freeze({"items": ["sword", {"gold": 3}]}))
    {'items': ('sword', {'gold': 3})}
    """
    if isinstance(value, MappingProxyType):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(thaw(item) for item in value)
    return value
