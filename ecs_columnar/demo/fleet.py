"""A world with the airports, and the planes as often as wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ecs_columnar.demo.components import (
    AIRPORT,
    PLANE,
    UNREGISTERED,
    Aircraft,
    Airport,
    Built,
    Cabin,
    Coordinates,
    CruisingSpeed,
    Engines,
    Plane,
    TimeZone,
    Unregistered,
)
from ecs_columnar.demo.files import Files
from ecs_columnar.demo.journal import Journal
from ecs_columnar.world import World


@dataclass(frozen=True, slots=True)
class Fleet:
    """A world, and which planes are in it.

    Attributes
    ----------
    world : World
        Airports by their code, planes by their tail number; all planes nowhere.
    planes : int64 array, shape (n_copies, n_planes)
        Handles; columns as ``Journal.tails``.
    ids : object array of str, shape (n_copies, n_planes)
        Tail numbers; from the second copy on with a suffix, "N14228~2".
    """

    world: World
    planes: NDArray[np.int64]
    ids: NDArray[Any]

    def last_places(self) -> NDArray[Any]:
        """Return the name of the place of each plane, None for nowhere.

        Returns
        -------
        object array of str, shape (n_copies, n_planes)
        """
        found: NDArray[Any] = self.world.locations.of(self.planes.ravel())
        return found.reshape(self.planes.shape)


def build_fleet(files: Files, journal: Journal, *, n_copies: int = 1) -> Fleet:
    """Spawn the airports, and every plane of the journal ``n_copies`` times.

    Parameters
    ----------
    files : Files
    journal : Journal
        Made of the same files.
    n_copies : int, default 1

    Returns
    -------
    Fleet
    """
    world = World()
    define(world)
    spawn_airports(world, files.airports)
    ids = copied_ids(journal.tails, n_copies)
    planes = np.empty(ids.shape, np.int64)
    known = slice(0, journal.n_on_file)
    others = slice(journal.n_on_file, None)
    planes[:, known] = spawn_planes(world, files.planes, ids[:, known])
    planes[:, others] = spawn_unregistered(world, ids[:, others])
    return Fleet(world, planes, ids)


def define(world: World) -> None:
    """Define what an airport, a plane and an unregistered plane are."""
    world.define(AIRPORT, Airport("", 0), Coordinates(0.0, 0.0), TimeZone("", 0, "U"))
    world.define(PLANE, Plane(), Aircraft("", "", ""), Engines("", 0), Cabin(0))
    world.define(UNREGISTERED, Plane(), Unregistered())


def spawn_airports(world: World, airports: pd.DataFrame) -> NDArray[np.int64]:
    """Spawn the airports of the file, and return their handles."""
    column = _columns(airports, 1)
    return world.spawn(
        len(airports),
        Airport(name=column("name"), altitude=column("alt")),
        Coordinates(lat=column("lat"), lon=column("lon")),
        TimeZone(name=column("tzone"), offset=column("tz"), daylight=column("dst")),
        ids=column("faa"),
        definition=AIRPORT,
    )


def spawn_planes(world: World, planes: pd.DataFrame, ids: NDArray[Any]) -> NDArray[np.int64]:
    """Spawn the planes of the file, once for each row of ids.

    Parameters
    ----------
    world : World
    planes : DataFrame
    ids : object array of str, shape (n_copies, n_planes)

    Returns
    -------
    int64 array, shape (n_copies, n_planes)
    """
    column = _columns(planes, ids.shape[0])
    handles = world.spawn(
        ids.size,
        Aircraft(type=column("type"), manufacturer=column("manufacturer"), model=column("model")),
        Engines(kind=column("engine"), number=column("engines")),
        Cabin(seats=column("seats")),
        ids=ids.ravel(),
        definition=PLANE,
    )
    year, speed = column("year"), column("speed")
    has_year, has_speed = np.isfinite(year), np.isfinite(speed)
    world.add(handles[has_year], Built(year=year[has_year].astype(np.int64)))
    world.add(handles[has_speed], CruisingSpeed(mph=speed[has_speed]))
    return handles.reshape(ids.shape)


def spawn_unregistered(world: World, ids: NDArray[Any]) -> NDArray[np.int64]:
    """Spawn planes of which nothing is known but the tail number; same shape as ids."""
    handles = world.spawn(ids.size, ids=ids.ravel(), definition=UNREGISTERED)
    return handles.reshape(ids.shape)


def copied_ids(tails: NDArray[Any], n_copies: int) -> NDArray[Any]:
    """Return the ids of all copies, shape (n_copies, n_planes); the first are the tails."""
    ids = np.empty((n_copies, tails.shape[0]), object)
    ids[0] = tails
    for copy in range(1, n_copies):
        ids[copy] = [f"{tail}~{copy + 1}" for tail in tails]
    return ids


def _columns(frame: pd.DataFrame, n_copies: int) -> Callable[[str], NDArray[Any]]:
    """Return what hands out a column as an array, once for each copy; no string is ''."""

    def column(name: str) -> NDArray[Any]:
        values = frame[name]
        if not pd.api.types.is_numeric_dtype(values.dtype):
            return np.tile(values.fillna("").to_numpy(object), n_copies)
        return np.tile(values.to_numpy(), n_copies)

    return column
