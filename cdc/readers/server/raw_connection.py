"""All of PyMySQL's private members that cdc uses, behind one class."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pymysql.connections import Connection
from pymysql.cursors import Cursor

if TYPE_CHECKING:
    _Connection = Connection[Cursor]  # generic in the type stubs only
else:
    _Connection = Connection


class RawConnection(_Connection):
    """A connection below statements: its socket, commands, packets, and the login.

    A later PyMySQL may rename them: pyproject.toml has a ceiling for it, and
    `tests/unit/readers/server/test_raw_connection.py` checks each against the installed one.
    """

    @property
    def raw_socket(self) -> socket.socket:
        """The socket, also with TLS. Between answers PyMySQL buffers nothing of it."""
        found: socket.socket = self._sock  # type: ignore[attr-defined]
        return found

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is on."""
        secure: bool = self._secure  # type: ignore[attr-defined]
        return secure

    def send_command(self, command: int, payload: bytes) -> None:
        """Send a command; raises InterfaceError if the connection is closed."""
        self._execute_command(command, payload)  # type: ignore[attr-defined]

    def read_packet(self) -> bytes:
        """Return the payload of the next packet; raises the server's error if it is one."""
        return self.read_answer().get_all_data()  # type: ignore[no-any-return]

    def read_answer(self) -> Any:
        """Return the next packet as PyMySQL's own; raises the server's error if it is one."""
        return self._read_packet()  # type: ignore[no-untyped-call]

    def drop(self) -> None:
        """Close it without a farewell, in whatever state it is."""
        self._force_close()  # type: ignore[attr-defined]

    def prove(self, plugin: str, challenge: Any, follow: Callable[[], Any]) -> Any:
        """Log in by an authentication plugin; return the packet with the server's verdict.

        `challenge` is the server's packet; `follow` runs PyMySQL's own code for the plugin.
        """
        return follow()

    def _process_auth(self, plugin_name: bytes, auth_packet: Any, handler: Any = None) -> Any:
        follow = partial(super()._process_auth, plugin_name, auth_packet, handler)  # type: ignore[misc]
        return self.prove(plugin_name.decode("ascii", "replace"), auth_packet, follow)
