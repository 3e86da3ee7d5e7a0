"""What the values of an Arrow array are in Python: whether JSON has such, and how much they take.

An array is checked by its type before it is read, and by its buffers after that; both say
little of what is made of it. A time can be later than Python knows, a structure can have two
fields of one name. And what lies in memory once, or nowhere, is made anew for each row: a text
of a dictionary, one that many views show, a null. At the top of a column, each text of a
dictionary is made once.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_COLUMNS: Final = (
    "bool",
    "dictionary<values=null",
    "dictionary<values=string",
    "double",
    "float",
    "int",
    "large_list",
    "large_string",
    "list",
    "null",
    "string",
    "struct",
    "uint",
)
"""How the types of columns are written."""

_SCALARS: Final = ("null", "boolean", "integer", "floating", "string", "large_string")
_LISTS: Final = ("list", "large_list", "fixed_size_list")
_TEXTS: Final = ("string", "large_string", "string_view")

_BYTES_OF_ITEM: Final = 8
"""Of an item of a list in Python, whatever it is."""


def fault_of_schema(schema: Any) -> tuple[str, str] | None:
    """Return the name of a column that no component takes, and why; None if there is none.

    Raises
    ------
    UnicodeDecodeError
        When the name of a column, or of a field in it, is no text.
    """
    for field in schema:
        if not str(field.type).startswith(_COLUMNS) or not _is_json(field.type):
            return field.name, (
                f"the column is of Arrow type {field.type}, which no component takes; cast it"
            )
    return None


def _is_json(kind: Any) -> bool:
    """Tell whether JSON has the values of a type: no time, no bytes, nothing twice in an object.

    A view of a list can show all of it in each row, and nobody writes such.
    """
    if _is_one(kind, ("struct",)):
        names = [field.name for field in kind]
        return len(set(names)) == len(names) and all(_is_json(field.type) for field in kind)
    if _is_one(kind, _LISTS):
        return _is_json(kind.value_type)
    if _is_one(kind, ("dictionary",)):
        kind = kind.value_type
    return _is_one(kind, (*_SCALARS, "string_view"))


def n_bytes_shown(column: Any) -> int:
    """Return what a column takes in Python beside what it has in memory.

    The texts that views show, those of dictionaries within lists and structures, and a
    number of bytes for each item of a list. O(rows, items).

    Parameters
    ----------
    column : pyarrow.Array
        Which has been validated, of a type without `fault_of_schema`.
    """
    return 0 if _is_one(column.type, ("dictionary",)) else _n_shown(column)


def _n_shown(array: Any) -> int:
    kind = array.type
    if _is_one(kind, ("string_view",)):
        return int(_lengths(array).sum())
    if _is_one(kind, ("dictionary",)):
        return _n_of_dictionary(array)
    if _is_one(kind, ("struct",)):
        return sum(map(_n_shown, array.flatten()))
    if _is_one(kind, _LISTS):
        items = array.flatten()
        return _BYTES_OF_ITEM * len(items) + _n_shown(items)
    return 0


def _n_of_dictionary(array: Any) -> int:
    if not _is_one(array.dictionary.type, _TEXTS):
        return 0
    indices = array.indices.drop_null().cast("int64").to_numpy()
    return int(_lengths(array.dictionary)[indices].sum())


def _lengths(texts: Any) -> NDArray[np.int64]:
    """Return how many bytes each text has; none where it is null."""
    if _is_one(texts.type, ("string_view",)):
        views = np.frombuffer(texts.buffers()[1] or b"", np.int32)  # a length, and three others
        lengths = views[::4][texts.offset : texts.offset + len(texts)].astype(np.int64)
    else:
        import pyarrow.compute as pc

        lengths = pc.binary_length(texts).cast("int64").fill_null(0).to_numpy()
    is_there = texts.is_valid().to_numpy(zero_copy_only=False)
    return np.where(is_there, lengths, 0)


def _is_one(kind: Any, names: tuple[str, ...]) -> bool:
    """Tell whether a type is one of some, by what pyarrow calls the test."""
    import pyarrow as pa

    return any(getattr(pa.types, f"is_{name}")(kind) for name in names)
