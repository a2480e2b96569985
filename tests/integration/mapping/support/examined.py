"""Counting what was compared."""

from __future__ import annotations

from collections.abc import Callable

Examined = Callable[[str, str, int], None]
"""Notes that so many examples of a type were compared on a flavour."""
