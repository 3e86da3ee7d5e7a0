"""What the services know of an entity beyond its components.

It is a component itself, so that transactions, snapshots, digests and saving
cover it. Both strings are interned, and of few kinds: they are read and
written a kind at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.entity import Entity
from ecs_columnar.errors import ComponentNotFoundError
from ecs_columnar.fields import str_
from ecs_columnar.schema import Component
from ecs_columnar.selection import Selected
from ecs_columnar.services.columns import factorize
from ecs_columnar.services.stored import stored
from ecs_columnar.world import World

TypeIds = tuple[str, ...]


class Instance(Component, id="ecs:instance"):
    """Where an entity comes from, and in what it differs.

    Attributes
    ----------
    definition : str
        Id of its definition.
    overrides : str
        Ids of the component types that replace the definition's or come on top,
        in order, as a JSON array.
    """

    definition: str_
    overrides: str_


class Kind(NamedTuple):
    """A definition, and the overrides upon it.

    Attributes
    ----------
    definition_id : str or None
        None for an entity that was spawned without the services.
    overrides : tuple of str
    """

    definition_id: str | None
    overrides: TypeIds


class Kinds(NamedTuple):
    """The kinds of some entities.

    Attributes
    ----------
    codes : intp array, shape (n,)
        Which of the kinds each entity is of.
    kinds : list of Kind
    """

    codes: NDArray[np.intp]
    kinds: list[Kind]

    def where(self, holds: Callable[[Kind], bool]) -> NDArray[np.bool_]:
        """Tell for each entity whether something holds for its kind."""
        flags = np.array([holds(kind) for kind in self.kinds], np.bool_)
        if flags.all() or not flags.any():
            return np.full(self.codes.shape[0], flags.any())
        return flags[self.codes]


@lru_cache(maxsize=1024)
def parse(overrides: str) -> TypeIds:
    """Read the overrides of an instance."""
    return tuple(json.loads(overrides))


@lru_cache(maxsize=1024)
def write(type_ids: TypeIds) -> str:
    """Write the overrides of an instance."""
    return json.dumps(type_ids)


def kind_of(world: World, entity: int) -> Kind:
    """Return the kind of one living entity."""
    try:
        found = Entity(world._storage, entity)[Instance]
    except ComponentNotFoundError:
        return Kind(None, ())
    return Kind(str(found.definition), parse(str(found.overrides)))


def kinds_of(world: World, entities: NDArray[np.int64] | Selected) -> Kinds:
    """Return the kinds of living entities. O(entities)."""
    if len(entities) == 1:
        entity = entities.handles() if isinstance(entities, Selected) else entities
        return Kinds(np.zeros(1, np.intp), [kind_of(world, int(entity[0]))])
    if not isinstance(entities, Selected):
        entities = Selected(world._storage, entities)
    has = world.has(entities, Instance)
    if not has.all():
        codes = np.zeros(len(entities), np.intp)
        others = entities.handles()[has]
        found = kinds_of(world, others) if others.shape[0] else Kinds(codes[:0], [])
        codes[has] = found.codes + 1
        return Kinds(codes, [Kind(None, ()), *found.kinds])
    instances = stored(world, entities, Instance)
    definitions, definition_ids = factorize(instances.definition)
    overrides, texts = factorize(instances.overrides)
    n_pairs = len(definition_ids) * len(texts)
    pairs, codes = _numbered(definitions * len(texts) + overrides, n_pairs)
    kinds = [
        Kind(definition_ids[pair // len(texts)], parse(texts[pair % len(texts)]))
        for pair in pairs.tolist()
    ]
    return Kinds(codes, kinds)


def revise(
    world: World,
    entities: NDArray[np.int64],
    type_codes: NDArray[np.intp],
    type_ids: Sequence[str],
    change: Callable[[TypeIds, str], TypeIds],
) -> None:
    """Change the overrides of entities, one component type at a time, in order.

    Parameters
    ----------
    world : World
    entities : int64 array, shape (n,)
        Living; one that is there again is changed again. What the services have
        not made has no overrides to change.
    type_codes : intp array, shape (n,)
        Which type each change is about.
    type_ids : sequence of str
    change : callable
        Takes overrides and a type, and returns the new overrides.
    """
    if entities.shape[0] == 1:
        _revise_one(world, entities, type_ids[int(type_codes[0])], change)
        return
    known = world.has(entities, Instance)
    if not known.all():
        entities, type_codes = entities[known], type_codes[known]
    for rows in _rounds(entities):
        _revise_distinct(world, entities[rows], type_codes[rows], type_ids, change)


def with_override(overrides: TypeIds, type_id: str) -> TypeIds:
    """Add a type at the end, unless it is there."""
    return overrides if type_id in overrides else (*overrides, type_id)


def without_override(overrides: TypeIds, type_id: str) -> TypeIds:
    """Leave a type out."""
    return tuple(other for other in overrides if other != type_id)


def _revise_one(
    world: World,
    entities: NDArray[np.int64],
    type_id: str,
    change: Callable[[TypeIds, str], TypeIds],
) -> None:
    kind = kind_of(world, int(entities[0]))
    changed = change(kind.overrides, type_id)
    if kind.definition_id is not None and changed != kind.overrides:
        world.set(entities, Instance, overrides=write(changed))


def _revise_distinct(
    world: World,
    entities: NDArray[np.int64],
    type_codes: NDArray[np.intp],
    type_ids: Sequence[str],
    change: Callable[[TypeIds, str], TypeIds],
) -> None:
    codes, texts = factorize(world.get(entities, Instance).overrides)
    n_types = len(type_ids)
    pairs, inverse = np.unique(codes * n_types + type_codes, return_inverse=True)
    old = [texts[pair // n_types] for pair in pairs.tolist()]
    new = [
        write(change(parse(text), type_ids[pair % n_types]))
        for text, pair in zip(old, pairs.tolist(), strict=True)
    ]
    differs = np.array([a != b for a, b in zip(old, new, strict=True)], np.bool_)[inverse]
    if differs.any():
        values = np.array(new, object)[inverse[differs]]
        world.set(entities[differs], Instance, overrides=values)


def _numbered(keys: NDArray[np.intp], n_keys: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the keys that occur, rising, and which of them each is; there are ``n_keys`` at most.

    Without a sort, which takes twenty times as long, unless keys are few and far apart.
    """
    if n_keys > 4 * keys.shape[0] + 1024:
        distinct, inverse = np.unique(keys, return_inverse=True)
        return distinct, inverse.astype(np.intp)
    occurs = np.zeros(n_keys, np.bool_)
    occurs[keys] = True
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[keys]


def _rounds(entities: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Split rows so that no entity is twice in a part, each in the order that it has."""
    if not entities.shape[0]:
        return []
    order = np.argsort(entities, kind="stable")
    is_first = np.ones(entities.shape[0], np.bool_)
    is_first[1:] = entities[order[1:]] != entities[order[:-1]]
    starts = np.flatnonzero(is_first)
    if starts.shape[0] == entities.shape[0]:
        return [np.arange(entities.shape[0])]
    counts = np.diff(np.append(starts, entities.shape[0]))
    turns = np.arange(entities.shape[0]) - np.repeat(starts, counts)
    return [np.sort(order[turns == turn]) for turn in range(int(counts.max()))]
