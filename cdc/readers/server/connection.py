"""A connection to the source that raises cdc's own errors."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pymysql
from pymysql.connections import Connection

from cdc.config import SourceConfig, TlsConfig
from cdc.errors import CdcError, Retryable, UsageError
from cdc.readers.server import logins, session
from cdc.readers.server.charsets import decoder
from cdc.readers.server.driver_errors import TlsMismatch, explain, explain_login
from cdc.readers.server.hosts import Refused, first_usable, tell_refused
from cdc.readers.server.packets import Garbled
from cdc.readers.server.raw_connection import RawConnection

__all__ = [
    "SourceConnection",
    "close_connection",
    "connect_source",
    "decoder",
    "is_mariadb",
]

CONNECT_SECONDS: Final = 10.0


class SourceConnection(RawConnection):
    """A connection that raises Retryable, AccessDenied, Unfit or Fatal instead of driver errors.

    `source` is the source with the host of this connection alone: a second one goes there, too.
    `read_only`: of several hosts it is one that takes changes from its own source alone.
    """

    source: SourceConfig
    read_only = False
    collations: Mapping[str, int] | None = None
    """The ids of all collations by their names, once they were asked for."""

    @property
    def where(self) -> str:
        """The source's address."""
        return f"{self.host}:{self.port}"

    def query(self, sql: Any, unbuffered: bool = False) -> int:
        """Run a statement; all of a cursor's statements come through here."""
        with self.understood():
            return super().query(sql, unbuffered)

    def command(self, command: int, payload: bytes) -> None:
        """Send a command that is not a statement."""
        with self.understood():
            self.send_command(command, payload)

    def answer(self) -> None:
        """Read the one packet with which the source answers a command."""
        with self.understood():
            self.read_answer()

    @contextlib.contextmanager
    def understood(self) -> Iterator[None]:
        """Convert all exceptions to errors of cdc; Garbled for any that is no driver error.

        A damaged answer makes the driver, or the reader of its values, raise almost anything.
        """
        try:
            yield
        except CdcError:
            raise
        except pymysql.MySQLError as error:
            raise explain(error, self.where) from error
        except Exception as error:  # PyMySQL also raises Exception itself
            close_connection(self)  # an answer may be left half read
            raise Garbled.of(error, self.where) from error

    def prove(self, plugin: str, challenge: Any, follow: Callable[[], Any]) -> Any:
        """Log in by a plugin that cdc supports; raises Unfit for any other."""
        user = self.user.decode("utf-8", "replace") if isinstance(self.user, bytes) else ""
        logins.require(plugin, encrypted=self.is_encrypted, where=self.where, user=user)
        if plugin == logins.PARSEC:
            return logins.prove_by_parsec(self, challenge.read_all())
        try:
            return follow()
        except IndexError as error:
            if plugin == logins.DIALOG:
                raise logins.talks_first(self.where, user) from error
            raise


def connect_source(
    source: SourceConfig,
    *,
    read_timeout: float,
    writes: bool = False,
    raw: bool = False,
    refused: Refused = tell_refused,
) -> SourceConnection:
    """Log in, and set up a session whose answers depend on no default of the server.

    Of several hosts it is the first that can be reached; with `writes`, that can be written to,
    else a read-only one if these are preferred. `read_timeout` is in seconds. Without `writes` the
    session is read-only. With `raw`, text comes in its column's charset, else in utf8mb4. Raises
    Retryable if the source cannot be reached now, Unfit if it refuses the account or the protection
    that the configuration asks for, and UsageError if the configuration itself is wrong.
    """
    several = len(source.addresses) > 1

    def attempt(host: SourceConfig) -> SourceConnection:
        connection = _session(host, read_timeout, writes=writes, raw=raw)
        if several:
            _note_read_only(connection)
        if writes and connection.read_only:
            close_connection(connection)
            raise Retryable(f"the source {host.address} is read-only")
        return connection

    prefers = source.prefer_read_only and not writes
    return first_usable(
        source,
        attempt,
        drop=close_connection,
        is_preferred=lambda found: found.read_only or not prefers,
        refused=refused,
    )


