"""Strings of all kinds to bytes: Python's, NumPy's, those of pandas and Arrow.

Python joins a list of strings into one text at 10 to 70 ns a string, which is less
than a dict takes to find one. pandas and pyarrow are recognised if they are loaded,
and never imported here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.coded import OFTEN, Coded, Texts
from ecs_columnar.encoded import ERRORS, SEPARATOR, Encoded, to_bytes
from ecs_columnar.errors import InvalidArgumentError, first_three
from ecs_columnar.extras import loaded


def encode(
    strings: Iterable[object],
    *,
    parameter: str = "strings",
    missing: bool = False,
    trim: bool = False,
) -> Encoded:
    """Turn strings into bytes.

    Parameters
    ----------
    strings : str, list, tuple, array, Series, Index, Categorical, pyarrow array or iterable
        Or what is `Encoded`, `Coded` or `Texts` already. A `str` is one string. Categories, and the
        dictionary of a pyarrow array, are encoded once each. A pyarrow array of
        strings is not copied.
    parameter : str
        What errors call them.
    missing : bool
        Whether None, NaN or `pandas.NA` may be in the place of a string.
    trim : bool
        Whether to leave out white space around each string, as `str.strip` does.

    Returns
    -------
    Encoded

    Raises
    ------
    InvalidArgumentError
        When an item is not a `str`, or the strings are not one-dimensional.

    Notes
    -----
    A million ids of 12 characters take 14 ns each from a list in the order in
    which they were made, 60 in random order, and 5 from a pyarrow array, all of
    them for proving that it is UTF-8.
    """
    encoded = _encode(strings, parameter, missing)
    return _trimmed(encoded) if trim else encoded


def encode_if_all(items: Sequence[Any]) -> Encoded | None:
    """Encode Python strings; None if one of the items is none.

    It is told while they are joined: to look at their types first takes twice as long.
    """
    try:
        return _join(items)
    except TypeError:
        return None


def coded(strings: Any, *, missing: bool = False) -> Any:
    """Return categories and Arrow dictionaries, of which each string is there once, as `Coded`.

    Parameters
    ----------
    strings : object
    missing : bool
        Whether some may be missing.

    Returns
    -------
    object
        What was given if it is no such thing, nor of few strings, or cannot be used: whoever
        encodes it says why.
    """
    pandas, pyarrow = loaded("pandas"), loaded("pyarrow")
    if pandas and isinstance(strings, pandas.Series | pandas.Index):
        strings = strings.array
    try:
        if pandas and isinstance(strings, pandas.Categorical):
            codes, texts = strings.codes.astype(np.intp), _encode(strings.categories, "", False)
        elif pyarrow and _is_dictionary(strings, pyarrow):
            codes, texts = _split_dictionary(strings, "")
        else:
            return strings
    except InvalidArgumentError:
        return strings
    return _few(texts, codes, missing=missing) or strings


def _few(texts: Encoded, codes: NDArray[np.intp], *, missing: bool) -> Coded | None:
    """Return strings as `Coded`, None where they are many or not all there."""
    has_gaps = bool(codes.min(initial=0) < 0)
    has_missing = texts.missing is not None or has_gaps
    if texts.n_strings * OFTEN > codes.shape[0] or (has_missing and not missing):
        return None
    codes = np.where(codes < 0, texts.n_strings, codes) if has_gaps else codes
    return Coded(codes, np.array([*texts.texts(), None], object))


def to_objects(column: Any) -> list[Any]:
    """Return the values of a column as Python objects; those of an Arrow dictionary once each.

    A long text that a file has once would be made anew for each row by pyarrow.
    """
    if hasattr(column, "dictionary") and hasattr(column, "indices"):
        values = [*column.dictionary.to_pylist(), None]
        return [values[-1 if code is None else code] for code in column.indices.to_pylist()]
    if isinstance(column, list):
        return column
    values = (column.tolist if hasattr(column, "tolist") else column.to_pylist)()
    return list(values)


def blank(encoded: Encoded) -> NDArray[np.bool_]:
    """Tell which strings are empty or only white space, as `str.isspace` sees it.

    Missing strings are empty.
    """
    out = np.empty(encoded.n_strings, np.bool_)
    kernels.texts.are_blank(encoded.for_kernels(), out)
    return out


def n_characters(encoded: Encoded) -> NDArray[np.int64]:
    """Count the characters of strings, as `len` does."""
    out = np.empty(encoded.n_strings, np.int64)
    kernels.texts.count_characters(encoded.for_kernels(), out)
    return out


def is_missing(item: object) -> bool:
    """Tell whether an item says that there is none: None, NaN or `pandas.NA`."""
    if item is None or (isinstance(item, float) and item != item):
        return True
    pandas = loaded("pandas")
    return pandas is not None and (item is pandas.NA or item is pandas.NaT)


def _trimmed(encoded: Encoded) -> Encoded:
    starts, ends = np.empty_like(encoded.starts), np.empty_like(encoded.ends)
    kernels.texts.trim(encoded.for_kernels(), starts, ends)
    return encoded._replace(starts=starts, ends=ends, tags=None)


def _encode(strings: Iterable[object], parameter: str, missing: bool) -> Encoded:
    pandas, pyarrow = loaded("pandas"), loaded("pyarrow")
    if isinstance(strings, Texts):
        strings = strings.encoded
    if isinstance(strings, Encoded):
        return _admit(strings, parameter, missing)
    if isinstance(strings, str):
        data = to_bytes(strings)
        return Encoded(data, np.zeros(1, np.int64), np.array([data.shape[0]], np.int64))
    if isinstance(strings, Coded):
        strings = strings.distinct()
        categories = _encode_items(strings.texts.tolist(), parameter, missing)
        return _spread(categories, strings.codes)
    if getattr(strings, "ndim", 1) > 1:
        message = f"cannot use {parameter}: they have more than one dimension; pass one of them"
        raise InvalidArgumentError(parameter, strings, message)
    if pandas and isinstance(strings, pandas.Series | pandas.Index):
        strings = strings.array
    if pandas and isinstance(strings, pandas.Categorical):
        return _encode_categorical(strings, parameter, missing)
    if pandas and isinstance(
        strings, pandas.arrays.ArrowStringArray | pandas.arrays.ArrowExtensionArray
    ):
        return _encode_arrow(strings.__arrow_array__(), parameter, missing)
    if pyarrow and isinstance(strings, pyarrow.Array | pyarrow.ChunkedArray):
        return _encode_arrow(strings, parameter, missing)
    return _encode_items(_to_items(strings, parameter), parameter, missing)


# --- Python strings ------------------------------------------------------------------


def _to_items(strings: Any, parameter: str) -> Sequence[object]:
    """Return the items as a sequence, without changing them."""
    if isinstance(strings, list | tuple):
        return strings
    if isinstance(strings, np.ndarray):
        return strings.reshape(-1).tolist()
    try:
        items = iter(strings)
    except TypeError:
        message = f"cannot use {strings!r} as {parameter}: it is not a str; pass one, or a list"
        raise InvalidArgumentError(parameter, strings, message) from None
    return list(items)


def _encode_items(items: Sequence[object], parameter: str, missing: bool) -> Encoded:
    try:
        return _join(items)
    except TypeError:
        are_missing = _find_missing(items, parameter, missing)
    texts = ["" if absent else item for absent, item in zip(are_missing, items, strict=True)]
    return _join(texts)._replace(missing=are_missing)


def _join(texts: Sequence[Any]) -> Encoded:
    """Encode strings at once. TypeError if some item is none."""
    data = to_bytes(SEPARATOR.join(texts))
    separators = np.flatnonzero(data == 0)
    if separators.shape[0] != len(texts) - 1:
        return _concatenate(texts)
    starts, ends = np.empty((2, len(texts)), np.int64)
    starts[0], ends[-1] = 0, data.shape[0]
    np.add(separators, 1, out=starts[1:])
    ends[:-1] = separators
    return Encoded(data, starts, ends)


def _concatenate(texts: Sequence[str]) -> Encoded:
    """Encode strings one by one: there are none, or some contain the separator."""
    pieces = [text.encode("utf-8", ERRORS) for text in texts]
    bounds = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum([len(piece) for piece in pieces], out=bounds[1:])
    return Encoded(np.frombuffer(b"".join(pieces), np.uint8), bounds[:-1], bounds[1:])


def _find_missing(items: Sequence[object], parameter: str, missing: bool) -> NDArray[np.bool_]:
    """Return which items are not strings, if they may be missing; raise if not."""
    others = [i for i, item in enumerate(items) if not isinstance(item, str)]
    faults = [i for i in others if not (missing and is_missing(items[i]))]
    if faults:
        raise _not_strings(parameter, items, faults)
    are_missing = np.zeros(len(items), np.bool_)
    are_missing[others] = True
    return are_missing


def _not_strings(
    parameter: str, items: Sequence[object], faults: Sequence[int]
) -> InvalidArgumentError:
    shown = first_three(f"{items[i]!r} at {i}" for i in faults[:4])
    message = (
        f"cannot use {parameter}: {len(faults)} of {len(items)} items are not str ({shown}); "
        "pass strings only"
    )
    return InvalidArgumentError(parameter, items, message)


# --- categories and Arrow ------------------------------------------------------------


def _encode_categorical(categorical: Any, parameter: str, missing: bool) -> Encoded:
    codes = categorical.codes.astype(np.intp)
    try:
        categories = _encode(categorical.categories, parameter, missing=False)
    except InvalidArgumentError:  # it is about the categories, and they may be unused
        return _encode_items(categorical.tolist(), parameter, missing)
    return _admit(_spread(categories, codes), parameter, missing)


def _encode_arrow(column: Any, parameter: str, missing: bool) -> Encoded:
    pyarrow = sys.modules["pyarrow"]
    if _is_dictionary(column, pyarrow):
        codes, texts = _split_dictionary(column, parameter)
        return _admit(_spread(texts, codes), parameter, missing)
    if not _is_text(column.type):
        return _encode_items(column.to_pylist(), parameter, missing)
    return _admit(_view_arrow(column, parameter), parameter, missing)


def _is_dictionary(column: Any, pyarrow: Any) -> bool:
    """Tell whether something is an Arrow array of strings with a dictionary."""
    return (
        isinstance(column, pyarrow.Array | pyarrow.ChunkedArray)
        and pyarrow.types.is_dictionary(column.type)
        and _is_text(column.type.value_type)
    )


def _split_dictionary(column: Any, parameter: str) -> tuple[NDArray[np.intp], Encoded]:
    """Return the codes of an Arrow array, -1 where it has nulls, and the strings by code."""
    pyarrow = sys.modules["pyarrow"]
    if isinstance(column, pyarrow.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks()
    indices = column.indices
    if indices.null_count:
        indices = indices.cast(pyarrow.int64()).fill_null(-1)
    codes = indices.to_numpy(zero_copy_only=False).astype(np.intp)
    return codes, _view_arrow(column.dictionary, parameter)


def _is_text(arrow_type: Any) -> bool:
    types = sys.modules["pyarrow"].types
    tests = ("is_string", "is_large_string", "is_string_view")
    return any(getattr(types, test)(arrow_type) for test in tests)


def _view_arrow(column: Any, parameter: str) -> Encoded:
    """View an array or a chunked array of strings, once it has been validated."""
    pyarrow = sys.modules["pyarrow"]
    if isinstance(column, pyarrow.ChunkedArray):
        column = column.combine_chunks()
    try:
        column.validate(full=True)
    except pyarrow.ArrowInvalid as error:
        message = f"cannot use {parameter}: {error}; make them anew from strings"
        raise InvalidArgumentError(parameter, column, message) from error
    return view_arrow(column)


def view_arrow(column: Any) -> Encoded:
    """View the bytes of an Arrow array of strings, which has been validated."""
    pyarrow = sys.modules["pyarrow"]
    column = column.cast(pyarrow.large_string())
    if len(column) == 0:
        return _concatenate([])
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    encoded = Encoded(np.frombuffer(data or b"", np.uint8), bounds[:-1], bounds[1:])
    if column.null_count == 0:
        return encoded
    is_null = column.is_null().to_numpy(zero_copy_only=False)
    ends = np.where(is_null, encoded.starts, encoded.ends)
    return encoded._replace(ends=ends, missing=is_null)


def _spread(categories: Encoded, codes: NDArray[np.intp]) -> Encoded:
    """Return the category of each code, missing where it is -1."""
    missing = codes < 0  # these take the last item, which is appended for them
    if categories.missing is not None:
        missing |= np.append(categories.missing, True)[codes]
    starts, ends = np.append(categories.starts, 0)[codes], np.append(categories.ends, 0)[codes]
    return Encoded(categories.data, starts, ends, missing if missing.any() else None)


def _admit(encoded: Encoded, parameter: str, missing: bool) -> Encoded:
    """Return the strings if none is missing, or may be; raise if not."""
    if encoded.missing is None or missing:
        return encoded
    raise _not_strings(parameter, encoded.texts(), np.flatnonzero(encoded.missing).tolist())
