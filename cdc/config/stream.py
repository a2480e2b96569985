"""All settings of one stream."""

from __future__ import annotations

import fnmatch
import glob
import hashlib
import itertools
import re
import shlex
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from cdc.config.notify import NotifyConfig
from cdc.config.publish import PublishConfig
from cdc.config.sections import (
    ApplyConfig,
    ChunksConfig,
    DeadLettersConfig,
    HttpConfig,
    JobsConfig,
    LeaseConfig,
    LogConfig,
)
from cdc.config.source import SourceConfig
from cdc.config.start import Start, StartPosition
from cdc.config.target import TargetConfig
from cdc.config.values import ReadableFile, Settings, text_of

MASK_KEY_BYTES = 16


class Config(Settings):
    """One stream: a source, a target, and the mappings between them."""

    name: str
    source: SourceConfig
    target: TargetConfig
    mappings: Annotated[tuple[str, ...], Field(min_length=1)] = ("mappings/*.yaml",)
    start: Start = "backfill"
    apply: ApplyConfig = ApplyConfig()
    lease: LeaseConfig = LeaseConfig()
    chunks: ChunksConfig = ChunksConfig()
    jobs: JobsConfig = JobsConfig()
    dead_letters: DeadLettersConfig = DeadLettersConfig()
    http: HttpConfig = HttpConfig()
    log: LogConfig = LogConfig()
    notify: NotifyConfig | None = None
    publish: PublishConfig | None = None
    mask_key: SecretStr | None = None
    mask_key_file: ReadableFile | None = None

    @model_validator(mode="before")
    @classmethod
    def _own_server_id(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("source"), dict):
            return data
        derived = {"server_id": default_server_id(str(data.get("name")))}
        return {**data, "source": derived | data["source"]}

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name):
            raise ValueError("write up to 63 letters, digits, `.`, `_` or `-`, first no sign")
        return name

    @field_validator("mappings")
    @classmethod
    def _globs(cls, patterns: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not info.context:
            return patterns
        directory = glob.escape(str(info.context["directory"]))
        absolute = tuple(str(Path(directory, pattern)) for pattern in patterns)
        for pattern, whole in zip(patterns, absolute, strict=True):
            if not _is_any_file(whole) and not info.context.get("mappings_optional"):
                raise _no_file(pattern, Path(whole), info.context["directory"])
        return absolute

    @field_validator("start")
    @classmethod
    def _on_one_host(cls, start: Start, info: ValidationInfo) -> Start:
        source = info.data.get("source")
        by_file = isinstance(start, StartPosition) and start.file is not None
        if by_file and source is not None and len(source.addresses) > 1:
            raise ValueError("a file is one server's: write one `source.host`, or {gtid: SET}")
        return start

    @field_validator("mask_key")
    @classmethod
    def _hard_to_guess(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            _require_long(key.get_secret_value())
        return key

    @field_validator("mask_key_file")
    @classmethod
    def _one_mask_key(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file and info.data.get("mask_key") is not None:
            raise ValueError("`mask_key` is written too: keep one of the two")
        if file:
            _require_long(text_of(file, "mask_key_file").removesuffix("\n"))
        return file

    @property
    def only_publishes(self) -> bool:
        """Whether no documents are written: changes go to Kafka alone."""
        return self.publish is not None and self.publish.only

    def read_mask_key(self) -> bytes:
        """Return the key of `mask: hash` in mappings; empty without one."""
        if self.mask_key_file:
            return text_of(self.mask_key_file, "mask_key_file").removesuffix("\n").encode()
        return self.mask_key.get_secret_value().encode() if self.mask_key else b""


def _require_long(key: str) -> None:
    if len(key.encode()) < MASK_KEY_BYTES:
        raise ValueError(
            f"is shorter than {MASK_KEY_BYTES} bytes: whoever guesses it can guess what was hashed"
        )


def default_server_id(name: str) -> int:
    """Return the server id of a stream's name, always the same, in the upper half of the range.

    People number their servers from 1; the upper half avoids those. Streams of different names on
    one source collide once in two thousand million.
    """
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) | 2**31


def _no_file(pattern: str, whole: Path, directory: Path) -> PydanticCustomError:
    """Return the error of a glob without a file; its context has the remedy."""
    parts = Path(pattern).parts[:-1]
    below = [*itertools.takewhile(lambda part: not glob.has_magic(part), parts)]
    folder = Path(directory, *below)
    output = shlex.quote(str(folder))
    remedy = f"have them written, for your SCHEMA: cdc mapping init 'SCHEMA.*' --output {output}"
    if not fnmatch.fnmatch(str(folder / "table.yaml"), str(whole).replace("**/", "")):
        remedy += f", and write mappings: [{Path(*below, '*.yaml')}]"
    what = {"what": f"`{pattern}` matches no file in {directory}", "remedy": remedy}
    return PydanticCustomError("no_mapping_file", "{what}", what)


def _is_any_file(pattern: str) -> bool:
    return any(Path(name).is_file() for name in glob.iglob(pattern, recursive=True))  # noqa: PTH207 - an absolute pattern
