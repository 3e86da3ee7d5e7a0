"""``ecs-columnar inspect``: say what is in world files, or in a checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from ecs_columnar.checkpoint import inspect_command as of_checkpoint
from ecs_columnar.commands.loading import (
    add_world,
    as_json,
    content,
    content_text,
    load,
    summary,
    summary_text,
)

HELP: Final = "say what is in the files of a world, or in a saved world"

_MARKS: Final = ("game.json", "mod-manifest.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_world(parser)
    parser.add_argument(
        "--generation", type=int, metavar="N", help="of a saved world (default: the last)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Inspect world files, or a checkpoint.

    Returns
    -------
    int
        0, or 1 when something in them cannot be loaded.

    Raises
    ------
    WorldInitializationError
        When the files make no world.
    CheckpointError
        When the folder has no world files, and no checkpoint.
    """
    if not _has_world_files(arguments.world):
        arguments.folder = arguments.world
        return of_checkpoint.run(arguments)
    loaded = load(arguments)
    told, held = summary(loaded), content(loaded)
    if arguments.json:
        print(as_json({**told, "content": held}))
    else:
        print(summary_text(told), content_text(held), sep="\n")
    return loaded.exit_code


def _has_world_files(path: Path) -> bool:
    return not path.is_dir() or any((path / name).exists() for name in _MARKS)
