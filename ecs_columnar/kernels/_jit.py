"""The one place that chooses Numba's options.

A kernel has the signatures that its annotations say, and no others:

* they are compiled when they are first called, or by `compile_all`, and then
  kept on disk (`_cache`);
* an array that is read may be read-only or writable, one that is written must
  be writable; all are C-contiguous;
* a scalar may be of a narrower type than declared;
* any other argument is refused with a TypeError. No array is converted, and
  nothing else is ever compiled.

With ``NUMBA_DISABLE_JIT=1`` kernels are plain functions, which check nothing.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import typing
from collections.abc import Callable
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

import numba
import numpy as np
from numba.core import config, sigutils, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher
from numba.core.typeconv import Conversion

from ecs_columnar import kernels
from ecs_columnar.kernels._cache import DiskCache
from ecs_columnar.kernels._types import Argument

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Given = ParamSpec("_Given")
_Returned = TypeVar("_Returned")
_Signature = tuple[Any, ...]

# No fastmath: results must not depend on the processor. No boundscheck, so that
# NUMBA_BOUNDSCHECK decides. No references to arrays are counted (`_nrt`): the caller
# holds them, and to count takes 0.04 us an array and call.
_OPTIONS: Final = {
    "nopython": True,
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": None,
    "_nrt": False,
}


def kernel(function: _Function) -> _Function:
    """Compile a function for the types of its annotations, when first called.

    Parameters
    ----------
    function : function
        Arrays are annotated with the aliases of `_types`, scalars with ``int``,
        ``float``, ``bool`` or a NumPy scalar type. A NamedTuple of those is one
        argument. There are no default values.

    Returns
    -------
    function
        Raises TypeError for arguments of any other type.
    """
    if config.DISABLE_JIT:
        function.is_ready = _always  # type: ignore[attr-defined]  # as a Kernel has
        return function
    return cast("_Function", Kernel(function))


class ScalarKernel(Protocol[_Given, _Returned]):
    """A kernel about one entity; see `Kernel` for ``direct``."""

    direct: Callable[_Given, _Returned]

    def __call__(self, *arguments: _Given.args, **named: _Given.kwargs) -> _Returned: ...


def scalar_kernel(function: Callable[_Given, _Returned]) -> ScalarKernel[_Given, _Returned]:
    """Compile a function about one entity as `kernel` does, to be called by its `direct`.

    It keeps the interpreter's lock, as to let go of it and to take it again would be
    a fifth of the call.
    """
    if config.DISABLE_JIT:
        found: Any = kernel(function)
        found.direct = function
    else:
        found = Kernel(function, targetoptions={**_OPTIONS, "nogil": False})
    return cast("ScalarKernel[_Given, _Returned]", found)


def sorting_kernel(function: _Function) -> _Function:
    """Compile a function as `kernel` does, where it sorts a part of an array.

    Numba's sort is made of functions that return arrays, for which references have
    to be counted.
    """
    if config.DISABLE_JIT:
        return kernel(function)
    return cast("_Function", Kernel(function, targetoptions={**_OPTIONS, "_nrt": True}))


def inlined(function: _Function) -> _Function:
    """Make a function that kernels call at no cost.

    Those of the same file, or of any where the name of its file begins with an underscore,
    because the cache on disk takes a kernel for unchanged if these files are.
    """
    if config.DISABLE_JIT:
        return function
    return cast("_Function", numba.njit(forceinline=True, **_inlined_options())(function))


def compile_all() -> None:
    """Compile all signatures of all kernels, or load them from disk.

    Takes some ten seconds the first time, and less than one from then on.
    """
    for family in kernels.__all__:
        module = importlib.import_module(f"{kernels.__name__}.{family}")
        for member in vars(module).values():
            if isinstance(member, Kernel):
                member.compile_declared()


class Kernel(CPUDispatcher):
    """A Numba dispatcher that compiles the declared signatures only.

    A call with arguments of known types goes through Numba's C code, as with
    any jitted function. Python runs only when types are new.

    Attributes
    ----------
    direct : callable
        The machine code of the only signature, as a function that looks at no types: half
        of a call about one entity is Numba's look at them, 0.1 us for each array of records.
        The caller answers for them by giving arrays of the library's own, C-contiguous and
        of the declared types, and that those that are written are writable.
    """

    def __init__(
        self,
        py_func: Any,
        locals: dict[str, Any] | None = None,
        targetoptions: dict[str, Any] | None = None,
    ) -> None:
        if py_func.__defaults__ or py_func.__kwdefaults__:
            raise TypeError(f"cannot compile {py_func.__qualname__}: kernels have no defaults")
        super().__init__(py_func, locals or {}, targetoptions or dict(_OPTIONS))
        self._cache = DiskCache(py_func, self.targetoptions)
        self._accepted: set[_Signature] = set()
        self._ready: set[object] = set()
        self.direct: Callable[..., Any] = self._compile_and_call

    @functools.cached_property
    def declared(self) -> list[_Signature]:
        """The argument types of each signature, compiled or not."""
        return _signatures(self.py_func)

    def _compile_and_call(self, *arguments: Any) -> Any:
        """Be ``direct`` until it is called for the first time."""
        (signature,) = self.declared
        self.direct = cast("Callable[..., Any]", super().compile(signature))
        return self.direct(*arguments)

    def compile_declared(self) -> None:
        """Compile all signatures, and call none."""
        for signature in self.declared:
            super().compile(signature)

    def is_ready(self, arguments: tuple[Any, ...]) -> bool:
        """Tell whether a call with such arguments runs no Python."""
        at = self._word_at
        return (None if at is None else arguments[at].dtype) in self._ready

    def make_ready(self, arguments: tuple[Any, ...]) -> None:
        """Compile for arguments of these types, whether arrays are writable or read-only.

        Numba runs Python when it meets a type for the first time, in a kernel
        and in the process; both are over with here.
        """
        (signature,) = (s for s in self.declared if self._takes(arguments, s))
        for variant in itertools.product(*map(self._ways, arguments, signature)):
            self.compile(tuple(map(numba.typeof, variant)))
            for argument in variant:
                _type_in_c(argument)
        self._ready.add(None if self._word_at is None else arguments[self._word_at].dtype)

    def _takes(self, arguments: tuple[Any, ...], signature: _Signature) -> bool:
        return all(map(self._fits, map(numba.typeof, arguments), signature))

    def _ways(self, argument: Any, declared: Any) -> list[Any]:
        """Return an argument, and as a read-only array where that is taken."""
        if not isinstance(argument, np.ndarray):
            return [argument]
        read_only = argument.view()
        read_only.flags.writeable = False
        ways = (argument, read_only)
        return [way for way in ways if self._fits(numba.typeof(way), declared)]

    @functools.cached_property
    def _word_at(self) -> int | None:
        """Which argument tells the signatures apart, by the dtype of words, if one does."""
        pairs = enumerate(zip(self.declared[0], self.declared[-1], strict=True))
        return next((i for i, (first, last) in pairs if first != last), None)

    def compile(self, signature: Any) -> Any:
        """Compile the declared signature that takes arguments of these types.

        Numba calls this for types that no compiled signature takes.
        """
        given, _ = sigutils.normalize_signature(signature)
        with global_compiler_lock:
            entry_point = super().compile(self._choose(given))
            if given not in self._accepted:
                # Numba's C code takes exact matches only, as long as it may compile,
                # and any conversion (3.7 to 3) when it may not. So it learns the types
                # that come, as one more signature of the same machine code.
                self._insert([argument._code for argument in given], entry_point, False)
                self._accepted.add(given)
        return entry_point

    def add_overload(self, compiled: Any) -> None:
        """Keep a compiled signature; `compile` tells the C code about it.

        Numba's own method tells the C code about the declared types too, which
        rarely come, as most arrays are writable: 0.05 us a call for nothing.
        """
        self.overloads[compiled.signature.args] = compiled

    def _choose(self, given: _Signature) -> _Signature:
        misfits = []
        for signature in self.declared:
            misfit = [k for k in range(len(given)) if not self._fits(given[k], signature[k])]
            if not misfit:
                return signature
            misfits.append((len(misfit), misfit[0], signature))
        _, k, signature = min(misfits, key=lambda found: found[0])
        name = list(self._compiler.pysig.parameters)[k]
        raise TypeError(
            f"cannot call {self.__qualname__}: {name} is {given[k]}, "
            f"and it takes {signature[k]}; convert it before the call"
        )

    def _fits(self, given: Any, declared: Any) -> bool:
        if isinstance(declared, types.BaseNamedTuple):
            return (
                isinstance(given, types.BaseNamedTuple)
                and given.instance_class is declared.instance_class
                and all(map(self._fits, given.types, declared.types))
            )
        conversion = self.typingctx.can_convert(given, declared)
        return conversion is not None and conversion <= Conversion.safe


def _always(arguments: tuple[Any, ...]) -> bool:
    del arguments
    return True


def _type_in_c(argument: Any) -> None:
    """Let Numba's C code type an argument, which it does in C from then on."""
    probe = CPUDispatcher(_always)
    probe._can_compile = False
    with contextlib.suppress(TypeError):  # because nothing has been compiled
        probe(argument)


