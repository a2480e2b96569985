"""Numbers of things, in words for people."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "", *, of: int | None = None) -> str:
    """Return `1 row`, `2 rows` or, of an estimate, `1 of about 5 rows`.

    `several` is the plural where an s behind `one` does not make it.
    """
    what = one if (number if of is None else of) == 1 else several or f"{one}s"
    return f"{number} {what}" if of is None else f"{number} of about {of} {what}"
