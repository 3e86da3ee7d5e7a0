"""The last snapshots of a world, to go back to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from ecs_columnar.errors import InvalidArgumentError, SnapshotError
from ecs_columnar.snapshot import Snapshot, restore
from ecs_columnar.storage import Storage


class History:
    """A ring of the last ``n`` snapshots; made by `World.history`.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> class Fuel(ecs.Component):
    ...     litres: ecs.f8
    >>> world = ecs.World()
    >>> ships = world.spawn(2, Fuel(100.0))
    >>> history = world.history(10)
    >>> for hour in range(3):
    ...     _ = history.record()
    ...     world.set(ships, Fuel, litres=90.0 - 10 * hour)
    >>> history.rollback(2)
    >>> world.get(ships, Fuel).litres
    array([90., 90.])
    """

    __slots__ = ("_snapshots", "_storage")

    def __init__(self, storage: Storage, n: int) -> None:
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            raise InvalidArgumentError(
                "n", n, f"cannot keep {n!r} snapshots: give a number, 1 or more"
            )
        self._storage: Final = storage
        self._snapshots: Final[deque[Snapshot]] = deque(maxlen=n)

    def record(self) -> Snapshot:
        """Take a snapshot, and forget the oldest if there are ``n`` already."""
        snapshot = Snapshot(self._storage)
        self._snapshots.append(snapshot)
        return snapshot

    def rollback(self, k: int = 1) -> None:
        """Make the world what it was at the ``k``-th last snapshot, 1 for the last.

        Later snapshots are forgotten; that one stays.

        Raises
        ------
        SnapshotError
            When there are not so many.
        TransactionError, StructuralChangeError
            As `World.restore` does.
        """
        if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= len(self):
            raise SnapshotError(
                f"cannot go back {k!r} snapshots: there are {len(self)}, of which 1 is the last"
            )
        restore(self._storage, self._snapshots[-k], [(self._snapshots.pop,)] * (k - 1))

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays of all snapshots, each counted once."""
        arrays: dict[int, int] = {}
        for snapshot in self:
            arrays |= snapshot.shared_arrays()
        return sum(arrays.values())

    def __len__(self) -> int:
        return len(self._snapshots)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self._snapshots)

    def __getitem__(self, i: int) -> Snapshot:
        return self._snapshots[i]

    def __repr__(self) -> str:
        ticks = ", ".join(str(snapshot.tick) for snapshot in self)
        return f"<History of {len(self)} of {self._snapshots.maxlen} snapshots: ticks {ticks}>"
