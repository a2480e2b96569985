from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portal.dashboards.timeline.entries import (
    Byline,
    Progress,
    document_entry,
    own_entry,
)
from portal.dashboards.timeline.page_cursor import key, number
from portal.tweets.models import Tweet

WRITTEN = datetime(2026, 11, 26, 12, 3, 4, 600_000, tzinfo=UTC)
ANA = Byline("Ana", "ana")


def document(text: str = "as MongoDB has it", **more: Any) -> dict[str, Any]:
    return {"_id": 7, "text": text, "created_at": WRITTEN, "updated_at": WRITTEN, **more}


def tweet(updated_at: datetime) -> Tweet:
    return Tweet(id=7, text="as MySQL has it", created_at=WRITTEN, updated_at=updated_at)


def test_a_tweet_without_a_document_is_on_its_way() -> None:
    entry = own_entry(tweet(WRITTEN), ANA, None)

    assert (entry.progress, entry.text) == (Progress.ON_ITS_WAY, "as MySQL has it")
    assert entry.waiting


def test_what_is_newer_in_mysql_is_a_change_on_its_way() -> None:
    entry = own_entry(tweet(WRITTEN + timedelta(milliseconds=1)), ANA, document())

    assert (entry.progress, entry.text) == (Progress.CHANGE_ON_ITS_WAY, "as MySQL has it")


@pytest.mark.parametrize("microseconds", [0, 1, 999])
def test_what_a_bson_date_cannot_hold_is_no_difference(microseconds: int) -> None:
    entry = own_entry(tweet(WRITTEN + timedelta(microseconds=microseconds)), ANA, document())

    assert (entry.progress, entry.text) == (Progress.REPLICATED, "as MongoDB has it")
    assert not entry.waiting


def test_a_document_shows_the_names_that_it_has_and_mysql_those_of_the_reader() -> None:
    there = document(author={"screen_name": "ana", "name": "Ana María"})

    assert own_entry(tweet(WRITTEN), ANA, there).byline == Byline("Ana María", "ana")
    assert own_entry(tweet(WRITTEN + timedelta(seconds=1)), ANA, there).byline == ANA


@pytest.mark.parametrize("author", [None, "ana", [{"name": "Ana"}], {}, {"name": 5}])
def test_an_author_who_is_not_there_has_no_names(author: object) -> None:
    assert document_entry(document(author=author)).byline == Byline()


def test_the_delay_counts_from_the_last_change() -> None:
    changed = WRITTEN + timedelta(hours=1)
    replicated = changed + timedelta(seconds=0.4)

    entry = document_entry(document(updated_at=changed, replicated_at=replicated))

    assert entry.changed
    assert entry.delay_seconds == 0.4


@pytest.mark.parametrize("stamp", [{}, {"replicated_at": WRITTEN - timedelta(seconds=1)}])
def test_no_delay_is_told_without_a_stamp_or_with_clocks_that_disagree(
    stamp: dict[str, Any],
) -> None:
    assert document_entry(document(**stamp)).delay_seconds is None


def test_only_web_addresses_are_links() -> None:
    text = "see http://a.example/x?y=1, javascript:alert(1) ftp://b.example https://c.example."

    pieces = list(document_entry(document(text)).pieces)

    assert "".join(piece.text for piece in pieces) == text
    links = [piece.address for piece in pieces if piece.address]
    assert links == ["http://a.example/x?y=1", "https://c.example"]


@pytest.mark.parametrize("id_", [1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_ids_are_found_under_the_keys_that_replication_writes(id_: int) -> None:
    assert number(key(id_)) == id_
    assert isinstance(key(id_), int) == (id_ < 1 << 63)


def test_a_tweet_of_the_dataset_was_saved_nobody_knows_when() -> None:
    """Its dates are Twitter's, to the second: it was loaded later."""
    twitter = WRITTEN.replace(microsecond=0)
    arrived = WRITTEN + timedelta(days=900)
    loaded = document(created_at=twitter, updated_at=twitter, replicated_at=arrived)

    assert document_entry(loaded).delay_seconds is None


@pytest.mark.parametrize("updated_at", [WRITTEN, (WRITTEN + timedelta(2)).replace(microsecond=0)])
def test_how_long_replication_took_is_told_of_what_was_written_here(updated_at: datetime) -> None:
    there = document(replicated_at=updated_at + timedelta(milliseconds=12))

    assert document_entry(there | {"updated_at": updated_at}).delay_seconds == 0.012
