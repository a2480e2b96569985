"""A Kafka broker, and several of them as one cluster."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from cdc.errors import Unfit
from cdc_sandbox.servers.ports import is_free
from cdc_sandbox.servers.runner import Runner
from cdc_sandbox.servers.server import Server

_ANSWER_SECONDS = 2
_SILENT = logging.getLogger("cdc_sandbox.servers.kafka.client")
_SILENT.disabled = True  # what the client says of a broker that is not up yet


class KafkaServer(Server):
    """One broker, which is a controller of its cluster too."""

    def __init__(self, runner: Runner, *, port: int, node: int = 1, version: str = "") -> None:
        """Take over a runner that has not been started."""
        super().__init__(runner, port=port)
        self.node = node
        self.version = version

    def __repr__(self) -> str:
        return f"<KafkaServer {self.version} {self.node} {self.uri} ({self._state()})>"

    @property
    def uri(self) -> str:
        """What clients call bootstrap servers."""
        return f"{self.host}:{self.port}"

    @property
    def client_command(self) -> str:
        """What to type into a shell that has a client: it lists topics and brokers."""
        return f"kcat -b {self.uri} -L"

    def launch(self) -> None:
        """Start it without waiting: one of several answers when most of them run."""
        self._runner.start()

    @property
    def _program(self) -> str:
        return "Kafka"

    def _refusal(self) -> str | None:
        if is_free(self.port):
            return "it does not listen yet"
        brokers = self._brokers()
        return None if self.node in brokers else f"brokers {sorted(brokers)} answer"

    def _brokers(self) -> set[int]:
        """Return the brokers that this one sees, by their numbers."""
        require_client()
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        settings: dict[str, Any] = {"bootstrap.servers": self.uri, "logger": _SILENT}
        try:
            return set(AdminClient(settings).list_topics(timeout=_ANSWER_SECONDS).brokers)
        except KafkaException:
            return set()


class KafkaCluster:
    """Brokers that keep copies of one another's partitions."""

    def __init__(self, brokers: Sequence[KafkaServer]) -> None:
        """Take over brokers that have not been started."""
        self.brokers = tuple(brokers)

    def __repr__(self) -> str:
        return f"<KafkaCluster {list(self.brokers)}>"

    @property
    def uri(self) -> str:
        """What clients call bootstrap servers."""
        return ",".join(broker.uri for broker in self.brokers)

    def start(self) -> None:
        """Start all of them, and wait until each can be used."""
        for broker in self.brokers:
            broker.launch()
        for broker in self.brokers:
            broker.until_ready()

    def stop(self) -> None:
        """End them cleanly."""
        for broker in self.brokers:
            broker.stop()


def require_client() -> None:
    """Raise Unfit where Kafka's client is not installed: nobody could tell when a broker is up."""
    try:
        import confluent_kafka  # noqa: F401 - it is looked for
    except ImportError as error:
        raise Unfit(
            "a Kafka broker is asked with confluent-kafka, which is not installed",
            remedy=shlex.join([sys.executable, "-m", "pip", "install", "confluent-kafka"]),
        ) from error


def kafka_settings(*, node: int, ports: Sequence[tuple[int, int]], host: str) -> dict[str, str]:
    """Return the settings of one of `len(ports)` brokers, numbered from 1, wherever it runs.

    `ports` are of each broker the clients' and the controllers'; `host` is what it listens on.
    """
    own, controller = ports[node - 1]
    loopback = KafkaServer.host
    copies = min(len(ports), 3)
    in_sync = str(max(copies - 1, 1))
    voters = (f"{n}@{loopback}:{at}" for n, (_, at) in enumerate(ports, start=1))
    return {
        "process.roles": "broker,controller",
        "node.id": str(node),
        "controller.quorum.voters": ",".join(voters),
        "listeners": f"PLAINTEXT://{host}:{own},CONTROLLER://{host}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{loopback}:{own}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "default.replication.factor": str(copies),
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": str(copies),
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": str(copies),
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": str(copies),
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": "0",
    }
