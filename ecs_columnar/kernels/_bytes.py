"""Strings as bytes: reading, comparing, copying and hashing runs of them.

Bytes are read in words of eight. Numba's compiler makes one load of the eight
shifted bytes, on processors of either byte order, because the indices are
unsigned; signed ones may count from the end and are loaded one by one.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.kernels._jit import inlined
from ecs_columnar.kernels._types import Argument, Bytes, BytesOut

MAX_TAG: Final = 2**31 - 2
"""The greatest tag of a string."""

Offsets: TypeAlias = Annotated[NDArray[np.int64], Argument((np.int64, 1))]
OffsetsOut: TypeAlias = Annotated[NDArray[np.int64], Argument((np.int64, 1), writable=True)]

_U1: Final = np.uint64(1)
_U4: Final = np.uint64(4)
_U8: Final = np.uint64(8)
_U16: Final = np.uint64(16)
_U24: Final = np.uint64(24)
_U32: Final = np.uint64(32)
_U40: Final = np.uint64(40)
_U48: Final = np.uint64(48)
_U56: Final = np.uint64(56)
_BYTE: Final = np.uint64(0xFF)
_LOW: Final = np.uint64(0xFFFFFFFF)
_TAG: Final = np.uint64(0x7FFFFFFF)
_GREATEST_TAG: Final = np.uint64(MAX_TAG)
# The constants of wyhash32.
_KEY_LOW: Final = np.uint64(0x53C5CA59)
_KEY_HIGH: Final = np.uint64(0x74743C1B)


class Strings(NamedTuple):
    """Strings as bytes: string ``i`` is ``data[starts[i]:ends[i]]``."""

    data: Bytes
    starts: Offsets
    ends: Offsets


@inlined
def word(data: Bytes, at: np.uint64) -> np.uint64:
    """Read eight bytes, the first one lowest."""
    return (
        np.uint64(data[at])
        | np.uint64(data[at + np.uint64(1)]) << _U8
        | np.uint64(data[at + np.uint64(2)]) << _U16
        | np.uint64(data[at + np.uint64(3)]) << _U24
        | np.uint64(data[at + np.uint64(4)]) << _U32
        | np.uint64(data[at + np.uint64(5)]) << _U40
        | np.uint64(data[at + np.uint64(6)]) << _U48
        | np.uint64(data[at + np.uint64(7)]) << _U56
    )


@inlined
def half_word(data: Bytes, at: np.uint64) -> np.uint64:
    """Read four bytes, the first one lowest."""
    return (
        np.uint64(data[at])
        | np.uint64(data[at + np.uint64(1)]) << _U8
        | np.uint64(data[at + np.uint64(2)]) << _U16
        | np.uint64(data[at + np.uint64(3)]) << _U24
    )


@inlined
def short_word(data: Bytes, at: np.uint64, length: np.uint64) -> np.uint64:
    """Read less than eight bytes; no two strings of one length read the same."""
    if length >= _U4:
        return half_word(data, at) | half_word(data, at + length - _U4) << _U32
    if length > np.uint64(0):
        middle = np.uint64(data[at + (length >> _U1)]) << _U8
        return np.uint64(data[at]) | middle | np.uint64(data[at + length - _U1]) << _U16
    return np.uint64(0)


@inlined
def are_equal(a: Bytes, a_start: int, b: Bytes, b_start: int, n_bytes: int) -> bool:
    """Compare two runs of bytes of the same length."""
    a_at, b_at, length = np.uint64(a_start), np.uint64(b_start), np.uint64(n_bytes)
    if length < _U8:
        return bool(short_word(a, a_at, length) == short_word(b, b_at, length))
    last = length - _U8
    k = np.uint64(0)
    while k < last:
        if word(a, a_at + k) != word(b, b_at + k):
            return False
        k += _U8
    return bool(word(a, a_at + last) == word(b, b_at + last))


@inlined
def put_word(out: BytesOut, at: np.uint64, word: np.uint64) -> None:
    """Write eight bytes, the lowest one first."""
    out[at] = np.uint8(word & _BYTE)
    out[at + np.uint64(1)] = np.uint8(word >> _U8 & _BYTE)
    out[at + np.uint64(2)] = np.uint8(word >> _U16 & _BYTE)
    out[at + np.uint64(3)] = np.uint8(word >> _U24 & _BYTE)
    out[at + np.uint64(4)] = np.uint8(word >> _U32 & _BYTE)
    out[at + np.uint64(5)] = np.uint8(word >> _U40 & _BYTE)
    out[at + np.uint64(6)] = np.uint8(word >> _U48 & _BYTE)
    out[at + np.uint64(7)] = np.uint8(word >> _U56 & _BYTE)


@inlined
def copy_bytes(
    source: Bytes, source_start: int, out: BytesOut, out_start: int, n_bytes: int
) -> None:
    """Copy a run of bytes to another array.

    By words: a loop over bytes takes 4 to 8 times as long for ids of 12 bytes,
    because it is vectorised for long runs.
    """
    read, write, length = np.uint64(source_start), np.uint64(out_start), np.uint64(n_bytes)
    k = np.uint64(0)
    if length < _U8:
        while k < length:
            out[write + k] = source[read + k]
            k += _U1
        return
    last = length - _U8
    while k < last:
        put_word(out, write + k, word(source, read + k))
        k += _U8
    put_word(out, write + last, word(source, read + last))


@inlined
def _mix(state: np.uint64) -> np.uint64:
    """Mix 64 bits by one multiplication of 32 by 32 bits, which cannot overflow."""
    product = ((state & _LOW) ^ _KEY_LOW) * ((state >> _U32) ^ _KEY_HIGH)
    return product ^ (state << _U32 | state >> _U32)


@inlined
def tag_of(data: Bytes, start: int, end: int, seed: int) -> int:
    """Hash one string, as `hash_strings` does."""
    at, stop = np.uint64(start), np.uint64(end)
    length = stop - at
    state = np.uint64(seed) << _U32 ^ length
    if length < _U8:
        state = _mix(state ^ short_word(data, at, length))
    else:
        last = stop - _U8
        while at < last:
            state = _mix(state ^ word(data, at))
            at += _U8
        state = _mix(state ^ word(data, last))
    state = _mix(state)
    tag = min((state >> _U32 ^ state) & _TAG, _GREATEST_TAG)
    return int(np.int64(tag))  # int() alone keeps it unsigned, when compiled
