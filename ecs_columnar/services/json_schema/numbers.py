"""Columns of integers and of numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import fields
from ecs_columnar.services.json_schema.bounds import (
    EXACT,
    INT64,
    Bounds,
    exact_members,
    float_bounds,
    integer_bounds,
    is_no_multiple,
    is_undecided,
)
from ecs_columnar.services.json_schema.draft7 import Draft7
from ecs_columnar.services.json_schema.field_column import FieldColumn, Mask, Taken, pick
from ecs_columnar.services.json_schema.forms import ALIKE, PLAIN
from ecs_columnar.services.json_schema.kinds import IS_FLOAT, IS_INTEGER


class NumberColumn(FieldColumn):
    """What columns of integers and of floats share."""

    other: ClassVar[type[np.number[Any]]]

    def __init__(self, name: str, attribute: str, reference: Draft7, *, is_required: bool) -> None:
        super().__init__(name, attribute, reference, is_required=is_required)
        schema = reference.schema
        members = [schema["enum"]] if "enum" in schema else []
        members += [[schema["const"]]] if "const" in schema else []
        self._bounds: Final = self._bounds_of(schema)
        self._divisor: Final = schema.get("multipleOf")
        self._members: Final = [exact_members(each, self.dtype) for each in members]
        self._span: Final = self._bounds.span(self.dtype)
        self._has_only_bounds: Final = not members and self._divisor is None

    def is_plain(self, value: Any) -> bool:
        """Tell whether one value is native and within the bounds, where there is nothing else."""
        low, high = self._span
        is_native = type(value) is self.native and self._has_only_bounds
        return is_native and bool(low <= value <= high)

    def misfits(self, column: NDArray[Any]) -> Mask:
        """Tell which native values the schema refuses."""
        is_bad: Mask = self._bounds.misfits(column)
        for members in self._members:
            is_bad = is_bad | ~np.isin(column, members)
        return is_bad if self._divisor is None else is_bad | self._is_no_multiple(column)

    def take_array(self, array: NDArray[Any]) -> Taken:
        """Take a NumPy array of booleans or numbers, without gaps."""
        if array.dtype.kind == "f":
            return self._take_floats(array.astype(np.float64, copy=False))
        if array.dtype.kind in "iu" and array.dtype != np.uint64:
            return self._take_integers(array.astype(np.int64, copy=False))
        return super().take_array(array)

    def written(self, values: Any, form: int = PLAIN) -> Any:
        """Return values of a form as a column, of the other type where they were given so."""
        return values.astype(self.other) if form == ALIKE else values

    def _take_floats(self, floats: NDArray[np.float64]) -> Taken:
        taken = self._room(len(floats))
        self._put_floats(taken, np.arange(len(floats)), floats)
        return taken

    def _take_integers(self, integers: NDArray[np.int64]) -> Taken:
        taken = self._room(len(integers))
        self._put_integers(taken, np.arange(len(integers)), integers)
        return taken

    def _put_codes(self, taken: Taken, values: Sequence[Any], codes: NDArray[np.int8]) -> None:
        rows = np.flatnonzero(codes == IS_FLOAT)
        self._put_floats(taken, rows, np.array(pick(values, rows), np.float64))
        rows = np.flatnonzero(codes == IS_INTEGER)
        integers = pick(values, rows)
        try:
            self._put_integers(taken, rows, np.array(integers, np.int64))
        except OverflowError:
            self._put_long_integers(taken, rows, integers)

    def _put_long_integers(self, taken: Taken, rows: NDArray[np.intp], integers: list[int]) -> None:
        fits = np.array([INT64.min <= i <= INT64.max for i in integers], np.bool_)
        short = np.array(pick(integers, np.flatnonzero(fits)), np.int64)
        self._put_integers(taken, rows[fits], short)
        self._put_odd(taken, rows[~fits], pick(integers, np.flatnonzero(~fits)))

    def _put_alike(
        self,
        taken: Taken,
        rows: NDArray[np.intp],
        numbers: NDArray[Any],
        is_exact: NDArray[np.bool_],
    ) -> None:
        """Put numbers of the other type: those that are exact as natives, the odd ones."""
        exact, odd = rows[is_exact], rows[~is_exact]
        self._put_native(taken, exact, numbers[is_exact].astype(self.dtype))
        taken.forms[exact] = ALIKE  # type: ignore[index]  # made by _room
        self._put_odd(taken, odd, numbers[~is_exact].tolist())

    def _is_no_multiple(self, column: NDArray[Any]) -> NDArray[np.bool_]:
        is_bad = is_no_multiple(column, self._divisor)
        for i in np.flatnonzero(is_undecided(column, self._divisor)).tolist():
            is_bad[i] = not self.reference.accepts(column[i].item())
        return is_bad

    @abstractmethod
    def _bounds_of(self, schema: dict[str, Any]) -> Bounds:
        """Return the bounds of a schema, in numbers of the column's type."""

    @abstractmethod
    def _put_integers(
        self, taken: Taken, rows: NDArray[np.intp], integers: NDArray[np.int64]
    ) -> None:
        """Put values that were given as integers."""

    @abstractmethod
    def _put_floats(
        self, taken: Taken, rows: NDArray[np.intp], floats: NDArray[np.float64]
    ) -> None:
        """Put values that were given as floats."""


