"""``ecs-columnar convert``: write a world in another format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from ecs_columnar.commands.loading import add_world, as_json, load, summary, summary_text

HELP: Final = "write a world in another format of its instances"
FORMATS: Final = ("json", "ndjson", "parquet", "arrow")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_world(parser)
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="a new folder; or a name that ends with .json"
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="json", help="of the instances (default: json)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Convert world files.

    Returns
    -------
    int
        0, or 1 when something could not be loaded, and is not in what was written.

    Raises
    ------
    WorldInitializationError
        When the files make no world.
    InvalidArgumentError
        When it cannot be written.
    """
    loaded = load(arguments)
    loaded.services.world.to_files(arguments.out, format=arguments.format)
    found = summary(loaded)
    if arguments.json:
        print(as_json(found | {"written": str(arguments.out)}))
    else:
        print(summary_text(found))
        print(f"written to {arguments.out}")
    return loaded.exit_code
