"""Objects as they were, to be put back in place: a scene that need not be made again.

A memento goes through all that can be reached from some objects and keeps, for
each thing that can change, what it holds: attributes, items, the bytes of an
array. To put it back is to write that into the same things, capacity and all,
so whoever holds them (a closure, an entity, an open transaction) holds on to
them. To see whether anything has changed takes a tenth of the time of a
fingerprint.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter, is_
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

ATOMS = (type(None), bool, int, float, complex, str, bytes, type, ModuleType, np.generic, np.dtype)
OURS = ("ecs_columnar", "tests")
# What a component class is made of is the same for all worlds, and never changes.
FIXED = ("ecs_columnar.schema", "ecs_columnar.fields")

# An array of each sort is looked at by one function of C.
_content_of = bytes
_is_writeable = attrgetter("writeable")


class UnknownError(Exception):
    """Something is new of which nobody knows what it holds."""


class Part(NamedTuple):
    """One thing that can change: how it is looked at, what was seen, how that is written back."""

    owner: Any
    look: Callable[[], Any]
    seen: Any
    put_back: Callable[[Any], None]


class Memento:
    """All that can be reached from some objects, as it is now."""

    def __init__(self, *roots: Any) -> None:
        self._holders: list[Part] = []
        self._contents: list[Part] = []
        self._flags: list[Part] = []
        # Holds what it has seen, so that no address is used again.
        self._seen: dict[int, Any] = {}
        waiting = list(roots)
        while waiting:
            found = waiting.pop()
            if isinstance(found, ATOMS) or id(found) in self._seen:
                continue
            self._seen[id(found)] = found
            waiting += self._keep(found)
        self._buffers = [part.owner for part in self._contents]
        self._bytes = [part.seen for part in self._contents]
        self._flag_objects = [part.owner for part in self._flags]
        self._writeable = [part.seen for part in self._flags]

    def changed(self) -> list[Part]:
        """Return what is not as it was; what is new is found in what holds it."""
        found = [part for part in self._holders if not _are_same(part.look(), part.seen)]
        found += _differing(self._contents, list(map(_content_of, self._buffers)), self._bytes)
        flags = list(map(_is_writeable, self._flag_objects))
        return found + _differing(self._flags, flags, self._writeable)

    def put_back(self, changed: Iterable[Part]) -> None:
        """Have everything as it was, of which this is all that has changed."""
        for part in changed:
            part.put_back(part.seen)

    # --- keeping ---------------------------------------------------------------------

    def _keep(self, found: Any) -> Iterable[Any]:
        """Keep what a thing holds, and return what can be reached from it."""
        if isinstance(found, np.ndarray):
            return self._keep_array(found)
        if isinstance(found, np.random.Generator):
            self._keep_generator(found)
            return ()
        if isinstance(found, dict):
            self._hold(found, lambda: [*found.keys(), *found.values()], partial(_fill_dict, found))
            return [*found.keys(), *found.values()]
        if isinstance(found, (list, deque)):
            self._hold(found, found.copy, partial(_fill_list, found))
        elif isinstance(found, set):
            self._hold(found, lambda: sorted(found, key=id), partial(_fill_set, found))
        elif _is_ours(found) and not isinstance(found, tuple):
            return () if type(found).__module__ in FIXED else self._keep_object(found)
        return _held(found)

    def _hold(self, owner: Any, look: Callable[[], Any], put_back: Callable[[Any], None]) -> None:
        self._holders.append(Part(owner, look, look(), put_back))

    def _keep_object(self, found: Any) -> Iterable[Any]:
        names = _slots_of(found)
        if names:
            # Of one name it would return the value, of several it returns a tuple.
            get = attrgetter(*names, names[0])
            self._hold(found, partial(get, found), partial(_set_slots, found, names))
        return [_vars_of(found), *(getattr(found, name) for name in names)]

    def _keep_array(self, array: np.ndarray) -> Iterable[Any]:
        flags = array.flags
        is_writeable = partial(setattr, flags, "writeable")
        if array.base is None and array.dtype == object:
            self._hold(array, lambda: array.ravel().tolist(), partial(_put_items, array))
        elif array.base is None and array.nbytes:
            assert flags.forc, "an array that owns its memory is contiguous"
            address = array.__array_interface__["data"][0]
            buffer = (ctypes.c_char * array.nbytes).from_address(address)
            write = partial(_write, address)
            self._contents.append(Part(buffer, partial(bytes, buffer), bytes(buffer), write))
        look = partial(_is_writeable, flags)
        self._flags.append(Part(flags, look, look(), is_writeable))
        return [array.base, *(array.ravel().tolist() if array.dtype == object else ())]

    def _keep_generator(self, generator: np.random.Generator) -> None:
        bits = generator.bit_generator
        self._hold(
            generator,
            lambda: [repr(bits.state)],
            partial(lambda state, _: setattr(bits, "state", state), bits.state),
        )

    # --- telling states apart --------------------------------------------------------

    def essence(self, changed: Iterable[Part]) -> Any:
        """Return what is hashed alike only for states that are alike, bit by bit.

        None where that cannot be told, because something is new that nobody knows.
        """
        try:
            return tuple((id(part), self._essence(part.look())) for part in changed)
        except (UnknownError, RecursionError):
            return None

    def _essence(self, value: Any) -> Any:
        if id(value) in self._seen:
            return id(value)
        if isinstance(value, ATOMS):
            return type(value).__name__, repr(value)
        if isinstance(value, np.ndarray):
            return self._essence_of_array(value)
        if isinstance(value, memoryview):
            return value.format, value.tobytes()
        if isinstance(value, dict):
            return "dict", *map(self._essence, value.items())
        if isinstance(value, (tuple, list, deque)):
            return type(value).__name__, *map(self._essence, value)
        if isinstance(value, (set, frozenset)):
            return type(value).__name__, frozenset(map(self._essence, value))
        if not _is_ours(value):
            raise UnknownError
        names = _slots_of(value)
        inner = [getattr(value, name) for name in names]
        return type(value).__name__, *names, *map(self._essence, (inner, _vars_of(value)))

    def _essence_of_array(self, array: np.ndarray) -> Any:
        base = id(array.base) if id(array.base) in self._seen else None
        facts = array.dtype.str, array.shape, array.flags.writeable, base
        if array.dtype == object:
            return *facts, *map(self._essence, array.ravel().tolist())
        return *facts, array.tobytes()


def _differing(parts: list[Part], now: list[Any], seen: list[Any]) -> list[Part]:
    if now == seen:
        return []
    return [part for part, a, b in zip(parts, now, seen, strict=True) if a != b]


def _are_same(now: Any, seen: Any) -> bool:
    if len(now) == 1 and isinstance(now[0], str):
        return bool(now[0] == seen[0])
    return len(now) == len(seen) and all(map(is_, now, seen))


def _is_ours(value: Any) -> bool:
    return type(value).__module__.startswith(OURS)


def _held(found: Any) -> Iterable[Any]:
    """Return what a thing holds that does not change itself."""
    if isinstance(found, (tuple, frozenset, list, deque, set)):
        return list(found)
    if isinstance(found, FunctionType):
        return [cell.cell_contents for cell in found.__closure__ or ()]
    if isinstance(found, partial):
        return [found.func, *found.args]
    if isinstance(found, (MethodType, BuiltinFunctionType)):
        return [found.__self__]
    return ()


def _slots_of(value: Any) -> list[str]:
    names: list[str] = []
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else slots
    return [name for name in names if not name.startswith("__") and hasattr(value, name)]


def _vars_of(value: Any) -> Any:
    return vars(value) if hasattr(value, "__dict__") else None


# -- writing back ---------------------------------------------------------------------


def _fill_dict(found: dict[Any, Any], seen: list[Any]) -> None:
    n = len(seen) // 2
    found.clear()
    found.update(zip(seen[:n], seen[n:], strict=True))


def _fill_list(found: Any, seen: Any) -> None:
    found.clear()
    found.extend(seen)


def _fill_set(found: set[Any], seen: list[Any]) -> None:
    found.clear()
    found.update(seen)


def _set_slots(found: Any, names: list[str], seen: tuple[Any, ...]) -> None:
    for name, value in zip(names, seen[:-1], strict=True):
        object.__setattr__(found, name, value)


def _put_items(array: np.ndarray, seen: list[Any]) -> None:
    is_writeable, array.flags.writeable = array.flags.writeable, True
    for i, item in enumerate(seen):
        array.flat[i] = item
    array.flags.writeable = is_writeable


def _write(address: int, seen: bytes) -> None:
    ctypes.memmove(address, seen, len(seen))
