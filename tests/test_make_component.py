"""Component classes that are made when the program runs."""

from __future__ import annotations

import gc
import pickle
from typing import Any

import numpy as np
import pytest

import ecs_columnar as ecs


def test_a_made_class_is_as_one_that_was_written() -> None:
    world = ecs.World()
    Health = ecs.make_component(
        "Health", {"name": ecs.str_, "hp": ecs.i4}, id="core:health", defaults={"hp": 100}
    )

    entities = world.spawn(2, Health(name="a"), ecs.make_component("Burning", {})())
    world.set(entities, Health, hp=[1, 2])

    assert world.get(entities, Health).hp.tolist() == [1, 2]
    assert repr(Health("b")) == "Health(name='b', hp=100)"
    assert (Health.__name__, Health.__schema__.type_id) == ("Health", "core:health")


def test_a_made_class_can_be_sparse() -> None:
    Mark = ecs.make_component("Mark", {"n": ecs.i1}, storage="sparse")

    assert Mark.__schema__.storage == "sparse"
    assert Mark.__schema__.type_id == "Mark"


def test_a_class_that_has_no_columns_is_refused() -> None:
    with pytest.raises(ecs.SchemaError, match="field hp is annotated with <class 'int'>"):
        ecs.make_component("Health", {"hp": int})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("annotation", "remedy"),
    [
        (str, "use str_"),
        (float, "use f8"),
        (np.int16, r"use number\('int16'\)"),
        (np.bool_, r"use number\('bool'\)"),
        (list, "use a field type such as"),
        (list[int], "use a field type such as"),
    ],
)
def test_the_field_type_that_was_meant_is_named(annotation: Any, remedy: str) -> None:
    with pytest.raises(ecs.SchemaError, match=remedy):
        ecs.make_component("Health", {"hp": annotation})


def test_the_same_arguments_make_the_same_class() -> None:
    def make(default: object) -> type[ecs.Component]:
        return ecs.make_component("Health", {"hp": ecs.object_}, defaults={"hp": default})

    assert make(1) is make(1)
    assert len({make(1), make(1.0), make(True)}) == 3
    assert make([]) is not make([])


def test_a_pickled_world_knows_a_made_class_again() -> None:
    world = ecs.World()
    Health = ecs.make_component("Health", {"name": ecs.str_, "hp": ecs.i4}, defaults={"hp": 100})
    entities = world.spawn(2, Health(name="a"))

    again = pickle.loads(pickle.dumps(world))

    assert again.get(entities, Health).name.tolist() == ["a", "a"]
    assert again.digest() == world.digest()
    assert pickle.loads(pickle.dumps(Health)) is Health


def test_a_pickled_class_is_made_anew_where_it_is_not_known() -> None:
    pickled = pickle.dumps(ecs.make_component("Gone", {"hp": ecs.i4}, id="core:gone"))
    gc.collect()

    Gone = pickle.loads(pickled)

    assert Gone.__schema__.type_id == "core:gone"
