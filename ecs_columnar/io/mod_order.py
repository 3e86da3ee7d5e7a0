"""In which order mods are loaded: who is needed comes before who needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ecs_columnar.io.manifest import FILE, Manifest
from ecs_columnar.io.problem import Problem

CORE: Final = "core"
"""The mod that comes first, whatever else."""


def ordered(
    requested: Sequence[str], manifests: Mapping[str, Manifest], problems: list[Problem]
) -> list[Manifest]:
    """Order mods.

    Parameters
    ----------
    requested : sequence of str
        Their ids. Where dependencies leave it open, this is the order.
    manifests : mapping of str to Manifest
        Of those that could be read.
    problems : list of Problem
        Takes everything that makes them not fit together: missing mods, wrong
        versions, conflicts, cycles.

    Returns
    -------
    list of Manifest
        `CORE` first; in any order, when there are problems.
    """
    wanted = sorted(dict.fromkeys(requested), key=lambda mod_id: mod_id != CORE)
    for mod_id in wanted:
        if mod_id in manifests:
            problems += _unmet(manifests[mod_id], manifests, wanted)
    return _sorted([m for m in wanted if m in manifests], manifests, problems)


def _unmet(
    manifest: Manifest, manifests: Mapping[str, Manifest], wanted: Sequence[str]
) -> list[Problem]:
    found = []
    file = f"mods/{manifest.id}/{FILE}"
    for i, needed in enumerate(manifest.dependencies):
        path = f"$.dependencies[{i}]"
        if needed.id not in wanted:
            found.append(Problem(file, path, f"the mod {needed} is missing; request it as well"))
        elif needed.id in manifests and not needed.accepts(manifests[needed.id].version):
            has = manifests[needed.id].version
            found.append(Problem(file, path, f"needs {needed}, and there is version {has}"))
    for i, refused in enumerate(manifest.conflicts):
        other = manifests.get(refused.id)
        if other is not None and refused.accepts(other.version):
            message = f"is in conflict with {other.id} {other.version}; request one of them"
            found.append(Problem(file, f"$.conflicts[{i}]", message))
    return found


def _sorted(
    wanted: list[str], manifests: Mapping[str, Manifest], problems: list[Problem]
) -> list[Manifest]:
    """Take again and again the first mod whose needs are met; a cycle, as if they were.

    O(mods squared).
    """
    done: dict[str, Manifest] = {}
    left = list(wanted)
    while left:
        ready = next((m for m in left if not _waits_for(manifests[m], left)), None)
        taken = _cycle(left, manifests) if ready is None else [ready]
        if ready is None:
            problems.append(_in_need_of_each_other(taken))
        done.update((m, manifests[m]) for m in taken)
        left = [m for m in left if m not in taken]
    return list(done.values())


def _waits_for(manifest: Manifest, left: list[str]) -> list[str]:
    """Return which mods that are left a mod needs: for the core none but itself."""
    needs = [needed.id for needed in manifest.dependencies if needed.id in left]
    if manifest.id != CORE and CORE in left:
        needs.append(CORE)
    return needs


def _cycle(left: list[str], manifests: Mapping[str, Manifest]) -> list[str]:
    """Follow needs from a mod that waits until one comes again; return what lies between."""
    chain = [left[0]]
    while chain[-1] not in chain[:-1]:
        chain.append(_waits_for(manifests[chain[-1]], left)[0])
    return chain[chain.index(chain[-1]) : -1]


def _in_need_of_each_other(cycle: list[str]) -> Problem:
    shown = " -> ".join([*cycle, cycle[0]])
    file = f"mods/{cycle[0]}/{FILE}"
    return Problem(file, "$.dependencies", f"mods need each other: {shown}")
