"""The entities of a world to load, as items of the three steps of loading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.columns import Column, are_missing, filled, take, to_list
from ecs_columnar.services.items import MISSING, Columns, ItemList, Items
from ecs_columnar.services.overrides import are_flags, type_and_field

_ENTITY_FIELDS: Final = (("definition_id", None), ("instance_id", None))
_COMPONENT_FIELDS: Final = ("components", "component_overrides")


class EntityItems(Items):
    """Entities to make from their definitions; their components come later.

    An entity of a world has an id: where it lacks one it is blank, which no id is.
    """

    is_columnar = False

    def __init__(self, items: Items) -> None:
        self.items: Final = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]

    def part(self, start: int, stop: int) -> EntityItems:
        """Return some of the entities."""
        return EntityItems(self.items.part(start, stop))

    def field(self, name: str, *, within: str | None = None) -> Column:  # noqa: ARG002
        """Return the values of one field; none has options."""
        if name == "opts" or name in _COMPONENT_FIELDS:
            return [MISSING] * len(self)
        return self.items.field(name)

    def option(self, name: str) -> Column:
        """Return ids, blank where there is none, and no overrides."""
        column = self.field(name)
        if name != "instance_id":
            return column
        if isinstance(column, list):
            return ["" if value is None or value is MISSING else value for value in column]
        return filled(column, "")


def component_items(catalogue: Catalogue, items: Items, rows: NDArray[np.intp]) -> list[Items]:
    """Return the components of some entities, as items to add.

    Parameters
    ----------
    catalogue : Catalogue
    items : Items
    rows : intp array, shape (k,)
        The entities that were made.

    Returns
    -------
    list of Items
        Of a list of entities one batch; of columns one batch a component type.
    """
    if isinstance(items, Columns):
        if not any(map(items.has, _COMPONENT_FIELDS)):
            return _of_columns(catalogue, items, rows)
        fields = [*_ENTITY_FIELDS, *((name, None) for name in _COMPONENT_FIELDS)]
        beside = "a column of components; give them in one of the two ways"
        items = ItemList(items.to_dicts(*fields, parameter="world_data", beside=beside))
    given = items.field("components")
    others = items.field("component_overrides") if MISSING in given else given
    ids = items.field("instance_id")
    found: list[Any] = []
    for row in rows.tolist():
        components = others[row] if given[row] is MISSING else given[row]
        if isinstance(components, Mapping):
            found += [_addition(ids[row], *item) for item in components.items()]
        elif components is not None and components is not MISSING:
            found.append(_addition(ids[row], MISSING, components))
    return [ItemList(found)] if found else []


def _addition(instance_id: Any, type_id: Any, data: Any) -> dict[str, Any]:
    return {"instance_id": instance_id, "component_type_id": type_id, "component_data": data}


def _of_columns(catalogue: Catalogue, items: Columns, rows: NDArray[np.intp]) -> list[Items]:
    by_type: dict[str, dict[str, Column]] = {}
    for name, column in items.rest(*_ENTITY_FIELDS).items():
        type_id, _ = type_and_field(catalogue, name.removeprefix("components."))
        by_type.setdefault(type_id, {})[name.removeprefix("components.")] = column
    ids = items.field("instance_id")
    return [
        part
        for type_id, columns in by_type.items()
        if (part := _part(ids, type_id, columns, rows)) is not None
    ]


def _part(
    ids: Column, type_id: str, columns: dict[str, Column], rows: NDArray[np.intp]
) -> Columns | None:
    present = np.zeros(rows.shape[0], np.bool_)
    chosen = {name: take(column, rows) for name, column in columns.items()}
    for name, column in chosen.items():
        present |= are_flags(column) if name == type_id else ~are_missing(column)
    if not present.any():
        return None
    if not present.all():
        kept = np.flatnonzero(present)
        rows, chosen = rows[kept], {name: take(c, kept) for name, c in chosen.items()}
    whole = chosen.pop(type_id, None)
    data = {} if whole is None else {"component_data": to_list(whole)}
    n = rows.shape[0]
    named = {"instance_id": take(ids, rows), "component_type_id": [type_id] * n}
    return Columns({**named, **data, **chosen}, n)
