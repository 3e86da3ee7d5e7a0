"""A million random operations. Takes ten minutes."""

from __future__ import annotations

import pytest

from tests.random_operations import Driver


@pytest.mark.parametrize("seed", range(100, 110))
def test_random_operations_agree_with_the_reference(seed: int) -> None:
    Driver(seed).run(100_000)
