"""Benchmarks of ecs_columnar, a file an operation; `peers` is what it is compared with."""
