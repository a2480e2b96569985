"""Queries both sides of a stream and judges whether they are fit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import Any, Final

import structlog

from cdc.config import Config, SourceConfig
from cdc.config.kafka import KafkaConfig
from cdc.errors import CdcError, Fatal, Retryable, Unfit
from cdc.mapping.compile.compiler import compile_plan
from cdc.mapping.compile.document_id import no_key
from cdc.mapping.compile.embed_links import Compiled, link_mistakes
from cdc.mapping.compile.router import TableRouter
from cdc.mapping.file.histories import collections_of, expiring_of, histories
from cdc.mapping.file.id_constants import id_spaces
from cdc.mapping.file.problems import MappingError, Problem
from cdc.model.claim import Claim
from cdc.model.id_space import IdSpace
from cdc.model.server_facts import SourceFacts, TableFacts
from cdc.preflight import (
    Finding,
    Outcome,
    claim_findings,
    copying_finding,
    edit_findings,
    embed_findings,
    expression_findings,
    glob_findings,
    gone,
    index_findings,
    mapping_finding,
    missing,
    mistake_finding,
    place_findings,
    require,
    shard_key_findings,
    sharding_findings,
    table_findings,
    target_findings,
)
from cdc.preflight.followed_tables import QUERY_SECONDS, Mappings, find_unseen, followed_tables
from cdc.preflight.hosts import each_host_judged, is_fit, server_findings, server_judge
from cdc.preflight.mapping_edits import MappingEdit, unresolved
from cdc.preflight.position import examine_position
from cdc.preflight.rules.source import quoted_account
from cdc.preflight.rules.tables import Unseen
from cdc.preflight.rules.target import TARGET, lacks_rights
from cdc.publishing.client import APPLY, PUBLISH, reach
from cdc.readers.binlog.accepted_host import HostChooser
from cdc.readers.select.table_lookup import unread
from cdc.readers.server import heartbeat_writer
from cdc.readers.server.catalog import list_tables
from cdc.readers.server.connection import SourceConnection, asking, connect_source
from cdc.readers.server.facts import fetch_source_facts, table_facts
from cdc.readers.server.hosts import hosts, say_nothing
from cdc.writers import stream_admin
from cdc.writers.claims import Claims
from cdc.writers.connection import Client, asking_target, hosts_of
from cdc.writers.errors import explained
from cdc.writers.facts import target_facts
from cdc.writers.indexes import index_facts
from cdc.writers.jobs import Jobs
from cdc.writers.namespaces import Namespaces
from cdc.writers.stream_state import StreamState

log = structlog.get_logger(__name__)

SOURCE: Final = "source"
KAFKA: Final = "kafka"
"""The name of the finding that a side refuses the login, or is unreachable."""

VANISHED: Final = (
    "the table fitted the mapping before: the stream stops, with its position and ways to go on,"
    " where it comes to rows that do not"
)

UNLIKE: Final = (
    "the tables fitted the mapping before; until they do again, nothing, or no order, is found for"
    " such embeds"
)


def examine(
    config: Config,
    mappings: Mappings,
    *,
    accept_edits: bool = False,
    starting: bool = False,
    asks: Callable[[str], None] = lambda _: None,
) -> list[Finding]:
    """Examine both sides; one that cannot be reached is a finding too.

    With `accept_edits` a mapping that was edited after its documents were written is only a risk.
    When a daemon is `starting`, so is a table that no longer fits a mapping by which it was
    followed, and its reader checks the position. `asks` is told whom each wait is for.
    """
    source, target = f"the source {hosts(config.source)}", f"the target {hosts_of(config.target)}"
    asks(source)
    findings = [*_attempted(SOURCE, lambda: examine_source(config, mappings, starting=starting))]
    asks(target)
    findings += _attempted(
        TARGET, lambda: examine_target(config, mappings, accept_edits=accept_edits)
    )
    if config.publish is not None:
        kafka = config.publish.kafka
        asks(f"Kafka {kafka.bootstrap_servers}")
        findings += _attempted(KAFKA, lambda: _examine_kafka(kafka, PUBLISH))
    if (carrying := config.apply.kafka) is not None and not starting:  # it starts without
        asks(f"Kafka {carrying.bootstrap_servers}")
        findings += _attempted(KAFKA, lambda: _examine_kafka(carrying, APPLY))
    let_in = all(each.ok for each in findings if each.check in {SOURCE, TARGET})
    if let_in and not starting:
        asks(source)
        findings += _attempted("position", lambda: examine_position(config))
    return findings


def examine_mistaken(
    config: Config, mappings: Mappings, problems: Iterable[Problem]
) -> list[Finding]:
    """Report the problems of mapping files, and what the source says of what can be read of them.

    The target is not examined: half of the mappings would be judged as if they were all.
    """
    findings = [mistake_finding("mapping", each) for each in sorted(problems)]
    told = {each.what for each in findings}
    source = _attempted(SOURCE, lambda: examine_source(config, mappings))
    findings += (each for each in source if each.what not in told)
    later = "its turn comes once the mapping files hold no mistakes"
    return [*findings, Finding(TARGET, Outcome.NOT_CHECKED, later)]


def require_fit(config: Config, mappings: Mappings, *, accept_edits: bool = False) -> None:
    """Examine both sides for a start, and log what is risky.

    Raises UsageError, Unfit or, if a side cannot be reached, Retryable.
    """
    findings = examine(config, mappings, accept_edits=accept_edits, starting=True)
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


def examine_source(
    config: Config, mappings: Mappings, *, starting: bool = False
) -> Iterator[Finding]:
    """Examine the source and its followed tables; raises Retryable or Unfit if it refuses.

    Of several hosts the settings of each are judged, and the tables of the first that is fit.
    """
    source, judged = config.source, stream_admin.accepted(config, mappings) if starting else []
    sources = {mapping.source for mapping in mappings}
    if len(source.addresses) > 1:
        found = each_host_judged(
            SOURCE, source, lambda host: _examine_server(config, host, sources)
        )
        yield from found
        if not is_fit(found):
            return
        judge = server_judge(config, mappings)
        source = HostChooser(source, judge, refused=say_nothing).fit()
    with closing(connect_source(source, read_timeout=QUERY_SECONDS)) as connection:
        with connection.understood():
            facts = fetch_source_facts(connection)
            there = cache(lambda: list_tables(connection))
            names = followed_tables(sources, there)
        if source is config.source:
            yield from server_findings(config, facts, {schema for schema, _ in names})
        yield from glob_findings(sources, names)
        yield from expression_findings(facts, mappings)
        compiled: list[Compiled] = []
        copying, router = _Copying(config), TableRouter(mappings)
        for name in names:
            own = router.mappings(*name)
            unseen = partial(find_unseen, name, own, there, names)
            yield from _examine_table(
                connection, name, facts, copying, own, judged, compiled, unseen
            )
        if copying.is_due:
            lock = copying_finding(facts, allow_brief_lock=config.chunks.allow_brief_lock)
            yield from [] if lock is None else [lock]
    yield from _linked(compiled, judged)
    yield from _heartbeat(config, facts.account)


def _examine_server(
    config: Config, host: SourceConfig, sources: Collection[str]
) -> Iterator[Finding]:
    with asking(host, read_timeout=QUERY_SECONDS) as connection:
        facts = fetch_source_facts(connection)
        names = followed_tables(sources, lambda: list_tables(connection))
    yield from server_findings(config, facts, {schema for schema, _ in names})


def _examine_table(
    connection: SourceConnection,
    name: tuple[str, str],
    facts: SourceFacts,
    copying: _Copying,
    mappings: Mappings,
    judged: Mappings,
    compiled: list[Compiled],
    unseen: Callable[[], Unseen],
) -> Iterator[Finding]:
    with connection.understood():
        found = table_facts(connection, *name) or unseen()
    if isinstance(found, Unseen):
        judge = gone if copying.has_begun else missing
        yield judge(facts, found)
        return
    if found.columns is not None and copying.begins(found, mappings):
        found = replace(found, uncopyable=unread(connection, *name))
    told = [*table_findings(facts, [found])]
    yield from told
    repeated = no_key(found.columns) if found.columns and _lacks_key(found, told) else ""
    yield from _mapped(facts, found, mappings, judged, compiled, repeated)


def _lacks_key(table: TableFacts, findings: Iterable[Finding]) -> bool:
    """Return whether the findings of a table say already that it has no key."""
    return any(table.uncopyable and table.uncopyable in each.what for each in findings)


class _Copying:
    """Knows the tables that the stream must still copy; none if the target does not answer."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.is_due = False
        """Whether one of the tables that were looked at must still be copied."""

    @property
    def has_begun(self) -> bool:
        """Whether the stream has begun, as far as the target tells."""
        return isinstance(self._state, CdcError) or self._state is not None

    @cached_property
    def _covered(self) -> Collection[str] | None:
        """Return the copies that are made already; None if none is to be made."""
        state = self._state
        if isinstance(state, CdcError):
            return None
        if state is None:
            return () if self._config.start == "backfill" else None
        return frozenset(state.get("covered", ()))

    @cached_property
    def _state(self) -> dict[str, Any] | CdcError | None:
        """Return the stream's state; the error if the target, with findings of its own, has none.

        It is asked once: a target that is away is waited for, each time.
        """
        try:
            with explained():
                return stream_admin.read(self._config)
        except CdcError as error:
            return error

    def begins(self, table: TableFacts, mappings: Mappings) -> bool:
        """Return whether one of the table's mappings needs a copy of it."""
        covered = self._covered
        begins = covered is not None and any(
            f"{table.name} {each.target}" not in covered for each in mappings
        )
        self.is_due = self.is_due or begins
        return begins


