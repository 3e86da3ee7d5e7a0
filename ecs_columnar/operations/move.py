"""Put entities into places."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.change import Change
from ecs_columnar.dtypes import CODE, NO_CODE, NOWHERE
from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.handles import HasHandle, as_handles, is_one, refuse_dead, to_handles
from ecs_columnar.storage import Storage
from ecs_columnar.strings import Coded, Encoded, blank, coded, encode


class Moved(NamedTuple):
    """Where entities were, and where they went.

    Attributes
    ----------
    before, after : int32 array, shape (n,)
        Place codes, -1 for nowhere. Of an entity that moved more than once, each
        move begins where the one before it led.
    """

    before: NDArray[np.int32]
    after: NDArray[np.int32]

    @property
    def has_moved(self) -> NDArray[np.bool_]:
        """Which moves changed something."""
        return np.asarray(self.before != self.after)


def move(
    storage: Storage, handles: NDArray[np.int64], places: Any, *, is_asked: bool = False
) -> Moved:
    """Put living entities into places; see `World.move`.

    Returns
    -------
    Moved
        Without ``before`` if neither the caller asked, nor anybody else has to know.
    """
    # A transaction keeps them, and whoever gave the array may write into it.
    handles = storage.apart(handles) if storage.log is None else handles.copy()
    with Change(storage) as change, change:
        codes = to_place_codes(change, places, handles.shape[0])
        before = storage.place(change, handles, codes, is_asked=is_asked)
        change.record("move", handles, codes)
        change.tell("moved", lambda: handles, before=before["location"], after=codes)
        change.apply()
    return Moved(before["location"], codes)


def move_one(storage: Storage, handle: int, place: Any) -> bool:
    """Put one entity into a place with a name, straight into the location index.

    A short way for what needs no array, no new place and no more memory: a
    twenty-fifth of the time of a batch of one, with the same result.

    Returns
    -------
    bool
        Whether it was done; if not, nothing was, and `move` has to, or to refuse.
    """
    code = storage.places.seen.get(place) if isinstance(place, str) else NO_CODE
    if code is None:
        code = storage.places.code(place)
    # Not `storage.is_plain`, a call that takes a tenth of the time of a move.
    is_plain = storage.log is None and not storage.listeners and storage.journal is None
    if code == NO_CODE or not is_plain:
        return False
    return storage.locations.place_one(handle, code, storage.entities.records, storage.clock)


def to_place_codes(change: Change, places: Any, n: int) -> NDArray[np.int32]:
    """Find the code of each place; a string or an entity that was none becomes one.

    Parameters
    ----------
    change : Change
    places : None, str, handle, entity, or ``n`` of them
        None and blank strings are nowhere.
    n : int
        Entities to place.

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
    known = change.storage.places.code(places) if isinstance(places, str) else NO_CODE
    if known != NO_CODE:
        return np.full(n, known, CODE)
    codes = _codes(change, places, is_used=n > 0)
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


def _codes(change: Change, places: Any, *, is_used: bool) -> NDArray[np.int32]:
    """Find the codes of places; validate only, where nobody is put there."""
    storage = change.storage
    if isinstance(places, HasHandle) or (
        isinstance(places, (list, tuple)) and places and isinstance(places[0], HasHandle)
    ):
        places = to_handles(storage, places)
    if isinstance(places, (int, np.integer)) or _are_handles(places):
        handles = as_handles(places, parameter="places")
        refuse_dead(storage, handles, "move into entities")
        if is_used:
            return storage.places.of_entities(change, handles)
        return np.full(handles.shape[0], NOWHERE, CODE)
    places = coded(places, missing=True)
    if isinstance(places, Coded):
        distinct = places.distinct()
        return _codes(change, distinct.texts, is_used=is_used)[distinct.codes]
    encoded = encode(places, parameter="places", missing=True, trim=True)
    if is_used:
        return _codes_of_strings(change, encoded)
    return np.full(encoded.n_strings, NOWHERE, CODE)


def _codes_of_strings(change: Change, encoded: Encoded) -> NDArray[np.int32]:
    of_symbols = change.storage.places.of_symbols
    is_nowhere = blank(encoded)
    if encoded.missing is not None:
        is_nowhere |= encoded.missing
    symbols, _ = change.intern(change.storage.symbols, encoded)
    if not is_nowhere.any():
        return of_symbols(change, symbols)
    codes = np.full(symbols.shape[0], NOWHERE, CODE)
    is_somewhere = ~is_nowhere
    codes[is_somewhere] = of_symbols(change, symbols[is_somewhere])
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
