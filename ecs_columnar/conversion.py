"""What the user gave, turned into what a column holds, or refused.

Casting happens here and nowhere else. A value keeps its kind: integers stay
in range, floats don't become integers, booleans are booleans, times keep
their instant. The result has the exact dtype of the column, because a casting
assignment is where NumPy wraps around silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import first_three
from ecs_columnar.frozen import freeze
from ecs_columnar.schema import Field


class UnfitValueError(Exception):
    """A value does not fit its field; the message is a line of a `ValidationError`."""


def wrong_count(field: Field, given: str, n: int) -> UnfitValueError:
    """Make the error for values that are not one, nor one an entity.

    Parameters
    ----------
    field : Field
    given : str
        What there is instead, such as "2 values".
    n : int
        Entities in the batch; -1 for a definition, which has none.
    """
    if n < 0:
        wanted = "a definition takes one value; give one, and others when you spawn"
    else:
        wanted = f"the batch has {n} entities; give one value or one an entity"
    each = "x".join(map(str, field.shape))
    of_shape = f" of shape {each} a value" if each else ""
    return UnfitValueError(f"{field.name}{of_shape} has {given}, {wanted}")


def to_numbers(value: Any, field: Field, n: int) -> NDArray[Any]:
    """Cast a value to the dtype of a numeric field.

    Parameters
    ----------
    value : array-like
        One value of the field, or ``n`` of them, or a scalar that fills a
        sub-array.
    field : Field
        Of kind "number".
    n : int
        Entities in the batch.

    Returns
    -------
    array of ``field.dtype``, shape ``field.shape`` or ``(n, *field.shape)``
        C-contiguous; the array that was given where it fits as it is.

    Raises
    ------
    UnfitValueError
        When the shape, the kind or a value does not fit.
    """
    if type(value) is field.exact and field.low <= value <= field.high:
        return np.array(value, field.dtype)
    if _fits(value, field, n):
        return value  # type: ignore[no-any-return]  # an array, as was seen
    array = _as_array(value, field)
    array = _with_shape(array, field, n)
    if array.dtype != field.dtype:
        array = _cast(array, field)
    if field.is_finite:
        _refuse(~np.isfinite(array), array, field, "are not finite")
    return np.ascontiguousarray(array) if array.ndim else array


def _fits(value: Any, field: Field, n: int) -> bool:
    """Tell whether a value is a value an entity already, as it would come out."""
    return (
        type(value) is np.ndarray
        and value.dtype is field.dtype
        and value.shape == (n, *field.shape)
        and not field.is_finite
        and value.flags.c_contiguous
    )


def to_objects(value: Any, field: Field, n: int) -> NDArray[np.object_]:
    """Freeze a value, or each of a list or an object array of ``n`` values.

    Only a list or an object array is one value an entity; anything else is the
    value of all. A tuple too, because that is what a list is when it is frozen:
    what was read can be written. The copies are deep: O(size of the values).

    Raises
    ------
    UnfitValueError
        When there are not ``n`` values, or one cannot be copied.
    """
    try:
        if isinstance(value, list) or (
            isinstance(value, np.ndarray) and value.dtype == object and value.ndim == 1
        ):
            if len(value) != n:
                raise wrong_count(field, f"{len(value)} values", n)
            return _object_array([freeze(item) for item in value])
        return np.array(_object_array([freeze(value)])[0:1].reshape(()), dtype=object)
    except (UnfitValueError, MemoryError):
        raise
    except Exception as error:
        raise UnfitValueError(f"{field.name} cannot be copied: {error}") from error


def _object_array(items: list[Any]) -> NDArray[np.object_]:
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array


def _as_array(value: Any, field: Field) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise UnfitValueError(f"{field.name} is not an array: {error}") from error
    if not array.size and isinstance(value, (list, tuple)):
        return array.astype(field.dtype)  # NumPy takes no numbers for floats
    if array.dtype == object:
        return _from_objects(array, field)
    if array.dtype.kind == "f" and field.dtype.kind in "iu" and isinstance(value, (list, tuple)):
        return _integers_if_all_are(value, array)
    return array


def _integers_if_all_are(value: list[Any] | tuple[Any, ...], floats: NDArray[Any]) -> NDArray[Any]:
    """Undo what NumPy does to ``[2**63, 1]``: it makes floats of uint64 beside int64."""
    items = np.array(value, object)
    if not all(isinstance(item, (int, np.integer)) for item in items.ravel()):
        return floats
    try:  # as Python's: of NumPy's own integers a negative one would wrap around
        return np.array([int(item) for item in items.flat], np.uint64).reshape(items.shape)
    except OverflowError:
        return floats


def _from_objects(array: NDArray[Any], field: Field) -> NDArray[Any]:
    """Give Python values the dtype that NumPy finds for them, if it is one of ours.

    Times are found by pandas: NumPy would cut the nanoseconds off its timestamps.
    """
    try:
        if field.dtype.kind in "mM":
            import pandas as pd

            found = pd.Series(array.ravel().tolist()).to_numpy().reshape(array.shape)
        else:
            found = np.array(array.tolist())
    except (ValueError, TypeError, OverflowError) as error:
        raise UnfitValueError(f"{field.name} is not an array of numbers: {error}") from error
    if found.dtype == object:
        raise UnfitValueError(
            f"{field.name} holds Python objects ({first_three(map(repr, array.ravel()))}); "
            f"it takes {field.dtype}"
        )
    return found


def _with_shape(array: NDArray[Any], field: Field, n: int) -> NDArray[Any]:
    if array.shape in (field.shape, (n, *field.shape)):
        return array
    if array.ndim == 0:
        return np.broadcast_to(array, field.shape)
    if array.shape == (0,) and not n:
        return array.reshape(0, *field.shape)
    raise wrong_count(field, f"shape {'x'.join(map(str, array.shape))}", n)


def _cast(array: NDArray[Any], field: Field) -> NDArray[Any]:
    kinds = f"{array.dtype.kind}->{field.dtype.kind}"
    caster = _CASTERS.get(kinds)
    if caster is None:
        raise UnfitValueError(
            f"{field.name} is {array.dtype} and takes {field.dtype}; "
            f"convert it yourself if that is meant: .astype({field.dtype.name!r})"
        )
    return caster(array, field)


def _cast_integers(array: NDArray[Any], field: Field) -> NDArray[Any]:
    limits = np.iinfo(field.dtype)
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        outside = (array < limits.min) | (array > limits.max)
        _refuse(outside, array, field, f"do not fit {field.dtype}")
    return array.astype(field.dtype)


def _cast_floats(array: NDArray[Any], field: Field) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        result = array.astype(field.dtype)
    if field.dtype.itemsize < array.dtype.itemsize:
        _refuse(np.isinf(result) & np.isfinite(array), array, field, f"overflow {field.dtype}")
    return result


def _cast_plainly(array: NDArray[Any], field: Field) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        result = array.astype(field.dtype)
    if field.dtype.kind == "f":
        _refuse(np.isinf(result), array, field, f"overflow {field.dtype}")
    return result


def _cast_times(array: NDArray[Any], field: Field) -> NDArray[Any]:
    # NumPy truncates to a coarser unit and wraps around in a finer one, both
    # silently; what comes back unchanged was neither.
    result = array.astype(field.dtype)
    back = result.astype(array.dtype)
    _refuse((back != array) & ~np.isnat(array), array, field, f"are not exact in {field.dtype}")
    return result


_CASTERS: dict[str, Callable[[NDArray[Any], Field], NDArray[Any]]] = {
    "i->i": _cast_integers,
    "i->u": _cast_integers,
    "u->i": _cast_integers,
    "u->u": _cast_integers,
    "b->i": _cast_plainly,
    "b->u": _cast_plainly,
    "b->f": _cast_plainly,
    "i->f": _cast_plainly,
    "u->f": _cast_plainly,
    "f->f": _cast_floats,
    "M->M": _cast_times,
    "m->m": _cast_times,
}


def _refuse(unfit: Any, array: NDArray[Any], field: Field, fault: str) -> None:
    n_unfit = int(np.count_nonzero(unfit))
    if not n_unfit:
        return
    if array.ndim == 0:
        raise UnfitValueError(f"{field.name} is {array[()]}: values {fault}")
    places = np.argwhere(unfit)[:4]
    shown = first_three(f"{array[tuple(place)]} at {place[0]}" for place in places)
    raise UnfitValueError(f"{field.name}: {n_unfit} of {array.size} values {fault} ({shown})")
