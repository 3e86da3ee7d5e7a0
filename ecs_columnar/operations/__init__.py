"""What can be done to a world, a file an operation.

Each prepares a `Change`: everything is looked up, validated, cast and allocated,
and the writes are collected. Its last line does them.
"""
