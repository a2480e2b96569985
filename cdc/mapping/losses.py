"""How many values became less than they were, while rows were mapped."""

from collections import Counter

Losses = Counter[tuple[str, str]]
"""A count by (column, reason)."""
