"""Create entities from definitions, a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.encoded import Encoded
from ecs_columnar.errors import (
    DefinitionNotFoundError,
    DuplicateEntityError,
    InvalidArgumentError,
    InvalidInstanceIdError,
    ValidationError,
)
from ecs_columnar.operations.spawn import Group
from ecs_columnar.schema import Component
from ecs_columnar.services.asked_definitions import AskedDefinitions
from ecs_columnar.services.asked_ids import AskedIds
from ecs_columnar.services.catalogue import Catalogue, Prefab
from ecs_columnar.services.columns import (
    false_rows,
    grouped,
    to_list,
)
from ecs_columnar.services.entity import Entity
from ecs_columnar.services.instances import Instance, write
from ecs_columnar.services.items import MISSING, Columns, ItemList, Items
from ecs_columnar.services.overrides import Overrides
from ecs_columnar.services.relocation import gathered, moved, uniform
from ecs_columnar.world import World

GOOD, ARGUMENT, DEFINITION, ID, DUPLICATE, OVERRIDE, PLACE = range(7)
"""Faults of an item, in the order in which the scalar call meets them."""

_FIELDS: Final = (
    ("definition_id", None),
    ("instance_id", "opts"),
    ("component_overrides", "opts"),
    ("opts", None),
)

_WHOLE: Final = _FIELDS[2:]
"""Columns of mappings."""


class Creation:
    """Create entities.

    Parameters
    ----------
    catalogue : Catalogue
    was_reconstructed : bool
        What events say of it.
    in_threads : bool
        Whether component types may be validated in threads.
    """

    name = "batch_create_entities"
    is_whole = False
    is_one_step = True

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        was_reconstructed: bool = False,
        in_threads: bool = False,
    ) -> None:
        self.catalogue: Final = catalogue
        self.in_threads: Final = in_threads
        self.was_reconstructed: Final = was_reconstructed

    def prepare(self, items: Items) -> PreparedCreation:
        """Validate a block of items."""
        if isinstance(items, Columns) and any(items.has(*field) for field in _WHOLE):
            return self._prepare(_rows_of(items), items)
        prepared = self._prepare(items, items)
        given = items.as_given() if prepared.faults_but_duplicates.any() else items
        return prepared if given is items else self._prepare(given, given)

    def _prepare(self, items: Items, given: Items) -> PreparedCreation:
        catalogue, threads = self.catalogue, self.in_threads
        if isinstance(items, Columns):
            columns = items.rest(*_FIELDS)
            overrides = Overrides.of_columns(catalogue, columns, len(items), in_threads=threads)
        else:
            parts = items.option("component_overrides")
            overrides = Overrides.of_items(catalogue, parts, in_threads=threads)
            if not (isinstance(items, ItemList) and items.are_dicts("opts")):
                overrides.is_malformed |= _are_no_options(items.field("opts"))
        definitions = AskedDefinitions(catalogue, items.field("definition_id"))
        ids = AskedIds(catalogue, items.option("instance_id"), is_columnar=items.is_columnar)
        return PreparedCreation(self, given, definitions, ids, overrides)


def _rows_of(items: Columns) -> ItemList:
    """Return the items of columns of which one holds a mapping an item: overrides, or options."""
    beside = "a column of component_overrides or opts; give the components in one of the two ways"
    return ItemList(items.to_dicts(*_FIELDS, parameter="items", beside=beside))


class PreparedCreation:
    """A block of creations, validated.

    Attributes
    ----------
    faults : int8 array, shape (n,)
    is_bad : bool array, shape (n,)
    """

    def __init__(
        self,
        operation: Creation,
        items: Items,
        definitions: AskedDefinitions,
        ids: AskedIds,
        overrides: Overrides,
    ) -> None:
        self._operation = operation
        self._items = items
        self._definitions = definitions
        self._ids = ids
        self._overrides = overrides

    @cached_property
    def faults(self) -> NDArray[np.int8]:
        """What is wrong with each item."""
        faults = self.faults_but_duplicates.copy()
        self._find_duplicates(faults)
        return faults

    @cached_property
    def is_bad(self) -> NDArray[np.bool_]:
        """Which items fail."""
        return np.asarray(self.faults != GOOD)

    def error(self, i: int) -> Exception:
        """Make the error of an item that fails."""
        fault = self.faults[i]
        if fault == ARGUMENT:
            return _argument_error(self._items, i)
        definition_id = self._definitions.at(i)
        if fault == DEFINITION:
            return DefinitionNotFoundError(
                f"cannot create from {definition_id!r}: it is not defined; "
                "services.definitions.register(...) makes it known",
                definition_id=definition_id,
            )
        instance_id = self._ids.at(i)
        if fault == ID:
            return InvalidInstanceIdError(
                f"cannot create an entity with the id {instance_id!r}; give a string that is not "
                "blank, or none to have one made",
                instance_id=instance_id,
            )
        if fault == DUPLICATE:
            return DuplicateEntityError(
                f"cannot create {instance_id!r}: the id is taken; leave it out, or remove who has "
                "it first",
                entity_id=instance_id,
                entity_ids=(instance_id,),
            )
        if fault == PLACE:
            place = self._operation.catalogue.place
            line = f"$.{place.field}: this entity, where {definition_id!r} puts it, is dead"
            return ValidationError(place.type_id, [line])
        return ValidationError(*self._overrides.unfit[i])

    def apply(self, n_run: int) -> CreatedEntities:
        """Create the entities of the good ones among the first items."""
        rows = false_rows(self.is_bad[:n_run])
        is_all = rows.shape[0] == len(self._items)
        catalogue = self._operation.catalogue
        if not rows.shape[0]:
            return CreatedEntities(catalogue, np.empty(0, np.int64))
        groups, places = self._groups(rows, is_all)
        ids = self._ids.for_spawn(rows, is_all)
        handles = spawned(catalogue.world, groups, ids, places, self._items.n_after)
        self._tell(rows, handles)
        return CreatedEntities(catalogue, handles)

    def apply_all(self) -> CreatedEntities | None:
        """Create the entities of all items; None, and nothing done, where one of them fails.

        Whether ids are taken or there twice is known when they have been put in, and takes
        as long to be looked for before as that takes.
        """
        if self.faults_but_duplicates.any():
            return None
        self.faults = np.zeros(len(self._items), np.int8)
        self.is_bad = np.zeros(len(self._items), np.bool_)
        try:
            return self.apply(len(self._items))
        except DuplicateEntityError:
            del self.faults, self.is_bad
            return None

    @cached_property
    def faults_but_duplicates(self) -> NDArray[np.int8]:
        """What is wrong with each item, whatever ids are taken."""
        faults = np.zeros(len(self._items), np.int8)
        _mark(faults, self._have_no_place(), PLACE)
        if self._overrides.unfit:
            faults[list(self._overrides.unfit)] = OVERRIDE
        _mark(faults, self._ids.is_bad, ID)
        _mark(faults, self._definitions.is_unknown, DEFINITION)
        _mark(faults, self._definitions.is_malformed, ARGUMENT)
        _mark(faults, self._overrides.is_malformed, ARGUMENT)
        return faults

    def _have_no_place(self) -> NDArray[np.bool_]:
        """Tell whose definition puts it into an entity that is dead, and nothing else elsewhere."""
        is_lost = self._definitions.are_lost()
        if not is_lost.any():
            return is_lost
        type_id = self._operation.catalogue.place.type_id
        is_placed = np.array([type_id in each for each in self._overrides.key_sets], np.bool_)
        return is_lost & ~is_placed[self._overrides.keys]

    def _find_duplicates(self, faults: NDArray[np.int8]) -> None:
        """Mark ids that are taken: in the world, or by an earlier item that succeeds."""
        is_hopeless = self._definitions.is_malformed | self._definitions.is_unknown
        is_hopeless |= self._overrides.is_malformed
        faults[self._ids.is_taken & ~is_hopeless] = DUPLICATE
        repeats = self._ids.repeats()
        winners: set[str] = set()
        for row, text in repeats:
            if is_hopeless[row]:
                continue
            if text in winners:
                faults[row] = DUPLICATE
            elif faults[row] == GOOD:
                winners.add(text)

    def _groups(self, rows: NDArray[np.intp], is_all: bool) -> tuple[list[Group], Any]:
        """Return who gets the same components, and where everybody is to be."""
        kinds = self._kinds if is_all else self._kinds[rows]
        if (kinds == kinds[0]).all():
            picked = slice(None) if is_all else rows
            group, places = self._group(int(kinds[0]), slice(None), picked)
            return [group], places
        groups, places = [], []
        for kind, members in grouped(kinds):
            group, place = self._group(kind, members, rows[members])
            groups.append(group)
            places.append((members, place))
        return groups, gathered(places, rows.shape[0])

    @property
    def _kinds(self) -> NDArray[np.intp]:
        """A number of each item, of its definition and its set of component types."""
        n_sets, codes = len(self._overrides.key_sets), self._definitions.codes
        return codes if n_sets == 1 else codes * n_sets + self._overrides.keys

    def _group(self, kind: int, members: Any, items: NDArray[np.intp] | slice) -> tuple[Group, Any]:
        n_sets = len(self._overrides.key_sets)
        prefab = self._operation.catalogue.prefab(self._definitions.values[kind // n_sets])
        key_set = self._overrides.key_sets[kind % n_sets]
        given = {type_id: self._overrides.by_type[type_id].at(items) for type_id in key_set}
        components, place = assembled(self._operation.catalogue, prefab, given)
        return Group(components, members), place

    def _tell(self, rows: NDArray[np.intp], handles: NDArray[np.int64]) -> None:
        events = self._operation.catalogue.events
        if not events.is_heard("entity_created"):
            return
        codes, values = self._definitions.codes[rows], np.array(self._definitions.values, object)
        events.tell(
            "entity_created",
            handles,
            definition_ids=lambda: values[codes],
            was_reconstructed=self._operation.was_reconstructed,
        )


def _mark(faults: NDArray[np.int8], where: NDArray[np.bool_], fault: int) -> None:
    """Give items a fault; mostly none has it, which takes a tenth of the time to be seen."""
    if where.any():
        faults[where] = fault


def assembled(
    catalogue: Catalogue, prefab: Prefab, given: Mapping[str, Component]
) -> tuple[tuple[Component, ...], Any]:
    """Return the components of entities of a definition, and where they are to be.

    Parameters
    ----------
    catalogue : Catalogue
    prefab : Prefab
    given : mapping of str to Component
        What they have instead of the definition's components, or on top of them.
    """
    components, place = dict(prefab.components), prefab.place
    for type_id, component in given.items():
        if type_id == catalogue.place.type_id:
            place = component.place  # type: ignore[attr-defined]  # it is `Whereabouts`
        else:
            components[type_id] = component
    added = catalogue.default_components((*prefab.type_ids, *given))
    components.update(added)
    instance = Instance(definition=prefab.definition_id, overrides=write((*given, *added)))
    return (*components.values(), instance), place


class CreatedEntities(NamedTuple):
    """Entities that were created."""

    catalogue: Catalogue
    handles: NDArray[np.int64]

    def success(self, i: int) -> Entity:
        """Return an entity."""
        return Entity(self.catalogue, int(self.handles[i]))


def _are_no_options(options: list[Any]) -> NDArray[np.bool_]:
    if set(map(type, options)) <= {dict, type(None), type(MISSING)}:
        return np.zeros(len(options), np.bool_)
    allowed = Mapping | None | type(MISSING)
    return np.array([not isinstance(option, allowed) for option in options], np.bool_)


def _argument_error(items: Items, i: int) -> InvalidArgumentError:
    item = items.part(i, i + 1)
    definition_id = to_list(item.field("definition_id"))[0]
    if not isinstance(definition_id, str) or not definition_id.strip():
        return InvalidArgumentError(
            "definition_id",
            definition_id,
            f"cannot create an entity from {items[i]!r}: its definition_id is {definition_id!r}; "
            "give the id of a definition",
        )
    options = to_list(item.field("opts"))[0]
    if not isinstance(options, Mapping | None | type(MISSING)):
        return InvalidArgumentError(
            "opts",
            options,
            f"cannot create an entity of {definition_id!r}: opts is {options!r}; give a mapping "
            "with instance_id and component_overrides, or leave it out",
        )
    overrides = to_list(item.option("component_overrides"))[0]
    return InvalidArgumentError(
        "component_overrides",
        overrides,
        f"cannot create an entity of {definition_id!r}: component_overrides is {overrides!r}; "
        "give a mapping of component type ids to data",
    )


def spawned(
    world: World, groups: list[Group], ids: Encoded, places: Any, n_later: int
) -> NDArray[np.int64]:
    """Spawn entities in places that may be named in all ways at once; return their handles."""
    n = ids.n_strings
    runs = uniform(places, n)
    if len(runs) == 1:
        return world.spawn_groups(n, groups, ids=ids, at=runs[0][1], later=n_later)
    handles = world.spawn_groups(n, groups, ids=ids, later=n_later)
    moved(world, handles, places)
    return handles
