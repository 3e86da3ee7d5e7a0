"""Numba kernels: arrays in, arrays out; nothing here knows the library.

A family of kernels is loaded when it is first asked for, as
``kernels.rows.gather(...)``, because importing Numba takes longer than
importing all the rest.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecs_columnar.kernels import (
        entities,
        groups,
        json_alike,
        json_lines,
        json_text,
        new_strings,
        rows,
        strings,
        texts,
    )

__all__ = [
    "entities",
    "groups",
    "json_alike",
    "json_lines",
    "json_text",
    "new_strings",
    "rows",
    "strings",
    "texts",
]


def step(kernel: Any, *arguments: Any) -> tuple[Any, ...]:
    """Return a kernel and its arguments, for `steps.run`.

    The kernel is compiled now, for all types that could come, so that running
    the step is a call into compiled code and nothing else.
    """
    if not kernel.is_ready(arguments):
        kernel.make_ready(arguments)
    return kernel, *arguments


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
