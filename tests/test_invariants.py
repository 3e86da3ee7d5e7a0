"""``World.check`` finds whatever part of the storage contradicts another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import ecs_columnar as ecs
from ecs_columnar.storage import Storage
from tests.strategies import Burning, Health, Label, Position


@pytest.fixture
def world() -> ecs.World:
    """Return a world of two tables, ids, places, a sparse component, and free indices."""
    made = ecs.World()
    made.spawn(3, Position([0, 1, 2]), ids=["a", "b", "c"], at=["harbour", "inn", "harbour"])
    rocks = made.spawn(2, Health(1), Label("x"), Burning([1.0, 2.0]), at="inn")
    made.move(rocks, None)
    made.despawn(made.spawn(2))
    made.move("c", made.ids["a"])
    made.check()
    return made


def swap_rows(s: Storage) -> None:
    handles = s.tables[0].handles.data
    handles[:2] = handles[1::-1].copy()


def lose_a_table(s: Storage) -> None:
    s.table_by_mask[s.tables[0].mask] = s.tables[1]


def grow_a_table(s: Storage) -> None:
    s.tables[0].length = s.tables[0].handles.capacity + 1


def cut_off_the_handles(s: Storage) -> None:
    s.tables[0].handles.hold(s.tables[0].handles.data[:1])


def cut_off_a_column(s: Storage) -> None:
    column = next(iter(s.tables[0].all_columns()))
    column.hold(column.data[:1])


def count_a_free_index_less(s: Storage) -> None:
    s.entities.counters[1] -= 1


def free_another_generation(s: Storage) -> None:
    s.entities.free[0] += 1 << 32


def revive_an_index_that_was_never_used(s: Storage) -> None:
    s.entities.hold(np.append(s.entities.records, s.entities.records[:1]))


def count_a_retired_index(s: Storage) -> None:
    s.entities.counters[2] += 1


def forget_a_row(s: Storage) -> None:
    s.tables[1].length -= 1
    s.sparse.clear()


def forget_a_slot(s: Storage) -> None:
    next(iter(s.sparse.values())).slots[3] = -1


def swap_slots(s: Storage) -> None:
    slots = next(iter(s.sparse.values())).slots
    slots[3:5] = slots[4:2:-1].copy()


def burn_the_dead(s: Storage) -> None:
    sparse = next(iter(s.sparse.values()))
    sparse.table.handles.data[0] += 1 << 32


def name_somebody_twice(s: Storage) -> None:
    s.names.handle_of[s.symbols.code("a")] = s.names.handle_of[s.symbols.code("b")]


def count_a_name_more(s: Storage) -> None:
    s.names.n_named += 1


def name_the_dead(s: Storage) -> None:
    s.names.handle_of[s.symbols.code("b")] += 1 << 32


def exchange_places(s: Storage) -> None:
    s.places.symbols[:2] = s.places.symbols[1::-1].copy()


def exchange_places_of_entities(s: Storage) -> None:
    s.places.code_of_index[0] = 0


def give_an_id_to_a_place_of_another(s: Storage) -> None:
    s.places.entities[0] = s.places.entities[2] + (1 << 32)


def lead_behind_the_members(s: Storage) -> None:
    s.locations.counters[1] = s.locations.members.shape[0] + 1


def leave_arrivals(s: Storage) -> None:
    s.locations.arrivals[0] = 1


def give_room_to_an_unknown_group(s: Storage) -> None:
    s.locations.groups["capacity"][s.locations.n_locations] = 1


def owe_members(s: Storage) -> None:
    s.locations.groups["count"][0] = -1


def crowd_a_group(s: Storage) -> None:
    s.locations.groups["count"][0] = s.locations.groups["capacity"][0] + 1


def count_one_placed_more(s: Storage) -> None:
    s.locations.counters[0] += 1


def put_a_group_out_of_bounds(s: Storage) -> None:
    s.locations.groups["start"][0] = -1


def put_a_group_behind_the_tail(s: Storage) -> None:
    s.locations.groups["start"][0] = s.locations.tail


def overlap_groups(s: Storage) -> None:
    s.locations.groups["start"][1] = s.locations.groups["start"][0]


def place_whom_there_is_no_record_of(s: Storage) -> None:
    s.locations.members[s.locations.groups["start"][0]] = 10**6


def say_that_somebody_is_elsewhere(s: Storage) -> None:
    s.locations.records["location"][0] = 1


def say_that_somebody_is_in_another_slot(s: Storage) -> None:
    s.locations.records["slot"][0] += 1


def say_that_nobody_is_somewhere(s: Storage) -> None:
    s.locations.records["location"][3] = 0


def place_the_dead(s: Storage) -> None:
    s.locations.members[s.locations.groups["start"][0]] += 1 << 32


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (swap_rows, "<Table 0: 3 rows of .Position.>: its rows are not where"),
        (lose_a_table, "<Table 0: .*: its set finds another"),
        (grow_a_table, "table 0: column .* has room for"),
        (cut_off_the_handles, "table 0: column handle has room for 1 of"),
        (cut_off_a_column, "table 0: column .* has room for 1 of"),
        (count_a_free_index_less, "the free list: it holds 1 indices and 2 are dead"),
        (free_another_generation, "the free list"),
        (revive_an_index_that_was_never_used, "the records: some behind the 7 that are used"),
        (count_a_retired_index, "the count of retired indices"),
        (forget_a_row, "the tables: 4 rows for 5 entities"),
        (forget_a_slot, "the sparse set of Burning: 1 slots for 2 rows"),
        (swap_slots, "the sparse set of Burning: 2 slots for 2 rows"),
        (burn_the_dead, "<ComponentType Burning>: 1 entities are dead"),
        (name_somebody_twice, "the ids: 3 strings name 3 entities"),
        (count_a_name_more, "the ids: 3 strings name 3 entities"),
        (name_the_dead, "the ids: 1 entities are dead"),
        (exchange_places, "the places: a name finds another one"),
        (exchange_places_of_entities, "the places: an entity is another one"),
        (give_an_id_to_a_place_of_another, "the places: an id is of another entity"),
        (lead_behind_the_members, "the location index: the tail is behind the members"),
        (leave_arrivals, "the location index: arrivals are left over"),
        (give_room_to_an_unknown_group, "the location index: there are unknown groups"),
        (owe_members, "the location index: a group has fewer than no members"),
        (crowd_a_group, "the location index: a group has more members than room"),
        (count_one_placed_more, "the location index: the number of placed is wrong"),
        (put_a_group_out_of_bounds, "the location index: a group is out of bounds"),
        (put_a_group_behind_the_tail, "the location index: a group is out of bounds"),
        (overlap_groups, "the location index: two groups overlap"),
        (place_whom_there_is_no_record_of, "the location index: a member has no record"),
        (say_that_somebody_is_elsewhere, "the location index: a member is said to be elsewhere"),
        (say_that_somebody_is_in_another_slot, "the location index: a member is in another slot"),
        (say_that_nobody_is_somewhere, "the location index: an entity is a member of no group"),
        (place_the_dead, "the location index: 1 entities are dead"),
    ],
)
def test_a_contradiction_is_found_and_named(
    world: ecs.World, spoil: Callable[[Storage], None], fault: str
) -> None:
    spoil(world._storage)

    with pytest.raises(ecs.RepositoryConsistencyError, match=f"cannot trust {fault}"):
        world.check()


def test_indices_whose_generations_are_used_up_are_counted(world: ecs.World) -> None:
    """An index that is never used again is in no free list, and is no fault."""
    (last,) = world.spawn(1)
    generations = world._storage.entities.records["generation"]
    generations[last & 0xFFFFFFFF] = 2**31 - 1
    handle = np.int64((last & 0xFFFFFFFF) | (2**31 - 1) << 32)
    world._storage.tables[2].handles.data[0] = handle

    world.despawn(int(handle))

    world.check()
    assert world.spawn(1) & 0xFFFFFFFF != last & 0xFFFFFFFF
