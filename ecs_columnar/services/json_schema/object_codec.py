"""Component types whose schema is not flat: the data of an item is one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ecs_columnar import fields
from ecs_columnar.schema import make_component
from ecs_columnar.services.codec import Columns, Reading
from ecs_columnar.services.json_schema.arrays import to_sequences, to_values
from ecs_columnar.services.json_schema.attributes import class_name
from ecs_columnar.services.json_schema.draft7 import Draft7
from ecs_columnar.services.json_schema.flat_codec import validate_mapping
from ecs_columnar.services.json_schema.kinds import ABSENT
from ecs_columnar.services.mappings import to_dicts
from ecs_columnar.services.plain import thaw


class ObjectCodec(Reading):
    """A component type of any schema. The slow path: each item by itself.

    Attributes
    ----------
    type_id : str
    schema : dict or bool
        The JSON Schema.
    component : type
        With one field, ``value``: the data, frozen.

    Examples
    --------
    >>> from ecs_columnar import World
    >>> from ecs_columnar.services.component_types import ComponentTypes
    >>> world = World()
    >>> schema = {"properties": {"a": {}}, "minProperties": 1}
    >>> choice = ComponentTypes(world).register({"id": "core:choice", "dataSchema": schema})
    >>> choice.validate({})
    ['$: {} should be non-empty']
    """

    def __init__(self, type_id: str, reference: Draft7) -> None:
        self.type_id: Final = type_id
        self.schema: Final = reference.schema
        self._reference: Final = reference
        self.component = make_component(class_name(type_id), {"value": fields.object_}, id=type_id)

    @property
    def is_tag(self) -> bool:
        """Whether the type has no fields."""
        return False

    def validate(self, data: Any) -> list[str]:
        """Return everything that is wrong with one datum, a line each."""
        return validate_mapping(self._reference, data)

    def to_columns(self, items: Sequence[Any]) -> Columns:
        """Turn a datum an item into a column of objects."""
        items = list(items)
        errors = {i: found for i, item in enumerate(items) if (found := self.validate(item))}
        is_good = np.ones(len(items), np.bool_)
        is_good[list(errors)] = False
        values = np.fromiter(items, object, len(items))
        return Columns(self.component, {"value": values}, is_good, errors)

    def from_arrays(self, arrays: Mapping[str, Any], n: int) -> Columns:
        """Turn a column a property into a column of objects.

        Raises
        ------
        InvalidArgumentError
            When a column is not of length ``n``.
        """
        given = to_sequences(arrays, n)
        values = {name: to_values(array, ABSENT) for name, array in given.items()}
        return self.to_columns(to_dicts(values, n))

    def decode(self, component: Any, n: int) -> list[dict[str, Any]]:
        """Turn columns back into a datum an item, as it was given."""
        values = component.value
        given = values if isinstance(values, np.ndarray) and values.ndim else [values] * n
        return [thaw(value) for value in given]

    def to_arrays(self, component: Any, n: int) -> dict[str, Any]:
        """Turn columns into a column a property: arrays of objects, None where it is absent."""
        data = self.decode(component, n)
        names = dict.fromkeys(name for item in data for name in item)
        return {name: np.fromiter((item.get(name) for item in data), object, n) for name in names}

    def __repr__(self) -> str:
        return f"<ObjectCodec {self.type_id}>"
