"""What the benchmarks say, as lines of text and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from ecs_columnar.bench.operations import Comparison

SHARE: Final = "*"
"""Stands behind what was measured on a share of the items."""


def header() -> list[str]:
    """Return the lines above the rows."""
    title = f"{'':16}{'':>11}{'microseconds an item':>36}{'times as fast':>20}"
    names = (
        f"{'operation':16}{'items':>11}{'sequential':>13}{'dicts':>12}{'columns':>11}"
        f"{'dicts':>10}{'columns':>10}"
    )
    return [title, names, "-" * len(names)]


def row(measured: Comparison) -> str:
    """Return the row of a comparison."""
    return (
        f"{measured.operation:16}{measured.n:>11,}"
        f"{_microseconds(measured.sequential, measured.n_sequential < measured.n):>13}"
        f"{_microseconds(measured.dicts, measured.n_dicts < measured.n):>12}"
        f"{_microseconds(measured.columns, False):>11}"
        f"{_ratio(measured.sequential, measured.dicts):>10}"
        f"{_ratio(measured.sequential, measured.columns):>10}"
    )


def footer(measured: Sequence[Comparison], *, n_rounds: int) -> list[str]:
    """Return the lines below the rows: how it was measured, and on how many items."""
    lines = [
        "",
        "sequential: scalar calls in a loop; dicts, columns: one batch call",
        f"the best of {n_rounds} rounds, in turns; times as fast as sequential",
    ]
    n_alone = max(comparison.n_sequential for comparison in measured)
    n_dicts = max(comparison.n_dicts for comparison in measured)
    if any(comparison.n_sequential < comparison.n for comparison in measured):
        lines.append(f"{SHARE} measured on a share of the items, at most {n_alone:,} of them")
    if any(comparison.n_dicts < comparison.n for comparison in measured):
        lines[-1] += f" ({n_dicts:,} dicts)"
    return lines


def to_json(measured: Sequence[Comparison], *, n_rounds: int) -> str:
    """Return all comparisons as JSON, with what they were measured on.

    Costs are in microseconds an item; ratios are times as fast as sequential.
    """
    packages = ("ecs_columnar", "numpy", "numba", "pandas")
    document = {
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "rounds": n_rounds,
        "comparisons": [_to_dict(comparison) for comparison in measured],
    }
    return json.dumps(document, indent=2)


def _to_dict(measured: Comparison) -> dict[str, Any]:
    return {
        "operation": measured.operation,
        "items": measured.n,
        "sequential": {"items": measured.n_sequential, "us": measured.sequential * 1e6},
        "dicts": {"items": measured.n_dicts, "us": measured.dicts * 1e6},
        "columns": {"items": measured.n, "us": measured.columns * 1e6},
        "ratio": {
            "dicts": measured.sequential / measured.dicts,
            "columns": measured.sequential / measured.columns,
        },
    }


def _microseconds(seconds: float, is_share: bool) -> str:
    return f"{_three_digits(seconds * 1e6)}{SHARE if is_share else ' '}"


def _ratio(theirs: float, ours: float) -> str:
    return f"{_three_digits(theirs / ours)} x"


def _three_digits(number: float) -> str:
    for below, digits in ((10, 2), (100, 1)):
        if number < below:
            return f"{number:.{digits}f}"
    return f"{number:,.0f}"
