"""A million random operations, or ``ECS_STRESS_SEEDS`` times a hundred thousand.

A million takes twenty minutes of one core::

pytest tests/stress/test_random_operations.py
"""

from __future__ import annotations

import os

import pytest

from tests.random_operations import Driver


@pytest.mark.parametrize("seed", range(100, 100 + int(os.environ.get("ECS_STRESS_SEEDS", "10"))))
def test_random_operations_agree_with_the_reference(seed: int) -> None:
    Driver(seed).run(100_000)
