"""Kernels over the entity records: handles to rows, birth and death.

A handle is ``generation << 32 | index``. A record whose generation is the
handle's is alive; that of a dead one holds minus its next generation.
``counters`` are numbers that kernels keep: indices ever used, free and retired.
"""

from __future__ import annotations

from ecs_columnar.dtypes import (
    INDEX_BITS,
    INDEX_MASK,
    MAX_ENTITIES,
    MAX_GENERATION,
    NO_CODE,
    NO_ENTITY,
)
from ecs_columnar.kernels._jit import inlined, kernel, scalar_kernel
from ecs_columnar.kernels._types import (
    Codes,
    CodesOut,
    Entities,
    EntitiesOut,
    Handles,
    HandlesOut,
    MaskOut,
    Rows,
    RowsOut,
)

N_USED, N_FREE, N_RETIRED = 0, 1, 2
"""Which of the counters is which."""


@kernel
def fresh_handles(n_used: int, out: HandlesOut) -> None:
    """Give the first handles of indices that were never used.

    Parameters
    ----------
    n_used : int
        Indices ever used; the first fresh one.
    out : int64 array, shape (n,)
    """
    for i in range(out.shape[0]):
        out[i] = (1 << INDEX_BITS) | (n_used + i)


@kernel
def enter(handles: Handles, table: int, first_row: int, records: EntitiesOut) -> None:
    """Record entities as alive, in consecutive rows of a table.

    Parameters
    ----------
    handles : int64 array, shape (k,)
    table, first_row : int
    records : ENTITY_RECORD array
    """
    for i in range(handles.shape[0]):
        _record(handles[i], table, first_row + i, records)


@kernel
def bear(
    handles: Handles, table: int, first_row: int, records: EntitiesOut, out: HandlesOut
) -> None:
    """Record entities as alive, in consecutive rows of a table, and copy their handles.

    In one pass, as memory is what takes the time: a million handles are copied
    and recorded in 1.3 to 1.7 ms, and in 1.9 one after the other.

    Parameters
    ----------
    handles : int64 array, shape (k,)
    table, first_row : int
    records : ENTITY_RECORD array
    out : int64 array, shape (k,)
        Of the rows.
    """
    for i in range(handles.shape[0]):
        _record(handles[i], table, first_row + i, records)
        out[i] = handles[i]


@scalar_kernel
def bear_one(
    table: int,
    records: EntitiesOut,
    free: Handles,
    counters: HandlesOut,
    n_rows: HandlesOut,
    out: HandlesOut,
    clock: HandlesOut,
) -> int:
    """Bring the next entity to life in the next row of a table, if there is a record for it.

    Parameters
    ----------
    table : int
    records : ENTITY_RECORD array
    free : int64 array
        The next handles of the free indices, the last first.
    counters : int64 array, shape (3,)
        Changed.
    n_rows, clock : int64 array, shape (1,)
        Changed: the rows of the table, and the tick.
    out : int64 array
        Out: of the rows, of which there is one more.

    Returns
    -------
    int
        Its handle; `NO_ENTITY`, and nothing done, where it would take more records, or more
        entities than a world holds: records grow by half, beyond what may be used.
    """
    if counters[N_FREE] > 0:
        counters[N_FREE] -= 1
        handle = free[counters[N_FREE]]
    elif counters[N_USED] < min(records.shape[0], MAX_ENTITIES):
        handle = (1 << INDEX_BITS) | counters[N_USED]
        counters[N_USED] += 1
    else:
        return NO_ENTITY
    row = n_rows[0]
    _record(handle, table, row, records)
    out[row] = handle
    n_rows[0] = row + 1
    clock[0] += 1
    return int(handle)


@inlined
def _record(handle: int, table: int, row: int, records: EntitiesOut) -> None:
    record = records[handle & INDEX_MASK]
    record["generation"] = handle >> INDEX_BITS
    record["table"] = table
    record["row"] = row


@kernel
def settle(handles: Handles, table: int, records: EntitiesOut) -> int:
    """Record entities as alive, in the rows of a table from the first on, as far as they can be.

    Parameters
    ----------
    handles : int64 array, shape (k,)
        Any numbers, by row.
    table : int
    records : ENTITY_RECORD array, shape (n_used,)
        Of generation 0 where nobody has been recorded.

    Returns
    -------
    int
        Rows until the first number that is no handle of an index that is still free.
    """
    for i in range(handles.shape[0]):
        generation = handles[i] >> INDEX_BITS
        index = handles[i] & INDEX_MASK
        if generation <= 0 or index >= records.shape[0] or records[index]["generation"] != 0:
            return i
        records[index]["generation"] = generation
        records[index]["table"] = table
        records[index]["row"] = i
    return int(handles.shape[0])


