"""Rows that the target refuses: set aside, listed, tried again."""
