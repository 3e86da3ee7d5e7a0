"""Frozen copies of a world that share what has not been written since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from ecs_columnar.content import Content, putting_back, share
from ecs_columnar.digest import digest, digests
from ecs_columnar.errors import SnapshotError, TransactionError
from ecs_columnar.steps import Step, run
from ecs_columnar.storage import Storage

if TYPE_CHECKING:
    import pandas as pd


class Snapshot:
    """A world as it was; made by `World.snapshot`.

    It holds everything that decides the future: values, rows and their order,
    generations and the free list, ids, places and the order within them,
    definitions, the tick, and the states of `World.generators`.

    Making one copies nothing. It takes the arrays of the world, which copies an
    array before it writes into it for the first time after that; so snapshots
    share what does not change, with the world and with each other. Two
    snapshots are equal when their contents are.

    Attributes
    ----------
    tick : int
        Of the world, then.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> crew = world.spawn(3, at="harbour")
    >>> before = world.snapshot()
    >>> world.move(crew[0], "open sea")
    >>> world.snapshot() == before
    False
    >>> world.restore(before)
    >>> world.snapshot() == before
    True
    """

    __slots__ = ("_content", "_digest", "_storage", "tick")

    def __init__(self, storage: Storage) -> None:
        self._storage: Final = storage
        self._content: Final = share(storage)
        self._digest: str | None = None
        self.tick: Final = self._content.tick

    @property
    def content(self) -> Content:
        """The arrays, all read-only."""
        return self._content

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, capacity included, shared or not."""
        return sum(self.shared_arrays().values())

    def shared_arrays(self) -> dict[int, int]:
        """Return the bytes of each array by its identity, so that none is counted twice."""
        return {id(array): array.nbytes for array in self._content.arrays()}

    def digest(self) -> str:
        """Return a hash of the content; see `World.digest`. O(content), once."""
        if self._digest is None:
            self._digest = digest(self._content)
        return self._digest

    def diff(self, other: Snapshot) -> pd.DataFrame:
        """Tell what is different in another snapshot of the same world.

        Returns
        -------
        DataFrame
            A row a difference: ``entity`` (handle), ``id``, ``component``,
            ``field``, and the values ``before`` (here) and ``after`` (there).
            Where there is none the value is None. A life that began or ended is
            a difference of the field "alive", a move one of "place", both of no
            component; a tag is a difference of no field.

        Raises
        ------
        SnapshotError
            When it is of another world.
        """
        from ecs_columnar.difference import difference

        if other._storage is not self._storage:
            raise SnapshotError("cannot compare snapshots of two worlds: components may differ")
        return difference(self._content, other._content)

    def other_differences(self, other: Snapshot) -> list[str]:
        """Name what is different that `diff` has no row for, such as the order of rows."""
        here, there = digests(self._content), digests(other._content)
        return [name for name in here | there if here.get(name) != there.get(name)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        return self.digest() == other.digest()

    def __hash__(self) -> int:
        return hash(self.digest())

    def __repr__(self) -> str:
        n = sum(table.length for table in self._content.tables)
        return f"<Snapshot at tick {self.tick}: {n} entities, {self.nbytes} bytes>"


def restore(storage: Storage, snapshot: Any, last: Iterable[Step] = ()) -> None:
    """Make a world what it was, and run the last steps, in one go; see `World.restore`."""
    if not isinstance(snapshot, Snapshot) or snapshot._storage is not storage:
        raise SnapshotError(
            f"cannot restore {snapshot!r}: it is no snapshot of this world; "
            "take one with world.snapshot()"
        )
    if storage.log is not None:
        raise TransactionError(
            "cannot restore in a transaction: it could not be taken back; end the transaction "
            "first, or roll it back"
        )
    if storage.journal is not None:
        raise SnapshotError(
            f"cannot restore while a journal is open in {storage.journal.folder}: it records "
            "changes, and this is none; close it, restore, and begin another"
        )
    storage.begin_structural_change("restore a snapshot")
    run([*putting_back(storage, snapshot.content), *last])
