"""How worlds and queries show themselves, in a terminal and in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ecs_columnar.names import format_handle
from ecs_columnar.stats import Stats, TableStats

if TYPE_CHECKING:
    import pandas as pd

    from ecs_columnar.query import Query

N_TABLES_SHOWN = 8
N_ROWS_SHOWN = 5


def format_bytes(nbytes: float) -> str:
    """Write a number of bytes in the unit that suits it.

    Examples
    --------
    >>> format_bytes(1_500_000)
    '1.5 MB'
    """
    for unit in ("B", "kB", "MB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} B" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} GB"


def world_text(stats: Stats) -> str:
    """Write a world for a terminal: a line of figures, and a line a table."""
    lines = [f"<World: {_summary(stats)}>"]
    tables = _largest(stats)
    width = max((len(f"{table.n_rows:,}") for table in tables), default=0)
    lines += [
        f"  {table.n_rows:>{width},} x ({', '.join(table.components)})"
        for table in tables[:N_TABLES_SHOWN]
    ]
    if len(tables) > N_TABLES_SHOWN:
        lines.append(f"  ... and {len(tables) - N_TABLES_SHOWN} more sets of components")
    return "\n".join(lines)


def world_html(stats: Stats) -> str:
    """Write a world for a notebook: a line of figures, and a table of its tables."""
    tables = _largest(stats)
    rows = "".join(
        f"<tr><td style='text-align:left'>{escape(', '.join(table.components)) or '&mdash;'}</td>"
        f"<td>{table.n_rows:,}</td><td>{format_bytes(table.nbytes)}</td></tr>"
        for table in tables[:N_TABLES_SHOWN]
    )
    if len(tables) > N_TABLES_SHOWN:
        rows += f"<tr><td colspan='3'>... and {len(tables) - N_TABLES_SHOWN} more</td></tr>"
    return (
        f"<div><b>World</b>: {escape(_summary(stats))}"
        "<table><thead><tr><th style='text-align:left'>components</th><th>entities</th>"
        f"<th>memory</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def query_text(query: Query) -> str:
    """Write a query for a terminal: its terms, its count and its first rows."""
    count = query.count()
    title = f"<{query.describe()}: {count:,} entities>"
    head = _head(query)
    if head.empty:  # of tags there is nothing to show but who has them
        more = ", ..." if count > len(head) else ""
        return "\n".join([title, *([", ".join(head.index) + more] if count else [])])
    return f"{title}\n{head.to_string()}"


def query_html(query: Query) -> str:
    """Write a query for a notebook: its terms, its count and its first rows."""
    head = _head(query).to_html(notebook=True)
    return f"<div><b>{escape(query.describe())}</b>: {query.count():,} entities{head}</div>"


def _head(query: Query) -> pd.DataFrame:
    """Return the first rows, with handles as people read them."""
    head = query.head(N_ROWS_SHOWN)
    return head.set_axis(head.index.map(format_handle), axis="index")


def _summary(stats: Stats) -> str:
    return (
        f"{stats.n_entities:,} entities in {sum(t.n_rows > 0 for t in stats.tables)} tables, "
        f"{stats.n_placed:,} of them in {stats.n_places:,} places, {format_bytes(stats.nbytes)}"
    )


def _largest(stats: Stats) -> list[TableStats]:
    """Return the tables that have rows, the largest first."""
    filled = [table for table in (*stats.tables, *stats.sparse) if table.n_rows]
    return sorted(filled, key=lambda table: -table.n_rows)
