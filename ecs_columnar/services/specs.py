"""What one item of a batch call says, as dataclasses.

A mapping with the same keys does as well, in snake_case or in camelCase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BatchCreateSpec:
    """One entity to create.

    Attributes
    ----------
    definition_id : str
    opts : mapping, optional
        With ``"instance_id"`` and ``"component_overrides"``, both optional.
    """

    definition_id: str
    opts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BatchComponentSpec:
    """One component to add, or without its data to remove.

    Attributes
    ----------
    instance_id : str or int
        An id, or a handle.
    component_type_id : str
    component_data : mapping, optional
        Whole: it replaces what the entity has.
    """

    instance_id: str | int
    component_type_id: str
    component_data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LocationUpdate:
    """One entity to move.

    Attributes
    ----------
    entity_id : str or int
        An id, or a handle.
    old_location_id : str, int or None
        Where the caller believes that it is.
    new_location_id : str or int
    """

    entity_id: str | int
    old_location_id: str | int | None = None
    new_location_id: str | int | None = None
