from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.readers.server.varint import packed, serialized


@pytest.mark.parametrize(
    ("data", "value", "size"),
    [
        (b"\x00", 0, 1),
        (b"\xfa", 250, 1),
        (b"\xfc\xfb\x00", 251, 3),
        (b"\xfd\x00\x00\x01", 1 << 16, 4),
        (b"\xfe" + b"\xff" * 8, 2**64 - 1, 9),
    ],
)
def test_a_length_encoded_integer_is_read(data: bytes, value: int, size: int) -> None:
    assert packed(b"?" + data + b"?", 1) == (value, 1 + size)


def encoded(value: int) -> bytes:
    size = next((size for size in range(1, 9) if value < 1 << 7 * size), 9)
    if size == 9:
        return b"\xff" + value.to_bytes(8, "little")
    return (value << size | (1 << size - 1) - 1).to_bytes(size, "little")


@given(st.integers(0, 2**64 - 1))
def test_an_integer_of_the_serialization_library_is_read(value: int) -> None:
    data = encoded(value)

    assert serialized(b"?" + data + b"?", 1) == (value, 1 + len(data))
