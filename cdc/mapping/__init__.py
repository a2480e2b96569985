"""Turns rows events into document operations, as the mapping files say; talks to no server."""
