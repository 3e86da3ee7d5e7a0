"""Errors are built-ins too, carry their facts, and survive a pickle."""

from __future__ import annotations

import inspect
import pickle

import pytest

import ecs_columnar as ecs
from ecs_columnar.errors import shortened

ERRORS = [
    member
    for name in ecs.__all__
    if isinstance(member := getattr(ecs, name), type) and issubclass(member, ecs.EcsColumnarError)
]


def make(kind: type[ecs.EcsColumnarError]) -> ecs.EcsColumnarError:
    if kind is ecs.InvalidArgumentError:
        return kind("items", None)
    return kind("core:position")


@pytest.mark.parametrize(
    ("error", "fact", "value"),
    [
        (ecs.InvalidArgumentError("items", 3), "parameter", "items"),
        (ecs.InvalidArgumentError("items", 3), "value", 3),
        (ecs.ValidationError("core:position", ["x"]), "component_type_id", "core:position"),
        (ecs.ValidationError("core:position", ["x", "y"]), "errors", ("x", "y")),
        (ecs.EntityNotFoundError("a"), "instance_id", "a"),
        (ecs.EntityNotFoundError("a"), "instance_ids", ("a",)),
        (ecs.DefinitionNotFoundError("core:actor"), "definition_id", "core:actor"),
        (ecs.DuplicateEntityError("a"), "entity_id", "a"),
        (ecs.DuplicateEntityError("a"), "entity_ids", ("a",)),
    ],
)
def test_an_error_made_of_its_fact_alone_has_it_and_names_it(
    error: ecs.EcsColumnarError, fact: str, value: object
) -> None:
    assert getattr(error, fact) == value
    assert str(error).startswith("cannot ")
    assert str(error.__dict__[next(iter(error.__dict__))]) in str(error)


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        (ecs.EntityNotFoundError, "instance_id"),
        (ecs.DefinitionNotFoundError, "definition_id"),
        (ecs.DuplicateEntityError, "entity_id"),
    ],
)
def test_a_fact_and_a_message_are_told_apart_however_they_are_given(
    kind: type[ecs.EcsColumnarError], fact: str
) -> None:
    made = [kind("a", "cannot x"), kind("cannot x", **{fact: "a"}), kind(**{fact: "a"})]

    assert [getattr(error, fact) for error in made] == ["a"] * 3
    assert [str(error) for error in made[:2]] == ["cannot x"] * 2
    assert "'a'" in str(made[2])


def test_all_facts_that_are_given_are_kept() -> None:
    error = ecs.EntityNotFoundError("cannot x", instance_id="a", instance_ids=("a", "b"))

    assert error.instance_ids == ("a", "b")


def test_one_line_of_what_is_wrong_is_not_taken_for_its_letters() -> None:
    assert ecs.ValidationError("core:position", "x is NaN").errors == ("x is NaN",)


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_survives_a_pickle_with_its_message_and_facts(
    kind: type[ecs.EcsColumnarError],
) -> None:
    error = make(kind)

    twin = pickle.loads(pickle.dumps(error))

    assert type(twin) is kind
    assert str(twin) == str(error) != ""
    assert twin.__dict__ == error.__dict__


def test_a_fact_that_cannot_be_pickled_is_kept_as_it_prints() -> None:
    value = (i for i in range(3))
    error = ecs.InvalidArgumentError("items", value)

    twin = pickle.loads(pickle.dumps(error))

    assert error.value is value
    assert (twin.parameter, twin.value) == ("items", repr(value))
    assert str(twin) == str(error)


def test_every_error_has_a_code_of_its_own_a_severity_and_a_way_out() -> None:
    assert len({kind.code for kind in ERRORS}) == len(ERRORS)
    assert {kind.severity for kind in ERRORS} == {"warning", "error", "critical"}
    assert [kind for kind in ERRORS if not kind.recoverable] == [ecs.RepositoryConsistencyError]


def test_every_documented_fact_can_be_asked_for_even_when_it_is_not_known() -> None:
    for kind in ERRORS:
        error = make(kind)
        for name in inspect.get_annotations(kind):
            getattr(error, name)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (ecs.InvalidArgumentError, ValueError),
        (ecs.EntityNotFoundError, LookupError),
        (ecs.BatchTimeoutError, TimeoutError),
        (ecs.CircuitOpenError, RuntimeError),
        (ecs.ConfigurationError, ValueError),
        (ecs.CheckpointError, ValueError),
        (ecs.SerializedEntityError, ValueError),
        (ecs.WorldInitializationError, RuntimeError),
    ],
)
def test_an_error_is_caught_as_the_builtin_that_fits(
    kind: type[ecs.EcsColumnarError], builtin: type[Exception]
) -> None:
    with pytest.raises(builtin):
        raise make(kind)


def test_a_blank_id_is_named_by_its_error() -> None:
    with pytest.raises(ecs.InvalidInstanceIdError) as caught:
        ecs.World().spawn(2, ids=["a", " "])

    assert caught.value.instance_id == " "


def test_a_long_message_keeps_its_start_and_its_end() -> None:
    text = "$.name: " + "a" * 1000 + " is too long"

    found = shortened(text, 40)

    assert found.startswith("$.name: aaa")
    assert found.endswith("aaa is too long"[-15:])
    assert len(found) == 40 + len(" ... ")
    assert shortened(found, 100) is found
