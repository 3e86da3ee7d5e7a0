"""Components that are declared by a JSON Schema (draft-07).

`flat` looks at a schema. If it is a flat list of properties, `FlatCodec` gives
each a column and validates columns; `ObjectCodec` takes whatever else there is
and keeps the data whole. `Draft7` is the reference that both are held to.
"""
