"""World files to try things on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ecs_columnar as ecs
from ecs_columnar.services import Services, create_default_services_with_config
from ecs_columnar.services.files_result import WorldFilesResult

HARBOUR_TOWN = Path(__file__).parent.parent / "examples" / "worlds" / "harbour_town"

HEALTH = {
    "id": "core:health",
    "dataSchema": {
        "type": "object",
        "properties": {"points": {"type": "integer", "minimum": 0}},
        "required": ["points"],
        "additionalProperties": False,
    },
}
ACTOR = {"id": "core:actor", "components": {"core:health": {"points": 100}}}


def instance(name: str, definition: str = "core:actor", **overrides: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"instanceId": name, "definitionId": definition}
    if overrides:
        found["componentOverrides"] = {f"core:{k}": data for k, data in overrides.items()}
    return found


def manifest(mod_id: str = "core", **more: Any) -> dict[str, Any]:
    return {"id": mod_id, "version": "1.0.0", "name": mod_id, **more}


def world_of(*instances: Any, **more: Any) -> dict[str, Any]:
    """Make the content of a file with all of it."""
    return {
        "components": [HEALTH],
        "entities": {"definitions": [ACTOR], "instances": list(instances)},
        **more,
    }


def write(root: Path, files: dict[str, Any]) -> Path:
    """Write files: bytes as they are, anything else as JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return root


def game(*mods: dict[str, Any], start: str | None = None, **files: Any) -> dict[str, Any]:
    """Make a game of mods, given by their manifests, with more files below ``mods/``."""
    content: dict[str, Any] = {"game.json": {"mods": [mod["id"] for mod in mods]}}
    if start is not None:
        content["game.json"]["startWorld"] = start
    content |= {f"mods/{mod['id']}/mod-manifest.json": mod for mod in mods}
    return content | files


CORE = manifest(
    content={
        "components": ["health.component.json"],
        "entities": {"definitions": ["actor.json"], "instances": ["ann.json"]},
        "worlds": [],
    }
)
CORE_FILES = {
    "mods/core/components/health.component.json": HEALTH,
    "mods/core/entities/definitions/actor.json": ACTOR,
    "mods/core/entities/instances/ann.json": instance("ann", health={"points": 3}),
}


def load(path: Any, services: Services | None = None, **options: Any) -> WorldFilesResult:
    services = services or create_default_services_with_config()
    found = services.world_loading_service.load_world(path, **options)
    assert isinstance(found, WorldFilesResult)
    return found


def lines(result: WorldFilesResult) -> list[str]:
    return [str(problem) for problem in result.problems]


def fingerprint(world: ecs.World) -> tuple[str, int]:
    return world.digest(), len(world)
