"""A server's address: a host, and its port."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

DEFAULT_PORT: Final = 3306

_WITH_PORT: Final = re.compile(r"(?:\[(?P<ipv6>[^\[\]]*)\]|(?P<name>[^:]*)):(?P<port>[0-9]+)")
_LAST_PORT: Final = 65535


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read NAME, NAME:PORT, an IPv6 address alone or as [IPv6]:PORT; raises ValueError."""
        match = _WITH_PORT.fullmatch(text)
        host = (match["ipv6"] or match["name"] or "") if match else text
        if not is_host(host):
            raise ValueError(f"`{text}`: write NAME, NAME:PORT or [IPv6]:PORT")
        port = int(match["port"]) if match else DEFAULT_PORT
        if not 1 <= port <= _LAST_PORT:
            raise ValueError(f"`{text}`: ports are 1 to {_LAST_PORT}")
        return cls(host, port)


def is_host(text: str) -> bool:
    """Return whether it is a name or an address without a port."""
    return bool(text) and not re.search(r"[\s\x00/@\[\]]", text) and text.count(":") != 1
