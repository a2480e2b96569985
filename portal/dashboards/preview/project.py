"""Reads of cdc.yaml what a preview needs, which is none of its secrets.

Rows are read by the portal's own account, and hashes are made with a key of the moment: a draft
could otherwise find out what a hash stands for.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr, ValidationError

from cdc.config import Config
from cdc.config.variables import VariableMistake, expand_all
from cdc.config.yaml12 import Path as KeyPath
from cdc.config.yaml12 import YamlMistake, read
from portal.dashboards.preview.drawn import Account

_OF_SOURCE: Final = ("time_zone", "ignore_statements_on")
_OF_MASKS: Final = ("mask_key", "mask_key_file")
_TARGET: Final = {"uri": "mongodb://never.asked", "database": "never_written"}


class NotReadable(Exception):
    """The configuration cannot be used; the message says why."""


def project_config(path: Path, stream: str, account: Account) -> Config:
    """Read the configuration of a stream at `path`, with the account in place of its source's."""
    data = _read(path)
    source = data.get("source")
    kept: dict[str, Any] = {name: data[name] for name in ("name", "mappings") if name in data}
    kept["source"] = _source(source if isinstance(source, dict) else {}, account)
    kept["target"] = _TARGET
    try:
        config = Config.model_validate(
            _expanded(kept, path) | _mask_key(data),
            context={"directory": path.resolve().parent},
        )
    except ValidationError as error:
        raise NotReadable(f"{path}: {_told(error)}") from error
    if config.name != stream:
        raise NotReadable(
            f"{path} is of the stream {config.name}, not of {stream}:"
            " set PORTAL_CDC_CONFIG or PORTAL_CDC_NAME"
        )
    password = SecretStr(account.password)
    own = config.source.model_copy(update={"user": account.user, "password": password})
    return config.model_copy(update={"source": own})


def _read(path: Path) -> dict[str, Any]:
    try:
        data = read(path).data
    except OSError as error:
        raise NotReadable(f"{path} cannot be read: {error.strerror or error}") from error
    except YamlMistake as error:
        raise NotReadable(f"{path}:{error.line}: {error}") from error
    if not isinstance(data, dict):
        raise NotReadable(f"{path} holds no keys")
    return data


def _source(written: dict[str, Any], account: Account) -> dict[str, Any]:
    return {
        **{name: written[name] for name in _OF_SOURCE if name in written},
        "host": account.host,
        "port": account.port,
        "user": "of the portal",
        "tls": {"mode": "verify", "ca": account.ca} if account.ca else {"mode": "off"},
    }


def _mask_key(data: dict[str, Any]) -> dict[str, str]:
    has_key = any(data.get(name) for name in _OF_MASKS)
    return {"mask_key": secrets.token_hex()} if has_key else {}


def _expanded(kept: dict[str, Any], path: Path) -> dict[str, Any]:
    def refuse(key: KeyPath, mistake: VariableMistake) -> None:
        raise NotReadable(f"{path}: `{'.'.join(map(str, key))}`: {mistake.what}")

    found: dict[str, Any] = expand_all(kept, os.environ, refuse)
    return found


def _told(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"`{'.'.join(map(str, each['loc']))}`: {each['msg']}" for each in found)
