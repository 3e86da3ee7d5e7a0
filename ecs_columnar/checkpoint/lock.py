"""One writer at a time.

The lock is one of the operating system on an open file, so it goes with the
process that held it, however that ended: there is no stale lock. The file stays.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Final

from ecs_columnar.errors import CheckpointError

NAME: Final = "lock"


class Lock:
    """The right to write into a folder of checkpoints, from `take` until it is released.

    To make one takes nothing, so that whoever takes it can do so in the block that
    releases it, and no interrupt comes between.

    Parameters
    ----------
    folder : Path
    """

    __slots__ = ("_file", "_folder")

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._file = -1

    def take(self) -> None:
        """Take the right to write into the folder, which is there.

        Raises
        ------
        CheckpointError
            When another process, or another save of this one, has it.
        """
        path = self._folder / NAME
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            _take(self._file)
        except OSError as error:
            file, self._file = self._file, -1
            os.close(file)
            raise CheckpointError(
                f"cannot save to {self._folder}: somebody else is writing there; wait for that "
                "save, or save to another folder",
                path=self._folder,
            ) from error

    def release(self) -> None:
        """Let others write; if it was not taken, nothing."""
        if self._file >= 0:
            try:
                _give_back(self._file)  # also from children that have inherited it
            finally:
                file, self._file = self._file, -1
                os.close(file)

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _take(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _give_back(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give_back(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
