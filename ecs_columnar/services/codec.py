"""What is known of a component type: plain data in, columns out, plain data back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Coded, Texts
from ecs_columnar.encoded import Encoded
from ecs_columnar.schema import Component
from ecs_columnar.world import World

_ALL: Final = slice(None)

ONE_IS_GOOD: Final = np.ones(1, np.bool_)
"""What is good of one datum that is: to make it takes as long as to look at two fields."""
ONE_IS_GOOD.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Data of ``n`` items, as columns of their component.

    Attributes
    ----------
    cls : type
        The component class.
    values : dict of str to array, Coded, Encoded, Texts or scalar
        Of each field: shape (n, ...), or one value for all; strings of which many are
        alike as `Coded`, others as objects or bytes. Where an item is not good,
        something that fits the column.
    is_good : bool array, shape (n,)
        Which items fit the schema.
    errors : dict of int to list of str
        Of each item that is not good: everything that is wrong with it. Items that are
        wrong in the same way share a list.
    """

    cls: type[Component]
    values: dict[str, Any]
    is_good: NDArray[np.bool_]
    errors: dict[int, list[str]]

    @property
    def n_good(self) -> int:
        """Number of good items: of the entities that `component` is for."""
        return len(self.is_good) - len(self.errors)

    @property
    def component(self) -> Component:
        """The good items, ready for `World.spawn` and `World.add`."""
        return self.cls(**self.values) if not self.errors else self.at(self.is_good)

    def at(self, items: NDArray[Any] | slice) -> Component:
        """Return some items, ready for the world: a mask, positions or a slice.

        All of them are good, or what they hold is undefined.
        """
        if isinstance(items, slice) and items == _ALL:
            return self.cls(**self.values)
        return self.cls(**{name: _take(value, items) for name, value in self.values.items()})


@runtime_checkable
class Codec(Protocol):
    """A component type as the services see it.

    Whatever has these members can be registered. `FlatCodec` and `ObjectCodec`
    are made of a JSON Schema, `ClassCodec` of a component class.
    """

    @property
    @abstractmethod
    def type_id(self) -> str:
        """Name of the type in data and messages."""

    @property
    @abstractmethod
    def component(self) -> type[Component] | None:
        """The class whose columns hold the data; None if it lies elsewhere."""

    @property
    @abstractmethod
    def is_tag(self) -> bool:
        """Whether the type has no fields."""

    @abstractmethod
    def validate(self, data: Any) -> list[str]:
        """Return everything that is wrong with one datum, a line each."""

    @abstractmethod
    def to_columns(self, items: Sequence[Any]) -> Columns:
        """Turn a datum an item into columns."""

    @abstractmethod
    def from_arrays(self, arrays: Mapping[str, Any], n: int) -> Columns:
        """Turn a column a property into columns of the component."""

    @abstractmethod
    def decode(self, component: Any, n: int) -> list[dict[str, Any]]:
        """Turn columns back into a datum an item."""

    @abstractmethod
    def to_arrays(self, component: Any, n: int) -> dict[str, Any]:
        """Turn columns into a column a property, for a DataFrame."""

    @abstractmethod
    def read(self, world: World, entities: Any) -> list[dict[str, Any]]:
        """Return the data of entities."""

    @abstractmethod
    def read_one(self, world: World, entity: Any) -> dict[str, Any]:
        """Return the data of one entity."""


class Reading:
    """How every codec reads from a world: it gets the columns, and decodes them."""

    component: type[Component]

    def decode(self, component: Any, n: int) -> list[dict[str, Any]]:
        """Turn columns of ``n`` items back into a datum an item."""
        raise NotImplementedError

    def read(self, world: World, entities: Any) -> list[dict[str, Any]]:
        """Return the data of entities: fresh, so that changing it changes no column.

        Parameters
        ----------
        world : World
        entities : entities
            An array or a sequence of them, or a query.

        Raises
        ------
        ComponentNotFoundError, StaleHandleError, EntityNotFoundError
        """
        found = world.get(entities, self.component)
        return self.decode(found, np.size(world.has(entities, self.component)))

    def read_one(self, world: World, entity: Any) -> dict[str, Any]:
        """Return the data of one entity; see `read`."""
        return self.decode(world.entity(entity)[self.component], 1)[0]


def _take(value: Any, items: NDArray[Any] | slice) -> Any:
    if isinstance(value, Encoded):
        return value.take(items)
    is_column = isinstance(value, (Coded, Texts)) or (isinstance(value, np.ndarray) and value.ndim)
    return value[items] if is_column else value
