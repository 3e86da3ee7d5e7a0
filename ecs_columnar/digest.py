"""A hash of everything that decides the future of a world.

Equal contents have equal digests, in any process, on any platform of the same
byte order: strings count as strings and not as the codes they happen to have,
component types as their ids, and of arrays what is used.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.content import Content, TableContent, strings_of
from ecs_columnar.dtypes import CODE, NO_CODE
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Field
from ecs_columnar.strings import StringTable


class Hasher:
    """Feeds values to a hash, each with its kind and length, so that none run together."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = xxhash.xxh3_128()

    def hexdigest(self) -> str:
        """Return the hash of what was fed, 32 hexadecimal digits."""
        return self._hash.hexdigest()

    def text(self, *texts: str) -> None:
        """Feed strings."""
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            self._hash.update(b"s%d:" % len(data) + data)

    def number(self, *numbers: int) -> None:
        """Feed integers."""
        for number in numbers:
            self._hash.update(b"i%d;" % number)

    def array(self, array: NDArray[Any]) -> None:
        """Feed an array of numbers: dtype, shape and bytes."""
        self.text(array.dtype.str)
        self.number(*array.shape)
        self._hash.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)

    def strings(self, codes: NDArray[np.int32], table: StringTable) -> None:
        """Feed the strings of codes: each distinct one once, and which are which."""
        labels, order = np.empty(codes.shape[0], CODE), np.empty(codes.shape[0], CODE)
        numbers = np.full(table.n_codes, NO_CODE, CODE)
        n_distinct = kernels.rows.number_codes(codes, numbers, labels, order)
        self.array(labels)
        data, lengths = table.joined(order[:n_distinct])
        self.array(lengths)
        self.array(data)

    def value(self, value: Any) -> None:
        """Feed a frozen Python value; mappings and sets in an order of their own."""
        if isinstance(value, Mapping):
            self._unordered("m", [(key, item) for key, item in value.items()])
        elif isinstance(value, (set, frozenset)):
            self._unordered("f", value)
        elif isinstance(value, (tuple, list)):
            self.text("t")
            self.number(len(value))
            for item in value:
                self.value(item)
        elif isinstance(value, np.ndarray) and value.dtype != object:
            self.array(value)
        elif isinstance(value, (bool, int, float, str, bytes, type(None))):
            self.text(type(value).__name__, repr(value))
        else:
            self._hash.update(pickle.dumps(value, protocol=4))

    def _unordered(self, kind: str, items: Iterable[Any]) -> None:
        digests = sorted(map(hash_of, items))
        self.text(kind, *digests)
        self.number(len(digests))


def hash_of(value: Any) -> str:
    """Hash a frozen Python value, as `Hasher.value` feeds it."""
    hasher = Hasher()
    hasher.value(value)
    return hasher.hexdigest()


def digest(content: Content) -> str:
    """Hash a content; see `World.digest`. O(content)."""
    hasher = Hasher()
    _feed_tick(hasher, content)
    _feed_entities(hasher, content)
    pools = {key: strings_of(state) for key, state in content.pools.items()}
    hasher.number(len(content.tables))
    for table in content.tables:
        _feed_table(hasher, table, pools)
    for _, (table, _) in sorted(content.sparse.items(), key=lambda found: found[0].type_id):
        if table.length:
            _feed_table(hasher, table, pools)
    _feed_names(hasher, content)
    _feed_places(hasher, content)
    _feed_definitions(hasher, content)
    for name, state in sorted(content.generators.states.items()):
        hasher.text("generator", name)
        hasher.value(state)
    return hasher.hexdigest()


def digests(content: Content) -> dict[str, str]:
    """Hash one by one, by name, what has no row in a `difference`. O(content)."""
    found = {}
    for name, feed in _OTHERS.items():
        hasher = Hasher()
        feed(hasher, content)
        found[name] = hasher.hexdigest()
    for name, state in content.generators.states.items():
        found[f"generator {name!r}"] = hash_of(state)
    return found


def _feed_tick(hasher: Hasher, content: Content) -> None:
    hasher.number(content.tick)


def _feed_rows(hasher: Hasher, content: Content) -> None:
    for table in content.tables:
        hasher.text(*sorted(component.type_id for component in table.columns))
        hasher.array(table.handles[: table.length])


def _feed_definitions(hasher: Hasher, content: Content) -> None:
    for definition in content.definitions.values():
        hasher.text("definition", definition.id)
        for component in definition.components:
            hasher.text(type(component).__schema__.type_id)
            hasher.value({f.name: getattr(component, f.name) for f in component.__schema__.fields})


def _feed_entities(hasher: Hasher, content: Content) -> None:
    records, free, counters = content.entities
    n_used, n_free, n_retired = counters.tolist()
    hasher.number(n_used, n_free, n_retired)
    hasher.array(records["generation"][:n_used])
    hasher.array(free[:n_free])


def _feed_table(
    hasher: Hasher, table: TableContent, pools: Mapping[tuple[ComponentType, str], StringTable]
) -> None:
    n = table.length
    types = sorted(table.columns, key=lambda component: component.type_id)
    hasher.number(n, len(types))
    hasher.array(table.handles[:n])
    for component in types:
        hasher.text(component.type_id)
        for field, array in zip(component.fields, table.columns[component], strict=True):
            hasher.text(field.name)
            _feed_column(hasher, field, array[:n], pools.get((component, field.name)))


def _feed_column(
    hasher: Hasher, field: Field, values: NDArray[Any], pool: StringTable | None
) -> None:
    if pool is not None:
        hasher.strings(values, pool)
    elif field.kind == "object":
        for value in values.tolist():
            hasher.value(value)
    else:
        hasher.array(values)


def _feed_names(hasher: Hasher, content: Content) -> None:
    _, symbol_of, n_named = content.names
    indices = np.flatnonzero(symbol_of >= 0)
    hasher.number(n_named)
    hasher.array(indices)
    hasher.strings(symbol_of[indices], strings_of(content.symbols))


def _feed_places(hasher: Hasher, content: Content) -> None:
    _, _, symbols, entities, n_places = content.places
    hasher.number(n_places)
    hasher.array(entities[:n_places])
    is_named = symbols[:n_places] >= 0
    hasher.array(is_named)
    hasher.strings(symbols[:n_places][is_named], strings_of(content.symbols))
    counts, members = content.members()
    hasher.array(counts)
    hasher.array(members)


_OTHERS: Final[Mapping[str, Callable[[Hasher, Content], None]]] = {
    "the tick": _feed_tick,
    "generations and the free list": _feed_entities,
    "the order of rows": _feed_rows,
    "ids": _feed_names,
    "the order within places": _feed_places,
    "definitions": _feed_definitions,
}
