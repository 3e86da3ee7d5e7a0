"""The lower half of the picture: a map of the fleet on the last day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from ecs_columnar.demo.census import Census

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

LONGITUDES: Final = (-125.5, -66.5)
LATITUDES: Final = (24.0, 49.8)
# Degrees of latitude are this much longer than those of longitude, at 38 north.
ASPECT: Final = 1.27

N_LABELS: Final = 34
LARGEST_AREA: Final = 1500.0
CIRCLE: Final = "#0072B2"
INK: Final = "#222222"


class Side(NamedTuple):
    """Where a label stands beside a circle.

    Attributes
    ----------
    x, y : int
        Direction from the centre.
    horizontal, vertical : str
        Alignment of the text.
    """

    x: int
    y: int
    horizontal: Any
    vertical: Any


SIDES: Final = (
    Side(1, 0, "left", "center"),
    Side(-1, 0, "right", "center"),
    Side(0, 1, "center", "bottom"),
    Side(0, -1, "center", "top"),
)


def draw_map(axes: Axes, census: Census, airports: pd.DataFrame) -> None:
    """Draw all airports as dots, and those with planes as circles, area by planes.

    Parameters
    ----------
    axes : Axes
    census : Census
    airports : DataFrame
        Columns ``faa``, ``lat`` and ``lon`` in degrees.
    """
    shown = airports[airports["lon"].between(*LONGITUDES) & airports["lat"].between(*LATITUDES)]
    axes.set_xlim(*LONGITUDES)
    axes.set_ylim(*LATITUDES)
    axes.set_aspect(ASPECT)
    axes.set_axis_off()
    axes.scatter(shown["lon"], shown["lat"], s=4, color="#BDBDBD", linewidths=0)
    fleet = _fleet(census, shown)
    areas = fleet["planes"].to_numpy() / max(fleet["planes"].max(), 1) * LARGEST_AREA
    axes.scatter(
        *(fleet["lon"], fleet["lat"]),
        s=areas,
        color=CIRCLE,
        alpha=0.5,
        edgecolor="white",
        linewidths=0.7,
    )
    _label(axes, fleet, np.sqrt(areas / np.pi))


def n_off_map(census: Census, airports: pd.DataFrame) -> int:
    """Return how many planes are at airports that the map does not show."""
    in_view = airports["lon"].between(*LONGITUDES) & airports["lat"].between(*LATITUDES)
    on_map = np.isin(census.places, airports["faa"][in_view].to_numpy(object))
    return int(census.counts[-1, ~on_map].sum())


def _fleet(census: Census, airports: pd.DataFrame) -> pd.DataFrame:
    """Return the airports with planes, most planes first."""
    planes = pd.Series(census.counts[-1], index=census.places)
    fleet = airports.assign(planes=airports["faa"].map(planes).fillna(0).astype(np.int64))
    return fleet[fleet["planes"] > 0].sort_values("planes", ascending=False, kind="stable")


def _label(axes: Axes, fleet: pd.DataFrame, radii: NDArray[np.float64]) -> None:
    """Label the largest, where there is room; a label never covers another one."""
    centres = axes.transData.transform(fleet[["lon", "lat"]].to_numpy())
    pixels = radii * axes.figure.dpi / 72
    taken = [_square(centre, radius) for centre, radius in zip(centres, pixels, strict=True)]
    rows = fleet.head(N_LABELS)
    for i, (name, planes) in enumerate(zip(rows["faa"], rows["planes"], strict=True)):
        others = taken[:i] + taken[i + 1 :]
        for side in SIDES:
            text = _text(axes, f"{name} {planes:,}", rows.iloc[i], radii[i] + 1.5, side)
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in others):
                taken.append(box)
                break
            text.remove()


def _text(axes: Axes, label: str, airport: Any, distance: float, side: Side) -> Annotation:
    return axes.annotate(
        label,
        (airport["lon"], airport["lat"]),
        xytext=(side.x * distance, side.y * distance),
        textcoords="offset points",
        ha=side.horizontal,
        va=side.vertical,
        fontsize=8,
        color=INK,
    )


def _square(centre: NDArray[np.float64], radius: float) -> Bbox:
    """Return a box within a circle, so that labels may graze it and not cover it."""
    half = 0.6 * radius
    return Bbox([centre - half, centre + half])
