"""Lines of JSON made of columns: strings with escapes, items of lists, and all put together.

The other side of `json_alike`. What has to be escaped is what msgspec escapes:
quotes, backslashes and control characters. All else stays as it is.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ecs_columnar.kernels._bytes import Offsets, OffsetsOut, Strings, copy_bytes
from ecs_columnar.kernels._jit import inlined, kernel
from ecs_columnar.kernels._types import Bytes, BytesOut, Rows

_QUOTE: Final = 0x22
_COMMA: Final = 0x2C
_BACKSLASH: Final = 0x5C
_BRACKET, _END_OF_ARRAY = 0x5B, 0x5D
_BRACE, _END_OF_OBJECT = 0x7B, 0x7D
_SPACE: Final = 0x20
_ZERO, _LETTER_U = 0x30, 0x75
_HEXADECIMAL: Final = np.frombuffer(b"0123456789abcdef", np.uint8)

_SHORT: Final = dict(zip(b'\b\t\n\f\r"\\', b'btnfr"\\', strict=True))

# By byte: what stands behind the backslash, 0 for none of one character; and how many
# more bytes the text has.
_NAMES: Final = np.zeros(256, np.uint8)
_NAMES[list(_SHORT)] = list(_SHORT.values())
_MORE: Final = np.zeros(256, np.uint8)
_MORE[:_SPACE] = 5
_MORE[list(_SHORT)] = 1

# UTF-8 of U+D800 to U+DFFF, which are no characters.
_LEAD_OF_SURROGATE: Final = 0xED
_NEXT_OF_SURROGATE: Final = 0xA0


@kernel
def measure_texts(strings: Strings, out: OffsetsOut) -> bool:
    """Count the bytes of strings as JSON has them, without quotes.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    out : int64 array, shape (n,)

    Returns
    -------
    bool
        Whether JSON has them at all: none has a lone surrogate.
    """
    data, are_texts = strings.data, True
    for i in range(out.shape[0]):
        start, end = strings.starts[i], strings.ends[i]
        length = end - start
        for at in range(start, end):
            byte = data[at]
            length += np.int64(_MORE[byte])
            if byte == _LEAD_OF_SURROGATE and at + 1 < end:
                are_texts &= data[at + 1] < _NEXT_OF_SURROGATE
        out[i] = length
    return are_texts


@inlined
def _put_escape(byte: int, at: int, out: BytesOut) -> int:
    """Write a character that has to be escaped; return where it ends."""
    out[at] = _BACKSLASH
    name = _NAMES[byte]
    if name != 0:
        out[at + 1] = name
        return at + 2
    out[at + 1] = _LETTER_U
    out[at + 2] = _ZERO
    out[at + 3] = _ZERO
    out[at + 4] = _HEXADECIMAL[byte >> 4]
    out[at + 5] = _HEXADECIMAL[byte & 15]
    return at + 6


@kernel
def write_texts(strings: Strings, starts: Offsets, out: BytesOut) -> None:
    """Write strings as JSON has them, without quotes.

    Parameters
    ----------
    strings : Strings
        ``n`` strings.
    starts : int64 array, shape (n,)
        Where to write each; their lengths are of `measure_texts`.
    out : uint8 array
        Out: with room for all.
    """
    data = strings.data
    for i in range(starts.shape[0]):
        at = starts[i]
        for k in range(strings.starts[i], strings.ends[i]):
            byte = data[k]
            if _MORE[byte] != 0:
                at = _put_escape(byte, at, out)
            else:
                out[at] = byte
                at += 1


@inlined
def _end_of_string(data: Bytes, i: int) -> int:
    """Return where the quote is that ends the string whose text starts at ``i``."""
    while data[i] != _QUOTE:
        i += 2 if data[i] == _BACKSLASH else 1
    return i


@kernel
def split_items(data: Bytes, starts: OffsetsOut, ends: OffsetsOut) -> None:
    """Find the items of a list.

    Parameters
    ----------
    data : uint8 array
        A JSON array of ``n`` items, 1 or more, without white space.
    starts, ends : int64 array, shape (n,)
        Out: where each item is, whatever it is.
    """
    n_items, depth, last = 0, 0, data.shape[0] - 1
    starts[0] = 1
    i = 1
    while i < last:
        byte = data[i]
        if byte == _QUOTE:
            i = _end_of_string(data, i + 1)
        elif byte == _COMMA:
            if depth == 0:
                ends[n_items] = i
                n_items += 1
                starts[n_items] = i + 1
        elif byte in (_BRACKET, _BRACE):
            depth += 1
        elif byte in (_END_OF_ARRAY, _END_OF_OBJECT):
            depth -= 1
        i += 1
    ends[n_items] = last


@kernel
def append(
    before: Bytes, strings: Strings, after: Bytes, rows: Rows, ends: OffsetsOut, out: BytesOut
) -> None:
    """Write strings at the ends of some lines, each between the same two texts.

    Parameters
    ----------
    before, after : uint8 array
    strings : Strings
        ``k`` strings.
    rows : intp array, shape (k,)
        Which line each is for.
    ends : int64 array, shape (n_lines,)
        Where each line ends. Changed: where it ends then.
    out : uint8 array
        Out: with room for all.
    """
    data, n_before, n_after = strings.data, before.shape[0], after.shape[0]
    for i in range(rows.shape[0]):
        at = ends[rows[i]]
        start, length = strings.starts[i], strings.ends[i] - strings.starts[i]
        copy_bytes(before, 0, out, at, n_before)
        copy_bytes(data, start, out, at + n_before, length)
        copy_bytes(after, 0, out, at + n_before + length, n_after)
        ends[rows[i]] = at + n_before + length + n_after
