"""What ecs_columnar is compared with: other libraries, and floors without one.

A floor is the same arrays handled by bare NumPy or a bare loop: the limit.
"""
