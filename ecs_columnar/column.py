"""One growable array.

* ``data[:n_rows]`` is what counts; what lies behind it is capacity.
* Data is contiguous, and never paged: a view of it is a plain NumPy array.
* Data that a snapshot holds is read-only, and is copied before it is written.
* Items are moved by their size, through ``words``, except Python objects,
  whose references NumPy counts.
"""

from __future__ import annotations

from operator import setitem
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import dtypes, kernels
from ecs_columnar.frozen import freeze, thaw
from ecs_columnar.schema import Field
from ecs_columnar.state import aligned
from ecs_columnar.steps import Step, run

_WORD_DTYPES: Final = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}
_WIDEST: Final = _WORD_DTYPES[8]

_NO_ITEMS: Final = np.empty(0, np.uint8)


def grown_capacity(capacity: int, n_rows: int, n_later: int = 0) -> int:
    """Return a capacity for ``n_rows``: exact at first, then by half of what there is.

    Half, not double: a column that is spawned into at once stays exact, and one
    that grows row by row wastes at most a third of its memory. Where ``n_later``
    more are announced, a thirty-second of these is spare: kinds vary.
    """
    by_half = capacity + (capacity >> 1) + 4 if capacity else 0
    return n_rows + n_later + (n_later >> 5) if n_later else max(n_rows, by_half)


def grown(array: NDArray[Any], n_rows: int, fill: int, n_later: int = 0) -> NDArray[Any]:
    """Return a writable array of at least ``n_rows``: the same one, or a larger copy.

    Parameters
    ----------
    array : array, shape (capacity, ...)
    n_rows : int
    fill : int
        What the new rows hold.
    n_later : int, optional
        Rows that are announced to follow.
    """
    capacity = array.shape[0]
    if n_rows <= capacity:
        return owned(array)
    shape = (grown_capacity(capacity, n_rows, n_later), *array.shape[1:])
    # Zeros take no memory until they are written.
    larger = np.empty(shape, array.dtype) if fill else np.zeros(shape, array.dtype)
    larger[:capacity] = array
    if fill:
        larger[capacity:] = fill
    return larger


