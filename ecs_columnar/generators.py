"""Random generators whose states belong to a world.

What a simulation draws decides its future, so a generator that is registered is
part of snapshots, digests and transactions.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from copy import deepcopy
from typing import Any, TypeAlias

import numpy as np

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.steps import Step

States: TypeAlias = dict[str, dict[str, Any]]
"""The state of each bit generator, by name."""


class Generators(MutableMapping[str, np.random.Generator]):
    """The random generators of a world, by name.

    Examples
    --------
    >>> import numpy as np
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> world.generators["weather"] = np.random.default_rng(1)
    >>> before = world.snapshot()
    >>> first = world.generators["weather"].random()
    >>> world.restore(before)
    >>> world.generators["weather"].random() == first
    True
    """

    __slots__ = ("_by_name",)

    def __init__(self, by_name: dict[str, np.random.Generator]) -> None:
        self._by_name = by_name

    def __getitem__(self, name: str) -> np.random.Generator:
        return self._by_name[name]

    def __setitem__(self, name: str, generator: np.random.Generator) -> None:
        """Register a generator; it stays the object that it is.

        Raises
        ------
        InvalidArgumentError
            When it is no `numpy.random.Generator`.
        """
        if not isinstance(generator, np.random.Generator):
            raise InvalidArgumentError(
                "generator",
                generator,
                f"cannot register {generator!r} as {name}: give a numpy.random.Generator, such "
                "as numpy.random.default_rng(1)",
            )
        self._by_name[name] = generator

    def __delitem__(self, name: str) -> None:
        del self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"<Generators: {', '.join(self._by_name) or 'none'}>"


def get_states(generators: dict[str, np.random.Generator]) -> States:
    """Copy the states of generators."""
    return {name: deepcopy(dict(rng.bit_generator.state)) for name, rng in generators.items()}


def set_states(generators: dict[str, np.random.Generator], states: States) -> list[Step]:
    """Return the steps that set back the generators that are still there."""
    return [
        (setattr, generators[name].bit_generator, "state", state)
        for name, state in states.items()
        if name in generators
    ]
