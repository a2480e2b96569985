"""The daemon: its roles, and the assembly of one stream."""
