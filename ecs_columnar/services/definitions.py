"""Definitions as plain data: named sets of component data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ecs_columnar.errors import (
    DefinitionNotFoundError,
    DuplicateContentError,
    InvalidArgumentError,
    ValidationError,
    first_three,
)
from ecs_columnar.frozen import freeze
from ecs_columnar.services.component_types import ComponentTypes


class DefinitionType(Mapping[str, Any]):
    """One definition, which cannot change: a mapping of ``"id"`` and ``"components"``.

    Attributes
    ----------
    id : str
    components : mapping of str to mapping
        Type id to data, in the order of the definition.

    Examples
    --------
    >>> definition = DefinitionType("core:actor", {"core:health": {"hp": 80}})
    >>> definition.id, definition["components"] is definition.components
    ('core:actor', True)
    """

    __slots__ = ("components", "id")

    def __init__(self, definition_id: str, components: Mapping[str, Any]) -> None:
        self.id: Final = definition_id
        self.components: Final = components

    def __getitem__(self, name: str) -> Any:
        return {"id": self.id, "components": self.components}[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("id", "components"))

    def __len__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return f"<DefinitionType {self.id}: {', '.join(self.components) or 'nothing'}>"


class DefinitionTypes(Mapping[str, "DefinitionType"]):
    """The definitions that entities are made of: ``services.definitions``.

    Parameters
    ----------
    types : ComponentTypes
        Which validate the data.
    by_id : dict of str to DefinitionType, optional
        Where they are kept.

    Examples
    --------
    >>> from ecs_columnar import World
    >>> types = ComponentTypes(World())
    >>> schema = {"properties": {"hp": {"type": "integer", "minimum": 0}}}
    >>> _ = types.register({"id": "core:health", "dataSchema": schema})
    >>> definitions = DefinitionTypes(types)
    >>> definitions.register({"id": "core:actor", "components": {"core:health": {"hp": 80}}})
    <DefinitionType core:actor: core:health>
    >>> definitions.ids()
    ['core:actor']
    """

    __slots__ = ("_by_id", "_types")

    def __init__(
        self, types: ComponentTypes, by_id: dict[str, DefinitionType] | None = None
    ) -> None:
        self._types: Final = types
        self._by_id: Final = {} if by_id is None else by_id

    def register(self, definition: Mapping[str, Any]) -> DefinitionType:
        """Take a definition.

        Parameters
        ----------
        definition : mapping
            ``{"id": ..., "components": {type_id: data}}``; it may say more, which is
            not kept.

        Returns
        -------
        DefinitionType
            A frozen copy; components in the order of the definition.

        Raises
        ------
        DuplicateContentError
            When the id is taken; the first definition stays.
        ValidationError
            When data does not fit its component type, or there is no such type.
            ``component_type_id`` names all that are wrong.
        InvalidArgumentError
            When it has no id, or its components are no mapping.
        """
        definition_id, components = _parts(definition)
        if definition_id in self._by_id:
            raise DuplicateContentError(
                f"cannot define {definition_id!r} again: it exists; create with overrides, or "
                "give the new one an id of its own",
                content_id=definition_id,
            )
        self._refuse_unfit(components)
        found = self._by_id[definition_id] = DefinitionType(definition_id, freeze(components))
        return found

    def ids(self) -> list[str]:
        """Return the ids of all definitions, in the order of registration."""
        return list(self._by_id)

    def __getitem__(self, definition_id: str) -> DefinitionType:
        found = self._by_id.get(definition_id) if isinstance(definition_id, str) else None
        if found is None:
            raise DefinitionNotFoundError(
                f"cannot find definition {definition_id!r}: there are {len(self)} "
                f"({first_three(self._by_id)}); register it first",
                definition_id=definition_id,
            )
        return found

    def get(self, definition_id: str, default: Any = None) -> Any:
        """Return a definition, or the default where there is none."""
        return self._by_id[definition_id] if definition_id in self else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, definition_id: object) -> bool:
        return isinstance(definition_id, str) and definition_id in self._by_id

    def __repr__(self) -> str:
        return f"<DefinitionTypes: {', '.join(self._by_id) or 'none'}>"

    def _refuse_unfit(self, components: Mapping[str, Any]) -> None:
        errors = {type_id: self._errors(type_id, data) for type_id, data in components.items()}
        unfit = [str(type_id) for type_id, found in errors.items() if found]
        if unfit:
            lines = [f"{type_id}: {line}" for type_id, found in errors.items() for line in found]
            raise ValidationError(", ".join(unfit), lines)

    def _errors(self, type_id: Any, data: Any) -> list[str]:
        if type_id not in self._types:
            return ["there is no such component type; register it first"]
        return self._types[type_id].validate(data)


def _parts(definition: Any) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(definition, Mapping):
        fault = "is no mapping"
    elif not (isinstance(definition.get("id"), str) and definition["id"].strip()):
        fault = "has no id that is a string and not blank"
    elif not isinstance(definition.get("components"), Mapping):
        fault = "has no components that are a mapping"
    else:
        return definition["id"], definition["components"]
    raise InvalidArgumentError(
        "definition",
        definition,
        f"cannot register {definition!r} as a definition: it {fault}; "
        'give {"id": ..., "components": {type_id: data}}',
    )
