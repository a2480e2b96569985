"""The features that versions of the servers lack: tests that need one are skipped there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest

from cdc_sandbox.servers import MongoServer, MySQLServer
from cdc_sandbox.servers.versions import Name

SERVER_NAMES: Final = {"mysql": "MySQL", "mariadb": "MariaDB", "mongo": "MongoDB"}


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature that a server has since some version; a server without a version lacks it."""

    name: str
    mysql: str | None = None
    mariadb: str | None = None
    mongo: str | None = None

    def lack(self, server: MySQLServer | MongoServer) -> str | None:
        """Return why this server lacks it, or None if it does not."""
        kind = kind_of(server)
        since = {"mysql": self.mysql, "mariadb": self.mariadb, "mongo": self.mongo}[kind]
        if since is None:
            return f"{SERVER_NAMES[kind]} has no {self.name}"
        if release(server.version) >= release(since):
            return None
        return f"{SERVER_NAMES[kind]} {server.version} has no {self.name}, which came with {since}"

    def concerns(self, server: MySQLServer | MongoServer) -> bool:
        """Return whether the feature is one of sources, and this is one; or of targets."""
        return (self.mongo is None) == isinstance(server, MySQLServer)


def kind_of(server: MySQLServer | MongoServer) -> Name:
    return server.flavour if isinstance(server, MySQLServer) else "mongo"


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version: `10.5.29-MariaDB-log` is (10, 5, 29)."""
    return tuple(int(part) for part in version.split("-")[0].split("."))


def has(server: MySQLServer | MongoServer, feature: Feature) -> bool:
    return feature.lack(server) is None


def require(server: MySQLServer | MongoServer, *features: Feature) -> None:
    """Skip the test if the server lacks one of them."""
    for feature in features:
        if why := feature.lack(server):
            pytest.skip(why)


def needs(*features: Feature) -> pytest.MarkDecorator:
    """Mark a test that is skipped if its shared server lacks one of them."""
    return pytest.mark.needs(*features)


LOGGED_CASCADES: Final = Feature("cascades in its binlog", mysql="9.6")
INVISIBLE_COLUMNS: Final = Feature("invisible columns", mysql="8.0.23", mariadb="10.3")
BINARY_LOG_WORDS: Final = Feature("SHOW BINARY LOG STATUS", mysql="8.2")
REPLICA_WORDS: Final = Feature("CHANGE REPLICATION SOURCE", mysql="8.0.23")
CREATE_SELECT: Final = Feature("CREATE TABLE … SELECT under GTIDs", mysql="8.0.21", mariadb="10.2")
TAGGED_GTIDS: Final = Feature("tagged GTIDs", mysql="8.3")
TWO_PHASE_ALTER: Final = Feature("binlog_alter_two_phase", mariadb="10.8")
COMPRESSION: Final = Feature("binlog_transaction_compression", mysql="8.0.20")
VECTORS: Final = Feature("VECTOR columns", mysql="9.0", mariadb="11.7")
UUIDS: Final = Feature("UUID columns", mariadb="10.7")
INET4: Final = Feature("INET4 columns", mariadb="10.10")
INET6: Final = Feature("INET6 columns", mariadb="10.5")
IGNORED_INDEXES: Final = Feature("indexes that no SELECT may use", mysql="8.0", mariadb="10.6")
CAST_TO_DOUBLE: Final = Feature("CAST … AS DOUBLE", mysql="8.0.17", mariadb="10.2")
MOMENTS_BETWEEN: Final = Feature("BETWEEN of moments and a text", mysql="8.0.31", mariadb="10.5")
TYPED_NULLIF: Final = Feature("NULLIF of the type of its dates", mysql="9.0", mariadb="10.5")
LATE_TIMESTAMPS: Final = Feature("a TIMESTAMP beyond 2038", mysql=None, mariadb="11.5")
UCA1400_BY_DEFAULT: Final = Feature("UCA 14.0.0 for its sessions", mysql="8.0", mariadb="11.5")
UCA1400: Final = Feature("collations of UCA 14.0.0", mariadb="10.10")
TIME_SERIES: Final = Feature("time series", mongo="5.0")
CLUSTERED: Final = Feature("clustered collections", mongo="5.3")
PRE_IMAGES: Final = Feature("changeStreamPreAndPostImages", mongo="6.0")
WRITE_BLOCK: Final = Feature("setUserWriteBlockMode", mongo="6.0")
ENCRYPTED_FIELDS: Final = Feature("encryptedFields", mongo="6.0")
ANY_FIELD_NAME: Final = Feature("dots and dollars in field names", mongo="5.0")
OWN_CERTIFICATE: Final = Feature("TLS with a certificate of its own", mysql="8.0", mariadb="11.4")
