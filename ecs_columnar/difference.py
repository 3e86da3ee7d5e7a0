"""What is different between two contents of one world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecs_columnar.content import Content, TableContent, strings_of
from ecs_columnar.digest import hash_of
from ecs_columnar.names import format_handle
from ecs_columnar.registry import ComponentType

_COLUMNS = ("entity", "id", "component", "field", "before", "after")


class _Values(NamedTuple):
    """Values of some entities, by handle in increasing order."""

    handles: NDArray[np.int64]
    values: NDArray[Any]


def difference(before: Content, after: Content) -> pd.DataFrame:
    """List all that is different; see `Snapshot.diff`. O(content)."""
    parts = [
        _compare(None, "alive", _alive(before), _alive(after)),
        _compare(None, "place", _places(before), _places(after)),
    ]
    types = {t for content in (before, after) for table in _tables(content) for t in table.columns}
    for component in sorted(types, key=lambda found: found.index):
        values = dict(_fields(before, component)), dict(_fields(after, component))
        parts += [_compare(component.type_id, f, values[0][f], values[1][f]) for f in values[0]]
    frame = pd.concat(parts, ignore_index=True)
    ids = _ids(before, after, frame["entity"].to_numpy(np.int64))
    frame.insert(1, "id", pd.Series(ids, dtype=object))
    return frame


def _compare(
    component: str | None, field: str | None, before: _Values, after: _Values
) -> pd.DataFrame:
    before, after = _without_equals(before, after)
    handles = np.union1d(before.handles, after.handles)
    n = handles.shape[0]
    columns = ([component] * n, [field] * n, _aligned(before, handles), _aligned(after, handles))
    # Each as objects from the start: pandas would make None a NaN among strings.
    objects = (pd.Series(column, dtype=object) for column in columns)
    entity, _, *names = _COLUMNS
    return pd.DataFrame({entity: handles, **dict(zip(names, objects, strict=True))})


def _without_equals(before: _Values, after: _Values) -> tuple[_Values, _Values]:
    """Leave out the entities that have equal values in both."""
    _, here, there = np.intersect1d(
        before.handles, after.handles, assume_unique=True, return_indices=True
    )
    are_different = _are_different(before.values[here], after.values[there])
    return _without(before, here[~are_different]), _without(after, there[~are_different])


def _without(found: _Values, rows: NDArray[np.intp]) -> _Values:
    return _Values(np.delete(found.handles, rows), np.delete(found.values, rows, axis=0))


def _aligned(found: _Values, handles: NDArray[np.int64]) -> NDArray[Any]:
    """Return the values of handles as objects, None where there is none."""
    out = np.full(handles.shape[0], None, object)
    where = np.searchsorted(handles, found.handles)
    for i, value in zip(where.tolist(), list(found.values), strict=True):
        out[i] = value
    return out


def _are_different(old: NDArray[Any], new: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which values differ; what is not a number or a time is equal to itself."""
    if old.dtype == object:
        return np.fromiter(map(_differs, old.tolist(), new.tolist()), np.bool_, old.shape[0])
    are_different = (old != new) & ((old == old) | (new == new))
    return np.asarray(are_different.any(axis=tuple(range(1, old.ndim))))


def _differs(old: Any, new: Any) -> bool:
    if isinstance(old, str) and isinstance(new, str):
        return old != new
    return old is not new and hash_of(old) != hash_of(new)


def _sorted(handles: NDArray[np.int64], values: NDArray[Any]) -> _Values:
    order = np.argsort(handles, kind="stable")
    return _Values(handles[order], values[order])


def _tables(content: Content) -> Iterator[TableContent]:
    yield from content.tables
    yield from (table for table, _ in content.sparse.values())


def _alive(content: Content) -> _Values:
    handles = [table.handles[: table.length] for table in content.tables]
    alive = np.concatenate(handles) if handles else np.empty(0, np.int64)
    return _sorted(alive, np.full(alive.shape[0], True, object))


def _places(content: Content) -> _Values:
    _, _, symbols, entities, n_places = content.places
    names = strings_of(content.symbols).decode(symbols[:n_places])
    for i in np.flatnonzero(symbols[:n_places] < 0):
        names[i] = format_handle(entities[i])
    counts, members = content.members()
    return _sorted(members, np.repeat(names, counts))


def _fields(content: Content, component: ComponentType) -> Iterator[tuple[str | None, _Values]]:
    """Yield the values of each field; of a tag, whether it is there."""
    tables = [table for table in _tables(content) if component in table.columns]
    handles = [table.handles[: table.length] for table in tables]
    joined = np.concatenate(handles) if handles else np.empty(0, np.int64)
    if not component.fields:
        yield None, _sorted(joined, np.full(joined.shape[0], True, object))
    for number, field in enumerate(component.fields):
        arrays = [table.columns[component][number][: table.length] for table in tables]
        empty = np.empty((0, *field.shape), field.dtype)
        values = np.concatenate([empty, *arrays])
        pool = content.pools.get((component, field.name))
        yield (
            field.name,
            _sorted(joined, values if pool is None else strings_of(pool).decode(values)),
        )


def _ids(before: Content, after: Content, handles: NDArray[np.int64]) -> NDArray[Any]:
    """Return the id of each entity, in the content in which it has one."""
    ids = np.full(handles.shape[0], None, object)
    for content in (before, after):
        handle_of, _, _ = content.names
        symbols = np.flatnonzero(handle_of).astype(np.int32)
        found = pd.Series(strings_of(content.symbols).decode(symbols), handle_of[handle_of != 0])
        named = np.isin(handles, found.index)
        ids[named] = found.reindex(handles[named]).to_numpy(object)
    return ids
