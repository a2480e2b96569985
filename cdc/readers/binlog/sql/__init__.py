"""Reads the statements in the binlog: what each does to tables."""
