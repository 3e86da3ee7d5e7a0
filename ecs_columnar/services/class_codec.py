"""Component types that are classes: data by field name, cast as the core casts."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Coded, Texts
from ecs_columnar.errors import first_three
from ecs_columnar.frozen import freeze
from ecs_columnar.schema import Component, Field, schema_of
from ecs_columnar.services.casting import Cast, cast_values, padding
from ecs_columnar.services.codec import ONE_IS_GOOD, Columns, Reading
from ecs_columnar.services.columns import is_whole, to_objects
from ecs_columnar.services.json_columns import JsonColumns, Part
from ecs_columnar.services.json_schema.arrays import to_sequences, to_values
from ecs_columnar.services.json_schema.kinds import ABSENT
from ecs_columnar.services.mappings import (
    are_given,
    have_more,
    not_a_mapping,
    to_dicts,
    to_mappings,
    values_of,
)
from ecs_columnar.services.plain import thaw, to_plain
from ecs_columnar.services.stored import stored
from ecs_columnar.world import World

_REQUIRED: Final = dataclasses.MISSING


class ClassCodec(Reading):
    """A component type that is a class.

    A datum is a mapping of field name to value; the defaults of the class apply.

    Parameters
    ----------
    world : World
        Whose entities the ``ref`` fields refer to. It keeps the codec, which doesn't keep it.
    component : type

    Attributes
    ----------
    type_id : str
    component : type

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> class Position(ecs.Component):
    ...     x: ecs.f4
    ...     y: ecs.f4 = 0.0
    >>> position = ClassCodec(ecs.World(), Position)
    >>> position.to_columns([{"x": 1.5}, {"x": 2, "y": 3}]).component
    Position(x=<float32 array of shape (2,)>, y=<float32 array of shape (2,)>)
    >>> position.validate({"y": "north"})
    ["$: 'x' is a required field", "$.y is <U5 and takes float32; convert it yourself if that is \
meant: .astype('float32')"]
    """

    def __init__(self, world: World, component: type[Component]) -> None:
        self.type_id: Final = component.__schema__.type_id
        self.component = component
        self._storage: Final = weakref.ref(world._storage)
        self._fields: Final = schema_of(component)
        self._defaults: Final = {
            field.name: _default_of(field)
            for field in dataclasses.fields(component)  # type: ignore[arg-type]  # it is one
        }

    @property
    def is_tag(self) -> bool:
        """Whether the type has no fields."""
        return not self._fields

    def validate(self, data: Any) -> list[str]:
        """Return everything that is wrong with one datum, a line each."""
        return self.to_columns([data]).errors.get(0, [])

    def to_columns(self, items: Sequence[Any]) -> Columns:
        """Turn a datum an item into columns.

        A column is cast at once; where that fails it is halved until it is known
        which values do not fit: O(items + faults log items).

        Parameters
        ----------
        items : sequence of mappings, length n
        """
        plain = self._plain_values(items[0]) if len(items) == 1 else None
        if plain is not None:
            return Columns(self.component, plain, ONE_IS_GOOD, {})
        data, is_bad = to_mappings(items)
        refused = np.flatnonzero(is_bad).tolist()
        errors: dict[int, list[str]] = {i: [] for i in refused}
        given = {f.name: values_of(data, f.name) for f in self._fields}
        for i in have_more(data, list(map(are_given, given.values()))):
            self._refuse_unknown(errors, i, data[i])
        columns = self._finish(given, errors, len(data))
        columns.errors.update({i: [not_a_mapping(items[i])] for i in refused})
        return columns

    def from_arrays(self, arrays: Mapping[str, Any], n: int) -> Columns:
        """Turn a column a field into columns of the component.

        Parameters
        ----------
        arrays : mapping of str to array
            By field; a gap takes the default.
        n : int
            Number of items.

        Raises
        ------
        InvalidArgumentError
            When a column is not of length ``n``.
        """
        sequences = to_sequences(arrays, n)
        errors: dict[int, list[str]] = {}
        for name in [name for name in sequences if name not in self._defaults]:
            for i, value in enumerate(to_values(sequences[name], ABSENT)):
                if value is not ABSENT:
                    self._refuse_unknown(errors, i, [name])
        given = {
            name: _array_or_values(sequences[name]) for name in self._defaults if name in sequences
        }
        return self._finish(given, errors, n)

    def decode(self, component: Any, n: int) -> list[dict[str, Any]]:
        """Turn columns back into a datum an item: Python values, times as NumPy's.

        Parameters
        ----------
        component : Component
            From `Columns` or from `World.get`.
        n : int
            Number of items.
        """
        values = {f.name: _broadcast(f, getattr(component, f.name), n) for f in self._fields}
        return to_dicts({f.name: _to_list(f, values[f.name]) for f in self._fields}, n)

    def read_one(self, world: World, entity: Any) -> dict[str, Any]:
        """Return the data of one entity; a cell is never taken for a column, as arrays may be."""
        cells = world.entity(entity)[self.component]
        return {f.name: _plain(f, getattr(cells, f.name)) for f in self._fields}

    def to_arrays(self, component: Any, n: int, *, as_objects: bool = True) -> dict[str, Any]:
        """Turn columns into a column a field, one an element of a sub-array.

        Parameters
        ----------
        component : Component
        n : int
            Number of items.
        as_objects : bool, optional
            Whether strings that come as `Coded` or `Texts` become objects.
        """
        arrays: dict[str, Any] = {}
        for f in self._fields:
            values = getattr(component, f.name)
            if isinstance(values, (Coded, Texts)):
                arrays[f.name] = to_objects(values) if as_objects else values
                continue
            values = _broadcast(f, values, n)
            for element in np.ndindex(f.shape):
                place = ", ".join(map(str, element))
                arrays[f"{f.name}[{place}]" if element else f.name] = values[(..., *element)]
        return arrays

    def to_json(self, world: World, entities: NDArray[np.int64]) -> JsonColumns | None:
        """Return the data of entities as columns, for JSON: what `read` has as dicts.

        None where an object is no plain data.
        """
        found = stored(world, entities, self.component, as_bytes=True)
        faults: list[str] = []
        properties = [
            (f.name, [Part(None, _for_json(f, getattr(found, f.name), faults))])
            for f in self._fields
        ]
        return None if faults else JsonColumns(properties, np.zeros(entities.shape[0], np.bool_))

    def __repr__(self) -> str:
        return f"<ClassCodec {self.type_id}: {', '.join(self._defaults) or 'a tag'}>"

    def _plain_values(self, data: Any) -> dict[str, Any] | None:
        """Return one datum that needs no arrays to be cast; None of any other."""
        if type(data) is not dict or not data.keys() <= self._defaults.keys():
            return None
        values: dict[str, Any] = {}
        for f in self._fields:
            value = values[f.name] = data.get(f.name, self._defaults[f.name])
            if f.kind == "string":
                if type(value) is not str:
                    return None
            elif type(value) is not f.exact or not f.low <= value <= f.high:
                return None
        return values

    def _refuse_unknown(self, errors: dict[int, list[str]], i: int, names: Any) -> None:
        unknown = [name for name in names if name not in self._defaults]
        errors.setdefault(i, []).append(
            f"$: {first_three(map(repr, unknown))} is no field; it has "
            f"{', '.join(self._defaults) or 'none'}"
        )

    def _finish(self, given: dict[str, Any], errors: dict[int, list[str]], n: int) -> Columns:
        values: dict[str, Any] = {}
        for f in self._fields:
            cast = self._cast(f, given.get(f.name), n)
            values[f.name] = cast.values
            for i, line in cast.errors.items():
                errors.setdefault(i, []).append(line)
        is_good = np.ones(n, np.bool_)
        is_good[list(errors)] = False
        return Columns(self.component, values, is_good, dict(sorted(errors.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._world, self.component)  # a copy is of the world's copy

    @property
    def _world(self) -> World:
        """The world; one without entities when it is gone, as they are with it."""
        storage = self._storage()
        return World() if storage is None else World._of(storage)

    def _cast(self, field: Field, given: Any, n: int) -> Cast:
        """Cast the values of a field, the default in the gaps."""
        default = self._defaults[field.name]
        if given is None and default is not _REQUIRED and not _is_like_a_column(field, default):
            return Cast(default, {})
        if isinstance(given, (Coded, Texts)):
            if field.kind == "string":
                return Cast(given.encoded if isinstance(given, Texts) else given, {})
            given = given.tolist()
        if isinstance(given, np.ndarray) or (given is not None and are_given(given) is True):
            return cast_values(self._world, field, given)
        filled = [ABSENT] * n if given is None else list(given)
        gaps = [i for i, value in enumerate(filled) if value is ABSENT]
        for i in gaps:
            filled[i] = padding(field) if default is _REQUIRED else default
        cast = cast_values(self._world, field, filled)
        if default is _REQUIRED:
            cast.errors.update(dict.fromkeys(gaps, f"$: {field.name!r} is a required field"))
        return cast


def _array_or_values(given: Any) -> Any:
    """Return an array and strings that have no gaps as they are, other columns as Python values."""
    if isinstance(given, np.ndarray) and not given.dtype.hasobject:
        return given
    if isinstance(given, (Coded, Texts)) and is_whole(given):
        return given
    return to_values(given, ABSENT)


def _default_of(declared: dataclasses.Field[Any]) -> Any:
    if declared.default_factory is not dataclasses.MISSING:
        return freeze(declared.default_factory())
    return declared.default


def _broadcast(field: Field, value: Any, n: int) -> NDArray[Any]:
    """Return the values of a field, shape (n, *field.shape)."""
    dtype = np.dtype(object) if field.kind in ("string", "object") else field.dtype
    # A column of objects is an array of objects; any other array is one of its values.
    is_of_values = isinstance(value, np.ndarray) and (value.dtype.hasobject or not dtype.hasobject)
    if is_of_values and value.ndim == 1 + len(field.shape):
        return value  # type: ignore[no-any-return]  # an array, as was seen
    if isinstance(value, list) and not field.shape:
        return np.fromiter(value, dtype, n)
    out = np.empty((n, *field.shape), dtype)
    if dtype.hasobject:
        out.fill(value)
    else:
        out[...] = value
    return out


def _is_like_a_column(field: Field, default: Any) -> bool:
    """Tell whether one value of an object field would be taken for a value an item."""
    return field.kind == "object" and isinstance(default, np.ndarray)


def _plain(field: Field, value: Any) -> Any:
    """Return the value of one cell as a Python value, a time as NumPy's."""
    if field.kind == "object":
        return thaw(value)
    is_plain = field.kind == "string" or field.dtype.kind in "mM"
    return value if is_plain else np.asarray(value).tolist()


def _for_json(field: Field, values: Any, faults: list[str]) -> Any:
    """Return values as a column, times and objects one by one."""
    if field.kind == "object":
        return [to_plain(value, faults) for value in values]
    return _to_list(field, values) if field.dtype.kind in "mM" else values


def _to_list(field: Field, values: NDArray[Any]) -> list[Any]:
    if field.kind == "object":
        return [thaw(value) for value in values]
    return list(values) if field.dtype.kind in "mM" else values.tolist()
