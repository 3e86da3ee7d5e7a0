"""JSON from outside: within limits, exact, and every key once.

The parser is msgspec. Measured on 100,000 instances of three components, 20 MB:
an array takes 0.98 of the time of orjson. And it keeps
integers that orjson turns into floats without a word (2**64). Both refuse NaN,
Infinity, 1e400, lone surrogates and invalid UTF-8; neither minds repeated keys.
"""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import numpy as np

from ecs_columnar import kernels
from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.io.limits import Limits
from ecs_columnar.io.problem import WorldFileError

_DECODER: Final = msgspec.json.Decoder()
_MOST_KEYS: Final = 1 << 16

_REFUSED: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises: ValueError is also that of UTF-8 and of integers of 4,301 digits."""


class JsonReader:
    """Reads JSON text.

    Parameters
    ----------
    limits : Limits, optional

    Examples
    --------
    >>> reader = JsonReader()
    >>> reader.read(b'{"id": "core:actor"}', "actor.json")
    {'id': 'core:actor'}
    >>> reader.read(b'{"id": 1, "id": 2}', "actor.json")
    Traceback (most recent call last):
    ecs_columnar.io.problem.WorldFileError: cannot use actor.json: $: the key 'id' is there twice; \
keep one
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits: Final = limits or Limits()
        self._keys = np.empty(1024, np.uint64)
        self._starts = np.empty(self.limits.depth + 1, np.intp)

    def read(self, data: bytes, file: str) -> Any:
        """Parse a text.

        Raises
        ------
        WorldFileError
            When it is no JSON, too deep, or a key is there twice.
        """
        finding = self._scan(data)
        if finding == kernels.json_text.DEEP:
            depth = self.limits.depth
            raise WorldFileError(file, f"is nested more than {depth} levels deep")
        try:
            with without_gc():
                value = _DECODER.decode(data)
        except _REFUSED as error:
            raise WorldFileError(file, _text_of(error, data)) from None
        if finding == kernels.json_text.SUSPECT:
            _refuse_repeated_keys(data, file)
        return value

    def read_lines(self, data: bytes) -> list[Any] | None:
        """Parse a text a line; None if `read` would refuse one of them, as it does a blank one.

        Each line by itself: `decode_lines` takes two texts in one line.
        """
        if self._scan(data) != kernels.json_text.FINE:
            return None
        try:
            with without_gc():
                return list(map(_DECODER.decode, data.removesuffix(b"\n").split(b"\n")))
        except _REFUSED:
            return None

    def _scan(self, data: bytes) -> int:
        octets = np.frombuffer(data, np.uint8)
        finding: int = kernels.json_text.scan_json(octets, self._keys, self._starts)
        if finding == kernels.json_text.SUSPECT and self._keys.shape[0] < _MOST_KEYS:
            self._keys = np.empty(_MOST_KEYS, np.uint64)  # it may only have been too short
            finding = kernels.json_text.scan_json(octets, self._keys, self._starts)
        return finding


@contextmanager
def without_gc() -> Iterator[None]:
    """Let the garbage collector rest: none of what is made in the block is garbage.

    It would look at all of a million dicts again each time that some more have been
    made: two thirds of the time of parsing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def write_json(value: Any) -> bytes:
    """Write plain data, without white space."""
    return msgspec.json.encode(value)


def write_canonical_json(value: Any) -> bytes:
    """Write plain data with keys in alphabetical order: equal data gives equal text."""
    return msgspec.json.encode(value, order="deterministic")


def write_lines(items: Sequence[Any], ids: Iterable[str]) -> list[bytes]:
    """Write the data of entities or definitions, a text each.

    Parameters
    ----------
    items : sequence of plain data, length n
    ids : iterable of str
        Of whom the data is, for messages.

    Raises
    ------
    InvalidArgumentError
        When a number is not finite, or a value is not plain: JSON has no name for it, even
        where msgspec has one, such as a list for a set.
    """
    lines = []
    for item, entity_id in zip(items, ids, strict=True):
        try:
            line = write_json(item)
        except (TypeError, UnicodeEncodeError, OverflowError) as error:
            raise _no_json(entity_id, str(error)) from error
        if _DECODER.decode(line) != item:
            reason = "values like dates, sets or bytes are in it, or keys that are no str"
            raise _no_json(entity_id, reason if is_finite(item) else "NaN or infinity is in it")
        lines.append(line)
    return lines


def is_finite(value: Any) -> bool:
    """Tell whether plain data has neither NaN nor infinity in it."""
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    if isinstance(value, list):
        return all(map(is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _no_json(entity_id: str, reason: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        "world",
        entity_id,
        f"cannot write {entity_id!r}: JSON has no name for its data ({reason}); mend it, or save a "
        "checkpoint instead",
    )


def write_pretty_json(value: Any) -> bytes:
    """Write plain data for people: two spaces a level, and a line feed at the end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _text_of(error: Exception, data: bytes) -> str:
    """Say what is wrong, with the line where msgspec names the byte."""
    text = str(error)
    head, separator, tail = text.rpartition(" (byte ")
    if separator and tail.rstrip(")").isdigit():
        at = int(tail.rstrip(")"))
        column = at - (data.rfind(b"\n", 0, at) + 1) + 1
        line = data.count(b"\n", 0, at) + 1
        return f"{head}, in line {line}, column {column}"
    return f"is no JSON: {text}"


def _refuse_repeated_keys(data: bytes, file: str) -> None:
    def refuse(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise WorldFileError(file, f"the key {key[:200]!r} is there twice; keep one")
            seen.add(key)

    json.loads(data, object_pairs_hook=refuse)
