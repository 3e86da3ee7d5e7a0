"""The component classes of a checkpoint: found by type id, and held against its schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from ecs_columnar.checkpoint.manifest import ComponentEntry, FieldEntry
from ecs_columnar.errors import CheckpointError, SchemaError, first_three
from ecs_columnar.fields import FieldType, array, number, object_, ref, str_
from ecs_columnar.schema import Component, Field, make_component

STAND_IN: Final = "stand-in:"
"""What the ids of classes begin with that are made up from a manifest."""

_KINDS: Final[dict[str, type[FieldType[Any]]]] = {
    "string": str_,
    "reference": ref,
    "object": object_,
}


def find_classes(
    entries: Iterable[ComponentEntry], components: Iterable[type[Component]] | None
) -> list[type[Component]]:
    """Return the class of each component of a manifest.

    Parameters
    ----------
    entries : iterable of ComponentEntry
    components : iterable of type, or None
        Where to look; None is all subclasses of `Component` there are.

    Raises
    ------
    CheckpointError
        When there is none of an id, or several, or its fields are others.
    """
    known = list(_subclasses(Component) if components is None else components)
    return [_find(entry, known, is_any=components is None) for entry in entries]


def stand_in(entry: ComponentEntry) -> type[Component]:
    """Make a class of the same columns, for whoever has not the real one.

    Raises
    ------
    CheckpointError
        When there can be no such component.
    """
    try:
        fields = {field.name: _field_type(field) for field in entry.fields}
        made = make_component(
            "StandIn",
            fields,
            id=STAND_IN + entry.type_id,
            storage=entry.storage,  # type: ignore[arg-type]  # refused there if it is another
        )
        _refuse_unfit(entry, made)
    except (SchemaError, ValueError, TypeError, SyntaxError) as error:
        message = f"cannot load component {entry.type_id}: no class can have its fields: {error}"
        raise CheckpointError(message) from error
    return made


def _field_type(field: FieldEntry) -> type[FieldType[Any]]:
    if field.kind in _KINDS:
        return _KINDS[field.kind]
    item = number(np.dtype(field.dtype))
    return array(item, field.shape) if field.shape else item


def _subclasses(component: type[Component]) -> Iterator[type[Component]]:
    for subclass in component.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _find(
    entry: ComponentEntry, known: Iterable[type[Component]], *, is_any: bool
) -> type[Component]:
    found = [c for c in known if c.__schema__.type_id == entry.type_id]
    if not found:
        where = "imported" if is_any else "among those given"
        raise CheckpointError(
            f"cannot load component {entry.type_id}: no class of this id is {where}; import the "
            "module that declares it, or give components=[...]"
        )
    # A cell of a notebook that ran twice has left two classes; the later one is meant.
    latest = list({(c.__module__, c.__qualname__): c for c in found}.values())
    fitting = [c for c in latest if _difference(entry, c) is None]
    if len(fitting) > 1 and is_any:
        names = first_three(f"{c.__module__}.{c.__qualname__}" for c in fitting)
        raise CheckpointError(
            f"cannot load component {entry.type_id}: {len(fitting)} classes have this id "
            f"({names}); say which with components=[...]"
        )
    chosen = (fitting or latest)[-1]
    _refuse_unfit(entry, chosen)
    return chosen


def _refuse_unfit(entry: ComponentEntry, component: type[Component]) -> None:
    difference = _difference(entry, component)
    if difference is not None:
        raise CheckpointError(
            f"cannot load component {entry.type_id} into {component.__module__}."
            f"{component.__qualname__}: {difference}; load it into a class as it was, and copy "
            "from that"
        )


def _difference(entry: ComponentEntry, component: type[Component]) -> str | None:
    """Say what is different between what was saved and a class; None if nothing is."""
    schema = component.__schema__
    if schema.storage != entry.storage:
        return f"it was stored as {entry.storage!r}, and the class says {schema.storage!r}"
    saved = [_shown(f.name, f.kind, f.dtype, f.shape) for f in entry.fields]
    declared = [_declared(field) for field in schema.fields]
    if saved != declared:
        return f"it was saved with ({', '.join(saved)}) and has ({', '.join(declared)})"
    return None


def _declared(field: Field) -> str:
    return _shown(field.name, field.kind, field.dtype.str, field.shape)


def _shown(name: str, kind: str, dtype: str, shape: tuple[int, ...]) -> str:
    text = dtype if kind == "number" else f"{kind} {dtype}"
    return f"{name}: {text}{list(shape) if shape else ''}"
