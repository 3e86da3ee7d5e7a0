"""Remove component overrides, and entities, a batch at a time."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import InvalidArgumentError, first_three
from ecs_columnar.services.additions import GOOD, ChangedComponents, Targets, old_data
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.columns import Column, false_rows, grouped, take, to_list
from ecs_columnar.services.instances import Kind, kinds_of, revise, without_override
from ecs_columnar.services.items import Columns, ItemArray, ItemList, Items
from ecs_columnar.services.lookup import are_first, find_entities, not_found
from ecs_columnar.services.relocation import relocate


class Removal:
    """Remove overrides: the definition's component shows again, or none."""

    name = "batch_remove_components"
    is_whole = False
    is_one_step = False

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue: Final = catalogue

    def prepare(self, items: Items) -> PreparedRemoval:
        """Validate a block of items."""
        types = items.field("component_type_id")
        return PreparedRemoval(
            self.catalogue, Targets(self.catalogue, items, "remove a component", types)
        )


class PreparedRemoval:
    """A block of removals, validated."""

    def __init__(self, catalogue: Catalogue, targets: Targets) -> None:
        self._catalogue = catalogue
        self._targets = targets
        self.is_bad: NDArray[np.bool_] = targets.faults != GOOD

    def error(self, i: int) -> Exception:
        """Make the error of an item that fails."""
        return self._targets.error(i)

    def apply(self, n_run: int) -> ChangedComponents:
        """Remove what the good ones among the first items say."""
        targets, is_good = self._targets, ~self.is_bad
        is_good[n_run:] = False
        rows = np.flatnonzero(is_good)
        removed = [
            rows[members][self._remove(targets.types[code], targets.handles[rows[members]])]
            for code, members in grouped(targets.codes[rows])
            if targets.types[code] in self._catalogue.components
        ]
        if removed:
            changed = np.sort(np.concatenate(removed))
            revise(
                self._catalogue.world,
                targets.handles[changed],
                targets.codes[changed],
                targets.types,
                without_override,
            )
        return ChangedComponents(targets.handles[is_good])

    def _remove(self, type_id: str, entities: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Remove the overrides of one type; return which rows had one."""
        catalogue = self._catalogue
        is_removed = are_first(entities)
        kinds = kinds_of(catalogue.world, entities)
        is_defined = kinds.where(lambda kind: type_id in catalogue.types_of(kind))
        if type_id == catalogue.place.type_id:
            defined = self._defined_places(kinds.codes, kinds.kinds)
            names = catalogue.world.locations.of(entities)
            is_override = np.asarray(names != defined)
            is_override |= kinds.where(lambda kind: type_id in kind.overrides)
        else:
            has = catalogue.has(type_id, entities)
            is_override = has & kinds.where(lambda kind: type_id in kind.overrides)
            is_override |= has & ~is_defined
        is_removed &= is_override
        if not is_removed.any():
            return is_removed
        self._tell(type_id, entities[is_removed], kinds.codes[is_removed], kinds.kinds)
        if type_id == catalogue.place.type_id:
            relocate(catalogue, entities[is_removed], defined[is_removed])
            return is_removed
        self._restore(type_id, entities, kinds.codes, kinds.kinds, is_removed & is_defined)
        gone = entities[is_removed & ~is_defined]
        if gone.shape[0]:
            catalogue.world.remove(gone, catalogue.class_of(type_id))
        return is_removed

    def _defined_places(self, codes: NDArray[np.intp], kinds: list[Kind]) -> NDArray[Any]:
        places = np.empty(len(kinds), object)
        places[:] = [self._catalogue.defined_place(kind) for kind in kinds]
        return places[codes]

    def _restore(
        self,
        type_id: str,
        entities: NDArray[np.int64],
        codes: NDArray[np.intp],
        kinds: list[Kind],
        is_restored: NDArray[np.bool_],
    ) -> None:
        """Write the definition's component back."""
        rows = np.flatnonzero(is_restored)
        for code, members in grouped(codes[rows]):
            prefab = self._catalogue.prefab(str(kinds[code].definition_id))
            self._catalogue.world.add(entities[rows[members]], prefab.components[type_id])

    def _tell(
        self,
        type_id: str,
        entities: NDArray[np.int64],
        codes: NDArray[np.intp],
        kinds: list[Kind],
    ) -> None:
        catalogue = self._catalogue
        if catalogue.events.is_heard("component_removed"):
            catalogue.events.tell(
                "component_removed",
                entities,
                component_type_id=type_id,
                old=old_data(catalogue, type_id, entities),
                new=lambda: [defined_data(catalogue, type_id, kinds[k]) for k in codes.tolist()],
            )


def defined_data(catalogue: Catalogue, type_id: str, kind: Kind) -> dict[str, Any] | None:
    """Return the data of a component that the definition of a kind says, None if it says none."""
    if type_id not in catalogue.types_of(kind):
        return None
    if type_id == catalogue.place.type_id:
        return {catalogue.place.field: catalogue.defined_place(kind)}
    prefab = catalogue.prefab(str(kind.definition_id))
    return catalogue.codec(type_id).decode(prefab.components[type_id], 1)[0]


class Despawning:
    """Remove entities."""

    name = "batch_remove_entities"
    is_whole = False

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue: Final = catalogue

    @property
    def is_one_step(self) -> bool:
        """Whether nobody is to be taken out of the entity first."""
        return self.catalogue.location_policy != "clear"

    def prepare(self, items: Items) -> PreparedDespawning:
        """Validate a block of items."""
        return PreparedDespawning(self.catalogue, ids_of(items, "instance_id", "entity_id"))


class PreparedDespawning:
    """A block of entities to remove, validated."""

    def __init__(self, catalogue: Catalogue, ids: Column) -> None:
        self._catalogue = catalogue
        self._ids = ids
        self.handles = find_entities(catalogue.world, ids)
        self._crowds: dict[int, list[str]] = {}
        self.is_bad = self.handles == 0
        if catalogue.location_policy == "refuse" and crowded(catalogue, self.handles).any():
            self._refuse_crowded()
        else:
            known = ~self.is_bad
            self.is_bad[known] = ~are_first(self.handles[known])

    def error(self, i: int) -> Exception:
        """Make the error of an item that fails."""
        instance_id = to_list(take(self._ids, np.array([i])))[0]
        crowd = self._crowds.get(i)
        if crowd is None:
            return not_found(instance_id, "instance_id", "remove an entity")
        return InvalidArgumentError(
            "instance_id",
            instance_id,
            f"cannot remove {instance_id!r}: entities are in it ({first_three(crowd)}); move "
            'them away first, or set the location policy to "keep" or "clear"',
        )

    def apply(self, n_run: int) -> RemovedEntities:
        """Remove the good ones among the first items."""
        rows = false_rows(self.is_bad[:n_run])
        handles = self.handles[rows]
        if handles.shape[0]:
            self._tell(handles)
            self._clear(handles)
            self._catalogue.events.settle()
            self._catalogue.world.despawn(handles)
        return RemovedEntities(handles, self._ids, rows)

    def _tell(self, handles: NDArray[np.int64]) -> None:
        events = self._catalogue.events
        if events.is_heard("entity_removed"):
            names = self._catalogue.world.ids.names(handles)
            events.tell("entity_removed", handles, instance_ids=names)

    def _clear(self, handles: NDArray[np.int64]) -> None:
        """Take those who are in a removed entity out of it, where that is the policy."""
        if self._catalogue.location_policy != "clear":
            return
        for handle in handles[crowded(self._catalogue, handles)].tolist():
            crowd = self._catalogue.world.locations[handle]
            relocate(self._catalogue, crowd.copy(), None)

    def _refuse_crowded(self) -> None:
        """Mark entities that others are in, unless these are removed before them."""
        world, gone = self._catalogue.world, {0}
        for i, handle in enumerate(self.handles.tolist()):
            if handle in gone:
                self.is_bad[i] = True
                continue
            others = set(world.locations[handle].tolist()) - gone - {handle}
            if others:
                self.is_bad[i] = True
                self._crowds[i] = [world.ids.names(other) for other in sorted(others)]
            else:
                gone.add(handle)


class RemovedEntities(NamedTuple):
    """Entities that were removed, under the ids that they were given by."""

    handles: NDArray[np.int64]
    ids: Column
    rows: NDArray[np.intp]

    def success(self, i: int) -> Any:
        """Return the id of an entity, or its handle if that was given."""
        return to_list(take(self.ids, self.rows[i : i + 1]))[0]


def crowded(catalogue: Catalogue, handles: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which entities are places with somebody in them."""
    codes = catalogue.world.locations.find(handles)
    counts = np.append(catalogue.world.locations.counts(), 0)
    return np.asarray(counts[codes] > 0)


def ids_of(items: Items, *names: str) -> Column:
    """Return a column of ids, under the first of its names that is there, or the items."""
    if isinstance(items, Columns):
        return items.field(next(filter(items.has, names), names[0]))
    if isinstance(items, ItemArray):
        return items.items
    if not isinstance(items, ItemList):
        raise TypeError(f"cannot take ids from {items!r}")
    return items.items
