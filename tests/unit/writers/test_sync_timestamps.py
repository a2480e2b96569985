from __future__ import annotations

from datetime import UTC, datetime

import bson

from cdc.mapping.file.mapping import Mapping
from cdc.writers.sync_timestamps import SyncTimestamps, stamped

OPTIONS = bson.CodecOptions[dict[str, object]](tz_aware=True)
WRITTEN = datetime(2024, 5, 6, 7, 8, 9, 871_000, tzinfo=UTC)


def stamps(**fields: str) -> SyncTimestamps:
    return SyncTimestamps(fields, clock=lambda: WRITTEN.timestamp() + 0.0004)


def test_a_stamp_is_the_last_field_and_a_date_in_milliseconds() -> None:
    document = bson.encode({"_id": 7, "name": "é"})

    found = bson.decode(stamped(document, stamps(people="written").element("people")), OPTIONS)

    assert list(found.items()) == [("_id", 7), ("name", "é"), ("written", WRITTEN)]


def test_a_collection_without_a_stamp_gets_none() -> None:
    found = stamps(people="written")

    assert (found.element("others"), found.hidden("others")) == (b"", None)


def test_the_field_is_the_one_that_the_mapping_names() -> None:
    one = Mapping.model_validate({"source": "a.people", "target": "people", "stamp": "written"})
    other = Mapping.model_validate({"source": "a.others", "target": "others"})

    assert SyncTimestamps.of((one, other)).fields == {"people": "written"}
