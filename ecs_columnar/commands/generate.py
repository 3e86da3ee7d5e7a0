"""``ecs-columnar generate``: a world of any size, the same for the same seed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

HELP: Final = "write a made-up world of any size, the same for the same seed"

NAME: Final = {
    "id": "core:name",
    "dataSchema": {
        "type": "object",
        "properties": {"text": {"type": "string", "minLength": 1}},
        "required": ["text"],
        "additionalProperties": False,
    },
}
HEALTH: Final = {
    "id": "core:health",
    "dataSchema": {
        "type": "object",
        "properties": {"points": {"type": "integer", "minimum": 0, "maximum": 100}},
        "required": ["points"],
        "additionalProperties": False,
    },
}
PLACE: Final = {"id": "core:place", "components": {"core:name": {"text": "a place"}}}
SAILOR: Final = {
    "id": "core:sailor",
    "components": {"core:name": {"text": "a sailor"}, "core:health": {"points": 100}},
}
PER_PLACE: Final = 100
"""Sailors for each place."""

_AT_ONCE: Final = 1 << 14
_NAMES: Final = ("Ann", "Ben", "Cleo", "Dai", "Edda", "Finn", "Gwen", "Hal", "Ida", "Jon")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--instances", type=_positive, required=True, metavar="N", help="how many instances"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="(default: 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")


def run(arguments: argparse.Namespace) -> int:
    """Write a world.

    Returns
    -------
    int
        0.

    Raises
    ------
    InvalidArgumentError
        When the folder is there already.
    """
    from ecs_columnar.io.mod_folder import write_mods
    from ecs_columnar.io.new_files import new_folder

    def write_instances(folder: Path) -> list[str]:
        name = "instances.ndjson"
        with (folder / name).open("wb") as file:
            for lines in _lines(arguments.instances, arguments.seed):
                file.writelines(lines)
        return [name]

    with new_folder(arguments.out) as folder:
        write_mods(folder, (NAME, HEALTH), (PLACE, SAILOR), write_instances)
    print(f"{arguments.instances:,} instances in {arguments.out}")
    return 0


def _lines(n: int, seed: int) -> Iterator[list[bytes]]:
    """Yield the instances, a line each: places, and sailors in them."""
    import numpy as np

    from ecs_columnar.io.json_text import write_json

    rng = np.random.default_rng(abs(seed))
    n_places = max(1, n // (PER_PLACE + 1))
    for start in range(0, n, _AT_ONCE):
        stop = min(start + _AT_ONCE, n)
        places = rng.integers(0, n_places, stop - start).tolist()
        points = rng.integers(0, 101, stop - start).tolist()
        yield [
            write_json(_instance(i, n_places, place, health)) + b"\n"
            for i, place, health in zip(range(start, stop), places, points, strict=True)
        ]


def _instance(i: int, n_places: int, place: int, points: int) -> dict[str, Any]:
    if i < n_places:
        overrides: dict[str, Any] = {"core:name": {"text": f"place {i}"}}
        return _of(f"place-{i}", "core:place", overrides)
    overrides = {
        "core:name": {"text": f"{_NAMES[i % len(_NAMES)]} {i}"},
        "core:health": {"points": points},
        "core:position": {"locationId": f"place-{place}"},
    }
    return _of(f"sailor-{i}", "core:sailor", overrides)


def _of(instance_id: str, definition_id: str, overrides: dict[str, Any]) -> dict[str, Any]:
    return {
        "instanceId": instance_id,
        "definitionId": definition_id,
        "componentOverrides": overrides,
    }


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"cannot write {number} instances; give 1 or more")
    return number
