"""The component that says where an entity is; it has no column.

Its one value is the place that the location index holds, so reading it asks
the index and writing it is a move.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoding import encode_if_all
from ecs_columnar.fields import object_
from ecs_columnar.schema import Component
from ecs_columnar.services.alike import to_alike
from ecs_columnar.services.codec import Columns
from ecs_columnar.services.columns import (
    are_categories,
    are_missing,
    factorize,
    factorize_list,
    to_objects,
)
from ecs_columnar.world import World


class Whereabouts(Component, id="ecs:whereabouts"):
    """Places on their way to the location index; no world has a column of it."""

    place: object_


class PlaceCodec:
    """The component type whose value is the place of an entity.

    Parameters
    ----------
    type_id : str
        "core:position", unless the world calls it something else.
    field : str
        Its one field, "locationId" as a rule: a string, a handle, or None for
        nowhere.

    Examples
    --------
    >>> codec = PlaceCodec()
    >>> codec.validate({"locationId": "harbour"})
    []
    >>> codec.validate({"locationID": "harbour"})
    ["$.locationID: no such property; did you mean 'locationId'?", '$.locationId: is required']
    """

    component = None
    is_tag = False

    def __init__(self, type_id: str = "core:position", field: str = "locationId") -> None:
        self.type_id: Final = type_id
        self.field: Final = field

    def validate(self, data: Any) -> list[str]:
        """Return everything that is wrong with one datum, a line each."""
        if not isinstance(data, Mapping):
            return [f"$: {data!r} is no object; give {{{self.field!r}: ...}}"]
        errors = [self._unknown(name) for name in data if name != self.field]
        if self.field not in data:
            return [*errors, f"$.{self.field}: is required"]
        if not is_place(data[self.field]):
            errors.append(f"$.{self.field}: {data[self.field]!r} is no place; give an id, or None")
        return errors

    def to_columns(self, items: Sequence[Any]) -> Columns:
        """Turn a datum an item into places."""
        places = self._places(items)
        texts = None if places is None or len(places) < _FEW else encode_if_all(places)
        if texts is not None:
            return Columns(Whereabouts, {"place": Texts(texts)}, np.ones(len(items), np.bool_), {})
        if places is None or not _PLAIN.issuperset(map(type, places)):
            return self._checked(items)
        values = _objects(places) if len(places) < _FEW else _coded(places)
        return Columns(Whereabouts, {"place": values}, np.ones(len(items), np.bool_), {})

    def from_arrays(self, arrays: Mapping[str, Any], n: int) -> Columns:
        """Turn a column of places into places."""
        if set(arrays) != {self.field}:
            names = [*arrays]
            return self._checked([dict.fromkeys(names)] * n)
        column = arrays[self.field]
        if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
            column = column.astype(np.int64, copy=False)
            return Columns(Whereabouts, {"place": column}, np.ones(n, np.bool_), {})
        places, is_plain = to_places(column)
        if not is_plain:
            return self._checked([{self.field: place} for place in to_objects(places).tolist()])
        return Columns(Whereabouts, {"place": places}, np.ones(n, np.bool_), {})

    def decode(self, component: Any, n: int) -> list[dict[str, Any]]:
        """Turn places back into a datum an item."""
        return [{self.field: place} for place in _objects(component.place, n).tolist()]

    def to_arrays(self, component: Any, n: int) -> dict[str, Any]:
        """Turn places into a column, for a DataFrame."""
        return {self.field: _objects(component.place, n)}

    def read(self, world: World, entities: Any) -> list[dict[str, Any]]:
        """Return where entities are."""
        return [{self.field: place} for place in world.locations.of(entities).tolist()]

    def read_one(self, world: World, entity: Any) -> dict[str, Any]:
        """Return where one entity is."""
        return {self.field: world.locations.of(entity)}

    def _places(self, items: Sequence[Any]) -> list[Any] | None:
        """Return the places of mappings that hold nothing else; None if they do."""
        alike = to_alike(items)
        if alike is not None:
            return alike.values(self.field) if len(alike.columns) == 1 else None
        if not _MAPPINGS.issuperset(map(type, items)) or not {1}.issuperset(map(len, items)):
            return None
        try:
            return list(map(itemgetter(self.field), items))
        except KeyError:
            return None

    def _checked(self, items: Sequence[Any]) -> Columns:
        errors = {
            i: lines
            for i, item in enumerate(items)
            if not self._is_plain(item) and (lines := self.validate(item))
        }
        is_good = np.ones(len(items), np.bool_)
        is_good[list(errors)] = False
        places = [None if i in errors else item[self.field] for i, item in enumerate(items)]
        return Columns(Whereabouts, {"place": _objects(places)}, is_good, errors)

    def _is_plain(self, item: Any) -> bool:
        """Tell whether a datum is surely valid, in a tenth of the time that `validate` takes."""
        return type(item) is dict and len(item) == 1 and type(item.get(self.field, 0)) in _PLAIN

    def _unknown(self, name: Any) -> str:
        near = difflib.get_close_matches(str(name), [self.field], 1)
        remedy = f"; did you mean {near[0]!r}?" if near else ""
        return f"$.{name}: no such property{remedy}"


def is_place(value: Any) -> bool:
    """Tell whether a value can name a place, None for nowhere."""
    if isinstance(value, (bool, np.bool_)):
        return False
    return value is None or isinstance(value, (str, int, np.integer))


_FEW: Final = 64  # places that are not worth to be told apart
_PLAIN: Final = frozenset({str, type(None)})
_MAPPINGS: Final = frozenset({dict, MappingProxyType})


def to_places(column: Any) -> tuple[NDArray[np.object_] | Coded, bool]:
    """Return a column as places, and whether all are strings or None; categories as `Coded`."""
    if isinstance(column, Coded):
        places, is_plain = _plain(column.texts)
        return column.with_texts(places), is_plain
    if not are_categories(column):
        return _plain(to_objects(column))
    codes, names = factorize(column)
    places, is_plain = _plain(to_objects(names))
    return Coded(codes, places), is_plain


def _coded(places: list[Any]) -> Coded:
    """Tell the distinct places: there are fewer of them than entities as a rule."""
    codes, names = factorize_list(places)
    return Coded(codes, to_objects(names))


def _plain(places: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """Return places with None in gaps, and whether all are strings or None."""
    types = set(map(type, places.tolist()))
    if not types <= _PLAIN:
        places = places.copy()
        places[are_missing(places)] = None
        types = set(map(type, places.tolist()))
    return places, types <= _PLAIN


def _objects(values: Any, n: int = 1) -> NDArray[Any]:
    if isinstance(values, (Coded, Texts)):
        return to_objects(values)
    if isinstance(values, np.ndarray) and values.ndim:
        return values
    array = np.empty(len(values) if isinstance(values, list) else n, object)
    array[:] = values
    return array
