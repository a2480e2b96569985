from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cdc.actions import Clear
from cdc.changes import ANY_TABLE, Effect, SchemaChange, TableChange, Transaction
from cdc.checkpoint import Checkpoint
from cdc.errors import RefusedEvent, Unfit
from cdc.following import Followed
from cdc.mapping.model import Mapping
from cdc.position import GtidPosition, MariadbGtids
from cdc.reactions import Reaction, Reactions

BEFORE = GtidPosition(MariadbGtids.parse("0-1-5"))
AFTER = GtidPosition(MariadbGtids.parse("0-1-6"))
STATEMENT = Transaction("0-1-6", BEFORE, Checkpoint(AFTER), 1_700_000_000.0)


def mapping(source: str = "shop.orders", target: str = "orders", **keys: Any) -> Mapping:
    return Mapping.model_validate({"source": source, "target": target, **keys})


def reaction(
    effect: Effect,
    *mappings: Mapping,
    table: tuple[str, str] = ("shop", "orders"),
    logs_cascades: bool = False,
    unfit: str = "",
) -> Reaction:
    def judge(schema: str, table: str) -> None:
        if unfit:
            raise Unfit(unfit)

    reactions = Reactions(
        "stream",
        Followed(mappings).concerned,
        judge=judge,
        logs_cascades=lambda: logs_cascades,
    )
    changed = TableChange(*table, effect, "is strange")
    return reactions.to(SchemaChange("ALTER", (changed,)), STATEMENT)


def test_an_emptied_table_clears_each_collection_that_it_feeds() -> None:
    found = reaction(Effect.EMPTIED, mapping(), mapping(target="copies"))

    assert found == Reaction(
        clears=(Clear("orders", table="shop.orders"), Clear("copies", table="shop.orders"))
    )


@pytest.mark.parametrize(
    ("effect", "key"),
    [
        (Effect.EMPTIED, "on_truncate"),
        (Effect.REMOVED, "on_drop"),
        (Effect.BROUGHT_IN, "on_alter"),
        (Effect.REWRITTEN, "on_alter"),
    ],
)
def test_a_mapping_may_halt_or_ignore(effect: Effect, key: str) -> None:
    assert reaction(effect, mapping(**{key: "ignore"})) == Reaction()

    with pytest.raises(RefusedEvent) as caught:
        reaction(effect, mapping(**{key: "halt"}))

    assert caught.value.position == BEFORE
    assert caught.value.table == "shop.orders"
    assert "cdc position set --yes --gtid '0-1-6'" in (caught.value.remedy or "")


def test_a_drop_halts_unless_the_mapping_says_otherwise() -> None:
    with pytest.raises(RefusedEvent):
        reaction(Effect.REMOVED, mapping())

    assert reaction(Effect.REMOVED, mapping(on_drop="apply")).clears == (
        Clear("orders", table="shop.orders"),
    )


@pytest.mark.parametrize("effect", [Effect.REWRITTEN, Effect.BROUGHT_IN])
def test_rows_that_may_have_changed_queue_one_resync_of_their_table(effect: Effect) -> None:
    found = reaction(effect, mapping(), mapping(target="copies"))

    write, *covered = found.writes
    assert bool(covered) == (effect is Effect.BROUGHT_IN)  # a resync brings all its rows
    assert write.collection == "jobs"
    assert write.upsert
    assert write.query == {
        "stream": "stream",
        "kind": "resync",
        "table": "shop.orders",
        "state": "queued",
    }
    assert isinstance(write.change, dict)
    job = dict(write.change["$setOnInsert"])
    assert isinstance(job.pop("_id"), str)
    assert job == {
        "options": {},
        "requested_by": "ddl: ALTER at 0-1-6",
        "requested_at": datetime.fromtimestamp(1_700_000_000, UTC),
        "progress": None,
        "error": None,
    }


