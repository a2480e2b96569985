"""Real MySQL, MariaDB and MongoDB servers, for the demo and the tests."""

from __future__ import annotations

from cdc.servers.engine import Engine
from cdc.servers.flavour import Flavour
from cdc.servers.launch import mongo_server, mysql_server
from cdc.servers.mongo import MongoServer
from cdc.servers.mysql import MySQLServer
from cdc.servers.process import ServerFailed

__all__ = [
    "Engine",
    "Flavour",
    "MongoServer",
    "MySQLServer",
    "ServerFailed",
    "mongo_server",
    "mysql_server",
]
