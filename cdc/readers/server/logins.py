"""Login plugins of accounts: those that cdc supports, and those that it refuses by name."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cdc.errors import Unfit
from cdc.readers.server.raw_connection import RawConnection

PARSEC: Final = "parsec"
DIALOG: Final = "dialog"

_KNOWN: Final = frozenset(
    {
        "caching_sha2_password",
        "client_ed25519",
        "mysql_native_password",
        "sha256_password",
        PARSEC,
    }
)
_IN_THE_CLEAR: Final = frozenset({DIALOG, "mysql_clear_password"})
"""Plugins that send the password itself: to PAM and LDAP, mostly."""

REMEDY: Final = (
    "let the account log in with a password that cdc can prove: on MySQL ALTER USER … IDENTIFIED"
    " WITH caching_sha2_password BY '…'; on MariaDB ALTER USER … IDENTIFIED BY '…', or IDENTIFIED"
    " VIA ed25519 USING PASSWORD('…')"
)

_EXTENSION_SIZE: Final = 20
_SCRAMBLE_SIZE: Final = 32
_PBKDF2: Final = ord("P")
_MOST_DOUBLINGS: Final = 3


def require(plugin: str, *, encrypted: bool, where: str, user: str) -> None:
    """Raise Unfit if an account must log in by a plugin that cdc does not support."""
    if plugin in _KNOWN or (encrypted and plugin in _IN_THE_CLEAR):
        return
    if plugin in _IN_THE_CLEAR:
        raise Unfit(
            f"the source {where} asks for the password of {user} in the clear, by the plugin"
            f" {plugin}, and the connection is not encrypted",
            remedy="write source.tls: verify, or required",
        )
    raise Unfit(
        f"the source {where} lets {user} log in by the plugin {plugin!r} only, which cdc does not"
        " follow",
        remedy=REMEDY,
    )


def talks_first(where: str, user: str) -> Unfit:
    """Return the error for a dialog in which the client has the first word."""
    return Unfit(
        f"the source {where} lets {user} log in by a dialog (the plugin {DIALOG}) that cdc does not"
        " follow",
        remedy="write pam_use_cleartext_plugin = ON in MariaDB's configuration, and restart it: the"
        " password is sent over TLS then; or " + REMEDY,
    )


def prove_by_parsec(connection: RawConnection, challenge: bytes) -> Any:
    """Answer MariaDB's `parsec` (`plugin/auth_parsec/auth_parsec.cc`); return the server's verdict.

    An Ed25519 key, derived from the password and the account's salt, signs the server's challenge
    and one of ours. An empty packet requests the salt.
    """
    connection.write_packet(b"")
    extension = connection.read_packet()[-_EXTENSION_SIZE:]
    kind, doublings, salt = extension[0], extension[1], extension[2:]
    if kind != _PBKDF2 or doublings > _MOST_DOUBLINGS:
        raise ValueError("an unknown derivation of keys")
    seed = hashlib.pbkdf2_hmac("sha512", connection.password, salt, 1024 << doublings, 32)
    ours = os.urandom(_SCRAMBLE_SIZE)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(challenge[:_SCRAMBLE_SIZE] + ours)
    connection.write_packet(ours + signature)
    return connection.read_answer()
