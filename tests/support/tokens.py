"""An endpoint of tokens, as OAuth 2 has it: `client_credentials`, behind TLS."""

from __future__ import annotations

import base64
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

from tests.end_to_end.support.certificates import Certificates

LIVES_SECONDS = 300


class Tokens:
    """Gives unsigned tokens to one client."""

    def __init__(self, server: http.server.HTTPServer, authority: Path) -> None:
        self.authority = authority
        self.scopes: set[str] = set()
        self._server = server

    @property
    def uri(self) -> str:
        return f"https://127.0.0.1:{self._server.server_port}/token"

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()

    @classmethod
    @contextmanager
    def given(cls, certificates: Certificates, *, client: str, secret: str) -> Iterator[Self]:
        right = base64.b64encode(f"{client}:{secret}".encode()).decode()

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                found.scopes.update(asked.get("scope", []))
                is_right = self.headers["Authorization"] == f"Basic {right}"
                answer = _token(client) if is_right else {"error": "invalid_client"}
                body = json.dumps(answer).encode()
                self.send_response(200 if is_right else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        found = cls(server, certificates.authority)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield found
        finally:
            found.close()


def _token(subject: str) -> dict[str, Any]:
    now = int(time.time())
    claims = {"sub": subject, "iat": now, "exp": now + LIVES_SECONDS, "scope": "kafka"}
    parts = [json.dumps(each).encode() for each in ({"alg": "none"}, claims)]
    encoded = [base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts]
    return {
        "access_token": f"{'.'.join(encoded)}.",
        "token_type": "Bearer",
        "expires_in": LIVES_SECONDS,
    }
