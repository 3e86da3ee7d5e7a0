"""``ecs-columnar bench``: its arguments."""

from __future__ import annotations

import argparse
from typing import Final

HELP: Final = "time the services: item by item, in batches of dicts, in batches of columns"
N_ROUNDS: Final = 5

OK: Final = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--quick", action="store_true", help="leave the largest size out")
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")
    parser.add_argument(
        "--rounds",
        type=_positive,
        default=N_ROUNDS,
        metavar="N",
        help=f"do all N times; the best round counts (default: {N_ROUNDS})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmarks, and print each row when it is known.

    Returns
    -------
    int
        0.
    """
    # NumPy, Numba and pandas come in here, not with the command line.
    from ecs_columnar.bench.operations import measure
    from ecs_columnar.bench.report import footer, header, row, to_json

    rows = measure(n_rounds=arguments.rounds, quick=arguments.quick)
    if arguments.json:
        print(to_json(list(rows), n_rounds=arguments.rounds))
        return OK
    print("\n".join(header()), flush=True)
    measured = []
    for comparison in rows:
        measured.append(comparison)
        print(row(comparison), flush=True)
    print("\n".join(footer(measured, n_rounds=arguments.rounds)))
    return OK


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"cannot do {number} rounds; give 1 or more")
    return number
