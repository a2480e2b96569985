"""An event that is damaged on the way is asked for again, once; damage that stays stops the daemon.

The byte is flipped in a packet on its way from the source, behind whatever checked it there.
"""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator

import pytest

from tests.end_to_end.support.command import Command
from tests.end_to_end.support.halting import halted
from tests.end_to_end.support.proxy import Link, Proxy
from tests.end_to_end.support.stream import Stream
from tests.end_to_end.support.typed import commands, typed
from tests.support.waiting import eventually

MARK = b"damage me"
HEADER = 4
TYPE_AT = HEADER + 5
"""Where an event tells its type: behind the OK byte and its time."""
HEARTBEATS = {27, 41}
NOTICED_SECONDS = 60

pytestmark = pytest.mark.parametrize("stream", ["mysql-gtid", "mariadb-file"], indirect=True)


class Damage:
    """Flips a bit of a text that a row holds, as often as it is told."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.done = 0

    def __call__(self, data: bytes, _: Link) -> bytes:
        if MARK not in data or not self.left:
            return data
        self.left -= 1
        self.done += 1
        return data.replace(MARK, MARK[:-1] + bytes([MARK[-1] ^ 1]))


class Lengthened:
    """Flips a high bit in the length of one heartbeat's packet, so that it becomes megabytes."""

    def __init__(self) -> None:
        self.done = threading.Event()

    def __call__(self, data: bytes, _: Link) -> bytes:
        is_heartbeat = len(data) > HEADER and data[HEADER] == 0 and data[TYPE_AT] in HEARTBEATS
        if not is_heartbeat or self.done.is_set():
            return data
        self.done.set()
        return data[:2] + bytes([data[2] ^ 0x80]) + data[3:]


@pytest.fixture
def proxy(stream: Stream) -> Iterator[Proxy]:
    with Proxy(stream.source.port) as proxy:
        yield proxy


@pytest.fixture
def notes(stream: Stream, proxy: Proxy) -> Stream:
    stream.proxied_source(proxy.port)
    stream.table("notes", "id INT NOT NULL PRIMARY KEY, word VARCHAR(20)")
    stream.sql("INSERT INTO notes VALUES (1, 'sound')")
    return stream


def insert_the_mark(notes: Stream) -> None:
    """Have it come on the link that is there: what looks the log up would meet it too."""
    notes.until_caught_up()
    # A literal would pass in an annotation of the statement too, as an event of its own.
    notes.sql(f"SET @mark = 0x{MARK.hex()}", "INSERT INTO notes VALUES (2, @mark)")


def test_an_event_damaged_once_is_read_again(notes: Stream, proxy: Proxy) -> None:
    proxy.replies = damage = Damage(times=1)
    notes.start()

    insert_the_mark(notes)

    notes.settle()
    assert damage.done == 1
    assert notes.daemon.events("event_damaged")


def test_what_is_damaged_for_good_is_stepped_over(notes: Stream, proxy: Proxy) -> None:
    proxy.replies = Damage(times=-1)
    notes.start(ledger=False)
    insert_the_mark(notes)
    said = halted(notes.daemon)
    [command] = [each for each in commands(said["remedy"]) if each.startswith("cdc ")]

    stepped = typed(command)

    assert stepped.returncode == 0, stepped.stderr
    assert "an event is damaged" in stepped.stdout
    proxy.replies = lambda data, _: data
    notes.start(ledger=False)
    notes.until_caught_up()
    verified = Command(notes, "verify")
    assert verified.returncode == 0, verified.stderr
    notes.assert_same_content()


def test_an_event_that_stays_damaged_stops_the_daemon(notes: Stream, proxy: Proxy) -> None:
    proxy.replies = damage = Damage(times=-1)
    notes.start()

    insert_the_mark(notes)

    said = halted(notes.daemon)
    assert damage.done >= 2
    assert len(notes.daemon.events("event_damaged")) == 1
    assert said["position"]
    assert notes.documents("notes") == {1: {"word": "sound"}}
    proxy.replies = lambda data, _: data
    notes.start()
    notes.settle()


def test_a_length_that_is_damaged_is_not_filled_with_heartbeats(
    notes: Stream, proxy: Proxy
) -> None:
    """It became 8 MB: the link seemed alive for hours, and nothing was read any more."""
    notes.settings["http"] = {"listen": "127.0.0.1:0"}
    notes.start()
    notes.until_caught_up()
    port = notes.daemon.until_logged("http_listening")["port"]

    proxy.replies = lengthened = Lengthened()
    assert lengthened.done.wait(NOTICED_SECONDS)

    said = eventually(
        lambda: notes.daemon.events("event_damaged"), NOTICED_SECONDS, waiting_for="the damage"
    )
    assert said is not None
    assert "packet" in said[0]["error"]
    notes.sql("INSERT INTO notes VALUES (3, 'later')")
    notes.settle()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
        assert answer.status == 200


def until_one_more(notes: Stream, event: str) -> None:
    before = len(notes.daemon.events(event))
    eventually(lambda: len(notes.daemon.events(event)) > before, waiting_for=f"one more {event}")


def test_damage_on_an_idle_link_counts_once_only_while_it_stays(
    notes: Stream, proxy: Proxy
) -> None:
    notes.start()
    notes.until_caught_up()
    for _ in range(3):
        proxy.replies = Lengthened()
        until_one_more(notes, "event_damaged")
        until_one_more(notes, "history_proved_again")

    notes.sql("INSERT INTO notes VALUES (3, 'later')")

    notes.settle()
