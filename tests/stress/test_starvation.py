"""Every operation, with each of its large allocations failing, once and from then on.

Takes two minutes::

    pytest tests/stress/test_starvation.py
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.starvation import STARVED
from tests.test_starvation import starve


@pytest.mark.parametrize("name", STARVED)
def test_a_failed_allocation_leaves_the_world_as_it_was(name: str, tmp_path: Path) -> None:
    starve(tmp_path, 1, name)
