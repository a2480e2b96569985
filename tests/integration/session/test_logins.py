"""Each way in which an account may log in is followed, or refused by its name."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from pydantic import SecretStr

from cdc.config import SourceConfig
from cdc.errors import CdcError, Retryable, Unfit, UsageError
from cdc.readers.server import logins
from cdc.readers.server.connection import connect_source
from cdc.readers.server.driver_errors import AccessDenied
from cdc.readers.server.packets import Garbled
from cdc_sandbox.servers import MySQLServer, mysql_server
from tests.integration.session.support.plugins import plugin_folder
from tests.support.features import OWN_CERTIFICATE, needs

PASSWORDS = ["plain", "pässwörd€", "x" * 200]


@pytest.fixture(scope="module")
def plugged() -> Iterator[MySQLServer]:
    """A MariaDB with every plugin that accounts may log in by."""
    loaded = ";".join(plugin.stem for plugin in plugin_folder().glob("auth_*.so"))
    options = [
        f"--plugin-dir={plugin_folder()}",
        f"--plugin-load-add={loaded}",
        "--plugin-maturity=unknown",
    ]
    with mysql_server("mariadb", options=options) as server:
        yield server


def login(server: MySQLServer, **changes: object) -> SourceConfig:
    settings = {
        "host": server.host,
        "port": server.port,
        "user": "someone",
        "password": "",
        "server_id": 7,
        "tls": "off",
    }
    return SourceConfig.model_validate(settings | changes)


@contextmanager
def someone(server: MySQLServer, identified: str) -> Iterator[None]:
    server.execute("DROP USER IF EXISTS someone")
    server.execute(f"CREATE USER someone {identified}")
    try:
        yield
    finally:
        server.execute("DROP USER someone")


def refusal(settings: SourceConfig) -> CdcError:
    """What the source says to a login, or to the first question behind it."""
    with pytest.raises(CdcError) as caught:
        logs_in(settings)
    return caught.value


def logs_in(settings: SourceConfig) -> bool:
    with (
        closing(connect_source(settings, read_timeout=5)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT CURRENT_USER()")
        return cursor.fetchone() == ("someone@%",)


@pytest.mark.slow  # a MariaDB of its own
@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("plugin", ["ed25519", "parsec", "mysql_native_password"])
def test_an_account_of_mariadb_logs_in(plugged: MySQLServer, plugin: str, password: str) -> None:
    with someone(plugged, f"IDENTIFIED VIA {plugin} USING PASSWORD('{password}')"):
        assert logs_in(login(plugged, password=password))
        assert logs_in(login(plugged, password=password, tls="required"))

        error = refusal(login(plugged, password="wrong"))

    assert isinstance(error, AccessDenied)


@pytest.mark.parametrize("plugin", ["caching_sha2_password", "sha256_password"])
@pytest.mark.parametrize("password", PASSWORDS)
def test_an_account_of_mysql_logs_in(mysql: MySQLServer, plugin: str, password: str) -> None:
    with someone(mysql, f"IDENTIFIED WITH {plugin} BY '{password}'"):
        assert logs_in(login(mysql, password=password))
        assert logs_in(login(mysql, password=password, tls="required"))

        error = refusal(login(mysql, password="wrong"))

    assert isinstance(error, AccessDenied)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clear", "plugin", "over_tls"),
    [("ON", "mysql_clear_password", "does not let"), ("OFF", "dialog", "pam_use_cleartext_plugin")],
)
def test_no_password_is_sent_in_the_clear_over_a_link_that_is_not_encrypted(
    clear: str, plugin: str, over_tls: str
) -> None:
    """PAM wants it as it is; here it knows nobody."""
    options = [
        f"--plugin-dir={plugin_folder()}",
        "--plugin-load-add=auth_pam_v1",
        "--plugin-maturity=unknown",
        f"--pam-use-cleartext-plugin={clear}",
    ]
    with (
        mysql_server("mariadb", options=options) as server,
        someone(server, "IDENTIFIED VIA pam"),
    ):
        error = refusal(login(server, password="secret"))
        encrypted = refusal(login(server, password="secret", tls="required"))

    assert isinstance(error, Unfit)
    assert plugin in error.message
    assert "source.tls: verify" in (error.remedy or "")
    assert isinstance(encrypted, Unfit)
    assert over_tls in str(encrypted)


@pytest.mark.parametrize(
    "plugin",
    [
        "auth_gssapi_client",
        "authentication_fido_client",
        "authentication_kerberos_client",
        "authentication_ldap_sasl_client",
        "authentication_oci_client",
        "authentication_openid_connect_client",
        "authentication_webauthn_client",
        "mysql_old_password",
        "of_tomorrow",
    ],
)
def test_a_plugin_that_is_not_followed_is_refused_by_its_name(
    mariadb: MySQLServer, plugin: str
) -> None:
    """A server asks for it by a packet of its own."""
    with asking_for(mariadb, plugin) as port:
        error = refusal(login(mariadb, port=port, password="secret"))

    assert isinstance(error, Unfit)
    assert plugin in error.message
    assert error.remedy == logins.REMEDY


@contextmanager
def asking_for(server: MySQLServer, plugin: str) -> Iterator[int]:
    """A server that greets as this one does, and then asks for a plugin; its port."""

    def serve() -> None:
        client, _ = listener.accept()
        with client, socket.create_connection((server.host, server.port)) as real:
            client.sendall(real.recv(1 << 16))
            number = client.recv(1 << 16)[3] + 1
            asked = b"\xfe" + plugin.encode() + b"\0" + bytes(20)
            client.sendall(len(asked).to_bytes(3, "little") + bytes([number]) + asked)
            client.recv(1 << 16)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("demanded", "tls", "hint"),
    [
        ("REQUIRE SSL", "off", "REQUIRE SSL"),
        ("REQUIRE X509", "off", "REQUIRE SSL"),
        pytest.param("REQUIRE X509", "required", "source.tls.cert", marks=needs(OWN_CERTIFICATE)),
    ],
)
def test_an_account_that_asks_more_of_tls_is_not_told_of_its_password_alone(
    source: MySQLServer, demanded: str, tls: str, hint: str
) -> None:
    with someone(source, f"IDENTIFIED BY 'secret' {demanded}"):
        error = refusal(login(source, password="secret", tls=tls))

    assert isinstance(error, AccessDenied)
    assert hint in (error.remedy or "")


@pytest.mark.parametrize(
    ("state", "remedy"), [("ACCOUNT LOCK", "ACCOUNT UNLOCK"), ("PASSWORD EXPIRE", "new password")]
)
def test_an_account_that_may_not_log_in_now_is_told_as_such(
    source: MySQLServer, state: str, remedy: str
) -> None:
    with someone(source, f"IDENTIFIED BY 'secret' {state}"):
        error = refusal(login(source, password="secret"))

    assert isinstance(error, AccessDenied)
    assert remedy in (error.remedy or "")


@pytest.mark.parametrize("key", ["user", "password"])
def test_half_a_character_is_a_mistake_in_usage(source: MySQLServer, key: str) -> None:
    error = refusal(login(source).model_copy(update={key: half(key)}))

    assert isinstance(error, UsageError)
    assert "source.user" in error.message


def half(key: str) -> object:
    return "a\ud800" if key == "user" else SecretStr("a\ud800")


def test_a_password_that_is_no_utf_8_is_a_wrong_one(
    source: MySQLServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environb, b"SECRET", b"p\xe4ss")

    with someone(source, "IDENTIFIED BY 'päss'"):
        error = refusal(login(source, password=os.environ["SECRET"]))

    assert isinstance(error, AccessDenied)


@pytest.mark.parametrize(
    "greeting",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x05\0\0\0\x0b\x08\x05\x1a\0",
        b"\0\0\0\0",
        b"\x01\0\0\0\x0a",
        b"\x10\0\0\0\x0aX.7.4-2\0\x01\0\0\0abcd",
    ],
    ids=["http", "ssh", "the X protocol", "empty", "cut", "no version"],
)
def test_what_speaks_another_protocol_is_named_and_waited_for(greeting: bytes) -> None:
    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.sendall(greeting)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        settings = SourceConfig.model_validate(
            {"host": "127.0.0.1", "port": port, "user": "u", "server_id": 1, "tls": "off"}
        )
        error = refusal(settings)

    assert isinstance(error, Retryable)
    assert f"127.0.0.1:{port}" in error.message


def test_a_tls_version_that_is_too_old_is_named() -> None:
    """The two sides never agree, so nothing is waited for."""

    def serve() -> None:
        for _ in range(2):  # one may have been damaged on its way, so it is tried again
            client, _ = listener.accept()
            with client, socket.create_connection((real.host, real.port)) as server:
                client.sendall(server.recv(1 << 16))
                client.recv(1 << 16)
                client.sendall(b"\x15\x03\x01\x00\x02\x02\x46")  # an alert: protocol_version
                client.recv(1 << 16)

    with (
        mysql_server("mysql") as real,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        error = refusal(login(real, port=port, tls="required"))

    assert isinstance(error, Unfit)
    assert not isinstance(error, Garbled)
    assert "TLS" in error.message
