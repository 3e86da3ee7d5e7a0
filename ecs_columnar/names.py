"""String ids of entities, both ways.

* ``handle_of[symbol]`` is the entity that a string names, 0 for none;
  ``symbol_of[index]`` is the string of an entity, -1 for none.
* Strings are interned in a table shared with the names of places, so that the
  place "harbour" and the entity "harbour" are found to be one.
* An entity without an id has none stored. Its name, ``17v2``, is made up when
  it is asked for, and doesn't find it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.change import Change
from ecs_columnar.column import grown, owned
from ecs_columnar.dtypes import CODE, HANDLE, INDEX_BITS, INDEX_MASK, NO_CODE, NO_ENTITY, ROW
from ecs_columnar.errors import RepositoryConsistencyError
from ecs_columnar.state import Stateful
from ecs_columnar.steps import Step
from ecs_columnar.strings import Encoded, StringTable, encode


def format_handle(handle: int) -> str:
    """Write a handle as index and generation.

    Examples
    --------
    >>> format_handle(2 << 32 | 17)
    '17v2'
    """
    return f"{int(handle) & INDEX_MASK}v{int(handle) >> INDEX_BITS}"


class Names(Stateful):
    """Which entity has which string id.

    Parameters
    ----------
    symbols : StringTable
        Where the strings are kept.

    Attributes
    ----------
    handle_of : int64 array
        By symbol.
    symbol_of : int32 array
        By entity index, as long as the highest index that ever had an id.
    n_named : int
    """

    STATE = ("handle_of", "symbol_of", "n_named")
    __slots__ = ("handle_of", "n_named", "symbol_of", "symbols")

    def __init__(self, symbols: StringTable) -> None:
        self.symbols: Final = symbols
        self.handle_of = np.empty(0, HANDLE)
        self.symbol_of = np.empty(0, CODE)
        self.n_named = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the maps, without the strings."""
        return self.handle_of.nbytes + self.symbol_of.nbytes

    def handles_of(self, symbols: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the entity that each symbol names, `NO_ENTITY` where none."""
        handles = np.full(symbols.shape[0], NO_ENTITY, HANDLE)
        known = (symbols >= 0) & (symbols < self.handle_of.shape[0])
        if known.all():
            return np.take(self.handle_of, symbols.astype(ROW), out=handles, mode="clip")
        handles[known] = self.handle_of[symbols[known].astype(ROW)]
        return handles

    def handle_of_text(self, text: str) -> int:
        """Return the entity that one string names, `NO_ENTITY` where none."""
        symbol = self.symbols.code(text)
        if not 0 <= symbol < self.handle_of.shape[0]:
            return NO_ENTITY
        return int(self.handle_of[symbol])

    def symbols_of(self, handles: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the symbol of each living entity's id, -1 where it has none."""
        indices = handles & INDEX_MASK
        symbols = np.full(handles.shape[0], NO_CODE, CODE)
        known = indices < self.symbol_of.shape[0]
        symbols[known] = self.symbol_of[indices[known]]
        return symbols

    def reserve(self, handles: NDArray[np.int64], n_later: int = 0) -> None:
        """Make room to bind these entities, and later ones, to any symbols that exist now."""
        self.own()
        self.handle_of = grown(self.handle_of, self.symbols.n_codes, NO_ENTITY, n_later)
        if handles.shape[0]:
            n = int((handles & INDEX_MASK).max()) + 1
            self.symbol_of = grown(self.symbol_of, n, NO_CODE, n_later)

    def bind(self, change: Change, symbols: NDArray[np.int32], handles: NDArray[np.int64]) -> None:
        """Give ids to entities that have none; room is reserved."""
        change.undo_later(self._clearing, symbols, handles)
        change.call(kernels.entities.bind, symbols, handles, self.handle_of, self.symbol_of)
        change.attribute(self, "n_named", self.n_named + handles.shape[0])

    def unbind(self, change: Change, handles: NDArray[np.int64]) -> NDArray[np.int32]:
        """Take their ids from entities, and return the symbols that name nothing then."""
        self.own()
        symbols = self.symbols_of(handles)
        is_named = symbols >= 0
        symbols = symbols[is_named]
        change.put(self, "handle_of", symbols.astype(ROW), NO_ENTITY)
        change.put(self, "symbol_of", handles[is_named] & INDEX_MASK, NO_CODE)
        change.attribute(self, "n_named", self.n_named - symbols.shape[0])
        return symbols

    def _clearing(self, symbols: NDArray[np.int32], handles: NDArray[np.int64]) -> list[Step]:
        """Return the step that takes their ids from entities that had none before."""
        self.own()
        names = self.handle_of, self.symbol_of
        return [kernels.step(kernels.entities.unbind, symbols, handles, *names)]

    def own(self) -> None:
        """Copy the arrays that a snapshot holds."""
        self.handle_of = owned(self.handle_of)
        self.symbol_of = owned(self.symbol_of)

    def name(self, handle: int) -> str:
        """Return the id of one living entity, or the name made up for it."""
        index = handle & INDEX_MASK
        symbol = self.symbol_of[index] if index < self.symbol_of.shape[0] else NO_CODE
        return format_handle(handle) if symbol < 0 else self.symbols.string(int(symbol))

    def text(self, handles: NDArray[np.int64]) -> NDArray[Any]:
        """Return the id of each living entity, or the name made up for it."""
        symbols = self.symbols_of(handles)
        texts = self.symbols.decode(symbols)
        for i in np.flatnonzero(symbols < 0):
            texts[i] = format_handle(handles[i])
        return texts

    def encoded(self, handles: NDArray[np.int64]) -> Encoded:
        """Return what `text` does as bytes: a view of the strings, if all have ids."""
        symbols = self.symbols_of(handles)
        if symbols.min(initial=0) < 0:
            return encode(self.text(handles))
        return self.symbols.encoded(symbols)

    def check(self) -> None:
        """Verify that ids and entities are a bijection.

        Raises
        ------
        RepositoryConsistencyError
            When they are not.
        """
        symbols = np.flatnonzero(self.handle_of[: self.symbols.n_codes])
        back = self.symbols_of(self.handle_of[symbols])
        n_named = int(np.count_nonzero(self.symbol_of >= 0))
        if not np.array_equal(symbols, back) or not n_named == symbols.shape[0] == self.n_named:
            raise RepositoryConsistencyError(
                f"cannot trust the ids: {symbols.shape[0]} strings name {n_named} entities"
            )
