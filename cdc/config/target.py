"""The target: its address, and the names of its databases."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo, field_validator

from cdc.config.values import Settings


def _database_name(name: str) -> str:
    if not name or len(name.encode()) > 63 or re.search(r'[\x00/\\. "$*<>:|?]', name):
        raise ValueError(f"`{name}` cannot name a MongoDB database")
    if name in {"admin", "local", "config"}:
        raise ValueError(f"`{name}` is MongoDB's own database")
    return name


class TargetConfig(Settings):
    """The MongoDB deployment to write to."""

    uri: SecretStr
    database: Annotated[str, AfterValidator(_database_name)]
    state_database: Annotated[str, AfterValidator(_database_name)] = "cdc"

    @field_validator("uri")
    @classmethod
    def _mongodb_uri(cls, uri: SecretStr) -> SecretStr:
        parts = urlsplit(uri.get_secret_value())
        if parts.scheme not in {"mongodb", "mongodb+srv"} or not parts.netloc:
            raise ValueError("must begin with mongodb:// or mongodb+srv:// and name a host")
        options = {name.lower(): value for name, value in parse_qsl(parts.query)}
        if options.get("w", "majority") != "majority":
            raise ValueError("`w` in it contradicts cdc, which always writes with w=majority")
        if options.get("readpreference", "primary") != "primary":
            raise ValueError("`readPreference` in it contradicts cdc, which reads at the primary")
        return uri

    @field_validator("state_database")
    @classmethod
    def _apart(cls, name: str, info: ValidationInfo) -> str:
        if name == info.data.get("database"):
            raise ValueError("must not be `database`: a mapping could write over the state")
        return name
