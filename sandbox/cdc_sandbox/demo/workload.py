"""Random transactions on the demo's tables, of every kind that a source can see."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

from cdc_sandbox.demo.connections import Connection, Cursor
from cdc_sandbox.demo.generate import invented_tweets
from cdc_sandbox.demo.languages import languages
from cdc_sandbox.demo.loader import upsert_tweets, upsert_users
from cdc_sandbox.demo.rows import ROLE, TweetRow, UserRow, tweet_row, unusable_password, user_row

_FIRST_TWEET_ID = 1 << 42
_FIRST_USER_ID = 1 << 44
_FIRST_MOVED_ID = 1 << 52
_FIRST_HUGE_ID = 1 << 63  # a BIGINT UNSIGNED that no signed integer holds
_STEADY_TWEETS = 3_000
_YEAR = timedelta(days=365)
_ONE_OF_NOW = 100  # of so many new tweets one is of this moment: every few seconds
_MILLISECOND = timedelta(milliseconds=1)  # what a BSON date can tell apart


@dataclass(frozen=True, slots=True)
class Sighting:
    """What shows that a transaction has arrived: its user's `updated_at`, or a later one.

    `committed_at` is `time.monotonic` just before the COMMIT was sent.
    """

    user_id: int
    updated_at: datetime
    committed_at: float


@dataclass(slots=True)
class Counts:
    """How many rows were inserted, updated and deleted, in how many transactions."""

    transactions: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def rows(self) -> int:
        """Return the rows changed in any way."""
        return self.inserted + self.updated + self.deleted

    def add(self, other: Counts) -> None:
        """Take another's numbers in."""
        self.transactions += other.transactions
        self.inserted += other.inserted
        self.updated += other.updated
        self.deleted += other.deleted


