"""Sends writes so that every document embeds what the collections hold behind them.

Children come before parents. What a collection held before its writes is read in the same
transaction; from the two follows which parents to write, with values that are read then.
`docs/architecture.md` has the argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from pymongo.client_session import ClientSession
from pymongo.database import Database

from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.model.document_id import comparable
from cdc.model.operation import Operation, OperationKind
from cdc.writers.collections import Collections
from cdc.writers.commands import Command, Marking, split
from cdc.writers.documents import document_id
from cdc.writers.embedding.bson_paths import AtPaths, set_in_place
from cdc.writers.embedding.debts import Debt, Debts
from cdc.writers.embedding.edges import Edge
from cdc.writers.embedding.links import Key, Values, link
from cdc.writers.embedding.lookup import Lookup
from cdc.writers.embedding.refusals import refusal_of
from cdc.writers.embedding.setting import Setting
from cdc.writers.embedding.splicing import spliced
from cdc.writers.embedding.terms import Outcome, Terms, Unembeddable
from cdc.writers.errors import Refused
from cdc.writers.marks import marked
from cdc.writers.sync_timestamps import SyncTimestamps

Document = dict[str, Any]

PIECE: Final = 1_000
"""Documents of a debt that are derived in a transaction: the stream waits for no more of them."""

Send = Callable[[Command], None]
"""Sends a command in the transaction; raises what the target refuses."""


@dataclass(slots=True)
class Change:
    """A document before the transaction and as it is now; None if there is none."""

    before: bytes | None
    after: bytes | None


Changes = dict[object, Change]
"""By the documents' ids, as MongoDB compares them."""

_UNSEEN: Final = Change(None, None)
"""Of a document that nothing embeds: that it was written is all that is asked."""


@dataclass(slots=True)
class _Work:
    """A transaction at work: what its collections were and are, children before parents."""

    lookup: Lookup
    send: Send
    terms: Terms
    changed: dict[str, Changes] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)


