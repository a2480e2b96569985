"""The rules for the target."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, Literal

from cdc.model.server_facts import NO_RIGHT, TargetFacts
from cdc.preflight.findings import Finding, Outcome
from cdc.preflight.rules.collections import NONE, collection_findings

TARGET: Final = "target"
"""The name of the finding that the target refuses the login or the account, or is unreachable."""

OLDEST: Final = (4, 4)
"""The first supported MongoDB; README says the same."""

LATE_SECONDS: Final = 20.0
"""Twice the interval at which an idle primary writes: a majority that is later than that lags."""


def target_findings(
    facts: TargetFacts,
    *,
    mode: Literal["exactly_once", "at_least_once"],
    tables: Mapping[str, Collection[str]] | None = None,
    histories: Mapping[str, Collection[str]] = NONE,
) -> Iterator[Finding]:
    """Judge a target for this `apply.mode`; `tables` and `histories` as `collection_findings`."""
    yield _version(facts)
    yield _topology(facts, mode)
    yield _primary(facts)
    lacking = lacks_rights(facts)
    if not lacking or facts.collections is not None:  # else the rights are a finding already
        judged = [*collection_findings(facts.collections, tables or {}, histories)]
        yield from judged
        yield from _write_access(facts, {each.check for each in judged if not each.ok})
    if lacking:
        yield _rights(facts, lacking)


def _version(facts: TargetFacts) -> Finding:
    if facts.version >= OLDEST:
        return Finding("target version", Outcome.OK, f"MongoDB {facts.version_text}")
    return Finding(
        "target version",
        Outcome.UNFIT,
        f"MongoDB {facts.version_text} is too old",
        f"upgrade to MongoDB {'.'.join(map(str, OLDEST))} or later",
    )


def _topology(facts: TargetFacts, mode: str) -> Finding:
    if facts.topology != "standalone":
        return Finding("target topology", Outcome.OK, facts.topology)
    if mode == "at_least_once":
        return Finding(
            "target topology",
            Outcome.WARNING,
            "standalone: after a crash the last changes are applied again",
            "a replica set, even of one member, allows apply.mode: exactly_once",
        )
    return Finding(
        "target topology",
        Outcome.UNFIT,
        "a standalone server has no transactions, which apply.mode: exactly_once needs",
        "make it a replica set (--replSet, then rs.initiate()); or write apply.mode: at_least_once",
    )


def _primary(facts: TargetFacts) -> Finding:
    if not facts.writable:
        return Finding(
            "target primary",
            Outcome.UNFIT,
            "the server that answered does not take writes",
            "name all members in target.uri with replicaSet=, without directConnection",
        )
    late = facts.majority_late_seconds or 0.0
    if late > LATE_SECONDS:
        return Finding(
            "target primary",
            Outcome.WARNING,
            f"takes writes, and a majority has them {late:.0f} s later or not at all: the stream"
            " waits for it",
            "see which members are down or behind: rs.status()",
        )
    return Finding("target primary", Outcome.OK, "takes writes")


def _write_access(facts: TargetFacts, unfit: Collection[str]) -> Iterator[Finding]:
    """Yield the results of test writes, except for collections with a worse finding.

    What the account lacks the rights for is one finding for all: see _rights.
    """
    mend = "mend the collection, or choose another target"
    for name, refusal in facts.refusals.items():
        if not refusal:
            yield Finding(f"write to {name}", Outcome.OK, "allowed")
        elif refusal != NO_RIGHT and f"collection {name}" not in unfit:
            yield Finding(f"write to {name}", Outcome.UNFIT, refusal, mend)


def lacks_rights(facts: TargetFacts) -> list[str]:
    """Return the collections, `database.collection`, that the account may not write to."""
    return [name for name, each in facts.refusals.items() if each == NO_RIGHT]


def _rights(facts: TargetFacts, lacking: Sequence[str]) -> Finding:
    """Return what the account lacks, with what to type for all of it in one line of mongosh."""
    databases = sorted({name.partition(".")[0] for name in lacking})
    if facts.account is None:
        remedy = (
            "write USER:PASSWORD@ before the host in target.uri, of an account with the role"
            f" readWrite on {', '.join(databases)}"
        )
        return Finding(TARGET, Outcome.UNFIT, "wants a login, and target.uri has none", remedy)
    roles = [f'{{role: "readWrite", db: {json.dumps(each)}}}' for each in databases]
    user, database = map(json.dumps, facts.account)
    return Finding(
        TARGET,
        Outcome.UNFIT,
        f"the account {facts.account[0]} may not write to {', '.join(lacking)}",
        f"run in mongosh, as an administrator: db.getSiblingDB({database})"
        f".grantRolesToUser({user}, [{', '.join(roles)}])",
    )
