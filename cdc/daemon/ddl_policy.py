"""Decides what a schema change of the source asks of the target, as the mappings say.

The meaning of each effect, and the mapping's key that decides on it:

    EMPTIED     rows are gone without rows events                      on_truncate
    REMOVED     so is the table, or its rows live on under another name  on_drop
    BROUGHT_IN  the rows are other ones, or other versions of them       on_alter
    REWRITTEN   some rows, or the shape of all documents, may differ     on_alter
    CASCADING   rows will change without rows events                     always halts, unless
    UNFIT       the table can no longer be followed                      cascades are logged
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from cdc.daemon.coverage import Copy, mark_covered
from cdc.daemon.repair import repair_of
from cdc.errors import RefusedEvent, Unfit
from cdc.mapping.compile.column_usage import is_about
from cdc.mapping.compile.shard_ownership import own_documents
from cdc.mapping.file.mapping import Mapping
from cdc.mapping.file.policies import NOW, SoftDelete
from cdc.model.notice import Notice, NoticeEvent, Tell, tell_nobody
from cdc.model.state_change import CollectionClear, DdlEffect, StateWrite
from cdc.model.table_name import full_name
from cdc.model.transaction import Effect, SchemaChange, TableChange, Transaction
from cdc.writers.jobs import queue_write

log = structlog.get_logger(__name__)

_KEYS: Final = {
    Effect.EMPTIED: "on_truncate",
    Effect.REMOVED: "on_drop",
    Effect.BROUGHT_IN: "on_alter",
    Effect.REWRITTEN: "on_alter",
}
_TELLS: Final = {
    Effect.EMPTIED: "every row of it is gone",
    Effect.REMOVED: "no table has its name any more",
    Effect.BROUGHT_IN: "another table has its name now",
    Effect.REWRITTEN: "its rows may have changed without rows events",
}
_CHOICES: Final = {
    "on_truncate": "apply (to take the documents away) or ignore (to keep them)",
    "on_drop": "apply (to take the documents away) or ignore (to keep them)",
    "on_alter": "resync (to bring the documents in line) or ignore (to keep them)",
}
_CASCADING: Final = "gets a foreign key by which the server changes its rows without logging it"

MappingsOf = Callable[[TableChange], Iterable[tuple[TableChange, Mapping]]]
"""Returns the mappings that follow a table; for a change of a whole schema each with its table."""


class DdlPolicy:
    """Applies the policies of one stream's mappings."""

    def __init__(
        self,
        stream: str,
        mappings_of: MappingsOf,
        *,
        require_fit: Callable[[str, str], None],
        table_exists: Callable[[str, str], bool],
        logs_cascades: Callable[[], bool],
        tell: Tell = tell_nobody,
        changed_at: MutableMapping[str, float] | None = None,
    ) -> None:
        """Decide with the help of the source, about new or doubtful tables and foreign keys.

        `require_fit` raises Unfit for a (schema, table) that cannot be followed; `table_exists`
        returns whether there is such a table now; `logs_cascades` whether row changes by foreign
        keys are logged. `changed_at` gets when the source committed a table's last change.
        """
        self._changed_at = {} if changed_at is None else changed_at
        self._require_table_fit = require_fit
        self._table_exists = table_exists
        self._stream = stream
        self._mappings_of = mappings_of
        self._logs_cascades = logs_cascades
        self._tell = tell

    def effect_of(self, change: SchemaChange, transaction: Transaction) -> DdlEffect:
        """Return the statement's effect; raises RefusedEvent if an operator must decide."""
        clears: list[CollectionClear] = []
        writes: dict[str, list[StateWrite]] = {}
        covered: list[Copy] = []
        kept: dict[tuple[str, str], str] = {}
        for named in map(self._decided, change.tables):
            for table, mapping in self._mappings_of(named):
                self._require_fit(change, table, transaction)
                policy = self._policy(change, table, mapping, transaction)
                match policy:
                    case "apply":
                        clears.append(_clear(table, mapping, transaction.committed_at))
                    case "halt":
                        clear = _clear(table, mapping, transaction.committed_at)
                        refusal = self._refusal(change, table, mapping, transaction)
                        clears.append(replace(clear, refusal=refusal))
                    case "resync":
                        writes[table.name] = self._resynced(change, table, transaction)
                if mapping.history is not None and policy in ("apply", "resync"):
                    key = "on_alter" if policy == "resync" else _KEYS[table.effect]
                    kept[mapping.history.collection, table.name] = key.removeprefix("on_")
                if _is_whole(table, policy):
                    covered.append(Copy(table.name, mapping.target))
        asked = [write for each in writes.values() for write in each]
        return DdlEffect(
            tuple(clears),
            (*asked, *mark_covered(self._stream, covered)),
            tuple((*named, action) for named, action in kept.items()),
        )

    def _decided(self, table: TableChange) -> TableChange:
        """Return the effect on a name that another table was to get, if in doubt: it may have none.

        If the other table was temporary, the one that had the name has still left it.
        """
        brought_in = table.effect is Effect.BROUGHT_IN and table.doubtful
        if brought_in and not self._table_exists(table.schema, table.table):
            return table._replace(effect=Effect.REMOVED)
        return table

    def _policy(
        self, change: SchemaChange, table: TableChange, mapping: Mapping, transaction: Transaction
    ) -> str:
        key = _KEYS.get(table.effect)
        if key is None or (table.added is not None and not is_about(mapping, table.added)):
            return ""
        policy: str = getattr(mapping, key)
        if policy == "halt":
            if key == "on_alter":
                raise self._refusal(change, table, mapping, transaction)
            return policy  # it is for existing documents, if any: the writer checks
        if policy == "apply" and table.doubtful:
            policy = self._policy_in_doubt(change, table, mapping, transaction)
        facts = {
            "statement": change.verb,
            "table": table.name,
            "effect": table.effect.value,
            "policy": f"{key}: {policy}",
            "position": str(transaction.checkpoint.position),
        }
        log.warning("schema_changed", **facts)
        self._changed_at[table.name] = transaction.committed_at
        said = f"{change.verb} of {table.name}, and its mapping says {key}: {policy}"
        self._tell(Notice(NoticeEvent.SCHEMA_CHANGE, said, facts))
        return policy

    def _policy_in_doubt(
        self, change: SchemaChange, table: TableChange, mapping: Mapping, transaction: Transaction
    ) -> str:
        """Return the policy if documents would go for a statement that may have done nothing.

        If the table is gone by now, its own DROP or RENAME follows, and removes them.
        """
        if self._table_exists(table.schema, table.table):
            return "resync"
        if mapping.on_drop == "apply":
            return "apply"
        raise RefusedEvent(
            f"{change.verb} of a followed table, or of a temporary one of its name: the table is"
            " gone by now, so that nothing tells",
            position=transaction.before,
            table=table.name,
            remedy=f"write on_truncate: ignore (to keep the documents) or on_drop: apply (to take"
            f" them away) in {mapping.origin.file} and start again",
        )

    @staticmethod
    def _refusal(
        change: SchemaChange, table: TableChange, mapping: Mapping, transaction: Transaction
    ) -> RefusedEvent:
        key = _KEYS[table.effect]
        policy = getattr(mapping, key)
        named = "a followed table"
        if table.doubtful:
            named += ", or of a temporary one of its name"
        return RefusedEvent(
            f"{change.verb} of {named}: {_TELLS[table.effect]}, and its mapping says"
            f" {key}: {policy}",
            position=transaction.before,
            table=table.name,
            remedy=f"write {key}: {_CHOICES[key]} in {mapping.origin.file} and start again;"
            " or step over the statement, and have the table resynced: cdc position skip",
        )

    def _require_fit(
        self, change: SchemaChange, table: TableChange, transaction: Transaction
    ) -> None:
        reason = self._unfit(table)
        if not reason:
            return
        raise RefusedEvent(
            f"{change.verb} of a followed table: {reason}",
            position=transaction.before,
            table=table.name,
            remedy="undo the statement on the source, or leave the table out of the mappings;"
            " then step over it: cdc position skip",
        )

    def _unfit(self, table: TableChange) -> str:
        """Return why the table can no longer be followed; an empty string if it can."""
        told = table.effect in (Effect.UNFIT, Effect.CASCADING)
        if told and not table.doubtful:
            if table.effect is Effect.UNFIT:
                return f"it {table.reason}"
            return "" if self._logs_cascades() else f"it {_CASCADING}"
        if told or table.effect is Effect.BROUGHT_IN:  # no statement has described it
            try:
                self._require_table_fit(table.schema, table.table)
            except Unfit as error:
                return error.message
        return ""

    def _resynced(
        self, change: SchemaChange, table: TableChange, transaction: Transaction
    ) -> list[StateWrite]:
        """Return the writes that queue its repair, unless one is queued and has not begun."""
        by = f"ddl: {change.verb} at {transaction.identity}"
        own = [each for other, each in self._mappings_of(table) if other.name == table.name]
        repair = repair_of(self._stream, table.name, own, by=by)
        for each in repair.left:
            log.warning("not_repaired", table=table.name, what=each)
        at = datetime.fromtimestamp(transaction.committed_at, UTC)
        return [queue_write(replace(job, requested_at=at)) for job in repair.jobs]


def _is_whole(table: TableChange, policy: str) -> bool:
    """Return whether the stream brings every row of the table, so that it needs no copy."""
    return (table.effect is Effect.CREATED and not table.doubtful) or (
        table.effect is Effect.BROUGHT_IN and policy == "resync"
    )


def _clear(table: TableChange, mapping: Mapping, committed_at: float) -> CollectionClear:
    own = own_documents(mapping, table.schema, table.table)
    name = full_name(table.schema, table.table)
    return CollectionClear(mapping.target, own, _marks(mapping, committed_at), name)


def _marks(mapping: Mapping, committed_at: float) -> dict[str, Any]:
    if not isinstance(mapping.on_delete, SoftDelete):
        return {}
    now = datetime.fromtimestamp(committed_at, UTC)
    return {name: now if value == NOW else value for name, value in mapping.on_delete.set.items()}
