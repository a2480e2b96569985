"""The demo's configuration and mappings, as files that `cdc` commands can be pointed at."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import yaml

import cdc
from cdc.demo.schema import SCHEMA
from cdc.errors import Unfit
from cdc.servers import MongoServer, MySQLServer

CONFIG_NAME = "cdc.yaml"
MAPPINGS = ("users.yaml", "tweets.yaml")


def write_configuration(folder: Path, source: MySQLServer, target: MongoServer) -> Path:
    """Write the configuration and the shipped mappings to a folder; the configuration's path."""
    (folder / "mappings").mkdir()
    for name in MAPPINGS:
        shutil.copyfile(_shipped_mappings() / name, folder / "mappings" / name)
    config = folder / CONFIG_NAME
    config.touch(mode=0o600)
    config.write_text(yaml.safe_dump(_settings(source, target), sort_keys=False))
    return config


def _settings(source: MySQLServer, target: MongoServer) -> dict[str, object]:
    return {
        "name": "demo",
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
        "log": {"format": "json"},
    }


def _shipped_mappings() -> Path:
    """Return where they are: in the package when it was installed, else in the checkout."""
    packaged = Path(str(files("cdc.demo"))) / "mappings"
    checkout = Path(cdc.__file__).parents[1] / "config" / "mappings"
    for folder in (packaged, checkout):
        if all((folder / name).is_file() for name in MAPPINGS):
            return folder
    raise Unfit(
        "the mappings of the demo are missing from this installation",
        remedy="install cdc from its wheel or from a complete checkout",
    )
