"""What can be set: one table of keys, and who gives them values.

A configuration is passed to what needs it. There is no global one.
"""
