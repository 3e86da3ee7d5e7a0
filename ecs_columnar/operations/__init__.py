"""What can be done to a world, a file an operation.

Each works in two steps: first everything is looked up, validated, cast and
allocated, and what that added to string tables is taken back if it fails;
then the arrays are written.
"""
