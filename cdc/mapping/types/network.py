"""MariaDB's UUID, INET4 and INET6, which travel as BINARY(16), (4) and (16).

Formats: `plugin/type_uuid/sql_type_uuid.h` and `plugin/type_inet/sql_type_inet.h` in MariaDB's
source: a row image holds the bytes as they are stored, without trailing zeros.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Typed

UUID_SUBTYPE = 4
UUID_BYTES = 16
IPV4_BYTES = 4

_ZERO_GROUP = re.compile(r"(?:^|:)0(?::|$)")


@dataclass(frozen=True, slots=True)
class Uuid(Typed):
    """Sixteen bytes as a BSON UUID (`type: uuid`)."""

    bson_type: ClassVar[bytes] = bson_bytes.BINARY
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the UUID with its subtype."""
        return bson_bytes.binary(raw.ljust(UUID_BYTES, b"\0"), UUID_SUBTYPE)


@dataclass(frozen=True, slots=True)
class Inet(Typed):
    """Four or sixteen bytes as the text that SELECT prints (`type: inet4`, `type: inet6`)."""

    size: int

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """Return the printed address as a BSON string."""
        raw = raw.ljust(self.size, b"\0")
        address = socket.inet_ntop(socket.AF_INET, raw) if self.size == IPV4_BYTES else _inet6(raw)
        return bson_bytes.string(address.encode())


def _inet6(raw: bytes) -> str:
    """Print as MariaDB does: unlike RFC 5952, it also shortens a single group of zeros."""
    address = socket.inet_ntop(socket.AF_INET6, raw)
    return address if "::" in address else _ZERO_GROUP.sub("::", address, count=1)
