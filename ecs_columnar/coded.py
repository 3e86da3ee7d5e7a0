"""Columns of strings that are no Python strings: by number, or as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.encoded import Encoded, to_text

OFTEN: Final = 8
"""How often each of few strings is there at least, on average."""


class Coded:
    """Strings of which many are alike: the distinct ones, and which of them each is.

    Categories, for those who want no pandas. Wherever strings are interned, each
    distinct one is looked at once.

    Attributes
    ----------
    codes : intp array, shape (n,)
    texts : object array, shape (n_texts,)
        By code: strings, and None for what is missing.

    Examples
    --------
    >>> places = Coded(np.array([1, 1, 2]), np.array(["inn", "harbour", "market"], object))
    >>> places[1:].objects()
    array(['harbour', 'market'], dtype=object)
    >>> places.distinct()
    <Coded: 3 strings, 2 distinct>
    """

    __slots__ = ("_is_distinct", "codes", "texts")

    def __init__(
        self, codes: NDArray[np.intp], texts: NDArray[np.object_], *, is_distinct: bool = False
    ) -> None:
        self.codes: Final = codes
        self.texts: Final = texts
        self._is_distinct: Final = is_distinct

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> Any:
        """Return one string, or some: a mask, positions, or a slice."""
        if isinstance(rows, (int, np.integer)):
            return self.texts[self.codes[rows]]
        return Coded(self.codes[rows], self.texts)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.objects())

    def __repr__(self) -> str:
        return f"<Coded: {len(self)} strings, {self.texts.shape[0]} distinct>"

    def objects(self) -> NDArray[np.object_]:
        """Return the strings one by one."""
        return np.asarray(self.texts[self.codes])

    def tolist(self) -> list[Any]:
        """Return the strings one by one, in a list."""
        return list(self)

    def distinct(self) -> Coded:
        """Leave out what does not occur; texts are in the order in which they first do."""
        if self._is_distinct:
            return self
        n, n_texts = self.codes.shape[0], self.texts.shape[0]
        if n_texts > 4 * n + 1024:
            used, codes = np.unique(self.codes, return_inverse=True)
            return Coded(codes, self.texts[used]).distinct()
        numbers = np.full(n_texts, -1, np.int32)
        labels, order = np.empty((2, n), np.int32)
        small = self.codes.astype(np.int32)
        n_distinct = kernels.rows.number_codes(small, numbers, labels, order)
        texts = self.texts[order[:n_distinct].astype(np.intp)]
        return Coded(labels.astype(np.intp), texts, is_distinct=True)

    def with_texts(self, texts: NDArray[np.object_]) -> Coded:
        """Return the same with other strings, as many of them."""
        return Coded(self.codes, texts, is_distinct=self._is_distinct)


class Texts:
    """Encoded strings as a column: it has a length, and parts of it are taken by indexing.

    Attributes
    ----------
    encoded : Encoded
        None comes in the place of those that are missing.

    Examples
    --------
    >>> from ecs_columnar.encoding import encode
    >>> texts = Texts(encode(["inn", "harbour", "market"]))
    >>> texts[1:].tolist(), texts[0]
    (['harbour', 'market'], 'inn')
    """

    __slots__ = ("encoded",)

    def __init__(self, encoded: Encoded) -> None:
        self.encoded: Final = encoded

    def __len__(self) -> int:
        return self.encoded.n_strings

    def __getitem__(self, rows: Any) -> Any:
        """Return one string, or some: positions, a mask, or a slice without a step."""
        if isinstance(rows, (int, np.integer)):
            data, starts, ends, missing, _ = self.encoded
            is_there = missing is None or not missing[rows]
            return to_text(data[starts[rows] : ends[rows]]) if is_there else None
        return Texts(self.encoded.take(rows))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        return f"<Texts: {len(self)} strings>"

    def tolist(self) -> list[Any]:
        """Return the strings one by one."""
        return self.encoded.texts()
