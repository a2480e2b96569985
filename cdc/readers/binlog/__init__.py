"""Reads the binlog: bytes in, committed transactions out."""
