"""Judges the hosts of a source: each by itself, and what it means for the stream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from cdc.config import Config, SourceConfig
from cdc.errors import CdcError, Retryable, UsageError
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.table_globs import source_pattern
from cdc.model.server_facts import SourceFacts
from cdc.preflight.findings import Finding, Outcome, require
from cdc.preflight.rules.source import source_findings
from cdc.readers.binlog.dump import replica_uuid


def server_findings(
    config: Config, facts: SourceFacts, schemas: Collection[str]
) -> Iterator[Finding]:
    """Judge a server's settings, and the account's privileges, for the stream."""
    server_id = config.source.server_id
    yield from source_findings(
        facts,
        server_id=server_id,
        own_uuid=str(replica_uuid(server_id, config.name)),
        schemas=schemas,
        several=len(config.source.addresses) > 1,
    )


def server_judge(config: Config, mappings: Sequence[Mapping]) -> Callable[[SourceFacts], None]:
    """Return what raises Unfit for a server whose settings are not fit for the stream."""
    patterns = [source_pattern(each.source) for each in mappings]
    schemas = {each.named[0] for each in patterns if not each.varying}

    def judge(facts: SourceFacts) -> None:
        require(server_findings(config, facts, schemas))

    return judge


def each_host_judged(
    check: str, source: SourceConfig, judge: Callable[[SourceConfig], Iterable[Finding]]
) -> list[Finding]:
    """Judge each host of a source; `check` names the finding that a host refuses, or is away.

    Of several hosts each finding begins with the host's address, and one fit host is enough: what
    is wrong with the others is a risk then. So it is while one that is away may be fit.
    """
    if len(source.addresses) == 1:
        return [*judge(source)]
    by_host = {str(each.address): _attempted(check, each, judge) for each in source.each_host()}
    enough = any(is_fit(found) for found in by_host.values())
    away = any(_is_away(each) for found in by_host.values() for each in found)
    return [
        _of_host(host, each, risk_only=enough or (away and not _is_away(each)))
        for host, found in by_host.items()
        for each in found
    ]


def is_fit(findings: Iterable[Finding]) -> bool:
    """Return whether nothing found prevents a start."""
    return all(each.ok for each in findings)


def _is_away(finding: Finding) -> bool:
    return finding.outcome is Outcome.UNREACHABLE


def _attempted(
    check: str, host: SourceConfig, judge: Callable[[SourceConfig], Iterable[Finding]]
) -> list[Finding]:
    try:
        return [*judge(host)]
    except UsageError:
        raise
    except CdcError as error:
        outcome = Outcome.UNREACHABLE if isinstance(error, Retryable) else Outcome.UNFIT
        remedy = error.remedy or "try again once it can be reached"
        return [Finding(check, outcome, error.message, remedy)]


def _of_host(host: str, finding: Finding, *, risk_only: bool) -> Finding:
    named = replace(finding, check=f"{host} {finding.check}")
    if finding.ok or not risk_only:
        return named
    return replace(
        named,
        outcome=Outcome.WARNING,
        what=f"{finding.what}; another host is read until this is mended",
    )
