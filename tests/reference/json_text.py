"""The slow twin of `ecs_columnar.kernels.json_text`, for texts that are JSON.

It does not scan: it asks Python's parser for every pair of keys, and Python's
tokens for the depth.
"""

from __future__ import annotations

import json
import re

FINE, DEEP, SUSPECT = 0, 1, 2

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def depth_of(text: str) -> int:
    depth = deepest = 0
    for token in TOKEN.findall(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token, 0)
        deepest = max(deepest, depth)
    return deepest


def repeats_keys(text: str) -> bool:
    found = []

    def look(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        found.append(len(set(names)) < len(names))

    json.loads(text, object_pairs_hook=look)
    return any(found)
