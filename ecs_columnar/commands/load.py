"""``ecs-columnar load``: load world files, and save the world."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from ecs_columnar.commands.loading import add_world, as_json, load, summary, summary_text

HELP: Final = "load a world from files, and say what could not be loaded"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_world(parser)
    parser.add_argument("--save", type=Path, metavar="DIR", help="save the world as a checkpoint")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Load a world.

    Returns
    -------
    int
        0, or 1 when something could not be loaded.

    Raises
    ------
    WorldInitializationError
        When the files make no world.
    CheckpointError
        When it cannot be saved.
    """
    loaded = load(arguments)
    found = summary(loaded)
    if arguments.save is not None:
        loaded.services.world.save(arguments.save)
        found["saved"] = str(arguments.save)
    print(as_json(found) if arguments.json else summary_text(found))
    return loaded.exit_code
