"""Statements whose words have changed from version to version."""

from __future__ import annotations

from cdc_sandbox.servers import MySQLServer
from tests.support.features import BINARY_LOG_WORDS, REPLICA_WORDS, has


def log_status(server: MySQLServer) -> str:
    """Return the statement that shows the end of the binlog."""
    new = has(server, BINARY_LOG_WORDS)
    return "SHOW BINARY LOG STATUS" if new else "SHOW MASTER STATUS"


def reset_logs(server: MySQLServer) -> str:
    """Return the statement that deletes all binlogs and forgets all GTIDs."""
    return "RESET BINARY LOGS AND GTIDS" if has(server, BINARY_LOG_WORDS) else "RESET MASTER"


def start_replica(server: MySQLServer) -> str:
    return "START REPLICA" if has(server, REPLICA_WORDS) else "START SLAVE"


def stop_replica(server: MySQLServer) -> str:
    return "STOP REPLICA" if has(server, REPLICA_WORDS) else "STOP SLAVE"


def stop_applying(server: MySQLServer) -> str:
    """It still receives what its source commits, and applies nothing."""
    return f"{stop_replica(server)} SQL_THREAD"


def forget_source(server: MySQLServer) -> str:
    """It is nobody's replica from then on; stop it before."""
    return f"RESET {'REPLICA' if has(server, REPLICA_WORDS) else 'SLAVE'} ALL"


def change_source(server: MySQLServer, source: MySQLServer) -> str:
    """Return the statements that make `server` a replica of `source`, by GTIDs."""
    kind = "SOURCE" if has(server, REPLICA_WORDS) else "MASTER"
    where = {"HOST": f"'{source.host}'", "PORT": source.port}
    login = {"USER": f"'{source.user}'", "PASSWORD": f"'{source.password}'"}
    options = [f"{kind}_{name} = {value}" for name, value in {**where, **login}.items()]
    if server.flavour == "mariadb":
        options.append("MASTER_USE_GTID = slave_pos")
    else:
        options += [f"{kind}_AUTO_POSITION = 1", f"GET_{kind}_PUBLIC_KEY = 1"]
    verb = "CHANGE REPLICATION SOURCE" if kind == "SOURCE" else "CHANGE MASTER"
    return f"{verb} TO {', '.join(options)}"
