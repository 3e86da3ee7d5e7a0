"""The types that a field of a component can have.

A field type is a class: an annotation such as ``x: f4`` names it, and a type
checker reads its ``__get__`` and ``__set__`` to know that a constructor takes
scalars and arrays and that a view hands out a float32 array. It is never
instantiated.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar, cast, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ecs_columnar import dtypes
from ecs_columnar.errors import SchemaError

Kind = Literal["number", "string", "reference", "object"]
Item = TypeVar("Item", bound=np.generic)


class FieldType(Generic[Item]):
    """Base of all field types.

    Attributes
    ----------
    kind : {"number", "string", "reference", "object"}
        How values get in and out.
    dtype : numpy.dtype
        Of the column.
    shape : tuple of int
        Of one value; ``()`` for a scalar.
    zero : object
        What a value is when nothing was said, for columns that are padded.
    """

    kind: ClassVar[Kind] = "number"
    dtype: ClassVar[np.dtype[Any]]
    shape: ClassVar[tuple[int, ...]] = ()

    @overload
    def __get__(self, instance: None, owner: type) -> Any: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> NDArray[Item]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Any:
        raise SchemaError(f"cannot use {type(self).__name__} as a value; it is an annotation")

    def __set__(self, instance: object, value: ArrayLike) -> None:
        raise SchemaError(f"cannot use {type(self).__name__} as a value; it is an annotation")


class bool_(FieldType[np.bool_]):  # noqa: N801 - the field types are named as NumPy's
    """Boolean; takes booleans only."""

    dtype = np.dtype(np.bool_)


class i1(FieldType[np.int8]):  # noqa: N801
    """8-bit signed integer."""

    dtype = np.dtype(np.int8)


class i2(FieldType[np.int16]):  # noqa: N801
    """16-bit signed integer."""

    dtype = np.dtype(np.int16)


class i4(FieldType[np.int32]):  # noqa: N801
    """32-bit signed integer."""

    dtype = np.dtype(np.int32)


class i8(FieldType[np.int64]):  # noqa: N801
    """64-bit signed integer."""

    dtype = np.dtype(np.int64)


class u1(FieldType[np.uint8]):  # noqa: N801
    """8-bit unsigned integer."""

    dtype = np.dtype(np.uint8)


class u2(FieldType[np.uint16]):  # noqa: N801
    """16-bit unsigned integer."""

    dtype = np.dtype(np.uint16)


class u4(FieldType[np.uint32]):  # noqa: N801
    """32-bit unsigned integer."""

    dtype = np.dtype(np.uint32)


class u8(FieldType[np.uint64]):  # noqa: N801
    """64-bit unsigned integer."""

    dtype = np.dtype(np.uint64)


class f2(FieldType[np.float16]):  # noqa: N801
    """16-bit float."""

    dtype = np.dtype(np.float16)


class f4(FieldType[np.float32]):  # noqa: N801
    """32-bit float."""

    dtype = np.dtype(np.float32)


class f8(FieldType[np.float64]):  # noqa: N801
    """64-bit float."""

    dtype = np.dtype(np.float64)


class str_(FieldType[Any]):  # noqa: N801
    """String, interned: the column holds int32 codes into a pool of the field."""

    kind = "string"
    dtype = dtypes.CODE


class ref(FieldType[np.int64]):  # noqa: N801
    """Reference to an entity: its handle, or `NO_ENTITY`."""

    kind = "reference"
    dtype = dtypes.HANDLE


class object_(FieldType[np.object_]):  # noqa: N801
    """Any Python value, copied in and kept frozen. The slow path."""

    kind = "object"
    dtype = np.dtype(object)


def number(dtype: DTypeLike) -> type[FieldType[Any]]:
    """Make the field type of any NumPy boolean, number or time.

    Parameters
    ----------
    dtype : dtype-like
        Of kind boolean, integer, float, datetime64 or timedelta64, in native
        byte order; a sub-array dtype such as ``("f4", 3)`` is an array a value.

    Returns
    -------
    type
        A field type to annotate with.

    Raises
    ------
    SchemaError
        When the dtype is of another kind.

    Examples
    --------
    >>> number(">f4")
    Traceback (most recent call last):
        ...
    ecs_columnar.errors.SchemaError: cannot make a field of dtype >f4: it is not in native byte \
