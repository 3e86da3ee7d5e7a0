"""The component types of a world, by id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ecs_columnar.errors import (
    ComponentNotFoundError,
    DuplicateContentError,
    InvalidArgumentError,
    first_three,
)
from ecs_columnar.schema import Component
from ecs_columnar.services.class_codec import ClassCodec
from ecs_columnar.services.codec import Codec
from ecs_columnar.services.json_schema.draft7 import Draft7, checked_schema
from ecs_columnar.services.json_schema.flat import flat
from ecs_columnar.services.json_schema.flat_codec import FlatCodec
from ecs_columnar.services.json_schema.object_codec import ObjectCodec
from ecs_columnar.world import World


class ComponentTypes(Mapping[str, Codec]):
    """What is known of each component type: ``services.components``.

    Parameters
    ----------
    world : World
        Which meets the component classes of all types.
    by_id : dict of str to Codec, optional
        Where they are kept.

    Examples
    --------
    >>> types = ComponentTypes(World())
    >>> schema = {"properties": {"hp": {"type": "integer", "minimum": 0}}, "required": ["hp"]}
    >>> types.register({"id": "core:health", "dataSchema": schema})
    <FlatCodec core:health: hp>
    >>> types["core:health"].validate({"hp": -1})
    ['$.hp: -1 is less than the minimum of 0']
    >>> types.ids()
    ['core:health']
    """

    __slots__ = ("_by_id", "_world")

    def __init__(self, world: World, by_id: dict[str, Codec] | None = None) -> None:
        self._world: Final = world
        self._by_id: Final = {} if by_id is None else by_id

    def register(self, declared: type[Component] | Mapping[str, Any] | Codec) -> Codec:
        """Take a component type.

        Parameters
        ----------
        declared : component class, mapping or codec
            A mapping is ``{"id": ..., "dataSchema": ...}``, or with ``data_schema``;
            it may say more. A codec is taken as it is: that is how a type whose data
            lies elsewhere, as a place does, is registered.

        Returns
        -------
        Codec

        Raises
        ------
        DuplicateContentError
            When the id is taken; the first type stays.
        InvalidArgumentError, SchemaError
            When it is no component type, or its schema is not valid.
        """
        type_id = _type_id(declared)
        if type_id in self._by_id:
            raise DuplicateContentError(
                f"cannot register component type {type_id!r} again: it exists; give the new one "
                "an id of its own",
                content_id=type_id,
            )
        codec = self._to_codec(type_id, declared)
        if codec.component is not None:
            self._world.query(codec.component)  # which refuses another class of this id
        self._by_id[type_id] = codec
        return codec

    def ids(self) -> list[str]:
        """Return the ids of all types, in the order of registration."""
        return list(self._by_id)

    def __getitem__(self, type_id: str) -> Codec:
        found = self._by_id.get(type_id) if isinstance(type_id, str) else None
        if found is None:
            raise ComponentNotFoundError(
                f"cannot find component type {type_id!r}: there are "
                f"{len(self)} ({first_three(self._by_id)}); register it first",
                component_type_id=type_id,
            )
        return found

    def get(self, type_id: str, default: Any = None) -> Any:
        """Return what is known of a type, or the default where there is none."""
        return self._by_id[type_id] if type_id in self else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, type_id: object) -> bool:
        return isinstance(type_id, str) and type_id in self._by_id

    def __repr__(self) -> str:
        return f"<ComponentTypes: {', '.join(self._by_id) or 'none'}>"

    def _to_codec(self, type_id: str, declared: Any) -> Codec:
        if isinstance(declared, type):
            return ClassCodec(self._world, declared)
        if not isinstance(declared, Mapping):
            codec: Codec = declared
            return codec
        reference = Draft7(checked_schema(type_id, _data_schema(type_id, declared)))
        layout = flat(reference.schema)
        if layout is None:
            return ObjectCodec(type_id, reference)
        return FlatCodec(type_id, reference, layout)


def _type_id(declared: Any) -> str:
    if isinstance(declared, type) and issubclass(declared, Component):
        if declared is not Component:
            return declared.__schema__.type_id
    elif isinstance(declared, Mapping) or (
        isinstance(declared, Codec) and not isinstance(declared, type)
    ):
        found = declared.get("id") if isinstance(declared, Mapping) else declared.type_id
        if isinstance(found, str) and found.strip():
            return found
        message = f"cannot register a component type: its id is {found!r}; give a string that is "
        raise InvalidArgumentError("component", declared, message + "not blank")
    raise InvalidArgumentError(
        "component",
        declared,
        f"cannot register {declared!r} as a component type; give a component class, or a mapping "
        "with id and dataSchema",
    )


def _data_schema(type_id: str, declared: Mapping[str, Any]) -> Any:
    for key in ("dataSchema", "data_schema"):
        if key in declared:
            return declared[key]
    raise InvalidArgumentError(
        "component",
        declared,
        f"cannot register component type {type_id!r}: it has no dataSchema; give one, "
        "{} takes any data",
    )
