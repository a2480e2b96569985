"""The text functions, in characters as the servers count them."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final, TypeVar

from cdc.mapping.expressions.collations import Collation

Characters = TypeVar("Characters", str, bytes)

MAX_PATTERNS: Final = 1024
SHA2: Final = {
    0: hashlib.sha256,
    224: hashlib.sha224,
    256: hashlib.sha256,
    384: hashlib.sha384,
    512: hashlib.sha512,
}


def substring(text: Characters, start: int, length: int | None = None) -> Characters:
    """Return the part that begins at `start`, from 1, or from the end if negative."""
    if not start or (length is not None and length <= 0) or abs(start) > len(text):
        return text[:0]
    begin = start - 1 if start > 0 else len(text) + start
    return text[begin:] if length is None else text[begin : begin + length]


def trim(text: str, remove: str, *, leading: bool, trailing: bool) -> str:
    """Remove `remove` from the ends, as often as it stands there."""
    if not remove:
        return text
    begin, end, size = 0, len(text), len(remove)
    while leading and end - begin >= size and text.startswith(remove, begin):
        begin += size
    while trailing and end - begin >= size and text.endswith(remove, begin, end):
        end -= size
    return text[begin:end]


def like(folded: str, pattern: str, escape: str, collation: Collation) -> bool:
    """Match a text, folded by `collation.fold`, against an unfolded pattern."""
    return matcher(pattern, escape, collation).fullmatch(folded) is not None


@lru_cache(MAX_PATTERNS)
def matcher(pattern: str, escape: str, collation: Collation) -> re.Pattern[str]:
    """Compile a LIKE pattern: character by character, `%` for any text, `_` for any character.

    Each part between two `%` is searched for once, as early as it comes (an atomic group). Nothing
    is tried twice, so no pattern takes more than quadratic time.
    """
    first, *rest = _parts(pattern, escape, collation)
    found = first
    if rest:
        *middle, last = rest
        found += "".join(f"(?>.*?{part})" for part in middle if part) + f".*{last}"
    return re.compile(found, re.DOTALL)


def _parts(pattern: str, escape: str, collation: Collation) -> list[str]:
    parts, at = [""], 0
    while at < len(pattern):
        character = pattern[at]
        if character == escape and at + 1 < len(pattern):
            at += 1
            parts[-1] += re.escape(collation.fold(pattern[at]))
        elif character == "%":
            parts.append("")
        else:
            parts[-1] += "." if character == "_" else re.escape(collation.fold(character))
        at += 1
    return parts


def md5(data: bytes) -> str:
    """Return the MD5 as hexadecimal digits."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
