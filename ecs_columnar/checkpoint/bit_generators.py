"""Random generators by the state of their bit generator.

NumPy checks most of a state, but not positions within a buffer, which would be
read out of bounds.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

BIT_GENERATORS: Final = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
"""Those that are known by name."""

_LIMITS: Final = {"MT19937": ("state", "pos", 624), "Philox": ("", "buffer_pos", 4)}


def to_generator(state: dict[str, Any]) -> np.random.Generator:
    """Make a generator in a state.

    Raises
    ------
    ValueError, TypeError, KeyError
        When it is not the state of a known one.
    """
    name = state["bit_generator"]
    if name not in BIT_GENERATORS:
        raise ValueError(f"there is no bit generator {name!r} in numpy.random")
    _refuse_no_position(name, state)
    # The seed is written over at once; a fixed one asks the system for nothing.
    bit_generator = getattr(np.random, name)(0)
    bit_generator.state = state
    return np.random.Generator(bit_generator)


def _refuse_no_position(name: str, state: dict[str, Any]) -> None:
    if name not in _LIMITS:
        return
    group, key, limit = _LIMITS[name]
    position = (state[group] if group else state)[key]
    if type(position) is not int or not 0 <= position <= limit:
        raise ValueError(f"{position!r} is no position in the buffer of a {name}")