def owned(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that may be written: the same one, or a copy if a snapshot holds it."""
    return array if array.flags.writeable else array.copy()


class Column:
    """A growable array of the values of one field.

    What writes returns a step, for `steps.run`: values are of the exact dtype,
    room is there, and nothing else changes the column before the step has run.

    Parameters
    ----------
    field : Field
        Name, dtype and shape of a value.

    Attributes
    ----------
    data : array, shape ``(capacity, *field.shape)``
    memory : memoryview
        Of the data, where single items are Python numbers (`Field.exact`) or
        handles: reads and writes one in half the time that NumPy takes.

    Examples
    --------
    >>> from ecs_columnar.schema import Field
    >>> from ecs_columnar.steps import run
    >>> column = Column(Field("x", "number", np.dtype("f4"), ()))
    >>> column.reserve(3)
    >>> run([column.filling(0, 3, np.array(1.5, "f4"))])
    >>> column.view(3)
    array([1.5, 1.5, 1.5], dtype=float32)
    """

    __slots__ = ("data", "field", "memory", "width", "words")

    data: NDArray[Any]
    memory: memoryview[Any]
    words: NDArray[Any] | None
    width: int

    def __init__(self, field: Field) -> None:
        self.field = field
        self.hold(np.empty((0, *field.shape), field.dtype))

    @property
    def capacity(self) -> int:
        """Rows that fit before the column has to grow."""
        return len(self.data)

    @property
    def nbytes(self) -> int:
        """Bytes of the array, capacity included; of objects the references only."""
        return self.data.nbytes

    def reserve(self, n_rows: int, n_later: int = 0) -> None:
        """Make room for ``n_rows``, and ``n_later`` more; copies the column when it has to grow."""
        if n_rows <= self.capacity:
            self.own()
            return
        shape = (grown_capacity(self.capacity, n_rows, n_later), *self.field.shape)
        data = np.empty(shape, self.field.dtype)
        data[: self.capacity] = self.data
        self.hold(data)

    def own(self) -> None:
        """Copy the data if a snapshot holds it."""
        if not self.data.flags.writeable:
            self.hold(self.data.copy())

    def freezing(self) -> list[Step]:
        """Return the steps that make the data, writable so far, read-only for a snapshot."""
        frozen = self.data.view()
        frozen.flags.writeable = False
        _, *faces = self._holding(frozen)
        return [(setattr, self.data.flags, "writeable", False), *faces]

    def view(self, n_rows: int) -> NDArray[Any]:
        """Return the first ``n_rows`` values: a view."""
        return self.data[:n_rows]

    def gather(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Copy the values of some rows, in their order."""
        out = np.empty((rows.shape[0], *self.field.shape), self.field.dtype)
        if self.words is None:
            np.take(self.data, rows, axis=0, out=out, mode="clip")
        else:
            kernels.rows.gather(self.words, rows, self.width, _words(out))
        return out

    # --- writes ----------------------------------------------------------------------

    def filling(self, start: int, stop: int, values: Any) -> Step:
        """Write one value, or one a row, into a run of rows. O(rows)."""
        self.own()
        return setitem, self.data, slice(start, stop), values

    def scattering(self, rows: NDArray[np.intp], values: NDArray[Any]) -> Step:
        """Write one value, or one a row, into some rows; of equal rows the last wins.

        Parameters
        ----------
        rows : intp array, shape (k,)
        values : array of the column's dtype
            Of shape ``field.shape`` or ``(k, *field.shape)``, contiguous.
        """
        self.own()
        if self.words is None or values.ndim == len(self.field.shape):
            return setitem, self.data, rows, values
        return kernels.step(kernels.rows.scatter, _words(values), rows, self.width, self.words)

    def exchanging(self, rows: NDArray[np.intp], values: NDArray[Any]) -> tuple[NDArray[Any], Step]:
        """Write a value a row, as `scattering` does, and keep what was there.

        Not of Python objects.

        Returns
        -------
        word array
            What was in the rows, for `putting_back`, once the step has run.
        Step
        """
        self.own()
        words = _words(values)
        before = np.empty(words.shape[0], words.dtype)
        exchange = kernels.rows.exchange
        return before, kernels.step(exchange, words, rows, self.width, self.words, before)

    def putting_back(self, rows: NDArray[np.intp], before: NDArray[Any]) -> Step:
        """Write back what the step of `exchanging` found: backwards, so that the oldest wins."""
        self.own()
        items = np.ascontiguousarray(before.reshape(-1, self.width)[::-1]).reshape(-1)
        backwards = np.ascontiguousarray(rows[::-1])
        return kernels.step(kernels.rows.scatter, items, backwards, self.width, self.words)

    def taking(self, source: Column, rows: NDArray[np.intp] | None, start: int, n: int) -> Step:
        """Append ``n`` rows of another column of the same field at ``start``.

        Parameters
        ----------
        source : Column
        rows : intp array, shape (n,), or None
            Rows of the source; None is its first ``n``.
        start : int
            First row to write; room is there already.
        n : int
        """
        if rows is None:
            return self.filling(start, start + n, source.data[:n])
        self.own()
        out = self.data[start : start + n]
        if self.words is None or source.words is None:
            return source.data.take, rows, 0, out, "clip"  # np.take is Python
        return kernels.step(kernels.rows.gather, source.words, rows, self.width, _words(out))

    def closing(self, holes: NDArray[np.intp], movers: NDArray[np.intp]) -> Step:
        """Copy the rows ``movers`` into the rows ``holes``."""
        self.own()
        if self.words is None:
            return setitem, self.data, holes, self.data[movers]
        return kernels.step(kernels.rows.fill_holes, holes, movers, self.width, self.words)

    def __getstate__(self) -> tuple[Field, NDArray[Any]]:
        # Read-only mappings cannot be pickled, so they are dicts on the way.
        return self.field, self.data if self.words is not None else _each(thaw, self.data)

    def __setstate__(self, state: tuple[Field, NDArray[Any]]) -> None:
        self.field, data = state
        self.hold(_each(freeze, data) if data.dtype == object else aligned(data))

    def hold(self, data: NDArray[Any]) -> None:
        """Take an array as the data. O(1)."""
        run(self._holding(data))

    def _holding(self, data: NDArray[Any]) -> list[Step]:
        """Return the steps that take an array as the data, and then what shows it."""
        has_memory = self.field.exact is not None or self.field.kind == "reference"
        words = None if data.dtype == object else _words(data)
        return [
            (setattr, self, "data", data),
            (setattr, self, "memory", (data if has_memory else _NO_ITEMS).data),
            (setattr, self, "words", words),
            (setattr, self, "width", self.field.nbytes // (1 if words is None else words.itemsize)),
        ]


def _each(function: Any, values: NDArray[Any]) -> NDArray[Any]:
    out = np.empty_like(values)
    for i, value in enumerate(values.tolist()):
        out[i] = function(value)
    return out


def _words(data: NDArray[Any]) -> NDArray[Any]:
    """View a contiguous array as words: of its item size, or of the widest that divides it."""
    word = _WORD_DTYPES.get(data.dtype.itemsize, _WIDEST)
    return (data if data.ndim == 1 else data.reshape(-1)).view(word)


HANDLES: Final = Field("handle", "reference", dtypes.HANDLE, ())
