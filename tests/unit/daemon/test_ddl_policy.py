from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import MaxKey

from cdc.daemon.ddl_policy import DdlPolicy
from cdc.errors import RefusedEvent, Unfit
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.mapping import Mapping
from cdc.model.checkpoint import Checkpoint
from cdc.model.position import GtidPosition, MariadbGtids
from cdc.model.state_change import CollectionClear, DdlEffect
from cdc.model.transaction import ANY_TABLE, Effect, SchemaChange, TableChange, Transaction

BEFORE = GtidPosition(MariadbGtids.parse("0-1-5"))
AFTER = GtidPosition(MariadbGtids.parse("0-1-6"))
STATEMENT = Transaction("0-1-6", BEFORE, Checkpoint(AFTER), 1_700_000_000.0)


def mapping(source: str = "shop.orders", target: str = "orders", **keys: Any) -> Mapping:
    return Mapping.model_validate({"source": source, "target": target, **keys})


def effect_of(
    effect: Effect,
    *mappings: Mapping,
    table: tuple[str, str] = ("shop", "orders"),
    logs_cascades: bool = False,
    unfit: str = "",
    doubtful: bool = False,
    table_exists: bool = True,
) -> DdlEffect:
    def require_fit(schema: str, table: str) -> None:
        if unfit:
            raise Unfit(unfit)

    policy = DdlPolicy(
        "stream",
        TableRouter(mappings).concerned,
        require_fit=require_fit,
        table_exists=lambda _, __: table_exists,
        logs_cascades=lambda: logs_cascades,
    )
    changed = TableChange(*table, effect, "is strange", doubtful=doubtful)
    return policy.effect_of(SchemaChange("ALTER", (changed,)), STATEMENT)


def test_the_time_of_a_tables_last_change_is_kept() -> None:
    changed_at: dict[str, float] = {}
    policy = DdlPolicy(
        "stream",
        TableRouter([mapping()]).concerned,
        require_fit=lambda _, __: None,
        table_exists=lambda _, __: True,
        logs_cascades=lambda: False,
        changed_at=changed_at,
    )
    for effect in (Effect.UNTOUCHED, Effect.EMPTIED):
        assert not changed_at
        policy.effect_of(
            SchemaChange("TRUNCATE", (TableChange("shop", "orders", effect),)), STATEMENT
        )

    assert changed_at == {"shop.orders": STATEMENT.committed_at}


def test_an_emptied_table_clears_each_collection_that_it_feeds() -> None:
    found = effect_of(Effect.EMPTIED, mapping(), mapping(target="copies"))

    assert found == DdlEffect(
        clears=(
            CollectionClear("orders", table="shop.orders"),
            CollectionClear("copies", table="shop.orders"),
        )
    )


KEYS = pytest.mark.parametrize(
    ("effect", "key"),
    [
        (Effect.EMPTIED, "on_truncate"),
        (Effect.REMOVED, "on_drop"),
        (Effect.BROUGHT_IN, "on_alter"),
        (Effect.REWRITTEN, "on_alter"),
    ],
)


@KEYS
def test_a_history_keeps_that_rows_may_be_others(effect: Effect, key: str) -> None:
    policy = "resync" if key == "on_alter" else "apply"
    found = effect_of(effect, mapping(history="kept", **{key: policy}), mapping(target="copies"))

    assert found.kept == (("kept", "shop.orders", key.removeprefix("on_")),)


@pytest.mark.parametrize(
    ("effect", "key"), [(Effect.EMPTIED, "on_truncate"), (Effect.REMOVED, "on_drop")]
)
def test_a_history_keeps_that_rows_may_differ_where_none_may_be_gone(
    effect: Effect, key: str
) -> None:
    found = effect_of(effect, mapping(history="kept", **{key: "apply"}), doubtful=True)

    assert found.kept == (("kept", "shop.orders", "alter"),)


@KEYS
def test_a_history_keeps_nothing_of_what_is_ignored(effect: Effect, key: str) -> None:
    assert effect_of(effect, mapping(history="kept", **{key: "ignore"})).kept == ()


@KEYS
def test_a_mapping_may_ignore(effect: Effect, key: str) -> None:
    assert effect_of(effect, mapping(**{key: "ignore"})) == DdlEffect()


