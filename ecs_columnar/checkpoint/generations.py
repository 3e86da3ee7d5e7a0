"""A folder of generations: which there are, how one is added, and which go.

* A generation is a folder named by a number of twelve digits. It appears whole,
  by one rename, and is never written to again.
* The last two stay. A folder of another name is left over from a save that
  was cut off, and is removed by the next one.
* The last may have a log beside it, of what has been done since.
"""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ecs_columnar.checkpoint import disk
from ecs_columnar.errors import CheckpointError

N_KEPT: Final = 2
_NAME: Final = re.compile(r"[0-9]{12}")
_UNFINISHED: Final = re.compile(r"(?:new|old)-[0-9]{12}")
_LOG: Final = re.compile(r"journal-[0-9]{12}")


class Generations:
    """The generations in a folder.

    Parameters
    ----------
    folder : Path
    """

    __slots__ = ("folder",)

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder

    def numbers(self) -> list[int]:
        """Return the numbers of all generations, oldest first."""
        return sorted(int(name) for name in self._names(_NAME))

    def path_of(self, number: int) -> Path:
        """Return the folder of a generation."""
        return self.folder / f"{number:012d}"

    def find(self, number: int | None) -> Path:
        """Return the folder of a generation that is there; None is the last.

        Raises
        ------
        CheckpointError
            When there is none.
        """
        try:
            numbers = self.numbers()
        except OSError as error:
            raise CheckpointError(
                f"cannot load {self.folder}: {error.strerror}; give the folder that a world was "
                "saved to",
                path=self.folder,
            ) from error
        if not numbers or (number is not None and number not in numbers):
            shown = ", ".join(map(str, numbers)) or "none"
            wanted = "a checkpoint" if number is None else f"generation {number}"
            raise CheckpointError(
                f"cannot load {wanted} from {self.folder}: there is {shown}", path=self.folder
            )
        path = self.path_of(numbers[-1] if number is None else number)
        if path.is_symlink():
            raise CheckpointError(f"cannot load {path}: it is a link", path=path)
        return path

    @contextmanager
    def adding(self, *, durable: bool) -> Iterator[tuple[Path, Path]]:
        """Make a folder to write into, and commit it when the block ends well.

        Yields
        ------
        new : Path
            Empty.
        path : Path
            What it will be called.
        """
        self._sweep()
        number = max(self.numbers(), default=0) + 1
        new, path = self.folder / f"new-{number:012d}", self.path_of(number)
        os.mkdir(new)  # noqa: PTH102 - calls of `os` are what tests replace
        try:
            yield new, path
            if durable:
                disk.sync_folder(new)
            disk.rename(new, path)
            if durable:
                disk.sync_folder(self.folder)
        except BaseException:
            with contextlib.suppress(OSError):
                disk.remove_folder(new)
            raise
        self._forget(self.numbers()[:-N_KEPT])

    def _sweep(self) -> None:
        """Remove what was left over."""
        for name in self._names(_UNFINISHED):
            disk.remove_folder(self.folder / name)
        newest = max(self.numbers(), default=0)
        for name in self._names(_LOG):
            if int(name.removeprefix("journal-")) > newest:  # whose checkpoint never came
                disk.remove_file(self.folder / name)

    def forget_logs(self, number: int) -> None:
        """Remove the logs of other generations than this one, the last."""
        with self._warning("an older log"):
            for name in self._names(_LOG):
                if name != f"journal-{number:012d}":
                    disk.remove_file(self.folder / name)

    def _forget(self, numbers: list[int]) -> None:
        """Remove old generations; first from sight, so that none is seen in part."""
        with self._warning("an older generation"):
            for number in numbers:
                old = self.folder / f"old-{number:012d}"
                disk.rename(self.path_of(number), old)
                disk.remove_folder(old)

    @contextmanager
    def _warning(self, what: str) -> Iterator[None]:
        """Warn of what could not be removed: the world is saved all the same."""
        try:
            yield
        except OSError as error:
            warnings.warn(
                f"the world is saved in {self.folder}, but {what} could not be removed: {error}",
                RuntimeWarning,
                stacklevel=4,
            )

    def _names(self, pattern: re.Pattern[str]) -> list[str]:
        # In one call: an interrupt would leave a `scandir` open that has not been entered yet.
        return [name for name in os.listdir(self.folder) if pattern.fullmatch(name)]  # noqa: PTH208
