"""The rules for shard keys: what a mapping wants, and what the cluster has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from cdc.mapping.file.mapping import Mapping as TableMapping
from cdc.model.server_facts import CollectionFacts, TargetFacts
from cdc.preflight.findings import Finding, Outcome

Key = Mapping[str, object]

NEEDS_ENABLING: Final = (6, 0)
"""From this MongoDB on a database need not be enabled for sharding."""


def shard_key_findings(
    mappings: Iterable[TableMapping], *, mode: Literal["exactly_once", "at_least_once"]
) -> Iterator[Finding]:
    """Refuse shard keys with fields outside `_id` without transactions."""
    for mapping in mappings:
        if mapping.shard_fields and mode == "at_least_once":
            mistake = mapping.origin.mistake(
                ("shard_key",),
                f"a changed `{mapping.shard_fields[0]}` deletes a document and writes it anew, in a"
                " transaction, which apply.mode: at_least_once has not",
            )
            check = f"shard key of {mapping.target}"
            yield Finding(check, Outcome.WRONG, str(mistake), "write apply.mode: exactly_once")


def sharding_findings(
    facts: TargetFacts, mappings: Mapping[str, TableMapping], histories: Iterable[str] = ()
) -> Iterator[Finding]:
    """Hold the keys of a cluster's collections against those of mappings, by `database.collection`.

    `histories` are collections whose documents are named by `_id` alone. Nothing is said of other
    targets, nor of collections that nobody shards.
    """
    if facts.topology != "sharded":
        return
    there = {each.name: each for each in facts.collections or ()}
    for name in histories:
        if name in there and (key := there[name].shard_key) is not None:
            yield _of_history(name, key)
    for name, mapping in mappings.items():
        found = there.get(name)
        if found is not None and found.shard_key is not None:
            yield _compared(name, found.shard_key, mapping)
        elif mapping.shard_key is not None:
            yield _unsharded(facts, name, found, mapping.shard_key)


def _of_history(name: str, live: Key) -> Finding:
    check = f"shard key of {name}"
    if [*live] == ["_id"]:
        return Finding(check, Outcome.OK, f"it is sharded by {spelled(live)}")
    return Finding(
        check,
        Outcome.UNFIT,
        f"it is sharded by {spelled(live)}, and a history's documents are written by `_id` alone",
        'reshard the collection by {"_id": 1} or {"_id": "hashed"}',
    )


def _compared(name: str, live: Key, mapping: TableMapping) -> Finding:
    check, wanted = f"shard key of {name}", mapping.shard_key
    if wanted is None and [*live] == ["_id"]:
        return Finding(check, Outcome.OK, f"it is sharded by {spelled(live)}")
    if wanted is not None and [*wanted.items()] == [*live.items()]:
        return Finding(check, Outcome.OK, f"it is sharded by {spelled(live)}, as its mapping says")
    said = "has no `shard_key`" if wanted is None else f"says {spelled(wanted)}"
    return Finding(
        check,
        Outcome.UNFIT,
        f"it is sharded by {spelled(live)}, and its mapping {said}: writes would not find their"
        " documents",
        f"write shard_key: {spelled(live)} into {mapping.origin.file}; or reshard the collection",
    )


def _unsharded(
    facts: TargetFacts, name: str, found: CollectionFacts | None, wanted: Key
) -> Finding:
    check = f"shard key of {name}"
    if facts.collections is None:
        return Finding(
            check,
            Outcome.NOT_CHECKED,
            "the account may not list collections",
            "give the account in target.uri the role readWrite on both databases",
        )
    supported = found is None or found.is_empty or any(_begins(each, wanted) for each in found.keys)
    if supported and facts.may_shard:
        return Finding(check, Outcome.OK, f"will be sharded at the start by {spelled(wanted)}")
    why = "the account may not shard it" if supported else "it has documents, and no index for it"
    return Finding(
        check,
        Outcome.WARNING,
        f"it is not sharded by {spelled(wanted)}: {why}",
        f"run in mongosh: {typed(name, wanted, facts.version, index=not supported)}",
    )


def typed(name: str, key: Key, version: tuple[int, ...], *, index: bool) -> str:
    """Return what to type in mongosh to shard a collection; `index`: its index is missing."""
    database, _, collection = name.partition(".")
    steps = [f"sh.enableSharding({json.dumps(database)})"] if version < NEEDS_ENABLING else []
    if index:
        there = f"db.getSiblingDB({json.dumps(database)}).getCollection({json.dumps(collection)})"
        steps.append(f"{there}.createIndex({spelled(key)})")
    return "; ".join([*steps, f"sh.shardCollection({json.dumps(name)}, {spelled(key)})"])


def spelled(key: Key) -> str:
    """Return a shard key as YAML and as mongosh read it."""
    return json.dumps(dict(key), ensure_ascii=False)


def _begins(index: Key, wanted: Key) -> bool:
    """Return whether an index begins with the fields of a shard key."""
    return [*index.items()][: len(wanted)] == [*wanted.items()]
