"""The rows that are replicated: the demo's invented tweets, nine tenths with JSON of their own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from cdc_sandbox.demo.generate import invented_tweets
from cdc_sandbox.demo.rows import TweetRow, tweet_row

SEED = 2010
REPEATED_SHARE = 0.1
"""The share of rows whose `entities` may repeat; most real ones differ."""


def tweets(seed: int = SEED, *, first_id: int) -> Iterator[TweetRow]:
    """Yield rows without end; at least nine tenths of `entities` occur once."""
    seen: set[int] = set()
    yielded = repeated = 0
    for document in invented_tweets(seed, first_id=first_id):
        row = tweet_row(document)
        digest = hash(row.entities)
        if digest in seen:
            if repeated + 1 > REPEATED_SHARE * yielded:
                continue
            repeated += 1
        seen.add(digest)
        yielded += 1
        yield row


def batches(rows: Iterator[TweetRow], *, total: int, size: int) -> Iterator[list[TweetRow]]:
    """Yield `total` rows in lists of `size`."""
    rows = islice(rows, total)
    while batch := list(islice(rows, size)):
        yield batch
