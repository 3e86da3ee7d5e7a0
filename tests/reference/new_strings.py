"""Slow twins of `ecs_columnar.kernels.new_strings`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference.strings import EMPTY, LOW, contents_of, home_of, insert, lay_out, texts_of


def group_tags(tags: Any, shift: int, starts: Any, out: Any) -> None:
    groups = [tag >> shift for tag in tags.tolist()]
    in_order = sorted(range(len(groups)), key=groups.__getitem__)
    out[:] = [int(tags[i]) << 32 | i for i in in_order]
    ends = [sum(group <= k for group in groups) for k in range(len(starts) - 1)]
    starts[:] = [*ends, len(groups)]


def insert_many(
    strings: Any,
    keys: Any,
    free: Any,
    n_codes: int,
    n_bytes: int,
    pool: Any,
    codes: Any,
    counts: Any,
) -> bool:
    by_row = sorted((key & LOW, key >> 32) for key in keys.tolist())
    if not all_fit(strings, keys, pool):
        return False
    tags = codes.copy()
    tags[:] = [tag for _, tag in by_row]
    codes[:] = -1
    # All fit in the order of the keys; in that of the rows they may need more room on the way.
    n_slots = len(pool.slots)
    roomy = pool._replace(slots=np.append(pool.slots, np.full(len(tags), EMPTY)))
    insert(strings, tags, free, n_codes, n_bytes, roomy, codes, counts)
    pool.slots[:] = roomy.slots[:n_slots]
    return True


def all_fit(strings: Any, keys: Any, pool: Any) -> bool:
    """Tell whether each string that is absent has an empty slot near its home in its turn."""
    contents, texts = contents_of(pool), texts_of(strings)
    n_spare = len(pool.slots) - 1 - pool.n_homes
    for tag, i in ((key >> 32, key & LOW) for key in keys.tolist()):
        if (tag, texts[i]) not in contents:
            slots, home = (
                lay_out(contents, pool.n_homes, len(pool.slots)),
                home_of(tag, pool.n_homes),
            )
            if EMPTY not in slots[home : home + n_spare + 1]:
                return False
            contents[tag, texts[i]] = 10**6 + i
    return True
