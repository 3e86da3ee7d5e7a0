"""What of a part of the storage is state, to be shared with snapshots.

A snapshot takes the arrays of a part as they are and makes them read-only; the
part copies one before it writes. So a snapshot costs next to nothing, and what
does not change is never copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.steps import Step, run

State: TypeAlias = tuple[Any, ...]
"""Values of the attributes in `Stateful.STATE`, in their order."""

_WORD: Final = 8
"""Bytes of the widest number that a kernel reads."""


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

    def copy_arrays(self) -> None:
        """Copy all arrays, and have all copies at once.

        Whoever handles a signal may take a snapshot in between.
        """
        run(self.thawing(tuple(map(_copied, self.state()))))

    def __setstate__(self, state: Any) -> None:
        _, values = state
        kept = received(tuple(values[name] for name in self.STATE))
        for name, value in {**values, **dict(zip(self.STATE, kept, strict=True))}.items():
            setattr(self, name, value)


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def received(state: State) -> State:
    """Return a state that comes from a pickle, as a part can have it.

    Arrays that come apart from their pickle lie in memory of others, and only some of them
    may be read-only: joblib maps large ones. Then all are, as after a snapshot: a part asks
    one of them whether to copy all before it writes.
    """
    settled = _aligned_all(state)
    arrays = arrays_in(settled)
    if not all(array.flags.writeable for array in arrays):
        for array in arrays:
            array.flags.writeable = False
    return settled


def aligned(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as kernels read it, at an address of whole words: the same one or a copy."""
    return array if array.ctypes.data % _WORD == 0 else array.copy()


def _aligned_all(state: State) -> State:
    values = (
        aligned(value)
        if isinstance(value, np.ndarray)
        else _aligned_all(value)
        if isinstance(value, tuple)
        else value
        for value in state
    )
    make = getattr(type(state), "_make", tuple)  # a named tuple stays one
    return cast("State", make(values))


def arrays_in(state: Iterable[Any]) -> list[NDArray[Any]]:
    """List the arrays of a state."""
    found: list[NDArray[Any]] = []
    for value in state:
        if isinstance(value, np.ndarray):
            found.append(value)
        elif isinstance(value, tuple):
            found += arrays_in(value)
    return found
