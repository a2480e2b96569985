"""Two tables between which money moves: the sum over both is constant."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from tests.end_to_end.support.stream import Stream

ACCOUNTS: Final = 20
OPENING_BALANCE: Final = 1_000
BANK: Final = ("savings", "current")
TOTAL: Final = len(BANK) * ACCOUNTS * OPENING_BALANCE


def create_bank(stream: Stream) -> None:
    """Create the tables, and follow them."""
    for table in BANK:
        stream.table(table, "id INT NOT NULL PRIMARY KEY, amount INT NOT NULL, note TEXT")
        rows = ",".join(f"({n}, {OPENING_BALANCE}, '')" for n in range(ACCOUNTS))
        stream.sql(f"INSERT INTO {table} VALUES {rows}")


def transfer(chance: random.Random) -> Iterator[str]:
    """Yield a transaction that moves money, and now and then an account's key."""
    giver, taker = chance.sample(BANK, 2)
    one, other = chance.randrange(ACCOUNTS), chance.randrange(ACCOUNTS)
    amount = chance.randrange(100)
    if chance.random() < 0.1:
        yield f"UPDATE {giver} SET id = id + {ACCOUNTS} WHERE id = {one}"
        yield f"UPDATE {giver} SET id = id - {ACCOUNTS} WHERE id = {one + ACCOUNTS}"
    if chance.random() < 0.1:
        # Close an account and open it again under another note: the money stays.
        yield f"SELECT @amount := amount FROM {giver} WHERE id = {one} FOR UPDATE"
        yield f"DELETE FROM {giver} WHERE id = {one}"
        yield f"INSERT INTO {giver} VALUES ({one}, @amount, 'opened again')"
    # Whether both accounts exist decides whether anything moves.
    yield (
        f"UPDATE {giver} g JOIN {taker} t ON g.id = {one} AND t.id = {other}"
        f" SET g.amount = g.amount - {amount}, t.amount = t.amount + {amount}"
    )


def amounts(client: MongoClient[dict[str, Any]], database: str) -> list[int]:
    """Return the amounts of all accounts in one snapshot of the target."""
    with client.start_session() as session, session.start_transaction(ReadConcern("snapshot")):
        return [
            document["amount"]
            for table in BANK
            for document in client[database][table].find(session=session)
        ]
