"""Component types and definitions as world files declare them."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np

from ecs_columnar.errors import SchemaError
from ecs_columnar.schema import Field, schema_of
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.class_codec import ClassCodec
from ecs_columnar.services.codec import Codec
from ecs_columnar.services.plain import thaw

_TYPES: Final = {"b": "boolean", "i": "integer", "u": "integer", "f": "number"}


def declared_type(codec: Codec) -> dict[str, Any]:
    """Return a component type as ``{"id", "dataSchema"}``.

    Raises
    ------
    SchemaError
        When JSON has no name for its data: references to entities, dates, what has
        a codec of its own.
    """
    if isinstance(codec, ClassCodec):
        return {"id": codec.type_id, "dataSchema": _schema_of(codec)}
    schema = getattr(codec, "schema", None)
    if schema is None:
        raise SchemaError(
            f"cannot write component type {codec.type_id}: its codec has no schema; register it "
            "with a JSON Schema or a class"
        )
    return {"id": codec.type_id, "dataSchema": schema}


def declared_definition(catalogue: Catalogue, definition_id: str) -> dict[str, Any]:
    """Return a definition as ``{"id", "components"}``, with the defaults of classes."""
    components: dict[str, Any] = {}
    for type_id, data in catalogue.definitions[definition_id]["components"].items():
        codec = catalogue.codec(type_id)
        if isinstance(codec, ClassCodec):
            data = codec.decode(codec.to_columns([data]).component, 1)[0]
        components[type_id] = thaw(data)
    return {"id": definition_id, "components": components}


def _schema_of(codec: ClassCodec) -> dict[str, Any]:
    fields = schema_of(codec.component)
    declared = {each.name: each for each in dataclasses.fields(codec.component)}  # type: ignore[arg-type]  # it is one
    required = [
        name
        for name, each in declared.items()
        if each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    ]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: _property(codec.type_id, field) for field in fields},
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema


def _property(type_id: str, field: Field) -> dict[str, Any]:
    if field.kind == "string":
        return {"type": "string"}
    if field.kind == "object":
        return {}
    if field.kind == "reference" or field.dtype.kind not in _TYPES:
        raise SchemaError(
            f"cannot write component type {type_id}: JSON has no name for {field.name}, which is "
            f"{'a reference' if field.kind == 'reference' else field.dtype}; keep such fields in a "
            "component that is not written, or save a checkpoint instead"
        )
    schema: dict[str, Any] = {"type": _TYPES[field.dtype.kind]}
    if field.dtype.kind in "iu":
        limits = np.iinfo(field.dtype)
        schema |= {"minimum": int(limits.min), "maximum": int(limits.max)}
    for length in reversed(field.shape):
        schema = {"type": "array", "items": schema, "minItems": length, "maxItems": length}
    return schema