def _heartbeat(config: Config, account: str) -> Iterator[Finding]:
    """Write one heartbeat, as the daemon will."""
    table = config.source.heartbeat_table
    if table is None:
        return
    try:
        heartbeat_writer.write_heartbeat(config.source, config.name)
    except Retryable as error:
        if len(config.source.addresses) == 1:
            raise
        remedy = "see that the primary stands in source.hosts, and is up"
        yield Finding("heartbeat", Outcome.WARNING, error.message, remedy)
    except Fatal as error:
        yield Finding(
            "heartbeat",
            Outcome.UNFIT,
            f"no heartbeat can be written to {table}: {error.message}",
            f"run: {heartbeat_writer.definition(table)}; GRANT INSERT, UPDATE ON {table} TO"
            f" {quoted_account(account)}",
        )
    else:
        yield Finding("heartbeat", Outcome.OK, f"written to {table}")


def examine_target(
    config: Config, mappings: Mappings, *, accept_edits: bool = False
) -> Iterator[Finding]:
    """Examine the target; raises Retryable or Unfit if it refuses."""
    namespaces = Namespaces.of(config, mappings)
    yield from place_findings(namespaces, mappings)
    yield from embed_findings(mappings, mode=config.apply.mode)
    yield from shard_key_findings(mappings, mode=config.apply.mode)
    with asking_target(config.target) as client:
        named = {name for each in mappings for name in collections_of(each)}
        facts = target_facts(client, namespaces, collections=sorted(named))
        tables = tables_by_collection(config, mappings)
        expiring = {
            str(namespaces.named(name)): expiring_of(of) for name, of in histories(mappings).items()
        }
        yield from target_findings(facts, mode=config.apply.mode, tables=tables, histories=expiring)
        by_name = {str(namespaces.named(each.target)): each for each in mappings}
        yield from sharding_findings(facts, by_name, histories=expiring)
        if facts.writable and not lacks_rights(facts):
            yield from index_findings(index_facts(client, namespaces, mappings))
            yield from edit_findings(_edits(config, client, mappings), accept=accept_edits)
            yield from judge_claims(config, mappings, known_claims(config, client, mappings))


