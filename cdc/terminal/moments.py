"""Moments, as people read them: to the second, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """Return `2026-12-01 09:59:32 UTC`; a moment without a zone is one of UTC."""
    known = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return f"{known:%Y-%m-%d %H:%M:%S} UTC"
