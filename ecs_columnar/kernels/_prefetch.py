"""Memory that is needed soon."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload
from numpy.typing import NDArray


def prefetch(array: NDArray[Any], position: int | np.uint64) -> None:
    """Ask the processor to load an item of an array that will be needed soon.

    Changes nothing but the time that is taken. The position may be outside of
    the array. Without the JIT it does nothing.
    """


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _prefetch(_: Any, array: Any, position: Any) -> Any:  # pragma: no cover - the JIT's
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        item = builder.bitcast(builder.gep(start, [arguments[1]]), cgutils.voidptr_t)
        flag = ir.IntType(32)
        declared = ir.FunctionType(ir.VoidType(), [item.type, flag, flag, flag])
        function = cgutils.get_or_insert_function(builder.module, declared, "llvm.prefetch.p0")
        builder.call(function, [item, flag(0), flag(3), flag(1)])  # for reading, to keep, data
        return context.get_dummy_value()

    return types.void(array, position), emit


@overload(prefetch, strict=False)  # type: ignore[untyped-decorator, unused-ignore]
def _compile_prefetch(array: Any, position: Any) -> Any:  # pragma: no cover - the JIT's
    del array, position
    return lambda array, position: _prefetch(array, position)  # noqa: PLW0108 - as Numba wants it
