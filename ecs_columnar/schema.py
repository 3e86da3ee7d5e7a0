"""Components and their schemas.

A component class is a dataclass whose annotations are field types. Its schema
is made when the class is, so that a class that has no columns is refused
where it is written. An instance holds what it was given, a scalar or an array
a field; nothing is cast before a world takes it.
"""

from __future__ import annotations

import copyreg
import dataclasses
import keyword
import math
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, dataclass_transform
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.errors import SchemaError, ValidationError
from ecs_columnar.fields import FieldType, Kind, field

Storage = Literal["table", "sparse"]

_BUILTINS: Final = {bool: "bool_", int: "i8", float: "f8", str: "str_", object: "object_"}

_NO_RANGE: Final = (None, 0, 0)


def _exact_range(dtype: np.dtype[Any]) -> tuple[type | None, float, float]:
    if dtype.kind == "b":
        return bool, False, True
    if dtype.kind == "f" and dtype.itemsize in (4, 8):
        greatest = float(np.finfo(dtype).max)
        return float, -greatest, greatest
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return int, int(limits.min), int(limits.max)
    return _NO_RANGE


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a component.

    Attributes
    ----------
    name : str
    kind : {"number", "string", "reference", "object"}
    dtype : numpy.dtype
        Of the column.
    shape : tuple of int
        Of one value; ``()`` for a scalar.
    is_finite : bool
        Whether NaN, infinity and NaT are refused.
    exact : type or None
        The Python type whose values from ``low`` to ``high`` the column takes
        as they are: bool, int or float; None where there is none, as for
        sub-arrays.
    low, high : int or float
    """

    name: str
    kind: Kind
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_finite: bool = False
    exact: Any = dataclasses.field(init=False)
    low: float = dataclasses.field(init=False)
    high: float = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        is_plain = self.kind == "number" and not self.shape
        exact, low, high = _exact_range(self.dtype) if is_plain else _NO_RANGE
        object.__setattr__(self, "exact", exact)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def nbytes(self) -> int:
        """Bytes of one value."""
        return self.dtype.itemsize * math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Schema:
    """What the columns of a component are.

    Attributes
    ----------
    component : type
        The class.
    type_id : str
        Its name in messages, files and services.
    fields : tuple of Field
        In the order of declaration; empty for a tag.
    storage : {"table", "sparse"}
        Whether its columns lie in the tables or in a sparse set of its own.
    """

    component: type[Component]
    type_id: str
    fields: tuple[Field, ...]
    storage: Storage

    @property
    def is_tag(self) -> bool:
        """Whether there are no fields."""
        return not self.fields

    @property
    def dtype(self) -> np.dtype[np.void]:
        """Structured dtype of a record, with Python strings for ``str_`` fields."""
        return np.dtype(
            [
                (f.name, np.dtype(object) if f.kind == "string" else f.dtype, f.shape)
                for f in self.fields
            ]
        )


@dataclass_transform(eq_default=False, field_specifiers=(field,))
class Component:
    """Base of all component classes.

    Subclass it and annotate the fields with field types. The subclass is a
    dataclass: it takes its fields by position or by name, each a scalar (for
    all entities alike) or an array (a value an entity).

    Parameters
    ----------
    id : str, optional
        Class keyword: the type id; the class name by default.
    storage : {"table", "sparse"}, optional
        Class keyword: "sparse" keeps the component outside of the tables, for
        what is rare or toggled often.

    Raises
    ------
    SchemaError
        At the class statement, when an annotation is not a field type.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> class Position(ecs.Component):
    ...     x: ecs.f4
    ...     y: ecs.f4 = 0.0
    >>> Position(x=[1, 2, 3])
    Position(x=[1, 2, 3], y=0.0)
    >>> Position.__schema__.type_id
    'Position'
    """

    __schema__: ClassVar[Schema]

    def __init_subclass__(
        cls, *, id: str | None = None, storage: Storage = "table", **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        local_names = sys._getframe(1).f_locals
        type_id = cls.__name__ if id is None else id
        if not isinstance(type_id, str) or not type_id.strip():
            raise SchemaError(
                f"cannot declare component {cls.__name__}: its id is {id!r}; give a string that "
                "is not blank"
            )
        if storage not in ("table", "sparse"):
            raise SchemaError(
                f"cannot declare component {type_id}: storage is {storage!r}; "
                "use 'table' or 'sparse'"
            )
        _refuse_odd_names(vars(cls).get("__annotations__", ()), type_id)
        _make_dataclass(cls, type_id)
        cls.__schema__ = Schema(cls, type_id, _fields(cls, type_id, local_names), storage)

    def __repr__(self) -> str:
        values = ", ".join(f"{f.name}={_short(getattr(self, f.name))}" for f in schema_of(self))
        return f"{type(self).__name__}({values})"

    def records(self) -> NDArray[np.void]:
        """Copy the values into one structured array, a record an entity.

        Returns
        -------
        structured array, shape (n,) or ()
            With a field of the same name for each field; strings as objects.

        Raises
        ------
        ValidationError
            When fields have values for different numbers of entities.

        Examples
        --------
        >>> import ecs_columnar as ecs
        >>> class Position(ecs.Component):
        ...     x: ecs.f4
        ...     y: ecs.f4 = 0.0
        >>> Position([1.0, 2.0], 5.0).records().tolist()
        [(1.0, 5.0), (2.0, 5.0)]
        """
        schema = type(self).__schema__
        values = [_as_array(getattr(self, f.name), f) for f in schema.fields]
        shapes = [
            value.shape[: value.ndim - len(f.shape)]
            for f, value in zip(schema.fields, values, strict=True)
        ]
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError as error:
            raise ValidationError(schema.type_id, [f"fields differ in length: {error}"]) from error
        records = np.empty(shape, schema.dtype)
        for f, value in zip(schema.fields, values, strict=True):
            records[f.name] = value
        return records


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What a class is made of when the program runs."""

    name: str
    fields: tuple[tuple[str, type[FieldType[Any]]], ...]
    id: str | None
    storage: Storage
    defaults: tuple[tuple[str, Any], ...]


