"""How worlds and queries show themselves, and the figures that they show."""

from __future__ import annotations

import pytest

import ecs_columnar as ecs
from ecs_columnar import Mut
from ecs_columnar.display import N_TABLES_SHOWN, format_bytes
from tests.strategies import Burning, Frozen, Health, Label, Position, Velocity


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_500_000, "1.5 MB"),
        (2_000_000_000, "2.0 GB"),
        (3e12, "3000.0 GB"),
    ],
)
def test_bytes_are_written_in_the_unit_that_suits_them(nbytes: float, text: str) -> None:
    assert format_bytes(nbytes) == text


# -- worlds ---------------------------------------------------------------------------


def crowded_world(n_tables: int) -> ecs.World:
    """Return a world of tables with 1, 2, 3, ... rows."""
    world = ecs.World()
    for k in range(n_tables):
        world.spawn(k + 1, ecs.make_component(f"Kind{k}", {"n": ecs.i4})(k))
    return world


def test_a_world_shows_its_figures_and_its_tables_the_largest_first() -> None:
    world = ecs.World()
    world.spawn(2, Position(0.0), at="harbour")
    world.spawn(1200, Position(0.0), Velocity())
    world.add(world.query(Position, without=Velocity), Burning())

    title, *tables = repr(world).splitlines()

    assert title.startswith("<World: 1,202 entities in 2 tables, 2 of them in 1 places, ")
    assert tables == [
        "  1,200 x (Position, Velocity)",
        "      2 x (Position)",
        "      2 x (Burning)",
    ]


def test_an_empty_world_shows_its_figures_alone() -> None:
    assert repr(ecs.World()).startswith("<World: 0 entities in 0 tables, 0 of them in 0 places, ")
    assert "\n" not in repr(ecs.World())
    assert "<tbody></tbody>" in ecs.World()._repr_html_()


def test_a_table_without_rows_is_not_shown() -> None:
    world = ecs.World()
    world.despawn(world.spawn(3, Position(0.0)))

    assert "Position" not in repr(world)


def test_a_world_of_many_tables_shows_the_largest_and_how_many_more_there_are() -> None:
    lines = repr(crowded_world(N_TABLES_SHOWN + 2)).splitlines()
    html = crowded_world(N_TABLES_SHOWN + 2)._repr_html_()

    assert len(lines) == 1 + N_TABLES_SHOWN + 1
    assert lines[1] == f"  {N_TABLES_SHOWN + 2:>2} x (Kind{N_TABLES_SHOWN + 1})"
    assert lines[-1] == "  ... and 2 more sets of components"
    assert "... and 2 more</td>" in html
    assert "Kind2<" in html and "Kind1<" not in html
    assert "more" not in repr(crowded_world(N_TABLES_SHOWN))
    assert "more" not in crowded_world(N_TABLES_SHOWN)._repr_html_()


def test_a_world_in_a_notebook_escapes_what_users_named() -> None:
    world = ecs.World()
    world.spawn(3, ecs.make_component("Odd", {"n": ecs.i4}, id="<b>&")(1))
    world.spawn(1)

    html = world._repr_html_()

    assert "&lt;b&gt;&amp;</td><td>3</td>" in html
    assert "&mdash;</td><td>1</td>" in html


# -- queries --------------------------------------------------------------------------


def test_a_query_shows_its_terms_its_count_and_its_first_rows() -> None:
    world = ecs.World()
    world.spawn(7, Position([0, 1, 2, 3, 4, 5, 6], 0.5))

    title, header, *rows = repr(world.query(Mut[Position])).splitlines()

    assert title == "<query(Mut[Position]): 7 entities>"
    assert header.split() == ["Position.x", "Position.y"]
    # The line of the index' name, then handles as people read them.
    assert [row.split() for row in rows if row.strip() != "entity"] == [
        [f"{i}v1", f"{i}.0", "0.5"] for i in range(5)
    ]


def test_a_query_of_tags_shows_who_has_them() -> None:
    world = ecs.World()
    query = world.query(Frozen)

    assert repr(query) == "<query(Frozen): 0 entities>"
    world.spawn(5, Frozen())
    assert repr(query) == "<query(Frozen): 5 entities>\n0v1, 1v1, 2v1, 3v1, 4v1"
    world.spawn(1, Frozen())
    assert repr(query) == "<query(Frozen): 6 entities>\n0v1, 1v1, 2v1, 3v1, 4v1, ..."


def test_a_query_in_a_notebook_is_a_table() -> None:
    world = ecs.World()
    world.spawn(1200, Label("<i>"))

    html = world.query(Label)._repr_html_()

    assert html.startswith("<div><b>query(Label)</b>: 1,200 entities")
    assert "<td>&lt;i&gt;</td>" in html and "<th>4v1</th>" in html and "5v1" not in html


# -- figures --------------------------------------------------------------------------


def test_stats_count_entities_ids_places_and_rows() -> None:
    world = ecs.World()
    world.spawn(3, Position(0.0), at=["harbour", "inn", None])
    named = world.spawn(2, Health(), Burning(), ids=["a", "b"])
    world.despawn(named[:1])

    stats = world.stats()

    assert (stats.n_entities, stats.n_named) == (4, 1)
    assert (stats.n_placed, stats.n_places) == (2, 2)
    assert [(t.components, t.n_rows) for t in stats.tables] == [
        (("Position",), 3),
        (("core:health",), 1),
    ]
    assert [(t.components, t.n_rows) for t in stats.sparse] == [(("Burning",), 1)]
    assert all(t.capacity >= t.n_rows for t in (*stats.tables, *stats.sparse))
    # Three positions of two f4, one i4, one f4.
    assert stats.payload_nbytes == 3 * 8 + 4 + 4


def test_bytes_an_entity_are_those_of_all_arrays_and_of_what_is_neither_values_nor_ids() -> None:
    world = ecs.World()
    world.spawn(10, Position(0.0), ids=[f"ship-{i}" for i in range(10)])

    stats = world.stats()

    assert stats.bytes_per_entity == stats.nbytes / 10
    assert stats.overhead_per_entity == (stats.nbytes - 80 - stats.id_nbytes) / 10
    assert 0 < stats.overhead_per_entity < stats.bytes_per_entity


def test_an_empty_world_has_bytes_for_nobody_and_divides_by_none() -> None:
    stats = ecs.World().stats()

    assert stats.bytes_per_entity == stats.nbytes
    assert stats.overhead_per_entity == stats.nbytes - stats.id_nbytes


def test_stats_go_to_pandas_a_row_a_table() -> None:
    world = ecs.World()
    world.spawn(3, Position(0.0), Velocity(), Burning())

    frame = world.stats().to_pandas()

    assert frame.columns.tolist() == ["components", "n_rows", "capacity", "nbytes"]
    assert frame.components.tolist() == ["Position, Velocity", "Burning"]
    assert frame.n_rows.tolist() == [3, 3]
    # Handles of 8 bytes, and fields of 4.
    assert frame.nbytes.tolist() == [3 * (8 + 4 * 4), 3 * (8 + 4)]
