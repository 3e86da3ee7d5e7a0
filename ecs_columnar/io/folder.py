"""A folder that nothing leads out of.

Names come from files that somebody else wrote. A name is a path below the
folder, of plain parts; what it leads to is a regular file in the folder, links
followed; and its size is known before it is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final

from ecs_columnar.io.limits import Limits
from ecs_columnar.io.problem import WorldFileError

# Without waiting for whoever writes into a pipe, and not through a link that was
# put there after we looked.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
Retry = Callable[[Callable[[], Any], str], Any]
"""Calls a function that asks the system for a file, again where it fails for a moment."""

_MOST_CHARACTERS: Final = 1_000
_FORBIDDEN: Final = frozenset('\\:*?"<>|')


class Folder:
    """A folder to read from.

    Parameters
    ----------
    root : path
    limits : Limits, optional
    retry : callable, optional
        Takes what reads a file, and what to call that.

    Examples
    --------
    >>> import tempfile
    >>> folder = Folder(tempfile.mkdtemp())
    >>> folder.read("../secret")
    Traceback (most recent call last):
    ecs_columnar.io.problem.WorldFileError: cannot use ../secret: $: the name leads out of the \
folder of the world; give one below it, with / between its parts
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        limits: Limits | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.root: Final = Path(root)
        self.limits: Final = limits or Limits()
        self._retry: Final[Retry] = retry or _once

    def has(self, name: str) -> bool:
        """Tell whether there is a file of a name; it may still be none that can be read."""
        return self._path(name).exists()

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises
        ------
        WorldFileError
            When it is not there, not in the folder, no regular file, or too large.
        """
        with _explained(name):
            data: bytes = self._retry(partial(self._read, name), f"reading {name}")
        return data

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file, as bytes.

        Raises
        ------
        WorldFileError
            When it is not there, not in the folder, or no regular file.
        """
        with _explained(name):
            opened = self._retry(partial(self._open, name), f"opening {name}")
        with opened as file:
            yield file

    def _read(self, name: str) -> bytes:
        limit = self.limits.file_bytes
        with self._open(name) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise WorldFileError(
                    name, f"has {size:,} bytes, {limit:,} are allowed; raise Limits.file_bytes"
                )
            data = file.read(limit + 1)
        if len(data) > limit:
            raise WorldFileError(name, f"grows while it is read, beyond {limit:,} bytes")
        return data

    def _open(self, name: str) -> BinaryIO:
        path = self._path(name)
        found = os.path.realpath(path, strict=True)
        if not os.path.join(found, "").startswith(self._real_root):  # noqa: PTH118 - as text
            raise WorldFileError(name, "is a link that leads out of the folder of the world")
        if not stat.S_ISREG(os.lstat(found).st_mode):  # opening a device may do things
            raise WorldFileError(name, "is no regular file")
        file = os.fdopen(os.open(found, _FLAGS), "rb")
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise WorldFileError(name, "is no regular file")
        return file

    @cached_property
    def _real_root(self) -> str:
        """What the path of each file in the folder begins with, links followed."""
        return os.path.join(os.path.realpath(self.root, strict=True), "")  # noqa: PTH118 - a Path ends without a slash

    def _path(self, name: str) -> Path:
        fault = fault_of_name(name)
        if fault is not None:
            raise WorldFileError(str(name)[:_MOST_CHARACTERS], fault)
        return self.root.joinpath(*PurePosixPath(name).parts)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Say which file it is that the system refuses."""
    try:
        yield
    except FileNotFoundError:
        raise WorldFileError(name, "is not there") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorldFileError(name, f"cannot be read: {reason}") from error


def _once(fn: Callable[[], Any], _what: str) -> Any:
    return fn()


def fault_of_name(name: object) -> str | None:
    """Return what is wrong with the name of a file below a folder, None if nothing is."""
    if not isinstance(name, str) or not name.strip():
        return "the name of a file is a string that is not blank"
    if len(name) > _MOST_CHARACTERS:
        return f"the name has {len(name):,} characters, {_MOST_CHARACTERS:,} are allowed"
    if name.startswith("/") or ".." in name.split("/"):
        return (
            "the name leads out of the folder of the world; give one below it, with / between its "
            "parts"
        )
    if not name.isprintable() or _FORBIDDEN & set(name):
        return "the name has characters that names of files do not have on all systems"
    return None
