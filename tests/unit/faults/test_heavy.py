from __future__ import annotations

import hashlib
import random
import re

from tests.faults import heavy

DOCUMENT_BYTES = 16 * 1024 * 1024


def sizes(statement: str) -> list[int]:
    """Return the bytes of each row of a statement that repeats a text and binary data."""
    return [
        len(text.encode()) * int(times) + len(data) // 2 * int(more)
        for text, times, data, more in re.findall(
            r"REPEAT\('(.+?)', (\d+)\), REPEAT\(X'(.+?)', (\d+)\)", statement
        )
    ]


def test_rows_are_as_large_as_they_are_to_be() -> None:
    chance = random.Random(7)

    statements = [each for _ in range(400) for each in heavy.statements(chance)]

    fit, fit_not = (
        [size for each in statements if f"INTO {table} " in each for size in sizes(each)]
        for table in (heavy.CALM, heavy.OVERSIZED)
    )
    assert 14_900_000 < max(fit) < DOCUMENT_BYTES
    assert DOCUMENT_BYTES < max(fit_not) <= heavy.LARGEST_EVENT // 2


def test_each_transaction_marks_what_it_logs() -> None:
    chance = random.Random(7)

    for _ in range(200):
        first, *_ = heavy.statements(chance)
        assert first.startswith(f"UPDATE {heavy.MARKS} SET written")


def test_a_transaction_has_200_mb_and_a_part_of_some_is_rolled_back() -> None:
    chance = random.Random(7)

    seen = [[*heavy.transaction(chance)] for _ in range(20)]

    rolled_back = [each for each in seen if any(text.startswith("ROLLBACK TO") for text in each)]
    assert 0 < len(rolled_back) < len(seen)
    for each in seen:
        assert 99_000_000 < sum(size for text in each for size in sizes(text)) < 120_000_000
        assert each[-1] == heavy.mark(2, heavy.HEAP_BYTES)


def test_digests_are_those_of_the_source() -> None:
    assert heavy.digest(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert heavy.digest(None) is None
