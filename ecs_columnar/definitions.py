"""Definitions: named sets of component values to spawn from."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecs_columnar.change import Change
from ecs_columnar.errors import (
    DefinitionNotFoundError,
    DuplicateContentError,
    InvalidArgumentError,
)
from ecs_columnar.schema import Component


@dataclass(frozen=True, slots=True)
class Definition:
    """A named set of components with their values.

    Attributes
    ----------
    id : str
    components : tuple of Component
        One value a field, in the order of definition.
    """

    id: str
    components: tuple[Component, ...]

    def with_overrides(self, overrides: tuple[Component, ...]) -> tuple[Component, ...]:
        """Return the components that are not overridden, then the overrides.

        An override replaces a component whole; fields are not merged.
        """
        overridden = {type(component) for component in overrides}
        kept = (component for component in self.components if type(component) not in overridden)
        return (*kept, *overrides)

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.components))
        return f"<Definition {self.id!r}: {inner}>"


class Definitions(Mapping[str, Definition]):
    """The definitions of a world, by id.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> class Health(ecs.Component):
    ...     points: ecs.i4 = 100
    >>> world = ecs.World()
    >>> world.define("core:actor", Health(80))
    <Definition 'core:actor': Health(points=80)>
    >>> list(world.definitions)
    ['core:actor']
    """

    __slots__ = ("by_id",)

    def __init__(self) -> None:
        self.by_id: dict[str, Definition] = {}

    def add(self, change: Change, definition: Definition) -> None:
        """Keep a definition.

        Raises
        ------
        InvalidArgumentError
            When the id is blank or not a string.
        DuplicateContentError
            When the id is taken; the first definition stays.
        """
        if not isinstance(definition.id, str) or not definition.id.strip():
            raise InvalidArgumentError(
                "id",
                definition.id,
                f"cannot define {definition.id!r}: the id is a string that is not blank",
            )
        if definition.id in self.by_id:
            raise DuplicateContentError(
                f"cannot define {definition.id!r} again: it exists; spawn with overrides, or "
                "give the new one an id of its own",
                content_id=definition.id,
            )
        components = tuple(copy.deepcopy(component) for component in definition.components)
        added = {definition.id: Definition(definition.id, components)}
        change.attribute(self, "by_id", self.by_id | added)

    def __getitem__(self, definition_id: str) -> Definition:
        found = self.by_id.get(definition_id) if isinstance(definition_id, str) else None
        if found is None:
            raise DefinitionNotFoundError(
                f"cannot find definition {definition_id!r}: this world has "
                f"{', '.join(self.by_id) or 'none'}; world.define({definition_id!r}, ...) "
                "makes one",
                definition_id=definition_id,
            )
        return found

    def get(self, definition_id: str, default: Any = None) -> Any:
        """Return a definition, or the default where there is none."""
        return self.by_id.get(definition_id, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_id)

    def __len__(self) -> int:
        return len(self.by_id)

    def __contains__(self, definition_id: object) -> bool:
        return definition_id in self.by_id

    def __repr__(self) -> str:
        return f"<Definitions: {', '.join(self.by_id) or 'none'}>"
