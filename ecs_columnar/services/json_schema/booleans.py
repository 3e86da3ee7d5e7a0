"""Columns of booleans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import fields
from ecs_columnar.services.json_schema.draft7 import Draft7
from ecs_columnar.services.json_schema.field_column import FieldColumn, Mask, Taken, pick
from ecs_columnar.services.json_schema.kinds import IS_BOOLEAN


class BooleanColumn(FieldColumn):
    """A property of type boolean; 0 and 1 are none."""

    field_type = fields.bool_
    native = bool
    zero = False
    dtype = np.dtype(np.bool_)

    def __init__(self, name: str, attribute: str, reference: Draft7, *, is_required: bool) -> None:
        super().__init__(name, attribute, reference, is_required=is_required)
        # There are two, so the reference is asked about both.
        self._is_bad: Final = np.array([not reference.accepts(each) for each in (False, True)])
        self._are_both_good: Final = not self._is_bad.any()

    def is_plain(self, value: Any) -> bool:
        """Tell whether one value is a boolean, and both are accepted."""
        return type(value) is bool and self._are_both_good

    def misfits(self, column: NDArray[Any]) -> Mask:
        """Tell which native values the schema refuses."""
        return False if self._are_both_good else self._is_bad[column.view(np.uint8)]

    def take_array(self, array: NDArray[Any]) -> Taken:
        """Take a NumPy array of booleans or numbers, without gaps."""
        if array.dtype != self.dtype:
            return super().take_array(array)
        return Taken(array, is_bad=self.misfits(array))

    def _to_native(self, values: Sequence[Any]) -> NDArray[Any] | None:
        return np.array(values, np.bool_)

    def _put_codes(self, taken: Taken, values: Sequence[Any], codes: NDArray[np.int8]) -> None:
        rows = np.flatnonzero(codes == IS_BOOLEAN)
        self._put_native(taken, rows, np.array(pick(values, rows), np.bool_))
