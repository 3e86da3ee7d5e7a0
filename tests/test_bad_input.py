"""Bad input of every kind, for every operation: the right error, and nothing has changed.

Each test looks at the class of the error, at the message (what, the first three
offenders, how many of how many, the remedy), at the facts that the error
carries, and compares all arrays of the world with what they were.
"""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import Mut
from tests.fingerprint import assert_unchanged, fingerprint, n_arrays
from tests.strategies import (
    Bag,
    Burning,
    Frozen,
    Health,
    Label,
    Link,
    Mass,
    Note,
    Position,
    Shape,
    Times,
    Velocity,
    Widths,
    new_world,
)


class Fixture:
    """A world with entities of several tables, ids and places, and some that are dead."""

    def __init__(self) -> None:
        self.world = new_world()
        self.ghosts = self.world.spawn(5, Position(0.0))
        self.world.despawn(self.ghosts)
        self.crew = self.world.spawn(
            5,
            Position([0.0, 1.0, 2.0, 3.0, 4.0]),
            Health(7),
            Mass(2.0),
            Label("crew"),
            Burning([1.0, 2.0, 3.0, 4.0, 5.0]),
            ids=[f"actor-{i}" for i in range(5)],
            at=["harbour", "inn", "harbour", None, "actor-0"],
        )
        self.rocks = self.world.spawn(4, Position(9.0), Widths(), Times(), Shape(), Link(), Bag())
        self.world.define("core:actor", Position(1.0, 2.0), Health(3))


@pytest.fixture
def made() -> Fixture:
    return Fixture()


@contextmanager
def refused(
    world: ecs.World, error: type[ecs.EcsColumnarError], *phrases: str
) -> Iterator[pytest.ExceptionInfo[Any]]:
    """Expect an error whose message has the phrases, and a world that is as it was."""
    before = fingerprint(world)
    with pytest.raises(error) as caught:
        yield caught
    message = str(caught.value)
    assert type(caught.value) is error
    assert message.startswith("cannot ")
    for phrase in phrases:
        assert phrase in message
    assert_unchanged(before, world)
    world.check()
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == message and again.__dict__.keys() == caught.value.__dict__.keys()


# -- entities -------------------------------------------------------------------------

STRUCTURAL: dict[str, Callable[[ecs.World, Any], Any]] = {
    "despawn": lambda world, entities: world.despawn(entities),
    "add": lambda world, entities: world.add(entities, Velocity(1.0, 2.0)),
    "add over": lambda world, entities: world.add(entities, Position(1.0, 2.0)),
    "add sparse": lambda world, entities: world.add(entities, Note("new", {"a": [1]})),
    "add over sparse": lambda world, entities: world.add(entities, Burning(3.0)),
    "remove": lambda world, entities: world.remove(entities, Position),
    "remove sparse": lambda world, entities: world.remove(entities, Burning),
    "remove both": lambda world, entities: world.remove(entities, Burning, Health),
}
IN_PLACE: dict[str, Callable[[ecs.World, Any], Any]] = {
    "set": lambda world, entities: world.set(entities, Position(1.0, 2.0)),
    "set field": lambda world, entities: world.set(entities, Position, x=1.0),
    "set sparse": lambda world, entities: world.set(entities, Burning(1.0)),
    "get": lambda world, entities: world.get(entities, Position),
    "get sparse": lambda world, entities: world.get(entities, Burning),
    "has": lambda world, entities: world.has(entities, Position),
    "move": lambda world, entities: world.move(entities, "a new place"),
    "move into": lambda world, entities: world.move(world.ids["actor-1"], entities),
    "spawn at": lambda world, entities: world.spawn(1, Position(1.0), at=entities),
    "names": lambda world, entities: world.ids.names(entities),
    "of": lambda world, entities: world.locations.of(entities),
    "codes_of": lambda world, entities: world.locations.codes_of(entities),
}
OPERATIONS = {**STRUCTURAL, **IN_PLACE}
# What takes places does not refuse an unknown name: it is a new place.
BY_ID = {name: op for name, op in OPERATIONS.items() if name not in ("move into", "spawn at")}
LOOKING_FOR = {
    name: op for name, op in OPERATIONS.items() if name.startswith(("remove", "set", "get"))
}


