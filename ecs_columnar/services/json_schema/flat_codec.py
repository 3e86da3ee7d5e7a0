"""Component types with a flat schema: a typed column for each property.

What a column cannot hold is no reason to leave the columns: forms say what was
null, absent, or of the other number type, and the rest of an item (properties
that the schema doesn't name, 2**70) is kept beside them, as JSON. It is the empty
string for nearly all, so it costs four bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import fields
from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.errors import RepositoryConsistencyError
from ecs_columnar.schema import Component, make_component
from ecs_columnar.services.codec import ONE_IS_GOOD, Columns, Reading
from ecs_columnar.services.columns import take, to_objects
from ecs_columnar.services.json_columns import JsonColumns
from ecs_columnar.services.json_schema.arrays import take_column, to_sequences, to_values
from ecs_columnar.services.json_schema.attributes import attribute_names, class_name
from ecs_columnar.services.json_schema.draft7 import Draft7
from ecs_columnar.services.json_schema.faults import find_faults, name_misfits
from ecs_columnar.services.json_schema.field_column import Taken
from ecs_columnar.services.json_schema.flat import Flat
from ecs_columnar.services.json_schema.forms import ELSEWHERE, PER_WORD, n_words, pack, unpack
from ecs_columnar.services.json_schema.frames import to_array, to_extra_array
from ecs_columnar.services.json_schema.kinds import ABSENT
from ecs_columnar.services.mappings import (
    have_more,
    not_a_mapping,
    to_dicts,
    to_mappings,
    values_of,
)
from ecs_columnar.services.plain import thaw, to_plain
from ecs_columnar.services.stored import stored
from ecs_columnar.world import World

Rest = dict[int, dict[str, Any]]
"""What is not in the columns, by item."""


class _Stored(NamedTuple):
    """Columns as they lie in a component, all of one length."""

    values: list[Any]
    forms: list[NDArray[np.uint8]]
    rest: Rest


class FlatCodec(Reading):
    """A component type whose schema is flat.

    Parameters
    ----------
    type_id : str
    reference : Draft7
    layout : Flat

    Attributes
    ----------
    type_id : str
    schema : dict
        The JSON Schema.
    component : type
        With a field for each property, of the same name where Python allows it.
    fields : dict of str to str
        The name of that field, by property.

    Examples
    --------
    >>> from ecs_columnar import World
    >>> from ecs_columnar.services.component_types import ComponentTypes
    >>> world = World()
    >>> health = ComponentTypes(world).register(
    ...     {"id": "core:health", "dataSchema": {"properties": {"hp": {"type": "integer"}}}}
    ... )
    >>> columns = health.to_columns([{"hp": 3}, {"hp": "many"}, {}])
    >>> columns.errors
    {1: ["$.hp: 'many' is not of type 'integer'"]}
    >>> patients = world.spawn(2, columns.component)
    >>> health.read(world, patients)
    [{'hp': 3}, {}]
    """

    def __init__(self, type_id: str, reference: Draft7, layout: Flat) -> None:
        self.type_id: Final = type_id
        self.schema: Final = reference.schema
        self.fields: Final = {column.name: column.attribute for column in layout.columns}
        self._columns: Final = layout.columns
        self._is_open: Final = layout.is_open
        self._reference: Final = reference
        names = [f"forms_{i}" for i in range(n_words(len(layout.columns)))]
        if self._columns or self._is_open:
            names.append("rest")
        self._own: Final = attribute_names([*self.fields.values(), *names])[len(self.fields) :]
        self._nothing_own: Final = dict.fromkeys(self._own[:-1], 0) | dict.fromkeys(
            self._own[-1:], ""
        )
        self.component = self._make_component()

    @property
    def is_tag(self) -> bool:
        """Whether the type has no fields."""
        return not self._columns

    def validate(self, data: Any) -> list[str]:
        """Return everything that is wrong with one datum, a line each.

        Parameters
        ----------
        data : mapping

        Returns
        -------
        list of str
            Empty if it is valid. Each line starts with the path: ``$.hp: ...``.
        """
        return validate_mapping(self._reference, data)

    def to_columns(self, items: Sequence[Any]) -> Columns:
        """Turn a datum an item into columns.

        Valid is what `validate` says. A property of 100,000 items takes 0.15
        microseconds an item, 0.25 where some lack it; what is odd or wrong is looked
        at one by one.

        Parameters
        ----------
        items : sequence of mappings, length n
        """
        plain = self._plain_values(items[0]) if len(items) == 1 else None
        if plain is not None:
            return Columns(self.component, plain, ONE_IS_GOOD, {})
        data, is_bad = to_mappings(items)
        taken = [column.take(values_of(data, column.name)) for column in self._columns]
        rest: Rest = {
            i: {key: value for key, value in data[i].items() if key not in self.fields}
            for i in have_more(data, [each.is_given() for each in taken])
        }
        return self._finish(taken, rest, is_bad, lambda rows: [items[row] for row in rows])

    def from_arrays(self, arrays: Mapping[str, Any], n: int) -> Columns:
        """Turn a column a property into columns of the component.

        Arrays of numbers are taken as they are, without a copy; an array of strings
        takes 0.1 microseconds a string, categories next to nothing.

        Parameters
        ----------
        arrays : mapping of str to array
            By property: NumPy and Arrow arrays, pandas Series, lists, or one value
            for all. A gap (`pandas.NA`, None, NaN among Python objects, an Arrow
            null) is no such property; null, where it has to be there and can be null.
        n : int
            Number of items.

        Raises
        ------
        InvalidArgumentError
            When a column is not of length ``n``.
        """
        given = to_sequences(arrays, n)
        taken = [
            take_column(column, given[column.name])
            if column.name in given
            else column.take_nothing(n)
            for column in self._columns
        ]
        missing = {column.name: column.missing for column in self._columns}

        # A property without a column is one that has to be there, and is null.
        nulls = [name for name, gap in missing.items() if gap is None]

        def data_of(rows: list[int]) -> list[Any]:
            parts = dict.fromkeys(nulls, [None] * len(rows))
            for name, array in given.items():
                some = take(array, np.array(rows, np.intp))
                parts[name] = to_values(some, missing.get(name, ABSENT))
            return to_dicts(parts, len(rows))

        rest: Rest = {}
        for name in [name for name in given if name not in self.fields]:
            for i, value in enumerate(to_values(given[name], ABSENT)):
                if value is not ABSENT:
                    rest.setdefault(i, {})[name] = value
        return self._finish(taken, rest, np.zeros(n, np.bool_), data_of)

    def decode(self, component: Any, n: int) -> list[dict[str, Any]]:
        """Turn columns back into a datum an item, as it was given.

        Parameters
        ----------
        component : Component
            From `Columns` or from `World.get`.
        n : int
            Number of items.

        Returns
        -------
        list of dict, length n
        """
        if not self._own:
            return [{} for _ in range(n)]
        kept = self._stored(component, n)
        given = {
            column.name: column.give(values, forms)
            for column, values, forms in zip(self._columns, kept.values, kept.forms, strict=True)
        }
        data = to_dicts(given, n)
        for i, more in kept.rest.items():
            data[i].update(more)
        return data

    def read_one(self, world: World, entity: Any) -> dict[str, Any]:
        """Return the data of one entity; see `read`."""
        cells = world.entity(entity)[self.component]
        if any(getattr(cells, name) for name in self._own):
            return self.decode(cells, 1)[0]
        return {name: thaw(getattr(cells, attribute)) for name, attribute in self.fields.items()}

    def to_arrays(self, component: Any, n: int, *, as_objects: bool = True) -> dict[str, Any]:
        """Turn columns into a column a property, for a DataFrame.

        Parameters
        ----------
        component : Component
        n : int
            Number of items.
        as_objects : bool, optional
            Whether strings that come as `Coded` or `Texts` become objects.

        Returns
        -------
        dict of str to array
            NumPy arrays; nullable pandas arrays where a property is absent or null;
            arrays of objects for strings and for what has no array type, such as a
            property that the schema doesn't name. All numbers of a column of floats
            are floats.
        """
        if not self._own:
            return {}
        kept = self._stored(component, n, as_objects=as_objects)
        arrays = {
            column.name: to_array(values, forms, column.name, kept.rest)
            for column, values, forms in zip(self._columns, kept.values, kept.forms, strict=True)
        }
        names = dict.fromkeys(name for more in kept.rest.values() for name in more)
        extra = [name for name in names if name not in arrays]
        return arrays | {name: to_extra_array(name, kept.rest, n) for name in extra}

    def to_json(self, world: World, entities: NDArray[np.int64]) -> JsonColumns:
        """Return the data of entities as columns, for JSON: what `read` has as dicts."""
        found = stored(world, entities, self.component, as_bytes=True)
        is_odd = np.zeros(entities.shape[0], np.bool_)
        if not self._own:
            return JsonColumns([], is_odd)
        *words, rest = (getattr(found, name) for name in self._own)
        np.greater(rest.encoded.ends, rest.encoded.starts, out=is_odd)
        are_odd, are_plain = is_odd.any(), [not word.any() for word in words]
        properties = []
        for number, column in enumerate(self._columns):
            forms = None
            if are_odd or not are_plain[number // PER_WORD]:
                forms = np.where(is_odd, ELSEWHERE, unpack(words, number))
            parts = column.to_json(getattr(found, column.attribute), forms)
            properties.append((column.name, parts))
        return JsonColumns(properties, is_odd)

    def __repr__(self) -> str:
        return f"<FlatCodec {self.type_id}: {', '.join(self.fields) or 'a tag'}>"

    def _make_component(self) -> type[Component]:
        types = {column.attribute: column.field_type for column in self._columns}
        defaults: dict[str, Any] = {}
        for name in self._own:
            types[name], defaults[name] = fields.u4, 0
        if self._own:
            types[self._own[-1]], defaults[self._own[-1]] = fields.str_, ""
        return make_component(class_name(self.type_id), types, id=self.type_id, defaults=defaults)

    def _plain_values(self, data: Any) -> dict[str, Any] | None:
        """Return one datum that needs no arrays to be taken; None of any other."""
        if type(data) is not dict or len(data) != len(self._columns):
            return None
        values: dict[str, Any] = {}
        for column in self._columns:
            value = data.get(column.name, ABSENT)
            if not column.is_plain(value):
                return None
            values[column.attribute] = value
        return values | self._nothing_own

    def _finish(
        self,
        taken: list[Taken],
        rest: Rest,
        is_bad: NDArray[np.bool_],
        data_of: Callable[[list[int]], list[Any]],
    ) -> Columns:
        """Put columns together; ask the reference about the items that are bad."""
        if rest and not self._is_open:
            is_bad[list(rest)] = True
        for column, each in zip(self._columns, taken, strict=True):
            if each.is_bad is not False:
                is_bad |= each.is_bad
            for i, value in each.odd.items():
                rest.setdefault(i, {})[column.name] = value
        values = {
            column.attribute: each.values for column, each in zip(self._columns, taken, strict=True)
        }
        own = [*pack([each.forms for each in taken]), _texts(rest, is_bad)]
        values.update(zip(self._own, own[: len(self._own)], strict=True))
        bad = np.flatnonzero(is_bad)
        errors: dict[int, list[str]] = {}
        if bad.shape[0]:
            misfits = name_misfits(self._columns, taken, bad)
            rows = bad.tolist()
            lines = find_faults(
                data_of(rows),
                [None if i in rest else names for i, names in zip(rows, misfits, strict=True)],
                self._errors,
            )
            errors = dict(zip(rows, lines, strict=True))
        return Columns(self.component, values, ~is_bad, errors)

    def _errors(self, item: Any) -> list[str]:
        errors = self.validate(item)
        if not errors:
            raise RepositoryConsistencyError(
                f"cannot refuse {item!r} as {self.type_id}: columns say that it is wrong, the "
                "reference that it is not; please report it"
            )
        return errors

    def _stored(self, component: Any, n: int, *, as_objects: bool = True) -> _Stored:
        values = [
            _broadcast(getattr(component, column.attribute), column.dtype, n, as_objects=as_objects)
            for column in self._columns
        ]
        words = [_broadcast(getattr(component, name), np.dtype("u4"), n) for name in self._own[:-1]]
        forms = [unpack(words, number) for number in range(len(values))]
        texts = _broadcast(
            getattr(component, self._own[-1]), np.dtype(object), n, as_objects=as_objects
        )
        rest = {i: json.loads(texts[i]) for i in np.flatnonzero(_are_some(texts)).tolist()}
        return _Stored(values, forms, rest)


def validate_mapping(reference: Draft7, data: Any) -> list[str]:
    """Return what is wrong with a datum: the data of a component is a mapping."""
    if not isinstance(data, Mapping):
        return [not_a_mapping(data)]
    return reference.errors(data)


def _texts(rest: Rest, is_bad: NDArray[np.bool_]) -> Any:
    """Return the rest of each item as JSON, one empty string if none has any.

    Items are marked as bad if JSON cannot say what they hold.
    """
    if not rest:
        return ""
    texts = np.full(len(is_bad), "", object)
    for i, more in rest.items():
        faults: list[str] = []
        plain = to_plain(more, faults)
        is_bad[i] |= bool(faults)
        if not is_bad[i]:
            texts[i] = json.dumps(plain)
    return texts


def _are_some(texts: NDArray[np.object_] | Coded | Texts) -> NDArray[np.bool_]:
    """Tell which strings are not empty."""
    if isinstance(texts, Coded):
        return _are_some(texts.texts)[texts.codes]
    if isinstance(texts, Texts):
        return texts.encoded.ends > texts.encoded.starts
    return np.asarray(texts != "", np.bool_)


def _broadcast(value: Any, dtype: np.dtype[Any], n: int, *, as_objects: bool = True) -> Any:
    if isinstance(value, (Coded, Texts)) and not as_objects:
        return value
    if isinstance(value, (Coded, Encoded, Texts)):
        return to_objects(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return value
    if isinstance(value, list):
        return np.fromiter(value, dtype, n)
    out = np.empty(n, dtype)
    out.fill(value)
    return out
