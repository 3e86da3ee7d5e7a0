"""The picture of the demo."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

from ecs_columnar.demo.census import Census
from ecs_columnar.demo.fleet_map import n_off_map
from ecs_columnar.demo.picture import LABEL_GAP, draw, spread
from tests.demo_year import year


def census(n_days: int) -> Census:
    places = np.array(["ATL", "HNL", "JFK", "ORD", "SJU"], object)
    growth = np.arange(1, n_days + 1)[:, None]
    counts = growth * np.array([5, 1, 0, 3, 2])
    days = np.datetime64("2013-01-01") + np.arange(n_days)
    return Census(days, places, counts, 11 * n_days + 7 - counts.sum(axis=1))


@pytest.mark.parametrize("n_days", [1, 2, 40, 366])
def test_the_picture_is_written_and_is_not_empty(n_days: int, tmp_path: Path) -> None:
    path = draw(census(n_days), year().airports, tmp_path / "picture.png", dpi=50)

    pixels = imread(path)
    assert pixels.shape[:2] == (660, 550)
    # White paper, dark ink, and colours in both halves.
    assert pixels.min() < 0.35
    assert (pixels[:300, :, :3].std(axis=2) > 0.1).any()
    assert (pixels[-300:, :, :3].std(axis=2) > 0.1).any()


def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (
        draw(census(3), year().airports, tmp_path / name, dpi=50) for name in ("a.png", "b.png")
    )

    assert first.read_bytes() == second.read_bytes()


def test_planes_off_the_map_are_counted() -> None:
    assert n_off_map(census(4), year().airports) == 4 * (1 + 2)


def test_the_largest_come_first_and_equal_ones_by_name() -> None:
    counts = np.array([[2, 5, 2, 0]])
    days = np.array(["2013-01-01"], "datetime64[D]")

    found = Census(days, np.array(list("cbad"), object), counts, np.array([0])).largest(3)

    assert found.tolist() == [1, 2, 0]


@given(st.lists(st.floats(0, 1), max_size=30))
def test_labels_are_kept_apart_and_in_order(positions: list[float]) -> None:
    apart = spread(sorted(positions), LABEL_GAP)

    assert len(apart) == len(positions)
    assert all(above - below > 0.999 * LABEL_GAP for below, above in pairwise(apart))
    assert all(y <= 1 for y in apart)