def each(operations: dict[str, Callable[..., Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("operation", operations.values(), ids=operations.keys())


@each(OPERATIONS)
def test_dead_entities_are_named_and_refused(made: Fixture, operation: Any) -> None:
    entities = np.concatenate([made.crew[:3], made.ghosts])
    named = ", ".join(ecs.format_handle(handle) for handle in made.ghosts[:3])

    with refused(
        made.world, ecs.StaleHandleError, "5 of 8", f"({named}, ...)", "world.alive(entities)"
    ) as caught:
        operation(made.world, entities)

    assert caught.value.entities.tolist() == made.ghosts.tolist()


@each(OPERATIONS)
@pytest.mark.parametrize("number", [0, -1, 5, 2**63 - 1, -(2**63), 1 << 32 | 500])
def test_a_number_that_is_no_handle_is_refused(made: Fixture, operation: Any, number: int) -> None:
    with refused(made.world, ecs.StaleHandleError, "1 of 1", ecs.format_handle(number)):
        operation(made.world, number)


@each(OPERATIONS)
def test_one_dead_entity_is_refused_as_an_object(made: Fixture, operation: Any) -> None:
    entity = made.world.spawn_one(Position(1.0))
    entity.despawn()

    with refused(made.world, ecs.StaleHandleError, ecs.format_handle(entity.handle)):
        operation(made.world, entity)
    with refused(made.world, ecs.StaleHandleError, ecs.format_handle(entity.handle)):
        operation(made.world, [entity, entity])


@each(BY_ID)
def test_unknown_ids_are_named_and_refused(made: Fixture, operation: Any) -> None:
    ids = ["actor-0", "Zoë", "actor-1", "x", "y", "z"]

    with refused(
        made.world, ecs.EntityNotFoundError, "4 of 6", "('Zoë', 'x', 'y', ...)", "world.ids"
    ) as caught:
        operation(made.world, ids)

    assert caught.value.instance_id == "Zoë"
    assert caught.value.instance_ids == ("Zoë", "x", "y", "z")


@each(BY_ID)
def test_the_id_of_a_removed_entity_is_unknown(made: Fixture, operation: Any) -> None:
    made.world.despawn("actor-3")

    with refused(made.world, ecs.EntityNotFoundError, "1 of 1", "('actor-3')"):
        operation(made.world, "actor-3")


NO_ENTITIES = {
    "floats": np.array([1.0, 2.0]),
    "a float": 1.5,
    "a bool": True,
    "bools": np.array([True, False]),
    "two dimensions": np.array([[1, 2], [3, 4]]),
    "a mapping": {"a": 1},
    "an object": object(),
    "bytes": b"actor-0",
    "a string and a number": ["actor-0", 5],
    "a number and a string": [5, "actor-0"],
    "a string and None": ["actor-0", None],
    "times": np.array(["2013-01-01"], "M8[D]"),
}


@each(BY_ID)
@pytest.mark.parametrize("entities", NO_ENTITIES.values(), ids=NO_ENTITIES.keys())
def test_what_is_no_entity_is_refused(made: Fixture, operation: Any, entities: Any) -> None:
    with refused(made.world, ecs.InvalidArgumentError):
        operation(made.world, entities)


@each(BY_ID)
def test_none_is_no_entity(made: Fixture, operation: Any) -> None:
    with refused(made.world, ecs.InvalidArgumentError):
        operation(made.world, None)


@each(STRUCTURAL)
def test_entities_that_are_there_twice_are_named_and_refused(made: Fixture, operation: Any) -> None:
    entities = np.concatenate([made.crew[::-1], made.crew[:4]])
    named = {ecs.format_handle(handle) for handle in made.crew[:4]}

    with refused(
        made.world, ecs.DuplicateEntityError, "4 of 5", ", ...)", "numpy.unique(entities)"
    ) as caught:
        operation(made.world, entities)

    assert set(caught.value.entity_ids) == set(made.crew[:4].tolist())
    assert caught.value.entity_id == caught.value.entity_ids[0]
    assert sum(name in str(caught.value) for name in named) == 3


@each({name: op for name, op in STRUCTURAL.items() if not name.startswith("remove")})
def test_an_entity_twice_is_refused_across_tables(made: Fixture, operation: Any) -> None:
    entities = np.array([made.rocks[0], made.crew[1], made.crew[0], made.rocks[0]])

    with refused(made.world, ecs.DuplicateEntityError, ecs.format_handle(made.rocks[0])):
        operation(made.world, entities)


def test_an_entity_cannot_be_removed_twice(made: Fixture) -> None:
    made.world.despawn(made.crew)

    with refused(made.world, ecs.StaleHandleError, "5 of 5"):
        made.world.despawn(made.crew)


@each({name: op for name, op in OPERATIONS.items() if name.startswith(("remove", "set", "get"))})
def test_entities_that_lack_the_component_are_named_and_refused(
    made: Fixture, operation: Any
) -> None:
    lacking = made.world.spawn(4, Frozen())
    entities = np.concatenate([made.crew[:2], lacking, made.crew[2:]])
    named = ", ".join(ecs.format_handle(handle) for handle in lacking[:3])

    with refused(
        made.world, ecs.ComponentNotFoundError, "4 of 9", f"({named}, ...)", "world.has(entities, "
    ) as caught:
        operation(made.world, entities)

    assert caught.value.entities.tolist() == lacking.tolist()
    assert caught.value.component_type_id in ("Position", "Burning")


def test_an_entity_of_another_world_is_refused(made: Fixture) -> None:
    stranger = ecs.World().spawn_one(Position(1.0))

    with refused(made.world, ecs.StaleHandleError):
        made.world.get(stranger, Position)
    with refused(made.world, ecs.StaleHandleError):
        made.world.move(made.crew, stranger)
    with refused(made.world, ecs.StaleHandleError):
        made.world.despawn([stranger])


@each(BY_ID)
def test_a_query_of_another_world_is_refused(made: Fixture, operation: Any) -> None:
    other = ecs.World()
    other.spawn(3, Position(1.0), Health(1), Burning(2.0))

    with refused(made.world, ecs.InvalidArgumentError, "another world"):
        operation(made.world, other.query(Position))


# -- values ---------------------------------------------------------------------------

# A component that does not fit five entities, and what the message says of it.
UNFIT_VALUES: dict[str, tuple[ecs.Component, tuple[str, ...]]] = {
    "too few values": (Position([1.0, 2.0]), ("x has shape 2", "5 entities")),
    "too many values": (Position(np.zeros(6)), ("x has shape 6", "5 entities")),
    "two dimensions": (Position(np.zeros((5, 2))), ("x has shape 5x2",)),
    "text for a float": (Position("far"), ("x is", "takes float32")),
    "a complex for a float": (Position(1j), ("x is complex128", "takes float32")),
    "bytes for a float": (Position(b"1.0"), ("x is", "takes float32")),
    "time for a float": (Position(np.datetime64("2013", "s")), ("x is", "takes float32")),
    "None for a float": (Position(None), ("x ", "float32")),
    "None among floats": (Position([1.0, None, 2.0, 3.0, 4.0]), ("x ",)),
    "ragged": (Position([[1.0], [1.0, 2.0], 3.0, 4.0, 5.0]), ("x ",)),
    "float too great": (
        Position([1e39, 1.0, -1e39, 1e300, 1e301]),
        ("4 of 5 values overflow float32 (1e+39 at 0, -1e+39 at 2, 1e+300 at 3, ...)",),
    ),
    "half too great": (Widths(f2=[1.0, 7e4, 1.0, 1.0, 1.0]), ("1 of 5", "float16 (70000.0 at 1)")),
    "int too great for a half": (Widths(f2=[70000] * 5), ("f2", "float16")),
    "float for an int": (Health(1.0), ("points is float64", "takes int32", ".astype('int32')")),
    "bool for an int is not a wider kind": (Widths(flag=[0, 1, 0, 1, 0]), ("flag", "takes bool")),
    "float for a bool": (Widths(flag=1.0), ("flag", "takes bool")),
    "int out of range": (
        Health([2**31, 0, -(2**31) - 1, 2**40, 2**41]),
        ("4 of 5", "int32 (2147483648 at 0, -2147483649 at 2, 1099511627776 at 3, ...)"),
    ),
    "one int out of range": (Health(2**31), ("points is 2147483648", "int32")),
    "int beyond 64 bits": (Widths(i8=2**64), ("i8",)),
    "int beyond all": (Widths(i8=[2**200] * 5), ("i8",)),
    "negative for unsigned": (Widths(u1=[0, -1, -2, -3, -4]), ("4 of 5", "uint8 (-1 at 1")),
    "unsigned for signed": (Widths(i8=np.full(5, 2**63, "u8")), ("5 of 5", "int64")),
    "signed for unsigned": (Widths(u8=np.full(5, -1, "i8")), ("5 of 5", "uint64 (-1 at 0")),
    "NaN where finite": (
        Mass([np.nan, 1.0, np.inf, -np.inf, np.nan]),
        ("4 of 5 values are not finite (nan at 0, inf at 2, -inf at 3, ...)",),
    ),
    "one NaN where finite": (Mass(np.nan), ("kilograms is nan", "not finite")),
    "time that loses": (Times(at=np.datetime64(1500, "ms")), ("not exact in datetime64[s]",)),
    "time beyond range": (Times(span=np.timedelta64(2**62, "s")), ("span",)),
    "span for a time": (Times(at=np.timedelta64(1, "s")), ("at is timedelta64[s]",)),
    "int for a time": (Times(at=5), ("at is int64", "datetime64[s]")),
    "wrong sub-array": (Shape(corner=np.zeros((5, 2))), ("corner", "shape 3", "shape 5x2")),
    "sub-array of strings": (Shape(corner=["a", "b", "c"]), ("corner",)),
    "sub-array out of range": (Shape(matrix=np.full((5, 2, 2), 2**15)), ("20 of 20", "int16")),
    "number for a string": (Label(5), ("text",)),
    "None for a string": (Label(None), ("text",)),
    "None among strings": (Label(["a", None, "b", "c", "d"]), ("text",)),
    "numbers for strings": (Label(np.arange(5)), ("text",)),
    "bytes for a string": (Label(b"crew"), ("text",)),
    "too few strings": (Label(["fresh one", "fresh two"]), ("text has 2 values", "5 entities")),
    "dead references": (Link([5, 6, 7, 8, 9]), ("target", "5 of 5", "(5v0, 6v0, 7v0, ...)")),
    "unknown reference": (Link("a fresh name"), ("target", "'a fresh name'")),
    "float reference": (Link(1.5), ("target",)),
    "too few references": (Link([0, 0]), ("target has 2 values",)),
    "too few objects": (Bag([None, {}]), ("content has 2 values", "5 entities")),
    "object that cannot be copied": (Bag({"generator": (i for i in "abc")}), ("content", "copied")),
    "sparse": (Burning("hot"), ("heat", "float32")),
    "sparse string": (Note(text=[1, 2, 3, 4, 5]), ("text",)),
}
unfit_values = pytest.mark.parametrize(
    ("component", "phrases"), UNFIT_VALUES.values(), ids=UNFIT_VALUES.keys()
)


def everything() -> tuple[ecs.Component, ...]:
    return (Position(0.0), Health(), Mass(), Widths(), Times(), Shape(), Label("l"), Link(), Bag())


@unfit_values
def test_unfit_values_are_refused_by_spawn(
    made: Fixture, component: ecs.Component, phrases: tuple[str, ...]
) -> None:
    others = [Note("a fresh text", {"fresh": 1}), Velocity()]
    others = [other for other in others if type(other) is not type(component)]
    type_id = type(component).__schema__.type_id

    with refused(made.world, ecs.ValidationError, type_id, *phrases) as caught:
        made.world.spawn(
            5,
            *others,
            component,
            ids=[f"fresh {i}" for i in range(5)],
            at=[f"fresh place {i}" for i in range(5)],
        )

    assert caught.value.component_type_id == type_id
    assert len(caught.value.errors) == 1


@unfit_values
def test_unfit_values_are_refused_by_add(
    made: Fixture, component: ecs.Component, phrases: tuple[str, ...]
) -> None:
    fresh = Note("a fresh text") if not isinstance(component, Note) else Velocity()

    with refused(made.world, ecs.ValidationError, *phrases):
        made.world.add(made.crew, fresh, component)


@unfit_values
def test_unfit_values_are_refused_by_set(
    made: Fixture, component: ecs.Component, phrases: tuple[str, ...]
) -> None:
    entities = made.world.spawn(5, *everything(), Note("known"), Burning())
    fresh = Label("a fresh text") if not isinstance(component, Label) else Note("fresh")
    fields = {f.name: getattr(component, f.name) for f in type(component).__schema__.fields}

    with refused(made.world, ecs.ValidationError, *phrases):
        made.world.set(entities, fresh, component)
    with refused(made.world, ecs.ValidationError, *phrases):
        made.world.set(entities, type(component), **fields)


@pytest.mark.parametrize(
    ("component", "phrases"),
    [
        pytest.param(component, phrases, id=name)
        for name, (component, phrases) in UNFIT_VALUES.items()
        if component.__schema__.storage == "table"
    ],
)
def test_unfit_values_are_refused_by_a_view(
    component: ecs.Component, phrases: tuple[str, ...]
) -> None:
    kind = type(component)
    declared = dataclasses.fields(component)  # type: ignore[arg-type]
    name = next(f.name for f in declared if getattr(component, f.name) is not f.default)
    world = new_world()
    world.spawn(5, *everything())

    for rows in world.query(Mut[kind]):
        view = rows[kind]
        with refused(world, ecs.ValidationError, *phrases):
            setattr(view, name, getattr(component, name))


@pytest.mark.parametrize(
    "write",
    [
        lambda entity: setattr(entity[Health], "points", 2**31),
        lambda entity: setattr(entity[Health], "points", 1.0),
        lambda entity: setattr(entity[Health], "points", "7"),
        lambda entity: setattr(entity[Health], "points", [1, 2]),
        lambda entity: setattr(entity[Mass], "kilograms", float("nan")),
        lambda entity: setattr(entity[Mass], "kilograms", float("inf")),
        lambda entity: setattr(entity[Position], "x", 1e39),
        lambda entity: setattr(entity[Position], "x", None),
        lambda entity: setattr(entity[Burning], "heat", "hot"),
        lambda entity: setattr(entity[Label], "text", 5),
        lambda entity: setattr(entity[Label], "text", None),
        lambda entity: entity.add(Velocity("fast")),
        lambda entity: entity.set(Health(2**31)),
        lambda entity: entity.__setitem__(Health, Health(1.5)),
    ],
)
def test_unfit_values_are_refused_by_one_entity(made: Fixture, write: Any) -> None:
    entity = made.world.entity("actor-2")

    with refused(made.world, ecs.ValidationError):
        write(entity)


def test_all_faults_of_a_component_are_told_at_once(made: Fixture) -> None:
    with refused(made.world, ecs.ValidationError, "i1", "u1", "flag") as caught:
        made.world.spawn(2, Widths(flag=2, i1=128, u1=-1, i2=[1, 2]))

    assert len(caught.value.errors) == 3


def test_a_field_without_default_must_be_given() -> None:
    with pytest.raises(TypeError, match="'x'"):
        Position()  # type: ignore[call-arg]


def test_unfit_values_are_refused_where_nobody_takes_them(made: Fixture) -> None:
    with refused(made.world, ecs.ValidationError):
        made.world.spawn(0, Health(1.5))
    with refused(made.world, ecs.ValidationError):
        made.world.set([], Health(1.5))


# -- spawn ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [-1, 1.0, True, "3", None, [1], float("nan")])
def test_a_number_of_entities_is_an_integer(made: Fixture, n: Any) -> None:
    with refused(made.world, ecs.InvalidArgumentError, repr(n)) as caught:
        made.world.spawn(n, Position(0.0))

    assert caught.value.parameter == "n"


def test_more_entities_than_there_are_indices_are_refused(made: Fixture) -> None:
    with refused(made.world, ecs.InvalidArgumentError, "at most"):
        made.world.spawn(2**31)


@pytest.mark.parametrize("ids", [["a"], ["a", "b", "c", "d"], [], "a", np.array(["a"] * 4)])
def test_there_is_an_id_for_each_entity(made: Fixture, ids: Any) -> None:
    with refused(made.world, ecs.InvalidArgumentError, "3 entities") as caught:
        made.world.spawn(3, Position(0.0), ids=ids)

    assert caught.value.parameter == "ids"


def test_ids_that_are_taken_or_there_twice_are_named_and_refused(made: Fixture) -> None:
    ids = ["actor-1", "fresh", "twice", "actor-3", "twice", "actor-4"]

    with refused(
        made.world, ecs.DuplicateEntityError, "4 of 6", "('actor-1', ", ", ...)"
    ) as caught:
        made.world.spawn(6, Label("a fresh text"), ids=ids, at="a fresh place")

    assert set(caught.value.entity_ids) == {"actor-1", "twice", "actor-3", "actor-4"}
    assert caught.value.entity_id == "actor-1"
    assert "fresh" not in made.world.ids


def test_an_id_twice_in_one_batch_is_refused(made: Fixture) -> None:
    with refused(made.world, ecs.DuplicateEntityError, "1 of 3", "('x')"):
        made.world.spawn(3, ids=["x", "y", "x"])


def test_the_id_of_a_place_is_free_until_an_entity_has_it(made: Fixture) -> None:
    harbour = made.world.spawn_one(id="harbour")

    with refused(made.world, ecs.DuplicateEntityError, "'harbour'"):
        made.world.spawn_one(id="harbour")
    assert made.world.locations.count(harbour) == 2


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0", "\u3000", "\x1c\x85"])
def test_blank_ids_are_refused(made: Fixture, blank: str) -> None:
    ids = ["fine", blank, "also fine", blank, blank, blank]

    with refused(made.world, ecs.InvalidInstanceIdError, "4 of 6", "1, 3, 4, ..."):
        made.world.spawn(6, ids=ids)


@pytest.mark.parametrize(
    "ids", [["a", 5], [None, "a"], [b"a", b"b"], [1, 2], [1.0, "a"], np.arange(2), 5, object()]
)
def test_ids_are_strings(made: Fixture, ids: Any) -> None:
    with refused(made.world, ecs.InvalidArgumentError, "ids") as caught:
        made.world.spawn(2, ids=ids)

    assert caught.value.parameter == "ids"


def test_an_id_of_one_entity_is_a_string_that_is_not_blank(made: Fixture) -> None:
    with refused(made.world, ecs.InvalidInstanceIdError):
        made.world.spawn_one(Position(0.0), id=" ")
    with refused(made.world, ecs.InvalidArgumentError):
        made.world.spawn_one(Position(0.0), id=5)  # type: ignore[arg-type]
    with refused(made.world, ecs.DuplicateEntityError, "'actor-1'"):
        made.world.spawn_one(Position(0.0), id="actor-1")


NO_COMPONENTS: dict[str, tuple[Any, ...]] = {
    "a class": (Position,),
    "a number": (5,),
    "None": (None,),
    "a mapping": ({"x": 1.0},),
    "two of one type": (Position(1.0), Health(1), Position(2.0)),
}


@pytest.mark.parametrize("components", NO_COMPONENTS.values(), ids=NO_COMPONENTS.keys())
def test_what_is_no_component_is_refused(made: Fixture, components: tuple[Any, ...]) -> None:
    for call in (
        lambda: made.world.spawn(5, *components),
        lambda: made.world.spawn_one(*components),
        lambda: made.world.add(made.crew, *components),
        lambda: made.world.define("fresh", *components),
        lambda: made.world.set(made.crew, Health(1), *components),
        lambda: made.world.entity("actor-1").add(*components),
        lambda: made.world.entity("actor-1").set(*components),
    ):
        with refused(made.world, ecs.InvalidArgumentError) as caught:
            call()
        assert caught.value.parameter == "components"


@pytest.mark.parametrize("term", [5, None, "Position", Position(1.0), int, ecs.Component])
def test_what_is_no_component_class_is_refused(made: Fixture, term: Any) -> None:
    for call in (
        lambda: made.world.remove(made.crew, term),
        lambda: made.world.get(made.crew, term),
        lambda: made.world.has(made.crew, term),
        lambda: made.world.query(term),
        lambda: made.world.query(Mut[term]),
        lambda: made.world.query(Position, without=[term]),
        lambda: made.world.entity("actor-1").remove(term),
        lambda: made.world.entity("actor-1")[term],
        lambda: made.world.locations.sum(term, "x"),
    ):
        with refused(made.world, ecs.SchemaError):
            call()


def test_two_classes_of_one_type_id_are_refused(made: Fixture) -> None:
    class Impostor(ecs.Component, id="core:health"):
        points: ecs.i8

    with refused(made.world, ecs.DuplicateContentError, "core:health", "another id"):
        made.world.spawn(1, Impostor(1))
    with refused(made.world, ecs.DuplicateContentError, "core:health"):
        made.world.query(Impostor)


# -- definitions ----------------------------------------------------------------------


def test_unknown_definitions_are_refused(made: Fixture) -> None:
    for call in (
        lambda: made.world.spawn(3, definition="core:ghost", ids=["a", "b", "c"], at="fresh"),
        lambda: made.world.spawn_one(definition="core:ghost"),
        lambda: made.world.definitions["core:ghost"],
    ):
        with refused(
            made.world, ecs.DefinitionNotFoundError, "'core:ghost'", "core:actor", "world.define("
        ) as caught:
            call()
        assert caught.value.definition_id == "core:ghost"


def test_a_definition_is_made_once(made: Fixture) -> None:
    with refused(made.world, ecs.DuplicateContentError, "'core:actor'", "overrides") as caught:
        made.world.define("core:actor", Label("a fresh text"))

    assert caught.value.content_id == "core:actor"


@pytest.mark.parametrize("definition_id", ["", "  ", None, 5])
def test_a_definition_has_an_id(made: Fixture, definition_id: Any) -> None:
    with refused(made.world, ecs.InvalidArgumentError, repr(definition_id)) as caught:
        made.world.define(definition_id, Position(0.0))

    assert caught.value.parameter == "id"


@pytest.mark.parametrize(
    "component",
    [
        Position([1.0, 2.0]),
        Position([1.0]),
        Health(1.5),
        Health(2**31),
        Mass(float("nan")),
        Label(["a", "b"]),
        Label(5),
        Shape(corner=[[1.0, 2.0, 3.0]]),
        Bag([1]),
    ],
)
def test_a_definition_has_one_fit_value_a_field(made: Fixture, component: ecs.Component) -> None:
    with refused(made.world, ecs.ValidationError, type(component).__schema__.type_id):
        made.world.define("fresh", component)
    assert "fresh" not in made.world.definitions


@pytest.mark.parametrize("definition", [5, ["core:actor"], {}])
def test_a_definition_is_asked_for_by_its_id(made: Fixture, definition: Any) -> None:
    with refused(made.world, ecs.DefinitionNotFoundError):
        made.world.spawn(1, definition=definition)


# -- places ---------------------------------------------------------------------------


@pytest.mark.parametrize("places", [["a"], ["a", "b"], [], np.array(["a"] * 6), [None] * 4])
def test_there_is_one_place_or_one_for_each(made: Fixture, places: Any) -> None:
    n_places = len(places)
    for call in (
        lambda: made.world.move(made.crew, places),
        lambda: made.world.spawn(5, Label("a fresh text"), ids=list("vwxyz"), at=places),
    ):
        with refused(
            made.world, ecs.InvalidArgumentError, "5 entities", f"{n_places} places"
        ) as caught:
            call()
        assert caught.value.parameter == "places"


@pytest.mark.parametrize(
    "places",
    [
        1.5, float("nan"), object(), b"harbour", True, {"a": 1}, [1.5] * 5, [b"a"] * 5,
        ["a", 5, "b", "c", "d"], [["a"]] * 5, np.zeros(5), np.array([True] * 5),
    ],
)  # fmt: skip
def test_places_are_strings_or_entities(made: Fixture, places: Any) -> None:
    with refused(made.world, ecs.InvalidArgumentError) as caught:
        made.world.move(made.crew, places)
    assert caught.value.parameter == "places"
    with refused(made.world, ecs.InvalidArgumentError):
        made.world.spawn(5, ids=list("vwxyz"), at=places)
    if np.ndim(places) == 0 and not isinstance(places, dict):
        with refused(made.world, ecs.InvalidArgumentError):
            made.world.entity("actor-1").move(places)


def test_dead_entities_are_no_places(made: Fixture) -> None:
    places = np.concatenate([made.rocks, made.ghosts[:1]])
    dead = ecs.format_handle(made.ghosts[0])

    for call in (
        lambda: made.world.move(made.crew, places),
        lambda: made.world.move(made.crew, int(made.ghosts[0])),
        lambda: made.world.spawn(5, ids=list("vwxyz"), at=places),
        lambda: made.world.entity("actor-1").move(int(made.ghosts[0])),
    ):
        with refused(made.world, ecs.StaleHandleError, dead):
            call()


def test_a_place_where_nothing_has_ever_been_is_refused(made: Fixture) -> None:
    for call in (
        lambda: made.world.locations["nowhere land"],
        lambda: made.world.locations.count("nowhere land"),
    ):
        with refused(made.world, ecs.LocationNotFoundError, "'nowhere land'") as caught:
            call()
        assert caught.value.location_id == "nowhere land"
    assert made.world.locations["actor-3"].tolist() == []
    assert made.world.locations["  harbour "].tolist() == made.world.locations["harbour"].tolist()
    assert made.world.locations[" actor-3\t"].tolist() == []


def test_the_members_of_a_place_are_for_reading(made: Fixture) -> None:
    members = made.world.locations["harbour"]

    with pytest.raises(ValueError, match="read-only"):
        members[0] = 5


def test_only_numbers_are_added_up(made: Fixture) -> None:
    for component, field in ((Label, "text"), (Times, "at"), (Position, "z"), (Link, "target")):
        with refused(made.world, ecs.InvalidArgumentError, field) as caught:
            made.world.locations.sum(component, field)
        assert caught.value.parameter == "field"


# -- ids and one entity ---------------------------------------------------------------


def test_unknown_ids_are_refused_by_the_look_up(made: Fixture) -> None:
    with refused(made.world, ecs.EntityNotFoundError, "'nobody'"):
        made.world.ids["nobody"]
    with refused(made.world, ecs.EntityNotFoundError, "4 of 5", "('p', 'q', 'r', ...)"):
        made.world.ids[["p", "q", "actor-1", "r", "s"]]


@pytest.mark.parametrize("entity", [None, 1.5, ["actor-1"], np.array([1, 2]), True, b"actor-1"])
def test_one_entity_is_an_id_or_a_handle(made: Fixture, entity: Any) -> None:
    with refused(made.world, ecs.InvalidArgumentError, "entit"):
        made.world.entity(entity)


def test_one_entity_must_be_alive(made: Fixture) -> None:
    with refused(made.world, ecs.EntityNotFoundError, "'nobody'"):
        made.world.entity("nobody")
    with refused(made.world, ecs.StaleHandleError, ecs.format_handle(made.ghosts[0])):
        made.world.entity(int(made.ghosts[0]))


def test_one_entity_that_died_is_refused_by_everything(made: Fixture) -> None:
    entity = made.world.entity("actor-2")
    cells, sparse_cells = entity[Position], entity[Burning]
    entity.despawn()
    made.world.spawn(1, Position(5.0), Burning(5.0))  # which takes its index and its row

    for call in (
        lambda: entity[Position],
        lambda: cells.x,
        lambda: setattr(cells, "x", 1.0),
        lambda: sparse_cells.heat,
        lambda: setattr(sparse_cells, "heat", 1.0),
        lambda: entity.id,
        lambda: entity.location,
        lambda: entity.components,
        lambda: entity.has(Position),
        lambda: Position in entity,
        lambda: entity.add(Velocity()),
        lambda: entity.remove(Position),
        lambda: entity.set(Position(1.0)),
        lambda: entity.move("harbour"),
        lambda: entity.move(None),
        entity.despawn,
    ):
        with refused(made.world, ecs.StaleHandleError, ecs.format_handle(entity.handle)):
            call()
    assert not entity.is_alive
    assert "dead" in repr(entity)


def test_a_component_that_one_entity_lacks_is_refused(made: Fixture) -> None:
    entity = made.world.entity("actor-2")
    cells = entity[Burning]
    entity.remove(Burning)

    for call in (
        lambda: entity[Velocity],
        lambda: entity[Burning],
        lambda: cells.heat,
        lambda: setattr(cells, "heat", 3.0),
        lambda: entity.remove(Velocity),
        lambda: entity.remove(Position, Velocity),
        lambda: entity.set(Velocity()),
        lambda: entity.__setitem__(Velocity, Velocity()),
    ):
        with refused(made.world, ecs.ComponentNotFoundError, ecs.format_handle(entity.handle)):
            call()


def test_an_attribute_that_is_no_field_is_refused(made: Fixture) -> None:
    entity = made.world.entity("actor-2")
    before = fingerprint(made.world)

    with pytest.raises(AttributeError):
        entity[Position].z = 1.0
    with pytest.raises(AttributeError):
        _ = entity[Position].z
    assert_unchanged(before, made.world)


# -- set ------------------------------------------------------------------------------


def test_fields_that_do_not_exist_are_refused(made: Fixture) -> None:
    with refused(made.world, ecs.InvalidArgumentError, "z", "Position", "x", "y") as caught:
        made.world.set(made.crew, Position, x=1.0, z=2.0)
    assert caught.value.parameter == "fields"
    with refused(made.world, ecs.InvalidArgumentError, "no fields", "Position"):
        made.world.set(made.crew, Position)
    with refused(made.world, ecs.InvalidArgumentError):
        made.world.set(made.crew, Position(1.0), x=2.0)
    with refused(made.world, ecs.InvalidArgumentError):
        made.world.set(made.crew, Position, Health, x=2.0)
    with refused(made.world, ecs.InvalidArgumentError):
        made.world.set(made.crew, x=2.0)


def test_set_writes_nothing_when_a_later_component_is_lacking(made: Fixture) -> None:
    with refused(made.world, ecs.ComponentNotFoundError, "Velocity"):
        made.world.set(made.crew, Position(5.0), Label("a fresh text"), Velocity())


# -- queries --------------------------------------------------------------------------


def test_a_component_both_with_and_without_is_refused(made: Fixture) -> None:
    with refused(made.world, ecs.InvalidArgumentError, "Position"):
        made.world.query(Position, without=Position)


def test_a_query_over_sparse_components_has_no_views(made: Fixture) -> None:
    with refused(made.world, ecs.InvalidArgumentError, "Burning", "world.get("):
        list(made.world.query(Position, Burning))
    with refused(made.world, ecs.InvalidArgumentError, "Burning"):
        list(made.world.query(Position, without=Burning))


def test_a_view_has_only_the_terms_of_its_query(made: Fixture) -> None:
    for table in made.world.query(Position):
        with refused(made.world, ecs.ComponentNotFoundError, "Health"):
            table[Health]


def test_what_was_asked_for_to_be_read_is_not_written(made: Fixture) -> None:
    for table in made.world.query(Position, Mut[Health], Label):
        with refused(made.world, ecs.ReadOnlyError, "Position.x", "Mut[Position]"):
            table[Position].x = 1.0
        with refused(made.world, ecs.ReadOnlyError, "Mut[Label]"):
            table[Label].text = "a fresh text"
        before = fingerprint(made.world)
        with pytest.raises(ValueError, match="read-only"):
            table[Position].x += 1.0
        with pytest.raises(ValueError, match="read-only"):
            table[Position].x[0] = 1.0
        with pytest.raises(ValueError, match="read-only"):
            table.handles[0] = 1
        assert_unchanged(before, made.world)
        with pytest.raises(AttributeError):
            table[Health].lives = 9


CHANGES: dict[str, Callable[[Fixture], Any]] = {
    "spawn": lambda made: made.world.spawn(3, Position(1.0), ids=list("xyz"), at="fresh"),
    "spawn nothing": lambda made: made.world.spawn(0, Position(1.0)),
    "spawn one": lambda made: made.world.spawn_one(Position(1.0)),
    "despawn": lambda made: made.world.despawn(made.crew[:2]),
    "add": lambda made: made.world.add(made.crew, Velocity()),
    "add sparse": lambda made: made.world.add(made.rocks, Burning()),
    "remove": lambda made: made.world.remove(made.crew, Health),
    "remove sparse": lambda made: made.world.remove(made.crew, Burning),
    "despawn one": lambda made: made.world.entity("actor-1").despawn(),
    "add to one": lambda made: made.world.entity("actor-1").add(Velocity()),
    "remove from one": lambda made: made.world.entity("actor-1").remove(Health),
}


@each(CHANGES)
def test_structural_change_is_refused_while_a_query_is_open(made: Fixture, operation: Any) -> None:
    for table in made.world.query(Position):
        x = table[Position].x.copy()
        with refused(made.world, ecs.StructuralChangeError, "after the loop"):
            operation(made)
        assert np.array_equal(table[Position].x, x)

    operation(made)
    made.world.check()


def test_structural_change_is_refused_while_two_queries_are_open(made: Fixture) -> None:
    for _ in made.world.query(Position):
        for _ in made.world.query(Health):
            pass
        with refused(made.world, ecs.StructuralChangeError):
            made.world.despawn(made.crew)


def test_a_loop_that_has_not_begun_is_in_nobodys_way(made: Fixture) -> None:
    # The traceback of an interrupt can hold one for as long as a notebook runs.
    loop = iter(made.world.query(Mut[Position]))
    made.world.despawn(made.crew)

    table = next(loop)

    assert table.handles.tolist() == made.rocks.tolist()
    with refused(made.world, ecs.StructuralChangeError):
        made.world.spawn(1)


def test_a_loop_that_is_left_early_closes_its_query(made: Fixture) -> None:
    for _ in made.world.query(Position):
        break
    with pytest.raises(ZeroDivisionError):
        [1 / 0 for _ in made.world.query(Position)]

    made.world.despawn(made.crew)

    assert len(made.world) == len(made.rocks)


def test_moving_and_setting_are_allowed_while_a_query_is_open(made: Fixture) -> None:
    for table in made.world.query(Position):
        made.world.move(table.handles, "open sea")
        made.world.set(table.handles, Position(3.0))
        assert (table[Position].x == 3.0).all()

    assert made.world.locations.count("open sea") == len(made.world)


# -- the tests themselves -------------------------------------------------------------


def test_a_fingerprint_sees_every_kind_of_change(made: Fixture) -> None:
    world = made.world
    changes: tuple[Callable[[], Any], ...] = (
        lambda: world.set("actor-1", Health(8)),
        lambda: world.set("actor-1", Label("other")),
        lambda: world.set("actor-1", Burning(8.0)),
        lambda: world.set(made.rocks[0], Bag({"gold": 3})),
        lambda: world.move("actor-1", "harbour"),
        lambda: world.move("actor-1", "actor-0"),
        lambda: world.move("actor-1", "a fresh place"),
        lambda: world.move("actor-1", None),
        lambda: world.add("actor-1", Velocity()),
        lambda: world.remove("actor-1", Velocity),
        lambda: world.spawn(1),
        lambda: world.despawn("actor-1"),
        lambda: world.define("fresh", Position(0.0)),
    )
    assert n_arrays(fingerprint(world)) > 30

    for change in changes:
        before = fingerprint(world)
        change()
        with pytest.raises(AssertionError):
            assert_unchanged(before, world)
