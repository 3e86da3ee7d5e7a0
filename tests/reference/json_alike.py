"""The slow twin of `ecs_columnar.kernels.json_alike`: a regular expression, and Decimal."""

from __future__ import annotations

import re
from decimal import Decimal

STRING, NUMBER, BOOLEAN = 0, 1, 2
INTEGER, FLOAT, ODD = 0, 1, 2

VALUES = {
    STRING: rb'((?:[^"\\\x00-\x1f]|\\[^\n])*)',
    NUMBER: rb"(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)",
    BOOLEAN: rb"(true|false)",
}


def match_alike(
    data: bytes, start: int, pieces: list[bytes], kinds: list[int], separator: bytes
) -> list[list[tuple[int, int]]]:
    """Return where the values of each object are."""
    parts = [re.escape(piece) + VALUES[kind] for piece, kind in zip(pieces, kinds, strict=False)]
    one = re.compile(b"".join(parts) + re.escape(pieces[-1]), re.DOTALL)
    rows: list[list[tuple[int, int]]] = []
    while found := one.match(data, start):
        rows.append([found.span(k + 1) for k in range(len(kinds))])
        start = found.end() + len(separator)
        if data[found.end() : start] != separator:
            break
    return rows


def read_number(text: str) -> tuple[int, int | float | None]:
    """Return the kind of a number and what it is."""
    mantissa, _, exponent = text.lower().partition("e")
    digits = mantissa.lstrip("-").replace(".", "")
    is_float = "." in mantissa or exponent != ""
    if len(digits) > 18 or len(exponent.lstrip("+-")) > 4:
        return ODD, None
    if not is_float:
        return (ODD, None) if text == "-0" else (INTEGER, int(text))
    power = Decimal(text).as_tuple().exponent
    if int(digits) > 2**53 or not isinstance(power, int) or abs(power) > 22:
        return ODD, None
    return FLOAT, float(text)