class Embedder:
    """The embeds of one stream's collections."""

    def __init__(
        self,
        graph: EmbedGraph,
        collections: Collections,
        states: Database[Document],
        stream: str,
        stamps: SyncTimestamps,
    ) -> None:
        """Take the graph of a loaded project, which has no circle; `states` has what is owed."""
        self._order = graph.children_first()
        self._below = {name: tuple(map(Edge.of, graph.below(name))) for name in self._order}
        self._above = {name: tuple(map(Edge.of, graph.above(name))) for name in self._order}
        self._collections = collections
        self._stamps = stamps
        edges = {edge.name: edge for edges in self._below.values() for edge in edges}
        self.debts = Debts(states, stream, edges)

    def concerns(self, collections: Iterable[str]) -> bool:
        """Return whether one of the collections embeds or is embedded."""
        return not self._below.keys().isdisjoint(collections)

    def send(
        self, commands: Sequence[Command], session: ClientSession, send: Send, terms: Terms
    ) -> Outcome:
        """Send the commands, and what follows from them, in the transaction of `session`.

        Raises Unembeddable if the target refuses a document for what it embeds.
        """
        for command in commands:
            if command.collection not in self._below:
                send(command)
        work = _Work(Lookup(self._collections, session, self._stamps), send, terms)
        for name in self._order:
            own = [
                part
                for command in commands
                if command.collection == name
                for part in _whole(command, work.lookup)
            ]
            changes = self._write(name, own, work)
            self._derive(name, self._parents(name, changes, work), changes, work)
            work.changed[name] = changes
        return work.outcome

    def pay(
        self, debt: Debt, session: ClientSession, send: Send, terms: Terms, count: int = PIECE
    ) -> Outcome:
        """Derive the next `count` documents of a debt in the transaction of `session`.

        Raises what `send` does.
        """
        work = _Work(Lookup(self._collections, session, self._stamps), send, terms)
        owed = work.lookup.owed(debt, count)
        for name in self._order:
            changes: Changes = {}
            touched = self._parents(name, changes, work)
            if name == debt.edge.parent:
                touched |= {comparable(document_id(raw)): raw for raw in owed}
            self._derive(name, touched, changes, work)
            work.changed[name] = changes
        is_end = len(owed) < count
        self.debts.paid(debt, None if is_end else document_id(owed[-1]), session)
        return work.outcome

    def _write(self, name: str, commands: Sequence[Command], work: _Work) -> Changes:
        """Send a collection's own writes, spliced; return what they change."""
        changes = self._before(name, commands, work.lookup)
        for command in self._spliced(name, commands, work):
            self._send(name, command, work)
            if not self._above[name]:
                changes |= dict.fromkeys(_keys(command), _UNSEEN)
                continue
            for operation in command.operations:
                key, after = comparable(operation.id), operation.document or None
                if (change := changes.get(key)) is None:
                    changes[key] = Change(None, after)
                else:
                    change.after = after
        if self._below[name]:
            work.outcome.decide(name, changes.keys())
        return changes

    def _send(self, name: str, command: Command, work: _Work, *, derived: bool = False) -> None:
        try:
            work.send(command)
        except Refused as refused:
            known = work.terms.refused.get((name, comparable(refused.id)))
            refusal = refusal_of(refused, self._below[name], known, derived=derived)
            if refusal is None:
                raise
            raise Unembeddable((name, comparable(refused.id)), refusal) from refused

    def _before(self, name: str, commands: Sequence[Command], lookup: Lookup) -> Changes:
        """Return what the commands find there; an insert finds nothing, or it is refused."""
        if not self._above[name]:
            return {}
        ids = [
            operation.id
            for command in commands
            if command.kind is not OperationKind.INSERT
            for operation in command.operations
        ]
        return {key: Change(raw, raw) for key, raw in lookup.by_id(name, ids).items()}

    def _spliced(self, name: str, commands: Sequence[Command], work: _Work) -> Iterator[Command]:
        """Yield the commands with each document's embedded values in it."""
        edges = self._below[name]
        for command in commands:
            if not edges or command.kind is OperationKind.DELETE:
                yield command
                continue
            documents = [each.document for each in command.operations]
            made = spliced(documents, edges, work.lookup, work.terms.refused)
            operations = []
            for operation, each in zip(command.operations, made, strict=True):
                operations.append(Operation(operation.kind, operation.id, each.document))
                if each.left_out:
                    work.outcome.left_out.extend(each.left_out)
            yield from split(name, command.kind, operations)

    def _parents(self, name: str, own: Changes, work: _Work) -> dict[object, bytes]:
        """Return the documents that embed what was written and were not; too many are owed."""
        found: dict[object, bytes] = {}
        at_once = work.terms.at_once
        for edge in self._below[name]:
            keys = _touched(edge, work.changed[edge.child])
            if edge.is_by_id:  # what was written has its values, and need not be looked for
                keys = {key: values for key, values in keys.items() if key[0] not in own}
            parents = [*islice(work.lookup.parents(edge, keys), at_once + 1)] if keys else []
            if len(parents) > at_once:
                self.debts.owe(edge, keys, work.lookup.session)
                continue
            found |= {comparable(document_id(raw)): raw for raw in parents}
        return {key: raw for key, raw in found.items() if key not in own}

    def _derive(
        self, name: str, found: Mapping[object, bytes], changes: Changes, work: _Work
    ) -> None:
        """Write what the documents embed now, and add those that it makes others to `changes`."""
        made = spliced([*found.values()], self._below[name], work.lookup, work.terms.refused)
        derived: dict[object, Change] = {}
        values: list[AtPaths] = []
        for (key, raw), each in zip(found.items(), made, strict=True):
            work.outcome.left_out.extend(each.left_out)
            if each.document != raw and not each.stays:
                derived[key] = Change(raw, each.document)
                values.append(each.values)
        for command in _derivation(name, derived.values(), values, apart=work.terms.apart):
            self._send(name, command, work, derived=True)
        changes |= derived
        work.outcome.decide(name, found.keys())


def _keys(command: Command) -> list[object]:
    return [comparable(operation.id) for operation in command.operations]


def _derivation(
    name: str, changes: Iterable[Change], values: Iterable[AtPaths], *, apart: bool
) -> Iterator[Command]:
    """Yield the commands that change documents, by `$set` of the values if that gives the same."""
    fields: dict[bytes, bytes] = {}
    sets: list[Operation] = []
    replaces: list[Operation] = []
    for change, at_paths in zip(changes, values, strict=True):
        assert change.before is not None
        assert change.after is not None
        operation = Operation(OperationKind.REPLACE, document_id(change.before), change.after)
        found = set_in_place(change.before, change.after, at_paths)
        if found is None:
            replaces.append(operation)
        else:
            fields[operation.id] = found
            sets.append(operation)
    for command in split(name, OperationKind.REPLACE, sets):
        yield Setting(name, command.kind, command.operations, fields, apart)
    yield from split(name, OperationKind.REPLACE, replaces)


def _whole(command: Command, lookup: Lookup) -> Iterator[Command]:
    """Yield a command; one that marks documents as the replaces that do the same."""
    if not isinstance(command, Marking):
        yield command
        return
    found = lookup.by_id(command.collection, [each.id for each in command.operations])
    replaces = [
        Operation(OperationKind.REPLACE, document_id(raw), marked(raw, command.marks))
        for raw in found.values()
    ]
    yield from split(command.collection, OperationKind.REPLACE, replaces)


def _touched(edge: Edge, changes: Changes) -> dict[Key, Values]:
    """Return the links of which the embedded documents are others now."""
    keys: dict[Key, Values] = {}
    for change in changes.values():
        before, after = change.before, change.after
        if before and after and edge.depends_on(before) == edge.depends_on(after):
            continue
        for raw in (before, after):
            if raw is not None and (linked := link(raw, edge.theirs)) is not None:
                keys[linked[0]] = linked[1]
    return keys
