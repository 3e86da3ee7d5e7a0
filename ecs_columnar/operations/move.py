"""Put entities into places."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.dtypes import CODE, NOWHERE
from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.handles import HasHandle, as_handles, is_one, refuse_dead, to_handles
from ecs_columnar.operations.values import intern
from ecs_columnar.storage import Storage
from ecs_columnar.strings import blank, encode


def move(storage: Storage, handles: NDArray[np.int64], places: Any) -> None:
    """Put living entities into places; see `World.move`."""
    with ExitStack() as undo:
        codes = to_place_codes(storage, places, handles.shape[0], undo)
        plan = storage.locations.prepare(handles, codes)
        undo.pop_all()

    storage.locations.apply(plan)


def move_one(storage: Storage, handle: int, place: Any) -> None:
    """Put one living entity into a place, as `move` does with a batch of one."""
    seen = storage.places.seen
    code = seen.get(place) if isinstance(place, str) else None
    if code is None:
        with ExitStack() as undo:
            code = int(to_place_codes(storage, place, 1, undo)[0])
            undo.pop_all()
        if isinstance(place, str):
            seen[place] = code
    storage.locations.place_one(handle, code)


def to_place_codes(storage: Storage, places: Any, n: int, undo: ExitStack) -> NDArray[np.int32]:
    """Find the code of each place; a string or an entity that was none becomes one.

    Parameters
    ----------
    storage : Storage
    places : None, str, handle, entity, or ``n`` of them
        None and blank strings are nowhere.
    n : int
        Entities to place.
    undo : ExitStack
        Takes what has to be undone when the operation fails.

    Returns
    -------
    int32 array, shape (n,)

    Raises
    ------
    InvalidArgumentError
        When there are not ``n`` places, or they are of no such kind.
    StaleHandleError
        When a place is a dead entity.
    """
    if places is None:
        return np.full(n, NOWHERE, CODE)
    if n == 0:
        undo = ExitStack()  # of its own, and undone: nobody is put there
    undo.callback(storage.places.rollback, storage.places.n_places)
    codes = _codes(storage, places, undo)
    if n == 0:
        undo.close()
    if is_one(places):
        return np.full(n, codes[0], CODE)
    if codes.shape[0] != n:
        raise InvalidArgumentError(
            "places",
            places,
            f"cannot place {n} entities in {codes.shape[0]} places; give one place or one an "
            "entity",
        )
    return codes


def _codes(storage: Storage, places: Any, undo: ExitStack) -> NDArray[np.int32]:
    if isinstance(places, HasHandle) or (
        isinstance(places, (list, tuple)) and places and isinstance(places[0], HasHandle)
    ):
        places = to_handles(storage, places)
    if isinstance(places, (int, np.integer)) or _are_handles(places):
        handles = as_handles(places, parameter="places")
        refuse_dead(storage, handles, "move into entities")
        return storage.places.of_entities(handles)
    return _codes_of_strings(storage, places, undo)


def _codes_of_strings(storage: Storage, places: Any, undo: ExitStack) -> NDArray[np.int32]:
    encoded = encode(places, parameter="places", missing=True, trim=True)
    is_nowhere = blank(encoded)
    if encoded.missing is not None:
        is_nowhere |= encoded.missing
    symbols, _ = intern(storage.symbols, encoded, undo)
    if not is_nowhere.any():
        return storage.places.of_symbols(symbols)
    codes = np.full(symbols.shape[0], NOWHERE, CODE)
    is_somewhere = ~is_nowhere
    codes[is_somewhere] = storage.places.of_symbols(symbols[is_somewhere])
    return codes


def _are_handles(places: Any) -> bool:
    dtype = getattr(places, "dtype", None)
    if dtype is not None:
        return getattr(dtype, "kind", "O") in "iu"
    return (
        isinstance(places, (list, tuple))
        and bool(places)
        and isinstance(places[0], (int, np.integer))
    )
