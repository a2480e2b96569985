"""Converts errors of the server and of its driver to cdc's own, with what to do about each."""

from __future__ import annotations

import socket
import ssl
from typing import Final

import pymysql
from pymysql.constants import CR, ER

from cdc.config import SourceConfig, TlsConfig
from cdc.errors import CdcError, Fatal, Retryable, Unfit
from cdc.readers.server import logins

_ACCESS_DENIED: Final = frozenset(
    {
        ER.ACCESS_DENIED_ERROR,
        ER.DBACCESS_DENIED_ERROR,
        ER.TABLEACCESS_DENIED_ERROR,
        ER.COLUMNACCESS_DENIED_ERROR,
        ER.SPECIFIC_ACCESS_DENIED_ERROR,
        1130,  # host is not allowed
        1401,  # MySQL: XA RECOVER without XA_RECOVER_ADMIN
        1698,  # MariaDB: access denied, the account logs in another way
        1820,  # the password must be changed first
        1862,  # the password has expired
        3118,  # the account is locked
        4151,  # MariaDB: the account is locked
    }
)
_REMEDIES: Final[dict[int, str]] = {
    1130: "CREATE USER for the host that cdc runs on, or let the account log in from any: '…'@'%'",
    1698: logins.REMEDY,
    1820: "give the account a new password: ALTER USER … IDENTIFIED BY '…'",
    1862: "give the account a new password: ALTER USER … IDENTIFIED BY '…'",
    3118: "ALTER USER … ACCOUNT UNLOCK",
    4151: "ALTER USER … ACCOUNT UNLOCK",
}
_NOT_THERE: Final = frozenset(
    {CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST}
)
"""What the driver says of a login that nobody answers, or another kind of server."""
_NO_TLS: Final = CR.CR_SSL_CONNECTION_ERROR
_NAMES_ANOTHER: Final = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
_TLS_WANTED: Final = 3159  # require_secure_transport
_PACKET_TOO_LARGE: Final = 1153
_PLUGIN: Final = frozenset({CR.CR_AUTH_PLUGIN_CANNOT_LOAD, CR.CR_AUTH_PLUGIN_ERR})
_PASSING_TLS: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The server went away during TLS setup; any other TLS error is a mismatch, if it comes again."""
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
        1004,  # it cannot make, open, close, read or write a file: its disk is full, for one
        1016,
        1023,
        1024,
        1026,
        1030,  # a storage engine says no more than its own number
        1021,  # its disk is full: no room for a temporary table
        1037,  # it has no memory left, for a sort in 1038
        1038,
        1041,
        1047,  # a Galera node that is not ready
        1114,  # a temporary table is full
        1129,  # the host is blocked until FLUSH HOSTS, after too many broken connections
        1135,  # it cannot make a thread
        1206,  # InnoDB has no room for more locks
        1290,  # an option prevents it, super_read_only during a failover for one
        1461,  # other sessions have prepared as many statements as max_prepared_stmt_count allows
        1637,  # too many transactions are active
        1878,  # InnoDB cannot write a temporary file
        1927,  # MariaDB: the connection was killed
        1969,  # MariaDB: the statement took too long
        3024,  # the statement took too long
        3032,  # the server is in offline mode
        3168,  # MySQL is not ready to be asked, during a shutdown or a start
        3169,  # the session was killed
        3170,  # a memory limit of the statement is reached
        4031,  # the client was idle for too long
        4081,  # connection_memory_limit is reached
        4082,  # global_connection_memory_limit is
    }
)
_FIRST_OF_SERVER: Final = 1000
"""Smaller numbers: a file, memory or a socket has failed the library below the server, or us."""


class AccessDenied(Unfit):
    """The source refuses this account what it asks for."""


class TlsMismatch(Unfit):
    """TLS cannot be set up. A handshake that was damaged on its way looks like that, once."""


def explain_login(error: pymysql.MySQLError, source: SourceConfig, where: str) -> CdcError:
    """Convert a driver's error at a login to cdc's; `where` is the source's address."""
    code, text = _code(error), _text(error)
    original = getattr(error, "original_exception", error.__context__)
    if isinstance(original, ssl.SSLError):
        return _explain_tls(original, where)
    if isinstance(original, socket.gaierror):
        return Retryable(
            f"the source's host {source.address.host} is not known: {original.strerror}",
            remedy="check source.host, or source.hosts, and the resolver",
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
            remedy=_REMEDIES.get(code or 0)
            or "check source.user and its password, and from where the account may log in;"
            f" {_asked_of_tls(source.tls)}",
        )
    if code in _PLUGIN:
        return Unfit(
            f"the source {where} lets {source.user} in another way than by a password: {text}",
            remedy=logins.REMEDY,
        )
    if code in _NOT_THERE:
        return Retryable(
            f"the source {where} cannot be reached: {_of_silence(code, text)}",
            remedy="see that it runs, and check source.host and source.port, or source.hosts",
        )
    return explain(error, where)


