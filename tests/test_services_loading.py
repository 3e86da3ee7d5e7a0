"""Worlds are loaded in three steps, and each fault is one failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given

import ecs_columnar as ecs
from ecs_columnar.services import WorldLoadingService
from ecs_columnar.services.batch_service import Surroundings
from ecs_columnar.services.creation import Creation
from tests.services_world import (
    catalogue,
    definitions,
    ids,
    lifecycle,
    members,
    new_world,
    places,
    populated,
    state,
    typed,
)


def entity(i: int | str, definition_id: str = "core:actor", **components: Any) -> dict[str, Any]:
    item: dict[str, Any] = {"instanceId": f"e{i}", "definitionId": definition_id}
    if components:
        item["components"] = {f"core:{name}": data for name, data in components.items()}
    return item


def at(i: int, place: Any) -> dict[str, Any]:
    return {"entityId": f"e{i}", "locationId": place}


WORLD = {
    "entities": [
        entity(0, health={"points": 3}),
        entity(1),
        entity(2, "core:item", hidden={}),
        entity(3, "core:place"),
        entity(4, position={"locationId": "mill"}),
    ],
    "locations": [at(0, "e3"), at(1, "harbour"), at(4, "inn")],
}


def load(world: ecs.World, data: Any, **options: Any) -> Any:
    return WorldLoadingService(world, **options).load_world(data)


def test_a_world_is_loaded_in_three_steps() -> None:
    world = new_world()

    result = load(world, WORLD)

    assert result.optimization_used == "batch"
    assert (result.instantiated_count, result.failed_count, result.total_processed) == (5, 0, 5)
    assert result.spatial.total_processed == 3
    assert result.components.total_processed == 3
    assert result.total_processing_time > 0
    assert result.fallback_reason is None
    assert members(world) == {"e3": {"e0"}, "harbour": {"e1"}, "shop": {"e2"}, "mill": {"e4"}}
    assert lifecycle(world).get_entity("e0").get_component_data("core:health") == {"points": 3}
    world.check()


def test_item_by_item_loads_the_same_world() -> None:
    batch, scalar = new_world(), new_world()

    load(batch, WORLD)
    result = load(scalar, WORLD, enable_optimization=False)

    assert result.optimization_used == "sequential"
    assert result.entities.path == "sequential"
    assert state(batch) == state(scalar)


@pytest.mark.parametrize("n", [4, 5])
def test_a_small_world_is_loaded_item_by_item(n: int) -> None:
    result = load(new_world(), {"entities": [entity(i) for i in range(n)]})

    assert result.optimization_used == ("sequential" if n < 5 else "batch")


FAULTS = [
    entity(0),
    None,
    {"definitionId": "core:actor", "components": {"core:health": {"points": 1}}},
    {"instanceId": None, "definitionId": "core:actor"},
    entity(0, health={"points": 1}),
    entity(5, "core:unknown", health={"points": 1}),
    {"instanceId": "e6"},
    entity(1),
]


@pytest.mark.parametrize("optimized", [False, True])
def test_each_fault_is_one_failure_and_the_rest_loads(optimized: bool) -> None:
    world = new_world()
    data = {"entities": FAULTS, "locations": [at(5, "inn"), at(0, "inn"), at(6, "inn")]}

    result = load(world, data, enable_optimization=optimized)

    assert [(f.index, type(f.error).__name__) for f in result.entities.failures] == [
        (1, "InvalidArgumentError"),
        (2, "InvalidInstanceIdError"),
        (3, "InvalidInstanceIdError"),
        (4, "DuplicateEntityError"),
        (5, "DefinitionNotFoundError"),
        (6, "InvalidArgumentError"),
    ]
    assert result.entities.failures[0].item is None
    assert result.entities.failures[3].item is FAULTS[4]
    assert (result.instantiated_count, result.failed_count) == (2, 6)
    assert result.spatial.failure_count == result.components.failure_count == 0
    assert lifecycle(world).get_entity("e0").get_component_data("core:health") == {"points": 100}
    assert members(world) == {"inn": {"e0"}}


def as_file(data: Any, folder: Path) -> Path:
    path = folder / "world.json"
    path.write_text(json.dumps(data))
    return path


def test_a_line_about_a_file_says_where_the_entity_is_listed(tmp_path: Path) -> None:
    entities = [*FAULTS, entity(2, health={"points": -1}), entity(3, name={"text": ""})]

    result = load(new_world(), as_file({"entities": entities, "locations": []}, tmp_path))

    found = [str(problem).split(": ")[:2] for problem in result.problems]
    assert found[:6] == [["world.json", f"$.entities[{i}]"] for i in range(1, 7)]
    assert found[6:] == [["world.json", f"$.entities[{i}].components"] for i in (8, 9)]


@pytest.mark.parametrize("form", ["list", "columns", "file"])
def test_a_place_that_fails_is_told_where_it_stands_among_all(form: str, tmp_path: Path) -> None:
    places = [at(5, "inn"), at(0, "inn"), at(6, "inn"), at(9, "inn")]
    data: dict[str, Any] = {"entities": FAULTS, "locations": places}
    if form == "columns":
        data["locations"] = {name: [p[name] for p in places] for name in places[0]}

    result = load(new_world(), as_file(data, tmp_path) if form == "file" else data)

    (failure,) = result.spatial.failures
    assert (failure.index, failure.item) == (3, places[3])
    assert isinstance(failure.error, ecs.EntityNotFoundError)
    if form == "file":
        assert "$.locations[3]" in str(result.problems[-1])  # type: ignore[attr-defined]


@pytest.mark.parametrize("optimized", [False, True])
def test_a_bad_component_or_place_does_not_take_its_entity_away(optimized: bool) -> None:
    world = new_world()
    data = {
        "entities": [entity(i, health={"points": i - 2}) for i in range(5)],
        "locations": [at(0, ""), at(9, "inn"), at(1, "inn")],
    }

    result = load(world, data, enable_optimization=optimized)

    assert result.instantiated_count == 5
    assert [failure.index for failure in result.components.failures] == [0, 1]
    assert [type(f.error).__name__ for f in result.spatial.failed] == [
        "InvalidArgumentError",
        "EntityNotFoundError",
    ]


def test_an_entity_can_come_before_its_location() -> None:
    world = new_world()

    load(world, {"entities": [entity(0), entity(1, "core:place")], "locations": [at(0, "e1")]})

    assert world.locations[world.ids["e1"]].tolist() == [world.ids["e0"]]


FORMS: dict[str, Callable[[], Any]] = {
    "mapping of columns": lambda: {
        "instance_id": ["e0", "e1", None, "e0"],
        "definition_id": ["core:actor", "core:item", "core:actor", "core:item"],
        "core:health.points": [7, None, 1, 1],
        "core:position.locationId": ["inn", None, None, None],
    },
    "frame": lambda: pd.DataFrame(
        {
            "instanceId": ["e0", "e1", None, "e0"],
            "definitionId": ["core:actor", "core:item", "core:actor", "core:item"],
            "components.core:health.points": pd.array([7, None, 1, 1], "Int64"),
            "core:position.locationId": ["inn", None, None, None],
        }
    ),
    "frames": lambda: {
        "entities": pd.DataFrame(
            {
                "instance_id": ["e0", "e1", "", "e0"],
                "definition_id": ["core:actor", "core:item", "core:actor", "core:item"],
                "core:health": [{"points": 7}, None, None, None],
            }
        ),
        "locations": pd.DataFrame({"entity_id": ["e0"], "location_id": ["inn"]}),
    },
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimized", [False, True])
def test_columns_load_the_same_world(form: str, optimized: bool) -> None:
    world = new_world()

    result = load(world, FORMS[form](), enable_optimization=optimized, threshold=1)

    assert [failure.index for failure in result.entities.failures] == [2, 3]
    assert result.instantiated_count == 2
    assert lifecycle(world).get_entity("e0").get_component_data("core:health") == {"points": 7}
    assert not lifecycle(world).get_entity("e1").has_component("core:health")
    assert members(world) == {"inn": {"e0"}, "shop": {"e1"}}


@pytest.mark.parametrize("data", [None, 5, [], "nowhere", {}, {"worlds": []}])
def test_what_is_no_world_is_refused(data: Any) -> None:
    with pytest.raises(ecs.InvalidArgumentError) as caught:
        load(new_world(), data)

    assert caught.value.parameter == "world_data"


def test_a_world_can_be_empty() -> None:
    result = load(new_world(), {"entities": []})

    assert (result.total_processed, result.optimization_used) == (0, "sequential")


def test_progress_is_told_for_each_step() -> None:
    seen: list[tuple[int, ...]] = []

    WorldLoadingService(new_world(), batch_size=2).load_world(
        WORLD, on_progress=lambda *numbers: seen.append(numbers)
    )

    assert [(n[2], n[3]) for n in seen] == [(2, 5), (4, 5), (5, 5), (2, 3), (3, 3), (2, 3), (3, 3)]


# --- critical errors -----------------------------------------------------------------


class Late:
    """A clock that jumps by an hour the second time that it is looked at in a row of calls."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 3600.0
        return self.now


