"""Strings as bytes: the form in which kernels take them.

* All strings of a batch lie in one buffer.
* Bytes are UTF-8, with lone surrogates as if they were characters
  ("surrogatepass"): any `str` has bytes, and no other has the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.dtypes import CODE

if TYPE_CHECKING:
    from ecs_columnar.kernels.strings import Strings

ERRORS: Final = "surrogatepass"
SEPARATOR: Final = "\0"

_MOST_OF_ONE: Final = 1000
"""Bytes that are decoded in the time in which one string is, by itself."""

FIRST_SEED: Final = 0
"""Of the hash of strings, until some have been made to collide."""


class Encoded(NamedTuple):
    """A batch of strings as UTF-8: string ``i`` is ``data[starts[i]:ends[i]]``.

    Strings may lie in any order, apart from each other, and share bytes. The
    arrays may be read-only, and views of what was encoded.

    Attributes
    ----------
    data : uint8 array
    starts, ends : int64 array, shape (n,)
    missing : bool array, shape (n,), or None
        Which strings are not there, because None or NaN was in their place;
        these are empty. None if all are there.
    tags : int32 array, shape (n,), or None
        Their hashes under the first seed, if somebody has asked for them.

    Examples
    --------
    >>> from ecs_columnar.encoding import encode
    >>> encode(["harbour", "café"]).texts()
    ['harbour', 'café']
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    missing: NDArray[np.bool_] | None = None
    tags: NDArray[np.int32] | None = None

    @property
    def n_strings(self) -> int:
        """Number of strings, those missing included."""
        return len(self.ends)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Encoded:
        """Return some of the strings: a mask, positions, or a slice without a step.

        ``data`` is shared.
        """
        missing = None if self.missing is None else self.missing[rows]
        tags = None if self.tags is None else self.tags[rows]
        return Encoded(self.data, self.starts[rows], self.ends[rows], missing, tags)

    def hashed(self) -> Encoded:
        """Return the strings with their tags, in the same arrays."""
        return self if self.tags is not None else self._replace(tags=self.tags_of(FIRST_SEED))

    def tags_of(self, seed: int) -> NDArray[np.int32]:
        """Return the hashes of the strings, shape (n,), not to be changed."""
        if seed == FIRST_SEED and self.tags is not None:
            return self.tags
        tags = np.empty(self.n_strings, CODE)
        kernels.strings.hash_strings(self.for_kernels(), seed, tags)
        return tags

    def texts(self) -> list[str | None]:
        """Return the strings one by one, None for those missing.

        100 ns a string if most of ``data`` is of these strings, and ASCII; 500 else.
        """
        bounds = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        whole = self._as_ascii()
        texts: list[str | None]
        if whole is None:
            texts = [to_text(self.data[start:end]) for start, end in bounds]
        else:
            texts = [whole[start:end] for start, end in bounds]
        for i in [] if self.missing is None else np.flatnonzero(self.missing):
            texts[i] = None
        return texts

    def joined(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the bytes of the strings one after the other, and where each one starts.

        Returns
        -------
        data : uint8 array
            A view where the strings lie so already, as those that were made in order do.
        starts : int64 array, shape (n + 1,)
        """
        bounds = np.zeros(self.n_strings + 1, np.int64)
        np.cumsum(self.ends - self.starts, out=bounds[1:])
        if np.array_equal(self.starts[1:], self.ends[:-1]):
            start = self.starts.item(0) if self.n_strings else 0
            return self.data[start : start + bounds.item(-1)], bounds
        data = np.empty(bounds.item(-1), np.uint8)
        kernels.strings.join(self.for_kernels(), data)
        return data, bounds

    def _as_ascii(self) -> str | None:
        """Return all of ``data`` as one string, None if that is not worth it, or not ASCII."""
        if self.data.shape[0] > _MOST_OF_ONE * self.n_strings:
            return None
        data = self.data.tobytes()
        return data.decode("ascii") if data.isascii() else None

    def for_kernels(self) -> Strings:
        """Return the strings as kernels take them: the same arrays."""
        return kernels.strings.Strings(self.data, self.starts, self.ends)


def to_bytes(text: str) -> NDArray[np.uint8]:
    """Encode one string."""
    return np.frombuffer(text.encode("utf-8", ERRORS), np.uint8)


def to_text(data: NDArray[np.uint8]) -> str:
    """Decode bytes of strings."""
    return data.tobytes().decode("utf-8", ERRORS)


def to_texts(data: NDArray[np.uint8]) -> list[str]:
    """Decode strings that have a zero byte between them.

    A string with zero bytes of its own comes as several.
    """
    return to_text(data).split(SEPARATOR)
