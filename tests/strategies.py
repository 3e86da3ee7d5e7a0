"""What the property tests draw from: components of every field kind, ids, places, batches.

A drawn batch holds both what is given to the library (a scalar, a list, an array
of another width, a strided view, ...) and what it means: *plain* values that
compare bit by bit, so that NaN equals NaN, ``-0.0`` does not equal ``0.0`` and
frozen objects equal what they were made of.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import hypothesis.extra.numpy as npst
import hypothesis.strategies as st
import numpy as np
import pandas as pd

import ecs_columnar as ecs
from ecs_columnar.schema import Field


class Position(ecs.Component):
    x: ecs.f4
    y: ecs.f4 = 0.0


class Velocity(ecs.Component):
    dx: ecs.f4 = 0.0
    dy: ecs.f4 = 0.0


class Health(ecs.Component, id="core:health"):
    points: ecs.i4 = 100


class Mass(ecs.Component):
    kilograms: ecs.f8 = ecs.field(1.0, finite=True)


class Frozen(ecs.Component): ...


class Widths(ecs.Component):
    flag: ecs.bool_ = False
    i1: ecs.i1 = 0
    i2: ecs.i2 = 0
    i8: ecs.i8 = 0
    u1: ecs.u1 = 0
    u2: ecs.u2 = 0
    u4: ecs.u4 = 0
    u8: ecs.u8 = 0
    f2: ecs.f2 = 0.0
    f8: ecs.f8 = 0.0


class Times(ecs.Component):
    at: ecs.datetime("s") = np.datetime64("2013-01-01T00:00:00", "s")
    span: ecs.timedelta("ms") = np.timedelta64(0, "ms")


class Shape(ecs.Component):
    corner: ecs.array(ecs.f4, 3) = 0.0
    matrix: ecs.array(ecs.i2, (2, 2)) = 0


class Label(ecs.Component):
    text: ecs.str_
    language: ecs.str_ = "en"


class Link(ecs.Component):
    target: ecs.ref = 0


class Bag(ecs.Component):
    content: ecs.object_ = None


class Burning(ecs.Component, storage="sparse"):
    heat: ecs.f4 = 1.0


class Marked(ecs.Component, storage="sparse"): ...


class Note(ecs.Component, storage="sparse"):
    text: ecs.str_ = ""
    extra: ecs.object_ = None


COMPONENTS: tuple[type[ecs.Component], ...] = (
    Position, Velocity, Health, Mass, Frozen, Widths, Times, Shape, Label, Link, Bag,
    Burning, Marked, Note,
)  # fmt: skip
IN_TABLES = tuple(c for c in COMPONENTS if c.__schema__.storage == "table")


def budget(n_examples: int) -> int:
    """Return how many examples to run; ``HYPOTHESIS_PROFILE=thorough`` runs 20 times as many."""
    return n_examples * (20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1)


def new_world() -> ecs.World:
    """Return a world that has met all components; to meet one is no change that counts."""
    world = ecs.World()
    world.query(*COMPONENTS)
    return world


# -- plain values ---------------------------------------------------------------------


def plain(value: Any, field: Field) -> Any:
    """Make one value of a field comparable with ``==``, bit by bit."""
    if field.kind == "object":
        return plain_object(value)
    if field.kind == "string":
        return str(value)
    if field.kind == "reference":
        return int(value)
    array = np.asarray(value)
    if field.shape and array.shape != field.shape:
        array = np.broadcast_to(array, field.shape)
    return _plain_array(array, field.dtype)


def plain_column(values: Any, field: Field) -> list[Any]:
    """Make a whole column comparable: a list of what `plain` makes of each value."""
    if field.kind == "number" and not field.shape:
        return list(_plain_array(np.asarray(values), field.dtype))
    return [plain(value, field) for value in values]


def plain_object(value: Any) -> Any:
    """Make a JSON-like value and its frozen copy equal; types stay told apart."""
    if isinstance(value, Mapping):
        return {key: plain_object(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(plain_object(item) for item in value)
    if isinstance(value, (set, frozenset)):
        return frozenset(plain_object(item) for item in value)
    if isinstance(value, np.ndarray):
        return (value.dtype.str, plain_object(value.tolist()))
    return (type(value).__name__, repr(value))


def _plain_array(array: np.ndarray, dtype: np.dtype) -> Any:
    array = np.asarray(array)
    if dtype.kind in "mM":
        array = array.astype(dtype).view("i8")
    items = array.tolist()
    return _reprs(items) if dtype.kind == "f" else _tuples(items)


def _reprs(items: Any) -> Any:
    return tuple(map(_reprs, items)) if isinstance(items, list) else repr(float(items))


def _tuples(items: Any) -> Any:
    return tuple(map(_tuples, items)) if isinstance(items, list) else items


# -- values of fields -----------------------------------------------------------------

OBJECTS: tuple[Any, ...] = (
    None,
    "sword",
    3,
    {"gold": 3, "items": ["sword", {"edge": [1, 2]}]},
    {"seen": {1, 2}, "by": (None, True)},
    [],
    [[1.5], {}],
    np.arange(3),
)
STRINGS: tuple[str, ...] = ("", "de", "en", " pad ", "Zürich", "名前", "🚢", "a" * 70, "a\0b\t")


def palette(field: Field) -> tuple[Any, ...]:
    """Return telling values of a field: zero first, then limits and oddities."""
    if field.kind == "object":
        return OBJECTS
    if field.kind == "string":
        return STRINGS
    if field.kind == "reference":
        return (0,)
    if field.shape:
        return _array_palette(field)
    return _number_palette(field.dtype, is_finite=field.is_finite)


def _number_palette(dtype: np.dtype, *, is_finite: bool) -> tuple[Any, ...]:
    if dtype.kind == "b":
        return (False, True)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return (0, 1, int(limits.max), int(limits.min), 7)
    if dtype.kind in "mM":
        times = [np.array(i, "i8").view(dtype)[()] for i in (0, 1, -1, 10**9)]
        return (*times, np.array("NaT", dtype)[()])
    finite = (0.0, 1.5, -0.0, -2.25, float(np.finfo(dtype).max), float(np.finfo(dtype).tiny))
    return finite if is_finite else (*finite, float("nan"), float("inf"), float("-inf"))


def _array_palette(field: Field) -> tuple[Any, ...]:
    scalars = _number_palette(field.dtype, is_finite=field.is_finite)
    size = int(np.prod(field.shape))
    return tuple(
        np.array([scalars[(start + i) % len(scalars)] for i in range(size)], field.dtype).reshape(
            field.shape
        )
        for start in range(len(scalars))
    )


def any_number(field: Field) -> st.SearchStrategy[Any]:
    """Draw any value whatever of a numeric field, not just the telling ones."""
    if field.dtype.kind in "mM":
        scalars = st.integers(-(2**63), 2**63 - 1).map(
            lambda i: np.array(i, "i8").view(field.dtype)[()]
        )
    else:
        options = {"allow_nan": False, "allow_infinity": False} if field.is_finite else {}
        scalars = npst.from_dtype(field.dtype, **options)
    if not field.shape:
        return scalars
    return npst.arrays(field.dtype, field.shape, elements=scalars)


# -- batches of values ----------------------------------------------------------------

FORMS = ("one", "list", "array", "wide", "strided", "frozen", "series")


class Batch(NamedTuple):
    """A component for ``n`` entities: what is given, and what it means."""

    given: ecs.Component
    rows: list[dict[str, Any]]

    @property
    def component(self) -> type[ecs.Component]:
        return type(self.given)


class Fields(NamedTuple):
    """Some fields of a component for ``n`` entities, as ``world.set`` takes them."""

    component: type[ecs.Component]
    given: dict[str, Any]
    rows: list[dict[str, Any]]


def batch_of(component: type[ecs.Component], n: int, seed: bytes, references: list[int]) -> Batch:
    """Make values of all fields out of a few drawn bytes.

    One draw for a whole batch keeps Hypothesis fast and lets it shrink: byte
    zero means a scalar, zeros mean zeros.
    """
    given, rows = values_of(component.__schema__.fields, n, seed, references)
    return Batch(component(**given), rows)


def fields_of(component: type[ecs.Component], n: int, seed: bytes, references: list[int]) -> Fields:
    """Make values of some fields, at least one, out of a few drawn bytes."""
    every = component.__schema__.fields
    chosen = tuple(f for i, f in enumerate(every) if seed[i % len(seed)] & 1) or every[:1]
    given, rows = values_of(chosen, n, seed, references)
    return Fields(component, given, rows)


def values_of(
    fields: tuple[Field, ...], n: int, seed: bytes, references: list[int]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what is given for each field, and a row of plain values an entity."""
    given: dict[str, Any] = {}
    rows: list[dict[str, Any]] = [{} for _ in range(n)]
    for k, field in enumerate(fields):
        choices = (0, *references) if field.kind == "reference" else palette(field)
        form = FORMS[_byte(seed, k) % len(FORMS)]
        picked = [choices[_byte(seed, k + 1 + i) % len(choices)] for i in range(n)]
        if form == "one":
            picked = [_one(picked[0] if n else choices[0], field)] * max(n, 1)
        given[field.name] = _given(picked, form, field)
        picked = picked[:n]
        for row, value in zip(rows, picked, strict=True):
            row[field.name] = plain(value, field)
    return given, rows


