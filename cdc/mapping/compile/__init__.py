"""A mapping compiled against a table: the plan."""
