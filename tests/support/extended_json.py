"""Documents as the dataset writes them."""

from __future__ import annotations

from typing import Any

_INT32 = range(-(1 << 31), 1 << 31)


def extended(value: Any) -> Any:
    """Return a decoded value as canonical extended JSON writes it."""
    match value:
        case dict():
            return {key: extended(each) for key, each in value.items()}
        case list():
            return [extended(each) for each in value]
        case bool():
            return value
        case int():
            return {"$numberInt" if value in _INT32 else "$numberLong": str(value)}
        case float():
            return {"$numberDouble": repr(value)}
    return value
