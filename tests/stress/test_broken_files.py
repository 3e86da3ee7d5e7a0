"""Broken files by the thousand; `tests/broken_files.py` has them, and a command for more."""

from __future__ import annotations

import os

import pytest

from tests.broken_files import FAMILIES, findings

N = int(os.environ.get("ECS_STRESS", "20000"))
START = int(os.environ.get("ECS_SEED", "1")) * 10_000_000


@pytest.mark.parametrize("family", FAMILIES)
def test_any_number_of_broken_files_are_loaded_or_refused(family: str) -> None:
    assert findings(family, START, START + N) == []
