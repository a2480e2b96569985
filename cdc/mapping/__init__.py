"""Turns rows events into document operations, as the mapping files say; pure, without I/O."""
