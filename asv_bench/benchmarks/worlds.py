"""The components and worlds that the benchmarks work on."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

import ecs_columnar as ecs
from benchmarks.base import SEED, compile_kernels, floats

N_PLACES: Final = 10_000


class Position(ecs.Component):
    """Two streamed fields."""

    x: ecs.f4
    y: ecs.f4


class Velocity(ecs.Component):
    """Two more."""

    dx: ecs.f4
    dy: ecs.f4


class Health(ecs.Component):
    """What is added and removed."""

    points: ecs.f4


class Body(ecs.Component):
    """Thirty-two bytes in eight columns."""

    x: ecs.f4
    y: ecs.f4
    z: ecs.f4
    dx: ecs.f4
    dy: ecs.f4
    dz: ecs.f4
    mass: ecs.f4
    charge: ecs.f4


def bodies(n: int) -> tuple[ecs.World, NDArray[np.int64]]:
    """Make a world of ``n`` entities of 32 bytes."""
    compile_kernels()
    world, values = ecs.World(), floats(n)
    return world, world.spawn(n, Body(*[values] * 8))


def moving(n: int) -> tuple[ecs.World, NDArray[np.int64]]:
    """Make a world of ``n`` entities with Position and Velocity."""
    compile_kernels()
    world = ecs.World()
    return world, born(world, n)


def born(world: ecs.World, n: int) -> NDArray[np.int64]:
    """Spawn ``n`` more of them."""
    values = floats(n)
    return world.spawn(n, Position(x=values, y=values), Velocity(dx=values, dy=values))


def places_of(n: int) -> NDArray[np.intp]:
    """Draw a place number for each of ``n`` entities."""
    return np.random.default_rng(SEED).integers(0, N_PLACES, n)


def names_of(n: int) -> list[str]:
    """Make ``n`` string ids."""
    return [f"actor-{i}" for i in range(n)]
