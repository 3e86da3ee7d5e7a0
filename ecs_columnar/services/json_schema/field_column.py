"""One property of a flat schema, as a column.

A value is taken in one of three ways. Of the type of the column: by array
operations. Absent, null, or of the other number type: by its form. What no
column holds exactly (2**70, -0.0 as an integer) is *odd*: the reference looks at
it, and it lies in the rest of its item.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.fields import FieldType
from ecs_columnar.services.columns import are_all
from ecs_columnar.services.json_columns import Part
from ecs_columnar.services.json_schema.draft7 import Draft7
from ecs_columnar.services.json_schema.forms import ALIKE, ELSEWHERE, NULL, PLAIN, Forms
from ecs_columnar.services.json_schema.kinds import ABSENT, IS_ABSENT, IS_NULL, type_codes

Mask = NDArray[np.bool_] | bool
"""Of items: one an item, or one for all."""


@dataclass(slots=True)
class Taken:
    """The values of one property, taken into a column.

    Attributes
    ----------
    values : array, shape (n,), or scalar
    forms : uint8 array, shape (n,), or int
    is_bad : bool array, shape (n,), or bool
    odd : dict of int to object
        Values that are not in the column, by item.
    """

    values: Any
    forms: Forms = PLAIN
    is_bad: Mask = False
    odd: dict[int, Any] = field(default_factory=dict)

    def is_given(self) -> Mask:
        """Tell which items have the property at all."""
        if isinstance(self.forms, int):
            return self.forms != ELSEWHERE
        is_given: NDArray[np.bool_] = self.forms != ELSEWHERE
        is_given[list(self.odd)] = True
        return is_given


class FieldColumn(ABC):
    """Base of the kinds of columns.

    Parameters
    ----------
    name : str
        Of the property.
    attribute : str
        Of the component's field.
    reference : Draft7
        Of the property's schema.
    is_required : bool
    """

    field_type: ClassVar[type[FieldType[Any]]]
    native: ClassVar[type]
    zero: ClassVar[Any]
    dtype: ClassVar[np.dtype[Any]]

    def __init__(self, name: str, attribute: str, reference: Draft7, *, is_required: bool) -> None:
        self.name: Final = name
        self.attribute: Final = attribute
        self.reference: Final = reference
        self.is_required: Final = is_required
        self.is_nullable: Final = reference.accepts(None)

    @property
    def missing(self) -> Any:
        """What a gap in an array means: no such property; null, where it has to be there."""
        return None if self.is_required and self.is_nullable else ABSENT

    def take(self, values: Sequence[Any]) -> Taken:
        """Take Python values, `ABSENT` where there is none.

        The common case, all of one type, is told from the types: 10 ns a value.
        """
        if are_all(values, self.native):
            column = self._to_native(values)
            if column is not None:
                return Taken(column, is_bad=self.misfits(column))
        return self._take_mixed(values)

    def is_plain(self, value: Any) -> bool:
        """Tell whether one value is native, and known to fit without an array of it.

        False says nothing: `take` has to look.
        """
        del value
        return False

    def take_array(self, array: NDArray[Any]) -> Taken:
        """Take a NumPy array of booleans or numbers, without gaps."""
        return self.take(array.tolist())

    def take_gappy(self, array: NDArray[Any], is_gap: NDArray[np.bool_]) -> Taken:
        """Take a NumPy array of booleans or numbers; what it has in the gaps does not count."""
        rows = np.flatnonzero(~is_gap)
        dense, taken = self.take_array(array[rows]), self._room(len(array))
        is_null = is_gap & (self.missing is None)
        self._put_gaps(taken, is_gap & ~is_null, is_null)
        taken.values[rows], taken.is_bad[rows] = dense.values, dense.is_bad  # type: ignore[index]
        taken.forms[rows] = dense.forms  # type: ignore[index]  # made by _room, as is_bad
        taken.odd = {int(rows[i]): value for i, value in dense.odd.items()}
        return taken

    def take_nothing(self, n: int) -> Taken:
        """Take a property that none of ``n`` items has."""
        if self.missing is None:
            return self.take([None] * n)
        return Taken(self.zero, ELSEWHERE, self.is_required)

    def give(self, values: NDArray[Any], forms: NDArray[np.uint8]) -> list[Any]:
        """Return what was taken, `ABSENT` where it is not in the column."""
        given: list[Any] = values.tolist()
        if forms.any():
            for i in np.flatnonzero(forms == ALIKE).tolist():
                given[i] = self.alike(given[i])
            _fill(given, forms == NULL, None)
            _fill(given, forms == ELSEWHERE, ABSENT)
        return given

    def to_json(self, values: Any, forms: NDArray[np.uint8] | None) -> list[Part]:
        """Return what `give` does as columns, for JSON; forms are None if all are `PLAIN`."""
        if forms is None:
            return [Part(None, self.written(values))]
        return [
            Part(items, None if form == NULL else self.written(values[items], form))
            for form in (PLAIN, ALIKE, NULL)
            if (items := np.flatnonzero(forms == form)).shape[0]
        ]

    def written(self, values: Any, form: int = PLAIN) -> Any:
        """Return values of a form as a column that JSON can be made of."""
        del form
        return values

    def alike(self, value: Any) -> Any:
        """Return a value as the other type that is like the native one."""
        return value

    @abstractmethod
    def misfits(self, column: NDArray[Any]) -> Mask:
        """Tell which native values the schema refuses."""

    @abstractmethod
    def _to_native(self, values: Sequence[Any]) -> NDArray[Any] | None:
        """Return values of the native type as a column; None if they don't all fit."""

    @abstractmethod
    def _put_codes(self, taken: Taken, values: Sequence[Any], codes: NDArray[np.int8]) -> None:
        """Put the values of the types that the column holds; `codes` are their types."""

    def _take_mixed(self, values: Sequence[Any]) -> Taken:
        codes = type_codes(values)
        taken = self._room(len(values))
        self._put_gaps(taken, codes == IS_ABSENT, codes == IS_NULL)
        self._put_codes(taken, values, codes)
        return taken

    def _room(self, n: int) -> Taken:
        """Return room for ``n`` values, all of them bad until one is put there."""
        column = np.full(n, self.zero, self.dtype)
        return Taken(column, np.zeros(n, np.uint8), np.ones(n, np.bool_))

    def _put_gaps(
        self, taken: Taken, is_absent: NDArray[np.bool_], is_null: NDArray[np.bool_]
    ) -> None:
        _put(taken, is_absent, ELSEWHERE, self.is_required)
        _put(taken, is_null, NULL, not self.is_nullable)

    def _put_native(self, taken: Taken, rows: NDArray[np.intp], column: NDArray[Any]) -> None:
        taken.values[rows] = column
        taken.is_bad[rows] = self.misfits(column)  # type: ignore[index]  # made by _room

    def _put_odd(self, taken: Taken, rows: NDArray[np.intp], values: Iterable[Any]) -> None:
        for i, value in zip(rows.tolist(), values, strict=True):
            taken.forms[i] = ELSEWHERE  # type: ignore[index]  # made by _room
            taken.is_bad[i] = not self.reference.accepts(value)  # type: ignore[index]
            taken.odd[i] = value


def pick(values: Sequence[Any], rows: NDArray[np.intp]) -> list[Any]:
    """Return some of the values."""
    return [values[i] for i in rows.tolist()]


def _put(taken: Taken, where: NDArray[np.bool_], form: int, is_bad: bool) -> None:
    taken.forms[where] = form  # type: ignore[index]  # made by _room
    taken.is_bad[where] = is_bad  # type: ignore[index]


def _fill(given: list[Any], where: NDArray[np.bool_], value: Any) -> None:
    for i in np.flatnonzero(where).tolist():
        given[i] = value
