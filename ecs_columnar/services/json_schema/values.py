"""Columns of whatever has no array type: the slow path, a property at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import fields
from ecs_columnar.services.json_schema.field_column import FieldColumn, Mask, Taken, pick
from ecs_columnar.services.json_schema.forms import ELSEWHERE, PLAIN
from ecs_columnar.services.json_schema.kinds import ABSENT, IS_ABSENT
from ecs_columnar.services.plain import thaw, to_plain


class ValueColumn(FieldColumn):
    """A property of several types, of none in particular, or an array or an object.

    The reference looks at each value.
    """

    field_type = fields.object_
    native = object
    zero = None
    dtype = np.dtype(object)

    def give(self, values: NDArray[Any], forms: NDArray[np.uint8]) -> list[Any]:
        """Return what was taken, `ABSENT` where it is not in the column."""
        return [
            ABSENT if form == ELSEWHERE else thaw(value)
            for value, form in zip(values, forms.tolist(), strict=True)
        ]

    def written(self, values: Any, form: int = PLAIN) -> list[Any]:
        """Return values as they were given."""
        del form
        return [thaw(value) for value in values]

    def take_gappy(self, array: NDArray[Any], is_gap: NDArray[np.bool_]) -> Taken:
        """Take a NumPy array of booleans or numbers; what it has in the gaps does not count."""
        values = array.tolist()
        for i in np.flatnonzero(is_gap).tolist():
            values[i] = self.missing
        return self.take(values)

    def misfits(self, column: NDArray[Any]) -> Mask:
        """Tell which values the schema refuses."""
        return np.fromiter(map(self._is_misfit, column), np.bool_, len(column))

    def _to_native(self, values: Sequence[Any]) -> NDArray[Any] | None:
        return np.fromiter(values, object, len(values))

    def _put_gaps(
        self, taken: Taken, is_absent: NDArray[np.bool_], is_null: NDArray[np.bool_]
    ) -> None:
        super()._put_gaps(taken, is_absent, np.zeros_like(is_null))

    def _put_codes(self, taken: Taken, values: Sequence[Any], codes: NDArray[np.int8]) -> None:
        rows = np.flatnonzero(codes != IS_ABSENT)
        self._put_native(taken, rows, np.fromiter(pick(values, rows), object, len(rows)))

    def _is_misfit(self, value: Any) -> bool:
        faults: list[str] = []
        plain = to_plain(value, faults)
        return bool(faults) or not self.reference.accepts(plain)
