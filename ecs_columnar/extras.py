"""Packages that not everybody installs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from ecs_columnar.errors import EcsColumnarError


class MissingExtraError(EcsColumnarError, ImportError):
    """Packages that something needs are not installed.

    Attributes
    ----------
    missing : tuple of str
        Names of the packages.
    """

    code = "MISSING_EXTRA"
    missing: tuple[str, ...]


def loaded(name: str) -> Any:
    """Return a module that is imported already, None if it is not, or is being imported now.

    Pandas, which pyarrow imports when it has to, is there for half a second without most of
    its names, for whoever works in another thread.
    """
    module = sys.modules.get(name)
    return None if getattr(getattr(module, "__spec__", None), "_initializing", False) else module


def require(purpose: str, modules: Iterable[str], extra: str) -> None:
    """Raise when a module is not installed; nothing is imported.

    Raises
    ------
    MissingExtraError
        It names all that are missing, and the command that installs them.
    """
    missing = tuple(name for name in modules if find_spec(name) is None)
    if missing:
        raise MissingExtraError(
            f"cannot {purpose}: {', '.join(missing)} not installed; install what it needs with: "
            f'pip install "ecs_columnar[{extra}]"',
            missing=missing,
        )
