"""World files, loaded by a command, and what it prints of that."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ecs_columnar.services import Services
    from ecs_columnar.services.files_result import WorldFilesResult

OK, INCOMPLETE = 0, 1

SHOWN: Final = 20
"""Problems that are printed; ``--json`` prints all."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A world that a command has loaded.

    Attributes
    ----------
    services : Services
    result : WorldFilesResult
    """

    services: Services
    result: WorldFilesResult

    @property
    def exit_code(self) -> int:
        """0, or 1 when something could not be loaded."""
        return INCOMPLETE if len(self.result.problems) else OK


def add_world(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of a command that loads world files."""
    parser.add_argument("world", type=Path, metavar="WORLD", help="folder or file of the world")
    parser.add_argument("--world-id", metavar="ID", help="which of its worlds (default: the start)")


def load(arguments: argparse.Namespace) -> Loaded:
    """Load the world that the arguments name.

    Raises
    ------
    WorldInitializationError
    """
    import logging

    from ecs_columnar.services.factory import create_default_services_with_config
    from ecs_columnar.services.files_result import WorldFilesResult
    from ecs_columnar.warmup import warmup

    # A slow load is no news here, and a timeout would load item by item.
    logging.getLogger("ecs_columnar").setLevel(logging.ERROR)
    warmup()
    services = create_default_services_with_config()
    result = services.world_loading_service.load_world(arguments.world, world_id=arguments.world_id)
    assert isinstance(result, WorldFilesResult)
    return Loaded(services, result)


def summary(loaded: Loaded) -> dict[str, Any]:
    """Return what was loaded, and what was not, as plain data."""
    result = loaded.result
    seconds = result.total_processing_time / 1000.0
    return {
        "world": result.world_id,
        "mods": list(result.mods),
        "instances": {"loaded": result.instantiated_count, "failed": result.failed_count},
        "path": result.optimization_used,
        "milliseconds": {name: round(ms, 3) for name, ms in result.phases.items()},
        "items_per_second": round(result.total_processed / seconds),
        "problems": [problem._asdict() for problem in result.problems],
    }


def content(loaded: Loaded) -> dict[str, Any]:
    """Return what is in the world, as plain data."""
    services, stats = loaded.services, loaded.services.world.stats()
    locations = services.world.locations
    counts = {place: locations.count(place) for place in locations}
    return {
        "component_types": services.components.ids(),
        "definitions": services.definitions.ids(),
        "tables": [
            {"components": list(t.components), "rows": t.n_rows, "bytes": t.nbytes}
            for t in (*stats.tables, *stats.sparse)
            if t.n_rows
        ],
        "bytes": stats.nbytes,
        "locations": {"placed": stats.n_placed, "places": sum(n > 0 for n in counts.values())},
        "fullest": dict(sorted(counts.items(), key=lambda item: -item[1])[:5]),
    }


def as_json(found: dict[str, Any]) -> str:
    """Write plain data for programs."""
    return json.dumps(found, indent=2)


def summary_text(found: dict[str, Any]) -> str:
    """Write a summary for people."""
    instances, rate = found["instances"], found["items_per_second"]
    n = instances["loaded"] + instances["failed"]
    times = ", ".join(f"{name} {ms:,.1f} ms" for name, ms in found["milliseconds"].items())
    lines = [
        f"world {found['world'] or '(all instances)'}, mods: {', '.join(found['mods']) or 'none'}",
        f"{instances['loaded']:,} of {n:,} instances loaded: {rate:,} a second",
    ]
    lines += [times] if times else []
    return "\n".join([*lines, *_problem_lines(found["problems"])])


def content_text(found: dict[str, Any]) -> str:
    """Write what is in a world for people."""
    locations = found["locations"]
    lines = [
        f"{len(found['component_types'])} component types, {len(found['definitions'])} definitions",
        f"{found['bytes']:,} bytes in {len(found['tables'])} tables:",
    ]
    lines += [
        f"  {table['rows']:,} rows, {table['bytes']:,} bytes: {', '.join(table['components'])}"
        for table in found["tables"]
    ]
    fullest = ", ".join(f"{place} ({n:,})" for place, n in found["fullest"].items() if n)
    lines.append(
        f"{locations['placed']:,} placed in {locations['places']:,} places"
        + (f"; most in {fullest}" if fullest else "")
    )
    return "\n".join(lines)


def _problem_lines(problems: list[dict[str, str]]) -> list[str]:
    if not problems:
        return []
    lines = ["1 problem:" if len(problems) == 1 else f"{len(problems):,} problems:"]
    lines += [f"  {p['file']}: {p['path']}: {p['message']}" for p in problems[:SHOWN]]
    n_more = len(problems) - SHOWN
    return [*lines, f"  and {n_more:,} more; --json prints all"] if n_more > 0 else lines
