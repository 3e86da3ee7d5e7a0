"""Entities put into places, which may be named in all ways at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Coded, Texts
from ecs_columnar.entity import Entity
from ecs_columnar.operations.move import Moved
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.columns import Column, are_categories, factorize, to_objects
from ecs_columnar.services.lookup import is_handle
from ecs_columnar.services.place_codec import to_places
from ecs_columnar.world import World

_PLAIN: Final = frozenset({str, type(None)})


def relocate(catalogue: Catalogue, entities: NDArray[np.int64], places: Any) -> Moved:
    """Move living entities in order, and tell who listens.

    Parameters
    ----------
    catalogue : Catalogue
    entities : int64 array, shape (n,)
        One that is there again moves again.
    places : place, or array of ``n`` places
        Strings, None, and handles of living entities, in any mixture.
    """
    moves = moved(catalogue.world, entities, places)
    tell_moves(catalogue, entities, moves)
    return moves


def moved(world: World, entities: NDArray[np.int64], places: Any) -> Moved:
    """Move living entities in order, as `relocate` does, and tell nobody."""
    runs = uniform(places, entities.shape[0])
    if entities.shape[0] == 1:
        return _moved_one(world, entities, runs[0][1])
    if len(runs) == 1:
        return world.locations.move(entities, runs[0][1])
    parts = [world.locations.move(entities[rows], some) for rows, some in runs]
    before, after = (np.concatenate(codes) for codes in zip(*parts, strict=True))
    return Moved(before, after)


def _moved_one(world: World, entities: NDArray[np.int64], place: Any) -> Moved:
    """Move one entity the short way that the core has for one, where it has one."""
    before = world.locations.codes_of(entities)
    Entity(world._storage, int(entities[0])).move(place)
    return Moved(before, world.locations.codes_of(entities))


def tell_moves(catalogue: Catalogue, entities: NDArray[np.int64], moves: Moved) -> None:
    """Tell who listens of the moves that changed something."""
    if not catalogue.events.is_heard("entity_moved"):
        return
    names, rows = catalogue.world.locations.names, moves.has_moved
    catalogue.events.tell(
        "entity_moved",
        entities[rows],
        old_location_ids=lambda: names(moves.before[rows]),
        new_location_ids=lambda: names(moves.after[rows]),
    )


def place_array(column: Column) -> NDArray[Any] | Coded:
    """Return a column of places as `relocate` takes them: integers, objects or `Coded`."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
        return column.astype(np.int64, copy=False)
    if are_categories(column):
        places, is_plain = to_places(column)
        if is_plain:
            return places
    return to_objects(column)


def uniform(places: Any, n: int) -> list[tuple[slice, Any]]:
    """Cut places into runs that are all handles, or all strings and None."""
    if not isinstance(places, np.ndarray) or places.dtype.kind in "iu":  # one, `Coded` or `Texts`
        return [(slice(0, n), places)]
    values = places.tolist()
    if n == 1:
        return [(slice(0, 1), values[0])]
    if _PLAIN.issuperset(map(type, values)):
        return [(slice(0, n), values)]
    are_handles = np.fromiter(map(is_handle, values), np.bool_, n)
    bounds = [0, *(np.flatnonzero(np.diff(are_handles)) + 1).tolist(), n]
    runs = [slice(a, b) for a, b in itertools.pairwise(bounds)]
    return [
        (run, np.array(values[run], np.int64) if are_handles[run.start] else values[run])
        for run in runs
    ]


def gathered(parts: Sequence[tuple[NDArray[np.intp], Any]], n: int) -> Any:
    """Put the places of some of ``n`` entities each together: coded where all are strings.

    Parameters
    ----------
    parts : sequence of (intp array, shape (k,), places)
        Which entities, and one place for all of them or one each.
    n : int
    """
    parts = [(rows, _coded(some) if type(some) is Texts else some) for rows, some in parts]
    types = {type(place) for _, place in parts}
    if Coded in types and types <= {Coded, *_PLAIN}:
        return _gathered_codes(parts, n)
    places = np.full(n, None, object)
    for rows, some in parts:
        places[rows] = some.objects() if isinstance(some, Coded) else some
    return places


def _coded(texts: Texts) -> Coded:
    codes, distinct = factorize(texts)
    return Coded(codes, to_objects(distinct))


def _gathered_codes(parts: Sequence[tuple[NDArray[np.intp], Any]], n: int) -> Coded:
    codes = np.empty(n, np.intp)
    texts: list[NDArray[np.object_]] = []  # parts of one column share theirs
    for rows, some in parts:
        coded = some if isinstance(some, Coded) else Coded(np.zeros(1, np.intp), to_objects([some]))
        codes[rows] = coded.codes + _put(texts, coded.texts)
    return Coded(codes, texts[0] if len(texts) == 1 else np.concatenate(texts))


def _put(texts: list[NDArray[np.object_]], more: NDArray[np.object_]) -> int:
    """Add texts, unless they are there; return where they start."""
    start = 0
    for each in texts:
        if each is more:
            return start
        start += each.shape[0]
    texts.append(more)
    return start


def dead_rows(world: World, places: NDArray[Any] | Coded | Texts) -> NDArray[np.intp] | list[int]:
    """Return which places are handles of no living entity."""
    if isinstance(places, (Coded, Texts)):
        return []
    if places.dtype.kind in "iu":
        return np.flatnonzero(~world.alive(places))
    values = places.tolist()
    if _PLAIN.issuperset(map(type, values)):
        return []
    return [i for i, value in enumerate(values) if is_handle(value) and int(value) not in world]
