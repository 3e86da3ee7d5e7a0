"""Strings that are bytes or numbers as Arrow arrays, without a Python string for each."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.encoding import encode

_MOST_BYTES: Final = 2**31 - 1
"""How many bytes an Arrow array of strings has at most: its offsets are int32."""

_LEAD_OF_SURROGATES: Final = 0xED
"""The byte with which each of them begins; some other characters do as well."""


def to_text_array(texts: Coded | Texts, *, few: bool = False) -> Any:
    """Return strings as an Arrow array, nulls where some are missing.

    Parameters
    ----------
    texts : Coded or Texts
    few : bool, optional
        Whether those that are `Coded`, and distinct, come as a dictionary.

    Returns
    -------
    pyarrow.Array or pyarrow.ChunkedArray
        The latter where one array does not hold so many bytes.

    Raises
    ------
    ValueError
        When there is a lone surrogate in one of them, as Arrow holds UTF-8 only.
    """
    import pyarrow as pa

    array = _of_codes(texts, few=few) if isinstance(texts, Coded) else _of_bytes(texts.encoded)
    # As of None in an array of objects.
    return pa.nulls(len(texts)) if array.null_count == len(texts) else array


def _of_codes(coded: Coded, *, few: bool) -> Any:
    import pyarrow as pa

    distinct = pa.array(coded.texts.tolist(), pa.string())
    if few:
        return pa.DictionaryArray.from_arrays(coded.codes.astype(np.int32), distinct)
    if distinct.nbytes * len(coded) > _MOST_BYTES and _n_bytes(coded) > _MOST_BYTES:
        return _of_bytes(encode(coded, missing=True))
    return distinct.take(pa.array(coded.codes))


def _n_bytes(coded: Coded) -> int:
    strings = encode(coded.texts, missing=True)
    return int((strings.ends - strings.starts)[coded.codes].sum())


def _of_bytes(strings: Encoded) -> Any:
    import pyarrow as pa

    parts = [_array(each) for each in _parts(strings)]
    return parts[0] if len(parts) == 1 else pa.chunked_array(parts)


def _parts(strings: Encoded) -> list[Encoded]:
    """Halve strings until each part fits into an array."""
    n = strings.n_strings
    if n < 2 or int((strings.ends - strings.starts).sum()) <= _MOST_BYTES:
        return [strings]
    return [*_parts(strings.take(slice(n // 2))), *_parts(strings.take(slice(n // 2, n)))]


def _array(strings: Encoded) -> Any:
    import pyarrow as pa

    data, bounds = strings.joined()
    array = pa.StringArray.from_buffers(
        strings.n_strings,
        pa.py_buffer(bounds.astype(np.int32)),
        pa.py_buffer(data),
        _validity(strings.missing),
    )
    if (data == _LEAD_OF_SURROGATES).any():
        array.validate(full=True)
    return array


def _validity(missing: NDArray[np.bool_] | None) -> Any:
    import pyarrow as pa

    if missing is None or not missing.any():
        return None
    return pa.py_buffer(np.packbits(~missing, bitorder="little"))
