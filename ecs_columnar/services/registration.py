"""The component types and definitions of world files, made known to a world.

What the world knows already is used as it is, if it is the same: so the same
files can be loaded again, and types can be classes of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ecs_columnar.errors import EcsColumnarError, ValidationError
from ecs_columnar.io.problem import Problem
from ecs_columnar.io.world_files import Found, WorldFiles
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.class_codec import ClassCodec
from ecs_columnar.services.plain import thaw


def register(catalogue: Catalogue, files: WorldFiles) -> None:
    """Make known what files declare; what is wrong becomes a problem of theirs."""
    types, definitions = catalogue.components, catalogue.definitions

    def is_type(data: Mapping[str, Any]) -> bool:
        found = types.get(data["id"])
        if found is catalogue.place or isinstance(found, ClassCodec):
            return True
        return found is not None and getattr(found, "schema", None) == data.get("dataSchema")

    def is_definition(data: Mapping[str, Any]) -> bool:
        found = definitions.get(data["id"])
        return found is not None and thaw(found["components"]) == data.get("components")

    _register(files.components, types.register, is_type, files.problems)
    _register(files.definitions, definitions.register, is_definition, files.problems)


def _register(
    declared: list[Found],
    take: Callable[[Any], object],
    is_known: Callable[[Mapping[str, Any]], bool],
    problems: list[Problem],
) -> None:
    seen: set[str] = set()
    for each in declared:
        named = isinstance(each.data, Mapping) and isinstance(each.data.get("id"), str)
        try:
            if not (named and each.data["id"] not in seen and is_known(each.data)):
                take(each.data)
        except ValidationError as error:
            problems += [each.problem(line, ".components") for line in error.errors]
        except EcsColumnarError as error:
            problems.append(each.problem(str(error)))
        if named:
            seen.add(each.data["id"])
