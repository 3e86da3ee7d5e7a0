"""Add components to entities, and remove them: rows change tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from ecs_columnar.change import Change
from ecs_columnar.operations.values import at_positions, to_values, types_of
from ecs_columnar.operations.write import refuse_lacking, write_rows
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Component
from ecs_columnar.selection import Part, Selection, ordered
from ecs_columnar.sparse import SparseSet
from ecs_columnar.storage import Storage
from ecs_columnar.table import Table, Values, clear_tail


class _Transfer(NamedTuple):
    """Rows of one table on their way to another."""

    part: Part
    target: Table
    values: dict[ComponentType, Values]


def add(storage: Storage, selection: Selection, components: Iterable[Component]) -> None:
    """Add components, or overwrite those that are there; see `World.add`."""
    storage.begin_structural_change("add components")
    by_type = types_of(storage, components, "add")
    n = len(selection)
    with Change(storage) as change, change:
        values = {t: to_values(change, t, component, n) for t, component in by_type.items()}
        in_tables = {t: value for t, value in values.items() if not t.is_sparse}
        parts = [ordered(part, "add components") for part in selection.parts]
        if in_tables:
            _add_in_tables(change, parts, in_tables)
        for component_type, value in values.items():
            if component_type.is_sparse:
                sparse = storage.sparse_for(change, component_type)
                _add_sparse(change, sparse, selection, value)
        change.record("add", selection, values)
        change.tell("added", lambda: selection.handles, by_type)
        change.apply()


def remove(storage: Storage, selection: Selection, types: Iterable[ComponentType]) -> None:
    """Remove components that all of the entities have; see `World.remove`."""
    storage.begin_structural_change("remove components")
    types = tuple(dict.fromkeys(types))
    for component_type in types:
        refuse_lacking(storage, selection, component_type, "remove")
    parts = [ordered(part, "remove components") for part in selection.parts]
    mask = sum(component_type.bit for component_type in types if not component_type.is_sparse)
    with Change(storage) as change, change:
        change.record("remove", selection, types)
        change.tell("removed", lambda: selection.handles, types)
        if mask:
            targets = [storage.table_of(change, part.table.mask & ~mask) for part in parts]
            _transfer(change, [_Transfer(*pair, {}) for pair in zip(parts, targets, strict=True)])
        for component_type in types:
            if component_type.is_sparse:
                storage.sparse_of(component_type).remove(change, selection.handles)
        change.apply()


def _add_in_tables(
    change: Change, parts: list[Part], values: Mapping[ComponentType, Values]
) -> None:
    mask = sum(component_type.bit for component_type in values)
    batch = []
    for part in parts:
        target = change.storage.table_of(change, part.table.mask | mask)
        some = {t: at_positions(t, value, part.positions) for t, value in values.items()}
        batch.append(_Transfer(part, target, some))
    # First those that move: the tables that they go to may have to grow.
    _transfer(
        change, [transfer for transfer in batch if transfer.part.table is not transfer.target]
    )
    for part, target, some in batch:
        if part.table is target:
            for component_type, value in some.items():
                write_rows(change, target, component_type, part.rows, value)


def _transfer(change: Change, transfers: list[_Transfer]) -> None:
    """Move rows to their targets, which are no sources."""
    n_sources = Counter(transfer.target for transfer in transfers)
    for target in n_sources:
        here = [transfer for transfer in transfers if transfer.target is target]
        if len(here) == 1 and here[0].part.is_whole and not target.length:
            _hand_over(change, here[0])
        else:
            _move_rows(change, target, here)


def _hand_over(change: Change, transfer: _Transfer) -> None:
    """Let an empty target take all rows of a source where they are."""
    source, target, n = transfer.part.table, transfer.target, transfer.part.table.length
    for table in (source, target):
        change.floor(table)  # first, so that rows of the target are known to be new
    kept, dropped = source.columns.keys() & target.columns, source.columns.keys() - target.columns
    for component, values in transfer.values.items():
        columns = (source if component in kept else target).columns[component]
        for column, value in zip(columns, values, strict=True):
            column.reserve(n)
            change.fill(column, 0, n, value)
    for component in dropped:
        for column in source.columns[component]:
            clear_tail(change, column, 0, n)
    change.storage.hand_over(change, source, target)


def _move_rows(change: Change, target: Table, transfers: list[_Transfer]) -> None:
    """Append rows of some tables to another, and close the holes that they leave."""
    target.reserve(sum(len(transfer.part) for transfer in transfers))
    entities, start = change.storage.entities, target.length
    for part, _, values in transfers:
        source, rows = part.table, None if part.is_whole else part.rows
        removal = source.plan_removal(rows)
        movers = source.handles.gather(removal.movers)
        target.append_from(change, start, source, rows, values)
        entities.relocate(change, part.handles(), target.number, start)
        source.remove(change, removal)
        entities.set_rows(change, movers, removal.holes)
        start += len(part)
    change.resize(target, start)


def _add_sparse(
    change: Change, sparse_set: SparseSet, selection: Selection, values: Values
) -> None:
    handles, component = selection.handles, sparse_set.component
    rows = sparse_set.rows_of(handles)
    old, new = np.flatnonzero(rows >= 0), np.flatnonzero(rows < 0)
    sparse_set.reserve(handles[new])
    write_rows(change, sparse_set.table, component, rows[old], at_positions(component, values, old))
    sparse_set.append(change, [(handles[new], at_positions(component, values, new))])
