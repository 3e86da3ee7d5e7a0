"""``ecs-columnar check DIR``: verify a checkpoint without its component classes."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Final

from ecs_columnar.checkpoint import inspect_command

HELP: Final = "verify every file of a saved world and its log, and that the world is consistent"

OK, DAMAGED = 0, 1

add_arguments = inspect_command.add_arguments


def run(arguments: argparse.Namespace) -> int:
    """Run the command.

    Returns
    -------
    int
        0, or 1 when the checkpoint is damaged, or is not there.
    """
    from ecs_columnar.errors import CheckpointError, RepositoryConsistencyError

    try:
        found = _check(arguments)
    except (CheckpointError, RepositoryConsistencyError) as error:
        found = {"ok": False, "error": str(error), "path": str(getattr(error, "path", None))}
    if arguments.json:
        print(json.dumps(found, indent=2))
    elif found["ok"]:
        log = found["log"]
        records = f", {log['records']:,} records in its log" if log else ""
        print(
            f"generation {found['generation']} is good: {found['entities']:,} entities, "
            f"{found['bytes']:,} bytes in {found['files']} files{records}"
        )
    else:
        print(f"ecs-columnar check: {found['error']}", file=sys.stderr)
    return OK if found["ok"] else DAMAGED


def _check(arguments: argparse.Namespace) -> dict[str, Any]:
    from ecs_columnar.checkpoint.checkpoint import check_storage, read_manifest

    path, storage, _ = check_storage(arguments.folder, arguments.generation)
    _, manifest = read_manifest(arguments.folder, int(path.name))
    log = inspect_command.describe_log(arguments.folder, int(path.name))
    damage = log["damage"] if log else None
    return {
        "ok": damage is None,
        "error": None if damage is None else f"the log of {path} is damaged: {damage}",
        "generation": int(path.name),
        "path": str(path),
        "entities": storage.entities.n_alive,
        "bytes": manifest.nbytes,
        "files": len(manifest.files),
        "log": log,
    }
