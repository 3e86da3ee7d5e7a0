"""What is wrong with a file, and where."""

from __future__ import annotations

from typing import Final, NamedTuple

from ecs_columnar.errors import EcsColumnarError, shortened

_LONGEST: Final = 1000


class Problem(NamedTuple):
    """One thing that is wrong with a file; its text is one line, of a length that people read.

    Attributes
    ----------
    file : str
        Its name, below the folder of the world.
    path : str
        Where in it, as a JSON path; "$" is all of it.
    message : str

    Examples
    --------
    >>> str(Problem("worlds/town.world.json", "$.instances[3]", "is no mapping"))
    'worlds/town.world.json: $.instances[3]: is no mapping'
    """

    file: str
    path: str
    message: str

    def __str__(self) -> str:
        text = f"{self.file}: {shortened(self.path)}: {shortened(self.message, _LONGEST)}"
        return " ".join(text.splitlines())


class WorldFileError(EcsColumnarError, ValueError):
    """A file of a world cannot be used.

    Attributes
    ----------
    problem : Problem
    """

    code = "WORLD_FILE"
    problem: Problem

    def __init__(self, file: str, message: str, *, path: str = "$") -> None:
        problem = Problem(file, path, message)
        super().__init__(f"cannot use {problem}", problem=problem)
