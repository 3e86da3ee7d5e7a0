"""Names of properties, as attributes of a component class."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable


def attribute_names(names: Iterable[str]) -> list[str]:
    """Make a distinct attribute name of each property, the same where it can be.

    Examples
    --------
    >>> attribute_names(["hp", "max-hp", "max hp", "class", "2nd", "_note"])
    ['hp', 'max_hp', 'max_hp_2', 'class_', 'field_2nd', 'field__note']
    """
    taken: dict[str, None] = {}
    for name in names:
        plain = _attribute_name(name)
        candidate, number = plain, 2
        while candidate in taken:
            candidate, number = f"{plain}_{number}", number + 1
        taken[candidate] = None
    return list(taken)


def class_name(type_id: str) -> str:
    """Make the name of a class of a type id.

    Examples
    --------
    >>> class_name("core:hit-points")
    'core_hit_points'
    """
    return _attribute_name(type_id)


def _attribute_name(name: str) -> str:
    # As Python's compiler normalises names, so that a generated __init__ finds them.
    plain = re.sub(r"\W", "_", unicodedata.normalize("NFKC", name))
    if keyword.iskeyword(plain) or plain in ("records", "self"):
        return plain + "_"
    return plain if plain.isidentifier() and not plain.startswith("_") else f"field_{plain}"
