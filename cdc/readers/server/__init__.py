"""Connections to a source, its packets, and what queries tell of it."""
