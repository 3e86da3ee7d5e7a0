"""Instances as Arrow columns, exactly: what columns do not say is written as JSON.

A component becomes a column a property if reading them gives the same columns
of the world again, bit by bit; a column of JSON texts otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.encoding import Coded, Encoded
from ecs_columnar.errors import EcsColumnarError
from ecs_columnar.io.arrow_columns import scattered, to_arrow
from ecs_columnar.io.json_text import write_lines
from ecs_columnar.services.codec import Codec
from ecs_columnar.services.columns import are_missing, to_objects
from ecs_columnar.services.instance_export import InstanceExport


def export_columns(export: InstanceExport) -> dict[str, Any]:
    """Return the columns of all instances, by name, as Arrow arrays of one length."""
    columns = {
        "instance_id": to_arrow(export.ids),
        "definition_id": to_arrow(export.definition_ids, few=True),
    }
    for type_id, mask in export.written.items():
        if mask.any():
            columns |= _component(export, type_id, np.flatnonzero(mask))
    return columns


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
    places = export.places[rows]
    if None in places.tolist():
        return None  # nowhere is a place; a gap is none
    return {export.catalogue.place.field: to_arrow(places, few=True)}


def _properties(
    export: InstanceExport, codec: Codec, rows: NDArray[np.intp]
) -> dict[str, Any] | None:
    """Return the columns of a component by property; None if they do not say all of it."""
    world, n = export.catalogue.world, rows.shape[0]
    component = world.get(export.handles[rows], export.catalogue.class_of(codec.type_id))
    arrays = codec.to_arrays(component, n)
    if not arrays:
        data = codec.decode(component, n)
        return None if any(data) else {"": to_arrow(np.ones(n, np.bool_))}
    if any(not name or "." in name for name in arrays):
        return None
    columns = {name: to_arrow(array) for name, array in arrays.items()}
    if None in columns.values() or not _are_same(codec, columns, component, n):
        return None
    return columns


def _are_same(codec: Codec, columns: dict[str, Any], component: Any, n: int) -> bool:
    """Tell whether columns lead to the same component."""
    is_there = np.zeros(n, np.bool_)
    for column in columns.values():
        is_there |= ~are_missing(column)
    if not is_there.all():
        return False
    try:
        back = codec.from_arrays(columns, n)
    except EcsColumnarError:
        return False
    return not back.errors and all(
        _equal(getattr(back.component, name), getattr(component, name), n) for name in back.values
    )


def _equal(a: Any, b: Any, n: int) -> bool:
    a, b = (to_objects(v) if isinstance(v, (Coded, Encoded)) else np.asarray(v) for v in (a, b))
    if a.dtype == object or b.dtype == object:
        a, b = np.broadcast_to(a.astype(object), n), np.broadcast_to(b.astype(object), n)
        return bool(a.tolist() == b.tolist())
    if a.dtype.kind == "f":
        return bool(np.array_equal(a, b, equal_nan=True) and (np.signbit(a) == np.signbit(b)).all())
    return bool((a == b).all())
