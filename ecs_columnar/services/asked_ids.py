"""The ids that items of a creation ask for."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.encoded import Encoded
from ecs_columnar.encoding import blank, encode, encode_if_all
from ecs_columnar.errors import EcsColumnarError
from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.columns import Column, are_missing, take, to_list
from ecs_columnar.services.identities import joined, new_ids, repeated
from ecs_columnar.services.items import MISSING


class AskedIds:
    """The ids that items ask for.

    Attributes
    ----------
    is_made : bool array
        Where none is given, and one is made.
    is_bad : bool array
        Where it is blank, or no string.
    """

    def __init__(self, catalogue: Catalogue, column: Column, *, is_columnar: bool) -> None:
        n = len(column)
        self._column = column
        self._world: Final = catalogue.world
        self.is_bad = np.zeros(n, np.bool_)
        self._encoded: Encoded | None
        if n == 1 and isinstance(column, list) and isinstance(column[0], str):
            self._take_one(column[0])
            return
        self.is_made, self._encoded = self._encode(column, is_columnar=is_columnar)
        if self._encoded is not None:
            self.is_bad |= blank(self._encoded) & ~self.is_made

    @cached_property
    def is_taken(self) -> NDArray[np.bool_]:
        """Where an entity of the world has it."""
        if self._encoded is None:
            return np.zeros(len(self.is_bad), np.bool_)
        is_known = self._world.ids.find(self._encoded) != 0
        return np.asarray(is_known & ~self.is_bad & ~self.is_made)

    def _take_one(self, text: str) -> None:
        """Take the one id of a scalar call, which is looked up without an array of strings."""
        self._encoded = encode(text)
        self.is_made = np.zeros(1, np.bool_)
        self.is_bad[0] = not text.strip()
        self.is_taken = np.array([text in self._world.ids])

    def at(self, i: int) -> Any:
        """Return the id of an item."""
        return to_list(take(self._column, np.array([i])))[0]

    def repeats(self) -> list[tuple[int, str]]:
        """Return the rows whose ids are there more than once, with these."""
        if self._encoded is None or len(self.is_bad) < 2:
            return []
        given = np.flatnonzero(~(self.is_made | self.is_bad))
        encoded = (
            self._encoded if given.shape[0] == len(self.is_made) else self._encoded.take(given)
        )
        rows = repeated(encoded)
        texts = encoded.take(rows).texts()
        return [(int(given[row]), str(t)) for row, t in zip(rows.tolist(), texts, strict=True)]

    def for_spawn(self, rows: NDArray[np.intp], is_all: bool) -> Encoded:
        """Return the ids of some items, with those that are made."""
        if self._encoded is None:
            return new_ids(rows.shape[0])
        encoded = self._encoded if is_all else self._encoded.take(rows)
        is_made = self.is_made if is_all else self.is_made[rows]
        encoded = encoded._replace(missing=None)
        n_made = int(np.count_nonzero(is_made))
        return joined(encoded, new_ids(n_made), is_made) if n_made else encoded

    def _encode(
        self, column: Column, *, is_columnar: bool
    ) -> tuple[NDArray[np.bool_], Encoded | None]:
        n = len(column)
        if not isinstance(column, list):
            try:
                encoded = encode(column, missing=True)
            except EcsColumnarError:
                column = to_list(column)
            else:
                none = np.zeros(n, np.bool_) if encoded.missing is None else encoded.missing
                return none, encoded._replace(missing=None)
        strings = encode_if_all(column)
        if strings is not None:
            return np.zeros(n, np.bool_), strings
        types = set(map(type, column))
        if types <= {type(None), type(MISSING)}:
            return np.ones(n, np.bool_), None
        return self._encode_mixed(column, is_columnar=is_columnar)

    def _encode_mixed(
        self, column: list[Any], *, is_columnar: bool
    ) -> tuple[NDArray[np.bool_], Encoded]:
        is_made = np.array([value is None or value is MISSING for value in column], np.bool_)
        if is_columnar:
            is_made |= are_missing(column)
        is_text = np.array([isinstance(value, str) for value in column], np.bool_)
        self.is_bad = ~is_text & ~is_made
        texts = [value if ok else "" for value, ok in zip(column, is_text, strict=True)]
        return is_made, encode(texts)
