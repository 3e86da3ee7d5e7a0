"""Name sets of components."""

from __future__ import annotations

from ecs_columnar.change import Change
from ecs_columnar.definitions import Definition
from ecs_columnar.operations.values import to_values, types_of
from ecs_columnar.schema import Component
from ecs_columnar.storage import Storage


def define(storage: Storage, definition_id: str, components: tuple[Component, ...]) -> Definition:
    """Name a set of components; see `World.define`."""
    by_type = types_of(storage, components, "define with")
    with Change(storage) as change, change:
        for component_type, component in by_type.items():
            to_values(change, component_type, component, -1)
        change.forget_strings()
        definition = Definition(definition_id, components)
        storage.definitions.add(change, definition)
        change.record("define", definition)
        change.apply()
    return storage.definitions[definition_id]
