"""Which schemas are flat: an object whose properties can each be a column.

Whether a keyword counts is what the reference says: it looks at some and
ignores all others, so that an unknown keyword or a description changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ecs_columnar.services.json_schema.attributes import attribute_names
from ecs_columnar.services.json_schema.booleans import BooleanColumn
from ecs_columnar.services.json_schema.bounds import EXACT
from ecs_columnar.services.json_schema.draft7 import Draft7, keywords
from ecs_columnar.services.json_schema.field_column import FieldColumn
from ecs_columnar.services.json_schema.numbers import FloatColumn, IntegerColumn
from ecs_columnar.services.json_schema.texts import TextColumn
from ecs_columnar.services.json_schema.values import ValueColumn

_OF_OBJECT: Final = {"type", "properties", "required", "additionalProperties", "format"}

_BOUNDS: Final = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}

_OF_SCALAR: Final = {"type", "enum", "const", "format", "minLength", "maxLength", "pattern"}

_COLUMNS: Final[dict[str, type[FieldColumn]]] = {
    "integer": IntegerColumn,
    "number": FloatColumn,
    "boolean": BooleanColumn,
    "string": TextColumn,
}


class Flat(NamedTuple):
    """A flat schema.

    Attributes
    ----------
    columns : tuple of FieldColumn
        Of each property, in the order of the schema.
    is_open : bool
        Whether an item may have other properties.
    """

    columns: tuple[FieldColumn, ...]
    is_open: bool


def flat(schema: Any) -> Flat | None:
    """Return the columns of a schema; None if it is not flat.

    Parameters
    ----------
    schema : dict or bool
        Valid by draft-07.
    """
    schema = {} if schema is True else schema
    if not (isinstance(schema, dict) and _looked_at(schema) <= _OF_OBJECT):
        return None
    properties, required = schema.get("properties", {}), set(schema.get("required", ()))
    is_open = schema.get("additionalProperties", True)
    takes_objects = "object" in _types(schema) if "type" in schema else True
    if not (takes_objects and isinstance(is_open, bool) and required <= properties.keys()):
        return None
    if any(_has_references(part) for part in properties.values()):
        return None
    names = zip(properties, attribute_names(properties), strict=True)
    columns = [
        _column_of(properties[name])(
            name, attribute, Draft7(properties[name]), is_required=name in required
        )
        for name, attribute in names
    ]
    return Flat(tuple(columns), is_open)


def _column_of(schema: Any) -> type[FieldColumn]:
    """Return the kind of column for a property; any value fits a `ValueColumn`."""
    if not (isinstance(schema, dict) and _looked_at(schema) <= _OF_SCALAR | _BOUNDS):
        return ValueColumn
    types = _types(schema) if "type" in schema else set(map(_type_of, _members(schema)))
    types.discard("null")
    if "number" in types:
        types.discard("integer")
    if len(types) != 1 or not _is_countable(schema):
        return ValueColumn
    return _COLUMNS.get(types.pop(), ValueColumn)


def _looked_at(schema: dict[str, Any]) -> set[str]:
    return set(schema) & keywords()


def _types(schema: dict[str, Any]) -> set[str]:
    types = schema["type"]
    return {types} if isinstance(types, str) else set(types)


def _members(schema: dict[str, Any]) -> list[Any]:
    """Return the values that can be valid at all, where the schema lists them."""
    return [schema["const"]] if "const" in schema else schema.get("enum", [])


def _type_of(member: Any) -> str:
    if isinstance(member, bool):
        return "boolean"
    if isinstance(member, int) or (isinstance(member, float) and member.is_integer()):
        return "integer"
    if member is None:
        return "null"
    return {float: "number", str: "string"}.get(type(member), "object")


def _is_countable(schema: dict[str, Any]) -> bool:
    """Tell whether array operations are exact for all numbers in a schema.

    An integer is divided by an integer as it is by the reference, unless it is
    a float by then, and the divisor beyond what floats count exactly.
    """
    numbers = [schema[word] for word in _BOUNDS & schema.keys()]
    numbers += [m for m in (*schema.get("enum", []), schema.get("const")) if type(m) is float]
    divisor = schema.get("multipleOf", 1)
    are_finite = all(isinstance(number, int) or math.isfinite(number) for number in numbers)
    return are_finite and (isinstance(divisor, float) or divisor <= EXACT)


def _has_references(schema: Any) -> bool:
    return any("$ref" in part for part in _dicts(schema))


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = value.values()
    elif not isinstance(value, list):
        return
    for item in value:
        yield from _dicts(item)
