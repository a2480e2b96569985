"""The demo's configuration and mappings, as files that `cdc` commands can be pointed at."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import yaml

from cdc.errors import Unfit
from cdc_sandbox.demo.schema import SCHEMA
from cdc_sandbox.servers import MongoServer, MySQLServer

STREAM = "demo"
CONFIG_NAME = "cdc.yaml"
MAPPINGS = ("users.yaml", "tweets.yaml")


def write_configuration(
    folder: Path,
    source: MySQLServer,
    target: MongoServer,
    *,
    more_mappings: Sequence[Path] = (),
    listen: str = "127.0.0.1:9108",
) -> Path:
    """Write the configuration and the shipped mappings to a folder; the configuration's path."""
    (folder / "mappings").mkdir()
    for path in (*(shipped_mappings() / name for name in MAPPINGS), *more_mappings):
        shutil.copyfile(path, folder / "mappings" / path.name)
    config = folder / CONFIG_NAME
    config.touch(mode=0o600)
    config.write_text(yaml.safe_dump(_settings(source, target, listen), sort_keys=False))
    return config


def _settings(source: MySQLServer, target: MongoServer, listen: str) -> dict[str, object]:
    return {
        "name": STREAM,
        "source": {
            "host": source.host,
            "port": source.port,
            "user": source.user,
            "password": source.password,
            "tls": "off",
        },
        "target": {"uri": target.uri, "database": SCHEMA},
        "mappings": ["mappings/*.yaml"],
        "start": "earliest",
        "http": {"listen": listen},
        "log": {"format": "json"},
    }


def shipped_mappings() -> Path:
    """Return where they are: in a checkout this is a link to `config/mappings`."""
    folder = Path(str(files("cdc_sandbox.demo"))) / "mappings"
    if all((folder / name).is_file() for name in MAPPINGS):
        return folder
    raise Unfit(
        "the mappings of the demo are missing from this installation",
        remedy="install the sandbox from its wheel or from a complete checkout",
    )
