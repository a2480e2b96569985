"""Kafka's client: its settings, and what its errors mean."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from cdc.config.kafka import KafkaConfig
from cdc.errors import CdcError, PublishRefused, Retryable, Unfit

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

_REFUSED: Final = frozenset(
    {
        "_AUTHENTICATION",
        "_INVALID_ARG",
        "_SSL",
        "CLUSTER_AUTHORIZATION_FAILED",
        "GROUP_AUTHORIZATION_FAILED",
        "INVALID_MSG_SIZE",
        "INVALID_REQUIRED_ACKS",
        "INVALID_TRANSACTION_TIMEOUT",
        "MSG_SIZE_TOO_LARGE",
        "POLICY_VIOLATION",
        "RECORD_LIST_TOO_LARGE",
        "SASL_AUTHENTICATION_FAILED",
        "TOPIC_AUTHORIZATION_FAILED",
        "TOPIC_EXCEPTION",
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        "UNSUPPORTED_SASL_MECHANISM",
        "UNSUPPORTED_VERSION",
        "_UNSUPPORTED_FEATURE",
    }
)
"""The errors that no waiting ends, by librdkafka's names of them."""

_SIZE: Final = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_MSG_SIZE"})
_RIGHTS: Final = "AUTHORIZATION_FAILED"
_LOGIN: Final = frozenset({"_AUTHENTICATION", "_SSL"})
_NO_TOKEN: Final = "Failed to acquire SASL OAUTHBEARER token"
"""How the client begins to say that the endpoint gave no token: it may be away, or refuse it."""

REACH_SECONDS: Final = 10.0

SILENT: Final = logging.getLogger("cdc.publishing.client")
"""Takes what the client says: all of it is in the errors that it gives."""
SILENT.disabled = True


PUBLISH, APPLY = "publish.kafka", "apply.kafka"
"""The sections of the configuration that name a cluster: to publish to, or that carries parts."""


def require_client(section: str = PUBLISH) -> None:
    """Raise Unfit where Kafka's client is not installed, which `section` needs."""
    try:
        import confluent_kafka  # noqa: F401 - it is looked for
    except ImportError as error:
        raise Unfit(
            f"`{section}` needs the package confluent-kafka, which is not installed",
            remedy=shlex.join([sys.executable, "-m", "pip", "install", "confluent-kafka"]),
        ) from error


def settings(config: KafkaConfig) -> dict[str, Any]:
    """Return what any client of the cluster is made with."""
    found: dict[str, Any] = {
        "bootstrap.servers": config.bootstrap_servers,
        "security.protocol": config.security_protocol,
        "log.connection.close": False,
    }
    files = {
        "ssl.ca.location": config.ca_file,
        "ssl.certificate.location": config.certificate_file,
        "ssl.key.location": config.key_file,
    }
    found |= {key: str(file) for key, file in files.items() if file is not None}
    if config.sasl_mechanism is not None:
        found["sasl.mechanism"] = config.sasl_mechanism
        if config.token_endpoint is not None:
            return found | _by_token(config)
        found["sasl.username"] = config.user
        found["sasl.password"] = config.read_password()
    return found


def _by_token(config: KafkaConfig) -> dict[str, Any]:
    """Return what makes the client ask an endpoint of OpenID for its tokens, again and again."""
    optional = {
        "sasl.oauthbearer.scope": config.token_scope,
        "https.ca.location": config.token_ca_file and str(config.token_ca_file),
    }
    return {
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": config.token_endpoint,
        "sasl.oauthbearer.client.id": config.user,
        "sasl.oauthbearer.client.secret": config.read_password(),
    } | {key: value for key, value in optional.items() if value is not None}


def reach(config: KafkaConfig, section: str = PUBLISH) -> int:
    """Return how many brokers the cluster of `section` has.

    Raises Retryable if none answers, Unfit if the login is refused or the client is missing.
    """
    require_client(section)
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    errors: list[KafkaError] = []
    client = AdminClient(settings(config) | {"error_cb": errors.append, "logger": SILENT})
    try:
        return len(client.list_topics(timeout=REACH_SECONDS).brokers)
    except KafkaException as error:
        client.poll(0)  # which tells why
        found = explained(told_apart(errors) or error.args[0], section=section)
        if isinstance(found, PublishRefused):
            raise Unfit(found.message, remedy=found.remedy) from error
        raise found from error


def told_apart(errors: Sequence[KafkaError]) -> KafkaError | None:
    """Return the error that says that a login is refused: requests only tell that time is up."""
    return next((each for each in errors if each.name() in _LOGIN), None)


def explained(error: KafkaError, *, topic: str = "", section: str = PUBLISH) -> CdcError:
    """Return the error for what the client says: Retryable, or PublishRefused.

    `section` is where the configuration names the cluster.
    """
    where = f" (topic {topic})" if topic else ""
    text = f"{error.name()}: {error.str()}{where}"
    if section == APPLY and error.name() == "INVALID_RECORD":
        return Retryable(text, remedy="give the topic cleanup.policy=delete: parts have no keys")
    if error.name() not in _REFUSED:
        return Retryable(text)
    if error.str().startswith(_NO_TOKEN):
        return Retryable(text, remedy=f"see whether {section}.token_endpoint answers this account")
    what = "what is published" if section == PUBLISH else "parts for appliers"
    return PublishRefused(f"Kafka refuses {what}: {text}", remedy=_remedy(error.name(), section))


def _remedy(name: str, section: str) -> str:
    if section == APPLY and name in _SIZE:
        return (
            f"write a smaller {section}.max_message_bytes, or raise the topic's max.message.bytes;"
            " and start again"
        )
    if section == APPLY and name.endswith(_RIGHTS):
        return (
            "allow this account CREATE, ALTER, DESCRIBE, WRITE and READ on the stream's topic of"
            " parts, and READ on its group of appliers; and start again"
        )
    if name in _SIZE:
        return (
            f"raise {section}.max_message_bytes, and the topic's max.message.bytes; or exclude"
            " the column from the mapping; and start again"
        )
    if name.endswith(_RIGHTS):
        return (
            "allow this account WRITE, DESCRIBE and CREATE on the stream's topics, and WRITE and"
            " DESCRIBE on its transactional id; and start again"
        )
    return f"mend {section} in the configuration, or the broker; and start again"
