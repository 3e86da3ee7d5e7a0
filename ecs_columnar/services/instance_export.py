"""The entities of a world as instances: what their definition does not say of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.coded import Coded, Texts
from ecs_columnar.dtypes import HANDLE, INDEX_MASK, NO_ENTITY, NOWHERE, ROW
from ecs_columnar.errors import InvalidArgumentError, first_three
from ecs_columnar.io.blocks import ITEMS_AT_ONCE
from ecs_columnar.selection import Selected
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.class_codec import ClassCodec
from ecs_columnar.services.codec import Codec
from ecs_columnar.services.columns import factorize_list, grouped, to_objects
from ecs_columnar.services.instances import Instance, Kind, kinds_of
from ecs_columnar.services.json_schema.flat_codec import FlatCodec
from ecs_columnar.services.stored import stored
from ecs_columnar.world import World

ANYTHING: Final = "world:any"
"""The definition, without components, of entities that the services have not made."""

_ALL: Final = slice(None)


class InstanceExport:
    """All entities of a world, to be written.

    Parameters
    ----------
    catalogue : Catalogue

    Attributes
    ----------
    handles : int64 array, shape (n,)
        In the order of their indices, so that a new world gives the same.
    everyone : Selected
        The same entities, and where their components are.
    written : dict of str to bool array
        Which entities have a component that is written: one that their definition
        has not, or has otherwise.
    places : Coded, of length n
        The names of places, distinct, None for nowhere.

    Raises
    ------
    InvalidArgumentError
        When the format cannot say what an entity is.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        world = catalogue.world
        self.catalogue: Final = catalogue
        self.handles: Final = _by_index(world.query().handles())
        self.everyone: Final = Selected(world._storage, self.handles)
        self.kinds: Final = kinds_of(world, self.everyone)
        self.places: Final = _places(world, self.handles)
        self._refuse_unknown_types()
        self._refuse_taken_ids()
        self._refuse_untrimmed_places()
        self.written: Final = {
            type_id: self._where_written(type_id)
            for type_id in catalogue.components
            if type_id != catalogue.place.type_id
        }
        self.written[catalogue.place.type_id] = self._where_placed()

    def __len__(self) -> int:
        return len(self.handles)

    @cached_property
    def ids(self) -> NDArray[np.object_]:
        """The id of each entity, shape (n,)."""
        return np.asarray(self.catalogue.world.ids.names(self.handles), object)

    @cached_property
    def definitions(self) -> Coded:
        """The definition of each entity, of length n, distinct."""
        names = [kind.definition_id or ANYTHING for kind in self.kinds.kinds]
        return _of_equals(Coded(self.kinds.codes, to_objects(names)))

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

    def ids_as_bytes(self, rows: NDArray[np.intp] | slice = _ALL) -> Texts:
        """Return some ids without Python strings: a view of those of the world, if all have one."""
        return Texts(self.catalogue.world._storage.names.encoded(self.handles[rows]))

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
            self.ids[rows].tolist(), self.definitions[rows].tolist(), overrides, strict=True
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
        has = self.catalogue.has(type_id, self.everyone)
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
        candidates = np.flatnonzero(rows)
        for code, positions in grouped(self.kinds.codes[candidates]):
            found = candidates[positions]
            prefab = self.catalogue.prefab(str(self.kinds.kinds[code].definition_id))
            defined: Any = prefab.components[type_id]
            values = stored(self.catalogue.world, self.handles[found], cls)
            for name in vars(defined):
                differs[found] |= _are_different(getattr(values, name), getattr(defined, name))
        return differs

    def _where_placed(self) -> NDArray[np.bool_]:
        type_id = self.catalogue.place.type_id
        is_override = self.kinds.where(lambda kind: type_id in kind.overrides)
        if is_override.all():
            return is_override
        defined = [self.catalogue.defined_place(kind) for kind in self.kinds.kinds]
        numbers, _ = factorize_list([*defined, *self.places.texts.tolist()])
        expected, actual = np.split(numbers, [len(defined)])
        is_moved = expected[self.kinds.codes] != actual[self.places.codes]
        return np.asarray(is_override | is_moved, np.bool_)

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

    def _refuse_taken_ids(self) -> None:
        """Refuse entities that would get an id, when another one has it."""
        names = self.catalogue.world._storage.names
        unnamed = self.handles[names.symbols_of(self.handles) < 0]
        if not unnamed.shape[0] or not names.n_named:
            return
        is_taken = self.catalogue.world.ids.find(names.encoded(unnamed)) != NO_ENTITY
        if is_taken.any():
            taken = names.text(unnamed[is_taken])
            raise InvalidArgumentError(
                "world",
                taken,
                f"cannot write {len(taken)} of {len(self)} entities ({first_three(taken)}): they "
                "have no id, and others have those that they would get; spawn them with ids, or "
                "save a checkpoint instead",
            )

    def _refuse_untrimmed_places(self) -> None:
        """Refuse who is in an entity whose id has white space around it: no name of a place has."""
        texts = self.places.texts
        is_untrimmed = np.array(
            [name is not None and name != name.strip() for name in texts], np.bool_
        )
        if not is_untrimmed.any():
            return
        lost = is_untrimmed[self.places.codes]
        places = first_three(map(repr, texts[is_untrimmed]))
        raise InvalidArgumentError(
            "world",
            texts[is_untrimmed],
            f"cannot write {int(lost.sum())} of {len(self)} entities "
            f"({first_three(self.ids[lost])}): they are in {places}, and names of places are read "
            "without white space around them; move them, or save a checkpoint instead",
        )


def has_columns(codec: Codec) -> TypeGuard[FlatCodec | ClassCodec]:
    """Tell whether the data of a component type is what its columns say: a subclass may differ."""
    return type(codec) in (FlatCodec, ClassCodec)


def _by_index(handles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort handles of living entities by index, of which each is there once."""
    indices = handles & INDEX_MASK
    if kernels.rows.is_increasing(indices.astype(ROW, copy=False)):
        return handles
    by_index = np.full(int(indices.max(initial=-1)) + 1, NO_ENTITY, HANDLE)
    by_index[indices] = handles
    return np.asarray(by_index[by_index != NO_ENTITY])


def _places(world: World, handles: NDArray[np.int64]) -> Coded:
    locations = world.locations
    codes = locations.codes_of(handles).astype(np.intp)  # of nowhere: -1, which is the last name
    codes[codes == NOWHERE] = len(locations)
    return _of_equals(Coded(codes, to_objects([*locations, None])).distinct())


def _of_equals(strings: Coded) -> Coded:
    """Return distinct strings, when equal ones may have several numbers."""
    numbers, texts = factorize_list(strings.texts.tolist())
    if len(texts) == strings.texts.shape[0]:
        return strings.distinct()
    return Coded(numbers[strings.codes], to_objects(texts)).distinct()


def _are_different(values: Any, defined: Any) -> NDArray[np.bool_]:
    """Tell which values are not the one of a definition; NaN is itself."""
    if isinstance(values, Coded):
        return _are_different(values.texts, defined)[values.codes]
    values = np.asarray(to_objects(values) if isinstance(values, Texts) else values)
    if values.dtype == object:
        return np.array([value != defined for value in values.tolist()], np.bool_)
    one = np.asarray(defined)
    differs = values != one
    if values.dtype.kind == "f":
        differs &= ~(np.isnan(values) & np.isnan(one))
    return np.asarray(differs.reshape(values.shape[0], -1).any(axis=1))
