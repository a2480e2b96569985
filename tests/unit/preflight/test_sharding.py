"""The keys of a cluster's collections, held against those of mappings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cdc.mapping.file.mapping import Mapping
from cdc.model.server_facts import CollectionFacts, TargetFacts
from cdc.preflight import Finding, Outcome, shard_key_findings, sharding_findings

CLUSTER = TargetFacts(version=(6, 0, 5), version_text="6.0.5", topology="sharded", writable=True)
KEY: dict[str, Any] = {"tenant": 1, "_id": "hashed"}
SPELLED = '{"tenant": 1, "_id": "hashed"}'
ITEMS = CollectionFacts(name="shop.items")


def mapping(**keys: Any) -> Mapping:
    return Mapping(source="a.items", target="items", **keys)


def judged(
    there: CollectionFacts | None, *, key: dict[str, Any] | None = KEY, **facts: Any
) -> Finding:
    seen = replace(CLUSTER, collections=() if there is None else (there,), **facts)
    [finding] = sharding_findings(seen, {"shop.items": mapping(shard_key=key)})
    return finding


def test_a_live_key_that_is_the_mappings_is_fine() -> None:
    finding = judged(replace(ITEMS, shard_key=KEY))

    assert (finding.outcome, finding.what) == (
        Outcome.OK,
        f"it is sharded by {SPELLED}, as its mapping says",
    )


@pytest.mark.parametrize("kind", [1, "hashed"])
def test_a_live_key_of_the_id_needs_none_in_the_mapping(kind: object) -> None:
    assert judged(replace(ITEMS, shard_key={"_id": kind}), key=None).outcome is Outcome.OK


@pytest.mark.parametrize(
    "live", [{"tenant": 1}, {"_id": "hashed", "tenant": 1}, {"tenant": "hashed", "_id": 1}]
)
def test_another_live_key_is_unfit_and_told_as_the_mapping_would_say_it(
    live: dict[str, Any],
) -> None:
    finding = judged(replace(ITEMS, shard_key=live))

    assert finding.outcome is Outcome.UNFIT
    assert f"and its mapping says {SPELLED}" in finding.what


def test_a_live_key_that_the_mapping_does_not_know_is_unfit() -> None:
    finding = judged(replace(ITEMS, shard_key={"tenant": 1}), key=None)

    assert finding.outcome is Outcome.UNFIT
    assert "its mapping has no `shard_key`: writes would not find their documents" in finding.what
    assert finding.remedy.startswith('write shard_key: {"tenant": 1} into mapping; ')


@pytest.mark.parametrize(
    "there",
    [
        None,
        replace(ITEMS, is_empty=True),
        replace(ITEMS, keys=({"_id": 1}, {"tenant": 1, "_id": "hashed", "n": 1})),
    ],
)
def test_what_can_be_sharded_is_at_the_start(there: CollectionFacts | None) -> None:
    finding = judged(there)

    assert (finding.outcome, finding.what) == (
        Outcome.OK,
        f"will be sharded at the start by {SPELLED}",
    )


def test_an_account_that_may_not_shard_is_told_what_to_type() -> None:
    finding = judged(None, may_shard=False)

    assert finding.outcome is Outcome.WARNING
    assert finding.remedy == f'run in mongosh: sh.shardCollection("shop.items", {SPELLED})'


def test_old_servers_want_the_database_enabled_first() -> None:
    finding = judged(None, may_shard=False, version=(5, 0, 4))

    assert finding.remedy == (
        f'run in mongosh: sh.enableSharding("shop"); sh.shardCollection("shop.items", {SPELLED})'
    )


def test_a_collection_without_the_index_is_told_what_to_type() -> None:
    finding = judged(replace(ITEMS, keys=({"_id": 1}, {"tenant": 1})))

    assert finding.outcome is Outcome.WARNING
    assert finding.remedy == (
        f'run in mongosh: db.getSiblingDB("shop").getCollection("items").createIndex({SPELLED});'
        f' sh.shardCollection("shop.items", {SPELLED})'
    )


def test_a_replica_set_has_no_keys() -> None:
    facts = replace(CLUSTER, topology="replica set")

    assert [*sharding_findings(facts, {"shop.items": mapping(shard_key=KEY)})] == []


def test_transactions_are_needed_for_fields_outside_the_id() -> None:
    [finding] = shard_key_findings([mapping(shard_key=KEY)], mode="at_least_once")

    assert finding.outcome is Outcome.WRONG
    assert [*shard_key_findings([mapping(shard_key=KEY)], mode="exactly_once")] == []
    assert [*shard_key_findings([mapping(shard_key={"_id": 1})], mode="at_least_once")] == []
