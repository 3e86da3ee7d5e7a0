"""Many more broken world files; ``ECS_STRESS=100000 pytest tests/stress`` asks for as many."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

import ecs_columnar as ecs
from tests.test_world_files_hostile import FILES, load_or_refuse, mutated
from tests.world_files import HARBOUR_TOWN, write

N = int(os.environ.get("ECS_STRESS", "0"))

pytestmark = pytest.mark.skipif(not N, reason="ECS_STRESS is not set")


def test_any_number_of_broken_folders_are_loaded_or_refused(tmp_path: Path) -> None:
    rng = random.Random(int(os.environ.get("ECS_SEED", "1")))
    root = write(tmp_path, dict(FILES))
    for _ in range(N):
        name = rng.choice(sorted(FILES))
        (root / name).write_bytes(mutated(FILES[name], rng))
        load_or_refuse(root)
        (root / name).write_bytes(FILES[name])


@pytest.mark.parametrize("suffix", ["ndjson", "parquet", "arrow"])
def test_any_number_of_broken_files_of_instances_are_loaded_or_refused(
    tmp_path: Path, suffix: str
) -> None:
    world = ecs.World.from_files(HARBOUR_TOWN)
    world.to_files(tmp_path / "w", format=suffix)  # type: ignore[arg-type]
    (path,) = (tmp_path / "w").rglob(f"*.{suffix}")
    whole = path.read_bytes()
    rng = random.Random(int(os.environ.get("ECS_SEED", "1")))
    for _ in range(N):
        path.write_bytes(mutated(whole, rng))
        load_or_refuse(tmp_path / "w")
