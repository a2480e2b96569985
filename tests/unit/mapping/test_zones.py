"""DATETIME columns that hold the clock of a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.config.time_zone import zone_of
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.problems import MappingError
from cdc.model.table_map import Column, FieldType
from tests.support.examples import examples
from tests.unit.mapping.support.row_images import COMMITTED_AT, event, in_python, row, table

BERLIN = "Europe/Berlin"
ZONES = (BERLIN, "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "+05:30", "-03:00")
COLUMNS = table(
    Column("at", FieldType.DATETIME2, scale=3),
    Column("seen", FieldType.TIMESTAMP2, scale=0),
)
SEEN = (1_700_000_000).to_bytes(4, "big")


def wire(at: datetime) -> bytes:
    """A DATETIME(3) as a row image holds it."""
    day = (at.year * 13 + at.month) << 5 | at.day
    packed = 1 << 39 | day << 17 | at.hour << 12 | at.minute << 6 | at.second
    return packed.to_bytes(5, "big") + (at.microsecond // 100).to_bytes(2, "big")


def mapping(zone: str = BERLIN, **keys: Any) -> Mapping:
    return Mapping(source=COLUMNS.name, target="things", **keys).bind(time_zone=zone)


def mapped(at: datetime, zone: str = BERLIN, **keys: Any) -> dict[str, Any]:
    """The document of a row, which the native module and Python make alike."""
    plan = compile_plan(mapping(zone, **keys), COLUMNS)
    inserted = event(COLUMNS, row(1, wire(at), SEEN))
    [found] = plan.operations(inserted, COMMITTED_AT)
    assert plan.operations(inserted, COMMITTED_AT) == in_python(plan).operations(
        inserted, COMMITTED_AT
    )
    return bson.decode(found.document)


@pytest.mark.parametrize(
    ("zone", "clock", "moment"),
    [
        (BERLIN, (2024, 1, 15, 12, 0), (2024, 1, 15, 11, 0)),
        (BERLIN, (2024, 7, 15, 12, 0), (2024, 7, 15, 10, 0)),
        ("Asia/Kathmandu", (2024, 7, 15, 12, 0), (2024, 7, 15, 6, 15)),
        ("+05:30", (2024, 7, 15, 12, 0), (2024, 7, 15, 6, 30)),
        ("-03:00", (2024, 12, 31, 23, 0), (2025, 1, 1, 2, 0)),
    ],
)
def test_a_datetime_is_the_moment_at_which_the_clock_showed_it(
    zone: str, clock: tuple[int, ...], moment: tuple[int, ...]
) -> None:
    found = mapped(datetime(*clock), zone)  # type: ignore[arg-type]

    assert found["at"] == datetime(*moment)  # type: ignore[arg-type]
    assert found["seen"] == datetime(2023, 11, 14, 22, 13, 20)


def test_an_hour_that_the_clock_showed_twice_is_the_first() -> None:
    found = mapped(datetime(2024, 10, 27, 2, 30))

    assert found["at"] == datetime(2024, 10, 27, 0, 30)


def test_an_hour_that_the_clock_left_out_counts_on() -> None:
    found = mapped(datetime(2024, 3, 31, 2, 30))

    assert found["at"] == datetime(2024, 3, 31, 1, 30)


def test_half_an_hour_that_a_clock_left_out_counts_on() -> None:
    before = mapped(datetime(2024, 10, 6, 2, 15), "Australia/Lord_Howe")
    behind = mapped(datetime(2024, 10, 6, 2, 45), "Australia/Lord_Howe")

    assert before["at"] == behind["at"] == datetime(2024, 10, 5, 15, 45)


CLOCKS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))


@given(CLOCKS, st.sampled_from(ZONES))
@examples(200)
def test_every_clock_in_every_zone(clock: datetime, zone: str) -> None:
    clock = clock.replace(microsecond=clock.microsecond // 1000 * 1000)
    offset = clock.replace(tzinfo=zone_of(zone)).utcoffset()
    assert offset is not None

    raw = bson.encode({"at": clock - offset})
    assert mapped(clock, zone)["at"] == bson.decode(raw)["at"]


def test_text_and_zero_dates_stay_as_they_are() -> None:
    clock = datetime(2024, 7, 15, 12, 0)

    text = mapped(clock, fields={"at": {"column": "at", "type": "string"}})
    zero = bytes([0x80, 0, 0, 0, 0, 0, 0])
    plan = compile_plan(mapping(), COLUMNS)
    [found] = plan.operations(event(COLUMNS, row(1, zero, SEEN)), COMMITTED_AT)

    assert text["at"] == "2024-07-15 12:00:00.000"
    assert bson.decode(found.document)["at"] is None
    assert plan.losses == {("at", "zero_date"): 1}


def test_utc_is_what_it_was() -> None:
    clock = datetime(2024, 7, 15, 12, 0)

    assert mapped(clock, "UTC")["at"] == clock
    assert mapping("UTC").fingerprint == Mapping(source=COLUMNS.name, target="things").fingerprint
    assert mapping().fingerprint != mapping("UTC").fingerprint


KEYED = table(Column("at", FieldType.DATETIME2, scale=0, nullable=False))


def test_no_id_is_made_of_one_for_two_clocks_may_be_one_moment() -> None:
    with pytest.raises(MappingError, match="at"):
        compile_plan(mapping(id=["id", "at"]), KEYED)

    compile_plan(mapping("UTC", id=["id", "at"]), KEYED)
    compile_plan(mapping(id=["id", {"column": "at", "type": "string"}]), KEYED)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("at < seen", "not compared with a TIMESTAMP"),
        ("UNIX_TIMESTAMP(at)", "would take a DATETIME in Europe/Berlin as UTC"),
        ("COALESCE(at, TIMESTAMP '2024-01-01 00:00:00')", "map the column itself"),
    ],
)
def test_an_expression_that_would_take_it_as_utc_is_refused(sql: str, why: str) -> None:
    computed = {"found": {"sql": sql}}

    with pytest.raises(MappingError, match=why):
        compile_plan(mapping(fields=computed), COLUMNS)

    compile_plan(mapping("UTC", fields=computed), COLUMNS)


@pytest.mark.parametrize("sql", ["YEAR(at)", "DATE_FORMAT(at, '%H:%i')", "UNIX_TIMESTAMP(seen)"])
def test_what_reads_the_clock_or_a_moment_alone_is_not(sql: str) -> None:
    compile_plan(mapping(fields={"found": {"sql": sql}}), COLUMNS)


def test_zones_are_known_by_name_and_offset() -> None:
    assert zone_of(BERLIN) == ZoneInfo(BERLIN)
    assert zone_of("UTC") is UTC
    assert zone_of("-09:30").utcoffset(None) == timedelta(hours=-9, minutes=-30)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Berlin",
        "SYSTEM",
        "+2:00",
        "+25:00",
        "+0٢:00",
        "../etc",
        "Europe",
        "localtime",
        "posixrules",
        "Factory",
        "right/Europe/Berlin",
        "posix/Europe/Berlin",
    ],
)
def test_what_is_no_zone_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ValueError, match="Europe/Berlin"):
        zone_of(name)


def test_a_zone_in_other_letters_is_told() -> None:
    with pytest.raises(ValueError, match="Europe/Berlin"):
        zone_of("europe/berlin")
