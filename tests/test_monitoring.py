"""What is recorded of calls, memory and circuits; time and memory are handed in."""

from __future__ import annotations

import errno
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecs_columnar as ecs
from ecs_columnar import (
    CircuitBreaker,
    CircuitOpenError,
    EntityConfigProvider,
    InvalidArgumentError,
    MemoryMonitor,
    MonitoringCoordinator,
    PerformanceMonitor,
    Retries,
)


class Clock:
    """A clock that goes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, ms: float) -> None:
        self.now += ms / 1000.0


def fail(error: BaseException) -> Callable[[], Any]:
    def raising() -> Any:
        raise error

    return raising


def attempt(call: Callable[[], Any]) -> str:
    """Return what a call came to: "ok", or the name of its error."""
    try:
        call()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is named
        return type(error).__name__
    return "ok"


@pytest.fixture
def clock() -> Clock:
    return Clock()


# --- performance ---------------------------------------------------------------------


def test_calls_are_counted_and_timed_by_operation(clock: Clock) -> None:
    monitor = PerformanceMonitor(clock=clock)

    for ms, items in ((10, 1), (250, 3), (40, 2)):
        monitor.time("add", lambda ms=ms: clock.wait(ms), items=items)
    monitor.record("move", 5, 7.0, "batch")

    add = monitor.get_stats()["add"]
    assert add == {
        "count": 3,
        "total": pytest.approx(300),
        "mean": pytest.approx(100),
        "min": pytest.approx(10),
        "max": pytest.approx(250),
        "slow": 1,
        "failed": 0,
        "items": 6,
    }
    assert monitor.get_stats()["move"]["total"] == 7.0


def test_a_call_returns_its_result_and_its_error_comes_through_timed(clock: Clock) -> None:
    monitor = PerformanceMonitor(clock=clock)

    def slow_failure() -> None:
        clock.wait(30)
        raise KeyError("x")

    assert monitor.time("add", lambda: 3) == 3
    with pytest.raises(KeyError):
        monitor.time("add", slow_failure)
    assert monitor.get_stats()["add"]["failed"] == 1
    assert monitor.get_stats()["add"]["max"] == pytest.approx(30)


def test_a_call_is_slow_above_the_threshold_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    monitor = PerformanceMonitor(slow_threshold_ms=100)

    with caplog.at_level(logging.WARNING, "ecs_columnar"):
        monitor.record("add", 1, 100.0)
        monitor.record("add", 2, 100.5)

    assert monitor.get_stats()["add"]["slow"] == 1
    assert caplog.messages == ["add took 100.5 ms for 2 items, more than 100 ms"]


@given(st.lists(st.floats(0, 1e6), max_size=40), st.integers(1, 10))
def test_the_history_is_bounded_and_totals_are_not(times: list[float], size: int) -> None:
    monitor = PerformanceMonitor(history=size, slow_threshold_ms=1e9)

    for ms in times:
        monitor.record("add", 1, ms)

    assert [call.ms for call in monitor.history] == times[-size:]
    if times:
        stats = monitor.get_stats()["add"]
        assert (stats["count"], stats["min"], stats["max"]) == (len(times), min(times), max(times))
        assert stats["total"] == sum(times)


def test_nothing_is_recorded_when_it_is_off() -> None:
    monitor = PerformanceMonitor(enabled=False, clock=fail(AssertionError("looked at the clock")))

    assert monitor.time("add", lambda: 3) == 3
    monitor.record("add", 1, 1.0)

    assert monitor.get_stats() == {}
    assert monitor.history == ()
    assert repr(monitor) == "<PerformanceMonitor: 0 calls of 0 operations, off>"


def test_calls_are_forgotten_on_reset() -> None:
    monitor = PerformanceMonitor()
    monitor.record("add", 1, 1.0)

    monitor.reset()

    assert (monitor.get_stats(), monitor.history) == ({}, ())


# --- memory --------------------------------------------------------------------------


def test_memory_has_a_level_and_alerts_at_each_change_upward() -> None:
    readings = iter([0, 699, 700, 750, 850, 900, 710, 860, 100, 1200])
    alerts: list[Any] = []
    monitor = MemoryMonitor(1000, read_rss=lambda: next(readings), on_alert=alerts.append)

    levels = [monitor.check().level for _ in range(10)]

    n, w, c = "normal", "warning", "critical"
    assert levels == [n, n, w, w, c, c, w, c, n, c]
    assert [alert.rss for alert in alerts] == [700, 850, 860, 1200]
    assert monitor.alerts == tuple(alerts)
    assert alerts[-1] == (1200, 1000, 1.2, "critical")


def test_a_listener_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    monitor = MemoryMonitor(10, read_rss=lambda: 9, on_alert=lambda _: 1 / 0)

    assert monitor.check().level == "critical"
    assert repr(monitor) == "<MemoryMonitor: critical>"
    assert "a listener for memory alerts failed" in caplog.messages


def test_memory_is_read_from_the_system() -> None:
    stats = MemoryMonitor().get_stats()

    assert 0 < stats["rss"] < stats["budget"]
    assert stats["peak"] == stats["rss"]


def test_the_peak_and_alerts_are_forgotten_on_reset() -> None:
    readings = iter([9, 1])
    monitor = MemoryMonitor(10, read_rss=lambda: next(readings))
    monitor.check()

    monitor.reset()

    assert monitor.level == "normal"
    stats = monitor.get_stats()
    assert (stats["rss"], stats["peak"], stats["alerts"]) == (1, 1, 0)


# --- circuit breakers ----------------------------------------------------------------


def test_a_breaker_opens_after_failed_calls_in_a_row(clock: Clock) -> None:
    breaker = CircuitBreaker("radio", clock=clock)
    outcomes = [attempt(lambda: breaker.call(fail(OSError()))) for _ in range(4)]
    breaker.call(lambda: None)
    outcomes += [attempt(lambda: breaker.call(fail(OSError()))) for _ in range(6)]

    assert outcomes == ["OSError"] * 9 + ["CircuitOpenError"]
    assert breaker.state == "open"


def test_an_open_breaker_refuses_and_says_for_how_long(clock: Clock) -> None:
    breaker = CircuitBreaker("radio", failure_threshold=1, timeout_ms=500, clock=clock)
    attempt(lambda: breaker.call(fail(OSError())))
    clock.wait(200)

    with pytest.raises(CircuitOpenError, match=r"cannot call radio: .* in 300 ms") as caught:
        breaker.call(fail(AssertionError("was called")))

    assert caught.value.name == "radio"
    assert caught.value.retry_after_ms == pytest.approx(300)
    assert breaker.get_stats()["refused"] == 1


def test_a_half_open_breaker_closes_after_two_successes(clock: Clock) -> None:
    breaker = CircuitBreaker(failure_threshold=1, timeout_ms=500, clock=clock)
    attempt(lambda: breaker.call(fail(OSError())))

    clock.wait(500)
    states = [breaker.state]
    for _ in range(2):
        breaker.call(lambda: None)
        states.append(breaker.state)

    assert states == ["half-open", "half-open", "closed"]


def test_a_half_open_breaker_opens_again_at_the_first_failure(clock: Clock) -> None:
    breaker = CircuitBreaker(failure_threshold=3, timeout_ms=500, clock=clock)
    for _ in range(3):
        attempt(lambda: breaker.call(fail(OSError())))
    clock.wait(600)
    breaker.call(lambda: None)

    attempt(lambda: breaker.call(fail(OSError())))
    clock.wait(499)
    before = breaker.state
    clock.wait(2)
    breaker.call(lambda: None)

    assert before == "open"
    assert breaker.state == "half-open"


@pytest.mark.parametrize(
    "error",
    [
        ecs.ValidationError("core:position", ["x"]),
        ecs.InvalidArgumentError("items", 3),
        ecs.EntityNotFoundError("a"),
        ecs.DuplicateEntityError("a"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_was_given_never_trips_a_breaker(error: Exception, clock: Clock) -> None:
    breaker = CircuitBreaker(failure_threshold=1, timeout_ms=5, clock=clock)
    for _ in range(10):
        attempt(lambda: breaker.call(fail(error)))
    closed = breaker.state

    attempt(lambda: breaker.call(fail(OSError())))
    clock.wait(6)
    attempt(lambda: breaker.call(fail(error)))

    assert (closed, breaker.state) == ("closed", "half-open")


def test_calls_that_end_while_a_breaker_is_open_come_too_late(clock: Clock) -> None:
    breaker = CircuitBreaker(failure_threshold=1, timeout_ms=500, clock=clock)
    breaker.record_failure(OSError())
    clock.wait(400)

    breaker.record_failure(OSError())
    breaker.record_success()
    breaker.record_success()
    still = breaker.state
    clock.wait(101)

    assert (still, breaker.state) == ("open", "half-open")


def test_an_interrupt_is_no_failure() -> None:
    breaker = CircuitBreaker(failure_threshold=1)

    with pytest.raises(KeyboardInterrupt):
        breaker.call(fail(KeyboardInterrupt()))

    assert breaker.state == "closed"


def test_a_breaker_that_is_reset_is_closed(clock: Clock) -> None:
    breaker = CircuitBreaker("radio", failure_threshold=1, clock=clock)
    breaker.record_failure()

    breaker.reset()

    assert repr(breaker) == "<CircuitBreaker 'radio': closed>"
    assert breaker.call(lambda x, y: x + y, 1, y=2) == 3


class SlowBreaker:
    """The twin: the list of all that happened, read from the start each time."""

    def __init__(self, threshold: int, timeout: float, successes: int) -> None:
        self.bounds = threshold, timeout, successes
        self.state, self.row, self.good, self.since = "closed", 0, 0, 0.0

    def step(self, now: float, outcome: str) -> str:
        threshold, timeout, successes = self.bounds
        if self.state == "open" and now - self.since >= timeout:
            self.state, self.good = "half-open", 0
        if self.state == "open":
            return "CircuitOpenError"
        if outcome == "ok":
            self.row, self.good = (0 if self.state == "closed" else self.row), self.good + 1
            if self.state == "half-open" and self.good == successes:
                self.state, self.row = "closed", 0
        if outcome == "OSError":
            self.row += 1
            if self.state == "half-open" or self.row >= threshold:
                self.state, self.since = "open", now
        return outcome


@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.lists(
        st.tuples(
            st.sampled_from(["ok", "OSError", "OSError", "EntityNotFoundError"]), st.integers(0, 8)
        ),
        max_size=60,
    ),
)
def test_a_breaker_does_what_its_twin_does(
    threshold: int, successes: int, steps: list[tuple[str, int]]
) -> None:
    clock, twin = Clock(), SlowBreaker(threshold, 10.0, successes)
    breaker = CircuitBreaker(
        failure_threshold=threshold,
        timeout_ms=10_000,
        success_threshold=successes,
        clock=clock,
    )
    errors = {"OSError": OSError(), "EntityNotFoundError": ecs.EntityNotFoundError("a")}

    for outcome, wait in steps:
        clock.now += wait
        fn = fail(errors[outcome]) if outcome in errors else lambda: None

        assert attempt(lambda fn=fn: breaker.call(fn)) == twin.step(clock.now, outcome)


# --- retries -------------------------------------------------------------------------


def retrying(errors: list[BaseException], **options: Any) -> tuple[str, int, list[float]]:
    """Return the outcome of a function that fails with these errors, its calls, the waits."""
    waits: list[float] = []
    left, calls = list(errors), []

    def supplied() -> None:
        calls.append(1)
        if left:
            raise left.pop(0)

    outcome = attempt(lambda: Retries(sleep=waits.append, **options).call(supplied))
    return outcome, len(calls), waits


def test_a_transient_error_is_followed_by_another_try() -> None:
    errors = [ConnectionResetError(), TimeoutError()]

    assert retrying(errors) == ("ok", 3, [1.0, 1.0])
    assert retrying(errors, attempts=1, delay_ms=5) == ("TimeoutError", 2, [0.005])
    assert retrying(errors, attempts=0) == ("ConnectionResetError", 1, [])


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        FileNotFoundError(errno.ENOENT, "none"),
        PermissionError(errno.EACCES, "no"),
        ecs.ValidationError("core:position", ["x"]),
        ecs.EntityNotFoundError("a"),
        ecs.DuplicateEntityError("a"),
        ecs.BatchTimeoutError("late"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_will_be_the_same_is_raised_at_once(error: Exception) -> None:
    assert retrying([error]) == (type(error).__name__, 1, [])


def test_an_error_of_the_system_is_transient_by_its_number() -> None:
    assert retrying([OSError(errno.EBUSY, "busy")])[0] == "ok"
    assert retrying([OSError(errno.ENOSPC, "full")])[0] == "OSError"


def test_a_caller_says_what_else_is_transient_but_never_an_error_of_ours() -> None:
    assert retrying([KeyError()], transient=(KeyError,))[0] == "ok"
    ours = ecs.EntityNotFoundError("a")
    assert retrying([ours], transient=(LookupError,))[0] == "EntityNotFoundError"


# --- the coordinator -----------------------------------------------------------------


def coordinator(clock: Clock, values: Any = None, rss: int = 0) -> MonitoringCoordinator:
    memory = MemoryMonitor(1000, read_rss=lambda: rss)
    return MonitoringCoordinator(EntityConfigProvider(values), memory=memory, clock=clock)


def test_a_monitored_call_is_timed_under_the_breaker_of_its_operation(clock: Clock) -> None:
    monitoring = coordinator(clock)

    assert monitoring.monitor("add", lambda: clock.wait(20) or "done", items=3) == "done"

    stats = monitoring.get_stats()
    assert stats["operations"]["add"]["total"] == pytest.approx(20)
    assert stats["operations"]["add"]["items"] == 3
    assert list(stats["breakers"]) == ["add"]
    assert stats["health_score"] == 100.0


def test_a_call_that_is_recorded_by_others_is_one_record(clock: Clock) -> None:
    monitoring = coordinator(clock)

    monitoring.record("batch_add", 5000, 12.5, "batch", failed=True)

    assert monitoring.performance.history == (("batch_add", 5000, 12.5, "batch", True),)
    assert monitoring.get_stats()["breakers"] == {}


def test_a_call_that_is_refused_is_not_recorded(clock: Clock) -> None:
    monitoring = coordinator(clock)

    outcomes = [attempt(lambda: monitoring.monitor("add", fail(OSError()))) for _ in range(7)]

    assert outcomes == ["OSError"] * 5 + ["CircuitOpenError"] * 2
    assert monitoring.get_stats()["operations"]["add"]["count"] == 5
    assert monitoring.get_stats()["breakers"]["add"]["refused"] == 2


def test_operations_may_share_a_breaker(clock: Clock) -> None:
    monitoring = coordinator(clock, {"errorHandling": {"CIRCUIT_BREAKER_THRESHOLD": 1}})

    attempt(lambda: monitoring.monitor("load", fail(OSError()), breaker="disk"))

    assert attempt(lambda: monitoring.monitor("save", str, breaker="disk")) == "CircuitOpenError"
    assert attempt(lambda: monitoring.monitor("save", str)) == "ok"


def test_enable_monitoring_says_whether_anything_is_recorded(clock: Clock) -> None:
    config = EntityConfigProvider({"performance": {"ENABLE_MONITORING": False}})
    memory = MemoryMonitor(1000, read_rss=fail(AssertionError("looked at memory")))
    monitoring = MonitoringCoordinator(config, memory=memory, clock=clock)

    outcomes = [attempt(lambda: monitoring.monitor("add", fail(OSError()))) for _ in range(6)]
    monitoring.record("add", 1, 1.0)
    stats = monitoring.get_stats()

    assert outcomes[-1] == "CircuitOpenError"
    assert (stats["enabled"], stats["operations"], stats["memory"]) == (False, {}, None)

    config.enable_feature("performance.ENABLE_MONITORING")
    attempt(lambda: monitoring.record("add", 1, 1.0))

    assert monitoring.performance.get_stats()["add"]["count"] == 1


def test_slow_operation_threshold_says_what_is_slow(clock: Clock) -> None:
    config = EntityConfigProvider({"performance": {"SLOW_OPERATION_THRESHOLD": 10}})
    monitoring = MonitoringCoordinator(config, clock=clock)

    monitoring.record("add", 1, 11.0)
    config.set_value("performance.SLOW_OPERATION_THRESHOLD", 20)
    monitoring.record("add", 1, 11.0)

    assert monitoring.get_stats()["operations"]["add"]["slow"] == 1


@pytest.mark.parametrize(
    ("threshold", "rss", "level"),
    [
        (0.8, 790, "normal"),
        (0.8, 810, "warning"),
        (0.8, 850, "critical"),
        (0.5, 510, "warning"),
        (0.9, 890, "normal"),
        (0.9, 900, "critical"),
        (1, 999, "normal"),
    ],
)
def test_memory_warning_threshold_says_when_memory_is_short(
    clock: Clock, threshold: float, rss: int, level: str
) -> None:
    monitoring = coordinator(clock, {"performance": {"MEMORY_WARNING_THRESHOLD": threshold}}, rss)

    monitoring.monitor("add", str)

    assert monitoring.memory.level == level


def test_circuit_breaker_threshold_says_how_many_failures_open(clock: Clock) -> None:
    monitoring = coordinator(clock, {"errorHandling": {"CIRCUIT_BREAKER_THRESHOLD": 2}})

    outcomes = [attempt(lambda: monitoring.monitor("add", fail(OSError()))) for _ in range(3)]

    assert outcomes == ["OSError", "OSError", "CircuitOpenError"]


def test_circuit_breaker_timeout_says_how_long_it_is_open(clock: Clock) -> None:
    values = {"errorHandling": {"CIRCUIT_BREAKER_THRESHOLD": 1, "CIRCUIT_BREAKER_TIMEOUT": 50}}
    monitoring = coordinator(clock, values)
    attempt(lambda: monitoring.monitor("add", fail(OSError())))

    clock.wait(49)
    early = attempt(lambda: monitoring.monitor("add", str))
    clock.wait(2)

    assert (early, attempt(lambda: monitoring.monitor("add", str))) == ("CircuitOpenError", "ok")


def test_breakers_that_are_there_follow_the_configuration(clock: Clock) -> None:
    config = EntityConfigProvider()
    monitoring = MonitoringCoordinator(config, clock=clock)
    breaker = monitoring.breaker("add")

    config.set_value("errorHandling.CIRCUIT_BREAKER_THRESHOLD", 1)
    attempt(lambda: monitoring.monitor("add", fail(OSError())))

    assert breaker is monitoring.breaker("add")
    assert breaker.state == "open"


def test_memory_is_looked_at_once_a_second(clock: Clock) -> None:
    looks: list[int] = []
    memory = MemoryMonitor(1000, read_rss=lambda: looks.append(1) or 0)
    monitoring = MonitoringCoordinator(memory=memory, clock=clock)

    for _ in range(30):
        monitoring.record("add", 1, 100.0)
        clock.wait(100)

    assert len(looks) == 3


def test_each_trouble_lowers_the_score(clock: Clock) -> None:
    monitoring = coordinator(clock, {"errorHandling": {"CIRCUIT_BREAKER_THRESHOLD": 1}}, rss=820)
    monitoring.record("add", 1, 500.0)
    monitoring.record("add", 1, 5.0)
    scores = [monitoring.health_score]

    attempt(lambda: monitoring.monitor("load", fail(OSError())))
    monitoring.record("add", 1, 5.0)
    scores.append(monitoring.health_score)
    clock.wait(60_000)
    scores.append(monitoring.health_score)

    warning, open_, half_open = 10, 20, 10
    assert scores == [
        100 - 20 / 2 - warning,
        100 - (20 + 50) / 4 - warning - open_,
        100 - (20 + 50) / 4 - warning - half_open,
    ]


def test_the_score_is_never_below_zero(clock: Clock) -> None:
    monitoring = coordinator(clock, {"errorHandling": {"CIRCUIT_BREAKER_THRESHOLD": 1}}, rss=999)
    for i in range(9):
        attempt(lambda i=i: monitoring.monitor(f"load {i}", fail(OSError())))

    assert monitoring.health_score == 0.0
    assert repr(monitoring) == "<MonitoringCoordinator: health 0, 9 of 9 circuits open>"


def test_reset_forgets_everything(clock: Clock) -> None:
    monitoring = coordinator(clock, {"errorHandling": {"CIRCUIT_BREAKER_THRESHOLD": 1}}, rss=0)
    attempt(lambda: monitoring.monitor("add", fail(OSError())))

    monitoring.reset()

    stats = monitoring.get_stats()
    assert (stats["health_score"], stats["operations"]) == (100.0, {})
    assert stats["breakers"]["add"]["state"] == "closed"


def test_figures_come_as_a_frame(clock: Clock) -> None:
    monitoring = coordinator(clock)
    empty = monitoring.to_frame()
    monitoring.record("add", 3, 8.0)
    monitoring.record("add", 1, 4.0)
    monitoring.record("move", 1, 1.0)

    frame = monitoring.to_frame()

    assert len(empty) == 0
    assert list(empty.columns) == list(frame.columns)
    assert frame.index.name == "operation"
    assert frame["mean"].to_dict() == {"add": 6.0, "move": 1.0}
    assert frame.loc["add", "items"] == 4


def test_two_coordinators_share_nothing() -> None:
    first, second = MonitoringCoordinator(), MonitoringCoordinator()

    first.monitor("add", str)
    first.breaker("load")

    assert second.get_stats()["operations"] == second.get_stats()["breakers"] == {}


# --- arguments -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "parameter"),
    [
        (lambda: CircuitBreaker(failure_threshold=0), "failure_threshold"),
        (lambda: CircuitBreaker(failure_threshold=True), "failure_threshold"),
        (lambda: CircuitBreaker(success_threshold=1.5), "success_threshold"),
        (lambda: CircuitBreaker(timeout_ms=float("nan")), "timeout_ms"),
        (lambda: PerformanceMonitor(slow_threshold_ms=-1), "slow_threshold_ms"),
        (lambda: PerformanceMonitor(history=0), "history"),
        (lambda: MemoryMonitor(0), "budget"),
        (lambda: MemoryMonitor(warning=0), "warning"),
        (lambda: MemoryMonitor(warning=0.9), "critical"),
        (lambda: MemoryMonitor(critical=1.1), "critical"),
        (lambda: Retries(-1), "attempts"),
        (lambda: Retries(delay_ms=1e300), "delay_ms"),
        (lambda: Retries(delay_ms="1"), "delay_ms"),
        (lambda: MonitoringCoordinator().breaker(" "), "name"),
        (lambda: MonitoringCoordinator().breaker([]), "name"),
    ],
)
def test_an_argument_that_cannot_work_is_refused(make: Callable[[], Any], parameter: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        make()

    assert caught.value.parameter == parameter


# --- the package ---------------------------------------------------------------------


def test_services_are_imported_when_they_are_asked_for() -> None:
    program = (
        "import sys, ecs_columnar as ecs; "
        "late = ['numba', 'pandas', 'psutil', 'jsonschema', 'tomllib', 'ecs_columnar.services'];"
        "assert not {*late} & {*sys.modules}; "
        "assert {*ecs.__all__} <= {*dir(ecs)}; "
        "ecs.MonitoringCoordinator; assert 'psutil' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Monitor'"):
        ecs.Monitor  # type: ignore[attr-defined]  # noqa: B018
