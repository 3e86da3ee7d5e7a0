"""Which of the worlds in some files is meant, and who is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ecs_columnar.encoding import to_objects
from ecs_columnar.errors import first_three
from ecs_columnar.io.blocks import ColumnBlock, Report
from ecs_columnar.io.problem import Problem, WorldFileError
from ecs_columnar.io.world_files import Found, WorldFiles, failed

ID_COLUMNS: Final = ("instance_id", "instanceId")


class Choice(NamedTuple):
    """A world.

    Attributes
    ----------
    world_id : str or None
        None where the files have none.
    members : frozenset of str, or None
        The instances that it lists; None is all of them.
    """

    world_id: str | None
    members: frozenset[str] | None


def choose(files: WorldFiles, world_id: str | None = None) -> Choice:
    """Choose a world.

    Parameters
    ----------
    files : WorldFiles
        Its problems take what is wrong with worlds that are not chosen.
    world_id : str, optional
        The one that the game file starts with by default, or the only one.

    Raises
    ------
    WorldInitializationError
        When there is no such world, or it lists instances that are not there.
    """
    worlds = _worlds(files)
    wanted = world_id or files.start_world
    if wanted is None and len(worlds) == 1:
        (wanted,) = worlds
    if wanted is not None and wanted not in worlds:
        there = first_three(worlds) or "none"
        problem = Problem(files.source, "$", f"there is no world {wanted!r}; there are: {there}")
        raise failed(files.source, [problem, *files.problems])
    heard: list[Problem] = []
    rejected = _rejected(files, worlds, heard.append)
    if wanted in rejected:
        raise failed(files.source, [rejected[wanted], *files.problems, *heard])
    files.problems += rejected.values()
    return Choice(wanted, None if wanted is None else _members(worlds[wanted].data))


def _worlds(files: WorldFiles) -> dict[str, Found]:
    worlds: dict[str, Found] = {}
    for found in files.worlds:
        fault = _fault(found.data)
        if fault is None and found.data["id"] in worlds:
            fault = "", f"the world {found.data['id']!r} is there already; the first one stays"
        if fault is None:
            worlds[found.data["id"]] = found
        else:
            path, message = fault
            files.problems.append(found.problem(message, path))
    return worlds


def _fault(data: Any) -> tuple[str, str] | None:
    if not isinstance(data, Mapping):
        return "", "is no mapping with id and instances"
    if not isinstance(data.get("id"), str) or not data["id"].strip():
        return ".id", f"{data.get('id')!r} is no id of a world"
    listed = data.get("instances", [])
    if not isinstance(listed, list):
        return ".instances", "is no list"
    for i, item in enumerate(listed):
        if not isinstance(item, Mapping) or not isinstance(item.get("instanceId"), str):
            return f".instances[{i}]", 'is no {"instanceId": ...}'
    return None


def _members(data: Mapping[str, Any]) -> frozenset[str] | None:
    if "instances" not in data:
        return None
    return frozenset(item["instanceId"] for item in data["instances"])


def _rejected(
    files: WorldFiles, worlds: Mapping[str, Found], report: Report
) -> dict[str | None, Problem]:
    """Return what is wrong with the worlds that list instances which are not there."""
    members = {world_id: _members(found.data) for world_id, found in worlds.items()}
    if not any(members.values()):
        return {}
    known = _known(files, report)
    rejected: dict[str | None, Problem] = {}
    for world_id, listed in members.items():
        unknown = sorted((listed or frozenset()) - known)
        if unknown:
            message = (
                f"the world {world_id!r} lists {len(unknown)} instances that are not there "
                f"({first_three(map(repr, unknown))}); it is rejected"
            )
            rejected[world_id] = worlds[world_id].problem(message, ".instances")
    return rejected


def _known(files: WorldFiles, report: Report) -> set[str]:
    """Return the ids of all instances. Those that are streamed are read for it.

    What is wrong with them is reported again when they are read to be loaded.
    """
    known: set[str] = set()
    for source in files.instances:
        try:
            for block in source.blocks(report):
                known.update(i for i in ids_of(block) if isinstance(i, str))
        except WorldFileError as error:
            report(error.problem)
    return known


def ids_of(block: Any) -> list[Any]:
    """Return the ids of the instances of a block, None where there is none."""
    if isinstance(block, ColumnBlock):
        for name in ID_COLUMNS:
            if name in block.columns:
                return to_objects(block.columns[name])
        return [None] * len(block)
    return [item.get("instanceId") if isinstance(item, Mapping) else None for item in block.items]
