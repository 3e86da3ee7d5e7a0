"""The options of a batch call."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final, TypedDict, TypeVar

import numpy as np

from ecs_columnar.errors import InvalidArgumentError, first_three
from ecs_columnar.services.batches import StopOnError

Method = TypeVar("Method", bound=Callable[..., Any])
OnProgress = Callable[[int, int, int, int, int, int], object]


class BatchOptions(TypedDict, total=False):
    """What every batch method takes by keyword.

    Attributes
    ----------
    batch_size : int, optional
        Items a batch; the default of the manager otherwise.
    stop_on_error : bool or "item"
        True: the batch that holds a failure is the last one. "item": nothing runs
        after a failure. Nothing is undone. False by default.
    enable_parallel : bool
        Whether threads may be used; the outcome is the same. False by default.
    atomic : bool
        Whether any failure means that nothing has happened. False by default.
    max_failures : int, optional
        A batch with that many failures is the last one.
    timeout_ms : float, optional
        Time after which nothing further starts.
    on_progress : callable, optional
        Called after each batch with its index, the number of batches, items
        processed, items in all, successes and failures.
    progress : bool
        Whether to show a progress bar. False by default.
    allow_empty : bool
        Whether no items are a result of zeros, and not an error. False by default.
    """

    batch_size: int | None
    stop_on_error: StopOnError
    enable_parallel: bool
    atomic: bool
    max_failures: int | None
    timeout_ms: float | None
    on_progress: OnProgress | None
    progress: bool
    allow_empty: bool


DEFAULTS: Final[BatchOptions] = {
    "batch_size": None,
    "stop_on_error": False,
    "enable_parallel": False,
    "atomic": False,
    "max_failures": None,
    "timeout_ms": None,
    "on_progress": None,
    "progress": False,
    "allow_empty": False,
}
"""Of options that neither the call nor the manager says anything about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """The options of one call, complete and checked; see `BatchOptions`."""

    batch_size: int
    stop_on_error: StopOnError = False
    enable_parallel: bool = False
    atomic: bool = False
    max_failures: int | None = None
    timeout_ms: float | None = None
    on_progress: OnProgress | None = None
    progress: bool = False
    allow_empty: bool = False


def with_options(method: Method) -> Method:
    """Show the options of a batch method in its signature, one by one."""
    found = inspect.signature(method)
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in DEFAULTS.items()
    ]
    others = [p for p in found.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    method.__signature__ = found.replace(parameters=[*others, *options])  # type: ignore[attr-defined]
    return method


def to_call_options(
    given: BatchOptions, defaults: BatchOptions, *, max_batch_size: int
) -> CallOptions:
    """Check the options of a call.

    Raises
    ------
    InvalidArgumentError
        Naming the option.
    """
    unknown = [name for name in given if name not in BatchOptions.__annotations__]
    if unknown:
        raise InvalidArgumentError(
            unknown[0],
            given[unknown[0]],  # type: ignore[literal-required]  # not a literal: unknown
            f"cannot use the option {first_three(unknown)}; there are "
            f"{', '.join(BatchOptions.__annotations__)}",
        )
    merged: dict[str, Any] = {**defaults, **given}
    if given.get("batch_size") is None:
        merged["batch_size"] = to_count(defaults["batch_size"], "default_batch_size")
    else:
        merged["batch_size"] = to_batch_size(given["batch_size"], max_batch_size)
    _check(merged)
    return CallOptions(**merged)


def to_batch_size(value: Any, max_batch_size: int, parameter: str = "batch_size") -> int:
    """Check a batch size.

    Raises
    ------
    InvalidArgumentError
        When it is not an integer from 1 to the maximum.
    """
    number = to_count(value, parameter)
    if number > max_batch_size:
        raise InvalidArgumentError(
            parameter,
            value,
            f"cannot use {value!r} as {parameter}: the maximum is {max_batch_size}; give a "
            "smaller one (any size costs the same), or raise MAX_BATCH_SIZE",
        )
    return number


def to_count(value: Any, parameter: str) -> int:
    """Check a number of things, 1 or more.

    Raises
    ------
    InvalidArgumentError
        When it is not an integer above 0; True is none.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < 1:
        raise InvalidArgumentError(
            parameter, value, f"cannot use {value!r} as {parameter}; give an integer, 1 or more"
        )
    return number


def _check(options: dict[str, Any]) -> None:
    if options["max_failures"] is not None:
        options["max_failures"] = to_count(options["max_failures"], "max_failures")
    for name in ("stop_on_error", "enable_parallel", "atomic", "progress", "allow_empty"):
        if isinstance(options[name], np.bool_):
            options[name] = bool(options[name])
    stop = options["stop_on_error"]
    if not isinstance(stop, bool) and stop != "item":
        raise InvalidArgumentError(
            "stop_on_error", stop, f'cannot stop on {stop!r}; give True, False or "item"'
        )
    for name in ("enable_parallel", "atomic", "progress", "allow_empty"):
        if not isinstance(options[name], bool):
            raise InvalidArgumentError(name, options[name])
    timeout = options["timeout_ms"]
    is_number = isinstance(timeout, Real) and not isinstance(timeout, bool)
    if timeout is not None and not (is_number and timeout > 0 and math.isfinite(timeout)):
        raise InvalidArgumentError(
            "timeout_ms", timeout, f"cannot use {timeout!r} as timeout_ms; give milliseconds, > 0"
        )
    if options["on_progress"] is not None and not callable(options["on_progress"]):
        raise InvalidArgumentError("on_progress", options["on_progress"])
