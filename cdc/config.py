"""The settings that an operator writes in `cdc.yaml`."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cdc.config_mistakes import Mistake, mistakes_of, usage_error
from cdc.errors import UsageError
from cdc.variables import VariableMistake, expand_all
from cdc.yaml_file import Marked, YamlMistake, parse
from cdc.yaml_file import Path as KeyPath

NOT_YET: frozenset[str] = frozenset()
"""Keys of the design that this version does not act on; it refuses them by name."""

MAX_BATCH_BYTES = 16 * 1024 * 1024  # larger MongoDB transactions fail in a small cache

MASK_KEY_BYTES = 16


class _Settings(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _from_directory(value: Any, info: ValidationInfo) -> Any:
    """Take a relative path from the folder of the configuration file, and look whether it reads."""
    if not isinstance(value, str | Path):
        return value
    directory = (info.context or {}).get("directory", Path())
    try:
        path = Path(directory, Path(value).expanduser())
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
        if not os.access(path, os.R_OK):
            raise ValueError(f"the file {path} may not be read by this user")
    except (OSError, RuntimeError) as error:  # too long a name, a home of nobody
        raise ValueError(f"it can name no file: {error}") from error
    return path


Whole = Annotated[int, BeforeValidator(_not_bool)]
Number = Annotated[float, BeforeValidator(_not_bool), Field(allow_inf_nan=False)]
ReadableFile = Annotated[Path, BeforeValidator(_from_directory)]


class TlsConfig(_Settings):
    """How the connection to the source is protected.

    `off`; `required`: encrypted, the server's certificate is not verified; `verify_ca`: also
    verified, against `ca` or the system's authorities; `verify`: the host's name too. Never less
    than what is written: a server without TLS is refused unless it is `off`.
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
    """Have OpenSSL take the file as every connection will."""
    try:
        load()
    except OSError as error:
        raise ValueError(
            f"{path} is of no use to TLS (PEM, without a password): {error}"
        ) from error


def _require_long(key: str) -> None:
    if len(key.encode()) < MASK_KEY_BYTES:
        raise ValueError(
            f"is shorter than {MASK_KEY_BYTES} bytes: whoever guesses it can guess what was hashed"
        )


