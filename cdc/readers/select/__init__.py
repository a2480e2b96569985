"""Reads rows by SELECT, in chunks between watermarks."""
