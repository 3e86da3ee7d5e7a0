"""One growable array.

* ``data[:n_rows]`` is what counts; what lies behind it is capacity.
* Data is contiguous, and never paged: a view of it is a plain NumPy array.
* Items are moved by their size, through ``words``, except Python objects,
  whose references NumPy counts.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import dtypes, kernels
from ecs_columnar.schema import Field

_WORD_DTYPES: Final = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}


_NO_ITEMS: Final = np.empty(0, np.uint8)


def grown_capacity(capacity: int, n_rows: int) -> int:
    """Return a capacity for ``n_rows``: exact at first, then by half of what there is.

    Half, not double: a column that is spawned into at once stays exact, and one
    that grows row by row wastes at most a third of its memory.
    """
    return max(n_rows, capacity + (capacity >> 1) + 4 if capacity else 0)


def grown(array: NDArray[Any], n_rows: int, fill: object) -> NDArray[Any]:
    """Return an array of at least ``n_rows``: the same one, or a larger copy.

    Parameters
    ----------
    array : array, shape (capacity, ...)
    n_rows : int
    fill : object
        What the new rows hold.
    """
    capacity = array.shape[0]
    if n_rows <= capacity:
        return array
    larger = np.empty((grown_capacity(capacity, n_rows), *array.shape[1:]), array.dtype)
    larger[:capacity] = array
    larger[capacity:] = fill
    return larger


class Column:
    """A growable array of the values of one field.

    Parameters
    ----------
    field : Field
        Name, dtype and shape of a value.

    Attributes
    ----------
    data : array, shape ``(capacity, *field.shape)``
    memory : memoryview
        Of the data, where single items are Python numbers (`Field.exact`):
        reads and writes one in half the time that NumPy takes.
    version : int
        Moves with every write; columns of equal version are equal.

    Examples
    --------
    >>> from ecs_columnar.schema import Field
    >>> column = Column(Field("x", "number", np.dtype("f4"), ()))
    >>> column.reserve(3)
    >>> column.write(0, 3, np.float32(1.5))
    >>> column.view(3)
    array([1.5, 1.5, 1.5], dtype=float32)
    """

    __slots__ = ("data", "field", "memory", "version", "width", "words")

    def __init__(self, field: Field) -> None:
        self.field = field
        self.version = 0
        self._hold(np.empty((0, *field.shape), field.dtype))

    @property
    def capacity(self) -> int:
        """Rows that fit before the column has to grow."""
        return len(self.data)

    @property
    def nbytes(self) -> int:
        """Bytes of the array, capacity included; of objects the references only."""
        return self.data.nbytes

    def reserve(self, n_rows: int) -> None:
        """Make room for ``n_rows``; copies the column when it has to grow."""
        if n_rows <= self.capacity:
            return
        shape = (grown_capacity(self.capacity, n_rows), *self.field.shape)
        data = np.empty(shape, self.field.dtype)
        data[: self.capacity] = self.data
        self._hold(data)

    def view(self, n_rows: int) -> NDArray[Any]:
        """Return the first ``n_rows`` values: a writable view."""
        return self.data[:n_rows]

    def write(self, start: int, stop: int, values: NDArray[Any]) -> None:
        """Write one value, or one a row, into a run of rows. O(rows)."""
        self.data[start:stop] = values
        self.version += 1

    def scatter(self, rows: NDArray[np.intp], values: NDArray[Any]) -> None:
        """Write one value, or one a row, into some rows; of equal rows the last wins.

        Parameters
        ----------
        rows : intp array, shape (k,)
        values : array of the column's dtype
            Of shape ``field.shape`` or ``(k, *field.shape)``, contiguous.
        """
        if self.words is None or values.ndim == len(self.field.shape):
            self.data[rows] = values
        else:
            kernels.rows.scatter(_words(values), rows, self.width, self.words)
        self.version += 1

    def gather(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Copy the values of some rows, in their order."""
        out = np.empty((rows.shape[0], *self.field.shape), self.field.dtype)
        self.gather_into(rows, out)
        return out

    def gather_into(self, rows: NDArray[np.intp], out: NDArray[Any]) -> None:
        """Copy the values of some rows into a contiguous array of the same dtype."""
        if self.words is None:
            np.take(self.data, rows, axis=0, out=out, mode="clip")
        else:
            kernels.rows.gather(self.words, rows, self.width, _words(out))

    def take_from(self, source: Column, rows: NDArray[np.intp] | None, start: int, n: int) -> None:
        """Append ``n`` rows of another column of the same field at ``start``.

        Parameters
        ----------
        source : Column
        rows : intp array, shape (n,), or None
            Rows of the source; None is its first ``n``.
        start : int
            First row to write; capacity is there already.
        n : int
        """
        if rows is None:
            self.data[start : start + n] = source.data[:n]
        else:
            source.gather_into(rows, self.data[start : start + n])
        self.version += 1

    def fill_holes(self, holes: NDArray[np.intp], movers: NDArray[np.intp]) -> None:
        """Copy the rows ``movers`` into the rows ``holes``."""
        if self.words is None:
            self.data[holes] = self.data[movers]
        else:
            kernels.rows.fill_holes(holes, movers, self.width, self.words)
        self.version += 1

    def clear_tail(self, n_rows: int, n_before: int) -> None:
        """Let go of the objects in rows that are no longer used."""
        if self.words is None:
            self.data[n_rows:n_before] = None

    def __getstate__(self) -> tuple[Field, int, NDArray[Any]]:
        return self.field, self.version, self.data

    def __setstate__(self, state: tuple[Field, int, NDArray[Any]]) -> None:
        self.field, self.version, data = state
        self._hold(data)

    def _hold(self, data: NDArray[Any]) -> None:
        self.data = data
        self.memory: memoryview[Any] = (_NO_ITEMS if self.field.exact is None else data).data
        self.words: NDArray[Any] | None = None if data.dtype == object else _words(data)
        self.width = self.field.nbytes // (1 if self.words is None else self.words.itemsize)


def _words(data: NDArray[Any]) -> NDArray[Any]:
    """View a contiguous array as words: of its item size, or of the widest that divides it."""
    itemsize = data.dtype.itemsize
    word = _WORD_DTYPES[itemsize if itemsize in _WORD_DTYPES else 8]
    return data.reshape(-1).view(word)


HANDLES: Final = Field("handle", "reference", dtypes.HANDLE, ())