class IntegerColumn(NumberColumn):
    """A property of type integer: int64. 1.0 is one, 2**70 and -0.0 are odd ones."""

    field_type = fields.i8
    native = int
    zero = 0
    dtype = np.dtype(np.int64)
    other = np.float64

    def alike(self, value: Any) -> Any:
        """Return the float that was given."""
        return float(value)

    def _bounds_of(self, schema: dict[str, Any]) -> Bounds:
        return integer_bounds(schema)

    def _to_native(self, values: Sequence[Any]) -> NDArray[Any] | None:
        try:
            return np.fromiter(values, np.int64, len(values))
        except OverflowError:
            return None

    def _take_integers(self, integers: NDArray[np.int64]) -> Taken:
        return Taken(integers, is_bad=self.misfits(integers))

    def _put_integers(
        self, taken: Taken, rows: NDArray[np.intp], integers: NDArray[np.int64]
    ) -> None:
        self._put_native(taken, rows, integers)

    def _put_floats(
        self, taken: Taken, rows: NDArray[np.intp], floats: NDArray[np.float64]
    ) -> None:
        is_whole = np.isfinite(floats) & (floats == np.floor(floats))
        rows, floats = rows[is_whole], floats[is_whole]  # others stay bad
        is_negative_zero = (floats == 0) & np.signbit(floats)
        self._put_alike(taken, rows, floats, (np.abs(floats) < 2.0**63) & ~is_negative_zero)


class FloatColumn(NumberColumn):
    """A property of type number: float64. An integer up to 2**53 is exact, others are odd."""

    field_type = fields.f8
    native = float
    zero = np.nan
    dtype = np.dtype(np.float64)
    other = np.int64

    def alike(self, value: Any) -> Any:
        """Return the integer that was given."""
        return int(value)

    def _bounds_of(self, schema: dict[str, Any]) -> Bounds:
        return float_bounds(schema)

    def _to_native(self, values: Sequence[Any]) -> NDArray[Any] | None:
        return np.fromiter(values, np.float64, len(values))

    def _take_floats(self, floats: NDArray[np.float64]) -> Taken:
        return Taken(floats, is_bad=self.misfits(floats))

    def _put_integers(
        self, taken: Taken, rows: NDArray[np.intp], integers: NDArray[np.int64]
    ) -> None:
        is_exact = (integers >= -EXACT) & (integers <= EXACT)
        self._put_alike(taken, rows, integers, is_exact)

    def _put_floats(
        self, taken: Taken, rows: NDArray[np.intp], floats: NDArray[np.float64]
    ) -> None:
        self._put_native(taken, rows, floats)
