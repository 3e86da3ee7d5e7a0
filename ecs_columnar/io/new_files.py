"""Files that are there as a whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecs_columnar.errors import InvalidArgumentError


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a folder to write into, which gets its name when the block ends well.

    Raises
    ------
    InvalidArgumentError
        When something is there already; an empty folder may be.
    """
    target = Path(path)
    _refuse_taken(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        yield made
        made.chmod(0o755)  # mkdtemp's are for the owner only
        _refuse_taken(target)
        if target.is_dir():
            target.rmdir()
        made.rename(target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def write_new_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file.

    Raises
    ------
    InvalidArgumentError
        When it is there already.
    """
    target = Path(path)
    if target.exists():
        raise _taken(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        prefix=f".{target.name}.", dir=target.parent, delete=False
    ) as file:
        made = Path(file.name)
        try:
            file.write(data)
            file.close()
            made.chmod(0o644)  # as above
            made.rename(target)
        except BaseException:
            made.unlink(missing_ok=True)
            raise


def _refuse_taken(target: Path) -> None:
    if target.is_symlink() or (target.exists() and not _is_empty_folder(target)):
        raise _taken(target)


def _is_empty_folder(target: Path) -> bool:
    return target.is_dir() and not any(target.iterdir())


def _taken(target: Path) -> InvalidArgumentError:
    return InvalidArgumentError(
        "path",
        target,
        f"cannot write to {target}: it is there already; remove it first, or give another name",
    )
