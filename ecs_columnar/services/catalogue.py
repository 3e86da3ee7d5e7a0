"""What the services of one world share.

The catalogues of one world share all that they know, so that services which are made one
by one know the same component types and definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import ConfigurationError, InvalidArgumentError, SchemaError
from ecs_columnar.schema import Component
from ecs_columnar.selection import Selected
from ecs_columnar.services.codec import Codec
from ecs_columnar.services.component_types import ComponentTypes
from ecs_columnar.services.definitions import DefinitionType, DefinitionTypes
from ecs_columnar.services.events import Events, Listening
from ecs_columnar.services.instances import Kind, kind_of
from ecs_columnar.services.place_codec import PlaceCodec
from ecs_columnar.world import World

LocationPolicy = Literal["keep", "clear", "refuse"]


class Prefab(NamedTuple):
    """A definition as `World.spawn` takes it.

    Attributes
    ----------
    definition_id : str
    type_ids : tuple of str
        Its component types, in order.
    components : dict of str to Component
        One value a field; without the place.
    place : str, int or None
        Where its entities are to begin with.
    """

    definition_id: str
    type_ids: tuple[str, ...]
    components: dict[str, Component]
    place: Any


class Shared:
    """What all catalogues of one world have in common.

    The world keeps it, and it keeps no world: so a world that nobody uses any more is gone
    at once, with all its arrays, and not when the garbage collector comes round.

    Parameters
    ----------
    place : PlaceCodec
    """

    def __init__(self, place: PlaceCodec) -> None:
        self.place: Final = place
        self.codecs: Final[dict[str, Codec]] = {}
        self.definitions: Final[dict[str, DefinitionType]] = {}
        self.prefabs: Final[dict[str, Prefab]] = {}
        self.listening: Final = Listening()
        self.read_defaults: Callable[[], Mapping[str, Any]] = dict
        self.location_policy: LocationPolicy = "keep"


class Catalogue:
    """Component types, definitions, events and policies of one world.

    Parameters
    ----------
    world : World
    shared : Shared

    Attributes
    ----------
    world : World
    components : ComponentTypes
    definitions : DefinitionTypes
    place : PlaceCodec
        The component type that says where an entity is.
    events : Events
    """

    def __init__(self, world: World, shared: Shared) -> None:
        self.world: Final = world
        self.components: Final = ComponentTypes(world, shared.codecs)
        self.place: Final = shared.place
        self.definitions: Final = DefinitionTypes(self.components, shared.definitions)
        self.events: Final = Events(world, shared.listening)
        self._shared: Final = shared

    @property
    def read_defaults(self) -> Callable[[], Mapping[str, Any]]:
        """Returns, by tag, the component types that entities with it get as well.

        That is a mapping to their data, or a sequence of those that need none.
        """
        return self._shared.read_defaults

    @read_defaults.setter
    def read_defaults(self, read: Callable[[], Mapping[str, Any]]) -> None:
        self._shared.read_defaults = read

    @property
    def location_policy(self) -> LocationPolicy:
        """What becomes of entities whose location is removed."""
        return self._shared.location_policy

    @location_policy.setter
    def location_policy(self, policy: LocationPolicy) -> None:
        self._shared.location_policy = policy

    def codec(self, type_id: str) -> Codec:
        """Return the component type of an id that is known to be one."""
        return self.components[type_id]

    def class_of(self, type_id: str) -> type[Component]:
        """Return the class whose columns hold the data of a type, which is not the place.

        Raises
        ------
        SchemaError
            When its data lies elsewhere.
        """
        component = self.components[type_id].component
        if component is None:
            raise SchemaError(
                f"cannot keep {type_id} in a column: its codec has no component class; give it one"
            )
        return component

    def prefab(self, definition_id: str) -> Prefab:
        """Return a definition as `World.spawn` takes it.

        Raises
        ------
        DefinitionNotFoundError
        """
        found = self._shared.prefabs.get(definition_id)
        if found is None:
            found = self._shared.prefabs[definition_id] = self._make_prefab(definition_id)
        return found

    def default_components(self, type_ids: Iterable[str]) -> dict[str, Component]:
        """Return what entities with these component types get as well.

        Raises
        ------
        ConfigurationError
            When it is no component, or its data does not fit.
        """
        given, found = set(type_ids), {}
        for tag, components in self.read_defaults().items():
            if tag not in given:
                continue
            if not isinstance(components, Mapping):
                components = {type_id: {} for type_id in components}
            for type_id, data in components.items():
                if type_id not in given:
                    found[type_id] = self._default_component(tag, type_id, data)
        return found

    def types_of(self, kind: Kind) -> tuple[str, ...]:
        """Return the component types of a definition; () where it is not known."""
        if kind.definition_id is None or kind.definition_id not in self.definitions:
            return ()
        return self.prefab(kind.definition_id).type_ids

    def defined_place(self, kind: Kind) -> str | None:
        """Return the name of the place that a definition puts its entities in."""
        if not self.types_of(kind):
            return None
        return place_name(self.world, self.prefab(str(kind.definition_id)).place)

    def has(self, type_id: str, entities: NDArray[np.int64] | Selected) -> NDArray[np.bool_]:
        """Tell which living entities have a component in a column."""
        found = self.world.has(entities, self.class_of(type_id))
        return np.asarray(found)

    def component_types(self, entity: int) -> tuple[str, ...]:
        """Return the component types of one living entity, in order."""
        kind = kind_of(self.world, entity)
        candidates = dict.fromkeys((*self.types_of(kind), *kind.overrides, *self.components.ids()))
        return tuple(t for t in candidates if self.is_present(entity, t, kind))

    def is_present(self, entity: int, type_id: str, kind: Kind | None = None) -> bool:
        """Tell whether one living entity has a component; its kind is looked up if need be."""
        if type_id not in self.components:
            return False
        if type_id != self.place.type_id:
            return bool(self.world.has(entity, self.class_of(type_id)))
        kind = kind_of(self.world, entity) if kind is None else kind
        if type_id in self.types_of(kind) or type_id in kind.overrides:
            return True
        return self.world.locations.of(entity) is not None

    def is_override(self, entity: int, type_id: str, kind: Kind) -> bool:
        """Tell whether one living entity has a component that its definition has not."""
        defined = self.types_of(kind)
        if not self.is_present(entity, type_id, kind):
            return False
        if type_id in kind.overrides or type_id not in defined:
            return True
        is_place = type_id == self.place.type_id
        return is_place and self.world.locations.of(entity) != self.defined_place(kind)

    def _default_component(self, tag: str, type_id: str, data: Any) -> Component:
        if type_id not in self.components or type_id == self.place.type_id:
            raise ConfigurationError(
                f"cannot give {type_id} to entities with {tag}: it is no component type that is "
                "registered and no place; mend defaults in the configuration"
            )
        columns = self.codec(type_id).to_columns([data])
        if columns.errors:
            raise ConfigurationError(
                f"cannot give {type_id} to entities with {tag}: {'; '.join(columns.errors[0])}; "
                "mend defaults in the configuration"
            )
        return columns.at(0)  # type: ignore[arg-type]  # one item

    def _make_prefab(self, definition_id: str) -> Prefab:
        data = self.definitions[definition_id]["components"]
        place = None
        components = {}
        for type_id, value in data.items():
            columns = self.codec(type_id).to_columns([value])
            if type_id == self.place.type_id:
                place = columns.values["place"][0]
            else:
                components[type_id] = columns.at(0)  # type: ignore[arg-type]  # one item
        return Prefab(definition_id, tuple(data), components, place)


def catalogue_of(world: World, *, place: PlaceCodec | None = None) -> Catalogue:
    """Return the catalogue of a world.

    Parameters
    ----------
    world : World
    place : PlaceCodec, optional
        For a world that had none yet.

    Raises
    ------
    InvalidArgumentError
        When it is not a world.
    """
    if not isinstance(world, World):
        raise InvalidArgumentError(
            "world", world, f"cannot serve {world!r}: it is not a World; give ecs_columnar.World()"
        )
    attachments = world._storage.attachments
    if Shared not in attachments:
        shared = Shared(PlaceCodec() if place is None else place)
        Catalogue(world, shared).components.register(shared.place)
        attachments.setdefault(Shared, shared)  # as another thread may have been here
    return Catalogue(world, attachments[Shared])


def place_name(world: World, place: Any) -> str | None:
    """Return the name of a place as `Locations.of` has it; None for nowhere."""
    if place is None or isinstance(place, str):
        return (place or "").strip() or None
    name: str = world.ids.names(int(place))
    return name
