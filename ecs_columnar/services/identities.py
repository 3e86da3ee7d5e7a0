"""Ids for new entities: those that were given, and made-up ones."""

from __future__ import annotations

import os
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.encoded import FIRST_SEED, Encoded

_LENGTH: Final = 36
_DIGITS: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_DASHES: Final = np.array([8, 13, 18, 23])
_PLACES: Final = np.delete(np.arange(_LENGTH), _DASHES)


def new_ids(n: int) -> Encoded:
    """Make ids: random UUIDs of version 4, as text. O(n).

    Examples
    --------
    >>> import uuid
    >>> uuid.UUID(new_ids(1).texts()[0]).version
    4
    """
    octets = np.frombuffer(os.urandom(16 * n), np.uint8).reshape(n, 16).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x40  # RFC 9562: version 4,
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80  # and the variant
    text = np.full((n, _LENGTH), ord("-"), np.uint8)
    text[:, _PLACES[0::2]] = _DIGITS[octets >> 4]
    text[:, _PLACES[1::2]] = _DIGITS[octets & 0x0F]
    starts = np.arange(n, dtype=np.int64) * _LENGTH
    return Encoded(text.reshape(-1), starts, starts + _LENGTH)


def joined(given: Encoded, made: Encoded, is_made: NDArray[np.bool_]) -> Encoded:
    """Put made-up ids among the given ones.

    Parameters
    ----------
    given : Encoded
        An id each; empty where there is none.
    made : Encoded
        For those where there is none.
    is_made : bool array, shape (n,)
    """
    starts, ends = given.starts.copy(), given.ends.copy()
    starts[is_made] = made.starts + given.data.shape[0]
    ends[is_made] = made.ends + given.data.shape[0]
    return Encoded(np.concatenate([given.data, made.data]), starts, ends)


def repeated(ids: Encoded) -> NDArray[np.intp]:
    """Return the rows of ids that are there more than once, in order.

    Hashes are compared first: of a million distinct ids a few hundred are then
    compared as strings.
    """
    suspects = _not_unique(ids.tags_of(FIRST_SEED))
    if not suspects.shape[0]:
        return suspects
    texts = ids.take(suspects).texts()
    counts: dict[str | None, int] = {}
    for text in texts:
        counts[text] = counts.get(text, 0) + 1
    return suspects[[counts[text] > 1 for text in texts]]


def _not_unique(tags: NDArray[np.int32]) -> NDArray[np.intp]:
    ordered = np.sort(tags)
    shared = ordered[1:][ordered[1:] == ordered[:-1]]
    if not shared.shape[0]:
        return np.empty(0, np.intp)
    return np.flatnonzero(np.isin(tags, shared))
