"""Batches that only the primary had: the writer notices their loss, and goes on from there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bson
import pytest
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import AutoReconnect

from cdc.errors import RolledBack
from cdc.mapping.file.embed_graph import EmbedGraph
from cdc.mapping.file.mapping import Mapping
from cdc.model.batch import Batch, MappedTransaction
from cdc.model.checkpoint import Checkpoint
from cdc.model.operation import Operation, OperationKind
from cdc.model.position import FilePosition
from cdc.model.state_change import CollectionClear
from cdc.writers import durability
from cdc.writers.documents import document_id
from cdc.writers.indexes import create_indexes
from cdc.writers.namespaces import Namespaces
from cdc.writers.writer import MongoWriter
from cdc_sandbox.servers import MongoServer, mongo_server
from tests.integration.writers.support.writers import begun, writer_of
from tests.support.waiting import eventually

Document = dict[str, Any]
Client = MongoClient[Document]


class Refusal(Exception):
    """A TRUNCATE is to be refused if there is a document."""


def batch(number: int, document: Document | None = None, *, filled: bool = True) -> Batch:
    raw = bson.encode({"_id": number} if document is None else document)
    insert = Operation(OperationKind.INSERT, document_id(raw), raw)
    after = Checkpoint(FilePosition("binlog.000001", 100 * number))
    entry = MappedTransaction(str(number), after, 1.0, (("docs", [insert]),))
    return Batch((entry,), is_filled=filled)


def entry_of(made: Batch) -> MappedTransaction:
    [entry] = made.transactions
    return entry


def lose(client: Client, state_database: str, database: str, *, back_to: int) -> None:
    """Have the target as it was after a batch, as a rollback does."""
    position = Checkpoint(FilePosition("binlog.000001", 100 * back_to)).to_document()
    client[state_database]["streams"].update_one(
        {"_id": "test"}, {"$set": {"sequence": back_to, **position}}
    )
    client[database]["docs"].delete_many({"_id": {"$gt": back_to}})


@pytest.fixture
def writer(client: Client, database: str, state_database: str) -> Iterator[MongoWriter]:
    with begun(client, database, state_database) as writer:
        yield writer


def offset(checkpoint: Checkpoint | None) -> int:
    assert checkpoint is not None
    assert isinstance(checkpoint.position, FilePosition)
    return checkpoint.position.offset


def test_the_next_batch_finds_out_and_lands_nowhere(
    writer: MongoWriter, client: Client, database: str, state_database: str
) -> None:
    for number in (1, 2, 3):
        writer.apply(batch(number))
    lose(client, state_database, database, back_to=1)

    with pytest.raises(RolledBack, match="holds batch 1, and 3 was the last"):
        writer.apply(batch(4))

    assert [each["_id"] for each in client[database]["docs"].find()] == [1]
    assert offset(writer.take_over()) == 100
    for number in (2, 3, 4):
        writer.apply(batch(number, filled=False))
    assert client[database]["docs"].count_documents({}) == 4


def test_an_idle_writer_finds_out(
    writer: MongoWriter,
    client: Client,
    database: str,
    state_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(durability, "SETTLE_SECONDS", 0.0)
    writer.apply(batch(1))
    lose(client, state_database, database, back_to=0)

    with pytest.raises(RolledBack):
        writer.renew_lease()


def test_what_is_not_there_refuses_no_truncate_before_a_majority_has_it(
    writer: MongoWriter, client: Client, database: str, state_database: str
) -> None:
    writer.apply(batch(1))
    remove = Operation(OperationKind.DELETE, document_id(bson.encode({"_id": 1})), b"")
    removing = entry_of(batch(2))._replace(changes=(("docs", [remove]),))
    writer.apply(Batch((removing,), is_filled=True))
    lose(client, state_database, database, back_to=1)  # the delete is lost, the document is not
    clear = CollectionClear("docs", refusal=Refusal())  # type: ignore[arg-type]
    truncating = entry_of(batch(3))._replace(changes=(), clears=(clear,))

    with pytest.raises(RolledBack):
        writer.apply(Batch((truncating,)))


def test_a_takeover_by_force_passes_an_owner_that_renews_its_lease_all_the_time(
    writer: MongoWriter,
    client: Client,
    database: str,
    state_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = writer_of(client, database, state_database)
    seen = other.state.read_with_clock()
    writer.renew_lease()
    writer.apply(batch(1))  # between the other's look and its write
    monkeypatch.setattr(other.state, "read_with_clock", lambda: seen)

    assert offset(other.take_over(force=True)) == 100
    other.close()


def test_a_primary_that_dies_loses_batches_and_the_daemon_s_next_run_applies_them(
    database: str, state_database: str
) -> None:
    # The journal is written twice a second, so that a killed mongod does lose what came last.
    with mongo_server(options=["--journalCommitInterval=500"]) as server:
        assert isinstance(server, MongoServer)
        with server.client() as client, begun(client, database, state_database) as writer:
            client[database].create_collection("docs")
            number = 0

            def loses() -> bool:
                nonlocal number
                try:
                    for _ in range(3):
                        number += 1
                        writer.apply(batch(number))
                    server.kill()
                    server.start()
                    number += 1
                    writer.apply(batch(number, filled=False))
                except RolledBack:
                    return True
                return False

            eventually(loses, waiting_for="a mongod that loses what only it had")

            landed = offset(writer.take_over()) // 100
            assert landed < number - 1
            for each in range(landed + 1, number + 1):
                writer.apply(batch(each, filled=False))
            found = sorted(each["_id"] for each in client[database]["docs"].find())
            assert found == list(range(1, number + 1))


# -- pieces whose answer is lost


MAPPINGS = (
    Mapping.model_validate({"source": "s.users", "target": "users"}),
    Mapping.model_validate(
        {
            "source": "s.docs",
            "target": "docs",
            "embed": {"author": {"one": "users", "on": "user_id", "fields": ["name"]}},
        }
    ),
)
FIVE = b"\x12" + (5).to_bytes(8, "little")


def test_a_batch_behind_the_last_piece_of_a_debt_whose_answer_was_lost_is_applied(
    client: Client, database: str, state_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_indexes(client, Namespaces(database, state_database, "test", frozenset()), MAPPINGS)
    with begun(client, database, state_database, embeds=EmbedGraph(MAPPINGS)) as writer:
        writer.apply(batch(1, {"_id": 1, "user_id": 5}))
        debts = writer._committer.debts
        [edge] = debts._edges.values()
        debts.owe(edge, {(5,): (FIVE,)}, None)
        _lose_answers(monkeypatch, times=1)

        while writer.pay():
            pass
        writer.apply(batch(2, {"_id": 2, "user_id": 5}, filled=False))

        assert client[database]["docs"].count_documents({}) == 2
        assert not debts.owing


def test_what_another_daemon_has_left_owing_is_paid_after_a_takeover(
    client: Client, database: str, state_database: str
) -> None:
    create_indexes(client, Namespaces(database, state_database, "test", frozenset()), MAPPINGS)
    with begun(client, database, state_database, embeds=EmbedGraph(MAPPINGS)) as writer:
        assert not writer.pay()
        other = writer_of(client, database, state_database, embeds=EmbedGraph(MAPPINGS))
        other.take_over(force=True)
        debts = other._committer.debts
        [edge] = debts._edges.values()
        debts.owe(edge, {(5,): (FIVE,)}, None)
        other.close()

        writer.take_over()

        assert writer.pay()


def _lose_answers(monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """Have the next commits land, and their answers lost."""
    commit, left = ClientSession.commit_transaction, times

    def lost(session: ClientSession) -> None:
        nonlocal left
        commit(session)
        if left:
            left -= 1
            raise AutoReconnect("the answer was lost")

    monkeypatch.setattr(ClientSession, "commit_transaction", lost)
