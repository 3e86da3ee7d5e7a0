"""Values of class components, cast by the core's rules: what does not fit is an item's error.

The core casts a batch or refuses it. Where it refuses, the batch is halved until
it is known which values are at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.conversion import UnfitValueError, to_numbers, to_objects
from ecs_columnar.dtypes import NO_ENTITY
from ecs_columnar.fields import Kind
from ecs_columnar.schema import Field
from ecs_columnar.services.plain import to_plain
from ecs_columnar.world import World

_ONE_VALUE: Final = -1  # for the core's casts: no batch


class Cast(NamedTuple):
    """The values of one field, as its column takes them.

    Attributes
    ----------
    values : array, shape (n, *field.shape)
        Where a value does not fit, one that does.
    errors : dict of int to str
        What is wrong, by item.
    """

    values: Any
    errors: dict[int, str]


def cast_values(world: World, field: Field, values: Sequence[Any] | NDArray[Any]) -> Cast:
    """Cast a value an item.

    Parameters
    ----------
    world : World
        Whose entities are referred to.
    field : Field
    values : sequence, length n
    """
    return _CASTS[field.kind](world, field, values)


def padding(field: Field) -> Any:
    """Return a value that fits a field, to stand where there is none."""
    if field.kind == "string":
        return ""
    if field.kind == "object":
        return None
    zeros = np.zeros(field.shape, field.dtype)
    return zeros[()] if field.dtype.kind in "mM" else zeros.tolist()


def _cast_numbers(_: World, field: Field, values: Any) -> Cast:
    n = len(values)
    try:
        return Cast(_cast_many(field, values), {})
    except UnfitValueError:
        cast = Cast(np.zeros((n, *field.shape), field.dtype), {})
        _cast_part(field, values, 0, cast)
        return cast


def _cast_part(field: Field, values: Any, start: int, cast: Cast) -> None:
    """Cast some values, which begin at item ``start``, into their places."""
    n = len(values)
    try:
        if n == 1:
            cast.values[start] = _cast_one(field, values[0])
        elif n:
            cast.values[start : start + n] = _cast_many(field, values)
    except UnfitValueError as error:
        if n == 1:
            cast.errors[start] = f"$.{error}"
            return
        half = n // 2
        _cast_part(field, values[:half], start, cast)
        _cast_part(field, values[half:], start + half, cast)


def _cast_one(field: Field, value: Any) -> NDArray[Any]:
    if not field.shape and isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value):
        raise UnfitValueError(f"{field.name} is {value!r}: it takes one value")
    return to_numbers(value, field, _ONE_VALUE)


def _cast_many(field: Field, values: Any) -> NDArray[Any]:
    if field.shape and not _has_shape(values, (len(values), *field.shape)):
        raise UnfitValueError(f"{field.name} has values of several shapes")
    return to_numbers(values, field, len(values))


def _has_shape(values: Any, shape: tuple[int, ...]) -> bool:
    try:
        return bool(np.shape(values) == shape)
    except ValueError:  # as lists of several lengths have none
        return False


def _cast_strings(_: World, field: Field, values: Any) -> Cast:
    texts = values.tolist() if isinstance(values, np.ndarray) else list(values)
    errors: dict[int, str] = {}
    if not set(map(type, texts)) <= {str}:
        strange = [i for i, text in enumerate(texts) if not isinstance(text, str)]
        errors = {i: f"$.{field.name} is {texts[i]!r}: it takes a str" for i in strange}
    for i in errors:
        texts[i] = ""
    return Cast(np.fromiter(texts, object, len(texts)), errors)


def _cast_objects(_: World, field: Field, values: Any) -> Cast:
    objects = np.fromiter(values, object, len(values))
    errors: dict[int, str] = {}
    for i, value in enumerate(objects):
        strange: list[str] = []
        to_plain(value, strange)
        try:
            if strange:
                to_objects([value], field, 1)
        except UnfitValueError as error:
            errors[i], objects[i] = f"$.{error}", None
    return Cast(objects, errors)


def _cast_references(world: World, field: Field, values: Any) -> Cast:
    """Cast handles, ids and None to handles of living entities."""
    given = values.tolist() if isinstance(values, np.ndarray) else list(values)
    handles = np.zeros(len(given), np.int64)
    names = [i for i, value in enumerate(given) if isinstance(value, str)]
    numbers = [i for i, value in enumerate(given) if _is_handle(value)]
    handles[names] = world.ids.find([given[i] for i in names])
    handles[numbers] = [given[i] for i in numbers]
    is_known = handles != NO_ENTITY
    is_known[numbers] = world.alive(handles[numbers]) | (handles[numbers] == NO_ENTITY)
    is_known[[i for i, value in enumerate(given) if value is None]] = True
    errors = {
        i: f"$.{field.name} is {given[i]!r}: no entity has this id or handle"
        for i in np.flatnonzero(~is_known).tolist()
    }
    handles[list(errors)] = NO_ENTITY
    return Cast(handles, errors)


def _is_handle(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        return False
    return -(2**63) <= int(value) < 2**63


_CASTS: Final[dict[Kind, Callable[[World, Field, Any], Cast]]] = {
    "number": _cast_numbers,
    "string": _cast_strings,
    "object": _cast_objects,
    "reference": _cast_references,
}
