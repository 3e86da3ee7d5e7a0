"""``ecs-columnar inspect DIR``: what is in a checkpoint. Its manifest is read, and its log."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

HELP: Final = "show the tables, bytes and places of a saved world"

OK: Final = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder that a world was saved to")
    parser.add_argument(
        "--generation", type=int, metavar="N", help="which generation (default: the last)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Run the command.

    Returns
    -------
    int
        0.

    Raises
    ------
    CheckpointError
        When there is no checkpoint, or its manifest is not what was written.
    """
    found = _read(arguments.folder, arguments.generation)
    print(json.dumps(found, indent=2) if arguments.json else _text(found))
    return OK


def _read(folder: Path, generation: int | None) -> dict[str, Any]:
    from ecs_columnar.checkpoint.checkpoint import read_manifest

    path, manifest = read_manifest(folder, generation)
    ids = [component.type_id for component in manifest.components]
    return {
        "generation": int(path.name),
        "path": str(path),
        "tick": manifest.tick,
        "entities": manifest.n_entities,
        "bytes": manifest.nbytes,
        "files": len(manifest.files),
        "places": manifest.counts.places,
        "placed": manifest.counts.placed,
        "tables": [
            {"components": [ids[i] for i in table.components], "rows": table.n_rows}
            for table in manifest.tables
        ],
        "sparse": [
            {"component": ids[table.components[0]], "rows": table.n_rows}
            for table in manifest.sparse
        ],
        "components": [_component(component) for component in manifest.components],
        "definitions": [definition.id for definition in manifest.definitions],
        "generators": list(manifest.generators),
        "log": describe_log(folder, int(path.name)),
    }


def describe_log(folder: Path, generation: int) -> dict[str, Any] | None:
    """Return what is in the log of a generation; None where there is none."""
    from ecs_columnar.checkpoint.checkpoint import read_log

    log, tick = read_log(folder, generation)
    if log is None:
        return None
    return {
        "path": str(log.path),
        "records": log.n_records,
        "bytes": log.size,
        "tick": tick,
        "damage": log.damage,
    }


def _component(entry: Any) -> dict[str, Any]:
    fields = [
        {"name": f.name, "kind": f.kind, "dtype": f.dtype, "shape": list(f.shape)}
        for f in entry.fields
    ]
    return {"id": entry.type_id, "storage": entry.storage, "fields": fields}


def _text(found: dict[str, Any]) -> str:
    head = (
        f"generation {found['generation']} at tick {found['tick']}: {found['entities']:,} entities "
        f"in {len(found['tables'])} tables, {found['placed']:,} of them in {found['places']:,} "
        f"places, {found['bytes']:,} bytes in {found['files']} files"
    )
    tables = sorted(found["tables"], key=lambda table: -table["rows"])
    rows = [(t["rows"], f"({', '.join(t['components'])})") for t in tables]
    rows += [(t["rows"], f"{t['component']}, sparse") for t in found["sparse"]]
    lines = [head, *(f"  {n:>12,} x {what}" for n, what in rows)]
    if found["log"]:
        log = found["log"]
        damage = f"; {log['damage']}" if log["damage"] else ""
        lines.append(
            f"log to tick {log['tick']}: {log['records']:,} records, {log['bytes']:,} bytes{damage}"
        )
    return "\n".join(lines)
