"""Runs `cdc mapping` on a folder of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner, Result

from cdc.commands.mapping import mapping
from cdc_sandbox.servers import MySQLServer


@dataclass
class MappingCommands:
    """A configuration for `server` in `folder`, whose mappings are in `folder/mappings`."""

    folder: Path
    server: MySQLServer
    source: dict[str, object] = field(default_factory=dict)
    """What `source` holds beside how to reach it."""

    @property
    def config(self) -> Path:
        path = self.folder / "cdc.yaml"
        keys = {
            "name": "commands",
            "source": {
                "host": self.server.host,
                "port": self.server.port,
                "user": self.server.user,
                "password": self.server.password,
                "server_id": 77,
                "tls": "off",
                **self.source,
            },
            "target": {"uri": "mongodb://127.0.0.1:1/", "database": "shop"},
            "start": "now",
        }
        path.write_text(json.dumps(keys))
        return path

    @property
    def mappings(self) -> Path:
        path = self.folder / "mappings"
        path.mkdir(exist_ok=True)
        return path

    def write(self, name: str, **keys: object) -> Path:
        path = self.mappings / f"{name}.yaml"
        path.write_text(json.dumps(keys))
        return path

    def run(self, command: str, *arguments: str) -> Result:
        """Run a command; one that fails has its error in `exception`."""
        return CliRunner().invoke(mapping, [command, *arguments, "--config", str(self.config)])
