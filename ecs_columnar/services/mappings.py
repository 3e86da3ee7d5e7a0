"""Items that are mappings, looked at a property at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.services.alike import Alike, to_alike
from ecs_columnar.services.columns import are_all
from ecs_columnar.services.json_schema.kinds import ABSENT, Absent


def to_mappings(items: Sequence[Any]) -> tuple[Sequence[dict[str, Any]], NDArray[np.bool_]]:
    """Return the items as dicts, an empty one for what is no mapping, and which these are.

    A mapping of another class is copied: it may make up what it is asked for, as a
    `defaultdict` does.
    """
    is_bad = np.zeros(len(items), np.bool_)
    alike = to_alike(items)
    if alike is not None:
        return alike, is_bad
    items = list(items)
    if are_all(items, dict):
        return items, is_bad
    is_bad[:] = [not isinstance(item, Mapping) for item in items]
    data = [item if type(item) is dict else _as_dict(item) for item in items]
    return data, is_bad


def _as_dict(item: Any) -> dict[str, Any]:
    return dict(item) if isinstance(item, Mapping) else {}


def values_of(data: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """Return the values of a property, `ABSENT` where an item has none."""
    if isinstance(data, Alike) and data.is_alike:
        found = data.values(name)
        return [ABSENT] * len(data) if found is None else found
    try:
        return list(map(itemgetter(name), data))
    except KeyError:
        return [item.get(name, ABSENT) for item in data]


def to_dicts(values: Mapping[str, Iterable[Any]], n: int) -> list[dict[str, Any]]:
    """Return a dict an item of columns of ``n`` values, without what is `ABSENT`.

    A column at a time: a quarter of the time of a dict of a zipped row.
    """
    items: list[dict[str, Any]] = [{} for _ in range(n)]
    for name, column in values.items():
        for item, value in zip(items, column, strict=True):
            if value is not ABSENT:
                item[name] = value
    return items


def are_given(values: Sequence[Any]) -> NDArray[np.bool_] | bool:
    """Tell which values are not `ABSENT`; True if all are."""
    if Absent not in set(map(type, values)):
        return True
    return np.array([value is not ABSENT for value in values], np.bool_)


def have_more(
    data: Sequence[Mapping[str, Any]], given: Sequence[NDArray[np.bool_] | bool]
) -> list[int]:
    """Return the items that have more properties than those that are given.

    Parameters
    ----------
    data : sequence of mappings, length n
    given : sequence of bool array, shape (n,), or bool
        Of each property that is known, which items have it.
    """
    are_everywhere = all(has_it is True for has_it in given)
    if are_everywhere and _numbers_of_keys(data) <= {len(given)}:
        return []
    n_known = np.zeros(len(data), np.intp)
    for has_it in given:
        n_known += has_it
    n_all = np.fromiter(map(len, data), np.intp, len(data))
    found: list[int] = np.flatnonzero(n_all > n_known).tolist()
    return found


def _numbers_of_keys(data: Sequence[Mapping[str, Any]]) -> set[int]:
    if isinstance(data, Alike) and data.is_alike:
        return {len(data.columns)}
    return set(map(len, data))


def not_a_mapping(item: object) -> str:
    """Return the error of an item that is no mapping."""
    return f"$: {item!r} is not of type 'object'"
