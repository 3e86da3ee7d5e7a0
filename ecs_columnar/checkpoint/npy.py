"""The head of a ``.npy`` file, as bytes.

It follows from dtype and shape, which follow from the manifest. So a reader
compares it with the one that it expects, and parses nothing: in particular no
pickle, and no dtype that a stranger wrote.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

BYTE: Final = np.dtype(np.uint8)
OFFSET: Final = np.dtype(np.int64)

_MAGIC: Final = b"\x93NUMPY\x01\x00"
_ALIGNMENT: Final = 64


def header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Return what comes before the items of an array in C order.

    Parameters
    ----------
    dtype : numpy.dtype
        Of numbers or times.
    shape : tuple of int

    Returns
    -------
    bytes
        Of a length that is a multiple of 64, so that items in a mapped file are
        aligned.

    Examples
    --------
    >>> header(np.dtype("<f4"), (3,))[10:60]
    b"{'descr': '<f4', 'fortran_order': False, 'shape': "
    """
    text = f"{{'descr': {dtype.str!r}, 'fortran_order': False, 'shape': {shape}, }}"
    n_spaces = -(len(_MAGIC) + 2 + len(text) + 1) % _ALIGNMENT
    line = f"{text}{' ' * n_spaces}\n".encode("ascii")
    return _MAGIC + len(line).to_bytes(2, "little") + line
