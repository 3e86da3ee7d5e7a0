"""The entities of a world as instances: what their definition does not say of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.dtypes import INDEX_MASK, NOWHERE
from ecs_columnar.encoding import Texts
from ecs_columnar.errors import InvalidArgumentError, first_three
from ecs_columnar.io.blocks import ITEMS_AT_ONCE
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.instances import Instance, Kind, kinds_of
from ecs_columnar.services.json_columns import Part

ANYTHING: Final = "world:any"
"""The definition, without components, of entities that the services have not made."""


class InstanceExport:
    """All entities of a world, to be written.

    Parameters
    ----------
    catalogue : Catalogue

    Attributes
    ----------
    handles : int64 array, shape (n,)
        In the order of their indices, so that a new world gives the same.
    ids : object array, shape (n,)
    written : dict of str to bool array
        Which entities have a component that is written: one that their definition
        has not, or has otherwise.
    places : object array, shape (n,)

    Raises
    ------
    InvalidArgumentError
        When the format cannot say what an entity is.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        world = catalogue.world
        handles = world.query().handles()
        self.catalogue: Final = catalogue
        self.handles: Final = handles[np.argsort(handles & INDEX_MASK)]
        self.ids: Final = np.asarray(world.ids.names(self.handles), object)
        self.kinds: Final = kinds_of(world, self.handles)
        self.places: Final = np.asarray(world.locations.of(self.handles), object)
        self._refuse_unknown_types()
        self.written: Final = {
            type_id: self._where_written(type_id)
            for type_id in catalogue.components
            if type_id != catalogue.place.type_id
        }
        self.written[catalogue.place.type_id] = self._where_placed()

    def __len__(self) -> int:
        return len(self.handles)

    @property
    def definition_ids(self) -> NDArray[Any]:
        """The definition of each entity, shape (n,)."""
        names = [kind.definition_id or ANYTHING for kind in self.kinds.kinds]
        return np.array(names, object)[self.kinds.codes]

    @property
    def has_anything(self) -> bool:
        """Whether an entity has no definition of its own."""
        return any(kind.definition_id is None for kind in self.kinds.kinds)

    def data(self, type_id: str, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
        """Return the data of a component of some entities that have it."""
        if type_id == self.catalogue.place.type_id:
            field = self.catalogue.place.field
            return [{field: place} for place in self.places[rows].tolist()]
        return self.catalogue.codec(type_id).read(self.catalogue.world, self.handles[rows])

    def texts_of_ids(self, rows: NDArray[np.intp]) -> Texts:
        """Return some ids: a view of those of the world."""
        return Texts(self.catalogue.world._storage.names.encoded(self.handles[rows]))

    def parts_of_places(self, rows: NDArray[np.intp]) -> list[Part]:
        """Return some places, null for nowhere."""
        world = self.catalogue.world
        codes = world.locations.codes_of(self.handles[rows])
        is_placed, places = codes != NOWHERE, world._storage.places
        if is_placed.all():
            return [Part(None, Texts(places.encoded(codes)))]
        placed = np.flatnonzero(is_placed)
        texts = Texts(places.encoded(codes[placed]))
        return [Part(placed, texts), Part(np.flatnonzero(~is_placed), None)]

    def blocks(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the instances as plain data, some thousands at a time."""
        for start in range(0, len(self), ITEMS_AT_ONCE):
            yield self.block(np.arange(start, min(start + ITEMS_AT_ONCE, len(self))))

    def order(self, kind: Kind, type_ids: tuple[str, ...]) -> tuple[str, ...]:
        """Return component types in the order in which an entity of a kind has them."""
        ranks = {type_id: rank for rank, type_id in enumerate(kind.overrides)}
        return tuple(sorted(type_ids, key=lambda type_id: ranks.get(type_id, len(ranks))))

    def block(self, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
        """Return some instances as plain data."""
        by_type = {t: mask[rows] for t, mask in self.written.items() if mask[rows].any()}
        overrides = self._empty_overrides(rows, by_type)
        for type_id, mask in by_type.items():
            found = np.flatnonzero(mask)
            for i, data in zip(found.tolist(), self.data(type_id, rows[found]), strict=True):
                overrides[i][type_id] = data
        pairs = zip(
            self.ids[rows].tolist(), self.definition_ids[rows].tolist(), overrides, strict=True
        )
        return [
            {"instanceId": i, "definitionId": d, "componentOverrides": o}
            if o
            else {"instanceId": i, "definitionId": d}
            for i, d, o in pairs
        ]

    def _empty_overrides(
        self, rows: NDArray[np.intp], by_type: dict[str, NDArray[np.bool_]]
    ) -> list[dict[str, Any]]:
        """Return a dict an entity, with its component types in order."""
        masks = np.array([*by_type.values(), np.zeros(rows.shape[0], np.bool_)])
        packed = np.packbits(masks, axis=0).T
        keys = np.column_stack([self.kinds.codes[rows, None].view(np.uint8), packed])
        distinct, inverse = np.unique(keys, axis=0, return_inverse=True)
        firsts = np.zeros(distinct.shape[0], np.intp)
        firsts[inverse.reshape(-1)] = np.arange(rows.shape[0])
        orders = []
        for first in firsts.tolist():
            kind = self.kinds.kinds[self.kinds.codes[rows[first]]]
            orders.append(self.order(kind, tuple(t for t, mask in by_type.items() if mask[first])))
        return [dict.fromkeys(orders[k]) for k in inverse.reshape(-1).tolist()]

    # --- what is written -------------------------------------------------------------

    def _where_written(self, type_id: str) -> NDArray[np.bool_]:
        types_of = self.catalogue.types_of
        has = self.catalogue.has(type_id, self.handles)
        is_defined = self.kinds.where(lambda kind: type_id in types_of(kind))
        is_override = self.kinds.where(lambda kind: type_id in kind.overrides)
        lost = is_defined & ~has
        if lost.any():
            raise InvalidArgumentError(
                "world",
                type_id,
                f"cannot write {int(lost.sum())} of {len(self)} entities "
                f"({first_three(self.ids[lost])}): they lack {type_id}, which their definition "
                "has; give them one, or save a checkpoint instead",
            )
        return has & (~is_defined | is_override | self._differs(type_id, is_defined & ~is_override))

    def _differs(self, type_id: str, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell where a component has been written to and is not its definition's any more."""
        differs = np.zeros(len(self), np.bool_)
        if not rows.any():
            return differs
        cls = self.catalogue.class_of(type_id)
        for code in np.unique(self.kinds.codes[rows]).tolist():
            found = np.flatnonzero(rows & (self.kinds.codes == code))
            prefab = self.catalogue.prefab(str(self.kinds.kinds[code].definition_id))
            defined: Any = prefab.components[type_id]
            values = self.catalogue.world.get(self.handles[found], cls)
            for name in vars(defined):
                differs[found] |= _are_different(getattr(values, name), getattr(defined, name))
        return differs

    def _where_placed(self) -> NDArray[np.bool_]:
        type_id = self.catalogue.place.type_id
        is_override = self.kinds.where(lambda kind: type_id in kind.overrides)
        defined = [self.catalogue.defined_place(kind) for kind in self.kinds.kinds]
        expected = np.array([*defined, None], object)[self.kinds.codes]
        return np.asarray(is_override | (expected != self.places), np.bool_)

    def _refuse_unknown_types(self) -> None:
        known = {*self.catalogue.components, Instance.__schema__.type_id}
        stats = self.catalogue.world.stats()
        for table in (*stats.tables, *stats.sparse):
            unknown = [t for t in table.components if t not in known]
            if table.n_rows and unknown:
                raise InvalidArgumentError(
                    "world",
                    unknown,
                    f"cannot write {table.n_rows} entities with {first_three(unknown)}: no "
                    "component type of this id is registered; services.components.register(...) "
                    "makes its class known",
                )


def _are_different(values: Any, defined: Any) -> NDArray[np.bool_]:
    """Tell which values are not the one of a definition; NaN is itself."""
    values = np.asarray(values)
    if values.dtype == object:
        return np.array([value != defined for value in values.tolist()], np.bool_)
    one = np.asarray(defined)
    differs = values != one
    if values.dtype.kind == "f":
        differs &= ~(np.isnan(values) & np.isnan(one))
    return np.asarray(differs.reshape(values.shape[0], -1).any(axis=1))
