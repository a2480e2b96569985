"""How cdc logs in to a server of the tests."""

from __future__ import annotations

from pydantic import SecretStr

from cdc.config import SourceConfig, TlsConfig
from cdc_sandbox.servers import MySQLServer


def login(server: MySQLServer) -> SourceConfig:
    """Make the part `source` of a configuration, for an account that may do everything."""
    return SourceConfig(
        host=server.host,
        port=server.port,
        user=server.user,
        password=SecretStr(server.password),
        tls=TlsConfig(mode="off"),
        server_id=1_700_016,
        heartbeat_seconds=1,
    )
