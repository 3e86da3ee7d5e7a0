"""Python values as JSON, so that they come back equal, of the same types, and frozen.

What JSON has is itself. The rest is a mapping of one key, its tag: numbers that
JSON lacks, sets, bytes, arrays and scalars of NumPy, text that is no UTF-8. Anything else is
refused: no pickle is ever written.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

MAX_DEPTH: Final = 64
_MAX_BITS: Final = 4096
DTYPE: Final = re.compile(r"[<|][biufcmM]\d{1,2}(\[\d{0,9}[A-Za-zμ]{1,2}\])?")
_FLOATS: Final = ("nan", "inf", "-inf")
_PLAIN: Final = (bool, str, int, float, type(None))
_ENCODER: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class UnfitValueError(ValueError):
    """A value has no form in JSON, or JSON is not that of a value."""


def dumps(value: Any) -> bytes:
    """Write what `to_json` gave as ASCII."""
    return _ENCODER.encode(value).encode("ascii")


def loads(data: bytes) -> Any:
    """Read JSON: no duplicate keys, no NaN, no number beyond all bounds.

    Raises
    ------
    UnfitValueError
        When it is not that.
    """
    try:
        return json.loads(
            data,
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise UnfitValueError(f"it is no JSON that can be trusted: {error}") from error


def to_json(value: Any, depth: int = 0) -> Any:
    """Turn a frozen value into what JSON has.

    Raises
    ------
    UnfitValueError
        When there is no form for it.
    """
    kind = type(value)
    if depth > MAX_DEPTH:
        raise UnfitValueError(f"it is nested more than {MAX_DEPTH} deep")
    if kind in _PLAIN:
        return _plain_to_json(value)
    if kind in (tuple, list):
        return [to_json(item, depth + 1) for item in value]
    if kind in (dict, MappingProxyType):
        return _mapping_to_json(value, depth)
    if kind is frozenset:
        return {"$set": sorted((to_json(item, depth + 1) for item in value), key=dumps)}
    if kind is bytes:
        return {"$bytes": value.hex()}
    if kind is np.ndarray:
        return {"$array": [_dtype_of(value), list(value.shape), _base64(value)]}
    if isinstance(value, np.generic):
        return {"$scalar": [_dtype_of(value), _base64(np.asarray(value))]}
    raise UnfitValueError(f"it holds a {kind.__module__}.{kind.__qualname__}")


def from_json(value: Any, mapping: Callable[..., Any] = MappingProxyType, depth: int = 0) -> Any:
    """Turn JSON back into a value; lists are tuples, and arrays read-only.

    Parameters
    ----------
    value : object
        What `loads` returned.
    mapping : callable
        What mappings become: read-only ones, or `dict`.
    depth : int
        How deep the value lies.

    Raises
    ------
    UnfitValueError
        When it is not what `to_json` gives.
    """
    if depth > MAX_DEPTH:
        raise UnfitValueError(f"it is nested more than {MAX_DEPTH} deep")
    if isinstance(value, list):
        return tuple(from_json(item, mapping, depth + 1) for item in value)
    if not isinstance(value, dict):
        return value
    if _is_tagged(value):
        ((tag, content),) = value.items()
        if tag == "$set":
            return _to_set(from_json(_expect(content, list), mapping, depth + 1))
        if tag != "$map":
            return _from_tag(tag, content)
        value = _expect(content, dict)
    return mapping({key: from_json(item, mapping, depth + 1) for key, item in value.items()})


def _is_tagged(value: Mapping[Any, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith("$")


def _plain_to_json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, str) and not _is_utf8(value):
        return {"$text": value.encode("utf-8", "surrogatepass").hex()}
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise UnfitValueError(f"it holds an integer of more than {_MAX_BITS} bits")
    return value


def _mapping_to_json(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    for key in value:
        if type(key) is not str or not _is_utf8(key):
            raise UnfitValueError(f"it holds a mapping with the key {key!r}")
    found = {key: to_json(item, depth + 1) for key, item in value.items()}
    return {"$map": found} if _is_tagged(value) else found


def _is_utf8(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _dtype_of(value: Any) -> str:
    text: str = value.dtype.str
    if not DTYPE.fullmatch(text):
        raise UnfitValueError(f"it holds an array of dtype {value.dtype}")
    return text


def _base64(array: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def _to_set(items: tuple[Any, ...]) -> frozenset[Any]:
    try:
        return frozenset(items)
    except TypeError as error:
        raise UnfitValueError("it has a set of what has no hash") from error


def _from_tag(tag: str, content: Any) -> Any:
    try:
        return _DECODERS[tag](content)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise UnfitValueError(f"it has a wrong {tag}") from error


def _from_float(content: Any) -> float:
    return float(_FLOATS[_FLOATS.index(content)])


def _from_text(content: Any) -> str:
    return bytes.fromhex(content).decode("utf-8", "surrogatepass")


def _from_array(content: Any) -> Any:
    dtype, shape, data = content
    lengths = tuple(_expect(length, int) for length in _expect(shape, list))
    if any(length < 0 for length in lengths):
        raise ValueError("a negative length")
    return _from_base64(dtype, data).reshape(lengths)


def _from_scalar(content: Any) -> Any:
    dtype, data = content
    (value,) = _from_base64(dtype, data)
    return value


def _from_base64(dtype: Any, data: Any) -> np.ndarray[Any, Any]:
    if not DTYPE.fullmatch(_expect(dtype, str)):
        raise ValueError("no dtype of ours")
    array = np.frombuffer(base64.b64decode(data, validate=True), np.dtype(dtype))
    if array.dtype == np.bool_ and array.view("u1").max(initial=0) > 1:
        raise ValueError("a boolean that is none")
    return array


_DECODERS: Final[dict[str, Callable[[Any], Any]]] = {
    "$bytes": bytes.fromhex,
    "$float": _from_float,
    "$text": _from_text,
    "$array": _from_array,
    "$scalar": _from_scalar,
}


def _expect(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise UnfitValueError(f"it has a {type(value).__name__} where a {kind.__name__} belongs")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number
