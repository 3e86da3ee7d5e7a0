"""Slow twins of `ecs_columnar.kernels.strings`: Python integers, bytes and dicts.

They do not search. They know a pool as a dict from tag and bytes to code, and
lay its slots out by the definition: sorted, each at its home or, if that is
taken, right after the slot before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

EMPTY = 2**63 - 1
MAX_TAG = 2**31 - 2
NO_START = -1

LOW = 2**32 - 1


def texts_of(strings: Any) -> list[bytes]:
    data = strings.data.tobytes()
    bounds = zip(strings.starts.tolist(), strings.ends.tolist(), strict=True)
    return [data[start:end] for start, end in bounds]


def text_at(record: Any, arena: Any) -> bytes:
    start, length = record.item()
    return arena.tobytes()[start : start + length]


def contents_of(pool: Any) -> dict[tuple[int, bytes], int]:
    slots = [slot for slot in pool.slots.tolist() if slot != EMPTY]
    return {
        (slot >> 32, text_at(pool.records[slot & LOW], pool.arena)): slot & LOW for slot in slots
    }


def home_of(tag: int, n_homes: int) -> int:
    return tag * n_homes // 2**31


def lay_out(contents: dict[tuple[int, bytes], int], n_homes: int, n_slots: int) -> list[int]:
    slots = [EMPTY] * n_slots
    end = 0
    for tag, code in sorted((tag, code) for (tag, _), code in contents.items()):
        at = max(end, home_of(tag, n_homes))
        slots[at] = tag << 32 | code
        end = at + 1
    return slots


# --- hashing -------------------------------------------------------------------------


def mix(state: int) -> int:
    swapped = state >> 32 | (state & LOW) << 32
    return swapped ^ ((state & LOW) ^ 0x53C5CA59) * ((state >> 32) ^ 0x74743C1B)


def words_of(text: bytes) -> list[int]:
    """Eight bytes at a time; the last word ends with the string."""
    n = len(text)
    if n >= 8:
        starts = [*range(0, n - 8, 8), n - 8]
        return [int.from_bytes(text[start : start + 8], "little") for start in starts]
    if n >= 4:
        return [int.from_bytes(text[:4] + text[-4:], "little")]
    if n >= 1:
        return [int.from_bytes(bytes([text[0], text[n // 2], text[-1]]), "little")]
    return [0]


def tag_of(text: bytes, seed: int) -> int:
    state = seed << 32 ^ len(text)
    for word in words_of(text):
        state = mix(state ^ word)
    state = mix(state)
    return min((state >> 32 ^ state) & (2**31 - 1), MAX_TAG)


def hash_strings(strings: Any, seed: int, out: Any) -> None:
    out[:] = [tag_of(text, seed) for text in texts_of(strings)]


# --- slots ---------------------------------------------------------------------------


def find(strings: Any, tags: Any, pool: Any, buffer: Any, out: Any) -> tuple[int, int]:
    contents, texts = contents_of(pool), texts_of(strings)
    out[:] = [contents.get(key, -1) for key in zip(tags.tolist(), texts, strict=True)]
    absent = [text for text, code in zip(texts, out, strict=True) if code == -1]
    return len(absent), sum(map(len, absent))


def find_one(data: Any, slots: Any, records: Any, arena: Any, n_homes: int, seed: int) -> int:
    for slot in slots.tolist():
        if slot != EMPTY and text_at(records[slot & LOW], arena) == data.tobytes():
            return int(slot & LOW)
    return -1


def insert(
    strings: Any,
    tags: Any,
    free: Any,
    n_codes: int,
    n_bytes: int,
    pool: Any,
    codes: Any,
    counts: Any,
) -> int:
    contents, n_new = contents_of(pool), 0
    n_spare = len(pool.slots) - 1 - pool.n_homes
    new_codes = [*free.tolist()[::-1], *range(n_codes, n_codes + len(tags))]
    n_done = len(tags)
    for i, key in enumerate(zip(tags.tolist(), texts_of(strings), strict=True)):
        tag, text = key
        if codes[i] == -1 and key not in contents:
            home = home_of(tag, pool.n_homes)
            if EMPTY not in pool.slots[home : home + n_spare + 1].tolist():
                n_done = i
                break
            code = contents[key] = new_codes[n_new]
            pool.slots[:] = lay_out(contents, pool.n_homes, len(pool.slots))
            pool.arena[n_bytes : n_bytes + len(text)] = list(text)
            pool.records[code] = (n_bytes, len(text))
            n_new += 1
            n_bytes += len(text)
        if codes[i] == -1:
            codes[i] = contents[key]
    n_left = max(len(free) - n_new, 0)
    counts[:] = n_codes + n_new - (len(free) - n_left), n_left, n_bytes
    return n_done


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


def remove(codes: Any, first: int, stop: int, pool: Any) -> None:
    gone = [*codes.tolist(), *range(first, stop)]
    contents = {key: code for key, code in contents_of(pool).items() if code not in gone}
    pool.slots[:] = lay_out(contents, pool.n_homes, len(pool.slots))
    for code in gone:
        pool.records[code] = (NO_START, 0)


def move_slots(source: Any, n_homes: int, out: Any) -> bool:
    slots = [slot for slot in source.tolist() if slot != EMPTY]
    contents = {(slot >> 32, bytes([i])): slot & LOW for i, slot in enumerate(slots)}
    n_spare = len(out) - 1 - n_homes
    placed = lay_out(contents, n_homes, n_homes + len(slots))
    behind = [at - home_of(s >> 32, n_homes) for at, s in enumerate(placed) if s != EMPTY]
    if max(behind, default=0) > n_spare:
        return False
    out[: n_homes + n_spare] = (placed + [EMPTY] * n_spare)[: n_homes + n_spare]
    return True


# --- bytes out -----------------------------------------------------------------------


def measure(codes: Any, records: Any) -> tuple[int, int]:
    live = {code for code, (start, _) in enumerate(records.tolist()) if start != NO_START}
    n_bytes = sum(int(records["length"][code]) for code in codes.tolist() if code in live)
    return n_bytes, sum(code not in live and code != -1 for code in codes.tolist())


def write_strings(codes: Any, records: Any, arena: Any, gap: int, out: Any) -> None:
    at = 0
    for code in codes.tolist():
        text = b"" if code == -1 else text_at(records[code], arena)
        out[at : at + len(text)] = list(text)
        at += len(text) + gap


def compact(arena: Any, records: Any, out: Any) -> None:
    at = 0
    for code, (start, length) in enumerate(records.tolist()):
        if start != NO_START:
            out[at : at + length] = arena[start : start + length]
            records["start"][code] = at
            at += length


# --- white space ---------------------------------------------------------------------


def trim(strings: Any, starts: Any, ends: Any) -> None:
    for i, text in enumerate(texts_of(strings)):
        string = text.decode("utf-8", "surrogatepass")
        n_before = len(string) - len(string.lstrip())
        before = string[:n_before].encode()
        starts[i] = strings.starts[i] + len(before)
        ends[i] = starts[i] + len(string.strip().encode("utf-8", "surrogatepass"))


def count_characters(strings: Any, out: Any) -> None:
    out[:] = [len(text.decode("utf-8", "surrogatepass")) for text in texts_of(strings)]


def are_blank(strings: Any, out: Any) -> None:
    texts = [text.decode("utf-8", "surrogatepass") for text in texts_of(strings)]
    out[:] = [text == "" or text.isspace() for text in texts]
