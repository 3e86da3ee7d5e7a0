"""Everything that counts in a world, so that two states can be compared bit by bit.

The walk follows attributes, slots, mappings and sequences, and writes down
every array and every plain value that it comes by, under the path that led
there. An array whose capacity is larger than its contents is cut to what
counts by a rule below; an array that no rule knows is compared whole, so that
what is new in the storage is seen without anybody thinking of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from tests.strategies import plain_object

Fingerprint = dict[str, Any]

# ``structure`` moves when a change is only tried; ``attachments`` are not the core's; the
# others are classes and what is made of them, and who is at work.
IGNORED = frozenset(
    {"structure", "attachments", "cells", "views", "schema", "log", "transaction", "_publisher"}
    | {"_plain_sets"}
    # What loops have handed out, which is forgotten when somebody asks for it.
    | {"exposed", "_loops"}
)


def fingerprint(world: object) -> Fingerprint:
    """Write down every array and every plain value that a world holds, by path."""
    found: Fingerprint = {}
    _walk(world, "world", found, {})
    return found


def digest(world: object) -> str:
    """Hash the fingerprint; equal in any process for equal arrays."""
    text = "\n".join(f"{path}={value!r}" for path, value in sorted(fingerprint(world).items()))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def differences(before: Fingerprint, after: Fingerprint) -> list[str]:
    """Return the paths under which two fingerprints differ."""
    return [
        path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)
    ]


def assert_unchanged(before: Fingerprint, world: object) -> None:
    """Fail, naming the paths, when the world is not bit-identical to before."""
    changed = differences(before, fingerprint(world))
    assert not changed, f"changed: {', '.join(changed[:8])}"


def n_arrays(found: Fingerprint) -> int:
    """Return how many arrays a fingerprint has, so that a test knows it saw some."""
    return sum(isinstance(value, tuple) for value in found.values())


# -- the walk -------------------------------------------------------------------------


def _walk(value: object, path: str, found: Fingerprint, seen: dict[int, object]) -> None:
    if value is None or isinstance(value, (bool, int, float, str, bytes, np.generic, np.dtype)):
        found[path] = repr(value)
    elif isinstance(value, np.ndarray):
        found[path] = (value.dtype.str, value.shape, _content(value))
    elif id(value) not in seen and not isinstance(value, type):
        seen[id(value)] = value
        for name, part in _parts(value):
            _walk(part, path + name, found, seen)


def _content(array: np.ndarray) -> object:
    if array.dtype == object:
        return [repr(_ordered(plain_object(item))) for item in array.ravel()]
    return array.tobytes()


def _ordered(value: Any) -> Any:
    """Give sets an order that does not hang on the hash seed."""
    if isinstance(value, frozenset):
        return sorted(repr(_ordered(item)) for item in value)
    if isinstance(value, tuple):
        return tuple(map(_ordered, value))
    if isinstance(value, dict):
        return {key: _ordered(item) for key, item in value.items()}
    return value


def _parts(value: object) -> list[tuple[str, object]]:
    if isinstance(value, (dict, MappingProxyType)):
        return [(f"[{_key(key)}]", item) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [(f"[{i}]", item) for i, item in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return [(f"{{{i}}}", item) for i, item in enumerate(sorted(value, key=_key))]
    rule = RULES.get(type(value).__name__)
    attributes = dict(_attributes(value)) if rule is None else rule(value)
    return [(f".{name}", part) for name, part in attributes.items() if name not in IGNORED]


def _key(key: object) -> str:
    return key.__qualname__ if isinstance(key, type) else repr(key)


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    if not type(value).__module__.startswith(("ecs_columnar", "tests")):
        return
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                yield name, getattr(value, name)
    yield from vars(value).items() if hasattr(value, "__dict__") else ()


# -- what counts of an array with spare capacity --------------------------------------


def _table(table: Any) -> Mapping[str, object]:
    n = table.length
    return {
        "number": table.number,
        "mask": table.mask,
        "length": n,
        "handles": table.handles.data[:n],
        "columns": {
            component.type_id: [c.data[:n] for c in columns]
            for component, columns in table.columns.items()
        },
    }


def _entities(entities: Any) -> Mapping[str, object]:
    return {
        "records": entities.records[: entities.n_used],
        "free": entities.free[: entities.n_free],
        "n": (entities.n_used, entities.n_free, entities.n_retired, entities.n_alive),
    }


def _string_table(table: Any) -> Mapping[str, object]:
    pool = table._pool
    counts = (table._n_codes, table._n_free, table._n_bytes, table._n_waste, table._n_discards)
    return {
        "free": table._free[: table._n_free],
        "records": pool.records[: table._n_codes],
        "arena": pool.arena[: table._n_bytes],
        # A growth spreads them over more slots; which there are stays the same.
        "slots": np.unique(pool.slots),
        "seed": pool.seed,
        "counts": counts,
    }


def _names(names: Any) -> Mapping[str, object]:
    return {
        "handle_of": _trimmed(names.handle_of, 0),
        "symbol_of": _trimmed(names.symbol_of, -1),
        "n_named": names.n_named,
    }


def _places(places: Any) -> Mapping[str, object]:
    n = places.n_places
    return {
        "code_of_symbol": _trimmed(places.code_of_symbol, -1),
        "code_of_index": _trimmed(places.code_of_index, -1),
        "symbols": places.symbols[:n],
        "entities": places.entities[:n],
        "n_places": n,
    }


def _sparse_set(sparse: Any) -> Mapping[str, object]:
    return {"slots": _trimmed(sparse.slots, -1), "table": sparse.table}


def _location_index(index: Any) -> Mapping[str, object]:
    starts, counts = index.groups["start"].tolist(), index.groups["count"].tolist()
    groups = [index.members[start : start + n] for start, n in zip(starts, counts, strict=True)]
    while groups and not groups[-1].shape[0]:
        groups.pop()
    is_somewhere = index.records["location"] >= 0
    n_used = _trimmed(index.records["location"], -1).shape[0]
    return {
        # Where nobody is, the slot holds anything; so does the slack between groups.
        "locations": index.records["location"][:n_used],
        "slots": np.where(is_somewhere, index.records["slot"], -1)[:n_used],
        "members": groups,
        "arrivals": _trimmed(index.arrivals, 0),
        "n_placed": index.n_placed,
    }


def _trimmed(array: np.ndarray, fill: int) -> np.ndarray:
    """Cut off the end that holds nothing."""
    used = np.flatnonzero(array != fill)
    return array[: used[-1] + 1 if used.shape[0] else 0]


RULES: dict[str, Callable[[Any], Mapping[str, object]]] = {
    "Table": _table,
    "Entities": _entities,
    "StringTable": _string_table,
    "Names": _names,
    "Places": _places,
    "SparseSet": _sparse_set,
    "LocationIndex": _location_index,
}