def _byte(seed: bytes, i: int) -> int:
    return seed[i % len(seed)] + i // len(seed) if seed[i % len(seed)] else 0


def _given(picked: list[Any], form: str, field: Field) -> Any:
    if form == "one":
        return picked[0]
    if field.kind == "object":
        return _object_array(picked, form)
    if field.kind == "string":
        return _strings(picked, form)
    array = np.array(picked, field.dtype).reshape(len(picked), *field.shape)
    return _numbers(array, form)


def _one(value: Any, field: Field) -> Any:
    # A list is one value an entity, so a list that is the value of all is wrapped.
    if field.kind == "object" and isinstance(value, (list, tuple)):
        return {"list": value}
    return value


def _object_array(picked: list[Any], form: str) -> Any:
    if form == "list":
        return list(picked)
    array = np.empty(len(picked), object)
    for i, value in enumerate(picked):
        array[i] = value
    return array


def _strings(picked: list[str], form: str) -> Any:
    if form == "list":
        return list(picked)
    if form == "frozen":
        return tuple(np.str_(text) for text in picked)
    if form == "array":
        return np.array(picked, object)
    if form == "wide":
        return np.array(picked, "U") if picked else np.empty(0, "U1")
    if form == "strided":
        return np.repeat(np.array(picked, object), 2)[::2]
    return pd.Series(picked, dtype="str")


