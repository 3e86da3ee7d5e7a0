"""Compiled kernels on disk: one file for each kernel and signature.

Numba's own cache is not used. It trusts the time stamp or the path of a file,
does not know about ``NUMBA_BOUNDSCHECK``, and two processes that compile two
signatures of one function can file each other's code under the wrong one. Here

* the name of an entry is a digest of all that decides the machine code: the
  source, the constants, the signature, the processor, the versions and the
  options. So a reinstall keeps the cache, a switch of commits goes back to the
  entries of that commit, and nothing is ever replaced by something else;
* an entry is written to a temporary file and renamed, and its content is
  verified before it is loaded;
* a cache that cannot be read or written is no cache: no call ever fails by it.

``ECS_COLUMNAR_CACHE_DIR`` names the folder. Without it that is a folder in
``NUMBA_CACHE_DIR``, or else in the user's cache folder, or else a private one
among the temporary files.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import stat
import sys
import tempfile
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import llvmlite
import numba
import numpy as np
from numba import config
from numba.core import compiler
from numba.core.caching import _Cache
from numba.core.serialize import dumps

from ecs_columnar import dtypes

ENVIRONMENT_VARIABLE: Final = "ECS_COLUMNAR_CACHE_DIR"

MAX_ENTRIES: Final = 1000
"""Entries that are kept, the last used first: some twenty versions of the library, 35 MB."""

_DIGEST_SIZE: Final = hashlib.sha256().digest_size

# They change where Numba works, not what it makes.
_HARMLESS_VARIABLES: Final = frozenset({"NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS"})


class DiskCache(_Cache):
    """The compiled signatures of one kernel, as Numba's dispatcher asks for them.

    Parameters
    ----------
    function : function
        The kernel, in Python. Its source is read now, when its module is being
        imported, so that later edits are not taken for what is running.
    options : dict
        The options that it is compiled with.
    """

    def __init__(self, function: FunctionType, options: dict[str, Any]) -> None:
        self._name = f"{Path(function.__code__.co_filename).stem}.{function.__qualname__}"
        source = _source_digest(function.__code__.co_filename)
        cacheable = source is not None and function.__closure__ is None
        self._stamp = f"{source} {sorted(options.items())}" if cacheable else None

    @property
    def cache_path(self) -> str | None:
        """The folder of the cache, or None if there is none."""
        folder = directory()
        return None if folder is None else str(folder)

    def load_overload(self, signature: tuple[Any, ...], target_context: Any) -> Any:
        """Return the compiled signature, or None if it has to be compiled."""
        target_context.refresh()
        path = self._path(signature, target_context.codegen())
        payload = None if path is None else _read(path)
        if payload is None:
            return None
        return compiler.CompileResult._rebuild(target_context, *pickle.loads(payload))

    def save_overload(self, signature: tuple[Any, ...], compiled: Any) -> None:
        """Keep a compiled signature for later processes."""
        path = self._path(signature, compiled.codegen)
        if path is not None and not compiled.library.has_dynamic_globals:
            _write(path, dumps(compiled._reduce()))

    def enable(self) -> None:
        """Do nothing: the cache is always on."""

    def disable(self) -> None:
        """Do nothing: the cache is always on."""

    def flush(self) -> None:
        """Do nothing: an entry is never out of date."""

    def _path(self, signature: tuple[Any, ...], codegen: Any) -> Path | None:
        folder = directory()
        if folder is None or self._stamp is None:
            return None
        parts = (_environment(), self._stamp, self._name, signature, codegen.magic_tuple())
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()
        return folder / f"{self._name.replace('<locals>', '')}-{digest[:32]}.kernel"


@functools.cache
def directory() -> Path | None:
    """Return the folder of the cache, which exists and is writable, or None."""
    for folder in (*_preferred_directories(), _private_temporary_directory()):
        if folder is not None and _is_usable(folder):
            return folder
    return None


def _preferred_directories() -> list[Path]:
    own = os.environ.get(ENVIRONMENT_VARIABLE)
    if own:
        return [Path(own).expanduser().absolute()]
    if config.CACHE_DIR:
        return [Path(config.CACHE_DIR).absolute() / "ecs_columnar"]
    with contextlib.suppress(RuntimeError):  # there may be no home
        return [_user_cache_directory() / "ecs_columnar"]
    return []


def _user_cache_directory() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".cache"


def _private_temporary_directory() -> Path | None:
    """Return a folder that nobody else can put code into, or None.

    The place is known to all users of the machine, so a folder that is there
    already counts only if it is ours and closed to others.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"ecs_columnar-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(facts.st_mode):
        return None
    is_ours = sys.platform == "win32" or (facts.st_uid == user and not facts.st_mode & 0o022)
    return folder if is_ours else None


def _is_usable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _source_digest(file: str) -> str | None:
    """Digest the file of a family, and what every family imports of its package.

    A family calls functions of its own file only, and of files whose names
    begin with an underscore.
    """
    shared = sorted(Path(__file__).parent.glob("_*.py"))
    try:
        parts = [_file_digest(path, path.stat().st_mtime_ns) for path in (*shared, Path(file))]
    except OSError:
        return None  # typed at a prompt
    return hashlib.sha256(b"".join(parts)).hexdigest()


@functools.lru_cache
def _file_digest(path: Path, _mtime: int) -> bytes:
    """Digest a file, once for all of its kernels unless it is edited and reloaded."""
    return hashlib.sha256(path.read_bytes()).digest()


@functools.cache
def _environment() -> str:
    constants = {name: value for name, value in vars(dtypes).items() if name.isupper()}
    versions = [module.__version__ for module in (numba, llvmlite, np)]
    variables = sorted(
        (name, value)
        for name, value in os.environ.items()
        if name.startswith("NUMBA_") and name not in _HARMLESS_VARIABLES
    )
    return repr((constants, sys.implementation.cache_tag, versions, config.BOUNDSCHECK, variables))


def _read(path: Path) -> bytes | None:
    """Return the content of an entry and mark it as used; None if absent or damaged."""
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    digest, payload = data[:_DIGEST_SIZE], data[_DIGEST_SIZE:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def _write(path: Path, payload: bytes) -> None:
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            temporary = Path(file.name)
            file.write(hashlib.sha256(payload).digest() + payload)
        temporary.replace(path)
        _prune(path.parent)
    except OSError:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _prune(folder: Path) -> None:
    """Remove the entries that were not used for longest, above `MAX_ENTRIES`."""
    entries = list(folder.glob("*.kernel"))
    if len(entries) <= MAX_ENTRIES:
        return
    # A quarter at a time, so that a full cache is not sorted at every write.
    entries.sort(key=_last_use)
    for entry in entries[: len(entries) - MAX_ENTRIES * 3 // 4]:
        entry.unlink(missing_ok=True)


def _last_use(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # another process was faster
