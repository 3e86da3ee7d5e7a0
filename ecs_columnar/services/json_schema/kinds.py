"""What Python type each value of a property is of, as a small code."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from types import NoneType
from typing import Final

import numpy as np
from numpy.typing import NDArray


class Absent(Enum):
    """Stands where an item has no such property."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return self.name


ABSENT: Final = Absent.ABSENT

IS_ABSENT: Final = 0
IS_NULL: Final = 1
IS_BOOLEAN: Final = 2
IS_INTEGER: Final = 3
IS_FLOAT: Final = 4
IS_STRING: Final = 5
IS_OTHER: Final = 6


class _Codes(dict[type, int]):
    """Codes by type; a subclass gets that of its base when it is first met."""

    def __missing__(self, cls: type) -> int:
        code = next((code for base, code in self.items() if issubclass(cls, base)), IS_OTHER)
        if code != IS_OTHER:
            self[cls] = code
        return code


_CODES: Final = _Codes(
    {
        Absent: IS_ABSENT,
        NoneType: IS_NULL,
        bool: IS_BOOLEAN,
        int: IS_INTEGER,
        float: IS_FLOAT,
        str: IS_STRING,
    }
)


def type_codes(values: Sequence[object]) -> NDArray[np.int8]:
    """Return the code of each value's type, shape (n,)."""
    return np.fromiter(map(_CODES.__getitem__, map(type, values)), np.int8, len(values))
