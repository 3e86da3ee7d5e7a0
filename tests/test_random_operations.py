"""A hundred thousand random operations; `tests/stress` does a million."""

from __future__ import annotations

import os

import pytest

from tests.random_operations import WEIGHTS, Driver

# Slower ways of running do less of the same.
IS_SLOW = os.environ.get("NUMBA_DISABLE_JIT", "0") != "0" or "ECS_COLUMNAR_INNER_RUN" in os.environ
N_OPERATIONS = 4_000 if IS_SLOW else 100_000


@pytest.mark.parametrize("seed", range(4))
def test_random_operations_agree_with_the_reference(seed: int) -> None:
    driver = Driver(seed)

    driver.run(N_OPERATIONS // 4)

    assert min(driver.counts.values()) > N_OPERATIONS // 4 * 0.5 / sum(WEIGHTS.values())