@pytest.mark.parametrize("effect", [Effect.BROUGHT_IN, Effect.REWRITTEN])
def test_a_mapping_may_halt_where_rows_may_have_changed(effect: Effect) -> None:
    with pytest.raises(RefusedEvent) as caught:
        effect_of(effect, mapping(on_alter="halt"))

    assert caught.value.position == BEFORE
    assert caught.value.table == "shop.orders"
    assert "cdc position skip" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("effect", "keys"),
    [
        (Effect.EMPTIED, {"on_truncate": "halt"}),
        (Effect.REMOVED, {"on_drop": "halt"}),
        (Effect.REMOVED, {}),
    ],
)
def test_a_halt_at_rows_that_are_gone_is_for_documents_that_are_there(
    effect: Effect, keys: dict[str, Any]
) -> None:
    [clear] = effect_of(effect, mapping(**keys)).clears

    refusal = clear.refusal
    assert refusal is not None
    assert refusal.position == BEFORE
    assert refusal.table == "shop.orders"
    assert "cdc position skip" in (refusal.remedy or "")


def test_a_drop_takes_the_documents_away_where_the_mapping_says_so() -> None:
    assert effect_of(Effect.REMOVED, mapping(on_drop="apply")).clears == (
        CollectionClear("orders", table="shop.orders"),
    )


@pytest.mark.parametrize("effect", [Effect.EMPTIED, Effect.REMOVED])
def test_what_may_have_done_nothing_takes_no_document_of_a_table_that_stands(
    effect: Effect,
) -> None:
    found = effect_of(effect, mapping(on_drop="apply"), doubtful=True)

    assert found.clears == ()
    assert [write.query["kind"] for write in found.writes] == ["resync"]


@pytest.mark.parametrize("effect", [Effect.EMPTIED, Effect.REMOVED])
def test_a_table_that_is_gone_by_now_will_be_dropped_in_the_stream(effect: Effect) -> None:
    found = effect_of(effect, mapping(on_drop="apply"), doubtful=True, table_exists=False)

    assert found.clears == (CollectionClear("orders", table="shop.orders"),)


def test_a_name_that_a_temporary_table_has_got_is_left_by_the_table_that_had_it() -> None:
    found = effect_of(
        Effect.BROUGHT_IN, mapping(on_drop="apply"), doubtful=True, table_exists=False
    )

    assert found.clears == (CollectionClear("orders", table="shop.orders"),)


def test_a_truncate_in_doubt_halts_where_a_later_drop_would_keep_the_documents() -> None:
    with pytest.raises(RefusedEvent, match="nothing tells"):
        effect_of(Effect.EMPTIED, mapping(on_drop="ignore"), doubtful=True, table_exists=False)


@pytest.mark.parametrize("effect", [Effect.UNFIT, Effect.CASCADING])
def test_of_a_table_that_may_be_as_it_was_the_source_tells_what_it_is(effect: Effect) -> None:
    assert effect_of(effect, mapping(), doubtful=True) == DdlEffect()
    with pytest.raises(RefusedEvent, match="kept by MyISAM"):
        effect_of(effect, mapping(), doubtful=True, unfit="kept by MyISAM")


def test_a_table_that_may_have_been_there_before_is_still_to_be_copied() -> None:
    assert effect_of(Effect.CREATED, mapping(), doubtful=True) == DdlEffect()


