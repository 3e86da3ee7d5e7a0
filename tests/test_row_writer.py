"""Rows of one entity, written by functions that are made for its components."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar import row_writer
from ecs_columnar.row_writer import RowWriter
from ecs_columnar.table import Table
from tests.strategies import Burning, Frozen, Health, Position

HANDLE = 1 << 32 | 5


class Switch(ecs.Component):
    is_on: ecs.bool_
    level: ecs.u1
    ratio: ecs.f8


def made(*classes: type[ecs.Component]) -> tuple[RowWriter, Table]:
    """Return the writer of some classes, and a table with two rows of nothing but a handle."""
    world = ecs.World()
    registry = world._storage.registry
    table = Table(0, [registry.of(each) for each in sorted(classes, key=lambda c: c.__name__)])
    table.reserve(2)
    table.handles.data[:] = HANDLE
    for column in table.all_columns():
        column.data[:] = 0
    plain = registry.plain_set([each.__new__(each) for each in classes])
    assert plain is not None
    return plain.write, table


def rows(table: Table) -> dict[str, list[Any]]:
    columns = {column.field.name: column.data.tolist() for column in table.all_columns()}
    return {"handle": table.handles.data.tolist(), **columns}


def test_each_value_goes_into_its_cell_whatever_the_order_of_the_components() -> None:
    for classes in [(Switch, Position), (Position, Switch)]:
        write, table = made(*classes)
        given = {Switch: Switch(True, 255, -0.5), Position: Position(1.5, -2.0)}

        assert write(table, 1, tuple(given[each] for each in classes))

        assert rows(table) == {
            "handle": [HANDLE, 0],
            "x": [0.0, 1.5],
            "y": [0.0, -2.0],
            "is_on": [False, True],
            "level": [0, 255],
            "ratio": [0.0, -0.5],
        }


@pytest.mark.parametrize(
    "value",
    [
        Switch(1, 0, 0.0),
        Switch(True, 256, 0.0),
        Switch(True, -1, 0.0),
        Switch(True, True, 0.0),
        Switch(True, 0, 1),
        Switch(True, 0, float("nan")),
        Switch(True, 0, [0.0]),
        Switch(True, 0, np.float64(1.0)),
        Switch(np.True_, 0, 1.0),
        Switch(True, 0, None),
    ],
    ids=repr,
)
def test_what_is_no_number_of_the_column_is_told_and_nothing_is_written(value: Switch) -> None:
    write, table = made(Position, Switch)

    assert not write(table, 0, (Position(1.0, 2.0), value))

    handles, *columns = rows(table).values()
    assert handles == [HANDLE, HANDLE]
    assert not any(map(any, columns))


def test_tags_and_nothing_at_all_clear_the_handle_alone() -> None:
    for classes, given in [((), ()), ((Frozen,), (Frozen(),))]:
        write, table = made(*classes)

        assert write(table, 0, given)

        assert rows(table) == {"handle": [0, HANDLE]}


def test_a_missing_row_and_a_column_of_a_snapshot_are_told_by_an_error() -> None:
    write, table = made(Health)
    with pytest.raises(IndexError):
        write(table, 2, (Health(1),))
    (column,) = table.all_columns()
    column.data.flags.writeable = False
    column.hold(column.data)

    with pytest.raises(TypeError, match="read-only"):
        write(table, 0, (Health(1),))


def test_worlds_that_have_written_rows_are_copied_and_go_on() -> None:
    world = ecs.World()
    world.spawn(1, Burning(1.0))
    world.spawn_one(Health(1))

    twin = copy.deepcopy(world)

    for each in (world, twin):
        each.spawn_one(Health(2))
    assert twin.digest() == world.digest()


def test_memory_that_runs_out_while_a_writer_is_compiled_is_called_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_out(*_: Any) -> None:
        raise SystemError("error return without exception set")

    monkeypatch.setattr(row_writer, "exec", run_out, raising=False)

    with pytest.raises(MemoryError):
        made(Switch)
    monkeypatch.undo()
    made(Switch)
