"""Add components to entities, and remove them: rows change tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.handles import refuse_duplicates
from ecs_columnar.operations.values import at_positions, to_values, types_of
from ecs_columnar.operations.write import refuse_lacking, write_rows
from ecs_columnar.registry import ComponentType
from ecs_columnar.schema import Component
from ecs_columnar.selection import Part, Selection, ordered
from ecs_columnar.sparse import SparseSet
from ecs_columnar.storage import Storage
from ecs_columnar.table import Removal, Table, Values


class _Transfer(NamedTuple):
    """Rows of one table on their way to another, with all that the way needs."""

    part: Part
    target: Table
    values: dict[ComponentType, Values]
    handles: NDArray[np.int64]
    removal: Removal
    movers: NDArray[np.int64]
    is_hand_over: bool


def add(storage: Storage, selection: Selection, components: Iterable[Component]) -> None:
    """Add components, or overwrite those that are there; see `World.add`."""
    storage.begin_structural_change("add components")
    by_type = types_of(storage, components, "add")
    n = len(selection)
    with ExitStack() as undo:
        values = {t: to_values(storage, t, component, n, undo) for t, component in by_type.items()}
        in_tables = {t: value for t, value in values.items() if not t.is_sparse}
        in_sparse = {t: value for t, value in values.items() if t.is_sparse}
        parts = [ordered(part, "add components") for part in selection.parts]
        transfers, overwrites = _plan_addition(storage, parts, in_tables)
        sparse = [_plan_sparse(storage.sparse_of(t), selection) for t in in_sparse]
        undo.pop_all()

    for part in overwrites:
        for component_type, value in in_tables.items():
            part_values = at_positions(component_type, value, part.positions)
            write_rows(part.table, component_type, part.rows, part_values)
    for transfer in transfers:
        _carry_out(storage, transfer)
    for sparse_set, is_new in sparse:
        _write_sparse(sparse_set, selection.handles, is_new, in_sparse[sparse_set.component])


def remove(storage: Storage, selection: Selection, types: Iterable[ComponentType]) -> None:
    """Remove components that all of the entities have; see `World.remove`."""
    storage.begin_structural_change("remove components")
    types = tuple(dict.fromkeys(types))
    for component_type in types:
        refuse_lacking(storage, selection, component_type, "remove")
    parts = [ordered(part, "remove components") for part in selection.parts]
    mask = 0
    for component_type in types:
        if not component_type.is_sparse:
            mask |= component_type.bit
    transfers = []
    if mask:
        targets = [storage.table_of(part.table.mask & ~mask) for part in parts]
        transfers = _plan(parts, targets, [{} for _ in parts])

    for transfer in transfers:
        _carry_out(storage, transfer)
    for component_type in types:
        if component_type.is_sparse:
            storage.sparse_of(component_type).remove(selection.handles)


def _plan_addition(
    storage: Storage, parts: list[Part], values: Mapping[ComponentType, Values]
) -> tuple[list[_Transfer], list[Part]]:
    mask = sum(component_type.bit for component_type in values)
    movers, targets, moved, overwrites = [], [], [], []
    for part in parts:
        if part.table.mask | mask == part.table.mask:
            overwrites.append(part)
            continue
        movers.append(part)
        targets.append(storage.table_of(part.table.mask | mask))
        moved.append({t: at_positions(t, value, part.positions) for t, value in values.items()})
    return _plan(movers, targets, moved), [part for part in overwrites if values]


def _plan(
    parts: list[Part], targets: list[Table], values: list[dict[ComponentType, Values]]
) -> list[_Transfer]:
    """Look up and allocate everything that carrying out needs."""
    n_arrivals: Counter[Table] = Counter()
    n_sources = Counter(targets)
    for part, target in zip(parts, targets, strict=True):
        n_arrivals[target] += len(part)
    transfers = []
    for part, target, value in zip(parts, targets, values, strict=True):
        is_hand_over = part.is_whole and not target.length and n_sources[target] == 1
        rows = None if part.is_whole else part.rows
        if is_hand_over:
            removal = part.table.plan_removal(None)
            handles = movers = np.empty(0, np.int64)
            _reserve_missing(part.table, target)
        else:
            target.reserve(n_arrivals[target])
            removal = part.table.plan_removal(rows)
            handles = part.handles()
            movers = part.table.handles.gather(removal.movers)
        whole = Part(part.table, rows, part.positions)
        transfers.append(_Transfer(whole, target, value, handles, removal, movers, is_hand_over))
    return transfers


def _reserve_missing(source: Table, target: Table) -> None:
    """Make room in the columns of an empty target that the source lacks."""
    for component, columns in target.columns.items():
        if component not in source.columns:
            for column in columns:
                column.reserve(source.length)


def _carry_out(storage: Storage, transfer: _Transfer) -> None:
    source, target = transfer.part.table, transfer.target
    if transfer.is_hand_over:
        n = source.length
        dropped = source.mask & ~target.mask
        storage.hand_over(source, target)
        for component, values in transfer.values.items():
            for column, value in zip(source.columns[component], values, strict=True):
                column.write(0, n, value)
        for component in storage.registry.in_mask(dropped):
            for column in target.columns[component]:
                column.clear_tail(0, n)
        return
    start = target.length
    target.append_from(source, transfer.part.rows, transfer.values)
    storage.entities.relocate(transfer.handles, target.number, start)
    source.remove(transfer.removal)
    storage.entities.set_rows(transfer.movers, transfer.removal.holes)


def _plan_sparse(
    sparse_set: SparseSet, selection: Selection
) -> tuple[SparseSet, NDArray[np.bool_]]:
    refuse_duplicates(selection.handles, "add components")
    is_new = sparse_set.rows_of(selection.handles) < 0
    sparse_set.reserve(selection.handles[is_new])
    return sparse_set, is_new


def _write_sparse(
    sparse_set: SparseSet,
    handles: NDArray[np.int64],
    is_new: NDArray[np.bool_],
    values: Values,
) -> None:
    component = sparse_set.component
    is_old = ~is_new
    old_values = at_positions(component, values, np.flatnonzero(is_old))
    write_rows(sparse_set.table, component, sparse_set.rows_of(handles[is_old]), old_values)
    sparse_set.append(handles[is_new], at_positions(component, values, np.flatnonzero(is_new)))
