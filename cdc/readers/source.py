"""A connection to the source, whose errors are cdc's own."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Any, Final

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CR, ER
from pymysql.cursors import Cursor

from cdc.config import SourceConfig, TlsConfig
from cdc.errors import CdcError, Fatal, Retryable, Unfit, UsageError
from cdc.readers.charsets import decoder

__all__ = ["AccessDenied", "SourceConnection", "close", "connect", "decoder", "is_mariadb"]

CONNECT_SECONDS: Final = 10.0

_ACCESS_DENIED: Final = frozenset(
    {
        ER.ACCESS_DENIED_ERROR,
        ER.DBACCESS_DENIED_ERROR,
        ER.TABLEACCESS_DENIED_ERROR,
        ER.COLUMNACCESS_DENIED_ERROR,
        ER.SPECIFIC_ACCESS_DENIED_ERROR,
        1130,  # host is not allowed
        1698,  # MariaDB: access denied, the account logs in another way
        1820,  # the password must be changed first
        1862,  # the password has expired
        3118,  # the account is locked
        4151,  # MariaDB: the account is locked
    }
)
_NO_TLS: Final = CR.CR_SSL_CONNECTION_ERROR
_NAMES_ANOTHER: Final = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
_TLS_WANTED: Final = 3159  # require_secure_transport
_TRANSIENT: Final = frozenset(
    {
        ER.CON_COUNT_ERROR,
        ER.HANDSHAKE_ERROR,
        ER.SERVER_SHUTDOWN,
        ER.NORMAL_SHUTDOWN,
        ER.ABORTING_CONNECTION,
        ER.NET_PACKETS_OUT_OF_ORDER,
        ER.NET_READ_ERROR,
        ER.NET_READ_INTERRUPTED,
        ER.NET_ERROR_ON_WRITE,
        ER.NET_WRITE_INTERRUPTED,
        ER.NEW_ABORTING_CONNECTION,
        ER.TOO_MANY_USER_CONNECTIONS,
        ER.LOCK_WAIT_TIMEOUT,
        ER.USER_LIMIT_REACHED,
        ER.LOCK_DEADLOCK,
        ER.QUERY_INTERRUPTED,
        1047,  # a Galera node that is not ready
        1290,  # an option prevents it, super_read_only during a failover for one
        1927,  # MariaDB: the connection was killed
        3032,  # the server is in offline mode
        3169,  # the session was killed
        4031,  # the client was idle for too long
    }
)


class AccessDenied(Unfit):
    """The source refuses this account what it asks for."""


if TYPE_CHECKING:
    _Connection = Connection[Cursor]  # generic in the type stubs only
else:
    _Connection = Connection


class SourceConnection(_Connection):
    """A connection that raises Retryable, AccessDenied, Unfit or Fatal instead of driver errors."""

    def query(self, sql: Any, unbuffered: bool = False) -> int:
        """See PyMySQL; every cursor sends its statements through here."""
        try:
            return super().query(sql, unbuffered)
        except pymysql.MySQLError as error:
            raise explain(error, f"{self.host}:{self.port}") from error


def connect(source: SourceConfig, *, read_timeout: float) -> SourceConnection:
    """Log in, in utf8mb4 and autocommit mode; `read_timeout` is in seconds.

    Raises Retryable where the source cannot be reached now, and Unfit where it refuses the
    account or the protection that the configuration asks for.
    """
    where = f"{source.host}:{source.port}"
    try:
        return SourceConnection(
            host=source.host,
            port=source.port,
            user=source.user,
            password=source.read_password().encode(),  # text would be sent as latin1
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=read_timeout,
            write_timeout=read_timeout,
            program_name="cdc",
            **_protection(source.tls),
        )
    except pymysql.MySQLError as error:
        raise _explain_login(error, source, where) from error


def close(connection: Connection[Any]) -> None:
    """Drop a connection without a farewell, in whatever state it is."""
    with contextlib.suppress(Exception):
        connection._force_close()  # type: ignore[attr-defined]


def is_mariadb(connection: Connection[Any]) -> bool:
    """Tell MariaDB from MySQL by what the server calls itself."""
    return "mariadb" in str(connection.get_server_info()).lower()  # type: ignore[no-untyped-call]


def _protection(tls: TlsConfig) -> dict[str, Any]:
    if tls.mode == "off":
        return {"ssl_disabled": True}
    try:
        return {"ssl": _context(tls)}
    except OSError as error:  # they were there when the configuration was read
        files = ", ".join(str(each) for each in (tls.ca, tls.cert, tls.key) if each)
        raise UsageError(
            f"the files of source.tls ({files}) cannot be used: {error}",
            remedy="make them PEM files that this user may read, then start again",
        ) from error


def _context(tls: TlsConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca)
    context.check_hostname = tls.mode == "verify"
    if tls.mode == "required":
        context.verify_mode = ssl.CERT_NONE
    # the certificates that MySQL makes for itself lack an extension that strict mode wants
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.cert:
        context.load_cert_chain(tls.cert, tls.key, password="")
    return context


def _explain_login(error: pymysql.MySQLError, source: SourceConfig, where: str) -> CdcError:
    code, text = _code(error), _text(error)
    original = getattr(error, "original_exception", None)
    if isinstance(original, ssl.SSLCertVerificationError):
        if original.verify_code in _NAMES_ANOTHER:
            return Unfit(
                f"the certificate of the source {where} is for another host:"
                f" {original.verify_message}",
                remedy="write the name that it holds in source.host; or have only its authority"
                " verified: source.tls: {mode: verify_ca, ca: FILE}",
            )
        return Unfit(
            f"the certificate of the source {where} is not trusted: {original.verify_message}",
            remedy="name the authority that signed it: source.tls: {ca: FILE}",
        )
    if isinstance(original, socket.gaierror):
        return Retryable(
            f"the source's host {source.host} is not known: {original.strerror}",
            remedy="check source.host and the resolver",
        )
    if code == _NO_TLS:
        return Unfit(
            f"the source {where} does not offer TLS, and source.tls is {source.tls.mode}",
            remedy="configure a certificate on the source; where the network is trusted, write"
            " source.tls: off",
        )
    if code in _ACCESS_DENIED:
        return AccessDenied(
            f"the source {where} does not let {source.user} in: {text}",
            remedy="check source.user and its password, and from where the account may log in",
        )
    return explain(error, where)


def explain(error: pymysql.MySQLError, where: str) -> CdcError:
    """Turn a driver's error into what it means."""
    code, text = _code(error), _text(error)
    if code in _ACCESS_DENIED:
        return AccessDenied(f"the source {where} refuses this account: {text}")
    if code == _TLS_WANTED:
        return Unfit(
            f"the source {where} insists on TLS: {text}",
            remedy="write source.tls: required, or verify",
        )
    if code in _TRANSIENT or code is None or _is_client_code(code):
        return Retryable(f"the source {where} cannot be reached: {text}")
    return Fatal(f"the source {where} answered with error {code}: {text}")


def _is_client_code(code: int) -> bool:
    """Tell whether the driver gave up, rather than the server answered; 0: the socket is gone."""
    return code == 0 or 2000 <= code < 3000


def _code(error: pymysql.MySQLError) -> int | None:
    return error.args[0] if error.args and isinstance(error.args[0], int) else None


def _text(error: pymysql.MySQLError) -> str:
    return str(error.args[1]) if len(error.args) > 1 and error.args[1] else str(error)