class _Made(type):
    """The class of classes that are made by a recipe, and pickled as one."""

    recipe: _Recipe


def make_component(
    name: str,
    fields: Mapping[str, type[FieldType[Any]]],
    *,
    id: str | None = None,
    storage: Storage = "table",
    defaults: Mapping[str, Any] = types.MappingProxyType({}),
) -> type[Component]:
    """Make a component class whose fields are known only when the program runs.

    Parameters
    ----------
    name : str
        Of the class.
    fields : mapping of str to type
        Field types by name, in order; those with a default last.
    id : str, optional
        The type id; the name by default.
    storage : {"table", "sparse"}
    defaults : mapping of str to object, optional
        Values where none is given, by field.

    Returns
    -------
    type
        The same one for the same arguments, in every process: so a world that was
        pickled knows it again. Not where a default has no hash.

    Raises
    ------
    SchemaError
        As for a class statement.

    Examples
    --------
    >>> import ecs_columnar as ecs
    >>> Health = ecs.make_component("Health", {"hp": ecs.i4}, defaults={"hp": 100})
    >>> Health()
    Health(hp=100)
    """
    return _class_of(_Recipe(name, tuple(fields.items()), id, storage, tuple(defaults.items())))


# Weak, so that a class goes with the last world that knows it.
_made: Final[WeakValueDictionary[Any, type[Component]]] = WeakValueDictionary()


def _class_of(recipe: _Recipe) -> type[Component]:
    """Return the class of a recipe, made if there is none."""
    # 1, 1.0 and True are equal, and not the same default.
    key = (recipe, tuple(type(value) for _, value in recipe.defaults))
    try:
        found = _made.get(key)
    except TypeError:  # a default has no hash
        return _make(recipe)
    if found is None:
        found = _made[key] = _make(recipe)
    return found