def _signatures(function: Callable[..., Any]) -> list[_Signature]:
    """Translate annotations: one signature, or one for each variant."""
    hints = typing.get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    choices = [_choices(hint) for hint in hints.values()]
    n_variants = max(map(len, choices), default=1)
    # One signature a word: all columns that a call moves are of the same word.
    return [tuple(c[i if len(c) > 1 else 0] for c in choices) for i in range(n_variants)]


def _choices(hint: Any) -> list[Any]:
    """Return the Numba types of an annotation: one, or one for each variant."""
    if hasattr(hint, "__metadata__"):
        (argument,) = (extra for extra in hint.__metadata__ if isinstance(extra, Argument))
        return [
            types.Array(_item_type(item), n_dims, "C", readonly=not argument.writable)
            for item, n_dims in argument.variants
        ]
    if isinstance(hint, type) and hasattr(hint, "_fields"):
        fields = typing.get_type_hints(hint, include_extras=True).values()
        return [types.BaseTuple.from_types([_choices(field)[0] for field in fields], hint)]
    return [_item_type(hint)]


def _item_type(item: Any) -> Any:
    return numba.from_dtype(np.dtype(item))


def _inlined_options() -> dict[str, Any]:
    return {name: value for name, value in _OPTIONS.items() if name not in ("nopython", "_nrt")}