def test_a_batch_that_runs_out_of_time_is_loaded_item_by_item() -> None:
    world, expected = new_world(), new_world()
    data = {"entities": [entity(i, health={"points": i}) for i in range(300)]}

    result = load(world, data, timeout_ms=1.0, surroundings=Surroundings(clock=Late()))
    load(expected, data)

    assert result.optimization_used == "sequential_fallback"
    assert "are left" in result.fallback_reason
    assert result.instantiated_count == 300
    assert state(world) == state(expected)
    world.check()


def test_a_batch_that_is_not_consistent_is_loaded_item_by_item(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = populated(1)
    prepare = Creation.prepare

    def fail(self: Creation, items: Any) -> Any:
        if len(items) > 1:
            operation = self.catalogue.world
            operation.spawn(3, ids=["x", "y", "z"])
            raise ecs.RepositoryConsistencyError("cannot trust the batch")
        return prepare(self, items)

    monkeypatch.setattr(Creation, "prepare", fail)
    heard: list[Any] = []
    catalogue(world).events.on("entity_created", heard.append)

    result = load(world, {"entities": [entity(i) for i in range(1, 7)]})

    assert result.fallback_reason == "cannot trust the batch"
    assert result.optimization_used == "sequential_fallback"
    assert set(world.ids) == {f"e{i}" for i in range(7)}
    assert [len(event) for event in heard] == [6]


def test_other_errors_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Creation, items: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(Creation, "prepare", fail)

    with pytest.raises(MemoryError):
        load(new_world(), WORLD)


# --- references ----------------------------------------------------------------------


def test_references_that_lead_nowhere_are_reported() -> None:
    world = new_world()
    service = WorldLoadingService(world)
    load(world, WORLD)

    report = service.validate_references()
    lifecycle(world).remove_entity_instance("e3")
    after = service.validate_references()

    assert sorted(report.dangling_locations) == ["harbour", "mill", "shop"]
    assert report.dangling_definitions == []
    assert not report.is_valid
    assert sorted(after.dangling_locations) == ["e3", "harbour", "mill", "shop"]


def test_a_world_without_references_is_valid() -> None:
    assert WorldLoadingService(new_world()).validate_references().is_valid


def test_definitions_that_are_not_registered_are_reported() -> None:
    from ecs_columnar.services.instances import Instance

    world = populated(1)
    world.spawn(1, Instance("core:gone", "[]"), ids=["x"])

    report = WorldLoadingService(world).validate_references()

    assert report.dangling_definitions == ["core:gone"]
    assert lifecycle(world).get_entity("x").component_type_ids == ()


# --- both modes ----------------------------------------------------------------------


@st.composite
def entities(draw: st.DrawFn) -> Any:
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([None, 5, {}, {"instanceId": "e1"}]))
    item: dict[str, Any] = {"instanceId": draw(ids), "definitionId": draw(definitions)}
    if draw(st.booleans()):
        item["components"] = dict(draw(st.lists(typed(), max_size=2)))
    return item


@st.composite
def placings(draw: st.DrawFn) -> Any:
    return {"entityId": draw(ids), "locationId": draw(st.one_of(places, st.just(None)))}


@given(st.lists(entities(), max_size=12), st.lists(placings(), max_size=8))
def test_both_modes_load_the_same_world(listed: list[Any], located: list[Any]) -> None:
    batch, scalar = new_world(), new_world()
    data = {"entities": listed, "locations": located}

    a = load(batch, data, threshold=1)
    b = load(scalar, data, enable_optimization=False)

    assert state(batch) == state(scalar)
    for step in ("entities", "spatial", "components"):
        x, y = getattr(a, step), getattr(b, step)
        assert [(f.index, type(f.error)) for f in x.failures] == [
            (f.index, type(f.error)) for f in y.failures
        ]
        assert x.success_count == y.success_count
