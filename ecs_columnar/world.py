"""The object that users hold: a thin face over the storage."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.checkpoint.checkpoint import load_storage, open_journal, save_storage
from ecs_columnar.checkpoint.journal import Journal
from ecs_columnar.checkpoint.saving import Saving
from ecs_columnar.content import take
from ecs_columnar.definitions import Definition, Definitions
from ecs_columnar.digest import digest
from ecs_columnar.entity import Entity
from ecs_columnar.errors import InvalidArgumentError, first_three
from ecs_columnar.events import Events
from ecs_columnar.generators import Generators
from ecs_columnar.handles import is_one, to_handles
from ecs_columnar.history import History
from ecs_columnar.ids import Ids
from ecs_columnar.locations import Locations
from ecs_columnar.operations.define import define
from ecs_columnar.operations.despawn import despawn
from ecs_columnar.operations.move import move
from ecs_columnar.operations.spawn import Group, refuse_gaps, spawn, spawn_one
from ecs_columnar.operations.transfer import add, remove
from ecs_columnar.operations.write import get, has, set_components, set_fields
from ecs_columnar.query import Query
from ecs_columnar.schema import Component
from ecs_columnar.selection import living, select
from ecs_columnar.snapshot import Snapshot, restore
from ecs_columnar.stats import Stats, measure
from ecs_columnar.storage import Storage
from ecs_columnar.transaction import Transaction

if TYPE_CHECKING:
    from ecs_columnar.io.limits import Limits

AnyComponent = TypeVar("AnyComponent", bound=Component)


class World:
    """Entities, their components, and the places where they are.

    Entities are int64 handles in arrays. Wherever a method takes ``entities``
    it takes a handle, an int64 array, a string id, a list or array of them, an
    `Entity` or a `Query`. A method that fails has changed nothing.

    Attributes
    ----------
    locations : Locations
        Who is where.
    ids : Ids
        String ids to handles and back.
    definitions : Definitions
        Named sets of components to spawn from.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> class Position(ecs.Component):
    ...     x: ecs.f4
    ...     y: ecs.f4 = 0.0
    >>> class Velocity(ecs.Component):
    ...     dx: ecs.f4
    >>> world = ecs.World()
    >>> ships = world.spawn(3, Position([0, 1, 2]), Velocity(1.0), at="harbour")
    >>> for rows in world.query(ecs.Mut[Position], Velocity):
    ...     rows[Position].x += rows[Velocity].dx * 0.5
    >>> world.get(ships, Position).x
    array([0.5, 1.5, 2.5], dtype=float32)
    >>> world.move(ships[:2], "open sea")
    >>> world.locations.count("harbour")
    1
    """

    __slots__ = ("_storage",)

    def __init__(self) -> None:
        self._storage = Storage()

    @classmethod
    def _of(cls, storage: Storage) -> World:
        """Return a face of what another world stores: the same world."""
        world = cls.__new__(cls)
        world._storage = storage
        return world

    @property
    def locations(self) -> Locations:
        """Who is where."""
        return Locations(self._storage)

    @property
    def ids(self) -> Ids:
        """String ids to handles and back."""
        return Ids(self._storage)

    @property
    def definitions(self) -> Definitions:
        """Named sets of components to spawn from."""
        return self._storage.definitions

    @property
    def events(self) -> Events:
        """Who is told what was done."""
        return Events(self._storage.listeners)

    @property
    def generators(self) -> Generators:
        """Random generators whose states belong to the world's."""
        return Generators(self._storage)

    @property
    def tick(self) -> int:
        """How many operations have been done. Single writes to cells and views are none."""
        return self._storage.tick

    def spawn(
        self,
        n: int,
        /,
        *components: Component,
        ids: Any = None,
        at: Any = None,
        definition: str | None = None,
    ) -> NDArray[np.int64]:
        """Bring ``n`` entities to life.

        Parameters
        ----------
        n : int
        *components : Component
            Each field one value for all, or an array of ``n``.
        ids : sequence of str, optional
            An id for each: not blank, not taken, all different.
        at : place or sequence of places, optional
            Where they are: strings, handles or entities; None is nowhere.
        definition : str, optional
            Id of a definition whose components they get as well; one that is
            given in ``components`` replaces the definition's whole.

        Returns
        -------
        int64 array, shape (n,)
            Their handles.

        Raises
        ------
        InvalidArgumentError, ValidationError, InvalidInstanceIdError
        DuplicateEntityError, DefinitionNotFoundError, StaleHandleError
        StructuralChangeError
            While a query is being iterated over.
        """
        _refuse_no_count(n)
        if definition is not None:
            components = self.definitions[definition].with_overrides(components)
        return spawn(self._storage, int(n), [Group(components, slice(None))], ids=ids, at=at)

    def spawn_groups(
        self, n: int, /, groups: Iterable[Group], *, ids: Any = None, at: Any = None, later: int = 0
    ) -> NDArray[np.int64]:
        """Bring ``n`` entities of different kinds to life, in one call.

        Handles are given in order, whatever the groups: the world is the same as
        if each entity had been spawned alone, one after the other.

        Parameters
        ----------
        n : int
        groups : iterable of Group
            Components, and the positions among the ``n`` of those that get
            them: increasing, each position in exactly one group.
        ids, at : optional
            One for each of the ``n``, as in `spawn`.
        later : int, optional
            How many entities of the same kinds will be spawned next. Room is made for
            them now, up to seven times ``n``, so that columns are not copied again and
            again as they grow. It is a forecast: nothing but memory depends on it.

        Returns
        -------
        int64 array, shape (n,)

        Raises
        ------
        InvalidArgumentError
            When a position is in no group, or in two; and as `spawn` does.

        Examples
        --------
        >>> import numpy as np
        >>> import ecs_columnar as ecs
        >>> class Hull(ecs.Component):
        ...     tons: ecs.f8
        >>> class Legs(ecs.Component):
        ...     n: ecs.i4
        >>> world = ecs.World()
        >>> found = world.spawn_groups(
        ...     3,
        ...     [
        ...         ecs.Group((Hull([90.0, 70.0]),), np.array([0, 2])),
        ...         ecs.Group((Legs(2),), np.array([1])),
        ...     ],
        ... )
        >>> world.has(found, Hull)
        array([ True, False,  True])
        """
        _refuse_no_count(n)
        given = list(groups)
        refuse_gaps(n, given)
        _refuse_no_count(later, "later")
        return spawn(self._storage, int(n), given, ids=ids, at=at, n_later=int(later))

    def spawn_one(
        self,
        *components: Component,
        id: str | None = None,
        at: Any = None,
        definition: str | None = None,
    ) -> Entity:
        """Bring one entity to life; see `spawn`."""
        if id is None and at is None and definition is None:
            handle = spawn_one(self._storage, components)
            if handle is not None:
                return Entity(self._storage, handle)
        ids = None if id is None else [id]
        handles = self.spawn(1, *components, ids=ids, at=at, definition=definition)
        return Entity(self._storage, int(handles[0]))

    def despawn(self, entities: Any) -> None:
        """Remove entities with all that they have. O(entities).

        Places that they are stay, as dangling ones; references to them stay too,
        and are dead handles.

        Raises
        ------
        StaleHandleError, EntityNotFoundError, DuplicateEntityError
        StructuralChangeError
            While a query is being iterated over.
        """
        despawn(self._storage, select(self._storage, entities, "despawn"))

    def add(self, entities: Any, /, *components: Component) -> None:
        """Add components to entities; overwrite them where they are there already.

        O(entities), except that for all rows of a table at once it is only the
        new columns.

        Raises
        ------
        StaleHandleError, EntityNotFoundError, DuplicateEntityError, ValidationError
        StructuralChangeError
            While a query is being iterated over.
        """
        add(self._storage, select(self._storage, entities, "add components"), components)

    def remove(self, entities: Any, /, *components: type[Component]) -> None:
        """Remove components from entities.

        Raises
        ------
        ComponentNotFoundError
            When an entity lacks one of them.
        StaleHandleError, EntityNotFoundError, DuplicateEntityError
        StructuralChangeError
            While a query is being iterated over.
        """
        types = dict.fromkeys(self._storage.registry.of(component) for component in components)
        remove(self._storage, select(self._storage, entities, "remove components"), types)

    def set(
        self, entities: Any, /, *components: Component | type[Component], **fields: Any
    ) -> None:
        """Overwrite components that the entities have, or some fields of one.

        Where an entity is there twice, the last value wins.

        Parameters
        ----------
        entities : entities
        *components : Component
            ``set(e, Position(0, 0))``; or one class, with fields by name:
            ``set(e, Position, x=0)``.
        **fields
            Each one value for all, or an array.

        Raises
        ------
        ComponentNotFoundError
            When an entity lacks one of them; `add` adds or overwrites.
        StaleHandleError, EntityNotFoundError, ValidationError, InvalidArgumentError
        """
        selection = select(self._storage, entities, "set components")
        if len(components) == 1 and isinstance(components[0], type):
            component_type = self._storage.registry.of(components[0])
            set_fields(self._storage, selection, component_type, fields)
        elif fields:
            raise InvalidArgumentError(
                "fields",
                fields,
                f"cannot set fields {first_three(fields)} of {len(components)} components; "
                "give one component class before them",
            )
        else:
            set_components(self._storage, selection, components)  # type: ignore[arg-type]  # checked there

    def get(self, entities: Any, component: type[AnyComponent]) -> AnyComponent:
        """Copy the values of a component.

        Returns
        -------
        Component
            Of the class that was asked for, each field an array with a value an
            entity; for one entity, one value. Strings as strings.

        Raises
        ------
        ComponentNotFoundError
            When an entity lacks it.
        StaleHandleError, EntityNotFoundError
        """
        selection = select(self._storage, entities, "get components")
        component_type = self._storage.registry.of(component)
        found = component.__new__(component)
        arrays = get(self._storage, selection, component_type)
        for field, values in zip(component_type.fields, arrays, strict=True):
            setattr(found, field.name, values[0] if is_one(entities) else values)
        return found

    def has(self, entities: Any, component: type[Component]) -> Any:
        """Tell for each entity whether it has a component.

        Returns
        -------
        bool array, shape (n,); or one bool for one entity

        Raises
        ------
        StaleHandleError, EntityNotFoundError
        """
        selection = select(self._storage, entities, "look for components")
        found = has(self._storage, selection, self._storage.registry.of(component))
        return bool(found[0]) if is_one(entities) else found

    def alive(self, entities: Any) -> Any:
        """Tell for each handle whether its entity is alive; any numbers will do.

        Returns
        -------
        bool array, shape (n,); or one bool for one handle
        """
        found = self._storage.entities.are_alive(to_handles(self._storage, entities))
        return bool(found[0]) if is_one(entities) else found

    def move(self, entities: Any, places: Any) -> None:
        """Put entities into places. O(entities).

        Where an entity is there more than once, its moves follow each other.

        Parameters
        ----------
        entities : entities
        places : place or sequence of places
            One for all, or one for each: strings, handles or entities; None and
            blank strings are nowhere. White space around a string is not part
            of it.

        Raises
        ------
        StaleHandleError, EntityNotFoundError, InvalidArgumentError
        """
        move(self._storage, living(self._storage, entities, "move"), places)

    def query(
        self,
        *terms: Any,
        without: type[Component] | Iterable[type[Component]] = (),
    ) -> Query:
        """Find entities by their components.

        Parameters
        ----------
        *terms : component class, or ``Mut[...]`` of one
            What they have. ``Mut`` asks for writable views.
        without : component class or several, optional
            What they lack.

        Returns
        -------
        Query
            Which stays right when the world changes.
        """
        refused = (without,) if isinstance(without, type) else tuple(without)
        return Query(self._storage, terms, refused)

    def entity(self, entity: Any) -> Entity:
        """Return one entity, by id or handle, as an object.

        Raises
        ------
        EntityNotFoundError, StaleHandleError
        """
        if not is_one(entity):
            raise InvalidArgumentError(
                "entity", entity, f"cannot use {entity!r} as one entity; give an id or a handle"
            )
        return Entity(self._storage, int(living(self._storage, entity, "find")[0]))

    def define(self, definition_id: str, /, *components: Component) -> Definition:
        """Name a set of components, to spawn from.

        Parameters
        ----------
        definition_id : str
            Not blank, not taken.
        *components : Component
            One value a field.

        Raises
        ------
        DuplicateContentError, InvalidArgumentError, ValidationError
        """
        return define(self._storage, definition_id, components)

    def transaction(self) -> Transaction:
        """Return a block of operations that is kept as a whole or not at all.

        Returns
        -------
        Transaction
            For ``with``. Its cost is that of what is touched in it.
        """
        return Transaction(self._storage)

    @property
    def open_transaction(self) -> Transaction | None:
        """The innermost transaction that is open, None where none is."""
        found: Transaction | None = self._storage.transaction
        return found

    def snapshot(self) -> Snapshot:
        """Return the world as it is now, frozen. O(columns): nothing is copied.

        The first write to a column after that copies it.
        """
        return Snapshot(self._storage)

    def restore(self, snapshot: Snapshot) -> None:
        """Make the world what it was. O(columns): nothing is copied.

        Handles and ids mean what they meant then. Listeners stay, and are not
        told. Objects such as queries and entities stay good.

        Raises
        ------
        SnapshotError
            When the snapshot is not one of this world.
        TransactionError
            In a transaction.
        StructuralChangeError
            While a query is being iterated over.
        """
        restore(self._storage, snapshot)

    def history(self, n: int) -> History:
        """Return an empty ring of the last ``n`` snapshots, to `History.record` into.

        Raises
        ------
        InvalidArgumentError
            When ``n`` is not a number, 1 or more.
        """
        return History(self._storage, n)

    def save(
        self, path: str | PathLike[str], *, durable: bool = True, background: bool = False
    ) -> Saving:
        """Save the world as it is now, as a new generation in a folder. O(everything).

        It is there as a whole, or not at all, whenever the process or the
        machine stops. The last two generations are kept.

        Parameters
        ----------
        path : path
            A folder, made if it is not there.
        durable : bool
            Whether to wait until everything is on disk. Otherwise a stop of the
            process does no harm, but one of the machine may cost what was saved
            last, which `load` then says.
        background : bool
            Whether to write in a thread of its own, from a snapshot: the first
            write to a column then copies it.

        Returns
        -------
        Saving
            To `Saving.wait` for.

        Raises
        ------
        CheckpointError
            When it cannot be written, somebody else is writing there, or an
            object has no form in JSON. What was saved before is as it was.
        TransactionError
            In a transaction.

        Examples
        --------
        >>> import tempfile
        >>> import ecs_columnar as ecs
        >>> class Fuel(ecs.Component):
        ...     litres: ecs.f8
        >>> world = ecs.World()
        >>> ships = world.spawn(3, Fuel([1.0, 2.0, 3.0]), at="harbour")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = world.save(folder)
        ...     again = ecs.World.load(folder, components=[Fuel])
        >>> again.digest() == world.digest()
        True
        """
        return save_storage(self._storage, path, durable=durable, background=background)

    def journal(self, path: str | PathLike[str], *, durable: bool = True) -> Journal:
        """Save the world, and from then on record each change beside it. O(everything), once.

        A change is written to the log and then done; one that cannot be written is
        not done. A transaction is one record, written when the outermost one ends.
        `load` does the records again.

        Parameters
        ----------
        path : path
            A folder of checkpoints, made if it is not there. Nobody else can save
            there until the journal is closed; `save` of this world begins a new log.
        durable : bool
            Whether each change waits until its record is on disk. Otherwise a stop
            of the process loses nothing, but one of the machine may cost the last
            changes, of which `load` tells if it finds them in part.

        Returns
        -------
        Journal
            For ``with``, or to be closed.

        Raises
        ------
        CheckpointError
            When the world cannot be saved there, or has a journal already.
        TransactionError
            In a transaction.
        StructuralChangeError
            While a query with ``Mut`` is being iterated over.
        """
        return open_journal(self._storage, path, durable=durable)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        *,
        generation: int | None = None,
        components: Iterable[type[Component]] | None = None,
        mmap: bool = False,
    ) -> World:
        """Load a world that was saved, with what a journal recorded since. O(everything).

        Every file is verified by its checksum before anything in it is used.
        Handles, ids, rows and their order are what they were: the world has the
        digest of the one that was saved. Listeners are not part of it.

        Parameters
        ----------
        path : path
            The folder that it was saved to.
        generation : int, optional
            Which one, as it was saved; the last by default, and all that was
            recorded since.
        components : iterable of type, optional
            The component classes; by default those that are imported, by id.
        mmap : bool
            Whether columns are maps of the files, read-only: what is never
            written is never in memory as a copy.

        Returns
        -------
        World

        Raises
        ------
        CheckpointError
            When there is no checkpoint, a file is not what was written, or a
            component class is missing or has other fields.

        Warns
        -----
        RuntimeWarning
            When the log ends within a record, or one is not what was written: the
            world is then as the record before it left it.
        """
        world = cls.__new__(cls)
        world._storage = load_storage(path, generation=generation, components=components, mmap=mmap)
        return world

    def digest(self) -> str:
        """Return a hash of everything that decides the future. O(everything).

        Worlds of equal digests are equal in values, rows and their order,
        handles, generations, ids, places and the order within them, definitions,
        tick and generators. It is the same in any process, and after `restore`.

        Returns
        -------
        str
            32 hexadecimal digits (XXH3).
        """
        return digest(take(self._storage))

    @staticmethod
    def from_files(
        path: str | PathLike[str],
        *,
        world_id: str | None = None,
        strict: bool = True,
        limits: Limits | None = None,
    ) -> World:
        """Load world files into a new world. Its services know their types and definitions.

        Parameters
        ----------
        path : path
            Of a folder with ``game.json`` or ``mod-manifest.json``, of a JSON file with
            all of it, or of instances as NDJSON, Parquet or Arrow.
        world_id : str, optional
            Which of the worlds in the files; the start world otherwise.
        strict : bool
            Whether anything that cannot be loaded is an error. Otherwise the rest is
            loaded; `WorldLoadingService.load_world` also tells what was left out.
        limits : Limits, optional
            On the size of files and the depth of JSON.

        Raises
        ------
        WorldInitializationError
            ``problems`` has everything that is wrong, a line each.
        """
        found: World = _above("services.world_files").world_from_files(
            path, world_id=world_id, strict=strict, limits=limits
        )
        return found

    def to_files(
        self,
        path: str | PathLike[str],
        *,
        format: Literal["json", "ndjson", "parquet", "arrow"] = "json",
    ) -> None:
        """Write the world as files that `from_files` makes an equal world of. O(everything).

        Equal are component types, definitions, and entities by id: their definition,
        components and places. JSON and NDJSON keep the order of components as well.
        Handles keep their order. Entities without an id get one.

        Parameters
        ----------
        path : path
            Of a folder that is not there yet, or is empty; or, for "json", of a file
            whose name ends with ``.json``.
        format : {"json", "ndjson", "parquet", "arrow"}
            Of the instances.

        Raises
        ------
        InvalidArgumentError, SchemaError
            When something is there already, or the format has no name for something in
            the world. Nothing has been written.
        MissingExtraError
            When pyarrow is needed, and not installed.
        """
        _above("services.world_files").world_to_files(self, path, format=format)

    def stats(self) -> Stats:
        """Count entities, rows, bytes and places. O(tables)."""
        return measure(self._storage)

    def check(self) -> None:
        """Verify all invariants of the storage; for tests and for doubt. O(everything).

        Raises
        ------
        RepositoryConsistencyError
            When one does not hold.
        """
        self._storage.check()

    def __len__(self) -> int:
        return self._storage.entities.n_alive

    def __bool__(self) -> bool:
        return True

    def __contains__(self, entity: object) -> bool:
        if isinstance(entity, str):
            return entity in self.ids
        if isinstance(entity, Entity):
            return entity._storage is self._storage and entity.is_alive
        return isinstance(entity, (int, np.integer)) and self._storage.entities.is_alive(
            int(entity)
        )

    def __repr__(self) -> str:
        from ecs_columnar.display import world_text

        return world_text(self.stats())

    def _repr_html_(self) -> str:
        from ecs_columnar.display import world_html

        return world_html(self.stats())


def _above(name: str) -> Any:
    """Return a module that stands on the world.

    It is found by its name when it is needed: a door in the world's face, and no
    dependency of its mechanism.
    """
    return importlib.import_module(f"ecs_columnar.{name}")


def _refuse_no_count(n: object, name: str = "n") -> None:
    is_integer = isinstance(n, (int, np.integer)) and not isinstance(n, bool)
    if not is_integer or n < 0:  # type: ignore[operator]  # an integer by then
        raise InvalidArgumentError(
            name, n, f"cannot spawn {n!r} entities: {name} is a number, 0 or more"
        )
