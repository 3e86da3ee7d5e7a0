"""Entities put into places, which may be named in all ways at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.encoding import Encoded, encode
from ecs_columnar.operations.move import Moved
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.columns import Column, to_objects
from ecs_columnar.services.lookup import is_handle
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
    if len(runs) == 1:
        return world.locations.move(entities, runs[0][1])
    parts = [world.locations.move(entities[rows], some) for rows, some in runs]
    before, after = (np.concatenate(codes) for codes in zip(*parts, strict=True))
    return Moved(before, after)


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


def place_array(column: Column) -> NDArray[Any]:
    """Return a column of places as `relocate` takes them: integers, or objects."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "iu":
        return column.astype(np.int64, copy=False)
    return to_objects(column)


def uniform(places: Any, n: int) -> list[tuple[slice, Any]]:
    """Cut places into runs that are all handles, or all strings and None."""
    if not isinstance(places, np.ndarray) or places.dtype.kind in "iu":
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
    """Put the places of some of ``n`` entities each together: as bytes where all are strings.

    Parameters
    ----------
    parts : sequence of (intp array, shape (k,), places)
        Which entities, and one place for all of them or one each.
    n : int
    """
    if _are_texts([place for _, place in parts]):
        return _gathered_texts(parts, n)
    places = np.full(n, None, object)
    for rows, some in parts:
        places[rows] = to_objects(some.texts()) if isinstance(some, Encoded) else some
    return places


def _are_texts(places: Sequence[Any]) -> bool:
    types = set(map(type, places))
    return Encoded in types and types <= {Encoded, *_PLAIN}


def _gathered_texts(parts: Sequence[tuple[NDArray[np.intp], Any]], n: int) -> Encoded:
    starts, ends = np.zeros((2, n), np.int64)
    missing = np.zeros(n, np.bool_)
    data: list[NDArray[np.uint8]] = []  # parts of one column share theirs
    for rows, some in parts:
        strings = some if isinstance(some, Encoded) else encode([some], missing=True)
        start = _put(data, strings.data)
        starts[rows], ends[rows] = strings.starts + start, strings.ends + start
        missing[rows] = False if strings.missing is None else strings.missing
    joined = data[0] if len(data) == 1 else np.concatenate(data)
    return Encoded(joined, starts, ends, missing if missing.any() else None)


def _put(data: list[NDArray[np.uint8]], more: NDArray[np.uint8]) -> int:
    """Add bytes, unless they are there; return where they start."""
    start = 0
    for each in data:
        if each is more:
            return start
        start += each.shape[0]
    data.append(more)
    return start


def are_dead(world: World, places: NDArray[Any] | Encoded) -> NDArray[np.bool_]:
    """Tell which places are handles of no living entity."""
    if isinstance(places, Encoded):
        return np.zeros(places.n_strings, np.bool_)
    if places.dtype.kind in "iu":
        return ~np.asarray(world.alive(places))
    values = places.tolist()
    if _PLAIN.issuperset(map(type, values)):
        return np.zeros(len(values), np.bool_)
    return np.array([is_handle(value) and int(value) not in world for value in values], np.bool_)