def known_claims(config: Config, client: Client, mappings: Mappings) -> list[Claim]:
    """Return the claims of the stream, and those on the collections that its mappings name."""
    claims = Claims(client, state_database=config.target.state_database)
    return claims.concerning(config.name, tables_by_collection(config, mappings))


def judge_claims(config: Config, mappings: Mappings, claims: Iterable[Claim]) -> Iterator[Finding]:
    """Yield a finding for each collection of the mappings that another stream writes."""
    tables = tables_by_collection(config, mappings)
    namespaces = Namespaces.of(config, mappings)
    kept = {str(namespaces.named(name)) for name in histories(mappings)}
    return claim_findings(claims, config.name, tables, ids_by_collection(config, mappings), kept)


def tables_by_collection(config: Config, mappings: Mappings) -> dict[str, list[str]]:
    """Return the sources of the mappings by their collections, `database.collection`."""
    namespaces = Namespaces.of(config, mappings)
    found: dict[str, list[str]] = {}
    for each in mappings:
        for name in collections_of(each):
            found.setdefault(str(namespaces.named(name)), []).append(each.source)
    return found


def ids_by_collection(config: Config, mappings: Mappings) -> dict[str, IdSpace]:
    """Return the ids that the stream claims of each collection, `database.collection`."""
    namespaces = Namespaces.of(config, mappings)
    whole: dict[str, IdSpace] = {name: {} for name in histories(mappings)}
    return {str(namespaces.named(name)): ids for name, ids in (id_spaces(mappings) | whole).items()}