@pytest.mark.parametrize("effect", [Effect.REWRITTEN, Effect.BROUGHT_IN])
def test_rows_that_may_have_changed_queue_one_resync_of_their_table(effect: Effect) -> None:
    found = effect_of(effect, mapping(), mapping(target="copies"))

    write, *covered = found.writes
    assert bool(covered) == (effect is Effect.BROUGHT_IN)  # a resync brings all its rows
    assert write.collection == "jobs"
    assert write.upsert
    assert write.query == {
        "stream": "stream",
        "kind": "resync",
        "table": "shop.orders",
        "options": {},  # one that waits for a single collection is not the same
        "state": "queued",
        "progress": None,
    }
    assert isinstance(write.change, dict)
    job = dict(write.change["$setOnInsert"])
    assert isinstance(job.pop("_id"), str)
    assert job == {
        "requested_by": "ddl: ALTER at 0-1-6",
        "requested_at": datetime.fromtimestamp(1_700_000_000, UTC),
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
    policy = DdlPolicy(
        "stream",
        TableRouter([mapping(**keys)]).concerned,
        require_fit=lambda _, __: None,
        table_exists=lambda _, __: True,
        logs_cascades=lambda: False,
    )
    changed = TableChange("shop", "orders", Effect.REWRITTEN, added=frozenset({"note"}))

    found = policy.effect_of(SchemaChange("ALTER", (changed,)), STATEMENT)

    assert bool(found.writes) == queues


def test_what_changes_no_row_asks_for_nothing() -> None:
    assert effect_of(Effect.UNTOUCHED, mapping()) == DdlEffect()


def test_a_table_that_is_created_before_the_streams_eyes_need_not_be_copied_at_the_next_start() -> (
    None
):
    [write] = effect_of(Effect.CREATED, mapping()).writes

    assert write.collection == "streams"
    assert write.query["_id"] == "stream"
    assert write.change == {"$addToSet": {"covered": "shop.orders orders"}}


def test_a_table_of_no_mapping_asks_for_nothing() -> None:
    assert effect_of(Effect.EMPTIED, mapping("shop.others")) == DdlEffect()


def test_a_table_that_becomes_unfit_halts_whatever_the_policies() -> None:
    with pytest.raises(RefusedEvent, match="is strange"):
        effect_of(Effect.UNFIT, mapping(on_alter="ignore"))


def test_a_cascading_key_halts_where_the_source_does_not_log_its_rows() -> None:
    assert effect_of(Effect.CASCADING, mapping(), logs_cascades=True) == DdlEffect()
    with pytest.raises(RefusedEvent, match="foreign key"):
        effect_of(Effect.CASCADING, mapping())


def test_a_table_that_is_brought_in_is_judged() -> None:
    with pytest.raises(RefusedEvent, match="kept by MyISAM"):
        effect_of(Effect.BROUGHT_IN, mapping(), unfit="kept by MyISAM")


def test_a_shard_clears_only_its_own_documents() -> None:
    shards = mapping("eu_*.orders", id=[{"source": "schema"}, "id"], on_drop="apply")
    own = {
        "_id.schema": "eu_1",
        "_id": {"$gte": {"schema": "eu_1"}, "$lt": {"schema": "eu_1", "": MaxKey()}},
    }

    assert effect_of(Effect.EMPTIED, shards, table=("eu_1", "orders")).clears == (
        CollectionClear("orders", own, table="eu_1.orders"),
    )
    assert effect_of(Effect.REMOVED, shards, table=("eu_1", ANY_TABLE)).clears == (
        CollectionClear("orders", own, table="eu_1.orders"),
    )


def test_a_dropped_schema_clears_what_a_glob_took_from_it() -> None:
    shards = mapping("shop.orders_*", id=[{"source": "table"}, "id"], on_drop="apply")

    [clear] = effect_of(Effect.REMOVED, shards, table=("shop", ANY_TABLE)).clears

    assert clear.own.keys() == {"_id.table"}
    assert "orders_" in clear.own["_id.table"]["$regex"]


def test_under_soft_delete_documents_are_marked_as_of_the_commit() -> None:
    soft = mapping(on_delete={"set": {"deleted_at": "$now", "gone": True}})

    [clear] = effect_of(Effect.EMPTIED, soft).clears

    assert clear.marks == {"deleted_at": datetime.fromtimestamp(1_700_000_000, UTC), "gone": True}
    assert clear.wanted == {
        "$or": [{"deleted_at": {"$not": {"$type": "date"}}}, {"gone": {"$ne": True}}]
    }


def test_what_no_id_leads_back_to_is_copied_instead_of_resynced() -> None:
    by_expression = mapping(target="named", id={"sql": "CONCAT('n', id)", "unique": "asserted"})

    found = effect_of(Effect.REWRITTEN, mapping(), by_expression)

    asked = [(each.query["kind"], each.query["options"]) for each in found.writes]
    assert asked == [("resync", {"target": "orders"}), ("backfill", {"target": "named"})]
