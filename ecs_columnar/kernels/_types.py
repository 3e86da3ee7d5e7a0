"""The array types of kernel arguments.

A kernel's annotations are its signatures: ``Rows`` is an array that is only
read, ``RowsOut`` one that is written. What is read may be read-only or not.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import dtypes


class Argument:
    """How the array of an annotation is handed to Numba.

    Parameters
    ----------
    *variants : tuple of (dtype, int)
        Item type and number of dimensions of each signature to compile.
    writable : bool
        Whether the kernel writes into the array.
    """

    __slots__ = ("variants", "writable")

    def __init__(self, *variants: tuple[Any, int], writable: bool = False) -> None:
        self.variants = variants
        self.writable = writable


Bytes: TypeAlias = Annotated[NDArray[np.uint8], Argument((np.uint8, 1))]
BytesOut: TypeAlias = Annotated[NDArray[np.uint8], Argument((np.uint8, 1), writable=True)]
Mask: TypeAlias = Annotated[NDArray[np.bool_], Argument((np.bool_, 1))]
MaskOut: TypeAlias = Annotated[NDArray[np.bool_], Argument((np.bool_, 1), writable=True)]
Rows: TypeAlias = Annotated[NDArray[np.intp], Argument((np.intp, 1))]
RowsOut: TypeAlias = Annotated[NDArray[np.intp], Argument((np.intp, 1), writable=True)]
Handles: TypeAlias = Annotated[NDArray[np.int64], Argument((np.int64, 1))]
HandlesOut: TypeAlias = Annotated[NDArray[np.int64], Argument((np.int64, 1), writable=True)]
Codes: TypeAlias = Annotated[NDArray[np.int32], Argument((np.int32, 1))]
CodesOut: TypeAlias = Annotated[NDArray[np.int32], Argument((np.int32, 1), writable=True)]
FloatsOut: TypeAlias = Annotated[NDArray[np.float64], Argument((np.float64, 1), writable=True)]
Hashes: TypeAlias = Annotated[NDArray[np.uint64], Argument((np.uint64, 1))]
HashesOut: TypeAlias = Annotated[NDArray[np.uint64], Argument((np.uint64, 1), writable=True)]
Entities: TypeAlias = Annotated[NDArray[np.void], Argument((dtypes.ENTITY_RECORD, 1))]
EntitiesOut: TypeAlias = Annotated[
    NDArray[np.void], Argument((dtypes.ENTITY_RECORD, 1), writable=True)
]
Placements: TypeAlias = Annotated[NDArray[np.void], Argument((dtypes.LOCATION_RECORD, 1))]
PlacementsOut: TypeAlias = Annotated[
    NDArray[np.void], Argument((dtypes.LOCATION_RECORD, 1), writable=True)
]
Groups: TypeAlias = Annotated[NDArray[np.void], Argument((dtypes.GROUP_RECORD, 1))]
GroupsOut: TypeAlias = Annotated[
    NDArray[np.void], Argument((dtypes.GROUP_RECORD, 1), writable=True)
]

# What sums are made of: one signature each.
_NUMBERS = ((np.int64, 1), (np.uint64, 1), (np.float64, 1))
Numbers: TypeAlias = Annotated[NDArray[Any], Argument(*_NUMBERS)]
NumbersOut: TypeAlias = Annotated[NDArray[Any], Argument(*_NUMBERS, writable=True)]

# Columns are moved by item size, not by dtype: an item is `width` words of the
# widest unsigned integer that divides its size. One signature a word.
_WORDS = tuple((word, 1) for word in (np.uint8, np.uint16, np.uint32, np.uint64))
Words: TypeAlias = Annotated[NDArray[Any], Argument(*_WORDS)]
WordsOut: TypeAlias = Annotated[NDArray[Any], Argument(*_WORDS, writable=True)]
