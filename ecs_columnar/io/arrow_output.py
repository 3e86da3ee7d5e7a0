"""Columns of instances written, as Parquet and Arrow files."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ecs_columnar.coded import Coded, Texts
from ecs_columnar.io.arrow_columns import ROWS_AT_ONCE
from ecs_columnar.io.arrow_texts import to_text_array
from ecs_columnar.io.arrow_values import fault_of_schema

_IDS: Final = "instance_id"


def to_arrow(values: Any, *, few: bool = False) -> Any:
    """Return values as an Arrow array; None where no type that is read again has them.

    Parameters
    ----------
    values : array, Coded or Texts
        NaN stays NaN; None and `pandas.NA` are nulls.
    few : bool
        Whether many of them are the same. Those that are `Coded` are distinct then.
    """
    import pyarrow as pa

    try:
        if isinstance(values, (Coded, Texts)) and len(values):
            return to_text_array(values, few=few)
        array = pa.array(values, from_pandas=None)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
    if _has_nothing(array.type) or fault_of_schema(pa.schema({"": array.type})):
        return None
    # Nothing is of no type, and a dictionary of that is refused when it is read.
    return array.dictionary_encode() if few and len(array) else array


def _has_nothing(kind: Any) -> bool:
    """Tell whether there is a structure without fields in a type: Parquet cannot say ``{}``."""
    import pyarrow as pa

    if pa.types.is_struct(kind) and not kind.num_fields:
        return True
    return any(_has_nothing(kind.field(i).type) for i in range(kind.num_fields))


def scattered(array: Any, rows: NDArray[np.intp], n: int) -> Any:
    """Put the values of an Arrow array into some rows of ``n``, and nulls into the others."""
    import pyarrow as pa

    if rows.shape[0] == n:
        return array
    indices = np.zeros(n, np.int64)
    indices[rows] = np.arange(rows.shape[0])
    is_gap = np.ones(n, np.bool_)
    is_gap[rows] = False
    return array.take(pa.array(indices, mask=is_gap))


def write_columns(columns: dict[str, Any], file: BinaryIO, *, is_parquet: bool) -> None:
    """Write Arrow arrays of one length as a Parquet or an Arrow file."""
    import pyarrow as pa

    table = pa.table(columns)
    if is_parquet:
        import pyarrow.parquet as pq

        pq.write_table(
            table,
            file,
            write_page_checksum=True,
            row_group_size=ROWS_AT_ONCE,
            use_dictionary=_with_dictionary(table.schema),
        )
        return
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=ROWS_AT_ONCE)


def _with_dictionary(schema: Any) -> list[str] | bool:
    """Return which columns get a dictionary: all but ids, of which each is there once.

    That takes a third of the time of writing, and who reads needs not reckon with ids that
    come again and again. Columns with fields go by other names, so all get one then.
    """
    if any(field.type.num_fields for field in schema):
        return True
    return [name for name in schema.names if name != _IDS]