def _edits(config: Config, client: Client, mappings: Mappings) -> list[MappingEdit]:
    with explained():
        state = StreamState(client[config.target.state_database], config.name).read()
    return unresolved(state, mappings, Jobs.of(config, client).unended())


def _examine_kafka(config: KafkaConfig, section: str) -> Iterator[Finding]:
    brokers = reach(config, section)
    many = f"{brokers} broker{'s' * (brokers != 1)}"
    yield Finding(KAFKA, Outcome.OK, f"{many} can be reached ({section})")


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
        yield Finding(side, Outcome.UNFIT, error.message, _beyond_check(error.remedy or ""))


def _beyond_check(remedy: str) -> str:
    """Return a remedy without the clause that says to type the command that shows it."""
    clauses = remedy.split("; ")
    return "; ".join(each for each in clauses if not each.endswith(": cdc check"))


def _mapped(
    side: SourceFacts,
    table: TableFacts,
    mappings: Mappings,
    judged: Mappings,
    compiled: list[Compiled],
    repeated: str,
) -> Iterator[Finding]:
    """Judge the mappings of a table, and add to `compiled` those that fit it.

    The mistake `repeated` is a finding of the table already.
    """
    if table.columns is None:
        return
    for mapping in mappings:
        try:
            plan = compile_plan(mapping, table.columns)
        except MappingError as error:
            outcome = Outcome.WARNING if mapping in judged else Outcome.WRONG
            remedy = VANISHED if mapping in judged else ""
            for mistake in (each for each in error.mistakes if each.what != repeated):
                yield mistake_finding(f"mapping {table.name}", mistake, outcome, remedy)
        else:
            compiled.append(Compiled(mapping, plan.layout))
            yield mapping_finding(side, table, mapping.target, plan.needed)


def _linked(compiled: Sequence[Compiled], judged: Mappings) -> Iterator[Finding]:
    """Judge the mappings that embed, now that all tables are known."""
    known = {each.origin.file for each in judged}
    for mistake in link_mistakes(compiled):
        outcome = Outcome.WARNING if mistake.file in known else Outcome.WRONG
        remedy = UNLIKE if mistake.file in known else ""
        yield mistake_finding("embed", mistake, outcome, remedy)
