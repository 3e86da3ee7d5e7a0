"""Plain data: what JSON can say, as Python says it.

Data that was frozen is taken as what it was: a read-only mapping as a dict, a
tuple as a list. So what was read can be given back.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from types import NoneType
from typing import Any, Final

_SCALARS: Final = frozenset({str, int, float, bool, NoneType})

MAX_BYTES: Final = 64 * 2**20
"""How much one datum holds at most, as a JSON file does: characters, and a word a value."""

_WORD: Final = 8

_MAX_BITS: Final = 14_000  # 4,214 digits; Python reads and writes no more than 4,300


class _TooLargeError(Exception):
    """A copy would hold more than it may."""


def to_plain(value: Any, faults: list[str], path: str = "$") -> Any:
    """Copy data deeply into dicts, lists and scalars.

    Parameters
    ----------
    value : object
    faults : list of str
        Takes a line for each value that JSON has no name for; such a value stays.
        One line where the data is nested too deeply, or larger than `MAX_BYTES`;
        then nothing of it is returned, and no more than that was copied.
    path : str
        Where the value lies, for these lines.

    Returns
    -------
    object
        Scalars as they are, NaN and infinity included. None where it cannot be copied.

    Examples
    --------
    >>> faults = []
    >>> to_plain({"at": (1, 2), "tags": {"old"}}, faults)
    {'at': [1, 2], 'tags': {'old'}}
    >>> faults
    ["$.tags: {'old'} is no JSON value but a set; convert it"]
    """
    return _Copying(faults, MAX_BYTES).copy(value, path)


def thaw(value: Any) -> Any:
    """Copy frozen data into dicts and lists that can be changed, however large it is.

    What JSON has no name for is copied as `copy.deepcopy` does.
    """
    if type(value) in _SCALARS:
        return value
    faults: list[str] = []
    plain = _Copying(faults, math.inf).copy(value, "$")
    return copy.deepcopy(plain) if faults else plain


class _Copying:
    """One deep copy, and how much more it may hold."""

    __slots__ = ("_faults", "_n_left")

    def __init__(self, faults: list[str], n_bytes: float) -> None:
        self._faults: Final = faults
        self._n_left = n_bytes

    def copy(self, value: Any, path: str) -> Any:
        """Copy a value; None, and a fault, where it is too large or too deep."""
        try:
            return self._copy(value, path)
        except RecursionError:
            self._faults.append(f"{path}: is nested too deeply, or contains itself")
        except _TooLargeError:
            self._faults.append(
                f"{path}: takes more than {MAX_BYTES >> 20} MB; split it, or keep it in a file"
            )
        return None

    def _copy(self, value: Any, path: str) -> Any:
        if type(value) in _SCALARS:
            if type(value) is str:
                self._take(len(value))
            elif type(value) is int and value.bit_length() > _MAX_BITS:
                self._faults.append(
                    f"{path}: an integer has more than {_MAX_BITS} bits; write it as a str"
                )
            return value
        if isinstance(value, Mapping):
            self._take(2 * _WORD * len(value))
            return {key: self._copy(item, self._at_key(path, key)) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            self._take(_WORD * len(value))
            return [self._copy(item, f"{path}[{i}]") for i, item in enumerate(value)]
        if not isinstance(value, (str, int, float)):
            self._faults.append(
                f"{path}: {value!r} is no JSON value but a {type(value).__name__}; convert it"
            )
        return value

    def _at_key(self, path: str, key: Any) -> str:
        if not isinstance(key, str):
            self._faults.append(f"{path}: the key {key!r} is no str; make it one")
        else:
            self._take(len(key))
        return f"{path}.{key}"

    def _take(self, n_bytes: int) -> None:
        self._n_left -= n_bytes
        if self._n_left < 0:
            raise _TooLargeError
