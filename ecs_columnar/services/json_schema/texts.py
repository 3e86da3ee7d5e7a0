"""Columns of strings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import fields
from ecs_columnar.coded import Coded
from ecs_columnar.encoded import Encoded
from ecs_columnar.encoding import encode_if_all, n_characters
from ecs_columnar.services.json_schema.draft7 import Draft7
from ecs_columnar.services.json_schema.field_column import FieldColumn, Mask, Taken, pick
from ecs_columnar.services.json_schema.forms import PLAIN
from ecs_columnar.services.json_schema.kinds import IS_STRING

_MANY: Final = 64
"""Strings from which on bytes are worth three calls of kernels."""


class TextColumn(FieldColumn):
    """A property of type string, interned by the world. Lengths are in code points."""

    field_type = fields.str_
    native = str
    zero = ""
    dtype = np.dtype(object)

    def __init__(self, name: str, attribute: str, reference: Draft7, *, is_required: bool) -> None:
        super().__init__(name, attribute, reference, is_required=is_required)
        schema = reference.schema
        self._shortest: Final = schema.get("minLength", 0)
        self._longest: Final = schema.get("maxLength")
        self._search: Final = re.compile(schema["pattern"]).search if "pattern" in schema else None
        self._members: Final = _members_of(schema)
        self._is_of_any_text: Final = self._members is None and self._search is None

    def take(self, values: Sequence[Any]) -> Taken:
        """Take Python values, `ABSENT` where there is none; many strings as bytes.

        The world interns bytes. To make them once, and count characters in them,
        takes half the time of an array of the strings, their lengths, and bytes later.
        """
        is_short = self._is_of_any_text and len(values) >= _MANY
        strings = encode_if_all(values) if is_short else None
        return super().take(values) if strings is None else self.take_encoded(strings)

    def is_plain(self, value: Any) -> bool:
        """Tell whether one value is a string as long as it may be, where that is all."""
        if type(value) is not str or not self._is_of_any_text:
            return False
        return self._shortest <= len(value) and (
            self._longest is None or len(value) <= self._longest
        )

    def misfits(self, column: NDArray[Any]) -> Mask:
        """Tell which native values the schema refuses."""
        texts = column.tolist()
        is_bad: Mask = False
        if self._shortest or self._longest is not None:
            is_bad = self._are_misfits_by_length(texts)
        if self._members is not None:
            is_member = np.fromiter(map(self._members.__contains__, texts), np.bool_, len(texts))
            is_bad = is_bad | ~is_member
        return is_bad if self._search is None else is_bad | self._differ_from_pattern(texts)

    def take_coded(self, coded: Coded) -> Taken:
        """Take categories, None for a gap. Each text is looked at once."""
        texts = coded.texts.tolist()
        distinct = super().take([self.missing if text is None else text for text in texts])
        return Taken(
            coded.with_texts(distinct.values),
            *(_spread(each, coded.codes) for each in (distinct.forms, distinct.is_bad)),
        )

    def take_encoded(self, strings: Encoded) -> Taken:
        """Take strings as bytes; those missing are gaps."""
        if not self._is_of_any_text:
            return self.take([self.missing if text is None else text for text in strings.texts()])
        n, missing = strings.n_strings, strings.missing
        taken = Taken(strings._replace(missing=None), is_bad=self._are_misfits(strings))
        if missing is not None:
            taken.forms = np.full(n, PLAIN, np.uint8)
            taken.is_bad = np.array(np.broadcast_to(taken.is_bad, n))
            is_null = missing & (self.missing is None)
            self._put_gaps(taken, missing & ~is_null, is_null)
        return taken

    def _are_misfits(self, strings: Encoded) -> Mask:
        if not self._shortest and self._longest is None:
            return False
        lengths = n_characters(strings)
        return self._are_outside(lengths)

    def _are_misfits_by_length(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        return self._are_outside(lengths)

    def _are_outside(self, lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        is_bad: NDArray[np.bool_] = lengths < self._shortest
        return is_bad if self._longest is None else is_bad | (lengths > self._longest)

    def _differ_from_pattern(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        differs = {text: self._search(text) is None for text in set(texts)}  # type: ignore[misc]
        return np.fromiter(map(differs.__getitem__, texts), np.bool_, len(texts))

    def _to_native(self, values: Sequence[Any]) -> NDArray[Any] | None:
        return np.fromiter(values, object, len(values))

    def _put_codes(self, taken: Taken, values: Sequence[Any], codes: NDArray[np.int8]) -> None:
        rows = np.flatnonzero(codes == IS_STRING)
        self._put_native(taken, rows, np.fromiter(pick(values, rows), object, len(rows)))


def _members_of(schema: dict[str, Any]) -> frozenset[str] | None:
    sets = [frozenset(m for m in schema["enum"] if isinstance(m, str))] if "enum" in schema else []
    if "const" in schema:
        sets.append(frozenset(m for m in [schema["const"]] if isinstance(m, str)))
    return frozenset.intersection(*sets) if sets else None


def _spread(of_distinct: Any, codes: NDArray[np.intp]) -> Any:
    return of_distinct[codes] if isinstance(of_distinct, np.ndarray) else of_distinct
