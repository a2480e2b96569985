"""What the source has committed since the campaign began, whatever it has lost or purged since."""

from __future__ import annotations

from collections.abc import Callable

from cdc_sandbox.servers import MySQLServer
from tests.end_to_end.support.halting import history_of
from tests.end_to_end.support.history import History, expanded, sequences
from tests.end_to_end.support.stream import LEDGER_NAME, Stream


class Committed:
    """The identities of transactions, by the source's own account."""

    def __init__(self, stream: Stream, history: Callable[[MySQLServer], History]) -> None:
        self._stream = stream
        self._history = history
        self._before = set[str]()
        self._skipped = set[str]()
        self.is_whole = True
        """Whether the stream has to apply all, from the campaign's beginning on."""

    def all(self) -> set[str]:
        """Return all that was committed and is in the source's history."""
        return self._before | self._stream.history.committed()

    def wanted(self) -> set[str]:
        """Return all that the stream has to apply."""
        return self.all() - self._skipped

    def keep(self, purged: set[str]) -> None:
        """Go on wanting what the source's log no longer tells, since it was purged."""
        self._before |= purged

    def begin_anew(self, kept: set[str]) -> None:
        """Take the source, which commits nothing now, as it is: the position was just set.

        `kept` is what it has of what it told earlier. What was applied beyond that is not applied;
        and what was not applied until now never will be.
        """
        self.is_whole = False
        ledger = self._stream.state[LEDGER_NAME]
        gone = list(set(self._stream.ledger()) - kept)
        ledger.delete_many({"$or": [{"_id": {"$in": gone}}, {"identity": {"$in": gone}}]})
        self._before = self.all() | kept
        self._skipped |= self._before - set(self._stream.ledger())
        state = self._stream.state_document()
        assert state is not None
        position = state["position"] or state["copying"]["position"]
        self._history = history_of(position)
        self._stream.history = self._history(self._stream.source)

    def go_on_with(self, source: MySQLServer, before: set[str]) -> set[str]:
        """Take another server for the source, where `before` was committed by the one before.

        Return what of that it has.
        """
        lacking = before - _had(source, before)
        self.is_whole &= not lacking
        self._before = before - lacking
        self._stream.source = source
        self._stream.history = self._history(source)
        return set(self._before)


def _had(server: MySQLServer, wanted: set[str]) -> set[str]:
    """Return which of these identities, GTIDs, a server has executed."""
    if server.flavour == "mysql":
        [(told,)] = server.execute("SELECT @@GLOBAL.gtid_executed")
        return wanted & set(expanded(str(told)))
    [(told,)] = server.execute("SELECT @@GLOBAL.gtid_binlog_pos")
    last = sequences(str(told))
    return {each for each in wanted if _number(each) <= last.get(each.partition("-")[0], 0)}


def _number(gtid: str) -> int:
    return int(gtid.rpartition("-")[2])