def _of_silence(code: int | None, text: str) -> str:
    """Return the driver's words, but for those of a server that waits to be spoken to."""
    if code == CR.CR_SERVER_LOST and "timed out" in text:
        return "it takes the connection, and does not answer as MySQL or MariaDB do (timed out)"
    return text


def _asked_of_tls(tls: TlsConfig) -> str:
    """Return what else an account may require: the server answers as to a wrong password."""
    if tls.mode == "off":
        return "if it must use TLS (REQUIRE SSL), write source.tls: required"
    if not tls.cert:
        return "if it must show a certificate (REQUIRE X509), name source.tls.cert and key"
    return "if it must show a certificate of its own (REQUIRE SUBJECT), name that one"


def _explain_tls(error: ssl.SSLError, where: str) -> CdcError:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _NAMES_ANOTHER:
            return TlsMismatch(
                f"the certificate of the source {where} is for another host:"
                f" {error.verify_message}",
                remedy="write the name that it holds in source.host; or have only its authority"
                " verified: source.tls: {mode: verify_ca, ca: FILE}",
            )
        return TlsMismatch(
            f"the certificate of the source {where} is not trusted: {error.verify_message}",
            remedy="name the authority that signed it: source.tls: {ca: FILE}",
        )
    reason = error.reason or str(error)
    if isinstance(error, _PASSING_TLS):
        return Retryable(f"the source {where} ended the connection in its TLS handshake: {reason}")
    return TlsMismatch(
        f"TLS with the source {where} cannot be set up: {reason}",
        remedy="see that the source offers TLS 1.2 or later (tls_version) and trusts the authority"
        " of source.tls.cert, where it asks for a certificate",
    )


def explain(error: pymysql.MySQLError, where: str) -> CdcError:
    """Convert a driver's error to cdc's."""
    return explain_code(_code(error), _text(error), where)


def explain_code(code: int | None, text: str, where: str = "") -> CdcError:
    """Convert the number of a server's error, or of the driver's, to an error of cdc."""
    source = f"the source {where}".rstrip()
    if code in _ACCESS_DENIED:
        return AccessDenied(
            f"{source} refuses this account: {text}",
            remedy=_REMEDIES.get(code or 0, "see which privilege it lacks: cdc check"),
        )
    if code == _TLS_WANTED:
        return Unfit(
            f"{source} insists on TLS: {text}", remedy="write source.tls: required, or verify"
        )
    if code == _PACKET_TOO_LARGE:
        return Unfit(
            f"{source} takes no statement as long as ours: {text}",
            remedy="run on the source: SET GLOBAL max_allowed_packet = 67108864",
        )
    if code is None or code < _FIRST_OF_SERVER or code in _TRANSIENT or _is_client_code(code):
        return Retryable(f"{source} cannot be reached: {text}")
    return Fatal(f"{source} answered with error {code}: {text}")


def _is_client_code(code: int) -> bool:
    """Return whether the driver gave up, not the server."""
    return 2000 <= code < 3000


def _code(error: pymysql.MySQLError) -> int | None:
    return error.args[0] if error.args and isinstance(error.args[0], int) else None


def _text(error: pymysql.MySQLError) -> str:
    return str(error.args[1]) if len(error.args) > 1 and error.args[1] else str(error)
