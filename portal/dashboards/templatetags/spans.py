"""Says how long something took, in the unit that fits."""

from __future__ import annotations

from datetime import timedelta

from django import template

register = template.Library()

_SECONDS = {"years": 31_556_952, "days": 86_400, "hours": 3_600, "minutes": 60}


@register.filter
def span(time: timedelta) -> str:
    """Return `0.4 s`, `12 s`, `5 minutes`, `3 hours`, `12 days` or `16 years`."""
    seconds = time.total_seconds()
    for unit, length in _SECONDS.items():
        if seconds >= 2 * length:  # below, the smaller unit says more
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
