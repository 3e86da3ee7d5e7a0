"""The strings of a table as plain arrays, and back.

Strings are numbered anew when some of their codes are free, so that what is
stored has no holes: nobody can tell which number a string has.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.content import strings_of
from ecs_columnar.dtypes import CODE, NO_CODE
from ecs_columnar.encoded import Encoded, to_text
from ecs_columnar.state import State
from ecs_columnar.strings import StringTable


class Texts(NamedTuple):
    """Distinct strings as UTF-8, one after the other.

    Attributes
    ----------
    data : uint8 array
    ends : int64 array, shape (n,)
    codes : int32 array or None
        What each code of the table has become, -1 for a free one; None where
        all are as they were.
    """

    data: NDArray[np.uint8]
    ends: NDArray[np.int64]
    codes: NDArray[np.int32] | None

    def renumbered(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return codes of the table as positions here; -1 stays."""
        if self.codes is None:
            return codes
        # The last item is for -1.
        return np.append(self.codes, CODE.type(NO_CODE))[codes]


def to_texts(state: State) -> Texts:
    """Return the strings of a table in a state, in the order of their codes. O(bytes)."""
    strings = strings_of(state)
    live = strings.live_codes()
    data, lengths = strings.joined(live)
    codes = None
    if live.shape[0] < strings.n_codes:
        codes = np.full(strings.n_codes, NO_CODE, CODE)
        codes[live] = np.arange(live.shape[0], dtype=CODE)
    return Texts(data, np.cumsum(lengths), codes)


def fill(strings: StringTable, data: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
    """Put strings into an empty table: each has its position as its code.

    Raises
    ------
    ValueError
        When they are not what `to_texts` gives: no UTF-8, out of bounds, or not
        distinct.
    """
    starts = np.concatenate([np.zeros(1, ends.dtype), ends[:-1]])[: ends.shape[0]]
    last = int(ends[-1]) if ends.shape[0] else 0
    if (ends < starts).any() or last != data.shape[0]:
        raise ValueError("strings lie out of bounds")
    _refuse_no_utf8(data, starts[starts < ends])
    _, n_new = strings.intern(Encoded(data, starts, ends))
    if n_new != ends.shape[0]:
        raise ValueError("a string is there twice")


def _refuse_no_utf8(data: NDArray[np.uint8], starts: NDArray[Any]) -> None:
    to_text(data)
    # The whole is UTF-8; so are the strings, if none starts within a character.
    if ((data[starts] & 0xC0) == 0x80).any():
        raise ValueError("a string starts within a character")
