"""What a stream has published, as its consumers read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from confluent_kafka import Message

from tests.end_to_end.support.stream import Stream
from tests.support.topics import messages, read


class Told(NamedTuple):
    """A message, its key and value as Python reads their JSON."""

    key: Any
    value: Any
    headers: dict[str, Any]

    @property
    def change(self) -> tuple[str, Any, Any]:
        """The kind of change, and the row before and after it; a tombstone is `-`."""
        if self.value is None:
            return "-", None, None
        return self.value["op"], self.value["before"], self.value["after"]

    @property
    def place(self) -> tuple[str, int]:
        """The transaction, and the number in it."""
        order = self.value["transaction"]
        return order["id"], order["total_order"]


def publish_to(stream: Stream, uri: str, **settings: Any) -> None:
    """Have a stream publish."""
    stream.settings["publish"] = {"kafka": {"bootstrap_servers": uri}, **settings}


def told(stream: Stream, table: str, *, committed: bool = True) -> list[Told]:
    """Return what a table's topic holds."""
    return [*tell(stream, table, committed=committed)]


def tell(stream: Stream, table: str, *, committed: bool = True) -> Iterator[Told]:
    """Yield what a table's topic holds."""
    return map(_told, _messages(stream, table, committed=committed))


def values(stream: Stream, table: str) -> list[bytes | None]:
    """Return the values that a table's topic holds, as they are."""
    return [each.value() for each in _messages(stream, table)]


def _messages(stream: Stream, table: str, *, committed: bool = True) -> Iterator[Message]:
    uri = stream.settings["publish"]["kafka"]["bootstrap_servers"]
    return messages(uri, f"{stream.name}.{stream.schema}.{table}", committed=committed)


def transactions(stream: Stream) -> list[Told]:
    """Return what the topic of transactions holds."""
    uri = stream.settings["publish"]["kafka"]["bootstrap_servers"]
    return [_told(each) for each in read(uri, f"{stream.name}.transaction")]


def changes(messages: Sequence[Told]) -> list[tuple[str, Any, Any]]:
    return [each.change for each in messages]


def reads(messages: Sequence[Told]) -> list[Told]:
    return [each for each in messages if each.change[0] == "r"]


def known_rows(messages: Sequence[Told]) -> dict[int, Any]:
    """Return the rows that a consumer knows who has taken them all, by their key `id`.

    Require of each read that it is the row as the messages before it have left it.
    """
    known: dict[int, Any] = {}
    for each in messages:
        kind, _, after = each.change
        key = each.key["id"]
        if kind == "r" and key in known:
            assert after == known[key], f"{each.value} is older than what is before it"
        if kind != "-":
            known[key] = after
    return {key: after for key, after in known.items() if after is not None}


def _told(message: Message) -> Told:
    key, value = message.key(), message.value()
    pairs = cast("list[tuple[str, bytes]]", message.headers() or [])
    headers = {name: json.loads(content) for name, content in pairs}
    return Told(json.loads(key or b"null"), None if value is None else json.loads(value), headers)


def assert_told_in_order(messages: Sequence[Told], keys: Sequence[int], *, replays: int) -> None:
    """Require each key's change at least once, and that what comes again comes in order.

    The keys are of rows that were inserted in this order. `replays` is how often at most the
    stream went back: from there on, all is told again.
    """
    order = {key: at for at, key in enumerate(keys)}
    found = [order[each.key["id"]] for each in messages]
    assert sorted(set(found)) == list(range(len(keys)))
    gone_back = [at for at in range(1, len(found)) if found[at] <= found[at - 1]]
    assert len(gone_back) <= replays, found
    steps = [found[at] - found[at - 1] for at in range(1, len(found)) if at not in gone_back]
    assert set(steps) <= {1}, found
    assert found[0] == 0
