"""Compiles a mapping against a table: the plan."""