order; use dtype.newbyteorder('=')
    """
    try:
        item = np.dtype(dtype)
    except TypeError as error:
        raise SchemaError(f"cannot make a field of dtype {dtype!r}: {error}") from error
    base, shape = item.subdtype or (item, ())
    if base.kind not in "biufmM":
        raise SchemaError(
            f"cannot make a field of dtype {item}: fields are booleans, integers, floats, times; "
            "use str_ for text, ref for entities, object_ for anything else"
        )
    if not base.isnative:
        raise SchemaError(
            f"cannot make a field of dtype {item}: it is not in native byte order; "
            "use dtype.newbyteorder('=')"
        )
    if base.kind in "mM" and base.name.endswith("64"):
        raise SchemaError(
            f"cannot make a field of dtype {item}: it has no unit; "
            f"write {base.name}[s] or another unit"
        )
    members = {"dtype": base, "shape": shape}
    return cast("type[FieldType[Any]]", type(str(item), (FieldType,), members))


def datetime(unit: str) -> type[FieldType[np.datetime64]]:
    """Make the field type of a point in time, in ``unit`` ("D", "s", "ms", "ns", ...)."""
    return number(f"M8[{unit}]")


def timedelta(unit: str) -> type[FieldType[np.timedelta64]]:
    """Make the field type of a span of time, in ``unit`` ("D", "s", "ms", "ns", ...)."""
    return number(f"m8[{unit}]")


def array(item: type[FieldType[Item]], shape: int | tuple[int, ...]) -> type[FieldType[Item]]:
    """Make the field type of a fixed-shape array of numbers.

    Parameters
    ----------
    item : type
        Field type of the elements.
    shape : int or tuple of int
        Of one value, each length at least 1.

    Returns
    -------
    type
        A field type whose column has shape ``(n_rows, *shape)``.

    Raises
    ------
    SchemaError
        When the elements are not numbers or a length is not positive.

    Examples
    --------
    >>> array(f4, (2, 2)).shape
    (2, 2)
    """
    lengths = shape if isinstance(shape, tuple) else (shape,)
    if not (isinstance(item, type) and issubclass(item, FieldType) and item.kind == "number"):
        name = getattr(item, "__name__", repr(item))
        raise SchemaError(f"cannot make an array of {name}: elements are numbers, such as f4")
    if not lengths or not all(isinstance(length, int) and length > 0 for length in lengths):
        raise SchemaError(
            f"cannot make an array of shape {shape!r}: give an integer, or a tuple of integers, "
            "each at least 1"
        )
    name = f"{item.__name__}[{', '.join(map(str, lengths))}]"
    members = {"dtype": item.dtype, "shape": lengths + item.shape}
    return cast("type[FieldType[Item]]", type(name, (FieldType,), members))


MISSING: Final = dataclasses.MISSING


def field(default: Any = MISSING, *, finite: bool = False) -> Any:
    """Say more about a field than its type.

    Parameters
    ----------
    default : object, optional
        Value where none is given. Without it the field must be given.
    finite : bool
        Whether NaN, infinity and NaT are refused.

    Returns
    -------
    dataclasses.Field
        To assign to the annotated name.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> class Mass(ecs.Component):
    ...     kilograms: ecs.f8 = ecs.field(1.0, finite=True)
    >>> Mass()
    Mass(kilograms=1.0)
    """
    metadata = {"finite": finite}
    if default is MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default_factory=lambda: default, metadata=metadata)