def _session(
    source: SourceConfig, read_timeout: float, *, writes: bool, raw: bool
) -> SourceConnection:
    try:
        connection = _logged_in(source, read_timeout)
    except TlsMismatch:  # what was damaged on its way is right the next time
        connection = _logged_in(source, read_timeout)
    connection.source = source
    greeting = str(connection.get_server_info())  # type: ignore[no-untyped-call]
    try:
        with connection.understood():
            mariadb = is_mariadb(connection)
            told = session.statement(greeting, mariadb=mariadb, writes=writes, raw=raw)
        connection.query(told)
    except BaseException:
        close_connection(connection)
        raise
    return connection


def _note_read_only(connection: SourceConnection) -> None:
    try:
        with connection.understood(), connection.cursor() as cursor:
            cursor.execute("SELECT @@GLOBAL.read_only")
            [(value,)] = cursor.fetchall()
    except BaseException:
        close_connection(connection)
        raise
    connection.read_only = str(value) not in {"0", "OFF"}  # MariaDB 12 knows several ways


@contextlib.contextmanager
def asking(
    source: SourceConfig, *, read_timeout: float, refused: Refused = tell_refused
) -> Iterator[SourceConnection]:
    """Open a connection for a few queries; raises what `connect_source` does, or Garbled."""
    found = connect_source(source, read_timeout=read_timeout, refused=refused)
    with contextlib.closing(found) as connection, connection.understood():
        yield connection


def _logged_in(source: SourceConfig, read_timeout: float) -> SourceConnection:
    host, port = source.address
    where = f"{host}:{port}"
    try:
        return SourceConnection(
            host=host,
            port=port,
            user=source.user.encode(errors="surrogateescape"),
            password=source.read_password().encode(errors="surrogateescape"),
            charset="utf8mb4",
            collation=session.COLLATION,
            autocommit=None,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=read_timeout,
            write_timeout=read_timeout,
            program_name="cdc",
            **_protection(source.tls),
        )
    except CdcError:
        raise
    except pymysql.MySQLError as error:
        raise explain_login(error, source, where) from error
    except Exception as error:  # a damaged greeting makes the driver raise anything
        if isinstance(error, UnicodeError) and not isinstance(error, UnicodeDecodeError):
            raise UsageError(
                "source.user or the password holds half a character, which cannot be sent",
                remedy="write them anew, in UTF-8",
            ) from error
        raise Garbled.of(error, where) from error


def close_connection(connection: RawConnection) -> None:
    """Drop a connection without a farewell, in whatever state it is."""
    with contextlib.suppress(Exception):
        connection.drop()


def is_mariadb(connection: Connection[Any]) -> bool:
    """Return whether the server calls itself MariaDB."""
    return "mariadb" in str(connection.get_server_info()).lower()  # type: ignore[no-untyped-call]


def _protection(tls: TlsConfig) -> dict[str, Any]:
    if tls.mode == "off":
        return {"ssl_disabled": True}
    try:
        return {"ssl": _context(tls)}
    except OSError as error:  # the files were there when the configuration was read
        files = ", ".join(str(each) for each in (tls.ca, tls.cert, tls.key) if each)
        raise UsageError(
            f"the files of source.tls ({files}) cannot be used: {error}",
            remedy="make them PEM files that this user may read, then start again",
        ) from error


def _context(tls: TlsConfig) -> ssl.SSLContext:
    if tls.mode == "required":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without authorities: they take 25 ms
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context = ssl.create_default_context(cafile=tls.ca)
        context.check_hostname = tls.mode == "verify"
    # the certificates that MySQL makes for itself lack an extension that strict mode wants
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.cert:
        context.load_cert_chain(tls.cert, tls.key, password="")
    return context
