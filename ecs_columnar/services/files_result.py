"""What the loading of world files answers with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_columnar.io.problem import Problem
from ecs_columnar.services.items import field_of
from ecs_columnar.services.results import WorldLoadingResult, chained

if TYPE_CHECKING:
    from ecs_columnar.io.world_choice import Choice
    from ecs_columnar.io.world_files import WorldFiles


@dataclass(frozen=True, kw_only=True)
class WorldFilesResult(WorldLoadingResult):
    """What the loading of world files did.

    Attributes
    ----------
    world_id : str or None
        The world that was loaded; None where the files have none.
    mods : tuple of str
        In the order in which they were loaded.
    problems : sequence of Problem
        Everything that was not loaded, and why; each is one line of text.
    phases : dict of str to float
        Milliseconds.
    """

    world_id: str | None = None
    mods: tuple[str, ...] = ()
    problems: Sequence[Problem] = ()
    phases: dict[str, float] = field(default_factory=dict)


def of_plain(
    loaded: WorldLoadingResult, files: WorldFiles, choice: Choice, elapsed_ms: float
) -> WorldFilesResult:
    """Return what has become of a file with lists of entities and locations."""
    known = {each.name: getattr(loaded, each.name) for each in fields(WorldLoadingResult)}
    name = Path(files.source).name  # as every other line about the file has it
    found = [
        Problem(name, f"$.{part}[{failure.index}]", str(failure.error))
        for part, result in (("entities", loaded.entities), ("locations", loaded.spatial))
        for failure in result.failures
    ]
    found += _of_components(loaded, files, name)
    problems = chained([files.problems, found])
    known["total_processing_time"] = elapsed_ms
    return WorldFilesResult(**known, world_id=choice.world_id, problems=problems)


def _of_components(loaded: WorldLoadingResult, files: WorldFiles, name: str) -> list[Problem]:
    """Return what is wrong with components, by where their entities are listed."""
    failures = loaded.components.failures
    if not failures or files.plain is None:
        return []
    failed = {failure.index for failure in loaded.entities.failures}
    listed = enumerate(files.plain["entities"])
    places = {field_of(entity, "instance_id"): i for i, entity in listed if i not in failed}
    return [
        Problem(
            name,
            f"$.entities[{places[failure.item['instance_id']]}].components",
            str(failure.error),
        )
        for failure in failures
    ]