class SourceConfig(_Settings):
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

    @field_validator("host")
    @classmethod
    def _one_host(cls, host: str) -> str:
        if re.search(r"[\s\x00/@\[\]]", host) or host.count(":") == 1:
            raise ValueError("write a name or an address alone; its port belongs into `port`")
        try:
            host.encode("idna")  # as the look-up will
        except UnicodeError as error:
            raise ValueError("no host can have this name: a part is empty or too long") from error
        return host

    @field_validator("heartbeat_table")
    @classmethod
    def _qualified(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[\w$]+\.[\w$]+", name):
            raise ValueError("write SCHEMA.TABLE")
        return name

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
        """Give the password as it is now: a file is read anew, so that it can be changed."""
        if self.password_file:
            return _text(self.password_file, "source.password_file").removesuffix("\n")
        return self.password.get_secret_value() if self.password else ""


def _text(path: Path, key: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{key} cannot be read: {path}",
            remedy="make it a UTF-8 file that this user may read",
        ) from error


def _database_name(name: str) -> str:
    if not name or len(name.encode()) > 63 or re.search(r'[\x00/\\. "$*<>:|?]', name):
        raise ValueError(f"`{name}` cannot name a MongoDB database")
    if name in {"admin", "local", "config"}:
        raise ValueError(f"`{name}` is MongoDB's own database")
    return name


class TargetConfig(_Settings):
    """The MongoDB deployment that is written to."""

    uri: SecretStr
    database: Annotated[str, AfterValidator(_database_name)]
    state_database: Annotated[str, AfterValidator(_database_name)] = "cdc"

    @field_validator("uri")
    @classmethod
    def _mongodb_uri(cls, uri: SecretStr) -> SecretStr:
        parts = urlsplit(uri.get_secret_value())
        if parts.scheme not in {"mongodb", "mongodb+srv"} or not parts.netloc:
            raise ValueError("must begin with mongodb:// or mongodb+srv:// and name a host")
        options = {name.lower(): value for name, value in parse_qsl(parts.query)}
        if options.get("w", "majority") != "majority":
            raise ValueError("`w` in it contradicts cdc, which always writes with w=majority")
        if options.get("readpreference", "primary") != "primary":
            raise ValueError("`readPreference` in it contradicts cdc, which reads at the primary")
        return uri

    @field_validator("state_database")
    @classmethod
    def _apart(cls, name: str, info: ValidationInfo) -> str:
        if name == info.data.get("database"):
            raise ValueError("must not be `database`: a mapping could write over the state")
        return name


class StartPosition(_Settings):
    """Where to start: a GTID set that counts as applied, or a binlog file and an offset in it."""

    gtid: str | None = None
    file: str | None = None
    offset: Annotated[Whole, Field(ge=4)] | None = None

    @field_validator("file")
    @classmethod
    def _numbered(cls, file: str | None) -> str | None:
        if file is not None and not re.fullmatch(r"[^/]+\.[0-9]+", file):
            raise ValueError("write a binlog file's name and number, as in binlog.000007")
        return file

    @model_validator(mode="after")
    def _one_kind(self) -> StartPosition:
        if (self.gtid is None) == (self.file is None) or (self.file is None) != (
            self.offset is None
        ):
            raise ValueError("write {gtid: SET}, or {file: NAME, offset: BYTES}")
        return self


StartWord = Literal["backfill", "earliest", "now"]
Start = Annotated[
    Annotated[StartWord, Tag("@word")] | Annotated[StartPosition, Tag("@position")],
    Discriminator(lambda value: "@word" if isinstance(value, str) else "@position"),
]


class ApplyConfig(_Settings):
    """How changes are grouped and written."""

    mode: Literal["exactly_once", "at_least_once"] = "exactly_once"
    batch_rows: Annotated[Whole, Field(ge=1, le=10_000)] = 5000
    batch_bytes: Annotated[Whole, Field(ge=1, le=MAX_BATCH_BYTES)] = 8 * 1024 * 1024
    linger_ms: Annotated[Number, Field(ge=0, le=10_000)] = 5.0
    transaction_bytes: Annotated[Whole, Field(ge=1, le=MAX_BATCH_BYTES)] = 16_000_000


class LeaseConfig(_Settings):
    """How soon a standby takes over from a daemon that gives no sign of life."""

    ttl_seconds: Annotated[Number, Field(ge=1, le=600)] = 10.0


class ChunksConfig(_Settings):
    """How tables are read by backfill, resync and verify."""

    rows: Annotated[Whole, Field(ge=1, le=10_000)] = 5000
    rows_per_second: Annotated[Number, Field(gt=0)] | None = None
    max_lag_seconds: Annotated[Number, Field(gt=0)] = 30.0
    allow_brief_lock: bool = False


class DeadLettersConfig(_Settings):
    """How many open dead letters from within a time are too many: then the daemon stops."""

    max: Annotated[Whole, Field(ge=0)] = 100
    window_seconds: Annotated[Number, Field(gt=0, le=31_536_000)] = 3600.0


class HttpConfig(_Settings):
    """Where metrics, health and status are served."""

    listen: str = "127.0.0.1:9108"
    stalled_after_seconds: Annotated[Number, Field(ge=1, le=86_400)] = 120.0

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        is_host = re.fullmatch(r"\[[^\[\]]+\]|[^\[\]:\s]+", host)
        if listen != "off" and not (is_host and re.fullmatch("[0-9]{1,5}", port)):
            raise ValueError("write HOST:PORT, an IPv6 address as [::1]:PORT, or off")
        if listen != "off" and int(port) > 65535:
            raise ValueError("ports end at 65535")
        return listen

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class LogConfig(_Settings):
    """What the daemon says of itself, on stderr."""

    format: Literal["json", "console"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(_Settings):
    """One stream: a source, a target, and the mappings between them."""

    name: str
    source: SourceConfig
    target: TargetConfig
    mappings: Annotated[tuple[str, ...], Field(min_length=1)] = ("mappings/*.yaml",)
    start: Start = "backfill"
    apply: ApplyConfig = ApplyConfig()
    lease: LeaseConfig = LeaseConfig()
    chunks: ChunksConfig = ChunksConfig()
    dead_letters: DeadLettersConfig = DeadLettersConfig()
    http: HttpConfig = HttpConfig()
    log: LogConfig = LogConfig()
    mask_key: SecretStr | None = None
    mask_key_file: ReadableFile | None = None

    @model_validator(mode="before")
    @classmethod
    def _own_server_id(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("source"), dict):
            return data
        derived = {"server_id": default_server_id(str(data.get("name")))}
        return {**data, "source": derived | data["source"]}

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name):
            raise ValueError("write up to 63 letters, digits, `.`, `_` or `-`, first no sign")
        return name

    @field_validator("mappings")
    @classmethod
    def _globs(cls, patterns: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not info.context:
            return patterns
        directory = glob.escape(str(info.context["directory"]))
        absolute = tuple(str(Path(directory, pattern)) for pattern in patterns)
        for pattern, whole in zip(patterns, absolute, strict=True):
            if not _files(whole) and not info.context.get("mappings_optional"):
                raise ValueError(f"`{pattern}` matches no file in {info.context['directory']}")
        return absolute

    @field_validator("mask_key")
    @classmethod
    def _hard_to_guess(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            _require_long(key.get_secret_value())
        return key

    @field_validator("mask_key_file")
    @classmethod
    def _one_mask_key(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file and info.data.get("mask_key") is not None:
            raise ValueError("`mask_key` is written too: keep one of the two")
        if file:
            _require_long(_text(file, "mask_key_file").removesuffix("\n"))
        return file

    def read_mask_key(self) -> bytes:
        """Give the key of `mask: hash` in mappings; empty without one."""
        if self.mask_key_file:
            return _text(self.mask_key_file, "mask_key_file").removesuffix("\n").encode()
        return self.mask_key.get_secret_value().encode() if self.mask_key else b""

    @property
    def mapping_paths(self) -> tuple[Path, ...]:
        """The mapping files that exist now, sorted, each once."""
        return tuple(sorted({path for pattern in self.mappings for path in _files(pattern)}))


def default_server_id(name: str) -> int:
    """Give a stream of this name the same server id always, in the upper half of the range.

    Servers are numbered by people, from 1; the upper half keeps clear of them. Streams of
    different names on one source meet once in two thousand million.
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) | 2**31


def load(
    path: Path, environment: Mapping[str, str] = os.environ, *, mappings_optional: bool = False
) -> Config:
    """Read a configuration file; raise UsageError that tells every mistake in it at once.

    With `mappings_optional` there need not be a mapping file yet.
    """
    marked = _read(path)
    missing: dict[KeyPath, VariableMistake] = {}
    data = expand_all(marked.data, environment, missing.__setitem__)
    mistakes = [
        Mistake(key=key, what=mistake.what, remedy=mistake.remedy)
        for key, mistake in missing.items()
    ]
    try:
        context = {
            "directory": path.resolve().parent,
            "mappings_optional": mappings_optional,
        }
        config = Config.model_validate(data, context=context)
    except ValidationError as error:
        mistakes += [
            mistake for mistake in mistakes_of(error, Config, NOT_YET) if mistake.key not in missing
        ]
    if mistakes:
        raise usage_error(path, marked, mistakes)
    return config


def _read(path: Path) -> Marked:
    try:
        marked = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(
            f"there is no configuration file {path}",
            remedy="name one with --config or CDC_CONFIG",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", remedy="make it a readable UTF-8 file") from error
    except YamlMistake as mistake:
        raise UsageError(
            f"{path}:{mistake.line}: {mistake.what}", remedy=mistake.remedy
        ) from mistake
    if not isinstance(marked.data, dict):
        raise UsageError(
            f"{path}: the file holds no keys", remedy="see docs/configuration.md for an example"
        )
    return marked


def _files(pattern: str) -> list[Path]:
    return [Path(name) for name in glob.glob(pattern, recursive=True) if Path(name).is_file()]  # noqa: PTH207 - an absolute pattern
