"""The source: its address, its account, and the protection of the connection."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

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


class SourceConfig(Settings):
    """The MySQL or MariaDB server whose binlog is followed."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[Whole, Field(ge=1, le=65535)] = 3306
    user: Annotated[str, Field(min_length=1)]
    password: SecretStr | None = None
    password_file: ReadableFile | None = None
    server_id: Annotated[Whole, Field(ge=1, le=2**32 - 1)]
    tls: TlsConfig = TlsConfig(mode="required")
    time_zone: str = "UTC"
    heartbeat_seconds: Annotated[Number, Field(ge=0.1, le=3600)] = 5.0
    heartbeat_table: str | None = None
    ignore_statements_on: tuple[str, ...] = ()

    @field_validator("host")
    @classmethod
    def _one_host(cls, host: str) -> str:
        if re.search(r"[\s\x00/@\[\]]", host) or host.count(":") == 1:
            raise ValueError("write a name or an address alone; its port belongs into `port`")
        try:
            host.encode("idna")  # as the lookup will
        except UnicodeError as error:
            raise ValueError("no host can have this name: a part is empty or too long") from error
        return host

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

    @field_validator("time_zone")
    @classmethod
    def _utc_only(cls, name: str) -> str:
        if name != "UTC":
            raise ValueError("not supported yet: DATETIME columns are taken as UTC")
        return name

    def read_password(self) -> str:
        """Return the current password: a file is read each time, so that it can be changed."""
        if self.password_file:
            return text_of(self.password_file, "source.password_file").removesuffix("\n")
        return self.password.get_secret_value() if self.password else ""
