"""Functions that write one entity into a row, made for each set of components.

A loop over the fields takes 1.5 us for two components of two numbers, and the
same written out 0.6: a quarter of all that it takes to spawn one entity. So it
is written out when a set is first met, as dataclasses write their methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Plain: TypeAlias = tuple[tuple[str, Any, Any, Any], ...]
"""Name, Python type, lowest and highest value of each field."""

RowWriter: TypeAlias = Callable[[Any, int, int, tuple[Any, ...]], bool]
"""``write(table, row, handle, components)``; see `row_writer`."""


def row_writer(types: Sequence[tuple[Any, Plain]]) -> RowWriter:
    """Make a function that writes a handle and Python numbers into a row of a table.

    Parameters
    ----------
    types : sequence of (ComponentType, Plain)
        In the order in which the components will be given.

    Returns
    -------
    callable
        ``write(table, row, handle, components)`` tells whether each value is a Python
        number that goes into its cell as it is; if not, nothing is written. Raises
        IndexError where there is no room, and TypeError where a snapshot holds a
        column.
    """
    names: dict[str, Any] = {}
    reads, writes = [], ["table.handles.memory[row] = handle"]
    for i, (component_type, fields) in enumerate(types):
        names[f"type_{i}"] = component_type
        reads.append(f"component = components[{i}]")
        writes.append(f"columns = table.columns[type_{i}]")
        for j, (name, exact, low, high) in enumerate(fields):
            k = f"{i}_{j}"
            names |= {f"exact_{k}": exact, f"low_{k}": low, f"high_{k}": high}
            reads.append(f"value_{k} = component.{name}")
            reads.append(f"if type(value_{k}) is not exact_{k}: return False")
            reads.append(f"if not low_{k} <= value_{k} <= high_{k}: return False")
            writes.append(f"columns[{j}].memory[row] = value_{k}")
    head = "def write(table, row, handle, components):"
    source = "\n    ".join([head, *reads, *writes, "return True"])
    exec(source, names)
    write: RowWriter = names["write"]
    return write
