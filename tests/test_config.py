"""A configuration is complete and valid at any time, whatever it is given."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_columnar import ConfigurationError, EntityConfig, EntityConfigProvider
from ecs_columnar.config.keys import Count, Key, Number, Switch
from ecs_columnar.config.table import KEYS

SPECIFIED = {
    "performance": {
        "ENABLE_MONITORING": True,
        "SLOW_OPERATION_THRESHOLD": 100,
        "MEMORY_WARNING_THRESHOLD": 0.8,
        "ENABLE_BATCH_OPERATIONS": True,
        "DEFAULT_BATCH_SIZE": 50,
        "MAX_BATCH_SIZE": 200,
        "SPATIAL_INDEX_BATCH_SIZE": 100,
        "ENABLE_PARALLEL_BATCH_PROCESSING": True,
        "BATCH_OPERATION_THRESHOLD": 10,
        "BATCH_TIMEOUT_MS": 30000,
        "WORLD_LOADING_BATCH_SIZE": 100,
        "WORLD_LOADING_BATCH_THRESHOLD": 5,
        "ENABLE_WORLD_LOADING_OPTIMIZATION": True,
        "ENABLE_BATCH_ENTITY_CREATION": True,
        "ENABLE_BATCH_ENTITY_REMOVAL": True,
        "ENABLE_BATCH_COMPONENTS": True,
        "ENABLE_BATCH_SPATIAL_INDEX": True,
        "ENABLE_ADAPTIVE_BATCH_SIZE": False,
    },
    "batchOperations": {
        "ENABLE_TRANSACTION_ROLLBACK": True,
        "STOP_ON_ERROR": False,
        "MAX_FAILURES_PER_BATCH": 5,
        "BATCH_RETRY_ATTEMPTS": 2,
        "BATCH_RETRY_DELAY_MS": 1000,
    },
    "errorHandling": {"CIRCUIT_BREAKER_THRESHOLD": 5, "CIRCUIT_BREAKER_TIMEOUT": 60000},
    "defaults": {},
}
SIZE = "performance.DEFAULT_BATCH_SIZE"
MAX = "performance.MAX_BATCH_SIZE"
WARNING = "performance.MEMORY_WARNING_THRESHOLD"
TIMEOUT = "errorHandling.CIRCUIT_BREAKER_TIMEOUT"

keys = pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.path)


def nested(path: str, value: object) -> dict[str, dict[str, object]]:
    section, _, name = path.partition(".")
    return {section: {name: value}}


def beyond(key: Key) -> list[object]:
    """Return values of the right type just out of the range of a key."""
    if isinstance(key, Count):
        return [key.least - 1, key.most + 1]
    if isinstance(key, Number):
        below = key.least if key.is_open else math.nextafter(key.least, -math.inf)
        return [below, math.nextafter(key.most, math.inf), math.nan, math.inf, 10**400, -1]
    return []


def within(key: Key) -> list[object]:
    """Return the ends of the range of a key."""
    if isinstance(key, Count):
        return [key.least, key.most]
    if isinstance(key, Number):
        return [math.nextafter(key.least, math.inf) if key.is_open else key.least, key.most]
    return [True, False]


# --- the defaults --------------------------------------------------------------------


def test_the_defaults_are_those_specified() -> None:
    assert EntityConfig().to_dict() == SPECIFIED
    assert {name: EntityConfigProvider().get_section(name) for name in SPECIFIED} == SPECIFIED


def test_sections_are_read_as_attributes_and_cannot_be_written() -> None:
    config = EntityConfig()

    assert config.performance["MAX_BATCH_SIZE"] == 200
    assert config.batch_operations["STOP_ON_ERROR"] is False
    assert config.error_handling["CIRCUIT_BREAKER_THRESHOLD"] == 5
    assert config.defaults == {}
    with pytest.raises(TypeError):
        config.performance["MAX_BATCH_SIZE"] = 1  # type: ignore[index]
    with pytest.raises(AttributeError):
        config.performance.MAX_BATCH_SIZE = 1
    with pytest.raises(AttributeError, match="NOTHING"):
        config.performance.NOTHING  # noqa: B018
    assert config.performance.MAX_BATCH_SIZE == 200
    assert "MAX_BATCH_SIZE" in dir(config.performance)
    assert dict(config.performance) == config.section("performance")


def test_values_are_given_by_section_or_by_path() -> None:
    config = EntityConfigProvider(
        {
            "performance.MAX_BATCH_SIZE": 300,
            "performance": {"DEFAULT_BATCH_SIZE": 7},
            "defaults.core:actor": ["core:health"],
        }
    )

    assert config.get_value("performance.MAX_BATCH_SIZE") == 300
    assert config.get_value("performance.DEFAULT_BATCH_SIZE") == 7
    assert config.get_value("defaults.core:actor") == {"core:health": {}}
    with pytest.raises(ConfigurationError, match="did you mean MAX_BATCH_SIZE"):
        EntityConfigProvider({"performance.MAX_BATCHSIZE": 1})


def test_what_is_handed_out_changes_nothing() -> None:
    config = EntityConfigProvider({"defaults": {"ship": {"hull": {"tons": [1]}}}})

    config.get_section("performance").clear()
    config.get_value("performance").clear()
    config.get_value("defaults.ship")["hull"]["tons"].append(2)
    config.config.defaults.clear()

    assert config.get_section("performance") == SPECIFIED["performance"]
    assert config.get_value("defaults") == {"ship": {"hull": {"tons": [1]}}}


def test_what_is_given_can_change_afterwards() -> None:
    values: dict[str, Any] = {"performance": {"MAX_BATCH_SIZE": 60}, "defaults": {"a": {"b": {}}}}
    config = EntityConfigProvider(values)

    values["performance"]["MAX_BATCH_SIZE"] = 1
    values["defaults"]["a"]["b"]["x"] = 1

    assert config.get_value(MAX) == 60
    assert config.get_value("defaults") == {"a": {"b": {}}}


def test_a_configuration_shows_what_is_not_as_by_default() -> None:
    assert repr(EntityConfig()) == "<EntityConfig: defaults>"
    config = EntityConfigProvider(nested(SIZE, 10))
    assert repr(config) == "<EntityConfigProvider: performance.DEFAULT_BATCH_SIZE=10>"


def test_configurations_are_equal_by_their_values() -> None:
    assert EntityConfig(nested(SIZE, 50)) == EntityConfig()
    assert EntityConfig(nested(SIZE, 51)) != EntityConfig()


# --- types and ranges ----------------------------------------------------------------


@keys
def test_the_ends_of_the_range_of_a_key_are_accepted(key: Key) -> None:
    for value in within(key):
        values = nested(key.path, value)
        if key.path == SIZE:
            values["performance"]["MAX_BATCH_SIZE"] = 2**31 - 1
        if key.path == MAX:
            values["performance"]["DEFAULT_BATCH_SIZE"] = 1

        assert EntityConfigProvider(values).get_value(key.path) == value


@keys
def test_what_is_out_of_range_is_refused_by_the_name_of_its_key(key: Key) -> None:
    for value in beyond(key):
        with pytest.raises(ConfigurationError, match=key.name) as caught:
            EntityConfigProvider(nested(key.path, value))

        assert caught.value.key == key.path
        assert caught.value.value is value


@keys
def test_a_value_of_another_type_is_refused(key: Key) -> None:
    others = [None, "1", "true", [], {}, object(), 1j, b"1", np.bool_(True), np.ones(2)]
    others += [1, 0, 1.0] if isinstance(key, Switch) else [True, False]
    others += [1.0, 50.5] if isinstance(key, Count) else []

    others.append(Fraction(10**400, 3))

    for value in others:
        with pytest.raises(ConfigurationError, match=key.path):
            EntityConfigProvider(nested(key.path, value))


def test_numbers_of_numpy_come_out_as_plain_python() -> None:
    config = EntityConfig(
        {
            "performance": {"MAX_BATCH_SIZE": np.int64(70), "BATCH_TIMEOUT_MS": np.float32(0.5)},
            "errorHandling": {"CIRCUIT_BREAKER_TIMEOUT": Fraction(1, 4)},
        }
    )

    found = [*map(config.get, (MAX, "performance.BATCH_TIMEOUT_MS"))]
    assert found == [70, 0.5]
    assert list(map(type, found)) == [int, float]
    assert config.get("errorHandling.CIRCUIT_BREAKER_TIMEOUT") == 0.25


def test_the_batch_size_is_at_most_the_largest_one() -> None:
    with pytest.raises(ConfigurationError, match="51 is above MAX_BATCH_SIZE, which is 50") as e:
        EntityConfigProvider({"performance": {"DEFAULT_BATCH_SIZE": 51, "MAX_BATCH_SIZE": 50}})

    assert e.value.key == SIZE
    assert EntityConfigProvider(nested(MAX, 50)).get_value(SIZE) == 50


@given(
    st.dictionaries(
        st.sampled_from(sorted(KEYS)),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    )
)
def test_whatever_is_given_is_refused_or_in_range(values: dict[str, object]) -> None:
    config = EntityConfigProvider()
    for path, value in values.items():
        before = config.config
        try:
            config.set_value(path, value)
        except ConfigurationError:
            assert config.config is before

    assert config.validate_batch_operation_config()
    assert 0 < config.get_value(SIZE) <= config.get_value(MAX)


# --- keys that are not known ---------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"performance": {"DEFAULT_BATCH_SIZ": 1}}, "did you mean DEFAULT_BATCH_SIZE?"),
        ({"performance": {"max_batch_size": 1}}, "did you mean MAX_BATCH_SIZE?"),
        ({"performence": {}}, "did you mean performance?"),
        ({"batch_operations": {}}, "did you mean batchOperations?"),
        ({"zzz": {}}, "there are performance, batchOperations, errorHandling, defaults"),
        ({3: {}}, "there is no such key"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known(values: Any, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EntityConfigProvider(values)

    assert hint in str(caught.value)


@pytest.mark.parametrize("values", [[], 3, "performance", {"performance": None}])
def test_what_is_no_mapping_is_refused(values: Any) -> None:
    with pytest.raises(ConfigurationError, match="give a mapping"):
        EntityConfigProvider(values)


def test_a_key_that_is_not_there_has_no_value_and_is_not_on() -> None:
    config = EntityConfigProvider()

    assert config.get_value("performance.NONE") is None
    assert config.get_value("none") is None
    assert not config.is_feature_enabled("performance.NONE")
    with pytest.raises(ConfigurationError, match="did you mean performance"):
        config.get_section("performanc")


# --- setting -------------------------------------------------------------------------


def test_a_value_that_is_set_is_in_force() -> None:
    config = EntityConfigProvider()

    config.set_value(SIZE, 10)

    assert config.get_value(SIZE) == 10
    assert config.version == 2


def test_a_switch_is_turned_on() -> None:
    config = EntityConfigProvider({"batchOperations": {"STOP_ON_ERROR": False}})

    config.enable_feature("batchOperations.STOP_ON_ERROR")

    assert config.is_feature_enabled("batchOperations.STOP_ON_ERROR")


def test_a_number_is_no_switch() -> None:
    config = EntityConfigProvider()

    assert not config.is_feature_enabled(SIZE)
    with pytest.raises(ConfigurationError, match=SIZE):
        config.enable_feature(SIZE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (SIZE, 201),
        (SIZE, 0),
        (MAX, 49),
        ("performance.NONE", 1),
        ("performance", {}),
        ("x", 1),
        (None, 1),
    ],
)
def test_a_value_that_is_refused_leaves_the_old_ones(path: Any, value: object) -> None:
    config = EntityConfigProvider(nested(SIZE, 50))

    with pytest.raises(ConfigurationError):
        config.set_value(path, value)

    assert config.config == EntityConfig()
    assert config.version == 1


def test_components_of_a_tag_are_set_with_data_or_by_name() -> None:
    config = EntityConfigProvider({"defaults": {"core:actor": ["core:health", "core:mood"]}})
    config.set_value("defaults.v1.2", {"core:x": {"a": 1}})

    assert config.get_value("defaults.core:actor") == {"core:health": {}, "core:mood": {}}
    assert config.get_value("defaults.v1.2") == {"core:x": {"a": 1}}

    config.set_value("defaults", {"only": []})

    assert config.get_section("defaults") == {"only": {}}


@pytest.mark.parametrize(
    "defaults",
    [
        *(3, {"": {}}, {" ": []}, {3: {}}, {"a": 3}, {"a": [3]}, {"a": "b"}),
        *({"a": {"b": 3}}, {"a": {"": {}}}, {"a": {3: {}}}),
    ],
)
def test_defaults_that_are_no_components_are_refused(defaults: object) -> None:
    with pytest.raises(ConfigurationError, match="defaults"):
        EntityConfigProvider({"defaults": defaults})


# --- sources -------------------------------------------------------------------------


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_later_source_wins_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(
        tmp_path / "game.toml",
        "[performance]\nDEFAULT_BATCH_SIZE = 1\nMAX_BATCH_SIZE = 301\nBATCH_TIMEOUT_MS = 1.5\n"
        "[defaults.ship]\nhull = {tons = 3}\n",
    )
    monkeypatch.setenv("ECS_COLUMNAR_PERFORMANCE__DEFAULT_BATCH_SIZE", "2")
    monkeypatch.setenv("ECS_COLUMNAR_PERFORMANCE__MAX_BATCH_SIZE", "302")

    config = EntityConfigProvider({"performance": {"DEFAULT_BATCH_SIZE": 3}}, file=file)

    performance = config.get_section("performance")
    assert performance["DEFAULT_BATCH_SIZE"] == 3
    assert performance["MAX_BATCH_SIZE"] == 302
    assert performance["BATCH_TIMEOUT_MS"] == 1.5
    assert performance["SPATIAL_INDEX_BATCH_SIZE"] == 100
    assert config.get_value("defaults") == {"ship": {"hull": {"tons": 3}}}


def test_json_says_what_toml_says(tmp_path: Path) -> None:
    file = write(tmp_path / "game.JSON", json.dumps(SPECIFIED | nested(SIZE, 7)))

    assert EntityConfigProvider(file=str(file)).config == EntityConfig(nested(SIZE, 7))


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("game.ini", "", "neither in .toml nor in .json"),
        ("game.toml", "[performance", "cannot read the configuration"),
        ("game.json", "{", "cannot read the configuration"),
        ("game.json", '{"performance": {"BATCH_TIMEOUT_MS": NaN}}', "NaN is no JSON"),
        ("game.json", '{"performance": {}, "performance": {}}', "'performance' is there twice"),
        ("game.json", "[" * 100_000, "cannot read the configuration"),
        ("game.json", "[]", "game.json"),
        ("game.json", '{"performance": {"BATCH_TIMEOUT_MS": 1e400}}', "BATCH_TIMEOUT_MS (in "),
        ("game.toml", "[performance]\nMAX_BATCH = 1", "did you mean MAX_BATCH_SIZE?"),
    ],
)
def test_a_file_that_cannot_work_is_named(tmp_path: Path, name: str, text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        EntityConfigProvider(file=write(tmp_path / name, text))

    assert fault in str(caught.value)
    assert name in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")

    for name in ("none.toml", "binary.toml"):
        with pytest.raises(ConfigurationError, match=name):
            EntityConfigProvider(file=tmp_path / name)


def test_a_file_of_more_than_64_mb_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(64 * 2**20 + 1)

    with pytest.raises(ConfigurationError, match="more than 64 MB"):
        EntityConfigProvider(file=tmp_path / "large.json")


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("PERFORMANCE__DEFAULT_BATCH_SIZE", "10", SIZE, 10),
        ("PERFORMANCE__ENABLE_MONITORING", "Off", "performance.ENABLE_MONITORING", False),
        (
            "PERFORMANCE__MEMORY_WARNING_THRESHOLD",
            ".5",
            WARNING,
            0.5,
        ),
        ("BATCHOPERATIONS__STOP_ON_ERROR", " yes ", "batchOperations.STOP_ON_ERROR", True),
        ("BATCH_OPERATIONS__STOP_ON_ERROR", "1", "batchOperations.STOP_ON_ERROR", True),
        (
            "ERROR_HANDLING__CIRCUIT_BREAKER_TIMEOUT",
            "7",
            "errorHandling.CIRCUIT_BREAKER_TIMEOUT",
            7,
        ),
    ],
)
def test_a_variable_of_the_environment_sets_a_key(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, path: str, value: object
) -> None:
    monkeypatch.setenv(f"ECS_COLUMNAR_{variable}", text)

    found = EntityConfigProvider().get_value(path)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("variable", "text", "hint"),
    [
        ("PERFORMANCE__DEFAULT_BATCH_SIZE", "ten", "an integer from 1"),
        ("PERFORMANCE__DEFAULT_BATCH_SIZE", "1.0", "an integer from 1"),
        ("PERFORMANCE__DEFAULT_BATCH_SIZE", "", "an integer from 1"),
        ("PERFORMANCE__BATCH_TIMEOUT_MS", "nan", "a number above 0"),
        ("PERFORMANCE__BATCH_TIMEOUT_MS", "soon", "a number above 0"),
        ("PERFORMANCE__ENABLE_MONITORING", "maybe", "true or false"),
        ("PERFORMANCE__MAX_BATCHSIZE", "1", "did you mean MAX_BATCH_SIZE?"),
        ("PERFORMENCE__MAX_BATCH_SIZE", "1", "did you mean performance?"),
        ("DEFAULTS__SHIP", "{}", "there is no such key"),
    ],
)
def test_a_variable_that_cannot_work_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, hint: str
) -> None:
    monkeypatch.setenv(f"ECS_COLUMNAR_{variable}", text)

    with pytest.raises(ConfigurationError) as caught:
        EntityConfigProvider()

    assert f"ECS_COLUMNAR_{variable}" in str(caught.value)
    assert hint in str(caught.value)


def test_other_variables_are_not_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECS_COLUMNAR_CACHE_DIR", "/tmp")

    assert EntityConfigProvider().config == EntityConfig()


def test_reloading_reads_the_sources_again_and_replaces_what_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "game.toml", "[performance]\nMAX_BATCH_SIZE = 300")
    config = EntityConfigProvider(nested(SIZE, 3), file=file)
    config.set_value("batchOperations.STOP_ON_ERROR", True)

    write(file, "[performance]\nMAX_BATCH_SIZE = 400")
    monkeypatch.setenv("ECS_COLUMNAR_ERROR_HANDLING__CIRCUIT_BREAKER_THRESHOLD", "9")
    config.reload()
    kept = config.get_value(SIZE), config.is_feature_enabled("batchOperations.STOP_ON_ERROR")
    config.reload(nested("performance.BATCH_TIMEOUT_MS", 5))

    assert kept == (3, True)
    assert config.get_value(MAX) == 400
    assert config.get_value("errorHandling.CIRCUIT_BREAKER_THRESHOLD") == 9
    assert config.get_value("performance.BATCH_TIMEOUT_MS") == 5
    assert config.get_value(SIZE) == 50
    assert not config.is_feature_enabled("batchOperations.STOP_ON_ERROR")


def test_a_failed_reload_leaves_the_old_values(tmp_path: Path) -> None:
    file = write(tmp_path / "game.toml", "[performance]\nMAX_BATCH_SIZE = 300")
    config = EntityConfigProvider(file=file)
    before = config.config

    write(file, "[performance]\nMAX_BATCH_SIZE = 0")
    for values in (None, {"performance": {"NONE": 1}}):
        with pytest.raises(ConfigurationError):
            config.reload(values)
    config.set_value(SIZE, 250)

    assert before.get(MAX) == config.get_value(MAX) == 300


def test_two_providers_share_nothing() -> None:
    first, second = EntityConfigProvider(), EntityConfigProvider()

    first.set_value(SIZE, 1)
    first.set_value("defaults.a", {"b": {}})

    assert second.config == EntityConfig()


def test_a_valid_configuration_is_told_so() -> None:
    assert EntityConfigProvider().validate_batch_operation_config() is True
