"""The component types of one world.

Each gets a bit, in the order in which the world first meets it, so that a set
of components is one Python integer; and a pool for each ``str_`` field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import setitem
from typing import Any, Final

from ecs_columnar.errors import ComponentNotFoundError, DuplicateContentError, SchemaError
from ecs_columnar.row_writer import Plain, RowWriter, row_writer
from ecs_columnar.schema import Component, Schema
from ecs_columnar.steps import Step, run
from ecs_columnar.strings import StringTable


@dataclass(frozen=True, slots=True)
class PlainSet:
    """Different components whose fields all take Python numbers.

    Attributes
    ----------
    mask : int
        Of their set.
    write : callable
        Writes them into a row; see `row_writer`.
    """

    mask: int
    write: RowWriter


class ComponentType:
    """A component in a world.

    Attributes
    ----------
    schema : Schema
    index : int
        Place in the order of registration.
    bit : int
        ``1 << index``.
    type_id : str
        Name of the type in messages and files.
    fields : tuple of Field
        In the order of declaration.
    is_sparse : bool
        Whether the component lies outside of the tables.
    plain : Plain or None
        Where Python numbers go straight into the cells of all fields.
    pools : dict of str to StringTable
        Of each ``str_`` field, by name.
    positions : dict of str to int
        Place of each field among them, by name.
    cells : type or None
        The class through which single entities are read and written, once made.
    views : type or None
        The class of views of its columns, once made.
    """

    __slots__ = (
        "bit",
        "cells",
        "fields",
        "index",
        "is_sparse",
        "plain",
        "pools",
        "positions",
        "schema",
        "type_id",
        "views",
    )

    def __init__(self, schema: Schema, index: int) -> None:
        self.schema: Final = schema
        self.index: Final = index
        self.bit: Final = 1 << index
        self.type_id: Final = schema.type_id
        self.fields: Final = schema.fields
        self.is_sparse: Final = schema.storage == "sparse"
        self.plain: Final = _plain(schema)
        self.positions: Final = {field.name: k for k, field in enumerate(schema.fields)}
        self.cells: Any = None
        self.views: Any = None
        self.pools: Final = {f.name: StringTable() for f in schema.fields if f.kind == "string"}

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.schema.component, self.index, self.pools)

    def __repr__(self) -> str:
        return f"<ComponentType {self.type_id}>"


def _plain(schema: Schema) -> Plain | None:
    if schema.storage == "sparse" or any(field.exact is None for field in schema.fields):
        return None
    return tuple((field.name, field.exact, field.low, field.high) for field in schema.fields)


def _rebuild(
    component: type[Component], index: int, pools: dict[str, StringTable]
) -> ComponentType:
    rebuilt = ComponentType(component.__schema__, index)
    rebuilt.pools.update(pools)
    return rebuilt


class Registry:
    """Component classes and their types in one world.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> class Frozen(ecs.Component): ...
    >>> registry = Registry()
    >>> registry.of(Frozen).bit
    1
    """

    __slots__ = ("_by_class", "_by_id", "_plain_sets", "types")

    def __init__(self) -> None:
        self.types: list[ComponentType] = []
        self._by_class: dict[type[Component], ComponentType] = {}
        self._by_id: dict[str, ComponentType] = {}
        self._plain_sets: dict[Any, Any] = {}  # of classes to such dicts; None is what they make

    def __iter__(self) -> Iterator[ComponentType]:
        return iter(self.types)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.types, self._by_class, self._by_id  # writers of rows are made anew

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.types, self._by_class, self._by_id = state
        self._plain_sets = {}

    def of(self, component: type[Component]) -> ComponentType:
        """Return the type of a component class, registered now if it is new.

        Raises
        ------
        DuplicateContentError
            When another class has the same type id.
        SchemaError
            When it is not a component class.
        """
        try:
            found = self._by_class.get(component)
        except TypeError:  # a list of classes, or what else has no hash
            found = None
        return self._register(component) if found is None else found

    def known(self, component: type[Component]) -> ComponentType | None:
        """Return the type of a component class, None if the world has not met it."""
        return self._by_class.get(component)

    def plain_set(self, components: Iterable[Component]) -> PlainSet | None:
        """Return what it takes to write Python numbers into cells of some components.

        Returns
        -------
        PlainSet or None
            None where a class is there twice, is not known, or has another field.
        """
        found = self._plain_sets
        try:
            # By one class after the other: a tuple of classes, to look up, takes 0.1 us more.
            for component in components:
                found = found[type(component)]
            plain: PlainSet | None = found[None]
        except KeyError:
            return self._find_plain_set([type(component) for component in components])
        return plain

    def _find_plain_set(self, classes: Sequence[type[Component]]) -> PlainSet | None:
        types = list(filter(None, map(self.known, classes)))
        if len(types) < len(classes):
            return None  # for now: a class may be met later
        pairs = [(t, t.plain) for t in types if t.plain is not None]
        mask = sum(t.bit for t in set(types))
        is_plain = len(pairs) == len(types) == mask.bit_count()
        found = self._plain_sets
        for each in classes:
            found = found.setdefault(each, {})
        found[None] = PlainSet(mask, row_writer(pairs)) if is_plain else None
        plain: PlainSet | None = found[None]
        return plain

    def by_id(self, type_id: str) -> ComponentType:
        """Return the type of this id.

        Raises
        ------
        ComponentNotFoundError
            When the world has not met it.
        """
        found = self._by_id.get(type_id)
        if found is None:
            raise ComponentNotFoundError(
                f"cannot find component type {type_id!r}: this world has "
                f"{', '.join(self._by_id) or 'none'}",
                component_type_id=type_id,
            )
        return found

    def in_mask(self, mask: int) -> tuple[ComponentType, ...]:
        """Return the types of a set, in the order of registration. O(types in it)."""
        found = []
        while mask:
            bit = mask & -mask
            found.append(self.types[bit.bit_length() - 1])
            mask ^= bit
        return tuple(found)

    def _register(self, component: type[Component]) -> ComponentType:
        if not (isinstance(component, type) and issubclass(component, Component)):
            raise SchemaError(
                f"cannot use {component!r} as a component class; subclass ecs_columnar.Component"
            )
        if component is Component:
            raise SchemaError("cannot use Component itself as a component; subclass it")
        schema = component.__schema__
        other = self._by_id.get(schema.type_id)
        if other is not None:
            raise DuplicateContentError(
                f"cannot use {component.__module__}.{component.__qualname__} as component "
                f"{schema.type_id}: {other.schema.component.__module__}."
                f"{other.schema.component.__qualname__} is; give one of them another id",
                content_id=schema.type_id,
            )
        registered = ComponentType(schema, len(self.types))
        steps: list[Step] = [
            (self.types.append, registered),
            (setitem, self._by_class, component, registered),
            (setitem, self._by_id, schema.type_id, registered),
        ]
        run(steps)
        return registered
