"""Compile everything now, so that nothing has to be compiled later."""

from __future__ import annotations


def warmup() -> None:
    """Compile all kernels, or load them from the cache on disk.

    Call it before timing anything. Takes under a minute the first time on a
    machine, and about a second from then on.
    """
    from ecs_columnar.kernels._jit import compile_all

    compile_all()
