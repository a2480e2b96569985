"""Queries a source for everything but its binlog and its rows."""
