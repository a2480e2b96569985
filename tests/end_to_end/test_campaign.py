"""kill -9 at random moments while the source is busy: nothing lost, nothing twice, nothing torn."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
import pytest

from tests.end_to_end.support.bank import TOTAL, amounts, create_bank, transfer
from tests.end_to_end.support.stream import Stream

KILLS = 3
WRITERS = 2


@pytest.fixture
def bank(stream: Stream) -> Stream:
    stream.settings["apply"] = {"batch_rows": 40}
    create_bank(stream)
    return stream


class Customer:
    """Moves money, and now and then an account's key, on a connection of its own."""

    def __init__(self, stream: Stream, seed: int, stopping: threading.Event) -> None:
        self._stream = stream
        self._random = random.Random(seed)
        self._stopping = stopping
        self.transactions = 0

    def __call__(self) -> None:
        with self._stream.source.connect(self._stream.schema, autocommit=False) as connection:
            while not self._stopping.is_set():
                try:
                    with connection.cursor() as cursor:
                        for statement in transfer(self._random):
                            cursor.execute(statement)
                    if self._random.random() < 0.1:
                        connection.rollback()
                    else:
                        connection.commit()
                        self.transactions += 1
                except (pymysql.err.OperationalError, pymysql.err.IntegrityError):
                    connection.rollback()  # a deadlock, or a key that is taken
                self._stopping.wait(0.002)


@contextmanager
def busy(stream: Stream, seed: int) -> Iterator[list[Customer]]:
    stopping = threading.Event()
    customers = [Customer(stream, seed + number, stopping) for number in range(WRITERS)]
    threads = [threading.Thread(target=customer) for customer in customers]
    for thread in threads:
        thread.start()
    try:
        yield customers
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


class Auditor:
    """Adds up both collections in one snapshot, again and again."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.sums: set[int] = set()
        self.audits = 0

    def audit(self) -> None:
        found = amounts(self._stream.client, self._stream.database.name)
        self.audits += 1
        self.sums.add(sum(found))

    def until(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            self.audit()


@pytest.mark.long
def test_kills_at_random_moments_leave_both_sides_equal(bank: Stream, budget: int) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed: {seed}")
    moments = random.Random(seed)
    auditor = Auditor(bank)
    bank.start()
    bank.until_caught_up()
    bank.stop()

    with busy(bank, seed) as customers:
        for _ in range(KILLS * budget):
            daemon = bank.start()
            daemon.until_logged("batch_applied")
            auditor.until(time.monotonic() + moments.uniform(0, 0.6))
            if moments.random() < 0.25:
                bank.stop()
            else:
                daemon.kill()
        bank.start()
        bank.until_streaming()
        auditor.until(time.monotonic() + 0.5)

    bank.settle()
    auditor.audit()
    print(f"{sum(each.transactions for each in customers)} commits, {auditor.audits} audits")
    assert auditor.sums == {TOTAL}
