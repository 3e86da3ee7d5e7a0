"""Functions that write one entity into a row, made for each set of components.

A loop over the fields takes 1.5 us for two components of two numbers, and the
same written out 0.6: a quarter of all that it takes to spawn one entity. So it
is written out when a set is first met, as dataclasses write their methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ecs_columnar.dtypes import NO_ENTITY

Plain: TypeAlias = tuple[tuple[str, Any, Any, Any], ...]
"""Name, Python type, lowest and highest value of each field."""

RowWriter: TypeAlias = Callable[[Any, int, tuple[Any, ...]], bool]
"""``write(table, row, components)``; see `row_writer`."""


def row_writer(types: Sequence[tuple[Any, Plain]]) -> RowWriter:
    """Make a function that writes Python numbers into a row of a table, and no handle yet.

    Parameters
    ----------
    types : sequence of (ComponentType, Plain)
        In the order in which the components will be given.

    Returns
    -------
    callable
        ``write(table, row, components)`` tells whether each value is a Python
        number that goes into its cell as it is; if not, nothing is written. Raises
        IndexError where there is no room, and TypeError where a snapshot holds a
        column.
    """
    names: dict[str, Any] = {}
    given, reads, writes = [], [], [f"table.handles.memory[row] = {NO_ENTITY}"]
    for i, (component_type, fields) in enumerate(types):
        names[f"type_{i}"] = component_type
        given.append(f"component_{i}")
        writes.append(f"columns = table.columns[type_{i}]")
        for j, (name, exact, low, high) in enumerate(fields):
            value = f"value_{i}_{j}"
            reads.append(f"{value} = component_{i}.{name}")
            reads.append(f"if type({value}) is not {exact.__name__}: return False")
            reads.append(f"if not {low!r} <= {value} <= {high!r}: return False")
            writes.append(f"columns[{j}].memory[row] = {value}")
    if given:
        reads.insert(0, f"{', '.join(given)}, = components")
    head = "def write(table, row, components):"
    source = "\n    ".join([head, *reads, *writes, "return True"])
    try:
        exec(source, names)
    except SystemError as error:  # so Python says that memory ran out while it compiled
        raise MemoryError from error
    write: RowWriter = names["write"]
    return write
