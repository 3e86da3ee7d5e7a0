"""Events: what was done, told to whoever asked, after the world is consistent.

* One event for each operation and kind, with arrays, however many entities.
* An event is sent when the outermost transaction is committed, and never after
  a rollback.
* A listener that raises is logged, and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import InvalidArgumentError

Kind = Literal["spawned", "despawned", "added", "removed", "set", "moved"]

_LOG: Final = logging.getLogger("ecs_columnar.events")


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """What one operation did.

    Attributes
    ----------
    kind : {"spawned", "despawned", "added", "removed", "set", "moved"}
    handles : int64 array, shape (n,)
        Of whom; do not write into it.
    tick : int
        Of the world, after the operation.
    components : tuple of type
        Component classes that were added, removed or set; else empty.
    before, after : int32 array, shape (n,), or None
        For "moved": place codes, -1 for nowhere.
    """

    kind: Kind
    handles: NDArray[np.int64]
    tick: int
    components: tuple[type, ...] = ()
    before: NDArray[np.int32] | None = None
    after: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.handles)

    def __repr__(self) -> str:
        names = "".join(f" {component.__name__}" for component in self.components)
        return f"<Event {self.kind}{names}: {len(self)} entities, tick {self.tick}>"


Listener: TypeAlias = Callable[[Event], object]
Listeners: TypeAlias = dict[str, list[Listener]]


class Events:
    """Who listens to what, in one world.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> token = world.events.on("moved", print)
    >>> crew = world.spawn(3)
    >>> world.move(crew, "harbour")
    <Event moved: 3 entities, tick 2>
    >>> world.events.off(token)
    """

    __slots__ = ("_listeners",)

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners

    def on(self, kind: Kind, listener: Listener) -> tuple[Kind, Listener]:
        """Have a function called with each event of a kind.

        Parameters
        ----------
        kind : {"spawned", "despawned", "added", "removed", "set", "moved"}
        listener : callable
            Called with an `Event`, after the operation, or at the end of the
            outermost transaction. What it raises is logged and goes no further.

        Returns
        -------
        tuple
            A token for `off`.

        Raises
        ------
        InvalidArgumentError
            When there is no such kind.
        """
        if kind not in get_args(Kind):
            known = ", ".join(get_args(Kind))
            raise InvalidArgumentError("kind", kind, f"cannot listen to {kind!r}: there is {known}")
        self._listeners.setdefault(kind, []).append(listener)
        return kind, listener

    def off(self, token: tuple[Kind, Listener]) -> None:
        """Stop calling a function; one that isn't called is no error."""
        kind, listener = token
        listeners = self._listeners.get(kind, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(kind, None)  # so single writes go straight to their cells again

    def __repr__(self) -> str:
        counts = ", ".join(f"{kind}: {len(found)}" for kind, found in self._listeners.items())
        return f"<Events: {counts or 'nobody listens'}>"


def send(outbox: list[Event], listeners: Listeners) -> None:
    """Send all events that wait, in order; those that listeners cause come after."""
    while outbox:
        event = outbox.pop(0)
        for listener in tuple(listeners.get(event.kind, ())):
            _call(listener, event)


def _call(listener: Listener, event: Event) -> None:
    try:
        listener(event)
    except Exception:  # noqa: BLE001 - whatever a listener does is its own affair
        _LOG.exception("a listener to %r events raised; the world is not affected", event.kind)
