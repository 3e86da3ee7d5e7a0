"""A save that is done, or under way in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ecs_columnar.errors import CheckpointError

_log: Final = logging.getLogger(__name__)


class Saving:
    """What `World.save` returns: where the world is, or will be.

    The interpreter does not end before a save in the background has. When that
    fails, it is logged, and `wait` raises it.

    Attributes
    ----------
    folder : Path
        That the world is saved to.

    Examples
    --------
    >>> import tempfile
    >>> import ecs_columnar as ecs
    >>> world = ecs.World()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saving = world.save(folder, background=True)
    ...     _ = world.spawn(3)  # is not in it
    ...     saving.wait().name
    '000000000001'
    """

    __slots__ = ("_error", "_path", "_thread", "folder")

    def __init__(self, folder: Path, write: Callable[[], Path], *, background: bool) -> None:
        self.folder: Final = folder
        self._path: Path | None = None
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        if not background:
            self._path = write()
            return
        name = f"saving to {folder}"
        self._thread = threading.Thread(target=self._run, args=(write,), name=name)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._thread is None or not self._thread.is_alive()

    def wait(self, timeout: float | None = None) -> Path:
        """Wait until the world is saved.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Returns
        -------
        Path
            The folder of the generation.

        Raises
        ------
        CheckpointError
            When it could not be saved.
        TimeoutError
            When it has not ended by then; it goes on.
        """
        if self._thread is not None:
            self._thread.join(timeout)
        if not self.is_done:
            raise TimeoutError(f"saving to {self.folder} has not ended after {timeout} seconds")
        if self._error is not None:
            try:
                raise self._error
            finally:
                del self  # as in `_run`
        if self._path is None:
            raise CheckpointError(f"cannot save to {self.folder}: it did not end", path=self.folder)
        return self._path

    def _run(self, write: Callable[[], Path]) -> None:
        try:
            self._path = write()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._error = error
            _log.error("%s", str(error))  # as text: who keeps records keeps no arrays
            del self  # whose error holds this by its traceback, and this all that was to be saved

    def __repr__(self) -> str:
        state = "under way" if not self.is_done else "failed" if self._error else "done"
        return f"<Saving to {self.folder}: {state}>"
