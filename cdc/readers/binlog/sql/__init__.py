"""Reads the statements in the binlog: their effects on tables."""
