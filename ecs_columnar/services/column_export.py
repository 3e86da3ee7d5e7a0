"""Instances as Arrow columns, exactly: what columns do not say is written as JSON.

A component becomes a column a property if reading them gives the same columns
of the world again, bit by bit; a column of JSON texts otherwise.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.encoding import encode
from ecs_columnar.errors import EcsColumnarError, InvalidArgumentError, first_three
from ecs_columnar.io.arrow_output import scattered, to_arrow
from ecs_columnar.io.json_text import write_lines
from ecs_columnar.services.codec import Codec
from ecs_columnar.services.columns import are_missing, factorize_list, to_objects
from ecs_columnar.services.instance_export import InstanceExport, has_columns
from ecs_columnar.services.items import camel
from ecs_columnar.services.stored import stored

_FIELDS: Final = frozenset(
    spelling
    for name in ("instance_id", "definition_id", "component_overrides", "opts")
    for spelling in (name, camel(name))
)
"""Columns that are taken for something else than a component when they are read."""


def export_columns(export: InstanceExport) -> dict[str, Any]:
    """Return the columns of all instances, by name, as Arrow arrays of one length.

    Raises
    ------
    InvalidArgumentError
        When UTF-8 cannot say what an entity is, or columns are called as a component type.
    """
    columns = {
        "instance_id": _ids(export),
        "definition_id": to_arrow(export.definitions, few=True),
    }
    for type_id, mask in export.written.items():
        if mask.any():
            _refuse_name_of_field(type_id)
            columns |= _component(export, type_id, np.flatnonzero(mask))
    return columns


def _refuse_name_of_field(type_id: str) -> None:
    if type_id in _FIELDS:
        raise InvalidArgumentError(
            "world",
            type_id,
            f"cannot write {type_id} as a column: items have a field of this name; write JSON or "
            "NDJSON, or save a checkpoint instead",
        )


def _ids(export: InstanceExport) -> Any:
    array = to_arrow(export.ids_as_bytes())
    if array is not None:
        return array
    faults = [name for name in export.ids.tolist() if to_arrow([name]) is None]
    raise InvalidArgumentError(
        "world",
        faults,
        f"cannot write {len(faults)} of {len(export)} entities ({first_three(map(repr, faults))}): "
        "UTF-8 has no lone surrogates; give them other ids, or save a checkpoint instead",
    )


def _component(export: InstanceExport, type_id: str, rows: NDArray[np.intp]) -> dict[str, Any]:
    n = len(export)
    codec = export.catalogue.codec(type_id)
    is_place = type_id == export.catalogue.place.type_id
    found = _places(export, rows) if is_place else _properties(export, codec, rows)
    known = export.catalogue.components
    if found is None or any(f"{type_id}.{name}" in known for name in found):
        return _as_json(export, type_id, rows)
    return {
        f"{type_id}.{name}" if name else type_id: scattered(array, rows, n)
        for name, array in found.items()
    }


def _as_json(export: InstanceExport, type_id: str, rows: NDArray[np.intp]) -> dict[str, Any]:
    texts = [line.decode() for line in write_lines(export.data(type_id, rows), export.ids[rows])]
    return {type_id: scattered(to_arrow(np.array(texts, object)), rows, len(export))}


def _places(export: InstanceExport, rows: NDArray[np.intp]) -> dict[str, Any] | None:
    places = export.places
    places = places if rows.shape[0] == len(export) else places[rows].distinct()
    if None in places.texts.tolist():
        return None  # nowhere is a place; a gap is none
    array = to_arrow(places, few=True)
    return None if array is None else {export.catalogue.place.field: array}


def _properties(
    export: InstanceExport, codec: Codec, rows: NDArray[np.intp]
) -> dict[str, Any] | None:
    """Return the columns of a component by property; None if they do not say all of it."""
    world, n = export.catalogue.world, rows.shape[0]
    entities = export.everyone if n == len(export) else export.handles[rows]
    cls = export.catalogue.class_of(codec.type_id)
    if has_columns(codec):
        component = stored(world, entities, cls)
        arrays = codec.to_arrays(component, n, as_objects=False)
    else:
        component = world.get(entities, cls)
        arrays = codec.to_arrays(component, n)
    if not arrays:
        is_tag = codec.is_tag and not any(codec.decode(component, n))
        return {"": to_arrow(np.ones(n, np.bool_))} if is_tag else None
    if any(not name or "." in name for name in arrays):
        return None
    columns = {name: to_arrow(array) for name, array in arrays.items()}
    if None in columns.values() or not _are_same(codec, arrays, columns, component):
        return None
    return columns


def _are_same(
    codec: Codec, arrays: dict[str, Any], columns: dict[str, Any], component: Any
) -> bool:
    """Tell whether Arrow columns, made of arrays, lead to the same component."""
    n = len(next(iter(columns.values())))
    is_there = np.zeros(n, np.bool_)
    for column in columns.values():
        is_there |= ~are_missing(column)
    if not is_there.all():
        return False
    read = {name: array if _is_exact(array) else columns[name] for name, array in arrays.items()}
    try:
        back = codec.from_arrays(read, n)
    except EcsColumnarError:
        return False
    return not back.errors and all(
        _equal(getattr(back.component, name), getattr(component, name), n) for name in back.values
    )


def _is_exact(array: Any) -> bool:
    """Tell whether an array is surely taken as the Arrow array that is made of it."""
    is_of_numbers = isinstance(array, np.ndarray) and array.dtype.kind in "biuf"
    return is_of_numbers or isinstance(array, (Coded, Texts))


def _equal(a: Any, b: Any, n: int) -> bool:
    if a is b:
        return True
    if isinstance(b, (Coded, Texts)):
        return _are_equal_texts(a, b)
    a, b = (to_objects(v) if isinstance(v, (Coded, Encoded)) else np.asarray(v) for v in (a, b))
    if a.dtype == object or b.dtype == object:
        a, b = np.broadcast_to(a.astype(object), n), np.broadcast_to(b.astype(object), n)
        try:
            return bool(a.tolist() == b.tolist())
        except ValueError:  # of arrays within, which are no JSON either
            return False
    if a.dtype.kind == "f":
        return bool(np.array_equal(a, b, equal_nan=True) and (np.signbit(a) == np.signbit(b)).all())
    return bool((a == b).all())


def _are_equal_texts(a: Any, b: Coded | Texts) -> bool:
    """Tell whether strings, or one for all, are those of a column."""
    if isinstance(a, str) and isinstance(b, Coded):
        return bool(b.distinct().texts.tolist() == [a])
    if isinstance(a, str):
        a = [a] * len(b)
    if isinstance(a, Coded) and isinstance(b, Coded):
        if a.codes is b.codes and a.texts.tolist() == b.texts.tolist():
            return True
        numbers, _ = factorize_list([*a.texts.tolist(), *b.texts.tolist()])
        of_a, of_b = np.split(numbers, [a.texts.shape[0]])
        return bool(np.array_equal(of_a[a.codes], of_b[b.codes]))
    pairs = zip(*(encode(each, missing=True).joined() for each in (a, b)), strict=True)
    return all(np.array_equal(*pair) for pair in pairs)
