"""A column gives back what was exchanged, whatever was written twice."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from ecs_columnar.column import Column
from ecs_columnar.schema import Field
from ecs_columnar.steps import run

N_ROWS = 6


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
@given(rows=st.lists(st.integers(0, N_ROWS - 1), max_size=9))
def test_what_was_exchanged_is_put_back_and_the_oldest_of_equal_rows_wins(
    dtype: str, shape: tuple[int, ...], rows: list[int]
) -> None:
    column = Column(Field("x", "number", np.dtype(dtype), shape))
    n_items = int(np.prod(shape))
    old = np.arange(N_ROWS * n_items, dtype=dtype).reshape(N_ROWS, *shape)
    new = 100 + np.arange(len(rows) * n_items, dtype=dtype).reshape(len(rows), *shape)
    column.hold(old.copy())
    expected = old.copy()
    for row, value in zip(rows, new, strict=True):
        expected[row] = value

    before, step = column.exchanging(np.array(rows, np.intp), new)
    run([step])
    written = column.view(N_ROWS).tolist()
    run([column.putting_back(np.array(rows, np.intp), before)])

    assert written == expected.tolist()
    assert column.view(N_ROWS).tolist() == old.tolist()
