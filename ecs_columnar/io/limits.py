"""How much of a file is read before it is refused."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ecs_columnar.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on files.

    Attributes
    ----------
    file_bytes : int
        Of a JSON file; of a line of NDJSON.
    depth : int
        Levels of nesting in JSON.
    rows : int
        Of a Parquet or Arrow file.
    table_bytes : int
        Of a Parquet or Arrow file, as its columns are in memory.

    Raises
    ------
    InvalidArgumentError
        When a limit is not an integer, 1 or more.

    Examples
    --------
    >>> Limits(file_bytes=2**30).depth
    64
    """

    file_bytes: int = 64 * 2**20
    depth: int = 64
    rows: int = 100_000_000
    table_bytes: int = 16 * 2**30

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvalidArgumentError(
                    each.name,
                    value,
                    f"cannot use {value!r} as the limit {each.name}; give an integer, 1 or more",
                )
