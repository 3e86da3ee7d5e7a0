"""Components that entities get because they have a certain other one, the tag."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.schema import Component
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.instances import revise, with_override


def give_defaults(catalogue: Catalogue, entities: NDArray[np.int64]) -> None:
    """Give living entities what goes with the tags that they have by now, and that they lack.

    As in a creation: what is given brings nothing else with it, and of two tags that
    bring the same, the later one of the configuration does.

    Raises
    ------
    ConfigurationError
        When it is no component, or its data does not fit.
    """
    given: dict[str, list[tuple[NDArray[np.bool_], Component]]] = {}
    for tag in catalogue.read_defaults():
        if tag not in catalogue.components or tag == catalogue.place.type_id:
            continue
        has_tag = catalogue.has(tag, entities)
        if has_tag.any():
            for type_id, component in catalogue.default_components([tag]).items():
                given.setdefault(type_id, []).append((has_tag, component))
    for type_id, components in given.items():
        for has_tag, component in reversed(components):
            lacking = entities[has_tag & ~catalogue.has(type_id, entities)]
            _give(catalogue, lacking, type_id, component)


def _give(
    catalogue: Catalogue, entities: NDArray[np.int64], type_id: str, component: Component
) -> None:
    if entities.shape[0]:
        catalogue.world.add(entities, component)
        codes = np.zeros(entities.shape[0], np.intp)
        revise(catalogue.world, entities, codes, [type_id], with_override)
