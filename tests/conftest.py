"""What all tests share: the profiles of Hypothesis, and the warnings that are no errors."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.runs import INNER, Runs, run_with_bounds_checks, run_without_the_jit

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let those come last that wait for other processes."""
    items.sort(key=lambda item: item.get_closest_marker("runs") is not None)


@pytest.fixture(scope="session", autouse=True)
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    """Start the suite in the other modes, if there is a test that waits for it."""
    with Runs(tmp_path_factory.mktemp("runs")) as found:
        is_asked_for = any(item.get_closest_marker("runs") for item in request.session.items)
        if is_asked_for and INNER not in os.environ:
            found.begin("jit", run_without_the_jit)
            found.begin("bounds", run_with_bounds_checks)
        yield found


@pytest.fixture(scope="session", autouse=True)
def nothing_waits_for_the_disk() -> Iterator[None]:
    """Leave out syncs: what tests write need not last, and there are thousands of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield
