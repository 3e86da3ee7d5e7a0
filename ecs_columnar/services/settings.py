"""What a batch service is set to, for the calls that do not say otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.services.items import to_items
from ecs_columnar.services.options import DEFAULTS, BatchOptions, to_batch_size

_LARGEST: Final = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a batch service is set to.

    Attributes
    ----------
    default_batch_size : int
        Of calls that give none.
    max_batch_size : int
        The largest that a call may give.
    is_default_bounded : bool
        Whether the default is at most the maximum as well.
    enable_transactions : bool
        Whether a call may be atomic.
    defaults : BatchOptions
        Of the other options of calls.
    enable_batch_operations : bool
        Whether a facade hands batches on.
    threshold : int
        Calls with fewer items are done item by item.
    is_on : mapping of str to bool
        Whether a facade hands an operation on; those that are not there are.

    Raises
    ------
    InvalidArgumentError
        When a batch size is not an integer from 1 to the maximum.
    """

    default_batch_size: int
    max_batch_size: int
    is_default_bounded: bool = True
    enable_transactions: bool = True
    defaults: BatchOptions = field(default_factory=lambda: DEFAULTS)
    enable_batch_operations: bool = False
    threshold: int = 10
    is_on: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        to_batch_size(self.max_batch_size, _LARGEST, "max_batch_size")
        maximum = self.max_batch_size if self.is_default_bounded else _LARGEST
        to_batch_size(self.default_batch_size, maximum, "default_batch_size")

    def hands_on(self, operation: str, items: Any) -> bool:
        """Tell whether a facade hands a call on."""
        is_on = self.enable_batch_operations and self.is_on.get(operation, True)
        return is_on and _count(items) >= self.threshold


ReadSettings = Callable[[], Settings]
"""Returns what the settings are now."""


def _count(items: Any) -> int:
    """Return how many items the first argument of a batch call has; 0 where it is none."""
    if isinstance(items, (list, tuple)):
        return len(items)
    try:
        return len(to_items(items, "items", allow_empty=True))
    except InvalidArgumentError:
        return 0


def refuse_incomplete(manager: Any, parameter: str, methods: tuple[str, ...]) -> None:
    """Raise when a manager lacks a method.

    Raises
    ------
    InvalidArgumentError
    """
    missing = [name for name in methods if not callable(getattr(manager, name, None))]
    if missing:
        raise InvalidArgumentError(
            parameter,
            manager,
            f"cannot use {type(manager).__name__} as {parameter}: it has no {', '.join(missing)}",
        )
