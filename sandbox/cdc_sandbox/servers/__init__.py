"""Real MySQL, MariaDB, MongoDB and Kafka servers, for the demo and the tests."""

from __future__ import annotations

from cdc_sandbox.servers.engine import Engine
from cdc_sandbox.servers.kafka import KafkaCluster, KafkaServer
from cdc_sandbox.servers.launch import kafka_brokers, kafka_server, mongo_server, mysql_server
from cdc_sandbox.servers.mongo import MongoServer
from cdc_sandbox.servers.mysql import MySQLServer
from cdc_sandbox.servers.process import ServerFailed
from cdc_sandbox.servers.versions import Flavour

__all__ = [
    "Engine",
    "Flavour",
    "KafkaCluster",
    "KafkaServer",
    "MongoServer",
    "MySQLServer",
    "ServerFailed",
    "kafka_brokers",
    "kafka_server",
    "mongo_server",
    "mysql_server",
]
