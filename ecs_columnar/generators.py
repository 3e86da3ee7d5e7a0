"""Random generators whose states belong to a world.

What a simulation draws decides its future, so a generator that is registered is
part of snapshots, digests and transactions.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from copy import deepcopy
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.steps import Step

States: TypeAlias = dict[str, dict[str, Any]]
"""The state of each bit generator, by name."""


class Drawn(NamedTuple):
    """Generators by name, and the state of each."""

    generators: dict[str, np.random.Generator]
    states: States


NOTHING_DRAWN: Final = Drawn({}, {})
"""Of a world without generators."""


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

    __slots__ = ("_owner",)

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    @property
    def _by_name(self) -> dict[str, np.random.Generator]:
        found: dict[str, np.random.Generator] = self._owner.generators
        return found

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


def drawn(generators: dict[str, np.random.Generator]) -> Drawn:
    """Copy the states of generators."""
    if not generators:
        return NOTHING_DRAWN
    states = {name: deepcopy(dict(rng.bit_generator.state)) for name, rng in generators.items()}
    return Drawn(dict(generators), states)


def undrawing(owner: Any, before: Drawn) -> list[Step]:
    """Return the steps that register the same generators again, in the states they had."""
    generators, states = before
    if not (generators or owner.generators):
        return []
    setting = [(setattr, generators[name].bit_generator, "state", states[name]) for name in states]
    return [*setting, (setattr, owner, "generators", dict(generators))]
