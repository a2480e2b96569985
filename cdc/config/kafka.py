"""A Kafka cluster: its addresses, and how to log in."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from cdc.config.values import ReadableFile, Settings, Whole, text_of

DEFAULT_MESSAGE_BYTES: Final = 1_000_000
_UNSUPPORTED: Final = frozenset({"GSSAPI", "AWS_MSK_IAM"})
"""Mechanisms of brokers that people may look for."""

_SERVER: Final = re.compile(r"(\[[^\[\]]+\]|[^\[\]:\s,]+):([0-9]{1,5})")


class KafkaConfig(Settings):
    """A Kafka cluster."""

    bootstrap_servers: str
    security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    ca_file: ReadableFile | None = None
    certificate_file: ReadableFile | None = None
    key_file: ReadableFile | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    token_endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/]+")] | None = None
    token_scope: str | None = None
    token_ca_file: ReadableFile | None = None
    user: str | None = None
    password: SecretStr | None = None
    password_file: ReadableFile | None = None
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "lz4"
    max_message_bytes: Annotated[Whole, Field(ge=1_000, le=1_000_000_000)] = DEFAULT_MESSAGE_BYTES

    @field_validator("bootstrap_servers", mode="before")
    @classmethod
    def _joined(cls, servers: Any) -> Any:
        return ",".join(map(str, servers)) if isinstance(servers, list) else servers

    @field_validator("bootstrap_servers")
    @classmethod
    def _hosts_and_ports(cls, servers: str) -> str:
        for each in servers.split(","):
            found = _SERVER.fullmatch(each.strip())
            if found is None or not 0 < int(found[2]) < 2**16:
                raise ValueError("write HOST:PORT, or several of them")
        return servers

    @field_validator("sasl_mechanism", mode="before")
    @classmethod
    def _supported(cls, mechanism: Any) -> Any:
        if mechanism in _UNSUPPORTED:
            raise ValueError(
                f"{mechanism} is not supported: write SCRAM-SHA-512, PLAIN or OAUTHBEARER; or log"
                " in by a certificate, with security_protocol: ssl, `certificate_file` and"
                " `key_file`"
            )
        return mechanism

    @model_validator(mode="after")
    def _consistent(self) -> KafkaConfig:
        by_sasl, by_tls = "sasl" in self.security_protocol, "ssl" in self.security_protocol
        if by_sasl != (self.sasl_mechanism is not None):
            raise ValueError(
                "`sasl_mechanism` goes with security_protocol: sasl_plaintext, or sasl_ssl"
            )
        secrets = (self.password is not None) + (self.password_file is not None)
        if by_sasl and (self.user is None or secrets != 1):
            raise ValueError("SASL needs `user`, and `password` or `password_file`")
        if not by_sasl and (self.user is not None or secrets):
            raise ValueError("`user` and `password` go with security_protocol: sasl_ssl")
        by_token = self.sasl_mechanism == "OAUTHBEARER"
        if by_token != (self.token_endpoint is not None):
            raise ValueError("`token_endpoint` goes with sasl_mechanism: OAUTHBEARER")
        if not by_token and (self.token_scope or self.token_ca_file):
            raise ValueError("`token_scope` and `token_ca_file` go with `token_endpoint`")
        if not by_tls and (self.ca_file or self.certificate_file or self.key_file):
            raise ValueError("files of TLS go with security_protocol: ssl, or sasl_ssl")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("`certificate_file` and `key_file` go together")
        return self

    def read_password(self) -> str:
        """Return the password; the file is read each time."""
        if self.password_file:
            return text_of(self.password_file, "kafka.password_file").removesuffix("\n")
        return self.password.get_secret_value() if self.password else ""
