from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cdc_sandbox.servers import MySQLServer

Found = dict[str, tuple[str, str, str]]
"""Outcome, what and remedy, by check."""
_STATEMENT = re.compile(r"\b(?:SET (?:GLOBAL|PERSIST)|GRANT|ALTER TABLE) .*", re.DOTALL)


@dataclass
class Setup:
    """A configuration with one mapping a table, and `cdc check` on it."""

    folder: Path
    source: dict[str, object]
    target: dict[str, object]
    apply: dict[str, object] = field(default_factory=dict)
    start: object = "now"

    def follow(self, table: str, **keys: object) -> None:
        mapping = {"source": table, "target": table.partition(".")[2], **keys}
        (self.folder / "mappings" / f"{table}.yaml").write_text(json.dumps(mapping))

    @property
    def path(self) -> Path:
        path = self.folder / "cdc.yaml"
        keys = {
            "name": "checked",
            "source": self.source,
            "target": self.target,
            "apply": self.apply,
            "start": self.start,
        }
        path.write_text(json.dumps(keys))
        return path


Check = Callable[[], tuple[int, Found]]


@contextmanager
def global_setting(server: MySQLServer, name: str, value: str) -> Iterator[None]:
    [(before,)] = server.execute(f"SELECT @@GLOBAL.{name}")
    server.execute(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        server.execute(f"SET GLOBAL {name} = %s", (before,))


@contextmanager
def account(server: MySQLServer, name: str) -> Iterator[str]:
    """An account without privileges, whose password is its name."""
    server.execute(f"DROP USER IF EXISTS {name}")
    server.execute(f"CREATE USER {name} IDENTIFIED BY '{name}'")
    try:
        yield name
    finally:
        server.execute(f"DROP USER {name}")


def run_remedy(server: MySQLServer, remedy: str) -> None:
    """Do what a remedy says to run, word for word and in its order."""
    found = [_STATEMENT.search(clause) for clause in remedy.split(";")]
    statements = [each[0].strip() for each in found if each]
    assert statements, remedy
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
