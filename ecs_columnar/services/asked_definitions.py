"""The definitions that items of a creation name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.services.catalogue import Catalogue
from ecs_columnar.services.columns import Column, factorize
from ecs_columnar.services.lookup import is_handle, is_text


class AskedDefinitions:
    """The definitions that items name.

    Attributes
    ----------
    codes : intp array, shape (n,)
        Which of the values each item has.
    values : list
        Whatever was in the place of a definition.
    is_malformed, is_unknown : bool array, shape (n,)
        Where that is no id, and where it is one of no definition.
    """

    def __init__(self, catalogue: Catalogue, column: Column) -> None:
        self.codes, self.values = factorize(column)
        are_texts = list(map(is_text, self.values))
        self._catalogue = catalogue
        self._are_known = [
            ok and value in catalogue.definitions
            for ok, value in zip(are_texts, self.values, strict=True)
        ]
        are_unknown = [a and not b for a, b in zip(are_texts, self._are_known, strict=True)]
        self.is_malformed = self._where([not ok for ok in are_texts])
        self.is_unknown = self._where(are_unknown)

    def are_lost(self) -> NDArray[np.bool_]:
        """Tell which items have a definition that puts them into an entity that is dead."""
        places = [
            self._catalogue.prefab(value).place if ok else None
            for value, ok in zip(self.values, self._are_known, strict=True)
        ]
        return self._where(
            [is_handle(place) and place not in self._catalogue.world for place in places]
        )

    def _where(self, flags: list[bool]) -> NDArray[np.bool_]:
        """Tell which items have a definition with a flag."""
        if not any(flags):
            return np.zeros(self.codes.shape[0], np.bool_)
        return np.array(flags, np.bool_)[self.codes]

    def at(self, i: int) -> Any:
        """Return the definition that an item names."""
        return self.values[self.codes[i]]