@pytest.mark.parametrize(
    ("keys", "queues"),
    [
        ({}, True),
        ({"exclude": ["note"]}, True),
        ({"fields": {"a": "total"}}, False),
        ({"fields": {"a": "total"}, "on_alter": "halt"}, False),
        ({"fields": {"a": "Note"}}, True),
        ({"fields": {"a": {"column": "note", "optional": True}}}, True),
        ({"fields": {"a": {"sql": "CONCAT(total, NOTE)", "optional": True}}}, True),
        ({"fields": {"a": "total"}, "where": "note IS NULL"}, True),
        ({"fields": {"a": "total"}, "id": ["id", "note"]}, True),
        ({"fields": {}, "id": {"sql": "MD5(note)", "unique": "asserted"}}, True),
    ],
)
def test_a_new_column_queues_a_resync_where_documents_can_hold_it(
    keys: dict[str, Any], queues: bool
) -> None:
    reactions = Reactions(
        "stream",
        Followed([mapping(**keys)]).concerned,
        judge=lambda _, __: None,
        logs_cascades=lambda: False,
    )
    changed = TableChange("shop", "orders", Effect.REWRITTEN, added=frozenset({"note"}))

    found = reactions.to(SchemaChange("ALTER", (changed,)), STATEMENT)

    assert bool(found.writes) == queues


def test_what_changes_no_row_asks_for_nothing() -> None:
    assert reaction(Effect.UNTOUCHED, mapping()) == Reaction()


def test_a_table_that_is_created_before_the_streams_eyes_need_not_be_copied_at_the_next_start() -> (
    None
):
    [write] = reaction(Effect.CREATED, mapping()).writes

    assert write.collection == "streams"
    assert write.query["_id"] == "stream"
    assert write.change == {"$addToSet": {"covered": "shop.orders orders"}}


def test_a_table_of_no_mapping_asks_for_nothing() -> None:
    assert reaction(Effect.EMPTIED, mapping("shop.others")) == Reaction()


def test_a_table_that_becomes_unfit_halts_whatever_the_policies() -> None:
    with pytest.raises(RefusedEvent, match="is strange"):
        reaction(Effect.UNFIT, mapping(on_alter="ignore"))


def test_a_cascading_key_halts_where_the_source_does_not_log_its_rows() -> None:
    assert reaction(Effect.CASCADING, mapping(), logs_cascades=True) == Reaction()
    with pytest.raises(RefusedEvent, match="foreign key"):
        reaction(Effect.CASCADING, mapping())


def test_a_table_that_is_brought_in_is_judged() -> None:
    with pytest.raises(RefusedEvent, match="kept by MyISAM"):
        reaction(Effect.BROUGHT_IN, mapping(), unfit="kept by MyISAM")


def test_a_shard_clears_only_its_own_documents() -> None:
    shards = mapping("eu_*.orders", id=[{"source": "schema"}, "id"], on_drop="apply")

    assert reaction(Effect.EMPTIED, shards, table=("eu_1", "orders")).clears == (
        Clear("orders", {"_id.schema": "eu_1"}, table="eu_1.orders"),
    )
    assert reaction(Effect.REMOVED, shards, table=("eu_1", ANY_TABLE)).clears == (
        Clear("orders", {"_id.schema": "eu_1"}, table="eu_1.orders"),
    )


def test_a_dropped_schema_clears_what_a_glob_took_from_it() -> None:
    shards = mapping("shop.orders_*", id=[{"source": "table"}, "id"], on_drop="apply")

    [clear] = reaction(Effect.REMOVED, shards, table=("shop", ANY_TABLE)).clears

    assert clear.own.keys() == {"_id.table"}
    assert "orders_" in clear.own["_id.table"]["$regex"]


def test_under_soft_delete_documents_are_marked_as_of_the_commit() -> None:
    soft = mapping(on_delete={"set": {"deleted_at": "$now", "gone": True}})

    [clear] = reaction(Effect.EMPTIED, soft).clears

    assert clear.marks == {"deleted_at": datetime.fromtimestamp(1_700_000_000, UTC), "gone": True}
    assert clear.wanted == {
        "$or": [{"deleted_at": {"$not": {"$type": "date"}}}, {"gone": {"$ne": True}}]
    }
