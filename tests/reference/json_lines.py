"""The slow twin of `ecs_columnar.kernels.json_lines`: the json module of Python."""

from __future__ import annotations

import json
from typing import Any


def measure_texts(texts: list[str]) -> tuple[list[int], bool]:
    """Return how many bytes strings take without quotes, and whether JSON has them."""
    has_surrogates = any("\ud800" <= character <= "\udfff" for character in "".join(texts))
    return [len(write_texts([text])) for text in texts], not has_surrogates


def write_texts(texts: list[str]) -> bytes:
    """Write strings without quotes, one behind the other."""
    written = [json.dumps(text, ensure_ascii=False)[1:-1] for text in texts]
    return "".join(written).encode("utf-8", "surrogatepass")


def split_items(data: bytes) -> list[bytes]:
    """Return the items of a list as they are written."""
    return [write(item) for item in json.loads(data)]


def write(item: Any) -> bytes:
    """Write an item without white space."""
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode()


def append(before: bytes, texts: list[bytes], after: bytes, rows: list[int], n: int) -> list[bytes]:
    """Return what is written into each of ``n`` lines."""
    by_row = dict(zip(rows, texts, strict=True))
    return [before + by_row[row] + after if row in by_row else b"" for row in range(n)]
