"""What files are called: by positions in the schema, never by what data says."""

from __future__ import annotations


def column_name(component: int, field: int) -> str:
    """Return the name of the file of a column, without its suffix.

    Examples
    --------
    >>> column_name(3, 0)
    'component-3-field-0'
    """
    return f"component-{component}-field-{field}"


def bytes_name(name: str) -> str:
    """Return the name of the file of the bytes of strings that have codes in another."""
    return f"{name}-bytes"


def ends_name(name: str) -> str:
    """Return the name of the file that says where each of the strings ends."""
    return f"{name}-ends"


def handles_name(component: int) -> str:
    """Return the name of the file of who has a sparse component."""
    return f"component-{component}-handles"
