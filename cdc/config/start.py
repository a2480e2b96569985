"""The start position of a stream without a checkpoint."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from cdc.config.values import Settings, Whole

LAST_OFFSET: Final = 2**63 - 1
"""The largest size of a file, and number in MongoDB."""


class StartPosition(Settings):
    """The start: a GTID set that counts as applied, or a binlog file and an offset in it."""

    gtid: str | None = None
    file: str | None = None
    offset: Annotated[Whole, Field(ge=4, le=LAST_OFFSET)] | None = None

    @field_validator("file")
    @classmethod
    def _numbered(cls, file: str | None) -> str | None:
        if file is not None and not re.fullmatch(r"[^/]+\.[0-9]{1,19}", file):
            raise ValueError("write a binlog file's name and number, as in binlog.000007")
        return file

    @model_validator(mode="after")
    def _one_kind(self) -> StartPosition:
        if (self.gtid is None) == (self.file is None) or (self.file is None) != (
            self.offset is None
        ):
            raise ValueError("write {gtid: SET}, or {file: NAME, offset: BYTES}")
        return self


StartWord = Literal["backfill", "earliest", "now"]
Start = Annotated[
    Annotated[StartWord, Tag("@word")] | Annotated[StartPosition, Tag("@position")],
    Discriminator(lambda value: "@word" if isinstance(value, str) else "@position"),
]
