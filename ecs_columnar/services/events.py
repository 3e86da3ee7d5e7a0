"""What has happened, told to whoever listens.

One event a call and kind, with arrays, after all writes of the call and never
after a rollback. What costs something to know (names of the dead, data from
before) is only gathered when somebody listens.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import InvalidArgumentError
from ecs_columnar.world import World

_LOGGER: Final = logging.getLogger(__name__)

Kind = Literal[
    "entity_created",
    "entity_removed",
    "component_added",
    "component_removed",
    "entity_moved",
    "world_loaded",
]
KINDS: Final = get_args(Kind)
Listener = Callable[[Any], object]

# What each attribute of one entity's event is called in the event of many.
_SINGULAR: Final = {
    "handle": "handles",
    "instance_id": "instance_ids",
    "definition_id": "definition_ids",
    "old_location_id": "old_location_ids",
    "new_location_id": "new_location_ids",
    "old": "old",
    "new": "new",
}


class Event:
    """What one call did, of one kind.

    Handles and counts are there; what lies behind them is made when it is first asked
    for: ask while the entities live, as a listener does.

    Attributes
    ----------
    kind : str
    handles : int64 array, shape (n,)
    instance_ids : object array of str, shape (n,)
    definition_ids : object array of str, shape (n,)
        Of a creation.
    was_reconstructed : bool
        Of a creation.
    component_type_id : str
        Of components: there is one event a type.
    old, new : list of dict
        Of components: the data before, None where there was none, and after,
        None where there is none.
    old_location_ids, new_location_ids : object array of str, shape (n,)
        Of moves; None for nowhere.
    result : WorldLoadingResult
        Of a loading.
    is_settled : bool
        Whether all of it has been made.
    """

    def __init__(self, kind: Kind, handles: NDArray[np.int64], **facts: Any) -> None:
        self.kind: Final = kind
        self.handles: Final = handles
        self.is_settled = False
        self._facts: Final = facts

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            value = self._facts[name]
        except KeyError:
            raise AttributeError(f"{self.kind} has no {name}") from None
        if callable(value):
            value = self._facts[name] = value()
        return value

    def __len__(self) -> int:
        return int(self.handles.shape[0])

    def __repr__(self) -> str:
        return f"<Event {self.kind}: {len(self)} entities>"

    def settle(self) -> None:
        """Make everything that is only made when asked for."""
        for name in self._facts:
            getattr(self, name)
        self.is_settled = True

    @property
    def group(self) -> tuple[Any, ...]:
        """What events have in common that are told as one."""
        return self.kind, self._facts.get("component_type_id"), self._facts.get("was_reconstructed")

    def each(self) -> Iterator[EntityEvent]:
        """Return an event an entity, in input order, made one by one."""
        return (EntityEvent(self, i) for i in range(len(self)))

    @classmethod
    def merged(cls, events: Sequence[Event]) -> Event:
        """Join events of the same kind, in order."""
        if len(events) == 1:
            return events[0]
        first = events[0]
        facts = {name: _joined(events, name) for name in first._facts}
        return cls(first.kind, np.concatenate([event.handles for event in events]), **facts)


class EntityEvent:
    """What happened to one entity.

    Attributes
    ----------
    kind : str
    handle : int
    instance_id : str
    definition_id, was_reconstructed, component_type_id, old, new : optional
    old_location_id, new_location_id : optional
        As in `Event`, of this entity.
    """

    def __init__(self, event: Event, i: int) -> None:
        self._event: Final = event
        self._i: Final = i

    @property
    def kind(self) -> Kind:
        """What happened."""
        return self._event.kind

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        plural = _SINGULAR.get(name)
        if plural is None:
            return getattr(self._event, name)
        value = getattr(self._event, plural)[self._i]
        return value.item() if isinstance(value, np.generic) else value

    def __repr__(self) -> str:
        return f"<EntityEvent {self.kind} of {self.instance_id!r}>"


class Listening:
    """Who listens to the services of a world, which it does not hold.

    Attributes
    ----------
    listeners : dict of int to tuple
        Kind and function, by token.
    n_tokens : int
        How many have been given. No `itertools.count`, which Python stops to pickle.
    logger : logging.Logger
        Is told what listeners raise.
    """

    def __init__(self) -> None:
        self.listeners: Final[dict[int, tuple[Kind, Listener]]] = {}
        self.n_tokens = 0
        self.logger: logging.Logger = _LOGGER

    def read_logger(self) -> logging.Logger:
        """Return the logger, which may be another one by then."""
        return self.logger


class Events:
    """Who listens to what the services do.

    Events wait in the outbox of the world, beside the core's own, until the
    outermost transaction ends; a rollback takes them out again.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> from ecs_columnar.services import create_default_services_with_config
    >>> services = create_default_services_with_config()
    >>> _ = services.definitions.register({"id": "core:actor", "components": {}})
    >>> token = services.events.on("entity_created", lambda event: print(len(event)))
    >>> _ = services.batch_operation_manager.batch_create_entities(
    ...     [{"definition_id": "core:actor"}] * 3
    ... )
    3
    >>> services.events.off(token)
    """

    def __init__(self, world: World, listening: Listening | None = None) -> None:
        self._world: Final = world
        self._storage: Final = world._storage
        self._listening: Final = listening or Listening()

    @property
    def logger(self) -> logging.Logger:
        """Is told what listeners raise."""
        return self._listening.logger

    @logger.setter
    def logger(self, logger: logging.Logger) -> None:
        self._listening.logger = logger

    def on(self, kind: Kind, fn: Listener, *, per_entity: bool = False) -> int:
        """Listen to a kind of event.

        Parameters
        ----------
        kind : str
            "entity_created", "entity_removed", "component_added",
            "component_removed", "entity_moved" or "world_loaded".
        fn : callable
            Takes the event. What it raises is logged, and changes nothing.
        per_entity : bool
            Whether it is called once an entity, in input order.

        Returns
        -------
        int
            A token for `off`.

        Raises
        ------
        InvalidArgumentError
            When there is no such kind, or it cannot be called.
        """
        if kind not in KINDS:
            raise InvalidArgumentError(
                "kind", kind, f"cannot listen to {kind!r}; there are {', '.join(KINDS)}"
            )
        if not callable(fn):
            raise InvalidArgumentError("fn", fn, f"cannot call {fn!r}; give a function")
        listening = self._listening
        token = listening.n_tokens = listening.n_tokens + 1
        call = (_Feed if per_entity else _Whole)(fn, listening.read_logger)
        listening.listeners[token] = kind, call
        self._storage.listeners.setdefault(kind, []).append(call)
        return token

    def off(self, token: int) -> None:
        """Stop listening.

        Raises
        ------
        InvalidArgumentError
            When nobody listens with this token.
        """
        listeners = self._listening.listeners
        if token not in listeners:
            raise InvalidArgumentError(
                "token", token, f"cannot stop {token!r}: nobody listens with it"
            )
        kind, call = listeners.pop(token)
        calls = self._storage.listeners[kind]
        calls.remove(call)
        if not calls:
            del self._storage.listeners[kind]  # so single writes go straight to their cells again

    def is_heard(self, kind: Kind) -> bool:
        """Tell whether anybody listens to a kind."""
        return bool(self._storage.listeners.get(kind))

    @property
    def are_heard(self) -> bool:
        """Whether anybody listens to anything, of the core's events too."""
        return any(self._storage.listeners.values())

    def tell(self, kind: Kind, handles: NDArray[np.int64], **facts: Any) -> None:
        """Put an event into the outbox; a fact that is callable is made when asked for."""
        if not self.is_heard(kind) or (not handles.shape[0] and kind != "world_loaded"):
            return
        names = self._world.ids.names
        facts.setdefault("instance_ids", lambda: names(handles))
        self._storage.outbox.append(Event(kind, handles, **facts))  # type: ignore[arg-type]

    def settle(self) -> None:
        """Make what events that wait say, before those whom it is about are gone.

        Where one is settled, so are those before it: O(events since then).
        """
        for event in reversed(self._storage.outbox):
            if not isinstance(event, Event):
                continue
            if event.is_settled:
                break
            event.settle()

    def merge(self, n_before: int) -> None:
        """Make one event of those of a kind that were put into the outbox since it had so many.

        They come after those of the core, in the order of their kinds' first.
        """
        outbox: list[Any] = self._storage.outbox
        groups: dict[tuple[Any, ...], list[Event]] = {}
        for event in outbox[n_before:]:
            if isinstance(event, Event):
                groups.setdefault(event.group, []).append(event)
        others = [event for event in outbox[n_before:] if not isinstance(event, Event)]
        outbox[n_before:] = [*others, *map(Event.merged, groups.values())]


class _Whole:
    """A listener that is called with a whole event."""

    def __init__(self, listener: Listener, read_logger: Callable[[], logging.Logger]) -> None:
        self._listener: Final = listener
        self._read_logger: Final = read_logger

    def __call__(self, event: Any) -> None:
        self._tell(event)

    def _tell(self, event: Any) -> None:
        try:
            self._listener(event)
        except Exception:  # whatever it raises, the next one is told
            logger = self._read_logger()
            logger.exception("a listener to %r events raised; nothing changes", event.kind)


class _Feed(_Whole):
    """A listener that is fed one entity at a time."""

    def __call__(self, event: Any) -> None:
        for one in event.each():
            self._tell(one)


def _joined(events: Sequence[Event], name: str) -> Any:
    value = events[0]._facts[name]
    if isinstance(value, (str, bool, type(None))):
        return value

    def join() -> Any:
        parts = [getattr(event, name) for event in events]
        if isinstance(parts[0], np.ndarray):
            return np.concatenate(parts)
        return [item for part in parts for item in part]

    return join
