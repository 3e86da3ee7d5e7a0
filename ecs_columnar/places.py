"""Places: what an entity can be in, as small codes.

A place is a string, an entity, or both, when the entity's id is the string;
which of them came first makes no difference. A place stays when its entity is
removed: who was there still is, and the place is a dangling one.
"""

from __future__ import annotations

from operator import setitem
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar import kernels
from ecs_columnar.change import Change
from ecs_columnar.column import grown, owned
from ecs_columnar.dtypes import CODE, HANDLE, INDEX_MASK, NO_CODE, NO_ENTITY, ROW
from ecs_columnar.errors import RepositoryConsistencyError
from ecs_columnar.names import Names, format_handle
from ecs_columnar.state import State, Stateful
from ecs_columnar.steps import Step, run


class Places(Stateful):
    """Codes of places, by string and by entity.

    Parameters
    ----------
    names : Names
        Which entity has which string id.

    Attributes
    ----------
    code_of_symbol, code_of_index : int32 array
        Place of a string and of an entity index, -1 for none.
    symbols : int32 array, shape (capacity,)
        String of each place, -1 for none.
    entities : int64 array, shape (capacity,)
        Entity of each place: living, or `NO_ENTITY`; where there is no string,
        the one that it was.
    n_places : int
    seen : dict of str to int
        Codes of places that were asked for one by one, as they were spelled: a
        place keeps its code, and a dict is the fastest way to a single one.
    """

    STATE = ("code_of_symbol", "code_of_index", "symbols", "entities", "n_places")
    __slots__ = (
        "code_of_index",
        "code_of_symbol",
        "entities",
        "n_places",
        "names",
        "seen",
        "symbols",
    )

    def __init__(self, names: Names) -> None:
        self.names: Final = names
        self.code_of_symbol = np.empty(0, CODE)
        self.code_of_index = np.empty(0, CODE)
        self.symbols = np.empty(0, CODE)
        self.entities = np.empty(0, HANDLE)
        self.n_places = 0
        self.seen: dict[str, int] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all maps, capacity included."""
        arrays = (self.code_of_symbol, self.code_of_index, self.symbols, self.entities)
        return sum(array.nbytes for array in arrays)

    def code(self, name: str) -> int:
        """Return the place of one string, -1 where it is none."""
        found = self.seen.get(name)
        if found is None:
            symbol = self.names.symbols.code(str.strip(name))  # whatever a subclass strips
            is_known = 0 <= symbol < self.code_of_symbol.shape[0]
            found = int(self.code_of_symbol[symbol]) if is_known else NO_CODE
            if found != NO_CODE:
                self.seen[name] = found
        return found

    def find_symbols(self, symbols: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the place of each symbol, -1 where it is none."""
        codes, _ = _look_up(self.code_of_symbol, symbols)
        return codes

    def find_entities(self, handles: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the place that each living entity is, -1 where it is none."""
        codes, _ = _look_up(self.code_of_index, handles & INDEX_MASK)
        return codes

    def of_symbols(self, change: Change, symbols: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the place of each symbol; what was none becomes one."""
        codes, are_found = _look_up(self.code_of_symbol, symbols)
        if are_found:
            return codes
        new = symbols[codes < 0]
        new = _first_occurrences(new, new)
        self._found(change, new, self.names.handles_of(new))
        return self.find_symbols(symbols)

    def of_entities(self, change: Change, handles: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the place that each living entity is; what was none becomes one."""
        codes, are_found = _look_up(self.code_of_index, handles & INDEX_MASK)
        if are_found:
            return codes
        new = handles[codes < 0]
        new = _first_occurrences(new, new & INDEX_MASK)
        self._found(change, self.names.symbols_of(new), new)
        return self.find_entities(handles)

    def reserve(self, handles: NDArray[np.int64]) -> None:
        """Make room to link these entities."""
        self.own()
        if handles.shape[0]:
            n = int((handles & INDEX_MASK).max()) + 1
            self.code_of_index = grown(self.code_of_index, n, NO_CODE)

    def link(self, change: Change, codes: NDArray[np.int32], handles: NDArray[np.int64]) -> None:
        """Make entities, just named, the places that their strings were already."""
        change.put(self, "entities", codes.astype(ROW), handles)
        change.put(self, "code_of_index", handles & INDEX_MASK, codes)

    def unlink(self, change: Change, handles: NDArray[np.int64]) -> None:
        """Take entities, about to die, from the places that they are."""
        self.own()
        codes = self.find_entities(handles)
        codes = codes[codes >= 0].astype(ROW)
        if codes.shape[0]:
            change.put(self, "code_of_index", self.entities[codes] & INDEX_MASK, NO_CODE)
            change.put(self, "entities", codes[self.symbols[codes] >= 0], NO_ENTITY)

    def own(self) -> None:
        """Copy the arrays that a snapshot holds."""
        for name in ("code_of_symbol", "code_of_index", "symbols", "entities"):
            setattr(self, name, owned(getattr(self, name)))

    def thawing(self, state: State) -> list[Step]:
        """Return the steps that go back to a state."""
        return [*super().thawing(state), (self.seen.clear,)]

    def name(self, code: int) -> str | None:
        """Return the name of one place; None for nowhere."""
        if code < 0:
            return None
        symbol = int(self.symbols[code])
        return (
            format_handle(self.entities[code]) if symbol < 0 else self.names.symbols.string(symbol)
        )

    def text(self, codes: NDArray[np.int32]) -> NDArray[Any]:
        """Return the name of each place; None for nowhere."""
        safe = np.where(codes < 0, 0, codes)
        symbols = np.where(codes < 0, NO_CODE, _look_up(self.symbols, safe)[0])
        texts = self.names.symbols.decode(symbols.astype(CODE))
        for i in np.flatnonzero((symbols < 0) & (codes >= 0)):
            texts[i] = format_handle(self.entities[codes[i]])
        return texts

    def check(self, is_alive: NDArray[np.bool_]) -> None:
        """Verify that strings, entities and codes agree.

        Parameters
        ----------
        is_alive : bool array, shape (n_places,)
            Whether the entity of each place is alive.

        Raises
        ------
        RepositoryConsistencyError
            When they do not.
        """
        codes = np.arange(self.n_places, dtype=CODE)
        symbols, entities = self.symbols[: self.n_places], self.entities[: self.n_places]
        named = symbols >= 0
        if not np.array_equal(self.find_symbols(symbols[named]), codes[named]):
            raise RepositoryConsistencyError("cannot trust the places: a name finds another one")
        if not np.array_equal(self.find_entities(entities[is_alive]), codes[is_alive]):
            raise RepositoryConsistencyError("cannot trust the places: an entity is another one")
        if not np.array_equal(np.where(named, self.names.handles_of(symbols), entities), entities):
            raise RepositoryConsistencyError("cannot trust the places: an id is of another entity")

    def _found(
        self, change: Change, symbols: NDArray[np.int32], handles: NDArray[np.int64]
    ) -> None:
        """Make new places of distinct symbols, entities or both."""
        start, stop = self.n_places, self.n_places + symbols.shape[0]
        is_entity = handles != NO_ENTITY
        self.reserve(handles[is_entity])
        self.symbols = grown(self.symbols, stop, NO_CODE)
        self.entities = grown(self.entities, stop, NO_ENTITY)
        self.code_of_symbol = grown(self.code_of_symbol, self.names.symbols.n_codes, NO_CODE)
        self.symbols[start:stop] = symbols
        self.entities[start:stop] = handles
        is_named = symbols >= 0
        named, indices = symbols[is_named].astype(ROW), handles[is_entity] & INDEX_MASK
        codes = np.arange(start, stop, dtype=CODE)
        change.undo_failure(self.forgetting, named, indices, start)
        steps: list[Step] = [
            (setitem, self.code_of_symbol, named, codes[is_named]),
            (setitem, self.code_of_index, indices, codes[is_entity]),
            (setattr, self, "n_places", stop),
        ]
        run(steps)

    def forgetting(
        self, symbols: NDArray[np.intp], indices: NDArray[np.int64], n_places: int
    ) -> list[Step]:
        """Forget the last places: of these symbols and entity indices."""
        self.own()
        return [
            (self.seen.clear,),
            (setitem, self.code_of_symbol, symbols, NO_CODE),
            (setitem, self.code_of_index, indices, NO_CODE),
            (setattr, self, "n_places", n_places),
        ]


def _look_up(table: NDArray[np.int32], keys: NDArray[Any]) -> tuple[NDArray[np.int32], bool]:
    """Return ``table[keys]``, -1 where a key is outside, and whether none is -1."""
    found = np.empty(keys.shape[0], CODE)
    are_found = kernels.rows.look_up(table, keys.astype(HANDLE, copy=False), found)
    return found, are_found


def _first_occurrences(values: NDArray[Any], keys: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Return the values of distinct keys, in the order in which they first occur.

    A map by key takes a tenth of the time of sorting, unless keys are few and far apart.
    """
    n, n_keys = keys.shape[0], int(keys.max(initial=-1)) + 1
    if n_keys > _MOST_KEYS_EACH * n:
        _, first = np.unique(keys, return_index=True)
    else:
        first = np.full(n_keys, n, ROW)
        # Of equal keys the last write stays.
        first[keys[::-1].astype(ROW)] = np.arange(n - 1, -1, -1)
        first = first[first < n]
    return np.asarray(values[np.sort(first)])


_MOST_KEYS_EACH: Final = 16
