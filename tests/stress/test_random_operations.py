"""A million random operations. Takes ten minutes, or ``ECS_STRESS_SEEDS=100`` ten times as long::

pytest tests/stress/test_random_operations.py
"""

from __future__ import annotations

import os

import pytest

from tests.random_operations import Driver


@pytest.mark.parametrize("seed", range(100, 100 + int(os.environ.get("ECS_STRESS_SEEDS", "10"))))
def test_random_operations_agree_with_the_reference(seed: int) -> None:
    Driver(seed).run(100_000)
