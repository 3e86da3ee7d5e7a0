"""A look at JSON text before it is parsed: how deep it goes, and whether keys repeat.

It refuses nothing that is JSON and finds everything that is to be refused: text
that is no JSON is left to the parser, and equal hashes of two keys are a
suspicion that a slower parser looks into.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ecs_columnar.kernels._jit import inlined, sorting_kernel
from ecs_columnar.kernels._types import Bytes, HashesOut, RowsOut

FINE: Final = 0
DEEP: Final = 1
SUSPECT: Final = 2

NO_OBJECT: Final = -1
"""The start of keys in an array, which has none."""

_QUOTE: Final = 0x22
_COMMA: Final = 0x2C
_BACKSLASH: Final = 0x5C
_BRACKET, _END_OF_ARRAY = 0x5B, 0x5D
_BRACE, _END_OF_OBJECT = 0x7B, 0x7D
_FEW: Final = 16
_NO_ROOM: Final = -1

# FNV-1a; no key has the hash 0, which stands for a key with escapes.
_BASIS: Final = np.uint64(0xCBF29CE484222325)
_PRIME: Final = np.uint64(0x100000001B3)
_ESCAPED: Final = np.uint64(0)


@inlined
def _end_of_string(data: Bytes, i: int) -> int:
    """Return where the quote is that ends the string whose text starts at ``i``."""
    n = data.shape[0]
    while i < n and data[i] != _QUOTE:
        i += 2 if data[i] == _BACKSLASH else 1
    return i


@inlined
def _hash(data: Bytes, start: int, stop: int) -> np.uint64:
    """Hash a key, to `_ESCAPED` if there is more than one way to write it."""
    hashed = _BASIS
    for i in range(start, stop):
        if data[i] == _BACKSLASH:
            return _ESCAPED
        hashed = (hashed ^ np.uint64(data[i])) * _PRIME
    return hashed


@inlined
def _push(keys: HashesOut, n_keys: int, hashed: np.uint64) -> int:
    """Keep the hash of a key; return how many there are, `_NO_ROOM` if it cannot be kept."""
    if hashed == _ESCAPED or n_keys == keys.shape[0]:
        return _NO_ROOM
    keys[n_keys] = hashed
    return n_keys + 1


@inlined
def _repeats(keys: HashesOut, start: int, stop: int) -> bool:
    """Tell whether two of some hashes are equal: of a few all pairs, many are sorted."""
    if stop - start <= _FEW:
        for i in range(start + 1, stop):
            for k in range(start, i):
                if keys[i] == keys[k]:
                    return True
        return False
    keys[start:stop].sort()
    for i in range(start + 1, stop):  # noqa: SIM110 - a loop, as Numba likes them
        if keys[i] == keys[i - 1]:
            return True
    return False


@inlined
def _pop(keys: HashesOut, start: int, n_keys: int) -> int:
    """Forget the keys of an object; return how many are left, `_NO_ROOM` if two are equal."""
    if start == NO_OBJECT:
        return n_keys
    return _NO_ROOM if _repeats(keys, start, n_keys) else start


@sorting_kernel
def scan_json(data: Bytes, keys: HashesOut, starts: RowsOut) -> int:
    """Look for deep nesting and for repeated keys.

    Parameters
    ----------
    data : uint8 array, shape (n,)
        JSON texts, one after the other.
    keys : uint64 array
        Scratch: the hashes of the keys of all open objects.
    starts : intp array, shape (max_depth + 1,)
        Scratch: where in ``keys`` those of each open object start.

    Returns
    -------
    int
        FINE; DEEP, if there are more than ``max_depth`` levels; SUSPECT, if two
        keys of an object may be the same, or ``keys`` is too short to tell.
    """
    n = data.shape[0]
    depth, n_keys, i = 0, 0, 0
    expects_key = False
    starts[0] = NO_OBJECT
    while i < n:
        byte = data[i]
        i += 1
        if byte == _QUOTE:
            end = _end_of_string(data, i)
            if expects_key:
                n_keys = _push(keys, n_keys, _hash(data, i, min(end, n)))
                if n_keys == _NO_ROOM:
                    return SUSPECT
                expects_key = False
            i = end + 1
        elif byte == _COMMA:
            expects_key = starts[depth] != NO_OBJECT
        elif byte in (_BRACE, _BRACKET):
            depth += 1
            if depth == starts.shape[0]:
                return DEEP
            expects_key = byte == _BRACE
            starts[depth] = n_keys if expects_key else NO_OBJECT
        elif byte in (_END_OF_OBJECT, _END_OF_ARRAY) and depth > 0:
            n_keys = _pop(keys, starts[depth], n_keys)
            if n_keys == _NO_ROOM:
                return SUSPECT
            depth -= 1
            expects_key = False
    return FINE
