"""What of a part of the storage is state, to be shared with snapshots.

A snapshot takes the arrays of a part as they are and makes them read-only; the
part copies one before it writes. So a snapshot costs next to nothing, and what
does not change is never copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.steps import Step

State: TypeAlias = tuple[Any, ...]
"""Values of the attributes in `Stateful.STATE`, in their order."""


class Stateful:
    """Base of the parts of a storage.

    Attributes
    ----------
    STATE : tuple of str
        The attributes that are state: arrays, named tuples of arrays, numbers.
    """

    __slots__ = ()
    STATE: ClassVar[tuple[str, ...]]

    def state(self) -> State:
        """Return the state, without copies."""
        return tuple(getattr(self, name) for name in self.STATE)

    def thawing(self, state: State) -> list[Step]:
        """Return the steps that go back to a state. O(attributes)."""
        return [(setattr, self, *pair) for pair in zip(self.STATE, state, strict=True)]


def arrays_in(state: Iterable[Any]) -> list[NDArray[Any]]:
    """List the arrays of a state."""
    found: list[NDArray[Any]] = []
    for value in state:
        if isinstance(value, np.ndarray):
            found.append(value)
        elif isinstance(value, tuple):
            found += arrays_in(value)
    return found
