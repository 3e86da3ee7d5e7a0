"""``ecs-columnar bench``: the same work item by item, and in batches.

Five operations of the services, at the sizes of their specification and at larger
ones, each done three ways: by scalar calls in a loop, by a batch call that is given
dicts, and by a batch call that is given columns.
"""
