from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from cdc.config.kafka import KafkaConfig
from cdc.errors import CdcError, PublishRefused, Retryable, Unfit
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.message import Message
from cdc.model.position import FilePosition
from cdc.publishing.client import reach
from cdc.publishing.parts import PartConsumer, PartProducer, ready_topic, topic_of
from cdc.publishing.publisher import KafkaPublisher, PublishCounters
from cdc.retry import Liveness
from cdc_sandbox.servers import KafkaServer, kafka_program
from cdc_sandbox.servers.cache import Cache
from cdc_sandbox.servers.ports import LOOPBACK, free_port
from cdc_sandbox.servers.process import Process
from cdc_sandbox.servers.versions import chosen
from tests.end_to_end.support.certificates import make
from tests.support.tokens import Tokens
from tests.support.topics import read
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow  # starts a broker of its own

LOGIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    ' user_cdc="right" user_guest="right";'
)
SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
SCRAM = {
    "SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256,
    "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512,
}
TOKEN_LOGIN = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
    ' unsecuredLoginStringClaim_sub="broker";'
)
"""A broker that believes tokens without a signature, as Kafka's own default does."""

ANY_MECHANISM = pytest.mark.parametrize("mechanism", ["PLAIN", *SCRAM])
RIGHTS = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"


class Secured:
    """A broker that asks for a login, behind TLS, on a second port."""

    def __init__(self, server: KafkaServer, port: int, authority: Path) -> None:
        self.server = server
        self._uri = f"{LOOPBACK}:{port}"
        self._authority = authority

    def config(self, **settings: Any) -> KafkaConfig:
        login = {
            "bootstrap_servers": self._uri,
            "security_protocol": "sasl_ssl",
            "ca_file": self._authority,
            "sasl_mechanism": "PLAIN",
            "user": "cdc",
            "password": "right",
        }
        return KafkaConfig.model_validate(login | settings)

    def remember(self, user: str, password: str) -> None:
        """Have the cluster know an account's password, for each of the SCRAM mechanisms."""
        admin = AdminClient({"bootstrap.servers": self.server.uri})
        for mechanism in SCRAM.values():
            credential = ScramCredentialInfo(mechanism, 4096)
            told = UserScramCredentialUpsertion(user, credential, password.encode())
            admin.alter_user_scram_credentials([told])[user].result()

    def allow(self, stream: str, *operations: AclOperation) -> None:
        """Let the account `guest` do something with the topic of a stream's parts."""
        admin = AdminClient({"bootstrap.servers": self.server.uri})
        topic, literal = topic_of(stream), ResourcePatternType.LITERAL
        wanted = [
            AclBinding(
                ResourceType.TOPIC, topic, literal, "User:guest", "*", each, AclPermissionType.ALLOW
            )
            for each in operations
        ]
        for made in admin.create_acls(wanted).values():
            made.result()


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    certificates = make(folder)
    port, inner, controller = free_port(), free_port(), free_port()
    installed = kafka_program.installed(chosen("kafka"), Cache.of_user())
    broker = folder / "broker"
    command = installed.prepare(
        broker, cluster=kafka_program.new_cluster(), node=1, ports=[(inner, controller)]
    )
    properties = broker / "server.properties"
    text = properties.read_text()
    for key, more in (
        ("listeners", f"SASL_SSL://{LOOPBACK}:{port}"),
        ("advertised.listeners", f"SASL_SSL://{LOOPBACK}:{port}"),
        ("listener.security.protocol.map", "SASL_SSL:SASL_SSL"),
    ):
        before = next(line for line in text.splitlines() if line.startswith(f"{key}="))
        text = text.replace(f"{before}\n", f"{before},{more}\n")
    properties.write_text(
        f"{text}ssl.keystore.type=PEM\nssl.keystore.location={certificates.both}\n"
        f"sasl.enabled.mechanisms={','.join(['PLAIN', 'OAUTHBEARER', *SCRAM])}\n"
        f"authorizer.class.name={RIGHTS}\nsuper.users=User:ANONYMOUS;User:cdc\n"
        f"listener.name.sasl_ssl.plain.sasl.jaas.config={LOGIN}\n"
        f"listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={SCRAM_LOGIN}\n"
        f"listener.name.sasl_ssl.oauthbearer.sasl.jaas.config={TOKEN_LOGIN}\n"
        f"listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={SCRAM_LOGIN}\n"
    )
    runner = Process(command, log=folder / "log")
    server = KafkaServer(runner, port=inner)
    try:
        server.start()
        found = Secured(server, port, certificates.authority)
        found.remember("cdc", "right")
        yield found
    finally:
        runner.close()