def _make(recipe: _Recipe) -> type[Component]:
    def fill(namespace: dict[str, Any]) -> None:
        namespace["__annotations__"] = dict(recipe.fields)
        namespace["__module__"] = __name__
        namespace.update({name: field(value) for name, value in recipe.defaults})

    keywords = {"metaclass": _Made, "id": recipe.id, "storage": recipe.storage}
    made = types.new_class(recipe.name, (Component,), keywords, fill)
    made.recipe = recipe  # type: ignore[attr-defined]  # it is a _Made
    return typing.cast("type[Component]", made)


def _reduce(made: _Made) -> tuple[Any, tuple[_Recipe]]:
    return _class_of, (made.recipe,)


copyreg.pickle(_Made, _reduce)


def schema_of(component: Component | type[Component]) -> tuple[Field, ...]:
    """Return the fields of a component or a component class."""
    return component.__schema__.fields


def _refuse_odd_names(names: Iterable[str], type_id: str) -> None:
    """Refuse what is no name in Python: dataclasses write it into code, and files have any."""
    for name in names:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise SchemaError(
                f"cannot declare component {type_id}: {name!r} is no name for a field, because "
                "Python has no such names; choose another"
            )


def _make_dataclass(cls: type[Component], type_id: str) -> None:
    try:
        dataclass(eq=False, repr=False)(cls)
    except (TypeError, ValueError) as error:
        fault = str(error).removesuffix(": use default_factory")
        remedy = "put fields without a default first" if "follows" in fault else "use field(...)"
        raise SchemaError(f"cannot declare component {type_id}: {fault}; {remedy}") from error


def _fields(cls: type[Component], type_id: str, local_names: dict[str, Any]) -> tuple[Field, ...]:
    try:
        annotations = typing.get_type_hints(cls, localns=local_names)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise SchemaError(f"cannot declare component {type_id}: {error}") from error
    return tuple(
        _field(type_id, declared, annotations[declared.name])
        for declared in dataclasses.fields(cls)  # type: ignore[arg-type]  # made one above
    )


def _field(type_id: str, declared: dataclasses.Field[Any], annotation: Any) -> Field:
    if declared.name.startswith("_") or declared.name == "records":
        raise SchemaError(
            f"cannot declare component {type_id}: {declared.name} is no name for a field, because "
            "components and views use it themselves; choose another"
        )
    if not (isinstance(annotation, type) and issubclass(annotation, FieldType)):
        raise SchemaError(
            f"cannot declare component {type_id}: field {declared.name} is annotated with "
            f"{annotation!r}; use {_named_instead_of(annotation)}"
        )
    is_finite = bool(declared.metadata.get("finite", False))
    if is_finite and annotation.dtype.kind not in "fmM":
        raise SchemaError(
            f"cannot declare component {type_id}: field {declared.name} is of type "
            f"{annotation.__name__}, which is always finite; leave finite=True out"
        )
    return Field(declared.name, annotation.kind, annotation.dtype, annotation.shape, is_finite)


def _named_instead_of(annotation: Any) -> str:
    """Name the field type that is meant by an annotation which is none, if one is."""
    usual = "a field type such as f4, i8, bool_, str_, ref or array(f4, 3)"
    if not isinstance(annotation, type):
        return usual
    if issubclass(annotation, (np.bool_, np.number)):
        return f"number({annotation.__name__!r})"
    return _BUILTINS.get(annotation, usual)


def _as_array(value: Any, field: Field) -> NDArray[Any]:
    if field.kind != "object" or isinstance(value, np.ndarray):
        return np.asarray(value)
    items = value if isinstance(value, list) else [value]
    array = np.empty(len(items), object)
    for i, item in enumerate(items):
        array[i] = item
    return array if isinstance(value, list) else array.reshape(())


def _short(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} array of shape {value.shape}>"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
