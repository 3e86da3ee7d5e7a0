"""What all tests share: the profiles of Hypothesis, and the warnings that are no errors."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# The first example of a property compiles kernels: no deadline, no check of speed.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50
)
# The same examples each time, so that what passed yesterday passes today.
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=1000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "default")
)


def pytest_configure(config: pytest.Config) -> None:
    """Let hashes wrap around: compiled they do so silently, in Python with a warning."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        config.addinivalue_line("filterwarnings", "ignore:overflow encountered:RuntimeWarning")
