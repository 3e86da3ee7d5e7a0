"""Policy over the core: one specified service a file."""
