"""Worlds on disk: a folder of generations, each committed by one rename.

The format is written down byte by byte in ``docs/checkpoints.md``. Nothing that
is read is executed, and nothing is parsed before its checksum is verified.
"""
