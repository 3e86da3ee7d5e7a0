"""The reference validator, and how its findings read.

The reference is the library jsonschema itself. fastjsonschema is quicker and not
equal: it takes 0.3 for a multiple of 0.1, and refuses a line feed behind what the
pattern ``^a$`` finds. So does jsonschema-rs, which also refuses NaN, lone
surrogates, and patterns that only Python knows. Columns are validated by array
operations, so that the reference is asked about single items only: for messages,
and for what no column holds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from ecs_columnar.errors import SchemaError, shortened
from ecs_columnar.services.plain import to_plain

# What the reference raises on data that it cannot count with: NaN or 10**400 as
# a multiple of a float, a reference that leads back to itself.
_CRASHES: Final = (ArithmeticError, ValueError, TypeError, RecursionError)

_LONGEST_KEPT: Final = 10_000
"""Characters of the longest schema of which it is remembered what is wrong with it."""


class Draft7:
    """A JSON Schema of draft-07, as the reference understands it.

    Parameters
    ----------
    schema : dict or bool
        Valid, and with references that lead somewhere; see `checked_schema`.

    Examples
    --------
    >>> Draft7({"properties": {"hp": {"minimum": 1}}}).errors({"hp": 0})
    ['$.hp: 0 is less than the minimum of 1']
    """

    __slots__ = ("_validator", "schema")

    def __init__(self, schema: Any) -> None:
        from jsonschema import Draft7Validator
        from jsonschema_specifications import REGISTRY

        self.schema: Final = schema
        # With a registry of its own it does not look for references in the net.
        self._validator: Final = Draft7Validator(schema, registry=REGISTRY)

    def errors(self, data: Any) -> list[str]:
        """Return everything that is wrong with data, a line each, by path."""
        faults: list[str] = []
        plain = to_plain(data, faults)
        if faults:
            return faults
        try:
            found = sorted(self._validator.iter_errors(plain), key=attrgetter("json_path"))
        except _CRASHES as error:
            return [f"$: cannot be checked: {error}"]
        return [shortened(f"{each.json_path}: {each.message}") for each in found]

    def accepts(self, plain: Any) -> bool:
        """Tell whether plain data is valid."""
        try:
            return bool(self._validator.is_valid(plain))
        except _CRASHES:
            return False


def checked_schema(type_id: str, schema: Any) -> Any:
    """Copy a schema, if it is one.

    Raises
    ------
    SchemaError
        When it is not valid by draft-07, a pattern is no regular expression, or a
        reference leads nowhere.
    """
    faults: list[str] = []
    copied = to_plain(schema, faults)
    try:
        faults = faults or list(_faults_of_schema(copied))
    except RecursionError:
        faults = ["it is nested too deeply"]
    if faults:
        raise SchemaError(
            f"cannot declare component {type_id}: its schema is not valid by JSON Schema "
            f"draft-07 ({'; '.join(faults)})"
        )
    return copied


def keywords() -> frozenset[str]:
    """Return all keywords that the reference looks at; it ignores others."""
    from jsonschema import Draft7Validator

    return frozenset(Draft7Validator.VALIDATORS)


def _faults_of_schema(schema: Any) -> Sequence[str]:
    text = json.dumps(schema)
    return _faults_of_text(text) if len(text) <= _LONGEST_KEPT else _looked_for(schema)


@lru_cache(maxsize=256)
def _faults_of_text(text: str) -> tuple[str, ...]:
    """Return what is wrong with a schema. To look takes 2 ms, and other worlds have the same."""
    return tuple(_looked_for(json.loads(text)))


def _looked_for(schema: Any) -> list[str]:
    return _violations(schema) or _dangling_references(schema)


def _violations(schema: Any) -> list[str]:
    from jsonschema import Draft7Validator, FormatChecker

    meta = Draft7Validator(Draft7Validator.META_SCHEMA, format_checker=FormatChecker(["regex"]))
    found = sorted(meta.iter_errors(schema), key=attrgetter("json_path"))
    return [shortened(f"{each.json_path}: {each.message}") for each in found]


def _dangling_references(schema: Any) -> list[str]:
    from jsonschema_specifications import REGISTRY
    from referencing.jsonschema import DRAFT7

    root = DRAFT7.create_resource(schema)
    faults: list[str] = []
    _follow(root, REGISTRY.resolver_with_root(root), faults)
    return faults


def _follow(resource: Any, resolver: Any, faults: list[str]) -> None:
    from referencing.exceptions import Unresolvable

    reference = resource.contents.get("$ref") if isinstance(resource.contents, dict) else None
    if isinstance(reference, str):
        try:
            resolver.lookup(reference)
        except Unresolvable:
            faults.append(f"the reference {reference!r} leads nowhere")
    for part in resource.subresources():
        _follow(part, resolver.in_subresource(part), faults)
