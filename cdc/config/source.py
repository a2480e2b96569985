"""The source: its address, its account, and the protection of the connection."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from cdc.config import password_command
from cdc.config.address import DEFAULT_PORT, Address, is_host
from cdc.config.time_zone import UTC_NAME, zone_of
from cdc.config.values import Number, ReadableFile, Settings, Whole, text_of


class TlsConfig(Settings):
    """The protection of the connection to the source.

    `off`; `required`: encrypted, the server's certificate is not verified; `verify_ca`: also
    verified, against `ca` or the system's authorities; `verify`: the host's name too. It is never
    weaker than configured: a server without TLS is refused unless it is `off`.
    """

    mode: Literal["off", "required", "verify_ca", "verify"] = "verify"
    ca: ReadableFile | None = None
    cert: ReadableFile | None = None
    key: ReadableFile | None = None

    @model_validator(mode="before")
    @classmethod
    def _word(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("write off, required, verify_ca, verify, or {ca: FILE}")
        return {"mode": value} if isinstance(value, str) else value

    @field_validator("ca")
    @classmethod
    def _ca_is_used(cls, ca: Path | None, info: ValidationInfo) -> Path | None:
        if ca and info.data.get("mode", "verify") not in {"verify", "verify_ca"}:
            raise ValueError("is never used: `mode: verify` or `verify_ca` would use it")
        if ca:
            _hold(ca, lambda: _tls_context().load_verify_locations(ca))
        return ca

    @field_validator("key")
    @classmethod
    def _pair(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if "cert" in info.data and (key is None) != (info.data["cert"] is None):
            raise ValueError("`cert` and `key` belong together: write both or none")
        if key and (cert := info.data.get("cert")):
            _hold(key, lambda: _tls_context().load_cert_chain(cert, key, password=""))
        return key


def _tls_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _hold(path: Path, load: Callable[[], None]) -> None:
    """Load the file with OpenSSL, as every connection will."""
    try:
        load()
    except OSError as error:
        raise ValueError(
            f"{path} is of no use to TLS (PEM, without a password): {error}"
        ) from error


def _looked_up(host: str) -> str:
    """Return the name as it is; raises ValueError for one that no lookup can take."""
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise ValueError("no host can have this name: a part is empty or too long") from error
    return host


class SourceConfig(Settings):
    """The MySQL or MariaDB server whose binlog is followed, or several with the same history."""

    host: Annotated[str, Field(min_length=1)] | None = None
    port: Annotated[Whole, Field(ge=1, le=65535)] = DEFAULT_PORT
    hosts: tuple[str, ...] = ()
    prefer_read_only: bool = False
    user: Annotated[str, Field(min_length=1)]
    password: SecretStr | None = None
    password_file: ReadableFile | None = None
    password_command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    server_id: Annotated[Whole, Field(ge=1, le=2**32 - 1)]
    tls: TlsConfig = TlsConfig(mode="required")
    time_zone: str = UTC_NAME
    heartbeat_seconds: Annotated[Number, Field(ge=0.1, le=3600)] = 5.0
    heartbeat_table: str | None = None
    ignore_statements_on: tuple[str, ...] = ()

    @field_validator("host")
    @classmethod
    def _one_host(cls, host: str | None) -> str | None:
        if host is None:
            return None
        if not is_host(host):
            raise ValueError("write a name or an address alone; its port belongs into `port`")
        return _looked_up(host)

    @field_validator("hosts")
    @classmethod
    def _one_form(cls, hosts: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not hosts:
            if info.data.get("host", "wrong") is None:
                raise ValueError("write `host: NAME`, or `hosts: [NAME:PORT, …]`")
            return hosts
        if info.data.get("host") is not None:
            raise ValueError("`host` is written too: keep one of the two")
        if info.data.get("port", DEFAULT_PORT) != DEFAULT_PORT:
            raise ValueError("`port` belongs to `host`: write NAME:PORT in this list")
        known: set[Address] = set()
        for each in hosts:
            address = Address.parse(each)
            _looked_up(address.host)
            if address in known:
                raise ValueError(f"`{each}` stands twice")
            known.add(address)
        return hosts

    @field_validator("prefer_read_only")
    @classmethod
    def _a_choice(cls, prefer: bool, info: ValidationInfo) -> bool:
        hosts = info.data.get("hosts")
        if prefer and hosts is not None and len(hosts) < 2:
            raise ValueError("chooses among `hosts`, and there is one host only")
        return prefer

    @field_validator("heartbeat_table")
    @classmethod
    def _qualified(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[\w$]+\.[\w$]+", name):
            raise ValueError("write SCHEMA.TABLE")
        return name

    @field_validator("ignore_statements_on")
    @classmethod
    def _tables(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if not re.fullmatch(r"[^.]+\.(?s:.+)", pattern):
                raise ValueError(f"`{pattern}` names no tables: write SCHEMA.TABLE, or globs")
            if pattern.startswith("!"):
                raise ValueError(
                    f"`{pattern}` leaves out nothing by itself: write it behind its pattern and a"
                    f" space, as in `SCHEMA.* {pattern}`; a schema's own `!` is `[!]`"
                )
        return patterns

    @field_validator("password_file")
    @classmethod
    def _one_password(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file and info.data.get("password") is not None:
            raise ValueError("`password` is written too: keep one of the two")
        return file

    @field_validator("password_command", mode="before")
    @classmethod
    def _a_list(cls, command: Any) -> Any:
        if isinstance(command, str):
            raise ValueError("write a list: [PROGRAM, ARGUMENT, …]; no shell reads it")
        return command

    @field_validator("password_command")
    @classmethod
    def _a_program(
        cls, command: tuple[str, ...] | None, info: ValidationInfo
    ) -> tuple[str, ...] | None:
        if command is None:
            return None
        for other in ("password", "password_file"):
            if info.data.get(other) is not None:
                raise ValueError(f"`{other}` is written too: keep one of the two")
        return password_command.located(command, Path((info.context or {}).get("directory", ".")))

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        return UTC_NAME if zone_of(name) == UTC else name

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Return where the source's servers listen: at least one."""
        if self.host is not None:
            return (Address(self.host, self.port),)
        return tuple(map(Address.parse, self.hosts))

    @property
    def address(self) -> Address:
        """Return the only address of a source of one host; of several the first."""
        return self.addresses[0]

    def each_host(self) -> tuple[SourceConfig, ...]:
        """Return the source as it were with each of its hosts alone."""
        addresses = self.addresses
        if len(addresses) == 1:
            return (self,)
        return tuple(self._alone(each) for each in addresses)

    def _alone(self, address: Address) -> SourceConfig:
        one = {"host": address.host, "port": address.port, "hosts": (), "prefer_read_only": False}
        return self.model_copy(update=one)

    def read_password(self) -> str:
        """Return the current password: a file is read, and a command run, each time.

        Raises Retryable if the command gives none, UsageError if the file or the command is gone.
        """
        if self.password_command:
            host, port = self.address
            about = {"host": host, "port": str(port), "user": self.user}
            return password_command.ask(self.password_command, about)
        if self.password_file:
            return text_of(self.password_file, "source.password_file").removesuffix("\n")
        return self.password.get_secret_value() if self.password else ""
