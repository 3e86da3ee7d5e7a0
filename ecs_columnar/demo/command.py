"""``ecs-columnar demo``: its arguments."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from ecs_columnar.demo.extras import require

HELP: Final = "replay a year of real flights, and check where every plane ends"
PICTURE: Final = "planes_by_airport.png"

OK, DISAGREEMENT = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="folder of the picture (default: .)"
    )
    parser.add_argument(
        "--scale",
        type=_positive,
        default=1,
        metavar="N",
        help="fly N copies of the fleet; 250 are a million planes (default: 1)",
    )
    parser.add_argument("--quiet", action="store_true", help="print the summary only")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo.

    Returns
    -------
    int
        0, or 1 when a plane is not where pandas puts it.

    Raises
    ------
    MissingExtraError
        When a package that only the demo needs is not installed.
    OSError
        When the picture cannot be written.
    """
    require()
    # Numba, pandas and matplotlib come in here, not with the command line.
    from ecs_columnar.demo.year import replay_year

    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / PICTURE
    agrees = replay_year(path, n_copies=arguments.scale, quiet=arguments.quiet)
    return OK if agrees else DISAGREEMENT


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"cannot fly {number} copies; give 1 or more")
    return number
