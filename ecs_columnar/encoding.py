"""Strings as bytes: the form in which kernels take them.

* All strings of a batch lie in one buffer. Python joins a list of strings into
  one text at 10 to 70 ns a string, which is less than a dict takes to find one.
* Bytes are UTF-8, with lone surrogates as if they were characters
  ("surrogatepass"): any `str` has bytes, and no other has the same.
* pandas and pyarrow are recognised if they are loaded, and never imported here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.dtypes import CODE
from ecs_columnar.errors import InvalidArgumentError, first_three
from ecs_columnar.extras import loaded

if TYPE_CHECKING:
    from ecs_columnar.kernels.strings import Strings

_ERRORS: Final = "surrogatepass"
_SEPARATOR: Final = "\0"
_MOST_OF_ONE: Final = 1000
"""Bytes that are decoded in the time in which one string is, by itself."""

FIRST_SEED: Final = 0
"""Of the hash of strings, until some have been made to collide."""

OFTEN: Final = 8
"""How often each of few strings is there at least, on average."""


class Encoded(NamedTuple):
    """A batch of strings as UTF-8: string ``i`` is ``data[starts[i]:ends[i]]``.

    Strings may lie in any order, apart from each other, and share bytes. The
    arrays may be read-only, and views of what was encoded.

    Attributes
    ----------
    data : uint8 array
    starts, ends : int64 array, shape (n,)
    missing : bool array, shape (n,), or None
        Which strings are not there, because None or NaN was in their place;
        these are empty. None if all are there.
    tags : int32 array, shape (n,), or None
        Their hashes under the first seed, if somebody has asked for them.

    Examples
    --------
    >>> encode(["harbour", "café"]).texts()
    ['harbour', 'café']
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    missing: NDArray[np.bool_] | None = None
    tags: NDArray[np.int32] | None = None

    @property
    def n_strings(self) -> int:
        """Number of strings, those missing included."""
        return len(self.ends)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Encoded:
        """Return some of the strings: a mask, positions, or a slice without a step.

        ``data`` is shared.
        """
        missing = None if self.missing is None else self.missing[rows]
        tags = None if self.tags is None else self.tags[rows]
        return Encoded(self.data, self.starts[rows], self.ends[rows], missing, tags)

    def hashed(self) -> Encoded:
        """Return the strings with their tags, in the same arrays."""
        return self if self.tags is not None else self._replace(tags=self.tags_of(FIRST_SEED))

    def tags_of(self, seed: int) -> NDArray[np.int32]:
        """Return the hashes of the strings, shape (n,), not to be changed."""
        if seed == FIRST_SEED and self.tags is not None:
            return self.tags
        tags = np.empty(self.n_strings, CODE)
        kernels.strings.hash_strings(self.for_kernels(), seed, tags)
        return tags

    def texts(self) -> list[str | None]:
        """Return the strings one by one, None for those missing.

        100 ns a string if most of ``data`` is of these strings, and ASCII; 500 else.
        """
        bounds = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        whole = self._as_ascii()
        texts: list[str | None]
        if whole is None:
            texts = [to_text(self.data[start:end]) for start, end in bounds]
        else:
            texts = [whole[start:end] for start, end in bounds]
        for i in [] if self.missing is None else np.flatnonzero(self.missing):
            texts[i] = None
        return texts

    def joined(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the bytes of the strings one after the other, and where each one starts.

        Returns
        -------
        data : uint8 array
            A view where the strings lie so already, as those that were made in order do.
        starts : int64 array, shape (n + 1,)
        """
        bounds = np.zeros(self.n_strings + 1, np.int64)
        np.cumsum(self.ends - self.starts, out=bounds[1:])
        if np.array_equal(self.starts[1:], self.ends[:-1]):
            start = self.starts.item(0) if self.n_strings else 0
            return self.data[start : start + bounds.item(-1)], bounds
        data = np.empty(bounds.item(-1), np.uint8)
        kernels.strings.join(self.for_kernels(), data)
        return data, bounds

    def _as_ascii(self) -> str | None:
        """Return all of ``data`` as one string, None if that is not worth it, or not ASCII."""
        if self.data.shape[0] > _MOST_OF_ONE * self.n_strings:
            return None
        data = self.data.tobytes()
        return data.decode("ascii") if data.isascii() else None

    def for_kernels(self) -> Strings:
        """Return the strings as kernels take them: the same arrays."""
        return kernels.strings.Strings(self.data, self.starts, self.ends)


class Coded:
    """Strings of which many are alike: the distinct ones, and which of them each is.

    Categories, for those who want no pandas. Wherever strings are interned, each
    distinct one is looked at once.

    Attributes
    ----------
    codes : intp array, shape (n,)
    texts : object array, shape (n_texts,)
        By code: strings, and None for what is missing.

    Examples
    --------
    >>> places = Coded(np.array([1, 1, 2]), np.array(["inn", "harbour", "market"], object))
    >>> places[1:].objects()
    array(['harbour', 'market'], dtype=object)
    >>> places.distinct()
    <Coded: 3 strings, 2 distinct>
    """

    __slots__ = ("_is_distinct", "codes", "texts")

    def __init__(
        self, codes: NDArray[np.intp], texts: NDArray[np.object_], *, is_distinct: bool = False
    ) -> None:
        self.codes: Final = codes
        self.texts: Final = texts
        self._is_distinct: Final = is_distinct

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> Any:
        """Return one string, or some: a mask, positions, or a slice."""
        if isinstance(rows, (int, np.integer)):
            return self.texts[self.codes[rows]]
        return Coded(self.codes[rows], self.texts)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.objects())

    def __repr__(self) -> str:
        return f"<Coded: {len(self)} strings, {self.texts.shape[0]} distinct>"

    def objects(self) -> NDArray[np.object_]:
        """Return the strings one by one."""
        return np.asarray(self.texts[self.codes])

    def tolist(self) -> list[Any]:
        """Return the strings one by one, in a list."""
        return list(self)

    def distinct(self) -> Coded:
        """Leave out what does not occur; texts are in the order in which they first do."""
        if self._is_distinct:
            return self
        n, n_texts = self.codes.shape[0], self.texts.shape[0]
        if n_texts > 4 * n + 1024:
            used, codes = np.unique(self.codes, return_inverse=True)
            return Coded(codes, self.texts[used]).distinct()
        numbers = np.full(n_texts, -1, np.int32)
        labels, order = np.empty((2, n), np.int32)
        small = self.codes.astype(np.int32)
        n_distinct = kernels.rows.number_codes(small, numbers, labels, order)
        texts = self.texts[order[:n_distinct].astype(np.intp)]
        return Coded(labels.astype(np.intp), texts, is_distinct=True)

    def with_texts(self, texts: NDArray[np.object_]) -> Coded:
        """Return the same with other strings, as many of them."""
        return Coded(self.codes, texts, is_distinct=self._is_distinct)


class Texts:
    """Encoded strings as a column: it has a length, and parts of it are taken by indexing.

    Attributes
    ----------
    encoded : Encoded
        None comes in the place of those that are missing.

    Examples
    --------
    >>> texts = Texts(encode(["inn", "harbour", "market"]))
    >>> texts[1:].tolist(), texts[0]
    (['harbour', 'market'], 'inn')
    """

    __slots__ = ("encoded",)

    def __init__(self, encoded: Encoded) -> None:
        self.encoded: Final = encoded

    def __len__(self) -> int:
        return self.encoded.n_strings

    def __getitem__(self, rows: Any) -> Any:
        """Return one string, or some: positions, a mask, or a slice without a step."""
        if isinstance(rows, (int, np.integer)):
            data, starts, ends, missing, _ = self.encoded
            is_there = missing is None or not missing[rows]
            return to_text(data[starts[rows] : ends[rows]]) if is_there else None
        return Texts(self.encoded.take(rows))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        return f"<Texts: {len(self)} strings>"

    def tolist(self) -> list[Any]:
        """Return the strings one by one."""
        return self.encoded.texts()


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


def to_bytes(text: str) -> NDArray[np.uint8]:
    """Encode one string."""
    return np.frombuffer(text.encode("utf-8", _ERRORS), np.uint8)


def to_text(data: NDArray[np.uint8]) -> str:
    """Decode bytes of strings."""
    return data.tobytes().decode("utf-8", _ERRORS)


def to_texts(data: NDArray[np.uint8]) -> list[str]:
    """Decode strings that have a zero byte between them.

    A string with zero bytes of its own comes as several.
    """
    return to_text(data).split(_SEPARATOR)


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
    data = to_bytes(_SEPARATOR.join(texts))
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
    pieces = [text.encode("utf-8", _ERRORS) for text in texts]
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
