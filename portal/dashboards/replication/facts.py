"""The shape of the daemon's facts, as far as the pages rely on it: another one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_MOST: Final = 10**15
"""Thirty million years in seconds, a petabyte: what is beyond it cannot be shown."""

Amount = Annotated[int, Field(ge=-_MOST, le=_MOST)] | Annotated[float, Field(ge=-_MOST, le=_MOST)]


class _Facts(BaseModel):
    """Facts that may stand among others; those with a default may be missing."""

    model_config = ConfigDict(strict=True)


class Trouble(_Facts):
    """A side that is retried."""

    seconds: Amount
    error: str


class Troubles(_Facts):
    """The trouble with each side; None if there is none."""

    source: Trouble | None
    target: Trouble | None
    kafka: Trouble | None = None


class Process(_Facts):
    """The daemon's process."""

    trouble: Troubles
    role_seconds: Amount = 0
    reconnects: dict[str, Amount] = {}
    waiting: dict[str, Amount] = {}
    applied: dict[str, Amount] = {}
    per_second: dict[str, Amount] = {}


class Active(_Facts):
    """The process that replicates."""

    host: str
    pid: int


class Side(_Facts):
    """MySQL or MongoDB."""

    error: str | None


class Copied(_Facts):
    """A table of a first copy."""

    rows: Amount


class Copying(_Facts):
    """A first copy."""

    tables: list[Copied] = []


class Status(_Facts):
    """The daemon's `/status`."""

    state: str
    lag_seconds: Amount | None
    transactions_behind: Amount | None
    active: Active | None
    source: Side
    target: Side
    bytes_behind: Amount | None = None
    binlog_headroom_bytes: Amount | None = None
    copying: Copying | None = None
    process: Process | None = None


def lacking(expected: type[Status | Process], facts: Mapping[str, Any]) -> list[str]:
    """Return the names of the facts that are missing, or of another kind than is expected."""
    try:
        expected.model_validate(facts)
    except ValidationError as error:
        return sorted({str(each["loc"][0]) for each in error.errors(include_url=False)})
    return []
