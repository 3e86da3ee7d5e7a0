"""Instances of a file, a block at a time: as items, or as columns."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from ecs_columnar.io.ahead import ahead
from ecs_columnar.io.alike import Run, read_lines_alike, read_list_alike, read_whole_alike
from ecs_columnar.io.folder import Folder
from ecs_columnar.io.json_text import JsonReader
from ecs_columnar.io.problem import Problem, WorldFileError

Report = Callable[[Problem], object]
"""Takes what is wrong with a file, while the rest of it is read."""

Place = tuple[str, str]
"""A file, and a JSON path in it."""

ITEMS_AT_ONCE: Final = 1 << 14
BYTES_AT_ONCE: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class ItemBlock:
    """Instances as plain data.

    Attributes
    ----------
    items : list
        Whatever the file says.
    place : callable
        Returns where the instance at a position is.
    """

    items: list[Any]
    place: Callable[[int], Place]

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class ColumnBlock:
    """Instances as columns.

    Attributes
    ----------
    columns : mapping of str to column
        Arrow arrays; of instances that are written, what a `Run` has.
    n : int
    place : callable
        Returns where the instance at a position is.
    item : callable, optional
        Returns the instance at a position as it is written, if it is.
    """

    columns: Mapping[str, Any]
    n: int
    place: Callable[[int], Place]
    item: Callable[[int], Any] | None = None

    def __len__(self) -> int:
        return self.n


Block = ItemBlock | ColumnBlock


class InstanceSource(ABC):
    """Where instances come from. It can be gone through more than once."""

    @property
    @abstractmethod
    def n_instances(self) -> int | None:
        """How many there are; None where only reading tells."""

    @abstractmethod
    def blocks(self, report: Report) -> Iterator[Block]:
        """Yield the instances; report what cannot be read."""


class ListSource(InstanceSource):
    """Instances that have been read.

    Parameters
    ----------
    items : list
    place : callable
        Returns where the instance at a position is.
    """

    def __init__(self, items: list[Any], place: Callable[[int], Place]) -> None:
        self.items: Final = items
        self._place = place

    @property
    def n_instances(self) -> int:
        """How many there are."""
        return len(self.items)

    def blocks(self, report: Report) -> Iterator[ItemBlock]:  # noqa: ARG002
        """Yield the instances."""
        for start in range(0, len(self.items), ITEMS_AT_ONCE):
            yield ItemBlock(self.items[start : start + ITEMS_AT_ONCE], _shifted(self._place, start))


class RunSource(InstanceSource):
    """Instances of a list in which they are written alike.

    Parameters
    ----------
    runs : list of Run
    place : callable
        Returns where the instance at a position is.
    """

    def __init__(self, runs: list[Run], place: Callable[[int], Place]) -> None:
        self._runs: Final = runs
        self._place: Final = place

    @property
    def n_instances(self) -> int:
        """How many there are."""
        return sum(run.n for run in self._runs)

    def blocks(self, report: Report) -> Iterator[ColumnBlock]:  # noqa: ARG002
        """Yield the instances."""
        yield from _blocks_of(self._runs, self._place)


class LineSource(InstanceSource):
    """A file of NDJSON: an instance a line. It is never in memory as a whole.

    Parameters
    ----------
    folder : Folder
    name : str
    reader : JsonReader
    """

    def __init__(self, folder: Folder, name: str, reader: JsonReader) -> None:
        self._folder: Final = folder
        self._name: Final = name
        self._reader: Final = reader

    @property
    def n_instances(self) -> None:
        """Only reading tells."""
        return

    def blocks(self, report: Report) -> Iterator[Block]:
        """Yield the instances of a few megabytes; report lines that are no JSON.

        The next are read meanwhile.
        """
        with self._folder.open(self._name) as file:
            pieces = self._pieces(file)
            is_long = os.fstat(file.fileno()).st_size > BYTES_AT_ONCE
            with closing(ahead(pieces) if is_long else pieces) as reading:
                for blocks, problems in reading:
                    for problem in problems:
                        report(problem)
                    yield from blocks

    def _pieces(self, file: BinaryIO) -> Generator[tuple[list[Block], list[Problem]], None, None]:
        """Yield the instances of a few megabytes, and what is wrong with their lines."""
        n_lines = 0
        for data in self._whole_lines(file):
            problems: list[Problem] = []
            runs = read_lines_alike(data, self._reader)
            if runs is None:
                yield [self._block(data, n_lines, problems.append)], problems
                n_lines += data.count(b"\n")
            else:
                yield [*_blocks_of(runs, _shifted(self._place, n_lines))], problems
                n_lines += sum(run.n for run in runs)

    def _whole_lines(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield pieces of the file that end with a line.

        Raises
        ------
        WorldFileError
            When a line is too long.
        """
        rest: list[bytes] = []
        n_rest, limit = 0, self._reader.limits.file_bytes
        while piece := file.read(min(BYTES_AT_ONCE, limit + 1)):
            end = piece.rfind(b"\n") + 1
            n_first = n_rest + (piece.index(b"\n") if end else len(piece))
            if n_first > limit:
                raise WorldFileError(
                    self._name, f"a line has more than {limit:,} bytes; raise Limits.file_bytes"
                )
            if end:
                yield b"".join([*rest, piece[:end]])
                rest, n_rest = [], 0
            rest.append(piece[end:])
            n_rest += len(piece) - end
        if n_rest:
            yield b"".join(rest)

    def _block(self, data: bytes, n_before: int, report: Report) -> ItemBlock:
        items = self._reader.read_lines(data)
        if items is not None:
            return ItemBlock(items, lambda i: self._place(n_before + i))
        items, numbers = [], []
        for number, line in enumerate(data.removesuffix(b"\n").split(b"\n"), n_before):
            if not line.strip():
                continue
            try:
                items.append(self._reader.read(line, self._name))
            except WorldFileError as error:
                file, path = self._place(number)
                report(Problem(file, path, error.problem.message))
            else:
                numbers.append(number)
        return ItemBlock(items, lambda i: self._place(numbers[i]))

    def _place(self, number: int) -> Place:
        return f"{self._name}:{number + 1}", "$"


def _blocks_of(runs: list[Run], place: Callable[[int], Place]) -> Iterator[ColumnBlock]:
    start = 0
    for run in runs:
        yield ColumnBlock(run.columns, run.n, _shifted(place, start), run.item)
        start += run.n


def source_of_list(
    data: bytes, reader: JsonReader, place: Callable[[int], Place]
) -> InstanceSource | None:
    """Return the source of a list of instances that are written alike, None of any other text."""
    runs = read_list_alike(data, reader)
    return None if runs is None else RunSource(runs, place)


def whole_with_source(data: bytes, reader: JsonReader, place: Callable[[int], Place]) -> Any:
    """Return a text with the source of its instances in place of their list, None of any other."""
    found = read_whole_alike(data, reader)
    if found is None or "locations" in found[0]:
        return None
    value, runs = found
    value["entities"]["instances"] = RunSource(runs, place)
    return value


def _shifted(place: Callable[[int], Place], start: int) -> Callable[[int], Place]:
    return lambda i: place(start + i)


def in_file(file: str, path: str = "$") -> Callable[[int], Place]:
    """Return what says where the items of a list in a file are."""
    return lambda i: (file, f"{path}[{i}]")


def in_files(files: Sequence[str]) -> Callable[[int], Place]:
    """Return what says where items are that have a file each."""
    return lambda i: (files[i], "$")
