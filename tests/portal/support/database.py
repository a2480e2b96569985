"""Databases with the portal's tables, and Django's connection to them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from cdc_sandbox.servers import MySQLServer
from tests.support.checkout import ROOT

DOCS = ROOT / "docs" / "portal.md"
PASSWORD = "0f the tests"


def connect(server: MySQLServer, database: str) -> None:
    """Point Django's default connection at a database, as the account that the docs make."""
    connections["default"].close()
    settings.DATABASES["default"].update(
        HOST=server.host, PORT=server.port, USER=database, PASSWORD=PASSWORD, NAME=database
    )
    connections.databases["default"] = settings.DATABASES["default"]
    del connections["default"]


def migrated(server: MySQLServer, name: str = "") -> str:
    """Make a database and an account of its own name, migrate, and connect; return the name."""
    name = name or f"portal_{uuid.uuid4().hex[:12]}"
    for statement in _set_up(name):
        server.execute(statement)
    connect(server, name)
    call_command("migrate", verbosity=0, interactive=False)
    return name


def _set_up(name: str) -> list[str]:
    """Return the statements of docs/portal.md, for a database and an account of this name."""
    page = DOCS.read_text(encoding="utf-8")
    statements = page.partition("```sql\n")[2].partition("```")[0]
    for written, meant in (("twitter", name), ("'portal'", f"'{name}'"), ("…", PASSWORD)):
        assert written in statements
        statements = statements.replace(written, meant)
    return [each.strip() for each in statements.split(";") if each.strip()]
