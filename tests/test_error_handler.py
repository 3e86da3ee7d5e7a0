"""Errors are told apart by their type, and a batch goes on after those that allow it."""

from __future__ import annotations

import pytest

import ecs_columnar as ecs
from ecs_columnar import BatchErrorHandler

handler = BatchErrorHandler()


@pytest.mark.parametrize(
    ("error", "error_type"),
    [
        (ecs.ValidationError("core:position", ["x"]), "validation"),
        (ecs.InvalidArgumentError("items", 3), "validation"),
        (ecs.InvalidInstanceIdError("blank"), "validation"),
        (ecs.DuplicateEntityError("a"), "validation"),
        (ecs.SerializedEntityError("broken"), "validation"),
        (ecs.EntityNotFoundError("a"), "not_found"),
        (ecs.DefinitionNotFoundError("core:actor"), "not_found"),
        (ecs.StaleHandleError("dead"), "not_found"),
        (ecs.RepositoryConsistencyError("torn"), "consistency"),
        (ecs.BatchTimeoutError("late"), "timeout"),
        (TimeoutError(), "timeout"),
        (RuntimeError("Request Timeout"), "timeout"),
        (OSError("the read timed out"), "timeout"),
        (type("ReadTimeout", (Exception,), {})(), "timeout"),
        (RuntimeError("torn"), "unknown"),
        (ValueError("x is no number"), "unknown"),
        (LookupError("a"), "unknown"),
        (KeyboardInterrupt(), "unknown"),
    ],
    ids=repr,
)
def test_an_error_is_classified_by_its_type(error: BaseException, error_type: str) -> None:
    assert handler.classify_error(error) == error_type


@pytest.mark.parametrize(
    ("error", "error_type"),
    [
        (ecs.EntityNotFoundError("timeout"), "not_found"),
        (ecs.ValidationError("core:timeout", ["timeout is no number"]), "validation"),
        (ecs.CircuitOpenError("timed out"), "unknown"),
        (ecs.ConfigurationError("BATCH_TIMEOUT_MS"), "unknown"),
    ],
    ids=repr,
)
def test_the_text_of_an_error_of_ours_does_not_count(error: BaseException, error_type: str) -> None:
    assert handler.classify_error(error) == error_type


@pytest.mark.parametrize("error_type", ["validation", "not_found", "unknown"])
def test_a_batch_goes_on_until_it_has_too_many_failures(error_type: str) -> None:
    goes_on = [handler.should_continue_batch(error_type, n) for n in range(7)]

    assert goes_on == [True] * 5 + [False] * 2
    assert not handler.should_continue_batch(error_type, 2, max_failures=2)
    assert handler.should_continue_batch(error_type, 10**6, max_failures=None)


@pytest.mark.parametrize("error_type", ["validation", "not_found", "unknown", "timeout"])
def test_a_batch_that_stops_on_errors_stops(error_type: str) -> None:
    assert not handler.should_continue_batch(error_type, 0, stop_on_error=True)


@pytest.mark.parametrize("error_type", ["consistency", "timeout"])
def test_no_batch_goes_on_after_a_critical_error(error_type: str) -> None:
    assert not handler.should_continue_batch(error_type, 0, max_failures=None)


def test_a_type_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ecs.InvalidArgumentError, match="there are validation, not_found"):
        handler.should_continue_batch("not found", 1)  # type: ignore[arg-type]
