"""Checks that a server's log is the one that was read, and not just one with the same numbers."""