_WIDE = {"i": "i8", "u": "u8", "f": "f8"}


def _numbers(array: np.ndarray, form: str) -> Any:
    if form == "list":
        return list(array) if array.dtype.kind in "mM" else array.tolist()
    if form == "wide" and array.dtype.kind in _WIDE:
        return array.astype(_WIDE[array.dtype.kind])
    if form == "strided":
        return np.repeat(array, 2, axis=0)[::2]
    if form == "frozen":
        array.flags.writeable = False
    if form == "series" and array.ndim == 1 and array.dtype.kind in "iufb":
        return pd.Series(array)
    return array


# -- what operations are drawn from ---------------------------------------------------

seeds = st.binary(min_size=1, max_size=24)
component_sets = st.lists(st.sampled_from(COMPONENTS), unique=True, max_size=4)
some_components = st.lists(st.sampled_from(COMPONENTS), unique=True, min_size=1, max_size=3)
# Few and telling, so that places, ids and entities meet often.
place_names = st.sampled_from(
    ["harbour", "Zürich", "名前", "🚢 dock", "inn", "a", "b", "x" * 40, "the end of the world"]
)
instance_ids = st.one_of(
    place_names,
    st.text(
        st.characters(exclude_categories=("Cs",), exclude_characters="v"), min_size=1, max_size=20
    ).filter(lambda text: bool(text.strip())),
)
