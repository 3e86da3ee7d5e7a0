"""Files of other people: what is read is checked before it is believed.

Nothing here knows services; it turns files into plain data and columns, and
back. Optional dependencies stop here.
"""
