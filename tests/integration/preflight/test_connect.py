from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cdc.config import SourceConfig
from cdc.errors import CdcError, Fatal, Retryable, Unfit, UsageError
from cdc.readers.server.connection import close_connection, connect_source, decoder, is_mariadb
from cdc.readers.server.driver_errors import AccessDenied
from cdc_sandbox.servers import MySQLServer, mysql_server
from tests.end_to_end.support.certificates import make
from tests.end_to_end.support.proxy import Link, Proxy, unchanged
from tests.support.features import OWN_CERTIFICATE, needs

HANDSHAKE_BYTES = 200
"""The greeting before it is smaller."""


def config(server: MySQLServer, **changes: object) -> SourceConfig:
    settings: dict[str, object] = {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "server_id": 7,
        "tls": "off",
    }
    return SourceConfig.model_validate(settings | changes)


def value(settings: SourceConfig, statement: str) -> object:
    with (
        closing(connect_source(settings, read_timeout=5)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        row = cursor.fetchone()
        assert row is not None
        return row[-1]


def refusal(settings: SourceConfig) -> CdcError:
    with pytest.raises(CdcError) as caught:
        connect_source(settings, read_timeout=5)
    return caught.value


@contextmanager
def account(server: MySQLServer, password: str, requirement: str = "") -> Iterator[str]:
    name = "tester"
    server.execute(f"DROP USER IF EXISTS {name}")
    server.execute(f"CREATE USER {name} IDENTIFIED BY '{password}' {requirement}")
    try:
        yield name
    finally:
        server.execute(f"DROP USER {name}")


def test_a_connection_speaks_utf8mb4_and_commits_each_statement(source: MySQLServer) -> None:
    settings = config(source)

    assert value(settings, "SELECT @@character_set_client") == "utf8mb4"
    assert value(settings, "SELECT @@autocommit") == 1


def test_the_flavour_is_known_from_the_greeting(source: MySQLServer) -> None:
    with closing(connect_source(config(source), read_timeout=5)) as connection:
        assert is_mariadb(connection) == (source.flavour == "mariadb")


@needs(OWN_CERTIFICATE)
def test_tls_required_encrypts(source: MySQLServer) -> None:
    cipher = value(config(source, tls="required"), "SHOW STATUS LIKE 'Ssl_cipher'")

    assert cipher


def test_tls_off_does_not_encrypt(source: MySQLServer) -> None:
    cipher = value(config(source), "SHOW STATUS LIKE 'Ssl_cipher'")

    assert cipher == ""


@pytest.mark.parametrize("mode", ["required", "verify"])
def test_a_server_without_tls_is_refused_unless_it_is_off(mode: str) -> None:
    with mysql_server(options=["--tls-version="]) as server:
        error = refusal(config(server, tls=mode))
        assert value(config(server), "SHOW STATUS LIKE 'Ssl_cipher'") == ""

    assert isinstance(error, Unfit)
    assert "does not offer TLS" in error.message
    assert error.remedy is not None
    assert "source.tls: off" in error.remedy


def test_a_certificate_that_vanishes_is_a_mistake_in_usage(
    source: MySQLServer, tmp_path: Path
) -> None:
    authority = make(tmp_path).authority
    settings = config(source, tls={"ca": str(authority)})
    authority.unlink()

    error = refusal(settings)

    assert isinstance(error, UsageError)
    assert str(authority) in error.message


@needs(OWN_CERTIFICATE)
def test_a_certificate_of_an_unknown_authority_is_unfit(source: MySQLServer) -> None:
    error = refusal(config(source, tls="verify"))

    assert isinstance(error, Unfit)
    assert "not trusted" in error.message
    assert error.remedy is not None
    assert "ca:" in error.remedy


def test_a_certificate_is_verified_against_the_named_authority(mysql: MySQLServer) -> None:
    authority = Path(str(mysql.execute("SELECT @@datadir")[0][0])) / "ca.pem"

    settings = config(mysql, tls={"ca": str(authority), "mode": "verify_ca"})

    assert value(settings, "SHOW STATUS LIKE 'Ssl_cipher'")


def test_a_certificate_for_another_host_is_unfit(mysql: MySQLServer) -> None:
    authority = Path(str(mysql.execute("SELECT @@datadir")[0][0])) / "ca.pem"

    error = refusal(config(mysql, tls={"ca": str(authority)}))

    assert isinstance(error, Unfit)
    assert "for another host" in error.message
    assert error.remedy is not None
    assert "source.host" in error.remedy


@needs(OWN_CERTIFICATE)
def test_an_account_that_must_use_tls_is_told_apart_from_a_wrong_password(
    source: MySQLServer,
) -> None:
    with account(source, "hush", "REQUIRE SSL") as name:
        error = refusal(config(source, user=name, password="hush"))
        cipher = value(
            config(source, user=name, password="hush", tls="required"),
            "SHOW STATUS LIKE 'Ssl_cipher'",
        )

    assert isinstance(error, AccessDenied)
    assert cipher


def test_a_wrong_password_is_unfit_and_never_printed(source: MySQLServer) -> None:
    error = refusal(config(source, password="not-the-password"))

    assert isinstance(error, AccessDenied)
    assert error.exit_code == 3
    assert source.user in str(error)
    assert source.host in str(error)
    assert "not-the-password" not in str(error)


def test_a_password_beyond_ascii_logs_in(source: MySQLServer) -> None:
    with account(source, "pässwörd€") as name:
        user = value(config(source, user=name, password="pässwörd€"), "SELECT CURRENT_USER()")

    assert user == f"{name}@%"


def test_a_closed_port_is_retryable(source: MySQLServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    error = refusal(config(source, port=port))

    assert isinstance(error, Retryable)
    assert f"{source.host}:{port}" in error.message


def test_a_server_that_says_nothing_is_retryable_within_the_timeout(source: MySQLServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = config(source, port=listener.getsockname()[1])

        with pytest.raises(Retryable):
            connect_source(settings, read_timeout=0.2)


@needs(OWN_CERTIFICATE)
def test_a_damaged_handshake_is_no_mismatch_wherever_the_damage_is(source: MySQLServer) -> None:
    refused = []
    with Proxy(source.port) as proxy:
        settings = config(source, port=proxy.port, tls="required")
        for at in (0, 1, 2, 3, 4, 5, 8, 9, 12, 60, *range(100, 1_300, 130)):

            def damaged(data: bytes, link: Link, at: int = at) -> bytes:
                if len(data) < HANDSHAKE_BYTES or at >= len(data):
                    return data
                proxy.replies = unchanged
                return data[:at] + bytes([data[at] ^ 0x15]) + data[at + 1 :]

            proxy.replies = damaged
            try:
                connect_source(settings, read_timeout=2).close()
            except CdcError as error:
                if not isinstance(error, Retryable):
                    refused.append((at, error.message))

    assert refused == []


def test_an_unknown_host_is_retryable_and_named(source: MySQLServer) -> None:
    error = refusal(config(source, host="nowhere.invalid"))

    assert isinstance(error, Retryable)
    assert "nowhere.invalid" in error.message


def test_a_killed_connection_is_retryable(source: MySQLServer) -> None:
    connection = connect_source(config(source), read_timeout=5)
    try:
        source.execute(f"KILL {connection.thread_id()}")  # type: ignore[no-untyped-call]

        with pytest.raises(Retryable), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        close_connection(connection)


def test_a_statement_that_takes_too_long_is_retryable(source: MySQLServer) -> None:
    connection = connect_source(config(source), read_timeout=0.2)
    try:
        with pytest.raises(Retryable), connection.cursor() as cursor:
            cursor.execute("SELECT SLEEP(3)")
    finally:
        close_connection(connection)


def test_a_missing_privilege_is_told_as_such(source: MySQLServer) -> None:
    with account(source, "hush") as name:
        connection = connect_source(config(source, user=name, password="hush"), read_timeout=5)
        with closing(connection), connection.cursor() as cursor, pytest.raises(AccessDenied):
            cursor.execute("SHOW BINARY LOGS")


def test_a_mistake_in_a_statement_is_fatal_and_not_retried(source: MySQLServer) -> None:
    with (
        closing(connect_source(config(source), read_timeout=5)) as connection,
        connection.cursor() as cursor,
        pytest.raises(Fatal, match="1064"),
    ):
        cursor.execute("SELEKT 1")


@pytest.mark.parametrize(
    ("collation", "raw", "text"),
    [
        ("utf8mb4_general_ci", "é€😀".encode(), "é€😀"),
        ("latin1_swedish_ci", b"\xe9\x80\x81", "é€\x81"),
        ("utf16_general_ci", "aé".encode("utf-16-be"), "aé"),
        ("koi8r_general_ci", "да".encode("koi8-r"), "да"),
    ],
)
def test_bytes_are_read_in_their_collation_s_charset(
    source: MySQLServer, collation: str, raw: bytes, text: str
) -> None:
    [(id_,)] = source.execute(
        "SELECT id FROM information_schema.collations WHERE collation_name = %s", (collation,)
    )

    with closing(connect_source(config(source), read_timeout=5)) as connection:
        assert decoder(connection)(raw, id_) == text
