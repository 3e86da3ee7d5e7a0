"""Everything that the library raises.

One tree under `EcsColumnarError`. Each error is also the built-in that fits, so
that ``except LookupError`` works; carries its facts as attributes; and says in
its message what cannot be done, on which items, and what to do about it.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

Severity = Literal["warning", "error", "critical"]


def first_three(items: Iterable[object]) -> str:
    """Write the first three items, and an ellipsis if there are more.

    Examples
    --------
    >>> first_three(["a", "b", "c", "d"])
    'a, b, c, ...'
    """
    shown: list[str] = []
    for item in items:
        if len(shown) == 3:
            shown.append("...")
            break
        shown.append(str(item))
    return ", ".join(shown)


def shortened(text: str, longest: int = 300) -> str:
    """Cut the middle out of a long text: of a message the start says where, the end what.

    Examples
    --------
    >>> shortened("$.name: 'aaaaaaaaaaaaaaaaa' is too long", 20)
    "$.name: 'a ... s too long"
    """
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]} ... {text[-(longest // 2) :]}"


class EcsColumnarError(Exception):
    """Base of all errors of the library.

    Parameters
    ----------
    message : str
        What cannot be done, on what, and the remedy.
    **facts
        What the message says, for programs; each becomes an attribute.

    Attributes
    ----------
    code : str
        Stable name of the kind of error, for logs and machines.
    severity : {"warning", "error", "critical"}
        "critical" means that the world itself may be wrong.
    recoverable : bool
        Whether the caller can mend the input and try again.
    """

    code: ClassVar[str] = "ECS_COLUMNAR_ERROR"
    severity: ClassVar[Severity] = "error"
    recoverable: ClassVar[bool] = True

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.__dict__.update(facts)

    def __reduce__(self) -> tuple[Any, ...]:
        facts = self.__dict__
        if not _can_be_pickled(facts):  # a value that was refused: a function, a generator
            facts = {
                name: fact if _can_be_pickled(fact) else repr(fact) for name, fact in facts.items()
            }
        return _rebuild, (type(self), self.args, facts)


def _split(
    fact: str, given: Any, message: str | None, facts: dict[str, Any], wording: str
) -> tuple[str, Any]:
    """Tell the message of an error from its fact.

    With the fact by keyword, what is given first is the message; alone it is the
    fact, and the message is worded here.
    """
    if fact in facts:
        value = facts.pop(fact)
        text = given if message is None else message
    else:
        value, text = given, message
    return wording.format(value) if text is None else str(text), value


def _can_be_pickled(fact: object) -> bool:
    try:
        pickle.dumps(fact)
    except Exception:  # noqa: BLE001 - whatever a stranger's object raises
        return False
    return True


def _rebuild(
    kind: type[EcsColumnarError], args: tuple[Any, ...], facts: dict[str, Any]
) -> EcsColumnarError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


class InvalidArgumentError(EcsColumnarError, ValueError):
    """An argument of a call is of the wrong type, shape or range.

    Attributes
    ----------
    parameter : str
        Name of the argument.
    value : object
        What was passed.
    """

    code = "INVALID_ARGUMENT"
    parameter: str
    value: Any

    def __init__(self, parameter: str, value: Any, message: str | None = None) -> None:
        text = message or f"cannot use {value!r} as {parameter}"
        super().__init__(text, parameter=parameter, value=value)


class ValidationError(EcsColumnarError, ValueError):
    """Data does not fit the schema of its component.

    Attributes
    ----------
    component_type_id : str
    errors : tuple of str
        Everything that is wrong, a line each.
    """

    code = "VALIDATION"
    component_type_id: str
    errors: tuple[str, ...]

    def __init__(
        self, component_type_id: str, errors: Sequence[str] = (), message: str | None = None
    ) -> None:
        lines = (errors,) if isinstance(errors, str) else tuple(errors)
        why = "; ".join(map(str, lines)) or "it does not fit its schema"
        super().__init__(
            message or f"cannot use this data as {component_type_id}: {why}",
            component_type_id=component_type_id,
            errors=lines,
        )


class SchemaError(EcsColumnarError, TypeError):
    """A component class is declared in a way that has no columns."""

    code = "SCHEMA"


class StaleHandleError(EcsColumnarError, LookupError):
    """A handle is of a dead entity, or of none of this world.

    Attributes
    ----------
    entities : int64 array
        The offending handles; () where they are not known.
    """

    code = "STALE_HANDLE"
    entities: Any = ()


class EntityNotFoundError(EcsColumnarError, LookupError):
    """No entity has this instance id.

    Attributes
    ----------
    instance_id : str
        The first id that no entity has.
    instance_ids : tuple of str
        All of them.
    """

    code = "ENTITY_NOT_FOUND"
    instance_id: str
    instance_ids: tuple[str, ...]

    def __init__(
        self, instance_id: Any = None, message: str | None = None, /, **facts: Any
    ) -> None:
        wording = "cannot find entity {!r}: no entity has this id; ask with id in world.ids"
        text, found = _split("instance_id", instance_id, message, facts, wording)
        super().__init__(text, **{"instance_id": found, "instance_ids": (found,), **facts})


class DuplicateEntityError(EcsColumnarError, ValueError):
    """An id or a handle is there twice where it may be there once.

    Attributes
    ----------
    entity_id : str or int
        The first offender.
    entity_ids : tuple
        All of them.
    """

    code = "DUPLICATE_ENTITY"
    entity_id: Any
    entity_ids: tuple[Any, ...]

    def __init__(self, entity_id: Any = None, message: str | None = None, /, **facts: Any) -> None:
        wording = "cannot use entity id {!r} again: it is taken; give another one, or none"
        text, found = _split("entity_id", entity_id, message, facts, wording)
        super().__init__(text, **{"entity_id": found, "entity_ids": (found,), **facts})


class InvalidInstanceIdError(EcsColumnarError, ValueError):
    """An instance id is blank or not a string.

    Attributes
    ----------
    instance_id : object
        The first such, where it is known; None otherwise.
    """

    code = "INVALID_INSTANCE_ID"
    instance_id: Any = None


class ComponentNotFoundError(EcsColumnarError, LookupError):
    """Entities lack a component that the operation needs, or no type has this id.

    Attributes
    ----------
    component_type_id : str
    entities : int64 array or ()
        The entities that lack it.
    """

    code = "COMPONENT_NOT_FOUND"
    component_type_id: str = ""
    entities: Any = ()


class DefinitionNotFoundError(EcsColumnarError, LookupError):
    """No definition has this id.

    Attributes
    ----------
    definition_id : str
    """

    code = "DEFINITION_NOT_FOUND"
    definition_id: str

    def __init__(
        self, definition_id: Any = None, message: str | None = None, /, **facts: Any
    ) -> None:
        wording = "cannot find definition {!r}: it does not exist; register it first"
        text, found = _split("definition_id", definition_id, message, facts, wording)
        super().__init__(text, **{"definition_id": found, **facts})


class DuplicateContentError(EcsColumnarError, ValueError):
    """A component type or a definition of this id exists already.

    Attributes
    ----------
    content_id : str
    """

    code = "DUPLICATE_CONTENT"
    content_id: str = ""


class LocationNotFoundError(EcsColumnarError, LookupError):
    """Nothing has ever been in a place of this name.

    Attributes
    ----------
    location_id : str
    """

    code = "LOCATION_NOT_FOUND"
    location_id: Any = None


class StructuralChangeError(EcsColumnarError, RuntimeError):
    """Rows would move while a query holds views of them."""

    code = "STRUCTURAL_CHANGE"


class TransactionError(EcsColumnarError, RuntimeError):
    """A transaction is used in an order in which it can't be, or where it can't be."""

    code = "TRANSACTION"


class SnapshotError(EcsColumnarError, ValueError):
    """A snapshot is of another world, or not there."""

    code = "SNAPSHOT"


class SynchronisationError(EcsColumnarError, AssertionError):
    """A step that was taken again from the same world led to another one.

    Attributes
    ----------
    step : int
        Which one, from 1.
    where : tuple of str
        What is different: ``"Position.x"``, ``"places"``, ``"generator 'weather'"``, ...
    differences : DataFrame
        As `Snapshot.diff` returns it.

    Where a fact is not known it is 0, () or None.
    """

    code = "SYNCHRONISATION"
    step: int = 0
    where: tuple[str, ...] = ()
    differences: Any = None


class ReadOnlyError(EcsColumnarError, ValueError):
    """A view that was asked for reading is written to."""

    code = "READ_ONLY"


class RepositoryConsistencyError(EcsColumnarError, RuntimeError):
    """An invariant of the world does not hold: a fault of this library."""

    code = "REPOSITORY_CONSISTENCY"
    severity = "critical"
    recoverable = False


class SerializedEntityError(EcsColumnarError, ValueError):
    """An entity cannot be made of what was saved of it.

    Attributes
    ----------
    instance_id : str or None
        The id that it was saved with, where there is one.
    """

    code = "SERIALIZED_ENTITY"
    instance_id: Any = None


class WorldInitializationError(EcsColumnarError, RuntimeError):
    """A world cannot be loaded as a whole.

    Attributes
    ----------
    problems : tuple of str
        All that stands against it, a line each.
    """

    code = "WORLD_INITIALIZATION"
    problems: tuple[str, ...] = ()


class BatchTimeoutError(EcsColumnarError, TimeoutError):
    """A batch call ran out of time.

    Attributes
    ----------
    timeout_ms : float or None
    processed : int
        Items that were done when it stopped.
    """

    code = "BATCH_TIMEOUT"
    timeout_ms: float | None = None
    processed: int = 0


class CircuitOpenError(EcsColumnarError, RuntimeError):
    """A circuit breaker refuses a call, because the ones before it failed.

    Attributes
    ----------
    name : str
        The breaker.
    retry_after_ms : float
        Time until it lets a call through.
    """

    code = "CIRCUIT_OPEN"
    severity = "warning"
    name: str = ""
    retry_after_ms: float = 0.0


class ConfigurationError(EcsColumnarError, ValueError):
    """A configuration has a key that is not known, or a value that cannot work.

    Attributes
    ----------
    key : str
        Dotted path, or the source where no key is to blame.
    value : object
        What was given for it.
    """

    code = "CONFIGURATION"
    key: str = ""
    value: Any = None


class CheckpointError(EcsColumnarError, ValueError):
    """A saved world cannot be trusted, or not be written.

    Attributes
    ----------
    path : str or None
        The file that is to blame.
    """

    code = "CHECKPOINT"
    path: Any = None
