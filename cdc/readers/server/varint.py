"""The two variable-length integers of MySQL: of its protocol, and of what its library writes."""

from __future__ import annotations


def packed(data: bytes, at: int) -> tuple[int, int]:
    """Read a length-encoded integer; return it and the offset after it.

    Raises IndexError or KeyError if it ends early, or begins as none does.

    https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_dt_integers.html
    """
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    end = at + 1 + {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    if end > len(data):
        raise IndexError("an integer ends early")
    return int.from_bytes(data[at + 1 : end], "little"), end


def serialized(data: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned integer of MySQL's serialization library; return it and the offset after.

    The number of trailing one bits of the first byte is the number of bytes behind it; the value is
    what is left of those bits, little-endian. Format: MySQL's
    `libs/mysql/serialization/variable_length_integers.h`.
    """
    first = data[at]
    size = 1
    while size < 9 and first & (1 << (size - 1)):
        size += 1
    value = int.from_bytes(data[at : at + size], "little")
    return value >> min(size, 8), at + size
