"""What the tests of JSON Schema components draw from: schemas, and data near and far from them.

The reference of these tests is the library jsonschema, not code of ours.
"""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
from jsonschema import Draft7Validator
from jsonschema_specifications import REGISTRY

NAMES = ("hp", "x", "name", "max-hp", "class", "ﬁ", "_n", "forms_0", "rest", "records", "")

# Around the limits of what columns hold, what floats count, and what is equal to what.
NUMBERS = st.one_of(
    st.sampled_from(
        [0, -0.0, 0.0, 1, 1.0, -1, 2, 2.5, 0.1, 0.3, 1e-300, 1e300, math.nan, math.inf, -math.inf,
         2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2.0**53, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1,
         2.0**63, -(2.0**63), 2**64, 10**30, 10**400, -(10**400), 5e-324]
    ),
    st.integers(-5, 5),
    st.integers(-(2**70), 2**70),
    st.floats(-5, 5).map(lambda f: round(f * 4) / 4),
    st.floats(),
)  # fmt: skip

TEXTS = st.one_of(
    st.sampled_from(["", "a", "ab", "a\n", "b", "aé", "😀😀", "e\u0301", "\0", "a\0", "1", "true"]),
    st.text(max_size=6),
    st.text(st.characters(codec=None), max_size=3),  # with lone surrogates
)

SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)

VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)

FINITE = NUMBERS.filter(lambda number: isinstance(number, int) or math.isfinite(number))

TYPES = ("integer", "number", "boolean", "string", "null")

PATTERNS = ("^a", "a$", "^a$", "b|é", "^.{2}$", "", "\\d", "[^a-z]")


def types() -> st.SearchStrategy[Any]:
    one = st.sampled_from(TYPES)
    return st.one_of(
        one,
        st.sampled_from([["integer", "null"], ["string", "null"], ["number", "null"]]),
        st.lists(st.sampled_from((*TYPES, "array", "object")), min_size=1, unique=True),
    )


# What is equal in Python and not in JSON, and the other way round.
LOOKALIKES = st.sampled_from([0, 1, 2, 0.0, 1.0, -0.0, 0.5, True, False, None, "", "1", "a", [1]])

KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": types(),
    "minimum": FINITE,
    "maximum": FINITE,
    "exclusiveMinimum": FINITE,
    "exclusiveMaximum": FINITE,
    "multipleOf": st.one_of(
        st.sampled_from([1, 2, 3, 0.1, 0.5, 2.0, 1e-300, 1e300, 2**53, 2**53 + 1]),
        FINITE.filter(lambda number: number > 0),
    ),
    "enum": st.lists(LOOKALIKES | VALUES, min_size=1, max_size=4),
    "const": LOOKALIKES | VALUES,
    "minLength": st.integers(0, 4) | st.just(2.0),
    "maxLength": st.integers(0, 4),
    "pattern": st.sampled_from(PATTERNS),
    "format": st.sampled_from(["date", "email"]),
    "description": st.just("of a property"),
}

OF_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
OF_TYPE = {
    "integer": (*OF_NUMBERS, "enum", "const"),
    "number": (*OF_NUMBERS, "enum", "const"),
    "string": ("minLength", "maxLength", "pattern", "enum", "const"),
    "boolean": ("enum", "const"),
}


@st.composite
def typed_properties(draw: Any) -> dict[str, Any]:
    """Draw the schema of one property with a column: a type, and keywords that say more."""
    kind = draw(st.sampled_from(sorted(OF_TYPE)))
    words = draw(st.lists(st.sampled_from(OF_TYPE[kind]), max_size=2, unique=True))
    given = draw(st.sampled_from([kind, kind, [kind, "null"]]))
    return {"type": given} | {word: draw(KEYWORDS[word]) for word in words}


@st.composite
def wild_properties(draw: Any) -> Any:
    """Draw the schema of one property of any kind."""
    words = draw(st.lists(st.sampled_from(sorted(KEYWORDS)), max_size=3, unique=True))
    schema = {word: draw(KEYWORDS[word]) for word in words}
    return draw(st.sampled_from([schema] * 5 + [True, False]))


def properties() -> st.SearchStrategy[Any]:
    return st.one_of(typed_properties(), typed_properties(), wild_properties())


@st.composite
def schemas(draw: Any) -> dict[str, Any]:
    """Draw a flat schema, or one that is nearly so."""
    names = draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True))
    schema: dict[str, Any] = {"properties": {name: draw(properties()) for name in names}}
    if draw(st.booleans()):
        schema["type"] = draw(st.sampled_from(["object", "object", ["object", "null"], "array"]))
    if names and draw(st.booleans()):
        schema["required"] = draw(st.lists(st.sampled_from(names), unique=True))
    if draw(st.booleans()):
        schema["additionalProperties"] = draw(st.sampled_from([False, False, True, {}]))
    return schema


def values_for(schema: Any) -> st.SearchStrategy[Any]:
    """Draw a value for a property: what the schema lists, what is near its bounds, anything."""
    if not isinstance(schema, dict):
        return VALUES
    listed = [*schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]
    near = [value for word in OF_NUMBERS if word in schema for value in around(schema[word])]
    of_type = {"integer": NUMBERS, "number": NUMBERS, "string": TEXTS, "boolean": st.booleans()}
    given = schema.get("type", [])
    fitting = [of_type[t] for t in ([given] if isinstance(given, str) else given) if t in of_type]
    chosen = [st.sampled_from(each) for each in (listed, near) if each] * 2
    return st.one_of(*chosen, *fitting, LOOKALIKES, SCALARS, VALUES)


def around(bound: float) -> list[float]:
    """Return a number, its neighbours, and some that it divides or nearly divides."""
    numbers = [bound, bound - 1, bound + 1, 2 * bound, 3 * bound, 0.5]
    if abs(bound) < 10**300:
        as_float = float(bound)
        numbers += [as_float, math.nextafter(as_float, math.inf), math.nextafter(as_float, -1e308)]
        numbers += [3 * as_float, 1e300]
    return numbers


@st.composite
def data_for(draw: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """Draw a datum: valid, nearly valid or wild."""
    datum = {}
    for name, part in schema["properties"].items():
        if draw(st.integers(0, 5)):
            datum[name] = draw(values_for(part))
    if not draw(st.integers(0, 3)):
        datum |= draw(st.dictionaries(st.sampled_from(NAMES) | TEXTS, VALUES, max_size=2))
    return datum


def reference_accepts(schema: Any, datum: Any) -> bool:
    """Ask the reference validator; what it cannot count is not valid."""
    try:
        return Draft7Validator(schema, registry=REGISTRY).is_valid(datum)
    except (ArithmeticError, ValueError):
        return False


def exact(value: Any) -> Any:
    """Make data comparable with ``==``, with its types and bits: 1 is not 1.0, NaN is NaN."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, float):
        return "float", value.hex()
    return type(value).__name__, value
