"""Looks at both sides of a stream and judges whether they are fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Final

import structlog

from cdc.config import Config
from cdc.errors import Retryable, Unfit
from cdc.mapping.compiler import compile_plan
from cdc.mapping.mistakes import MappingError
from cdc.mapping.model import Mapping
from cdc.preflight import (
    Finding,
    Outcome,
    missing,
    require,
    source_findings,
    table_findings,
    target_findings,
)
from cdc.preflight.facts import TableFacts
from cdc.readers import source
from cdc.readers.dump import replica_uuid
from cdc.readers.facts import source_facts, table_facts
from cdc.writers import target
from cdc.writers.facts import target_facts

log = structlog.get_logger(__name__)

QUERY_SECONDS: Final = 10.0

Mappings = Sequence[Mapping]


def examine(config: Config, mappings: Mappings) -> list[Finding]:
    """Look at both sides; one that cannot be reached is a finding too."""
    return [
        *_attempted("source", lambda: examine_source(config, mappings)),
        *_attempted("target", lambda: examine_target(config, mappings)),
    ]


def require_fit(config: Config, mappings: Mappings) -> None:
    """Examine both sides for a start, and log what is risky.

    Raises UsageError, Unfit or, where a side cannot be reached, Retryable.
    """
    findings = examine(config, mappings)
    require(findings)
    for finding in findings:
        if finding.outcome is not Outcome.OK:
            log.warning(
                "preflight",
                check=finding.check,
                outcome=finding.outcome.value,
                what=finding.what,
                remedy=finding.remedy,
            )


def examine_source(config: Config, mappings: Mappings) -> Iterator[Finding]:
    """Look at the source and its followed tables; Retryable or Unfit where it lets nobody in."""
    server_id = config.source.server_id
    with closing(source.connect(config.source, read_timeout=QUERY_SECONDS)) as connection:
        facts = source_facts(connection)
        names = {mapping.source for mapping in mappings}
        yield from source_findings(
            facts,
            server_id=server_id,
            own_uuid=str(replica_uuid(server_id)),
            schemas={name.partition(".")[0] for name in names},
        )
        for name in sorted(names):
            schema, _, table = name.partition(".")
            found = table_facts(connection, schema, table)
            if found is None:
                yield missing(facts, name)
            else:
                yield from table_findings(facts, [found])
                yield from _mapped(found, mappings)


def examine_target(config: Config, mappings: Mappings) -> Iterator[Finding]:
    """Look at the target; Retryable or Unfit where it lets nobody in."""
    with target.connect(config.target) as client:
        facts = target_facts(
            client,
            database=config.target.database,
            state_database=config.target.state_database,
            collections=sorted({mapping.target for mapping in mappings}),
        )
    return target_findings(facts, mode=config.apply.mode)


def _attempted(side: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except Retryable as error:
        yield Finding(
            side,
            Outcome.UNREACHABLE,
            f"could not be checked: {error.message}",
            error.remedy or "try again once it can be reached",
        )
    except Unfit as error:
        yield Finding(side, Outcome.UNFIT, error.message, error.remedy or "")


def _mapped(table: TableFacts, mappings: Mappings) -> Iterator[Finding]:
    if table.columns is None:
        return
    for mapping in mappings:
        if mapping.source != table.name:
            continue
        try:
            compile_plan(mapping, table.columns)
        except MappingError as error:
            for mistake in error.mistakes:
                yield Finding(f"mapping {mapping.source}", Outcome.WRONG, str(mistake))
        else:
            yield Finding(f"mapping {mapping.source}", Outcome.OK, f"feeds {mapping.target}")
