"""DATETIME columns that hold the clock of a time zone, as BSON dates, which are moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from struct import Struct
from typing import ClassVar, Final

from cdc.config.time_zone import UTC_NAME, zone_of
from cdc.mapping import bson_bytes
from cdc.mapping.types.encoder import Encoder
from cdc.mapping.types.registry import DATETIMES
from cdc.model.table_map import Column

_EPOCH: Final = datetime(1970, 1, 1)
_MILLISECOND: Final = timedelta(milliseconds=1)
_UNPACK: Final = Struct("<q").unpack


def in_zone(column: Column, found: Encoder, zone: str) -> Encoder:
    """Return the encoder with the zone of DATETIME columns, unless it makes the text of one."""
    is_moment = column.type in DATETIMES and found.bson_type == bson_bytes.DATE
    return InZone(found.wire, found, zone_of(zone)) if is_moment and zone != UTC_NAME else found


@dataclass(frozen=True, slots=True)
class InZone(Encoder):
    """A DATETIME as the moment at which the zone's clock showed it.

    When clocks are set back they show an hour twice: it is taken as the first one. When they are
    set forward they leave an hour out: what they never showed counts on from the time before. So
    two values may become one moment.
    """

    as_utc: Encoder
    """Makes the date that it would be in UTC."""
    zone: tzinfo

    bson_type: ClassVar[bytes] = bson_bytes.DATE

    def convert(self, raw: bytes) -> tuple[bytes, bytes]:
        """Return a date, or null for a zero or partial date."""
        kind, value = self.as_utc.convert(raw)
        if kind != bson_bytes.DATE:
            return kind, value
        (milliseconds,) = _UNPACK(value)
        return kind, bson_bytes.pack_int64(milliseconds - self._offset(milliseconds))

    def _offset(self, clock: int) -> int:
        """Return how far the zone is ahead of UTC when its clock shows a time, in milliseconds."""
        try:
            shown = _EPOCH + timedelta(milliseconds=clock)
        except OverflowError:  # the year 0, which Python's calendar has not
            shown = datetime.min
        offset = shown.replace(tzinfo=self.zone).utcoffset()
        assert offset is not None  # of a zone
        return offset // _MILLISECOND
