"""What Python, which says what is right, makes of bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable

from cdc.mapping.types.json import Encoded


def by_definition(convert: Callable[[bytes], Encoded], data: bytes) -> Encoded | None:
    """What Python makes of it; None for an error."""
    try:
        return convert(data)
    except (ArithmeticError, LookupError, ValueError, struct.error):
        return None
