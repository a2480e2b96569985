from __future__ import annotations

from typing import Any

import pytest

from cdc_sandbox.demo.connections import Connection
from cdc_sandbox.demo.generate import A_DAY
from cdc_sandbox.demo.loader import load
from cdc_sandbox.demo.sample import Sample
from cdc_sandbox.demo.workload import Workload


@pytest.fixture
def loaded(connection: Connection) -> Connection:
    load(connection, Sample.invented(until=A_DAY).first_half())
    return connection


def one(connection: Connection, statement: str) -> Any:
    cursor = connection.cursor()
    cursor.execute(statement)
    [value] = cursor.fetchone()
    connection.commit()
    return value


def rows(connection: Connection) -> int:
    users = one(connection, "SELECT COUNT(*) FROM twitter.users")
    tweets = one(connection, "SELECT COUNT(*) FROM twitter.tweets")
    return int(users + tweets)


def test_every_kind_changes_rows_and_makes_an_id_above_what_is_signed(loaded: Connection) -> None:
    workload = Workload(loaded, seed=1)

    workload.one_of_each()

    counts = workload.counts
    assert min(counts.transactions, counts.inserted, counts.updated, counts.deleted) > 0
    assert one(loaded, "SELECT MAX(id) FROM twitter.tweets") >= 2**63


def test_it_counts_the_rows_that_come_and_go(loaded: Connection) -> None:
    before = rows(loaded)
    workload = Workload(loaded, seed=2)

    for _ in range(300):
        workload.step()

    assert rows(loaded) - before == workload.counts.inserted - workload.counts.deleted


def test_what_is_rolled_back_is_not_there(loaded: Connection) -> None:
    workload = Workload(loaded, seed=3)

    for _ in range(300):
        workload.step()

    assert one(loaded, "SELECT COUNT(*) FROM twitter.tweets WHERE text = 'rolled back'") == 0


def test_the_last_word_is_the_latest_change_of_its_user(loaded: Connection) -> None:
    workload = Workload(loaded, seed=4)
    workload.one_of_each()

    said = workload.last_word()

    newest = "SELECT MAX(updated_at) FROM twitter.users"
    assert one(loaded, f"{newest} WHERE id = {said.user_id}") == said.updated_at
    assert one(loaded, newest) == said.updated_at


def test_new_tweets_are_of_many_days_and_some_of_now(loaded: Connection) -> None:
    cursor = loaded.cursor()
    cursor.execute("TRUNCATE TABLE twitter.tweets")
    loaded.commit()
    workload = Workload(loaded, seed=5)
    for _ in range(600):
        workload.step()

    tweets = one(loaded, "SELECT COUNT(*) FROM twitter.tweets")
    days = one(loaded, "SELECT COUNT(DISTINCT DATE(created_at)) FROM twitter.tweets")
    today = one(
        loaded,
        "SELECT COUNT(*) FROM twitter.tweets WHERE created_at >= UTC_TIMESTAMP() - INTERVAL 1 DAY",
    )
    early = one(
        loaded,
        "SELECT COUNT(*) FROM twitter.tweets JOIN twitter.users ON users.id = user_id"
        " WHERE tweets.created_at < users.created_at",
    )

    assert tweets > 200
    assert days > 100
    assert 0 < today < tweets / 10
    assert early == 0