def publisher(config: KafkaConfig, name: str) -> KafkaPublisher:
    return KafkaPublisher(
        config,
        name,
        renew=lambda: None,
        confirm=lambda: None,
        liveness=Liveness(),
        counters=PublishCounters(),
        wait_seconds=5.0,
    )


@ANY_MECHANISM
def test_it_is_published_behind_a_login_and_tls(secured: Secured, mechanism: str) -> None:
    config = secured.config(sasl_mechanism=mechanism)
    topic = f"logged_in_{mechanism}"
    assert reach(config) == 1
    by = publisher(config, topic)
    by.open()

    message = Message(topic, b"key", b"value")
    checkpoint = Checkpoint(FilePosition("binlog.000001", 4))
    by.publish(Batch((MappedTransaction("a", checkpoint, 0.0, messages=(message,)),)))

    by.close()
    assert [each.value() for each in read(secured.server.uri, topic)] == [b"value"]


@ANY_MECHANISM
def test_a_wrong_password_is_told_as_such(secured: Secured, mechanism: str) -> None:
    wrong = secured.config(password="wrong", sasl_mechanism=mechanism)

    with pytest.raises(Unfit, match="_AUTHENTICATION"):
        reach(wrong)
    with pytest.raises(PublishRefused, match="_AUTHENTICATION"):
        publisher(wrong, "refused").open()


def test_a_broker_that_no_trusted_authority_has_signed_is_not_spoken_to(
    secured: Secured, tmp_path: Path
) -> None:
    another = make(tmp_path).authority

    with pytest.raises(Unfit, match="_SSL"):
        reach(secured.config(ca_file=another))


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[Tokens]:
    with Tokens.given(make(tmp_path), client="cdc", secret="right") as tokens:
        yield tokens


def by_token(secured: Secured, tokens: Tokens, **settings: Any) -> KafkaConfig:
    return secured.config(
        sasl_mechanism="OAUTHBEARER",
        token_endpoint=tokens.uri,
        token_scope="kafka",
        token_ca_file=tokens.authority,
        **settings,
    )


def test_it_is_published_behind_a_login_by_tokens(secured: Secured, tokens: Tokens) -> None:
    config = by_token(secured, tokens)
    assert reach(config) == 1
    by = publisher(config, "by_token")
    by.open()

    message = Message("by_token", b"key", b"value")
    checkpoint = Checkpoint(FilePosition("binlog.000001", 4))
    by.publish(Batch((MappedTransaction("a", checkpoint, 0.0, messages=(message,)),)))

    by.close()
    assert [each.value() for each in read(secured.server.uri, "by_token")] == [b"value"]
    assert tokens.scopes == {"kafka"}


def test_who_gives_no_token_is_waited_for_and_told(secured: Secured, tokens: Tokens) -> None:
    wrong = by_token(secured, tokens, password="wrong")

    with pytest.raises(Retryable, match="invalid_client") as refused:
        reach(wrong)
    assert "publish.kafka.token_endpoint" in (refused.value.remedy or "")

    tokens.close()
    with pytest.raises(Retryable, match="acquire SASL OAUTHBEARER token"):
        reach(by_token(secured, tokens))


def test_the_password_is_read_from_a_file(secured: Secured, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("right\n")

    assert reach(secured.config(password=None, password_file=file)) == 1


def test_an_account_without_rights_to_parts_is_told_which_it_needs(secured: Secured) -> None:
    guest = secured.config(user="guest")

    with pytest.raises(PublishRefused, match="TOPIC_AUTHORIZATION_FAILED") as refused:
        ready_topic(guest, "rights", 2)
    assert "READ on its group of appliers" in (refused.value.remedy or "")

    consumer = PartConsumer(guest, "rights", given=lambda _: None, taken=lambda _: None)
    with pytest.raises(PublishRefused, match="AUTHORIZATION_FAILED"):
        eventually(lambda: consumer.receive(0.1), waiting_for="a refusal")
    consumer.close()


def test_parts_are_sent_once_the_account_may(secured: Secured) -> None:
    ready_topic(secured.config(), "granted", 1)
    secured.allow("granted", AclOperation.DESCRIBE)
    producer = PartProducer(secured.config(user="guest"), "granted", 1)
    eventually(producer.is_ready, waiting_for="the topic")

    def refusal() -> CdcError | None:
        try:
            producer.send(0, "lane", 1, b"part")
        except CdcError as error:
            return error
        return producer.error()

    assert isinstance(eventually(refusal, waiting_for="a refusal"), PublishRefused)

    secured.allow("granted", AclOperation.WRITE)
    uri, topic = secured.server.uri, topic_of("granted")
    eventually(lambda: refusal() is None and read(uri, topic), waiting_for="a part")
    producer.close()
