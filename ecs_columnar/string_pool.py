"""The arrays of a string table, and how they grow.

A pool is a NamedTuple of arrays (`kernels.strings.Pool`). A function here
returns a pool with larger ones, or with more seed, and leaves the old one as it
is: when memory runs out, nothing has happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.column import grown_capacity
from ecs_columnar.dtypes import CODE
from ecs_columnar.encoded import FIRST_SEED, Encoded

if TYPE_CHECKING:
    from ecs_columnar.kernels.strings import Pool

# Two homes a string. A run of more than 256 slots from some home on has then a
# chance of about 1e-21 a string, unless strings are made for it.
HOMES_PER_STRING: Final = 2
N_SPARE: Final = 256


def empty_pool() -> Pool:
    """Return the pool of a table without strings."""
    return kernels.strings.Pool(
        slots=empty_slots(HOMES_PER_STRING, N_SPARE),
        records=np.empty(0, kernels.strings.STRING_RECORD),
        arena=np.empty(0, np.uint8),
        n_homes=HOMES_PER_STRING,
        seed=FIRST_SEED,
    )


def empty_slots(n_homes: int, n_spare: int) -> NDArray[np.int64]:
    """Return slots without strings; the last one stays so."""
    return np.full(n_homes + n_spare + 1, kernels.strings.EMPTY)


def n_spare_slots(pool: Pool) -> int:
    """Return how far behind its home a string may lie."""
    return len(pool.slots) - 1 - pool.n_homes


def live_codes(pool: Pool, n_codes: int) -> NDArray[np.int32]:
    """Return the codes below ``n_codes`` that have a string, increasing."""
    starts = pool.records["start"][:n_codes]
    return np.flatnonzero(starts != kernels.strings.NO_START).astype(CODE)


def view_strings(pool: Pool, codes: NDArray[np.int32]) -> Encoded:
    """Return the strings of codes, in the bytes of the pool."""
    starts, ends = np.empty((2, codes.shape[0]), np.int64)
    kernels.strings.locate_strings(codes, pool.records, starts, ends)
    return Encoded(pool.arena, starts, ends)


def sorted_slots(pool: Pool, codes: NDArray[np.int32], seed: int) -> NDArray[np.int64]:
    """Hash the strings of codes, and return their slots in increasing order."""
    tags = view_strings(pool, codes).tags_of(seed)
    return np.sort(tags.astype(np.int64) << 32 | codes)


def with_records(pool: Pool, n_codes: int, n_needed: int, n_hoped: int) -> Pool:
    """Return a pool of at least ``n_needed`` records; ``n_codes`` are in use."""
    capacity = pool.records.shape[0]
    if n_needed <= capacity:
        return pool
    records = np.empty(_grown(capacity, n_needed, n_hoped), pool.records.dtype)
    records[:n_codes] = pool.records[:n_codes]
    return pool._replace(records=records)


def with_bytes(pool: Pool, n_bytes: int, n_needed: int, n_hoped: int) -> Pool:
    """Return a pool of at least ``n_needed`` bytes; ``n_bytes`` are in use."""
    capacity = pool.arena.shape[0]
    if n_needed <= capacity:
        return pool
    arena = np.empty(_grown(capacity, n_needed, n_hoped), np.uint8)
    arena[:n_bytes] = pool.arena[:n_bytes]
    return pool._replace(arena=arena)


def with_homes(pool: Pool, n_codes: int, n_needed: int, n_hoped: int) -> Pool:
    """Return a pool of homes for at least ``n_needed`` strings; ``n_codes`` are in use."""
    capacity = pool.n_homes // HOMES_PER_STRING
    if n_needed <= capacity:
        return pool
    n_homes = HOMES_PER_STRING * _grown(capacity, n_needed, n_hoped)
    slots = empty_slots(n_homes, n_spare_slots(pool))
    if kernels.strings.move_slots(pool.slots, n_homes, slots):
        return pool._replace(slots=slots, n_homes=n_homes)
    return with_next_seed(pool._replace(n_homes=n_homes), n_codes, n_spare_slots(pool))


def with_next_seed(pool: Pool, n_codes: int, n_spare: int) -> Pool:
    """Return a pool of another seed, that finds all strings a slot near their homes.

    Strings may lie twice as far from home as ``n_spare``, or farther. So a seed
    is found in the end, whatever the strings are.
    """
    codes, seed, fits = live_codes(pool, n_codes), pool.seed, False
    while not fits:
        seed, n_spare = seed + 1, 2 * n_spare
        slots = empty_slots(pool.n_homes, n_spare)
        fits = kernels.strings.move_slots(sorted_slots(pool, codes, seed), pool.n_homes, slots)
    return pool._replace(slots=slots, seed=seed)


def _grown(capacity: int, n_needed: int, n_hoped: int) -> int:
    """Return a capacity for what is needed, and what is hoped for."""
    return max(grown_capacity(capacity, n_needed), n_hoped)
