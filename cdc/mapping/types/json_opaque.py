"""Converts the values inside binary JSON that JSON has no type for, as SELECT prints them.

Format: `json_binary.h`: a field type, a length and bytes. Temporal values are the packed 64-bit
form of `TIME_to_longlong_packed` (`mysys/my_time.cc`), decimals `precision, scale` and the binary
form of a DECIMAL column. SELECT prints anything else as `base64:type<field type>:<data>`
(`Json_wrapper::to_string`), with a newline after every 76 characters of base64.
"""

from __future__ import annotations

import base64

from cdc.mapping import bson_bytes
from cdc.mapping.types.decimals import DecimalDouble, byte_size
from cdc.mapping.types.encoder import Wire

Encoded = tuple[bytes, bytes]

TIMESTAMP, DATE, TIME, DATETIME, DECIMAL = 7, 10, 11, 12, 246
BASE64_LINE = 76
FRACTION_BITS = 24


def opaque(field_type: int, data: bytes) -> Encoded:
    """Return BSON type byte and value bytes of an opaque value."""
    if field_type == DECIMAL:
        return _decimal(data)
    if field_type in (TIMESTAMP, DATE, TIME, DATETIME):
        text = _temporal(field_type, int.from_bytes(data, "little", signed=True))
    else:
        text = f"base64:type{field_type}:{_base64(data)}"
    return bson_bytes.STRING, bson_bytes.string(text.encode())


def _decimal(data: bytes) -> Encoded:
    """Return a double, or an integer if there is no fraction: their texts are the same."""
    precision, scale = data[0], data[1]
    if len(data) - 2 != byte_size(precision, scale):
        raise ValueError("a JSON decimal has the wrong size")
    decimal = DecimalDouble(Wire(len(data) - 2), precision, scale)
    number = decimal.coefficient(data[2:])
    if not scale and bson_bytes.MIN_INTEGER <= number <= bson_bytes.MAX_INTEGER:
        return bson_bytes.integer(number)
    return bson_bytes.DOUBLE, decimal.value(data[2:])


def _temporal(field_type: int, packed: int) -> str:
    sign, packed = ("-", -packed) if packed < 0 else ("", packed)
    fraction, whole = packed & ((1 << FRACTION_BITS) - 1), packed >> FRACTION_BITS
    clock = f":{whole >> 6 & 63:02d}:{whole & 63:02d}.{fraction:06d}"
    if field_type == TIME:
        return f"{sign}{whole >> 12 & 1023:02d}{clock}"
    year, month = divmod(whole >> 22, 13)
    day = f"{year:04d}-{month:02d}-{whole >> 17 & 31:02d}"
    return day if field_type == DATE else f"{day} {whole >> 12 & 31:02d}{clock}"


def _base64(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    lines = (text[at : at + BASE64_LINE] for at in range(0, len(text), BASE64_LINE))
    return "\n".join(lines)
