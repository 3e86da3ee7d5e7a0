"""In which form a property was given, so that it comes back as it was.

A column holds one Python type; the form says what else the value was. Two bits
a property, packed into uint32 words, a word for each 16 properties. The form of
a value that is as its column has it is 0, so that a batch without oddities costs
one scalar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PLAIN: Final = 0
"""As the column has it."""

ALIKE: Final = 1
"""Of the other number type: 1 in a column of floats, 1.0 in one of integers."""

NULL: Final = 2
"""None."""

ELSEWHERE: Final = 3
"""Not in the column: absent, unless it is in the rest of the item."""

PER_WORD: Final = 16

Forms = NDArray[np.uint8] | int
"""Of one property: one an item, or one for all."""


def n_words(n_properties: int) -> int:
    """Return how many words hold the forms of so many properties."""
    return -(-n_properties // PER_WORD)


def pack(forms: Sequence[Forms]) -> list[Any]:
    """Pack the forms of all properties into words.

    Returns
    -------
    list of uint32 array, shape (n,), or int
        A word for each 16 properties; one number where all items are alike.
    """
    return [_pack(forms[i : i + PER_WORD]) for i in range(0, len(forms), PER_WORD)]


def unpack(words: Sequence[NDArray[np.uint32]], number: int) -> NDArray[np.uint8]:
    """Return the forms of one property, shape (n,)."""
    place = 2 * (number % PER_WORD)
    return (words[number // PER_WORD] >> np.uint32(place) & np.uint32(3)).astype(np.uint8)


def _pack(forms: Sequence[Forms]) -> Any:
    word: Any = 0
    for place, form in enumerate(forms):
        if isinstance(form, int):
            word |= form << 2 * place
        elif form.any():
            word |= form.astype(np.uint32) << np.uint32(2 * place)
    return word