@kernel
def locate(
    handles: Handles, records: Entities, tables: CodesOut, rows: RowsOut
) -> tuple[int, bool]:
    """Find table and row of each handle.

    Parameters
    ----------
    handles : int64 array, shape (k,)
        Any numbers.
    records : ENTITY_RECORD array
    tables : int32 array, shape (k,)
        Out: -1 for a handle of no living entity.
    rows : intp array, shape (k,)
        Out: undefined where the table is -1.

    Returns
    -------
    n_dead : int
        Handles of no living entity.
    is_mixed : bool
        Whether there is more than one table.
    """
    n_dead = 0
    is_mixed = False
    first = -1
    for i in range(handles.shape[0]):
        generation = handles[i] >> INDEX_BITS
        index = handles[i] & INDEX_MASK
        if (
            generation > 0
            and index < records.shape[0]
            and records[index]["generation"] == generation
        ):
            table = records[index]["table"]
            rows[i] = records[index]["row"]
        else:
            table = -1
            n_dead += 1
        tables[i] = table
        if i == 0:
            first = table
        is_mixed |= table != first
    return n_dead, is_mixed


@kernel
def find_rows(handles: Handles, records: Entities, table: int, rows: RowsOut) -> bool:
    """Find the row of each handle, if all are of living entities in one table.

    Parameters
    ----------
    handles : int64 array, shape (k,)
        Any numbers.
    records : ENTITY_RECORD array
    table : int
    rows : intp array, shape (k,)
        Out: undefined behind the first handle of anybody else.

    Returns
    -------
    bool
        Whether all are.
    """
    for i in range(handles.shape[0]):
        generation = handles[i] >> INDEX_BITS
        index = handles[i] & INDEX_MASK
        if (
            generation <= 0
            or index >= records.shape[0]
            or records[index]["generation"] != generation
            or records[index]["table"] != table
        ):
            return False
        rows[i] = records[index]["row"]
    return True


@kernel
def are_alive(handles: Handles, records: Entities, out: MaskOut) -> int:
    """Tell for each handle whether its entity is alive, and count those.

    Parameters
    ----------
    handles : int64 array, shape (k,)
    records : ENTITY_RECORD array
    out : bool array, shape (k,)
    """
    # The test is written out, as in `locate`: an inlined function of it makes this loop
    # take 3 to 10 times as long.
    n_alive = 0
    for i in range(handles.shape[0]):
        generation = handles[i] >> INDEX_BITS
        index = handles[i] & INDEX_MASK
        out[i] = (
            generation > 0
            and index < records.shape[0]
            and records[index]["generation"] == generation
        )
        n_alive += out[i]
    return n_alive


@kernel
def set_rows(handles: Handles, rows: Rows, records: EntitiesOut) -> None:
    """Record new rows, in the same tables, for some entities.

    Parameters
    ----------
    handles : int64 array, shape (k,)
    rows : intp array, shape (k,)
    records : ENTITY_RECORD array
    """
    for i in range(handles.shape[0]):
        records[handles[i] & INDEX_MASK]["row"] = rows[i]


@kernel
def release(handles: Handles, records: EntitiesOut, freed: HandlesOut) -> int:
    """Record entities as dead.

    An index whose generations are used up is retired, not freed: its record
    holds 0, which no handle has.

    Parameters
    ----------
    handles : int64 array, shape (k,)
        Distinct, alive.
    records : ENTITY_RECORD array
    freed : int64 array, shape (k,)
        Out: the next handles of the indices, in order.

    Returns
    -------
    int
        Number of indices freed.
    """
    n_freed = 0
    for i in range(handles.shape[0]):
        index = handles[i] & INDEX_MASK
        generation = handles[i] >> INDEX_BITS
        records[index]["table"] = -1
        if generation == MAX_GENERATION:
            records[index]["generation"] = 0
        else:
            records[index]["generation"] = -(generation + 1)
            freed[n_freed] = handles[i] + (1 << INDEX_BITS)
            n_freed += 1
    return n_freed


# --- ids -----------------------------------------------------------------------------


@kernel
def bind(symbols: Codes, handles: Handles, handle_of: HandlesOut, symbol_of: CodesOut) -> None:
    """Write down which string names which entity, both ways.

    In one pass without arrays in between, a third of the time of two assignments.

    Parameters
    ----------
    symbols : int32 array, shape (k,)
        Distinct.
    handles : int64 array, shape (k,)
        Distinct.
    handle_of : int64 array
        Out, by symbol.
    symbol_of : int32 array
        Out, by index.
    """
    for i in range(symbols.shape[0]):
        handle_of[symbols[i]] = handles[i]
        symbol_of[handles[i] & INDEX_MASK] = symbols[i]


@kernel
def unbind(symbols: Codes, handles: Handles, handle_of: HandlesOut, symbol_of: CodesOut) -> None:
    """Forget what `bind` has written.

    Parameters
    ----------
    symbols : int32 array, shape (k,)
    handles : int64 array, shape (k,)
    handle_of : int64 array
        Out: 0 at the symbols.
    symbol_of : int32 array
        Out: -1 at the indices.
    """
    for i in range(symbols.shape[0]):
        handle_of[symbols[i]] = NO_ENTITY
        symbol_of[handles[i] & INDEX_MASK] = NO_CODE
