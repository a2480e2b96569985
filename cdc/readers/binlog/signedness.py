"""Reads which columns are unsigned: a bit each, except YEAR, which older MySQL skips."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from cdc.errors import RefusedEvent
from cdc.model.table_map import NUMERIC, FieldType
from cdc.readers.binlog import column_metadata as metadata

_WITH_YEAR: Final = NUMERIC | {FieldType.YEAR}
_YEAR_HAS_NONE: Final = (8, 0, 20)
"""The last MySQL version that is known to skip YEAR (`is_numeric_type` in `sql/log_event.cc`)."""
_YEAR_HAS_ONE: Final = (8, 0, 29)
"""The first version known to write a bit for it (`has_signedess_information_type`); always 1."""


def years_have_bits(server_version: str) -> bool | None:
    """Return whether this MySQL writes a bit for YEAR; None if that is not known of its version."""
    version = tuple(map(int, re.findall(r"\d+", server_version)[:3]))
    if version >= _YEAR_HAS_ONE:
        return True
    return False if version <= _YEAR_HAS_NONE else None


def unsigned(
    bitmap: bytes, types: Sequence[FieldType], *, years: bool | None, table: str
) -> list[bool]:
    """Return whether each column is unsigned; StopIteration if there are too few bits.

    `years`: whether YEAR has a bit. Raises RefusedEvent if that is not known and matters.
    """
    if FieldType.YEAR not in types:
        return _read(bitmap, types, _WITH_YEAR)
    if years is not None:
        return _read(bitmap, types, _WITH_YEAR if years else NUMERIC)
    without = _read(bitmap, types, NUMERIC)
    try:
        found = _read(bitmap, types, _WITH_YEAR)
    except StopIteration:
        return without
    told = [flag for flag, kind in zip(found, types, strict=True) if kind is FieldType.YEAR]
    if not all(told) or found == without:
        return without
    raise RefusedEvent(
        "the binlog of this version of MySQL does not tell for certain which columns behind a"
        " YEAR are unsigned",
        table=table,
        remedy="upgrade the source to MySQL 8.0.29 or later, or move the table's YEAR columns to"
        " its end by ALTER TABLE; then step over this transaction: cdc position skip",
    )


def _read(bitmap: bytes, types: Sequence[FieldType], numeric: Collection[FieldType]) -> list[bool]:
    bits = metadata.bits(bitmap)
    found = []
    for kind in types:
        flag = next(bits) if kind in numeric else False
        found.append(flag or (kind is FieldType.YEAR and numeric is NUMERIC))
    return found
