"""Plain data: what JSON can say, as Python says it.

Data that was frozen is taken as what it was: a read-only mapping as a dict, a
tuple as a list. So what was read can be given back.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import NoneType
from typing import Any, Final

_SCALARS: Final = frozenset({str, int, float, bool, NoneType})

_MAX_BITS: Final = 14_000  # 4,214 digits; Python reads and writes no more than 4,300


def to_plain(value: Any, faults: list[str], path: str = "$") -> Any:
    """Copy data deeply into dicts, lists and scalars.

    Parameters
    ----------
    value : object
    faults : list of str
        Takes a line for each value that JSON has no name for; such a value stays.
    path : str
        Where the value lies, for these lines.

    Returns
    -------
    object
        Scalars as they are, NaN and infinity included.

    Examples
    --------
    >>> faults = []
    >>> to_plain({"at": (1, 2), "tags": {"old"}}, faults)
    {'at': [1, 2], 'tags': {'old'}}
    >>> faults
    ["$.tags: {'old'} is no JSON value but a set; convert it"]
    """
    try:
        return _copy(value, faults, path)
    except RecursionError:
        faults.append(f"{path}: is nested too deeply, or contains itself")
        return None


def thaw(value: Any) -> Any:
    """Copy frozen data into dicts and lists that can be changed.

    What JSON has no name for is copied as `copy.deepcopy` does.
    """
    faults: list[str] = []
    plain = to_plain(value, faults)
    return copy.deepcopy(plain) if faults else plain


def _copy(value: Any, faults: list[str], path: str) -> Any:
    if type(value) in _SCALARS:
        if type(value) is int and value.bit_length() > _MAX_BITS:
            faults.append(f"{path}: an integer has more than {_MAX_BITS} bits; write it as a str")
        return value
    if isinstance(value, Mapping):
        return {key: _copy(item, faults, _at_key(path, key, faults)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy(item, faults, f"{path}[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, (str, int, float)):
        faults.append(
            f"{path}: {value!r} is no JSON value but a {type(value).__name__}; convert it"
        )
    return value


def _at_key(path: str, key: Any, faults: list[str]) -> str:
    if not isinstance(key, str):
        faults.append(f"{path}: the key {key!r} is no str; make it one")
    return f"{path}.{key}"
