"""The number types of the library, fixed in one place.

* A handle is ``generation << 32 | index``. Generations start at 1, so 0 is no
  entity and a small integer is never mistaken for a handle.
* Rows are ``intp``: NumPy indexes with nothing else without casting, and a cast
  inside fancy indexing is where NumPy allocates in the middle of a write.
* Codes (of tables, strings, places) are int32: there are fewer than two
  billion of them, and half the bytes is half the cache misses.
* What is reached at random lies in one record, because one cache miss then
  serves all of its fields.
"""

from __future__ import annotations

from typing import Final

import numpy as np

HANDLE: Final = np.dtype(np.int64)
ROW: Final = np.dtype(np.intp)
CODE: Final = np.dtype(np.int32)

INDEX_BITS: Final = 32
INDEX_MASK: Final = (1 << INDEX_BITS) - 1

NO_ENTITY: Final = 0
"""The handle of no entity: what an empty reference holds."""

NOWHERE: Final = -1
"""The place code of an entity that is in no place."""

NO_CODE: Final = -1
"""The code of a string, a table or a row that does not exist."""

MAX_ENTITIES: Final = 2**31 - 1
MAX_GENERATION: Final = 2**31 - 1

# A dead record keeps minus its next generation, so that one comparison with
# the generation of a handle, which is positive, finds a dead one.
ENTITY_RECORD: Final = np.dtype([("generation", CODE), ("table", CODE), ("row", CODE)])
LOCATION_RECORD: Final = np.dtype([("location", CODE), ("slot", CODE)])
GROUP_RECORD: Final = np.dtype([("start", np.int64), ("count", CODE), ("capacity", CODE)])
