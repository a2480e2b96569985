"""MariaDB's UUID, INET4 and INET6, which travel as BINARY(16), (4) and (16).

Formats: `plugin/type_uuid/sql_type_uuid.h` and `plugin/type_inet/sql_type_inet.h` in MariaDB's
source: a row image holds the bytes as they are stored, without trailing zeros.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import ClassVar

from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Typed

UUID_SUBTYPE = 4
UUID_BYTES = 16
IPV4_BYTES = 4


@dataclass(frozen=True, slots=True)
class Uuid(Typed):
    """Sixteen bytes as a BSON UUID (`type: uuid`)."""

    bson_type: ClassVar[bytes] = bson_bytes.BINARY
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """See `Typed`."""
        return bson_bytes.binary(raw.ljust(UUID_BYTES, b"\0"), UUID_SUBTYPE)


@dataclass(frozen=True, slots=True)
class Inet(Typed):
    """Four or sixteen bytes as the text of an IP address (`type: inet4`, `type: inet6`)."""

    size: int

    bson_type: ClassVar[bytes] = bson_bytes.STRING
    injective: ClassVar[bool] = True

    def value(self, raw: bytes) -> bytes:
        """See `Typed`."""
        family = socket.AF_INET if self.size == IPV4_BYTES else socket.AF_INET6
        address = socket.inet_ntop(family, raw.ljust(self.size, b"\0"))
        return bson_bytes.string(address.encode())
