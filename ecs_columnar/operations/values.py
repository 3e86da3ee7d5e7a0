"""Values of components, turned into what their columns hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.change import Change
from ecs_columnar.conversion import UnfitValueError, to_numbers, to_objects, wrong_count
from ecs_columnar.dtypes import CODE, NO_ENTITY
from ecs_columnar.errors import EcsColumnarError, InvalidArgumentError, ValidationError
from ecs_columnar.handles import HasHandles, refuse_dead, to_handles
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Component, Field
from ecs_columnar.selection import EVERYWHERE, Positions
from ecs_columnar.storage import Storage
from ecs_columnar.strings import Coded, StringTable, coded, encode
from ecs_columnar.table import Values


def types_of(
    storage: Storage, components: Iterable[Component], verb: str
) -> dict[ComponentType, Component]:
    """Return the type of each component.

    Raises
    ------
    InvalidArgumentError
        When something is not a component, or two are of one type.
    """
    by_type: dict[ComponentType, Component] = {}
    for component in components:
        if not isinstance(component, Component):
            remedy = f"{component.__name__}(...)" if isinstance(component, type) else "one"
            raise InvalidArgumentError(
                "components",
                component,
                f"cannot {verb} {component!r}: it is not a component; give {remedy}",
            )
        found = storage.registry.of(type(component))
        if found in by_type:
            raise InvalidArgumentError(
                "components",
                component,
                f"cannot {verb} two of {found.type_id} at once; give one",
            )
        by_type[found] = component
    return by_type


def to_values(
    change: Change, component_type: ComponentType, component: Component, n: int
) -> Values:
    """Cast the values of all fields of a component for ``n`` entities.

    Parameters
    ----------
    change : Change
    component_type : ComponentType
    component : Component
    n : int
        -1 for a definition: one value a field.

    Raises
    ------
    ValidationError
        With everything that is wrong with any field.
    """
    given = {field.name: getattr(component, field.name) for field in component_type.fields}
    return tuple(to_some_values(change, component_type, given, n).values())


def to_some_values(
    change: Change, component_type: ComponentType, given: dict[str, Any], n: int
) -> dict[str, NDArray[Any]]:
    """Cast the values of some fields, by name, as `to_values` does."""
    values: dict[str, NDArray[Any]] = {}
    errors: list[str] = []
    for name, value in given.items():
        field = component_type.fields[component_type.positions[name]]
        try:
            values[name] = _to_column(change, component_type, field, value, n)
        except UnfitValueError as error:
            errors.append(str(error))
        except EcsColumnarError as error:
            errors.append(f"{field.name}: {error}")
    if errors:
        raise ValidationError(component_type.type_id, errors)
    return values


def at_positions(component_type: ComponentType, values: Values, positions: Positions) -> Values:
    """Take from the values of a batch those of some of its entities."""
    return tuple(
        at_position(field, value, positions)
        for field, value in zip(component_type.fields, values, strict=True)
    )


def at_position(field: Field, value: NDArray[Any], positions: Positions) -> NDArray[Any]:
    """Take from the values of one field those of some entities; one value is of all."""
    if positions is EVERYWHERE or value.ndim == len(field.shape):
        return value
    return np.ascontiguousarray(value[positions])


def _to_column(
    change: Change, component_type: ComponentType, field: Field, value: Any, n: int
) -> NDArray[Any]:
    if field.kind == "object":
        return to_objects(value, field, n)
    if field.kind == "string":
        return _to_codes(change, component_type.pools[field.name], field, value, n)
    if field.kind == "number":
        values = to_numbers(value, field, n)
    else:
        values = _to_references(change.storage, field, value, n)
    return change.storage.apart(values)


def _to_codes(
    change: Change, pool: StringTable, field: Field, value: Any, n: int
) -> NDArray[np.int32]:
    if isinstance(value, np.ndarray) and value.shape == (n,) == (1,) and isinstance(value[0], str):
        value = value[0]
    if isinstance(value, str):
        # Mostly one that is known, such as a kind: a tenth of the time of interning.
        code = pool.code(value)
        if code >= 0:
            return np.array(code, CODE)
    value = coded(value)
    if isinstance(value, Coded):
        distinct = value.distinct()
        codes, _ = change.intern(pool, encode(distinct.texts, parameter=field.name))
        return _fit(codes[distinct.codes], field, n, is_one=False)
    codes, _ = change.intern(pool, encode(value, parameter=field.name))
    return _fit(codes, field, n, is_one=isinstance(value, str))


def _to_references(storage: Storage, field: Field, value: Any, n: int) -> NDArray[np.int64]:
    handles = to_handles(storage, NO_ENTITY if value is None else value)
    refuse_dead(storage, handles[handles != NO_ENTITY], f"refer to entities in {field.name}")
    is_one = not isinstance(value, HasHandles) and np.ndim(value) == 0
    return _fit(handles, field, n, is_one=is_one)


def _fit(values: NDArray[Any], field: Field, n: int, *, is_one: bool) -> NDArray[Any]:
    if is_one:
        return values.reshape(())
    if values.shape[0] != n:
        raise wrong_count(field, f"{values.shape[0]} values", n)
    return values
