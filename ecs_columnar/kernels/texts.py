"""Kernels of text: white space, characters, and handles as text."""

from __future__ import annotations

from typing import Final

import numpy as np

from ecs_columnar.dtypes import INDEX_BITS, INDEX_MASK
from ecs_columnar.kernels._bytes import OffsetsOut, Strings
from ecs_columnar.kernels._jit import inlined, kernel
from ecs_columnar.kernels._types import Bytes, BytesOut, Handles, MaskOut

HANDLE_BYTES: Final = 21
"""What a handle takes at most, written in two numbers of ten digits."""

_ZERO: Final = ord("0")
_V: Final = ord("v")


@inlined
def _is_plain(byte: int) -> bool:
    """Tell whether a byte is a character by itself, and no white space.

    Nearly all strings start and end with one.
    """
    return 0x20 < byte < 0x80


@inlined
def _space_length(data: Bytes, at: int, end: int) -> int:
    """Return the length of the white space character that starts at ``at``, or 0.

    White space is what `str.isspace` says: 10 characters of one byte, 2 of two
    and 17 of three.
    """
    lead = int(np.int64(data[at]))
    if lead < 0x80:
        return 1 if lead == 0x20 or 0x09 <= lead <= 0x0D or 0x1C <= lead <= 0x1F else 0
    if lead == 0xC2 and at + 1 < end:
        return 2 if data[at + 1] == 0x85 or data[at + 1] == 0xA0 else 0
    if 0xE1 <= lead <= 0xE3 and at + 2 < end:
        rest = lead << 16 | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2])
        is_space = (
            0xE28080 <= rest <= 0xE2808A  # U+2000 to U+200A
            or rest == 0xE19A80  # U+1680
            or rest == 0xE280A8  # U+2028
            or rest == 0xE280A9  # U+2029
            or rest == 0xE280AF  # U+202F
            or rest == 0xE2819F  # U+205F
            or rest == 0xE38080  # U+3000
        )
        return 3 if is_space else 0
    return 0


@inlined
def _trimmed_start(data: Bytes, start: int, end: int) -> int:
    """Return where the white space at the start of a string ends."""
    while start < end:
        length = _space_length(data, start, end)
        if length == 0:
            break
        start += length
    return start


@inlined
def _last_space_length(data: Bytes, start: int, end: int) -> int:
    """Return the length of the white space character that ends at ``end``, or 0."""
    if data[end - 1] < 0x80:
        return _space_length(data, end - 1, end)
    if end - 2 >= start and _space_length(data, end - 2, end) == 2:
        return 2
    if end - 3 >= start and _space_length(data, end - 3, end) == 3:
        return 3
    return 0


@inlined
def _trimmed_end(data: Bytes, start: int, end: int) -> int:
    """Return where the white space at the end of a string starts."""
    while start < end:
        length = _last_space_length(data, start, end)
        if length == 0:
            break
        end -= length
    return end


@kernel
def trim(strings: Strings, starts: OffsetsOut, ends: OffsetsOut) -> None:
    """Find where strings start and end without their outer white space.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    starts, ends : int64 array, shape (n,)
        Out: as `str.strip` does; equal for a string of nothing else.
    """
    data = strings.data  # once: each look into the tuple counts references, 5 ns
    for i in range(strings.starts.shape[0]):
        start, end = strings.starts[i], strings.ends[i]
        is_plain = start < end and _is_plain(data[start]) and _is_plain(data[end - 1])
        starts[i] = start if is_plain else _trimmed_start(data, start, end)
        ends[i] = end if is_plain else _trimmed_end(data, starts[i], end)


@kernel
def count_characters(strings: Strings, out: OffsetsOut) -> None:
    """Count the code points of strings: the bytes that do not go on with a character.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    out : int64 array, shape (n,)
    """
    for i in range(strings.starts.shape[0]):
        n = 0
        for at in range(strings.starts[i], strings.ends[i]):
            n += strings.data[at] & 0xC0 != 0x80
        out[i] = n


@kernel
def are_blank(strings: Strings, out: MaskOut) -> None:
    """Tell which strings are empty or only white space.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    out : bool array, shape (n,)
    """
    data = strings.data
    for i in range(strings.starts.shape[0]):
        start, end = strings.starts[i], strings.ends[i]
        is_plain = start < end and _is_plain(data[start])
        out[i] = not is_plain and _trimmed_start(data, start, end) == end


@inlined
def _put_number(number: int, out: BytesOut, at: int) -> int:
    """Write a number, not negative, in decimal digits; return where it ends."""
    end, rest = at + 1, number // 10
    while rest > 0:
        end, rest = end + 1, rest // 10
    for place in range(end - 1, at - 1, -1):
        out[place] = _ZERO + number % 10
        number //= 10
    return end


@kernel
def write_handles(handles: Handles, ends: OffsetsOut, out: BytesOut) -> None:
    """Write handles as index and generation, ``17v2``, one after the other.

    Parameters
    ----------
    handles : int64 array, shape (k,)
        Of entities, so not negative.
    ends : int64 array, shape (k,)
        Out: where each of them ends.
    out : uint8 array
        Out: with room for `HANDLE_BYTES` each.
    """
    at = 0
    for i in range(handles.shape[0]):
        at = _put_number(handles[i] & INDEX_MASK, out, at)
        out[at] = _V
        at = ends[i] = _put_number(handles[i] >> INDEX_BITS, out, at + 1)
