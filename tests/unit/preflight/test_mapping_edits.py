from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cdc.mapping.file.mapping import Mapping
from cdc.model.job import Job, JobKind, JobState, Options, Progress
from cdc.preflight import Outcome, edit_findings
from cdc.preflight.mapping_edits import edited, unresolved
from cdc.writers.accepted_mappings import entries

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 2, 1, tzinfo=UTC)


def mapping(source: str = "shop.orders", target: str = "orders", **keys: object) -> Mapping:
    return Mapping.model_validate({"source": source, "target": target, **keys})


def state(*mappings: Mapping, covered: tuple[str, ...] = ("shop.orders orders",)) -> dict[str, Any]:
    return {"mappings": entries(mappings, FIRST), "covered": list(covered)}


def resync(table: str = "shop.orders", **options: Any) -> Job:
    return Job.request("s", JobKind.RESYNC, table, by="test", options=Options(**options))


EDITED = mapping(exclude=["note"])


def test_an_edited_mapping_is_named_with_when_the_one_before_was_accepted() -> None:
    [found] = edited(state(mapping()), [EDITED])

    assert found.tables == ("shop.orders",)
    assert "shop.orders → orders" in str(found)
    assert "2026-01-01" in str(found)
    assert "cdc resync shop.orders" in found.remedy


def test_a_mapping_as_it_was_is_no_edit_and_keeps_its_time() -> None:
    before = state(mapping())

    assert not edited(before, [mapping()])
    assert entries([mapping()], LATER, before) == before["mappings"]
    assert entries([EDITED], LATER, before)[0]["since"] == LATER


def test_a_mapping_of_tables_that_were_never_copied_is_no_edit() -> None:
    assert not edited(state(mapping(), covered=()), [EDITED])


def test_a_policy_and_a_wider_glob_are_no_edits() -> None:
    before = state(mapping("shop_1.orders"), covered=("shop_1.orders orders",))

    assert not edited(before, [mapping("shop_1.orders", on_truncate="ignore")])
    assert not edited(before, [mapping("shop_*.orders")])


def test_an_edit_behind_a_wider_glob_is_seen() -> None:
    before = state(mapping("shop_1.orders"), covered=("shop_1.orders orders",))

    [found] = edited(before, [mapping("shop_*.orders", exclude=["note"])])

    assert found.tables == ("shop_1.orders",)


def test_a_renamed_target_and_an_added_mapping_are_copies_of_their_own() -> None:
    assert not edited(state(mapping()), [mapping(target="renamed"), mapping("shop.items", "items")])


def test_a_resync_of_every_table_that_has_not_begun_mends_an_edit() -> None:
    before = state(mapping("s*.orders"), covered=("s1.orders orders", "s2.orders orders"))
    wanted = [mapping("s*.orders", exclude=["note"])]
    one, other = resync("s1.orders"), resync("s2.orders", target="orders")

    assert not unresolved(before, wanted, [one, other])
    assert unresolved(before, wanted, [one])
    assert unresolved(before, wanted, [one, resync("s2.orders", target="elsewhere")])
    assert unresolved(before, wanted, [one, replace(other, state=JobState.CANCELLED)])
    assert unresolved(before, wanted, [one, replace(other, progress=Progress())])


def test_a_state_from_before_mappings_were_listed_says_nothing() -> None:
    assert not edited({"mappings": {"orders": "abc"}, "covered": ["shop.orders orders"]}, [EDITED])


TWEETS = mapping("app.tweets", "tweets", embed={"author": {"one": "users", "on": "user_id"}})
SEEN, HIDDEN = (mapping("app.users", "users", hidden=each) for each in (False, True))
COPIED = ("app.users users", "app.tweets tweets")


def test_a_collection_that_is_hidden_later_needs_a_resync_also_of_what_embeds_it() -> None:
    [found] = edited(state(SEEN, TWEETS, covered=COPIED), [HIDDEN, TWEETS])

    assert found.has_moved
    assert "app.users → users is hidden now" in str(found)
    assert found.remedy.endswith("cdc resync app.users app.tweets")


def test_one_that_is_no_longer_hidden_does_too() -> None:
    [found] = edited(state(HIDDEN, TWEETS, covered=COPIED), [SEEN, TWEETS])

    assert found.has_moved
    assert "app.users → users is no longer hidden" in str(found)


def test_a_hidden_collection_as_it_was_is_no_edit() -> None:
    assert not edited(state(HIDDEN, TWEETS, covered=COPIED), [HIDDEN, TWEETS])


def test_another_edit_of_a_hidden_collection_moves_nothing() -> None:
    wanted = mapping("app.users", "users", hidden=True, exclude=["note"])

    [found] = edited(state(HIDDEN, TWEETS, covered=COPIED), [wanted, TWEETS])

    assert not found.has_moved


def test_it_is_mended_once_all_of_them_are_to_be_resynced() -> None:
    before, wanted = state(SEEN, TWEETS, covered=COPIED), [HIDDEN, TWEETS]
    users, tweets = resync("app.users"), resync("app.tweets", target="tweets")

    assert not unresolved(before, wanted, [users, tweets])
    assert unresolved(before, wanted, [users])
    assert unresolved(before, wanted, [users, resync("app.tweets", target="elsewhere")])


@pytest.mark.parametrize(
    ("wanted", "outcome"),
    [(HIDDEN, Outcome.WRONG), (mapping("app.users", "users", nulls="omit"), Outcome.WARNING)],
)
def test_there_is_nothing_to_keep_of_what_has_moved(wanted: Mapping, outcome: Outcome) -> None:
    edits = edited(state(SEEN, TWEETS, covered=COPIED), [wanted, TWEETS])

    assert [each.outcome for each in edit_findings(edits, accept=True)] == [outcome]


def test_documents_that_no_id_leads_back_from_are_copied_again() -> None:
    named: dict[str, Any] = {"id": {"sql": "CONCAT('n', id)", "unique": "asserted"}}
    before, after = mapping(**named), mapping(**named, exclude=["note"])
    copy = Job.request("s", JobKind.BACKFILL, "shop.orders", by="test")
    of_one = replace(copy, options=Options(target="orders"))
    part = replace(copy, options=Options(where="id > 5"))

    [found] = edited(state(before), [after])

    assert "cdc backfill shop.orders" in found.remedy
    assert "cdc resync" not in found.remedy
    assert not unresolved(state(before), [after], [copy])
    assert not unresolved(state(before), [after], [of_one])
    assert unresolved(state(before), [after], [part])
    assert unresolved(state(mapping()), [EDITED], [copy])
