"""The kinds of keys: what value one takes, from a program or from a text.

A check returns the value as plain Python and refuses everything that would
first fail when it is used.
"""

from __future__ import annotations

import math
import numbers
import operator
from dataclasses import dataclass
from typing import Any, Final

from ecs_columnar.errors import ConfigurationError

MOST: Final = 2**31 - 1

_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One thing that can be set.

    Attributes
    ----------
    path : str
        Section and name, with a dot between them.
    default : bool, int or float
    effect : str
        What it does, for the documentation.
    """

    path: str
    default: Any
    effect: str

    @property
    def section(self) -> str:
        """The part of the path before the dot."""
        return self.path.partition(".")[0]

    @property
    def name(self) -> str:
        """The part of the path after the dot."""
        return self.path.partition(".")[2]

    @property
    def range(self) -> str:
        """What values it takes, in words."""
        raise NotImplementedError

    def check(self, value: Any, source: str = "") -> Any:
        """Return a value as plain Python.

        Raises
        ------
        ConfigurationError
            When it is of another type or out of range.
        """
        raise NotImplementedError

    def parse(self, text: str, source: str = "") -> Any:
        """Return the value that a text says.

        Raises
        ------
        ConfigurationError
            When it says none, or one out of range.
        """
        raise NotImplementedError

    def refused(self, value: Any, source: str) -> ConfigurationError:
        """Make the error about a value."""
        return ConfigurationError(
            f"cannot configure {self.path}{source}: {value!r} is out of its range; give "
            f"{self.range}",
            key=self.path,
            value=value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Key):
    """A key that is true or false."""

    @property
    def range(self) -> str:
        """What values it takes, in words."""
        return "true or false"

    def check(self, value: Any, source: str = "") -> bool:
        """Return a value if it is True or False; 1 and 0 are numbers."""
        if not isinstance(value, bool):
            raise self.refused(value, source)
        return value

    def parse(self, text: str, source: str = "") -> bool:
        """Return what true, yes, on, 1, or their opposites say."""
        return self.check(_WORDS.get(text.strip().lower(), text), source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(Key):
    """A key that is an integer.

    Attributes
    ----------
    least, most : int
        The bounds, both within the range.
    """

    least: int = 1
    most: int = MOST

    @property
    def range(self) -> str:
        """What values it takes, in words."""
        return f"an integer from {self.least} to {self.most}"

    def check(self, value: Any, source: str = "") -> int:
        """Return an integer of any type as int; True and 1.0 are none."""
        try:
            count = operator.index(value)
        except TypeError:
            raise self.refused(value, source) from None
        if isinstance(value, bool) or not self.least <= count <= self.most:
            raise self.refused(value, source)
        return count

    def parse(self, text: str, source: str = "") -> int:
        """Return the integer that a text says."""
        try:
            count = int(text)
        except ValueError:
            raise self.refused(text, source) from None
        return self.check(count, source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Key):
    """A key that is a number, whole or not.

    Attributes
    ----------
    least, most : float
    is_open : bool
        Whether the lower bound itself is out of range.
    """

    least: float = 0
    most: float = MOST
    is_open: bool = True

    @property
    def range(self) -> str:
        """What values it takes, in words."""
        lower = f"above {self.least}" if self.is_open else f"from {self.least}"
        return f"a number {lower}, up to {self.most}"

    def check(self, value: Any, source: str = "") -> int | float:
        """Return a number of any type as int or float; True and NaN are none."""
        number = _to_number(value)
        if number is None or not self._holds(number):
            raise self.refused(value, source)
        return number

    def parse(self, text: str, source: str = "") -> int | float:
        """Return the number that a text says."""
        for read in (int, float):
            try:
                return self.check(read(text), source)
            except ValueError as error:
                if isinstance(error, ConfigurationError):
                    raise
        raise self.refused(text, source)

    def _holds(self, number: float) -> bool:
        if number == self.least:
            return not self.is_open
        return self.least < number <= self.most


def _to_number(value: Any) -> int | float | None:
    """Return a number as int or float, None where it is none that is finite."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    if isinstance(value, numbers.Integral):
        return int(value)
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
