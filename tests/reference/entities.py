"""Slow twins of `ecs_columnar.kernels.entities`.

Records are a list, by index, of ``Record``; a handle is taken apart with `divmod`.
"""

from __future__ import annotations

from typing import NamedTuple

INDICES = 2**32
MAX_GENERATION = 2**31 - 1


class Record(NamedTuple):
    """What is known of an index: alive if its generation is positive."""

    generation: int
    table: int
    row: int


class Found(NamedTuple):
    """Where handles are; None for a handle of no living entity."""

    places: list[tuple[int, int] | None]
    n_dead: int
    is_mixed: bool


class Released(NamedTuple):
    """Records after a release, and the next handles of the freed indices."""

    records: list[Record]
    freed: list[int]


def index_of(handle: int) -> int:
    return handle % INDICES


def generation_of(handle: int) -> int:
    return handle // INDICES


def handle_of(index: int, generation: int) -> int:
    return generation * INDICES + index


def fresh_handles(n_used: int, n: int) -> list[int]:
    return [handle_of(index, 1) for index in range(n_used, n_used + n)]


def enter(handles: list[int], table: int, first_row: int, records: list[Record]) -> list[Record]:
    entered = {
        index_of(handle): Record(generation_of(handle), table, first_row + i)
        for i, handle in enumerate(handles)
    }
    return [entered.get(index, record) for index, record in enumerate(records)]


def bear(
    handles: list[int], table: int, first_row: int, records: list[Record]
) -> tuple[list[Record], list[int]]:
    return enter(handles, table, first_row, records), list(handles)


def bear_one(
    table: int, rows: list[int], records: list[Record], free: list[int], n_used: int
) -> tuple[int, int]:
    """Append a new entity to the rows of a table; ``free`` are next handles, the last first.

    Returns
    -------
    handle, n_used : int
        0, and nothing done, where there is no record for it.
    """
    if free:
        handle = free.pop()
    elif n_used < len(records):
        handle, n_used = handle_of(n_used, 1), n_used + 1
    else:
        return 0, n_used
    records[index_of(handle)] = Record(generation_of(handle), table, len(rows))
    rows.append(handle)
    return handle, n_used


def is_alive(handle: int, records: list[Record]) -> bool:
    generation, index = divmod(handle, INDICES)
    return generation > 0 and index < len(records) and records[index].generation == generation


def are_alive(handles: list[int], records: list[Record]) -> list[bool]:
    return [is_alive(handle, records) for handle in handles]


def locate(handles: list[int], records: list[Record]) -> Found:
    places: list[tuple[int, int] | None] = []
    for handle in handles:
        if is_alive(handle, records):
            record = records[index_of(handle)]
            places.append((record.table, record.row))
        else:
            places.append(None)
    tables = {None if place is None else place[0] for place in places}
    return Found(places, places.count(None), len(tables) > 1)


def find_rows(handles: list[int], records: list[Record], table: int) -> list[int] | None:
    """Return the row of each handle, or None unless all are alive and in the table."""
    places = locate(handles, records).places
    rows = [place[1] for place in places if place is not None and place[0] == table]
    return rows if len(rows) == len(handles) else None


def settle(handles: list[int], table: int, records: list[Record]) -> tuple[list[Record], int]:
    settled = list(records)
    for row, handle in enumerate(handles):
        generation, index = divmod(handle, INDICES)
        if generation <= 0 or index >= len(records) or settled[index].generation:
            return settled, row
        settled[index] = Record(generation, table, row)
    return settled, len(handles)


def set_rows(handles: list[int], rows: list[int], records: list[Record]) -> list[Record]:
    moved = list(records)
    for handle, row in zip(handles, rows, strict=True):
        moved[index_of(handle)] = moved[index_of(handle)]._replace(row=row)
    return moved


def release(handles: list[int], records: list[Record]) -> Released:
    after, freed = list(records), []
    for handle in handles:
        generation, index = divmod(handle, INDICES)
        is_last = generation == MAX_GENERATION
        next_generation = 0 if is_last else generation + 1
        after[index] = Record(-next_generation, -1, records[index].row)
        if not is_last:
            freed.append(handle_of(index, next_generation))
    return Released(after, freed)


def bind(
    symbols: list[int], handles: list[int], handle_of: list[int], symbol_of: list[int]
) -> tuple[list[int], list[int]]:
    named = dict(zip(symbols, handles, strict=True))
    owned = {index_of(handle): symbol for symbol, handle in named.items()}
    return (
        [named.get(symbol, handle) for symbol, handle in enumerate(handle_of)],
        [owned.get(index, symbol) for index, symbol in enumerate(symbol_of)],
    )


def unbind(
    symbols: list[int], handles: list[int], handle_of: list[int], symbol_of: list[int]
) -> tuple[list[int], list[int]]:
    indices = set(map(index_of, handles))
    return (
        [0 if symbol in symbols else handle for symbol, handle in enumerate(handle_of)],
        [-1 if index in indices else symbol for index, symbol in enumerate(symbol_of)],
    )
