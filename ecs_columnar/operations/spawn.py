"""Bring entities to life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.change import Change
from ecs_columnar.dtypes import ROW
from ecs_columnar.errors import (
    DuplicateEntityError,
    InvalidArgumentError,
    InvalidInstanceIdError,
    first_three,
)
from ecs_columnar.operations.move import to_place_codes
from ecs_columnar.operations.values import to_values, types_of
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Component
from ecs_columnar.selection import Positions
from ecs_columnar.storage import Storage
from ecs_columnar.strings import Encoded, blank, encode
from ecs_columnar.table import Table, Values

_MOST_TIMES_LATER: Final = 7.0
"""How far room is made ahead: whoever announces entities may be wrong."""


class Group(NamedTuple):
    """Some of the entities of one spawn, that get the same components.

    Attributes
    ----------
    components : tuple of Component
        Each field one value for all of the group, or one an entity of it.
    positions : intp array, shape (k,), or slice
        Which of the ``n`` entities they are, increasing.
    """

    components: tuple[Component, ...]
    positions: Positions


def spawn_one(storage: Storage, components: tuple[Component, ...]) -> int | None:
    """Bring one entity to life with Python numbers, straight into its cells.

    A short way for what needs no cast, no array and no string: a twentieth of the
    time of a batch of one, with the same result.

    Returns
    -------
    int or None
        The handle; None, and nothing done, where the short way doesn't lead
        there and `spawn` has to.
    """
    plain = storage.registry.plain_set(components)
    table = None if plain is None else storage.table_by_mask.get(plain.mask)
    # Not `storage.is_plain`, as in `move_one`.
    is_plain = storage.log is None and not storage.listeners and storage.journal is None
    if plain is None or table is None or not is_plain:
        return None
    storage.begin_structural_change("spawn")
    row = table.count.item()
    write = plain.write
    try:
        is_written = write(table, row, components)
    except (IndexError, TypeError):  # there is no room, or a snapshot holds it
        table.reserve(1)
        is_written = write(table, row, components)
    if not is_written:
        return None
    return storage.entities.bear_one(table, storage.clock)


def spawn(
    storage: Storage,
    n: int,
    groups: Sequence[Group],
    *,
    ids: Any = None,
    at: Any = None,
    n_later: int = 0,
) -> NDArray[np.int64]:
    """Bring ``n`` entities to life, in groups; see `World.spawn_groups`."""
    storage.begin_structural_change("spawn")
    times_later = min(n_later / max(n, 1), _MOST_TIMES_LATER)
    with Change(storage, times_later=times_later) as change, change:
        values = [_values(change, group, n) for group in groups]
        encoded = None if ids is None else _encode_ids(ids, n)
        # Places first: few names, for which a table with room for all ids would have to grow.
        codes = None if at is None else to_place_codes(change, at, n)
        symbols = None if encoded is None else _to_new_symbols(change, encoded)
        handles = storage.entities.next_handles(n, _later(change, n))
        storage.entities.enter(change, handles)
        for table, some in _by_table(change, groups, values).items():
            _append(change, handles, table, some)
        _append_sparse(change, handles, groups, values)
        if symbols is not None:
            _bind(change, symbols, handles)
        if codes is not None:
            storage.place(change, handles, codes)
        change.record("spawn", handles, groups, values, symbols, codes)
        change.tell("spawned", lambda: handles)
        # A transaction keeps them, and whoever spawns may write into the array that he gets.
        given = handles if change.log is None else handles.copy()
        change.apply()
    return given


def _values(change: Change, group: Group, n: int) -> dict[ComponentType, Values]:
    by_type = types_of(change.storage, group.components, "spawn with")
    size = n_of(group.positions, n)
    return {t: to_values(change, t, component, size) for t, component in by_type.items()}


def _by_table(
    change: Change, groups: Sequence[Group], values: list[dict[ComponentType, Values]]
) -> dict[Table, list[tuple[Group, dict[ComponentType, Values]]]]:
    found: dict[Table, list[tuple[Group, dict[ComponentType, Values]]]] = {}
    for group, value in zip(groups, values, strict=True):
        mask = sum(t.bit for t in value if not t.is_sparse)
        table = change.storage.table_of(change, mask)
        found.setdefault(table, []).append((group, value))
    return found


def _append(
    change: Change,
    handles: NDArray[np.int64],
    table: Table,
    groups: list[tuple[Group, dict[ComponentType, Values]]],
) -> None:
    """Append the groups of one table to it, one after the other."""
    n_rows = [n_of(group.positions, handles.shape[0]) for group, _ in groups]
    table.reserve(sum(n_rows), _later(change, sum(n_rows)))
    start = table.length
    for (group, values), n in zip(groups, n_rows, strict=True):
        some = np.ascontiguousarray(handles[group.positions])
        table.append_values(change, start, start + n, values)
        change.storage.entities.bear(change, some, table.number, start, table.handles)
        start += n
    change.resize(table, start)


def _later(change: Change, n: int) -> int:
    """Return how many are announced to follow ``n`` of this change."""
    return int(change.times_later * n)


def _append_sparse(
    change: Change,
    handles: NDArray[np.int64],
    groups: Sequence[Group],
    values: list[dict[ComponentType, Values]],
) -> None:
    """Append to each sparse set what all groups have for it, in one go."""
    found: dict[ComponentType, list[tuple[NDArray[np.int64], Values]]] = {}
    for group, by_type in zip(groups, values, strict=True):
        for component_type in by_type:
            if component_type.is_sparse:
                some = handles[group.positions]
                found.setdefault(component_type, []).append((some, by_type[component_type]))
    for component_type, parts in found.items():
        sparse = change.storage.sparse_for(change, component_type)
        sparse.reserve(np.concatenate([some for some, _ in parts]))
        sparse.append(change, parts)


def refuse_gaps(n: int, groups: Sequence[Group]) -> None:
    """Raise unless each of ``n`` positions is in exactly one group.

    Raises
    ------
    InvalidArgumentError
    """
    whole = groups[0].positions if len(groups) == 1 else None
    if isinstance(whole, slice) and n_of(whole, n) == n:
        return
    positions = [np.arange(n)[group.positions] for group in groups if n]
    counts = np.bincount(np.concatenate([np.empty(0, ROW), *positions]), minlength=n)
    faults = np.flatnonzero(counts != 1)
    if faults.shape[0]:
        raise InvalidArgumentError(
            "groups",
            groups,
            f"cannot spawn: {faults.shape[0]} of {n} positions are in no group or in several "
            f"({first_three(faults)}); put each in one",
        )


def n_of(positions: Positions, n: int) -> int:
    """Return how many of ``n`` entities positions are."""
    if isinstance(positions, slice):
        return len(range(*positions.indices(n)))
    return len(positions)


def _to_new_symbols(change: Change, encoded: Encoded) -> NDArray[np.int32]:
    """Intern ids that no entity has yet."""
    symbols, n_new = change.intern(change.storage.symbols, encoded, are_new=True)
    if n_new < encoded.n_strings:
        _refuse_taken(change.storage, symbols)
    return symbols


def _encode_ids(ids: Any, n: int) -> Encoded:
    encoded = encode([ids] if isinstance(ids, str) else ids, parameter="ids")
    n_ids = encoded.ends.shape[0]
    if n_ids != n:
        raise InvalidArgumentError(
            "ids", ids, f"cannot spawn {n} entities with {n_ids} ids; give one id an entity"
        )
    is_blank = blank(encoded)
    if is_blank.any():
        where = np.flatnonzero(is_blank)
        raise InvalidInstanceIdError(
            f"cannot spawn: {where.shape[0]} of {n} ids are blank (at "
            f"{first_three(where)}); an id has a character that is not white space",
            instance_id=encoded.take(where[:1]).texts()[0],
        )
    return encoded


def _refuse_taken(storage: Storage, symbols: NDArray[np.int32]) -> None:
    """Raise when a symbol names an entity already, or is there twice."""
    is_taken = storage.names.handles_of(symbols) != 0
    is_taken |= _are_repeats(symbols, storage.symbols.n_codes)
    if not is_taken.any():
        return
    texts = tuple(storage.symbols.decode(symbols[is_taken]).tolist())
    raise DuplicateEntityError(
        f"cannot spawn: {len(texts)} of {symbols.shape[0]} ids are taken or there twice "
        f"({first_three(map(repr, texts))}); leave them out, or despawn who has them",
        entity_id=texts[0],
        entity_ids=texts,
    )


def _are_repeats(symbols: NDArray[np.int32], n_codes: int) -> NDArray[np.bool_]:
    """Tell which symbols were there before, a tenth of the time of sorting where none was."""
    indices, rows = symbols.astype(ROW), np.arange(symbols.shape[0])
    first = np.empty(n_codes, ROW)
    # Of equal symbols the last write stays. Copies, as NumPy raises a SystemError where
    # memory runs out while it assigns by an array that runs backwards.
    first[indices[::-1].copy()] = rows[::-1].copy()
    return np.asarray(first[indices] != rows)


def _bind(change: Change, symbols: NDArray[np.int32], handles: NDArray[np.int64]) -> None:
    """Give ids to new entities; those that are places already are these places."""
    storage = change.storage
    storage.names.reserve(handles, _later(change, handles.shape[0]))
    storage.names.bind(change, symbols, handles)
    if not storage.places.n_places:
        return
    codes = storage.places.find_symbols(symbols)
    is_place = codes >= 0
    if is_place.any():
        storage.places.reserve(handles[is_place])
        storage.places.link(change, codes[is_place], handles[is_place])
