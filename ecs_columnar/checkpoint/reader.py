"""The files of one generation, each verified before anybody sees what is in it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.checkpoint import disk
from ecs_columnar.checkpoint import manifest as manifests
from ecs_columnar.checkpoint.disk import FileRecord
from ecs_columnar.checkpoint.npy import header
from ecs_columnar.checkpoint.values import UnfitValueError, loads
from ecs_columnar.errors import CheckpointError


class Reader:
    """Reads the files of a generation.

    Parameters
    ----------
    folder : Path
    mmap : bool
        Whether arrays are maps of the files, read-only, instead of copies.

    Attributes
    ----------
    manifest : Manifest
    checksum : str
        Of the manifest.

    Raises
    ------
    CheckpointError
        When the manifest is not as it was written.
    """

    __slots__ = ("_mmap", "_seen", "checksum", "folder", "manifest")

    def __init__(self, folder: Path, *, mmap: bool = False) -> None:
        refuse_big_endian("load", folder)
        self.folder: Final = folder
        self._mmap: Final = mmap
        self._seen: Final[set[str]] = set()
        path = folder / manifests.NAME
        try:
            whole = disk.read_bytes(path, manifests.MAX_BYTES)
            self.manifest: Final = manifests.from_bytes(whole)
            self.checksum: Final = manifests.checksum_of(whole)
        except UnfitValueError as error:
            raise self.fault(f"the manifest cannot be trusted: {error}", path) from error

    def fault(self, text: str, path: Path | None = None) -> CheckpointError:
        """Make the error for something that is wrong with a file, or the whole."""
        where = self.folder if path is None else path
        return CheckpointError(
            f"cannot load {where}: {text}; an older generation may still be good", path=where
        )

    def array(self, name: str, dtype: np.dtype[Any], n: int) -> NDArray[Any]:
        """Return the array of a ``.npy`` file, as a copy; see `arrays`."""
        return self._reading(name, dtype, (), [n], is_mapped=False)()[0]

    def arrays(
        self, name: str, dtype: np.dtype[Any], item_shape: tuple[int, ...], lengths: Sequence[int]
    ) -> list[NDArray[Any]]:
        """Return the arrays that lie one after the other in a ``.npy`` file, or maps of them.

        Parameters
        ----------
        name : str
            Without the suffix.
        dtype : numpy.dtype
        item_shape : tuple of int
            Of one value.
        lengths : sequence of int
            Of the arrays.

        Raises
        ------
        CheckpointError
            When the file is another one than the manifest says, or holds an
            array of another dtype or shape.

        Notes
        -----
        Arrays without items have no file.
        """
        return self.reading(name, dtype, item_shape, lengths)()

    def reading(
        self, name: str, dtype: np.dtype[Any], item_shape: tuple[int, ...], lengths: Sequence[int]
    ) -> Callable[[], list[NDArray[Any]]]:
        """Make room for arrays, and return what reads them: what `arrays` does in two steps.

        Room that a new thread makes is new to the process, and takes as long to be
        touched as the file takes to be read.
        """
        return self._reading(name, dtype, item_shape, lengths, is_mapped=self._mmap)

    def values(self, name: str) -> Any:
        """Return what is in a JSON file."""
        path, record = self._record(f"{name}.json", None)
        data = bytearray(record.size)
        disk.read_file(path, record, [data])
        try:
            return loads(bytes(data))
        except UnfitValueError as error:
            raise self.fault(str(error), path) from error

    def finish(self) -> None:
        """Refuse files of the manifest that nobody has asked for."""
        extra = sorted(self.manifest.files.keys() - self._seen)
        if extra:
            raise self.fault(f"the manifest has {len(extra)} files that belong to nothing")

    def _reading(
        self,
        name: str,
        dtype: np.dtype[Any],
        item_shape: tuple[int, ...],
        lengths: Sequence[int],
        *,
        is_mapped: bool,
    ) -> Callable[[], list[NDArray[Any]]]:
        shapes = [(n, *item_shape) for n in lengths]
        if not any(lengths):
            return lambda: [np.empty(shape, dtype) for shape in shapes]
        head = header(dtype, (sum(lengths), *item_shape))
        sizes = [dtype.itemsize * math.prod(shape) for shape in shapes]
        path, record = self._record(f"{name}.npy", len(head) + sum(sizes))
        if is_mapped:
            return partial(self._map, path, record, head, dtype, shapes, sizes)
        found: list[NDArray[Any]] = [np.empty(shape, dtype) for shape in shapes]
        return partial(self._read, path, record, head, found)

    def _map(
        self,
        path: Path,
        record: FileRecord,
        head: bytes,
        dtype: np.dtype[Any],
        shapes: Sequence[tuple[int, ...]],
        sizes: Sequence[int],
    ) -> list[NDArray[Any]]:
        mapped = disk.map_file(path, record)
        self._refuse_head(mapped[: len(head)], head, path)
        starts = accumulate(sizes, initial=len(head))
        return [
            np.ndarray(shape, dtype, mapped, start)
            for shape, start in zip(shapes, starts, strict=False)
        ]

    def _read(
        self, path: Path, record: FileRecord, head: bytes, found: list[NDArray[Any]]
    ) -> list[NDArray[Any]]:
        buffer = bytearray(len(head))
        disk.read_file(path, record, [buffer, *found])
        self._refuse_head(bytes(buffer), head, path)
        return found

    def _refuse_head(self, found: bytes, head: bytes, path: Path) -> None:
        if found != head:
            raise self.fault("it holds an array of another dtype or shape than the schema", path)

    def _record(self, name: str, size: int | None) -> tuple[Path, FileRecord]:
        """Return path and record of a file that the schema asks for, and of its size."""
        record, path = self.manifest.files.get(name), self.folder / name
        if record is None:
            raise self.fault("the manifest lacks this file", path)
        if size is not None and record.size != size:
            raise self.fault(
                f"it has {record.size} bytes, and an array of this dtype and shape has {size}", path
            )
        disk.refuse_size(path, record.size)  # before anything is allocated
        self._seen.add(name)
        return path, record


def refuse_big_endian(verb: str, path: Path) -> None:
    """Refuse to work where numbers lie in memory in another order than in files."""
    if sys.byteorder != "little":
        raise CheckpointError(
            f"cannot {verb} {path}: checkpoints are little-endian, and this machine is not",
            path=path,
        )