class Workload:
    """Transactions on one connection; it must be the only one that writes to the tables."""

    def __init__(self, connection: Connection, *, seed: int) -> None:
        """Look at what the tables hold; the seed decides all that follows."""
        self.counts = Counts()
        self._connection = connection
        self._rng = Random(seed)
        self._new_tweets = invented_tweets(seed, first_id=_FIRST_TWEET_ID)
        self._users = self._ids("users")
        self._tweets = self._ids("tweets")
        self._guests: list[int] = []
        self._guests_made = 0
        self._moves = 0
        self._stamp = datetime.min

    def step(self) -> Sighting | None:
        """Commit (or roll back) one random transaction; how to see it arrive, if it can be seen."""
        kinds: list[tuple[int, Callable[[Cursor, Counts], int | None]]] = [
            (6 if len(self._tweets) < _STEADY_TWEETS else 2, self._publish),
            (6, self._like),
            (3, self._follow),
            (1, self._rename),
            (3, self._delete),
            (2, self._move),
            (1, self._move_far),
            (2, self._mix),
            (2, self._welcome_or_dismiss),
            (1, self._change_of_mind),
        ]
        weights, changes = zip(*kinds, strict=True)
        return self._run(self._rng.choices(changes, weights)[0])

    def one_of_each(self) -> None:
        """Commit one transaction of every kind."""
        for change in (
            *(self._publish, self._like, self._follow, self._rename, self._delete),
            *(
                self._move,
                self._move_far,
                self._mix,
                self._welcome_or_dismiss,
                self._welcome_or_dismiss,
                self._change_of_mind,
            ),
        ):
            self._run(change)

    def last_word(self) -> Sighting:
        """Commit a transaction that can be seen to arrive, after all the others."""
        sighting = self._run(self._follow)
        assert sighting is not None
        return sighting

    def _run(self, change: Callable[[Cursor, Counts], int | None]) -> Sighting | None:
        counts = Counts()
        try:
            user_id = change(self._connection.cursor(), counts)
            committed_at = time.monotonic()
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        counts.transactions = bool(counts.rows)
        self.counts.add(counts)
        if user_id is None:
            return None
        return Sighting(user_id, self._stamp, committed_at)

    def _publish(self, cursor: Cursor, counts: Counts) -> int:
        """Insert a few tweets, their authors' counters with them."""
        return self._insert_tweets(cursor, counts, self._rng.randrange(1, 6))

    def _like(self, cursor: Cursor, counts: Counts) -> None:
        """Change several rows in one statement."""
        ids = self._pick(self._rng.randrange(1, 9))
        if ids:
            counts.updated += cursor.execute(
                "UPDATE twitter.tweets SET retweet_count = COALESCE(retweet_count, 0) + 1,"
                " favorited = NOT favorited, updated_at = %s WHERE id IN %s",
                (self._now(), ids),
            )

    def _follow(self, cursor: Cursor, counts: Counts) -> int:
        """Change one user's profile and counters."""
        user_id = self._rng.choice(self._users)
        description = self._rng.choice((None, *self._rng.choice(languages()).sentences))
        counts.updated += cursor.execute(
            "UPDATE twitter.users SET followers_count = followers_count + 1,"
            " verified = NOT verified, description = %s, updated_at = %s WHERE id = %s",
            (description, self._now(), user_id),
        )
        return user_id

    def _rename(self, cursor: Cursor, counts: Counts) -> int:
        """Change one user's display name, which all of their tweets embed."""
        # Ids of the portal's customers are higher: nobody but they themselves renames them.
        user_id = self._rng.choice([each for each in self._users if each < _FIRST_USER_ID])
        name = self._rng.choice(self._rng.choice(languages()).people)
        counts.updated += cursor.execute(
            "UPDATE twitter.users SET name = %s, updated_at = %s WHERE id = %s",
            (name, self._now(), user_id),
        )
        return user_id

    def _delete(self, cursor: Cursor, counts: Counts) -> None:
        """Delete a few tweets, all in one statement."""
        ids = self._pick(self._rng.randrange(1, 4))
        if ids:
            counts.deleted += cursor.execute("DELETE FROM twitter.tweets WHERE id IN %s", (ids,))
            self._tweets = [each for each in self._tweets if each not in ids]

    def _move(self, cursor: Cursor, counts: Counts) -> None:
        """Change a tweet's primary key."""
        self._change_key(cursor, counts, _FIRST_MOVED_ID)

    def _move_far(self, cursor: Cursor, counts: Counts) -> None:
        """Change a tweet's primary key to one above 2^63-1."""
        self._change_key(cursor, counts, _FIRST_HUGE_ID)

    def _mix(self, cursor: Cursor, counts: Counts) -> int:
        """Insert, update and delete in both tables, in one transaction."""
        self._like(cursor, counts)
        self._delete(cursor, counts)
        self._insert_tweets(cursor, counts, 3)
        self._change_key(cursor, counts, _FIRST_MOVED_ID)
        return self._follow(cursor, counts)

    def _welcome_or_dismiss(self, cursor: Cursor, counts: Counts) -> None:
        """Insert a user who never tweets, or delete the last of them."""
        if self._guests:
            guest = self._guests.pop()
            counts.deleted += cursor.execute("DELETE FROM twitter.users WHERE id = %s", (guest,))
            return
        self._guests_made += 1
        guest = _FIRST_USER_ID + self._guests_made
        upsert_users(cursor, [self._guest(guest)])
        counts.inserted += 1
        self._guests.append(guest)

    def _change_of_mind(self, cursor: Cursor, counts: Counts) -> None:
        """Roll a transaction back: nothing of it may ever be seen."""
        cursor.execute("UPDATE twitter.tweets SET text = 'rolled back' ORDER BY id LIMIT 3")
        cursor.execute("DELETE FROM twitter.tweets ORDER BY id DESC LIMIT 3")
        self._connection.rollback()

    def _insert_tweets(self, cursor: Cursor, counts: Counts, number: int) -> int:
        documents = list(islice(self._new_tweets, number))
        now = self._now()
        authors = {row.id: row._replace(updated_at=now) for row in map(user_row, documents)}
        tweets = [
            row._replace(created_at=self._dated(authors[row.user_id], now), updated_at=now)
            for row in map(tweet_row, documents)
        ]
        self._write(cursor, counts, authors, tweets)
        return tweets[-1].user_id

    def _write(
        self, cursor: Cursor, counts: Counts, authors: dict[int, UserRow], tweets: list[TweetRow]
    ) -> None:
        upsert_users(cursor, authors.values())
        upsert_tweets(cursor, tweets)
        newcomers = authors.keys() - set(self._users)
        self._users += newcomers
        self._tweets += [tweet.id for tweet in tweets]
        counts.inserted += len(tweets) + len(newcomers)
        counts.updated += len(authors) - len(newcomers)

    def _change_key(self, cursor: Cursor, counts: Counts, first: int) -> None:
        for old in self._pick(1):
            self._moves += 1
            new = first + self._moves
            counts.updated += cursor.execute(
                "UPDATE twitter.tweets SET id = %s, updated_at = %s WHERE id = %s",
                (new, self._now(), old),
            )
            self._tweets[self._tweets.index(old)] = new

    def _guest(self, user_id: int) -> UserRow:
        return UserRow(
            id=user_id,
            screen_name=f"guest_{self._guests_made}",
            name="Somebody Else",
            password=unusable_password(user_id),
            role=ROLE,
            description=None,
            location=None,
            lang=None,
            followers_count=0,
            friends_count=0,
            statuses_count=0,
            verified=False,
            created_at=self._now(),
            updated_at=self._now(),
        )

    def _dated(self, author: UserRow, now: datetime) -> datetime:
        """Return when a tweet was written: nearly always on some day since its author registered.

        Were all of now, this day would have thousands and each before it one: soon the demo's
        history would be a single bar.
        """
        since = max(author.created_at, now - _YEAR)
        if since > now or self._rng.randrange(_ONE_OF_NOW) == 0:
            return now
        return (since + (now - since) * self._rng.random()).replace(microsecond=0)

    def _pick(self, number: int) -> list[int]:
        return self._rng.sample(self._tweets, min(number, len(self._tweets)))

    def _now(self) -> datetime:
        """Return the time, always later than the last by what a BSON date can tell apart."""
        self._stamp = max(datetime.now(UTC).replace(tzinfo=None), self._stamp + _MILLISECOND)
        return self._stamp

    def _ids(self, table: str) -> list[int]:
        cursor = self._connection.cursor()
        cursor.execute(f"SELECT id FROM twitter.{table} ORDER BY id")
        ids = [row[0] for row in cursor.fetchall()]
        self._connection.commit()
        return ids
