"""The command line: ``ecs-columnar <command>``.

Each command is a module with ``HELP``, ``add_arguments`` and ``run``; it imports
what it needs when it runs, so that ``--help`` is immediate.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from ecs_columnar.errors import EcsColumnarError

COMMANDS: Final = {
    "bench": "ecs_columnar.bench.command",
    "demo": "ecs_columnar.demo.command",
    "load": "ecs_columnar.commands.load",
    "inspect": "ecs_columnar.commands.inspect",
    "check": "ecs_columnar.checkpoint.check_command",
    "convert": "ecs_columnar.commands.convert",
    "generate": "ecs_columnar.commands.generate",
}
"""Command to the module that has it."""

REFUSED, INTERRUPTED, CUT_SHORT = 2, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        Exit code: what the command returns; 2 when it cannot run; 130 when it was
        interrupted; 141 when nobody reads what it prints.

    Raises
    ------
    SystemExit
        When the arguments are wrong (2), or ask for help (0).
    """
    given = _parser().parse_args(arguments)
    try:
        code = int(import_module(COMMANDS[given.command]).run(given))
        sys.stdout.flush()  # now: at its end the interpreter would print what goes wrong
        return code
    except BrokenPipeError:  # who reads has had enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CUT_SHORT
    except (EcsColumnarError, OSError) as error:
        print(f"ecs-columnar {given.command}: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print(f"ecs-columnar {given.command}: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ecs-columnar", description="Entities and components in columnar arrays."
    )
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, module in COMMANDS.items():
        command = import_module(module)
        command.add_arguments(
            commands.add_parser(name, help=command.HELP, description=command.HELP)
        )
    return parser
